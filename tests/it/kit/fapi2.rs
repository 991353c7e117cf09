//! A client under the FAPI 2.0 profile, and what its program does: push, send the person over,
//! redeem, refresh. Every step is the right one; tests change what they are about.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::kit::client_signer::{ClientKey, jwks, register, with_assertion};
use crate::kit::dpop::{Key, bound_tokens, endpoint, userinfo_with};
use crate::kit::fixtures::{
    ALICE, Bed, CHALLENGE, Callback, NONCE, REDIRECT, Rp, STATE, Tokens, VERIFIER, changed, unique,
    walk,
};
use crate::support::backends::Backend;
use crate::support::browser_like::{Browser, Page};
use crate::support::world::World;

/// Where requests are pushed.
pub const PAR: &str = "/oauth2/par";

/// A bed that the tests of the profile share.
pub async fn bed(backend: Backend) -> &'static Bed {
    static BEDS: [OnceCell<Bed>; 2] = [OnceCell::const_new(), OnceCell::const_new()];
    let cell = &BEDS[usize::from(backend == Backend::Production)];
    cell.get_or_init(async || Bed::new(World::start(backend).await, &[]).await).await
}

/// The client. It has one key for what it signs and one that its tokens are bound to.
pub struct Bank {
    pub id: String,
    pub key: ClientKey,
    pub holder: Key,
    pub rp: Rp,
    /// A certificate in place of assertions and proofs, as a trusted proxy passes it on.
    pub certificate: Option<String>,
}

type Fields = Vec<(String, String)>;

