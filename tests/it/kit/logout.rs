//! What the logout tests share: an app that is told of sign-outs, and a look at what it was told.

use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

use crate::kit::fixtures::{AFTER_LOGOUT, jose_header, unique};
use crate::kit::flow::{App, Tokens, count, create_user, execute, get, sign_in};
use crate::support::browser_like::{Browser, Page};
use crate::support::process::wait_until_async;
use crate::support::tls_peer::{Answer, Recorded, TlsPeer};
use crate::support::world::World;

/// How long anything is waited for.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// An app with a server that hears of sign-outs.
pub struct Told {
    pub app: App,
    /// Where the peer hears of them.
    pub path: String,
}

impl Told {
    /// Registers an app whose back channel leads to [`TlsPeer::shared`], which answers 200.
    pub fn register(world: &World, flags: &[&str]) -> Self {
        Self::at(world, TlsPeer::shared(), flags)
    }

    /// Like [`register`](Self::register) at another peer.
    pub fn at(world: &World, peer: &TlsPeer, flags: &[&str]) -> Self {
        let id = unique("told");
        let path = format!("/{id}/logout");
        peer.serve(&path, Answer::status(200));
        let metadata = json!({
            "backchannel_logout_uri": peer.url(&path),
            "backchannel_logout_session_required": true,
        });
        Self { app: register(world, &id, (&metadata, flags)), path }
    }

    /// What it was told so far.
    pub fn heard(&self) -> Vec<Recorded> {
        TlsPeer::shared().requests(&self.path)
    }

    /// Waits until it was told so often.
    pub async fn hears(&self, count: usize) -> Vec<Recorded> {
        TlsPeer::shared().wait_for(&self.path, count).await
    }

    /// Waits until nothing more is on its way to it.
    pub async fn settled(&self, world: &World) {
        let sql = format!("select count(*) from outbox where client_id = '{}'", self.app.id);
        wait_until_async("an empty outbox", PATIENCE, async || count(world, &sql).await == 0).await;
    }
}

/// Registers an app with metadata from a file.
pub fn register(world: &World, id: &str, (metadata, flags): (&Value, &[&str])) -> App {
    let file = world.path(&format!("{id}.json"));
    std::fs::write(&file, metadata.to_string()).expect("write the metadata");
    let file = file.display().to_string();
    let fixed = ["--metadata", &file, "--post-logout-redirect-uri", AFTER_LOGOUT];
    App::register(world, id, &[&fixed[..], flags].concat())
}

/// A person nobody else knows, signed in.
pub async fn somebody(world: &World) -> (String, Browser) {
    let name = unique("somebody");
    create_user(world, &name);
    let browser = sign_in(world, &name).await;
    (name, browser)
}

/// The app sends the browser to sign out, with its ID token.
pub async fn sign_out_by_app(browser: &Browser, tokens: &Tokens) -> Page {
    sign_out_by_app_with(browser, tokens, "state-4711").await
}

/// Like [`sign_out_by_app`] with another state.
pub async fn sign_out_by_app_with(browser: &Browser, tokens: &Tokens, state: &str) -> Page {
    let query = [
        ("id_token_hint", tokens.id.as_str()),
        ("post_logout_redirect_uri", AFTER_LOGOUT),
        ("state", state),
    ];
    let query = serde_urlencoded::to_string(query).expect("a query");
    browser.get(&format!("/oauth2/logout?{query}")).await
}

/// Whether the app gets a code without a question.
pub async fn assert_signed_out(app: &App, browser: &Browser) {
    let page = browser.get(&app.authorize_path(&[("prompt", "none")])).await;
    assert_eq!(page.location_parameter("error").as_deref(), Some("login_required"));
}

/// The logout token of a request, which must hold nothing else.
#[track_caller]
pub fn token_of(sent: &Recorded) -> String {
    assert_eq!(sent.method, "POST");
    assert_eq!(sent.header("content-type"), Some("application/x-www-form-urlencoded"));
    let fields: Vec<_> = url::form_urlencoded::parse(&sent.body).collect();
    assert_eq!(fields.len(), 1, "{fields:?}");
    assert_eq!(fields[0].0, "logout_token");
    fields[0].1.to_string()
}

/// Checks the signature of a logout token with the published keys and gives its claims.
pub async fn verified(world: &World, token: &str, algorithm: Algorithm) -> Value {
    let header = jose_header(token);
    assert_eq!(header["typ"], "logout+jwt", "{header}");
    let keys: jsonwebtoken::jwk::JwkSet =
        serde_json::from_str(&get(&world.url("/.well-known/jwks.json")).await.text).unwrap();
    let key = keys.find(header["kid"].as_str().expect("a kid")).expect("a published key");
    let mut validation = Validation::new(algorithm);
    validation.validate_aud = false;
    let key = DecodingKey::from_jwk(key).expect("a public key");
    jsonwebtoken::decode::<Value>(token, &key, &validation).expect("a good signature").claims
}

/// Lets the waits of what was tried before be over; what is under way stays held.
pub async fn hurry(world: &World, client: &str) {
    let soon = jsonwebtoken::get_current_timestamp() + 25;
    let sql = format!(
        "update outbox set due_at = 0 where client_id = '{client}' and attempts > 0 \
         and due_at < {soon}"
    );
    execute(world, &sql).await;
}
