//! People with accounts, and an app that they sign in to: a client of Doorward and the few pages it
//! has.

use std::collections::HashMap;

use reqwest::StatusCode;
use serde_json::{Value, json};
use url::Url;

use crate::driver::Browser;
use crate::driver::page_server::{Pages, serve};
use crate::support::world::World;

/// Everybody's password.
pub const PASSWORD: &str = "opens-every-door-here";

const PAGES: Pages = &[
    (
        "/callback",
        "",
        "<!doctype html><html lang=en><link rel=icon href=data:,><title>App</title><p>The app has: {echo}</p>",
    ),
    (
        "/signed-out",
        "",
        "<!doctype html><html lang=en><link rel=icon href=data:,><title>App</title><p>Signed out of the app",
    ),
];

/// Somebody with an account, by username.
pub struct Person(pub &'static str);

impl Person {
    /// Makes the account.
    pub fn exists(&self, world: &World) {
        let email = format!("{}@example.com", self.0);
        world.cli_with_input(
            &["user", "create", "--username", self.0, "--email", &email, "--password-file", "-"],
            PASSWORD,
        );
    }

    /// Makes the account with every right in the console.
    pub fn is_owner(&self, world: &World) {
        self.has_role(world, "owner");
    }

    /// Makes the account with a role in the console.
    pub fn has_role(&self, world: &World, role: &str) {
        let email = format!("{}@example.com", self.0);
        let name = ["user", "create", "--username", self.0, "--email", &email];
        world.cli_with_input(
            &[&name[..], &["--role", role, "--password-file", "-"]].concat(),
            PASSWORD,
        );
    }

    /// Fills in and sends the sign-in form that is shown.
    pub async fn sign_in(&self, browser: &Browser) {
        browser.fill("username", self.0).await;
        browser.fill("password", PASSWORD).await;
        browser.submit("sign-in").await;
    }
}

/// The app "Orchard Wiki", which asks for consent.
pub struct App {
    issuer: String,
    client_id: String,
    client_secret: String,
    address: String,
}

impl App {
    /// Makes the client and opens the app's own server.
    pub fn registered(world: &World) -> Self {
        let address = serve(PAGES);
        let file = world.path("metadata.json");
        std::fs::write(&file, metadata().to_string()).unwrap();
        let redirect = format!("{address}/callback");
        let signed_out = format!("{address}/signed-out");
        let client = world.cli(&[
            "client",
            "create",
            "--name",
            "Orchard Wiki",
            "--type",
            "web",
            "--redirect-uri",
            &redirect,
            "--post-logout-redirect-uri",
            &signed_out,
            "--metadata",
            &file.display().to_string(),
        ]);
        let text = |name: &str| client[name].as_str().expect("text").to_owned();
        Self {
            issuer: world.issuer.clone(),
            client_id: text("client_id"),
            client_secret: text("client_secret"),
            address,
        }
    }

    /// The provider's issuer.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The name it goes by.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// An authorization request with these parameters added.
    pub fn request(&self, more: &str) -> String {
        self.request_of(&self.client_id, more)
    }

    /// The same under another name.
    pub fn request_of(&self, client_id: &str, more: &str) -> String {
        let redirect = format!("{}/callback", self.address);
        format!("{}&{more}", self.bare_request(client_id, &redirect))
    }

    /// One that asks for the answer to be sent elsewhere.
    pub fn request_to(&self, redirect_uri: &str) -> String {
        format!("{}&scope=openid", self.bare_request(&self.client_id, redirect_uri))
    }

    /// A sign-out request without a hint of who is leaving.
    pub fn sign_out_request(&self, more: &str) -> String {
        let mut url = Url::parse(&format!("{}/oauth2/logout?{more}", self.issuer)).unwrap();
        url.query_pairs_mut()
            .append_pair("client_id", &self.client_id)
            .append_pair("post_logout_redirect_uri", &format!("{}/signed-out", self.address));
        url.into()
    }

    /// Waits until the browser is at a page of the app.
    pub async fn wait_for(&self, browser: &Browser, path: &str) {
        browser.wait_for_address(&format!("{}{path}", self.address)).await;
    }

    /// Waits for the browser to come back and gives the answer it brings in the address.
    pub async fn answer(&self, browser: &Browser) -> HashMap<String, String> {
        self.wait_for(browser, "/callback?").await;
        let address = Url::parse(&browser.address().await).unwrap();
        address.query_pairs().into_owned().collect()
    }

    /// Exchanges a code, as the app's server does behind the browser's back; gives the answer.
    pub async fn redeem(&self, code: &str) -> Value {
        let redirect = format!("{}/callback", self.address);
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &redirect),
            ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
        ];
        let (status, text) = self.asks_for_tokens(&form).await;
        assert!(status.is_success(), "{text}");
        serde_json::from_str(&text).expect("tokens")
    }

    /// Whether a refresh token still gets new tokens. Using it spends it.
    pub async fn refreshes(&self, token: &str) -> bool {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        let (status, text) = self.asks_for_tokens(&form).await;
        assert!(status.is_success() || text.contains("invalid_grant"), "{status}: {text}");
        status.is_success()
    }

    async fn asks_for_tokens(&self, grant: &[(&str, &str)]) -> (StatusCode, String) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut form = grant.to_vec();
        form.push(("client_id", self.client_id.as_str()));
        form.push(("client_secret", self.client_secret.as_str()));
        let request = client.post(format!("{}/oauth2/token", self.issuer)).form(&form);
        let answer = request.send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    fn bare_request(&self, client_id: &str, redirect_uri: &str) -> String {
        let mut url = Url::parse(&format!("{}/oauth2/authorize", self.issuer)).unwrap();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", client_id)
            .append_pair("redirect_uri", redirect_uri)
            // The example of RFC 7636 appendix B.
            .append_pair("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
            .append_pair("code_challenge_method", "S256");
        url.into()
    }
}

/// Further metadata of the app, which has no flag of its own.
fn metadata() -> Value {
    json!({
        "client_uri": "https://wiki.orchard.example",
        "policy_uri": "https://wiki.orchard.example/privacy",
        "tos_uri": "https://wiki.orchard.example/terms",
    })
}
