//! A sign-in tried with Doorward as an app of itself: its app made, refused, allowed, refreshed, signed out.

use serde_json::Value;

use super::Owner;

const RESULT: &str = "/admin/try/result";

impl Owner {
    /// The owner is signed out afterwards.
    pub(super) async fn tries_a_sign_in(&self) {
        self.makes_the_app_of_the_trial().await;
        self.tries_and_refuses().await;
        self.tries_and_allows().await;
        self.refreshes_and_signs_out().await;
    }

    async fn makes_the_app_of_the_trial(&self) {
        let browser = &self.browser;
        browser.click_text("Apps").await;
        browser.click_text("Try a sign-in").await;
        self.is_at("/admin/try", "It needs an app, which is not there yet").await;
        self.sees("try-no-app").await;
        browser.submit("try-app").await;
        self.is_at("/admin/try", "The app is there").await;
        self.sees("try").await;
        assert_eq!(self.noted("client.created"), 1);
        browser.fill("max_age", "an hour").await;
        browser.submit("try").await;
        browser.wait_for_text("Write a whole number of seconds").await;
        self.sees("try-error").await;
    }

    async fn tries_and_refuses(&self) {
        let browser = &self.browser;
        browser.fill("max_age", "7200").await;
        browser.submit("try").await;
        browser.click("button[value='deny']").await;
        self.is_at(RESULT, "Somebody said no").await;
        browser.wait_for_text("access_denied").await;
        self.sees("try-refused").await;
        browser.click_text("Try again").await;
        self.is_at("/admin/try", "What the app asks for").await;
    }

    async fn tries_and_allows(&self) {
        let browser = &self.browser;
        browser.click("#acr option[value='aal1']").await;
        browser.submit("try").await;
        browser.find("button[value='allow']").await;
        self.sees("try-consent").await;
        browser.click("button[value='allow']").await;
        self.is_at(RESULT, "The sign-in works: every check of the ID token passes").await;
        self.sees("try-result").await;
        let token = self.read_out("id-token").await;
        assert_eq!(token["sub"], self.world.cli(&["user", "show", "ada"])["id"]);
        assert_eq!(token["aud"], "doorward-try-it");
        assert_eq!(token["acr"], "aal1");
        assert_eq!(self.read_out("introspection").await["active"], true);
    }

    async fn refreshes_and_signs_out(&self) {
        let browser = &self.browser;
        browser.submit("try-refresh").await;
        self.is_at(RESULT, "The refresh token was used and replaced by another one").await;
        self.sees("try-refreshed").await;
        browser.submit("try-sign-out").await;
        browser.wait_for_address(&self.world.url("/login")).await;
        self.goes_to("/account").await;
        browser.find("form#sign-in").await;
        let sessions = self.world.cli(&["session", "list", "--user", "ada"]);
        assert_eq!(sessions["items"].as_array().map(Vec::len), Some(0), "{sessions}");
    }

    /// What a field of the result holds.
    async fn read_out(&self, id: &str) -> Value {
        let field = self.browser.find(&format!("textarea#{id}")).await;
        let text = field.prop("value").await.unwrap().expect("a value");
        serde_json::from_str(&text).expect("JSON")
    }
}
