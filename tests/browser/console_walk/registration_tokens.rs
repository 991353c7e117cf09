//! Tokens with which apps register themselves: made, seen in the list, revoked. And the end of the
//! registration access of an app that did.

use reqwest::Method;
use serde_json::json;

use super::Owner;
use crate::support::browser_like::Page;

impl Owner {
    pub(super) async fn looks_after_registration_tokens(&self) {
        let browser = &self.browser;
        browser.click_text("Apps").await;
        browser.click_text("Registration tokens").await;
        self.is_at("/admin/registration-tokens", "There are no tokens").await;
        self.sees("registration-tokens-empty").await;
        browser.click_text("Make a token").await;
        self.is_at("/admin/registration-tokens/new", "Days it works").await;
        self.sees("registration-token-new").await;
        browser.fill("label", "Test bench").await;
        browser.fill("days", "1000").await;
        browser.submit("registration-token").await;
        browser.wait_for_text("works for 1 to 366 days").await;
        self.sees("registration-token-new-error").await;
        browser.fill("days", "30").await;
        browser.submit("registration-token").await;
        browser.wait_for_text("The token is made").await;
        self.sees("registration-token-once").await;
        let shown = browser.find("input#registration-token").await.prop("value").await;
        let token = shown.expect("a value").expect("a token");
        let app = self.registers(&token).await;
        browser.click_text("Done").await;
        self.is_at("/admin/registration-tokens", "Tokens, newest first").await;
        browser.wait_for_text("Used up").await;
        self.sees("registration-tokens").await;
        let partners = self.world.cli(&["registration-token", "create", "--label", "Partners"]);
        self.goes_to("/admin/registration-tokens").await;
        self.confirms("Revoke", "registration-token-revoke", "Partners is revoked").await;
        let late = self.asks_to_register(partners["token"].as_str().expect("a token")).await;
        late.assert_oauth_error(401, "invalid_token");
        assert_eq!(self.noted("registration_token.created"), 2);
        assert_eq!(self.noted("registration_token.revoked"), 1);
        self.goes_to(&format!("/admin/clients/{app}")).await;
        self.is_at(&format!("/admin/clients/{app}"), "the app can change and delete itself").await;
        self.sees("client-self-registered").await;
        let done = "Self-made can change itself no more";
        self.confirms("End registration access", "registration-access-end", done).await;
        browser.wait_for_text("Ended: it can change itself no more").await;
    }

    /// An app registers itself with this token; gives its id.
    async fn registers(&self, token: &str) -> String {
        let answer = self.asks_to_register(token).await;
        answer.assert_status(201);
        answer.json()["client_id"].as_str().expect("a client_id").to_owned()
    }

    async fn asks_to_register(&self, token: &str) -> Page {
        let app = json!({ "client_name": "Self-made", "redirect_uris": ["https://rp.test/cb"] });
        let elsewhere = self.world.browser();
        let request = elsewhere.request(Method::POST, &elsewhere.resolve("/oauth2/register"));
        elsewhere.send(request.bearer_auth(token).json(&app)).await
    }
}
