//! A client under the FAPI 2.0 profile, and what its program does: push, send the person over,
//! redeem, refresh. Every step is the right one; tests change what they are about.
//!
//! The plans leave choices open. [`banks`] gives a client for each [`Variant`] of them, one after the
//! other, and a module of the plan goes through all that it applies to.

use jsonwebtoken::Algorithm;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::authorize::jarm::opened;
use crate::kit::client_signer::{ClientKey, jwks, now, register, with_assertion};
use crate::kit::dpop::{Key, bound_tokens, endpoint, userinfo_with};
use crate::kit::fixtures::{
    ALICE, Bed, CHALLENGE, Callback, DETAIL_TYPES, NONCE, REDIRECT, Rp, STATE, Tokens, VERIFIER,
    changed, payload, unique, walk,
};
use crate::kit::mtls::{header, header_builder, thumbprint};
use crate::support::authority::{Identity, Name};
use crate::support::backends::Backend;
use crate::support::browser_like::{Browser, Page};
use crate::support::world::WorldBuilder;

/// Where requests are pushed.
pub const PAR: &str = "/oauth2/par";

/// A Doorward with all that the variants need: it believes the certificates that a proxy passes on,
/// and knows types of authorization details.
pub fn builder(backend: Backend) -> WorldBuilder {
    header_builder(backend, "127.0.0.1").env(DETAIL_TYPES.0, DETAIL_TYPES.1)
}

/// A bed that the tests of the profile share.
pub async fn bed(backend: Backend) -> &'static Bed {
    static BEDS: [OnceCell<Bed>; 2] = [OnceCell::const_new(), OnceCell::const_new()];
    let cell = &BEDS[usize::from(backend == Backend::Production)];
    cell.get_or_init(async || Bed::new(builder(backend).start().await, &[]).await).await
}

/// What a client chose of the variants of the plans. Together they take every value once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// `private_key_jwt`, `dpop`, `openid_connect`, `simple`; nothing is signed that need not be.
    Keys,
    /// The same client in the Message Signing plan: `signed_non_repudiation` and `jarm`.
    Signed,
    /// `mtls` for authentication and for sender constraint, `plain_oauth`, `rar`.
    Certificates,
}

impl Variant {
    /// For modules that apply to every client.
    pub const ALL: [Self; 3] = [Self::Keys, Self::Signed, Self::Certificates];
    /// For modules about client assertions, DPoP or ID tokens.
    pub const WITH_KEYS: [Self; 2] = [Self::Keys, Self::Signed];

    /// What is registered beside what every client of the profile registers.
    fn metadata(self) -> Value {
        match self {
            Self::Keys => json!({}),
            Self::Signed => json!({
                "security_profile": "fapi2_message_signing",
                "authorization_signed_response_alg": "PS256",
            }),
            Self::Certificates => json!({
                "token_endpoint_auth_method": "self_signed_tls_client_auth",
                "tls_client_certificate_bound_access_tokens": true,
                "scope": "api:read offline_access",
                "authorization_details_types": ["payment_initiation"],
            }),
        }
    }
}

/// Who sends a token request, as far as the key matters that tokens are bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Whoever has the key.
    Own,
    /// Somebody with another one.
    Another,
    /// Somebody who shows none.
    Nobody,
}

/// The client. It has one key for what it signs and one that its tokens are bound to.
pub struct Bank {
    pub id: String,
    pub variant: Variant,
    pub key: ClientKey,
    pub holder: Key,
    pub rp: Rp,
    /// A certificate in place of assertions and proofs, which a trusted proxy passes on.
    pub identity: Option<Identity>,
}

type Fields = Vec<(String, String)>;