/// The same fields as borrowed texts.
pub fn borrowed(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

impl Bank {
    /// Registers one under the security profile.
    pub fn new(bed: &Bed) -> Self {
        Self::with(bed, &json!({}))
    }

    /// Registers one whose metadata has these members as well.
    pub fn with(bed: &Bed, more: &Value) -> Self {
        let (id, key) = (unique("bank"), ClientKey::new("PS256", "k1"));
        let mut metadata = json!({
            "security_profile": "fapi2_security", "token_endpoint_auth_method": "private_key_jwt",
            "jwks": jwks(&[&key]), "redirect_uris": [REDIRECT],
            "id_token_signed_response_alg": "ES256", "access_token_alg": "ES256",
        });
        for (name, value) in more.as_object().expect("metadata") {
            metadata[name] = value.clone();
        }
        register(&bed.world, &id, "web", &metadata);
        let redirect_uri = metadata["redirect_uris"][0].as_str().expect("a URI").to_owned();
        let rp = Rp { redirect_uri, ..Rp::new(&bed.world, &id) };
        Self { id, key, holder: Key::new(), rp, certificate: None }
    }

    /// A good client assertion.
    pub fn assertion(&self) -> String {
        self.key.assertion(&self.id, &self.rp.issuer, &json!({}))
    }

    /// The parameters of an authorization request.
    pub fn parameters(&self, changes: &[(&str, &str)]) -> Fields {
        let right = [
            ("response_type", "code"),
            ("client_id", self.id.as_str()),
            ("redirect_uri", self.rp.redirect_uri.as_str()),
            ("scope", "openid"),
            ("state", STATE),
            ("nonce", NONCE),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        changed(&right, changes)
    }

    /// A form to an endpoint, with a fresh assertion and these `DPoP` headers.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)], proofs: &[String]) -> Page {
        if self.certificate.is_some() {
            return self.send(path, &changed(fields, &[("client_id", &self.id)]), proofs).await;
        }
        self.send(path, &with_assertion(fields, &self.assertion()), proofs).await
    }

    /// A form with nothing added but the headers.
    pub async fn send(&self, path: &str, form: &[(String, String)], proofs: &[String]) -> Page {
        let url = self.rp.http.resolve(&endpoint(&self.rp, path));
        let mut request = self.rp.http.request(Method::POST, &url);
        for proof in proofs {
            request = request.header("DPoP", proof);
        }
        if let Some(certificate) = &self.certificate {
            request = request.header("Client-Cert", certificate);
        }
        self.rp.http.send(request.form(form)).await
    }

    /// Pushes an authorization request.
    pub async fn push(&self, changes: &[(&str, &str)]) -> Page {
        self.post(PAR, &borrowed(&self.parameters(changes)), &[]).await
    }

    /// Pushes one with a proof of this key.
    pub async fn push_with(&self, changes: &[(&str, &str)], holder: &Key) -> Page {
        let proof = holder.proof("POST", &endpoint(&self.rp, PAR));
        self.post(PAR, &borrowed(&self.parameters(changes)), &[proof]).await
    }

    /// Pushes one and gives its `request_uri`.
    pub async fn pushed(&self, changes: &[(&str, &str)]) -> String {
        request_uri(&self.push(changes).await)
    }

    /// The address to send a person to for a pushed request.
    pub fn authorize_url(&self, request_uri: &str, more: &[(&str, &str)]) -> String {
        let right = [("client_id", self.id.as_str()), ("request_uri", request_uri)];
        let query = serde_urlencoded::to_string(changed(&right, more)).expect("a query");
        format!("{}/oauth2/authorize?{query}", self.rp.issuer)
    }

    /// The person does what every page asks, and comes back with an answer.
    pub async fn answer(&self, browser: &Browser, request_uri: &str) -> Callback {
        let page = browser.get(&self.authorize_url(request_uri, &[])).await;
        Callback::of(&walk(page, &ALICE).await)
    }

    /// A code, all the way.
    pub async fn code(&self, browser: &Browser, changes: &[(&str, &str)]) -> String {
        self.answer(browser, &self.pushed(changes).await).await.code()
    }

    /// A token request with a proof of this key, or none.
    pub async fn token(&self, fields: &[(&str, &str)], holder: Option<&Key>) -> Page {
        let proof = holder.map(|key| key.proof("POST", &endpoint(&self.rp, "/oauth2/token")));
        self.post("/oauth2/token", fields, proof.as_slice()).await
    }

    /// Redeems a code with the right fields.
    pub async fn redeem(&self, code: &str, holder: Option<&Key>) -> Page {
        self.redeem_with(code, &[], holder).await
    }

    /// Redeems a code with these fields changed.
    pub async fn redeem_with(
        &self,
        code: &str,
        changes: &[(&str, &str)],
        holder: Option<&Key>,
    ) -> Page {
        let right = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", self.rp.redirect_uri.as_str()),
            ("code_verifier", VERIFIER),
        ];
        self.token(&borrowed(&changed(&right, changes)), holder).await
    }

    /// Refreshes.
    pub async fn refresh(&self, refresh_token: &str, holder: Option<&Key>) -> Page {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        self.token(&fields, holder).await
    }

    /// Tokens, all the way.
    pub async fn tokens(&self, browser: &Browser, changes: &[(&str, &str)]) -> Tokens {
        let code = self.code(browser, changes).await;
        bound_tokens(&self.redeem(&code, Some(&self.holder)).await, &self.holder)
    }

    /// Checks that the access token works at the resource.
    pub async fn assert_alive(&self, tokens: &Tokens) {
        let page = userinfo_with(&self.rp, &tokens.access, &self.holder).await;
        page.assert_status(200);
        assert!(!page.header("date").is_empty(), "no Date header");
    }
}

/// The `request_uri` of a good answer to a pushed request (RFC 9126 section 2.2).
#[track_caller]
pub fn request_uri(page: &Page) -> String {
    page.assert_status(201).assert_header("cache-control", "no-store");
    assert!(page.header("content-type").starts_with("application/json"), "{}", page.describe());
    let json = page.json();
    let lifetime = json["expires_in"].as_i64().expect("expires_in");
    assert!((5..600).contains(&lifetime), "{json}");
    let uri = json["request_uri"].as_str().expect("request_uri").to_owned();
    assert!(uri.len() >= 22 + "urn:ietf:params:oauth:request_uri:".len(), "guessable: {uri}");
    uri
}

/// Checks an error that a program gets: this status, one of these codes.
#[track_caller]
pub fn assert_refused(page: &Page, status: u16, errors: &[&str]) {
    page.assert_status(status).assert_header("cache-control", "no-store");
    let json = page.json();
    assert!(json["error"].as_str().is_some_and(|error| errors.contains(&error)), "{json}");
    assert!(json.get("access_token").is_none() && json.get("request_uri").is_none(), "{json}");
}
