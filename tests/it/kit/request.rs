//! Not tests: apps that sign or push their authorization requests.
//!
//! ```ignore
//! let app = Signer::register(bed, "ES256", json!({}));          // a client of its own each time
//! let object = app.object(&json!({ "nonce": null }));           // changed and removed parameters
//! let page = app.by_value(&browser, &object, &[]).await;        // only client_id beside it
//! let uri = app.pushed(&[]).await;                              // a request_uri of /oauth2/par
//! let page = app.take(&browser, &uri, &[]).await;
//! ```

use serde_json::{Value, json};

use crate::kit::client_signer::{ClientKey, jwks, now, register, with_assertion};
use crate::kit::fixtures::{Auth, Bed, CHALLENGE, NONCE, REDIRECT, Rp, STATE, unique};
use crate::support::browser_like::{Browser, Page};

/// An app with a key of its own.
pub struct Signer {
    pub rp: Rp,
    pub key: ClientKey,
    /// Whether it authenticates with the key rather than with a secret.
    asserts: bool,
}

impl Signer {
    /// Registers an app that asks nobody for consent; `changes` are further metadata.
    pub fn register(bed: &Bed, alg: &'static str, changes: &Value) -> Self {
        let (id, key) = (unique("signing"), ClientKey::new(alg, "k1"));
        let mut metadata = json!({ "redirect_uris": [REDIRECT], "jwks": jwks(&[&key]),
            "consent": "skip", "token_endpoint_auth_method": "client_secret_basic" });
        for (name, value) in changes.as_object().expect("metadata") {
            metadata[name] = value.clone();
        }
        let answer = register(&bed.world, &id, "web", &metadata);
        let secret = answer["client_secret"].as_str().map(ToOwned::to_owned);
        let auth = if secret.is_some() { Auth::Basic } else { Auth::None };
        let asserts = metadata["token_endpoint_auth_method"] == "private_key_jwt";
        let redirect_uri = REDIRECT.to_owned();
        Self { rp: Rp { secret, auth, redirect_uri, ..Rp::new(&bed.world, &id) }, key, asserts }
    }

    /// The claims of a request object: a whole request with PKCE. `changes` replace, null removes.
    pub fn claims(&self, changes: &Value) -> Value {
        let mut claims = json!({
            "iss": self.rp.id, "aud": self.rp.issuer, "iat": now(), "nbf": now(),
            "exp": now() + 300, "jti": unique("jti"), "client_id": self.rp.id,
            "response_type": "code", "redirect_uri": self.rp.redirect_uri, "scope": "openid",
            "state": STATE, "nonce": NONCE, "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        });
        for (name, value) in changes.as_object().expect("changes") {
            match value {
                Value::Null => drop(claims.as_object_mut().expect("claims").remove(name)),
                _ => claims[name] = value.clone(),
            }
        }
        claims
    }

    /// A request object of these claims.
    pub fn object(&self, changes: &Value) -> String {
        self.key.jwt(&self.claims(changes))
    }

    /// An authorization request with this object, `client_id`, and what else is given.
    pub async fn by_value(&self, browser: &Browser, object: &str, beside: &[(&str, &str)]) -> Page {
        self.go(browser, &[&[("request", object)], beside].concat()).await
    }

    /// An authorization request that names its parameters by `request_uri`.
    pub async fn take(&self, browser: &Browser, uri: &str, beside: &[(&str, &str)]) -> Page {
        self.go(browser, &[&[("request_uri", uri)], beside].concat()).await
    }

    async fn go(&self, browser: &Browser, fields: &[(&str, &str)]) -> Page {
        let all = [&[("client_id", self.rp.id.as_str())], fields].concat();
        let query = serde_urlencoded::to_string(all).expect("a query");
        browser.get(&format!("{}/oauth2/authorize?{query}", self.rp.issuer)).await
    }

    /// The parameters of a pushed request; a change replaces one, an empty one removes it.
    pub fn parameters(&self, changes: &[(&str, &str)]) -> Vec<(String, String)> {
        let pkce = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
        let kept = pkce.iter().filter(|(name, _)| !changes.iter().any(|(n, _)| n == name));
        let all: Vec<_> = kept.chain(changes).copied().collect();
        self.rp.parameters(&all)
    }

    /// Pushes these fields, authenticated.
    pub async fn push(&self, fields: &[(String, String)]) -> Page {
        if !self.asserts {
            return self.rp.post("/oauth2/par", fields).await;
        }
        let assertion = self.key.assertion(&self.rp.id, &self.rp.issuer, &json!({}));
        let fields: Vec<_> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        self.rp.post("/oauth2/par", &with_assertion(&fields, &assertion)).await
    }

    /// Pushes a request object.
    pub async fn push_object(&self, object: &str) -> Page {
        self.push(&[("client_id".into(), self.rp.id.clone()), ("request".into(), object.into())])
            .await
    }

    /// A pushed request's `request_uri`.
    pub async fn pushed(&self, changes: &[(&str, &str)]) -> String {
        request_uri(&self.push(&self.parameters(changes)).await)
    }
}

/// What a good answer of the endpoint names, checked as the certification suite does.
#[track_caller]
pub fn request_uri(page: &Page) -> String {
    page.assert_status(201).assert_header("cache-control", "no-store");
    assert!(page.header("content-type").starts_with("application/json"), "{}", page.describe());
    let json = page.json();
    assert!(json["expires_in"].as_i64().is_some_and(|seconds| seconds >= 5), "{json}");
    let uri = json["request_uri"].as_str().expect("a request_uri");
    let name = uri.strip_prefix("urn:ietf:params:oauth:request_uri:").expect("a URN of RFC 9126");
    assert!(name.len() >= 43, "fewer than 256 bits: {name}");
    uri.to_owned()
}
