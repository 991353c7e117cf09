//! Upstream providers: add, test, see what a person would look like, change, another secret, switch off and
//! on, delete.

use serde_json::Value;

use super::Owner;

const SECRET: &str = "upstream-secret-of-a-walk-8Qv";
const OTHER_SECRET: &str = "upstream-secret-of-a-walk-2Km";
/// What is noted on the way, once each.
const EVENTS: [&str; 7] =
    ["created", "tested", "updated", "secret_replaced", "disabled", "enabled", "deleted"];

impl Owner {
    pub(super) async fn looks_after_upstream_providers(&self) {
        self.adds_a_provider().await;
        self.tries_it().await;
        self.changes_the_provider().await;
        self.switches_it_off_and_deletes_it().await;
        for kind in EVENTS {
            assert_eq!(self.noted(&format!("upstream_provider.{kind}")), 1, "{kind}");
        }
        self.world.assert_log_is_clean(&[SECRET, OTHER_SECRET]);
    }

    async fn adds_a_provider(&self) {
        let browser = &self.browser;
        browser.click_text("Upstream").await;
        self.is_at("/admin/upstream", "No provider yet").await;
        self.sees("upstream-empty").await;
        browser.click_text("Add a provider").await;
        self.is_at("/admin/upstream/new", "How the secret is sent").await;
        self.sees("upstream-new").await;
        browser.fill("slug", "Our school").await;
        // Leads nowhere, on any machine.
        browser.fill("issuer", "https://school.test").await;
        browser.fill("display_name", "Our school").await;
        browser.fill("client_id", "doorward").await;
        browser.click("input[name='auth_method'][value='client_secret_post']").await;
        browser.fill("client_secret", SECRET).await;
        browser.submit("upstream-form").await;
        browser.wait_for_text("Type the secret once more").await;
        self.sees("upstream-new-error").await;
        assert_eq!(browser.value("client_secret").await.as_deref(), Some(""));
        browser.fill("slug", "school").await;
        browser.fill("client_secret", SECRET).await;
        browser.submit("upstream-form").await;
        self.is_at("/admin/upstream/", "Our school is added").await;
        self.sees("upstream").await;
        assert_eq!(self.school()["token_endpoint_auth_method"], "client_secret_post");
    }

    /// Its connection, which there is none of, and its claims.
    async fn tries_it(&self) {
        let browser = &self.browser;
        browser.click_text("Test connection").await;
        browser.wait_for_text("What the test found").await;
        browser.wait_for_text("One thing stands in the way").await;
        self.sees("upstream-tested").await;
        browser.fill("claims", "{").await;
        browser.submit("preview").await;
        browser.wait_for_text("There is something to change").await;
        self.sees("upstream-preview-error").await;
        let claims = r#"{"sub": "1", "preferred_username": "paula", "roles": ["staff"]}"#;
        browser.fill("claims", claims).await;
        browser.submit("preview").await;
        browser.wait_for_text("What would be known of somebody with these claims").await;
        let rows = browser.find("section[aria-labelledby='person'] tbody").await;
        let rows = rows.text().await.expect("the rows");
        assert!(rows.contains("paula") && rows.contains("preferred_username"), "{rows}");
        self.sees("upstream-preview").await;
    }

    async fn changes_the_provider(&self) {
        let browser = &self.browser;
        browser.fill("display_name", "The school").await;
        browser.click("#trusts_email").await;
        browser.submit("upstream-form").await;
        browser.wait_for_text("The school is saved").await;
        let ticked = browser.find("#trusts_email").await.is_selected().await.unwrap();
        assert!(ticked, "what was ticked stays ticked");
        browser.click_text("Replace the secret").await;
        browser.wait_for_text("It takes the place of the one that is kept now").await;
        self.sees("upstream-secret").await;
        browser.fill("client_secret", OTHER_SECRET).await;
        browser.submit("secret").await;
        self.is_at("/admin/upstream/", "The secret for The school is kept").await;
    }

    async fn switches_it_off_and_deletes_it(&self) {
        let browser = &self.browser;
        self.confirms("Disable", "upstream-disable", "The school is disabled").await;
        assert!(self.school()["disabled_at"].is_string());
        self.sees("upstream-disabled").await;
        // By the message itself, which takes back what it tells of.
        browser.submit("undo").await;
        browser.wait_for_text("The school is enabled").await;
        assert!(self.school()["disabled_at"].is_null());
        browser.click_text("Upstream").await;
        self.is_at("/admin/upstream", "Every upstream provider").await;
        self.sees("upstreams").await;
        browser.click_text("The school").await;
        self.is_at("/admin/upstream/", "What is agreed with it").await;
        self.deletes_by_name("The school", "upstream-delete", "The school is deleted").await;
        self.is_at("/admin/upstream", "No provider yet").await;
        assert!(!self.world.run(&["upstream", "show", "school"]).status.success());
    }

    fn school(&self) -> Value {
        self.world.cli(&["upstream", "show", "school"])
    }
}