/// The same fields as borrowed texts.
pub fn borrowed(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// A client for each of these variants, made when its turn comes; what fails says which it was.
#[expect(clippy::print_stdout, reason = "kept by the test runner for a test that fails")]
pub fn banks<'a>(bed: &'a Bed, variants: &'a [Variant]) -> impl Iterator<Item = Bank> + 'a {
    variants.iter().map(|variant| {
        println!("{variant:?}:");
        Bank::of(bed, *variant, &json!({}))
    })
}

/// What a client with `rar` asks for.
fn payment() -> Value {
    json!([{ "type": "payment_initiation", "instructedAmount": { "currency": "EUR", "amount": "123.50" } }])
}

impl Bank {
    /// Registers one under the security profile.
    pub fn new(bed: &Bed) -> Self {
        Self::with(bed, &json!({}))
    }

    /// Registers one whose metadata has these members as well.
    pub fn with(bed: &Bed, more: &Value) -> Self {
        Self::of(bed, Variant::Keys, more)
    }

    /// Registers another one of the same variant.
    pub fn another(&self, bed: &Bed) -> Self {
        Self::of(bed, self.variant, &json!({}))
    }

    /// Registers one of a variant, whose metadata has these members as well.
    pub fn of(bed: &Bed, variant: Variant, more: &Value) -> Self {
        let (id, key) = (unique("bank"), ClientKey::new("PS256", "k1"));
        let identity = (variant == Variant::Certificates)
            .then(|| Identity::self_signed(&[Name::Dns("bank.example")]));
        let keys = identity.as_ref().map(|identity| json!({ "keys": [identity.jwk] }));
        let mut metadata = json!({
            "security_profile": "fapi2_security", "token_endpoint_auth_method": "private_key_jwt",
            "jwks": keys.unwrap_or_else(|| jwks(&[&key])), "redirect_uris": [REDIRECT],
            "id_token_signed_response_alg": "ES256", "access_token_alg": "ES256",
        });
        for members in [&variant.metadata(), more] {
            for (name, value) in members.as_object().expect("metadata") {
                metadata[name] = value.clone();
            }
        }
        register(&bed.world, &id, "web", &metadata);
        let redirect_uri = metadata["redirect_uris"][0].as_str().expect("a URI").to_owned();
        let rp = Rp { redirect_uri, ..Rp::new(&bed.world, &id) };
        Self { id, variant, key, holder: Key::new(), rp, identity }
    }

    /// A good client assertion.
    pub fn assertion(&self) -> String {
        self.key.assertion(&self.id, &self.rp.issuer, &json!({}))
    }

    /// The scope of requests that set none: `openid`, where that is spoken.
    pub fn scope(&self) -> &'static str {
        if self.variant == Variant::Certificates { "api:read" } else { "openid" }
    }

    /// The parameters of an authorization request.
    pub fn parameters(&self, changes: &[(&str, &str)]) -> Fields {
        let details = payment().to_string();
        let mut right = vec![
            ("response_type", "code"),
            ("client_id", self.id.as_str()),
            ("redirect_uri", self.rp.redirect_uri.as_str()),
            ("scope", self.scope()),
            ("state", STATE),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        right.push(match self.variant {
            Variant::Certificates => ("authorization_details", details.as_str()),
            Variant::Keys | Variant::Signed => ("nonce", NONCE),
        });
        changed(&right, changes)
    }

    /// The claims of a good request object with these parameters.
    pub fn claims(&self, changes: &[(&str, &str)]) -> Value {
        let mut claims = json!({
            "iss": self.id, "aud": self.rp.issuer, "jti": unique("object"), "iat": now(),
            "nbf": now(), "exp": now() + 300, "response_mode": "jwt",
        });
        for (name, value) in self.parameters(changes) {
            let is_json = name == "claims";
            claims[name] =
                if is_json { serde_json::from_str(&value).expect("JSON") } else { json!(value) };
        }
        claims
    }

    /// What is sent to push a request with these changes: its parameters, or an object of them.
    pub fn pushed_form(&self, changes: &[(&str, &str)]) -> Fields {
        if self.variant != Variant::Signed {
            return self.parameters(changes);
        }
        let object = self.key.jwt(&self.claims(changes));
        changed(&[("request", &object), ("client_id", &self.id)], &[])
    }

    /// A form to an endpoint, with what authenticates the client and these `DPoP` headers.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)], proofs: &[String]) -> Page {
        if self.identity.is_some() {
            return self.send(path, &changed(fields, &[("client_id", &self.id)]), proofs).await;
        }
        self.send(path, &with_assertion(fields, &self.assertion()), proofs).await
    }

    /// A form with nothing added but the headers.
    pub async fn send(&self, path: &str, form: &[(String, String)], proofs: &[String]) -> Page {
        self.send_by(path, form, (proofs, self.identity.as_ref())).await
    }

    /// A form with these headers.
    async fn send_by(
        &self,
        path: &str,
        form: &[(String, String)],
        (proofs, identity): (&[String], Option<&Identity>),
    ) -> Page {
        let url = self.rp.http.resolve(&endpoint(&self.rp, path));
        let mut request = self.rp.http.request(Method::POST, &url);
        for proof in proofs {
            request = request.header("DPoP", proof);
        }
        if let Some(identity) = identity {
            request = request.header("Client-Cert", header(identity));
        }
        self.rp.http.send(request.form(form)).await
    }

    /// Pushes an authorization request.
    pub async fn push(&self, changes: &[(&str, &str)]) -> Page {
        self.post(PAR, &borrowed(&self.pushed_form(changes)), &[]).await
    }

    /// Pushes one with a proof of this key.
    pub async fn push_with(&self, changes: &[(&str, &str)], holder: &Key) -> Page {
        let proof = holder.proof("POST", &endpoint(&self.rp, PAR));
        self.post(PAR, &borrowed(&self.pushed_form(changes)), &[proof]).await
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
        self.came_back(&walk(page, &ALICE).await).await
    }

    /// The answer that this page sends to the client; a signed one is checked and opened.
    pub async fn came_back(&self, page: &Page) -> Callback {
        let callback = Callback::of(page);
        if self.variant != Variant::Signed {
            return callback;
        }
        let Callback { target, parameters } = callback;
        let is_answer = |(name, _): &(String, String)| name == "response";
        let (answer, mut parameters): (Vec<_>, Vec<_>) =
            parameters.into_iter().partition(is_answer);
        let signed = Callback { target: target.clone(), parameters: answer };
        let claims = opened(&self.rp, &signed, Algorithm::PS256).await;
        for (name, value) in claims.as_object().expect("claims") {
            if let Some(text) = value.as_str().filter(|_| name != "aud") {
                parameters.push((name.clone(), text.to_owned()));
            }
        }
        Callback { target, parameters }
    }

    /// A code, all the way.
    pub async fn code(&self, browser: &Browser, changes: &[(&str, &str)]) -> String {
        self.answer(browser, &self.pushed(changes).await).await.code()
    }

    /// A token request of this holder.
    pub async fn token(&self, fields: &[(&str, &str)], holder: Holder) -> Page {
        const PATH: &str = "/oauth2/token";
        if let Some(own) = &self.identity {
            let another = Identity::self_signed(&[Name::Dns("bank.example")]);
            let shown = match holder {
                Holder::Own => Some(own),
                Holder::Another => Some(&another),
                Holder::Nobody => None,
            };
            let form = changed(fields, &[("client_id", &self.id)]);
            return self.send_by(PATH, &form, (&[], shown)).await;
        }
        let proof = |key: &Key| key.proof("POST", &endpoint(&self.rp, PATH));
        let proof = match holder {
            Holder::Own => Some(proof(&self.holder)),
            Holder::Another => Some(proof(&Key::new())),
            Holder::Nobody => None,
        };
        self.post(PATH, fields, proof.as_slice()).await
    }

    /// Redeems a code with the right fields.
    pub async fn redeem(&self, code: &str, holder: Holder) -> Page {
        self.redeem_with(code, &[], holder).await
    }

    /// Redeems a code with these fields changed.
    pub async fn redeem_with(&self, code: &str, changes: &[(&str, &str)], holder: Holder) -> Page {
        let right = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", self.rp.redirect_uri.as_str()),
            ("code_verifier", VERIFIER),
        ];
        self.token(&borrowed(&changed(&right, changes)), holder).await
    }

    /// Refreshes.
    pub async fn refresh(&self, refresh_token: &str, holder: Holder) -> Page {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        self.token(&fields, holder).await
    }

    /// The tokens of an answer, which are bound to the client's key or certificate.
    #[track_caller]
    pub fn bound(&self, page: &Page) -> Tokens {
        let Some(identity) = &self.identity else { return bound_tokens(page, &self.holder) };
        let tokens = Tokens::of(page);
        let claims = payload(&tokens.access);
        assert_eq!(claims["cnf"], json!({ "x5t#S256": thumbprint(identity) }));
        if self.variant == Variant::Certificates {
            assert!(tokens.id.is_none(), "{}", tokens.json);
            assert_eq!(tokens.json["authorization_details"], payment());
            assert_eq!(claims["authorization_details"], payment());
        }
        tokens
    }

    /// Tokens, all the way.
    pub async fn tokens(&self, browser: &Browser, changes: &[(&str, &str)]) -> Tokens {
        let code = self.code(browser, changes).await;
        self.bound(&self.redeem(&code, Holder::Own).await)
    }

    /// What the resource says to whoever holds the token.
    pub async fn userinfo(&self, tokens: &Tokens) -> Page {
        let Some(identity) = &self.identity else {
            return userinfo_with(&self.rp, &tokens.access, &self.holder).await;
        };
        self.userinfo_by(identity, &format!("Bearer {}", tokens.access)).await
    }

    /// The same with a certificate and another `Authorization` header.
    pub async fn userinfo_by(&self, identity: &Identity, authorization: &str) -> Page {
        let url = self.rp.http.resolve(&endpoint(&self.rp, "/oauth2/userinfo"));
        let request =
            self.rp.http.request(Method::GET, &url).header("Authorization", authorization);
        self.rp.http.send(request.header("Client-Cert", header(identity))).await
    }

    /// Checks that the access token works at the resource.
    pub async fn assert_alive(&self, tokens: &Tokens) {
        let page = self.userinfo(tokens).await;
        self.assert_believed(&page);
        assert!(!page.header("date").is_empty(), "no Date header");
    }

    /// Checks an answer of the resource to a token that it believes. Userinfo is the one resource
    /// here, and tells a client without `openid` no more than that this scope is missing.
    #[track_caller]
    pub fn assert_believed(&self, page: &Page) {
        if self.variant == Variant::Certificates {
            page.assert_status(403);
            let challenge = page.header("www-authenticate");
            assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
        } else {
            page.assert_status(200);
        }
    }

    /// Checks a refusal of a token request without the right key. Where a certificate is both, it is
    /// the client's authentication that is missing.
    #[track_caller]
    pub fn assert_unheld(&self, page: &Page) {
        if self.identity.is_some() {
            assert_refused(page, 401, &["invalid_client"]);
        } else {
            assert_refused(page, 400, &["invalid_request", "invalid_grant"]);
        }
    }

    /// Checks that the access token has ended.
    pub async fn assert_over(&self, tokens: &Tokens) {
        let page = self.userinfo(tokens).await;
        page.assert_status(401).assert_header("cache-control", "no-store");
        let challenges: Vec<_> = page.headers.get_all("www-authenticate").iter().collect();
        let over = |text: &str| text.contains("error=\"invalid_token\"");
        assert!(challenges.iter().any(|c| c.to_str().is_ok_and(over)), "{challenges:?}");
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
