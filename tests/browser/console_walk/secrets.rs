//! How an app proves who it is: a second secret, the end of the first, and one way to send it.

use reqwest::Method;

use super::Owner;

/// The links that retire a secret of the app, the newest secret first.
const RETIRE: &str = "section[aria-labelledby='secrets'] a[href*='/retire-secret']";

impl Owner {
    pub(super) async fn looks_after_credentials_of_an_app(&self) {
        let name = ["client", "create", "--name", "Ledger", "--type", "machine"];
        let made = self.world.cli(&[&name[..], &["--client-id", "ledger"]].concat());
        let first = made["client_secret"].as_str().expect("a secret");
        let second = self.adds_a_second_secret(first).await;
        self.retires_the_first(first, &second).await;
        self.takes_it_in_a_form_alone(&second).await;
        self.world.assert_log_is_clean(&[first, &second]);
    }

    async fn adds_a_second_secret(&self, first: &str) -> String {
        let browser = &self.browser;
        browser.click_text("Apps").await;
        self.is_at("/admin/clients", "Every app").await;
        browser.click_text("Ledger").await;
        self.is_at("/admin/clients/ledger", "Live secrets, newest first").await;
        assert!(!browser.has(RETIRE).await, "never the only one");
        browser.click_text("Add a second secret").await;
        browser.wait_for_text("The old one works beside it").await;
        self.sees("app-second-secret").await;
        let second = self.secret_shown().await;
        for secret in [first, &second] {
            assert_eq!(self.token_for(secret).await, 200, "both work");
        }
        browser.click_text("Done").await;
        self.is_at("/admin/clients/ledger", "Live secrets, newest first").await;
        assert!(!browser.shows("Add a second secret").await, "two at most");
        self.sees("app-two-secrets").await;
        second
    }

    async fn retires_the_first(&self, first: &str, second: &str) {
        let browser = &self.browser;
        let older =
            "section[aria-labelledby='secrets'] tbody tr:last-child a[href*='/retire-secret']";
        browser.click(older).await;
        browser.wait_for_text("It stops working at once").await;
        browser.click_text("Cancel").await;
        self.is_at("/admin/clients/ledger", "Live secrets, newest first").await;
        assert_eq!(self.token_for(first).await, 200, "a question changes nothing");
        browser.click(older).await;
        self.says_yes(self.question(), "app-retire-secret", "The secret is retired").await;
        assert_eq!(self.token_for(first).await, 401);
        assert_eq!(self.token_for(second).await, 200);
        assert!(!browser.has(RETIRE).await, "the last one stays");
        for kind in ["client.secret_added", "client.secret_retired"] {
            assert_eq!(self.noted(kind), 1, "{kind}");
        }
    }

    async fn takes_it_in_a_form_alone(&self, secret: &str) {
        let browser = &self.browser;
        browser.click_text("Credentials: how it proves who it is").await;
        self.is_at("/admin/clients/ledger/credentials", "It proves itself with").await;
        self.sees("app-credentials").await;
        browser.fill("jwks", "no keys").await;
        browser.submit("client").await;
        browser.wait_for_text("Its keys: this is no JSON").await;
        self.sees("app-credentials-error").await;
        browser.find("#jwks").await.clear().await.expect("empty the field");
        browser.click("#auth_method option[value='client_secret_post']").await;
        browser.submit("client").await;
        self.is_at("/admin/clients/ledger", "The credentials of Ledger are saved").await;
        let app = self.world.cli(&["client", "show", "ledger"]);
        assert_eq!(app["token_endpoint_auth_method"], "client_secret_post");
        assert_eq!(self.token_for(secret).await, 401, "not in a header any more");
    }

    /// What the token endpoint answers the app with this secret, in a header.
    async fn token_for(&self, secret: &str) -> u16 {
        let program = self.world.browser();
        let request = program.request(Method::POST, &program.resolve("/oauth2/token"));
        let request = request.basic_auth("ledger", Some(secret));
        let request = request.form(&[("grant_type", "client_credentials")]);
        program.send(request).await.status.as_u16()
    }
}
