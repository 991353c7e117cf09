//! Apps: add, keep the secret, change, replace the secret, disable, delete.

use super::Owner;

impl Owner {
    pub(super) async fn looks_after_apps(&self) {
        self.adds_an_app().await;
        self.changes_it().await;
        self.gives_roles().await;
        self.replaces_its_secret().await;
        self.disables_and_deletes().await;
    }

    async fn adds_an_app(&self) {
        let browser = &self.browser;
        browser.click_text("Apps").await;
        self.is_at("/admin/clients", "No apps yet").await;
        self.sees("apps-empty").await;
        browser.click_text("Add an app").await;
        self.is_at("/admin/clients/new", "What are you connecting?").await;
        self.sees("app-what").await;
        browser.fill("q", "grafana").await;
        browser.click("form.search button").await;
        self.is_at("/admin/clients/new?q=grafana", "Grafana").await;
        browser.click("a[href$='app=grafana']").await;
        self.is_at("/admin/clients/new?app=grafana", "Where is it?").await;
        browser.fill("url", "grafana").await;
        browser.submit("address").await;
        browser.wait_for_text("There is something to change").await;
        self.sees("app-where").await;
        browser.fill("url", "https://harvest.example").await;
        browser.submit("address").await;
        browser.wait_for_text("What kind of app is it?").await;
        self.sees("app-new").await;
        browser.fill("name", "Harvest planner").await;
        browser.fill("redirect_uris", "http://harvest.example/callback#top").await;
        browser.submit("client").await;
        browser.wait_for_text("There is something to change").await;
        self.sees("app-new-error").await;
        browser.fill("redirect_uris", "https://harvest.example/callback").await;
        browser.submit("client").await;
        browser.wait_for_text("Harvest planner is added").await;
        assert_eq!(self.secret_shown().await.len(), 43);
        self.sees("app-added").await;
        browser.click_text("Done").await;
        self.is_at("/admin/clients/", "What the app needs to know").await;
        self.sees("app").await;
        browser.click_text("Connect: settings for well-known apps").await;
        browser.wait_for_text("Choose what it is").await;
        browser.click("a[href$='app=grafana']").await;
        browser.wait_for_text("grafana.ini").await;
        self.sees("app-connect").await;
        browser.click("nav.crumbs a:last-child").await;
        self.is_at("/admin/clients/", "What the app needs to know").await;
    }

    pub(super) async fn secret_shown(&self) -> String {
        let field = self.browser.find("#client-secret").await;
        field.prop("value").await.unwrap().expect("a secret")
    }

    async fn changes_it(&self) {
        let browser = &self.browser;
        browser.fill("name", "Harvest planner 2").await;
        browser.click("label[for='skip_consent']").await;
        browser.fill("frontchannel_logout_uri", "https://harvest.example/out").await;
        browser.click("label[for='frontchannel_logout_session_required']").await;
        browser.click("form#client summary").await;
        browser.fill("policy_uri", "https://harvest.example/privacy").await;
        browser.submit("client").await;
        browser.wait_for_text("Harvest planner 2 is saved").await;
        for (field, value) in [
            ("#frontchannel_logout_uri", "https://harvest.example/out"),
            ("#policy_uri", "https://harvest.example/privacy"),
        ] {
            let shown = browser.find(field).await.prop("value").await.unwrap();
            assert_eq!(shown.as_deref(), Some(value), "{field}");
        }
        let ticked = browser.find("#skip_consent").await.is_selected().await.unwrap();
        assert!(ticked, "what was ticked stays ticked");
        self.sees("app-saved").await;
    }

    async fn replaces_its_secret(&self) {
        let browser = &self.browser;
        let question = "Replace the secret";
        self.confirms(question, "app-rotate", "The old one has stopped working").await;
        assert_eq!(self.secret_shown().await.len(), 43);
        self.sees("app-secret").await;
        browser.click_text("Done").await;
    }

    async fn disables_and_deletes(&self) {
        let browser = &self.browser;
        self.confirms("Disable", "app-disable", "is disabled and its tokens work no more").await;
        browser.click_text("Apps").await;
        self.is_at("/admin/clients", "Every app").await;
        self.sees("apps").await;
        browser.click_text("Harvest planner 2").await;
        browser.click_text("Enable").await;
        browser.wait_for_text("People can sign in to Harvest planner 2 again").await;
        let name = "Harvest planner 2";
        self.deletes_by_name(name, "app-delete", &format!("{name} is deleted")).await;
        self.is_at("/admin/clients", "No apps yet").await;
    }
}
