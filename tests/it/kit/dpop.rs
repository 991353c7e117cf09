//! DPoP keys and proofs, good and bad, and requests that carry them.

use doorward::crypto::secret::SecretHash;
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

pub use crate::kit::client_signer::now;

use crate::kit::client_signer::ClientKey;
use crate::kit::fixtures::{Auth, Bed, Rp, Tokens, payload, unique};
use crate::support::backends::Backend;
use crate::support::browser_like::Page;
use crate::support::world::World;

/// The clients of [`bed`].
const CLIENTS: [&str; 8] =
    ["conf-basic", "spa", "opaque", "daemon", "dpop-web", "native", "with-audience", "rs"];

/// A bed that the tests of proofs share.
pub async fn bed(backend: Backend) -> &'static Bed {
    static BEDS: [OnceCell<Bed>; 2] = [OnceCell::const_new(), OnceCell::const_new()];
    let cell = &BEDS[usize::from(backend == Backend::Production)];
    cell.get_or_init(async || Bed::new(World::start(backend).await, &CLIENTS).await).await
}

/// A client's key for proofs, or for anything else it signs.
pub struct Key {
    pair: ClientKey,
    pub alg: &'static str,
    /// The public half.
    pub jwk: Value,
}

impl Key {
    /// A fresh ES256 key.
    pub fn new() -> Self {
        Self::of("ES256")
    }

    /// A fresh key of ES256, ES384, EdDSA, PS256 or RS256.
    pub fn of(alg: &'static str) -> Self {
        let pair = ClientKey::new(alg, "");
        Self { jwk: pair.public(), pair, alg }
    }

    /// The RFC 7638 thumbprint.
    pub fn jkt(&self) -> String {
        let jwk: Jwk = serde_json::from_value(self.jwk.clone()).expect("a JWK");
        jwk.thumbprint(ThumbprintHash::SHA256).expect("a thumbprint")
    }

    /// A compact JWS of any header and payload.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    /// Like [`sign`](Self::sign), for texts that are no JSON.
    pub fn sign_text(&self, header: &str, claims: &str) -> String {
        self.pair.sign_text(self.alg, header, claims)
    }

    /// A good proof for a request.
    pub fn proof(&self, method: &str, url: &str) -> String {
        self.proof_with(&[], &claims(method, url))
    }

    /// A good proof for a request that sends an access token.
    pub fn proof_for_token(&self, method: &str, url: &str, token: &str) -> String {
        let hash = SecretHash::of(token).as_str().to_owned();
        self.proof_with(&[], &changed(claims(method, url), &[("ath", json!(hash))]))
    }

    /// A proof of these claims, with these members of the header changed; null removes one.
    pub fn proof_with(&self, header: &[(&str, Value)], claims: &Value) -> String {
        let good = json!({ "typ": "dpop+jwt", "alg": self.alg, "jwk": self.jwk });
        self.sign(&changed(good, header), claims)
    }
}

/// The claims of a good proof.
pub fn claims(method: &str, url: &str) -> Value {
    json!({ "jti": unique(&format!("jti-{}", std::process::id())), "htm": method, "htu": url,
        "iat": now() })
}

/// An object with members added, replaced or (by null) removed.
pub fn changed(mut object: Value, changes: &[(&str, Value)]) -> Value {
    let members = object.as_object_mut().expect("an object");
    for (name, value) in changes {
        match value {
            Value::Null => members.remove(*name),
            value => members.insert((*name).to_owned(), value.clone()),
        };
    }
    object
}

/// The address of an endpoint as the metadata gives it.
pub fn endpoint(rp: &Rp, path: &str) -> String {
    format!("{}{path}", rp.issuer)
}

/// A form to an endpoint at which clients authenticate, with these `DPoP` headers.
pub async fn post(rp: &Rp, path: &str, fields: &[(String, String)], proofs: &[String]) -> Page {
    let url = rp.http.resolve(&endpoint(rp, path));
    let mut request = rp.http.request(Method::POST, &url);
    let mut fields = fields.to_vec();
    match rp.auth {
        Auth::Basic => request = request.basic_auth(&rp.id, rp.secret.clone()),
        _ => fields.push(("client_id".into(), rp.id.clone())),
    }
    for proof in proofs {
        request = request.header("DPoP", proof);
    }
    rp.http.send(request.form(&fields)).await
}

/// A form to the token endpoint with one good proof of this key, or none.
pub async fn token(rp: &Rp, fields: &[(&str, &str)], key: Option<&Key>) -> Page {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let fields: Vec<_> = fields.iter().map(own).collect();
    let proof = key.map(|key| key.proof("POST", &endpoint(rp, "/oauth2/token")));
    post(rp, "/oauth2/token", &fields, proof.as_slice()).await
}

/// Redeems a code.
pub async fn redeem(rp: &Rp, code: &str, key: Option<&Key>) -> Page {
    let fields = rp.redeem_fields(code, &[]);
    let fields: Vec<_> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    token(rp, &fields, key).await
}

/// Refreshes.
pub async fn refresh(rp: &Rp, refresh_token: &str, key: Option<&Key>) -> Page {
    let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
    token(rp, &fields, key).await
}

/// A client's own token.
pub async fn own_token(rp: &Rp, key: Option<&Key>) -> Page {
    token(rp, &[("grant_type", "client_credentials")], key).await
}

/// The tokens of an answer, which are bound to this key.
#[track_caller]
pub fn bound_tokens(page: &Page, key: &Key) -> Tokens {
    page.assert_status(200).assert_header("cache-control", "no-store");
    let json = page.json();
    assert_eq!(json["token_type"], "DPoP", "{json}");
    let text = |name: &str| json[name].as_str().map(ToOwned::to_owned);
    let access = text("access_token").expect("an access token");
    if access.contains('.') {
        assert_eq!(payload(&access)["cnf"], json!({ "jkt": key.jkt() }));
    }
    Tokens { access, refresh: text("refresh_token"), id: text("id_token"), json: json.clone() }
}

/// Userinfo with this `Authorization` header and these `DPoP` headers.
pub async fn userinfo(rp: &Rp, authorization: &str, proofs: &[String]) -> Page {
    let url = rp.http.resolve(&endpoint(rp, "/oauth2/userinfo"));
    let mut request = rp.http.request(Method::GET, &url).header("Authorization", authorization);
    for proof in proofs {
        request = request.header("DPoP", proof);
    }
    rp.http.send(request).await
}

/// Userinfo as the holder of this key asks it.
pub async fn userinfo_with(rp: &Rp, token: &str, key: &Key) -> Page {
    let proof = key.proof_for_token("GET", &endpoint(rp, "/oauth2/userinfo"), token);
    userinfo(rp, &format!("DPoP {token}"), &[proof]).await
}

/// Checks a refusal of the resource.
#[track_caller]
pub fn assert_resource_error(page: &Page, error: &str) {
    page.assert_status(401).assert_header("cache-control", "no-store");
    let challenges: Vec<_> = page.headers.get_all("www-authenticate").iter().collect();
    let with = |text: &str| challenges.iter().any(|c| c.to_str().is_ok_and(|c| c.contains(text)));
    assert!(with(&format!("error=\"{error}\"")), "{challenges:?}");
    assert!(with("algs=\"ES256 EdDSA PS256 ES384\""), "{challenges:?}");
    assert!(page.json().get("sub").is_none(), "{}", page.describe());
}
