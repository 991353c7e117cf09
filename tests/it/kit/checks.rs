//! What the catalogue of attacks calls the safe outcomes, as assertions.

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::kit::fixtures::{Callback, NONCE, Rp, STATE, Tokens};
use crate::support::browser_like::Page;

/// A page of our own: no redirect, nothing issued ("P400").
#[track_caller]
pub fn assert_error_page(page: &Page) {
    page.assert_status(400).assert_no_header("location").assert_page_headers();
    assert!(
        !page.has("form[id='sign-in']") && !page.has("form[id='consent']"),
        "{}",
        page.describe()
    );
    assert!(page.set_cookies().iter().all(|c| !c.name.contains("session")), "a session cookie");
}

/// The headers of section 4.1 on an answer of 503, page or not, and when to try again.
#[track_caller]
pub fn assert_headers_of_failure(headers: &HeaderMap) {
    let value = |name: &str| {
        headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    for (name, expected) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(value(name), expected, "{name} of {headers:?}");
    }
    for name in [
        "permissions-policy",
        "cross-origin-opener-policy",
        "x-request-id",
        "retry-after",
        "content-type",
    ] {
        assert!(!value(name).is_empty(), "no {name} in {headers:?}");
    }
    let policy = value("content-security-policy");
    for part in ["default-src 'none'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "no `{part}` in `{policy}`");
    }
    assert!(
        !headers.contains_key("server") && !headers.contains_key("x-powered-by"),
        "{headers:?}"
    );
}

/// An error that travels to the client's registered URI by redirect ("R:x").
#[track_caller]
pub fn assert_client_error(page: &Page, rp: &Rp, error: &str) {
    assert_client_error_with_state(page, rp, error, Some(STATE));
}

/// Like [`assert_client_error`] for a request with another `state`, or none.
#[track_caller]
pub fn assert_client_error_with_state(page: &Page, rp: &Rp, error: &str, state: Option<&str>) {
    assert!(matches!(page.status.as_u16(), 302 | 303), "{}", page.describe());
    let (registered, _) = rp.redirect_uri.split_once('?').unwrap_or((&rp.redirect_uri, ""));
    let callback = Callback::of(page);
    assert_eq!(callback.target, registered, "{}", page.describe());
    assert_error_callback(&callback, rp, error, state);
    assert!(page.set_cookies().iter().all(|c| !c.name.contains("session")), "a session cookie");
}

/// The parameters of an error answer, however they travel.
#[track_caller]
pub fn assert_error_callback(callback: &Callback, rp: &Rp, error: &str, state: Option<&str>) {
    assert_eq!(callback.get("error"), Some(error), "{callback:?}");
    assert_eq!(callback.get("state"), state, "{callback:?}");
    assert_eq!(callback.get("iss"), Some(rp.issuer.as_str()), "{callback:?}");
    assert!(callback.get("code").is_none(), "a code in an error answer: {callback:?}");
    if let Some(description) = callback.get("error_description") {
        assert_description(description);
    }
    for (name, _) in &callback.parameters {
        let known = ["error", "state", "iss", "error_description", "error_uri", "session_state"];
        assert!(
            known.contains(&name.as_str()) || rp.redirect_uri.contains(name.as_str()),
            "{name}"
        );
    }
}

/// RFC 6749 section 4.1.2.1: printable ASCII without quotes and backslashes.
#[track_caller]
pub fn assert_description(text: &str) {
    let allowed = |b: u8| matches!(b, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E);
    assert!(text.bytes().all(allowed), "a character RFC 6749 forbids: {text}");
}

/// A successful answer of the authorization endpoint.
#[track_caller]
pub fn assert_success(callback: &Callback, rp: &Rp, state: &str) -> String {
    assert_eq!(callback.get("state"), Some(state), "{callback:?}");
    assert_eq!(callback.get("iss"), Some(rp.issuer.as_str()), "{callback:?}");
    callback.code()
}

/// Nothing issued together with these tokens lives any more ("DEAD").
pub async fn assert_dead(rp: &Rp, tokens: &Tokens) {
    assert_access_token_dead(rp, &tokens.access).await;
    if let Some(refresh) = &tokens.refresh {
        rp.refresh(refresh).await.assert_oauth_error(400, "invalid_grant");
    }
}

/// Userinfo and introspection no longer know the access token.
pub async fn assert_access_token_dead(rp: &Rp, access_token: &str) {
    let page = rp.userinfo(access_token).await;
    page.assert_status(401);
    assert!(
        page.header("www-authenticate").contains("error=\"invalid_token\""),
        "{}",
        page.describe()
    );
    if rp.secret.is_some() {
        assert_eq!(rp.introspect(access_token).await, serde_json::json!({ "active": false }));
    }
}

/// The access token counts at userinfo.
pub async fn assert_alive(rp: &Rp, access_token: &str) {
    rp.userinfo(access_token).await.assert_status(200);
}

/// The published keys.
pub async fn key_set(rp: &Rp) -> JwkSet {
    let page = rp.bare().get(&format!("{}/.well-known/jwks.json", rp.issuer)).await;
    page.assert_status(200);
    serde_json::from_str(&page.body).expect("a key set")
}

/// Checks an ID token as a careful client does (OpenID Connect Core section 3.1.3.7 and what the
/// certification suite adds) and gives its claims.
pub async fn assert_id_token(rp: &Rp, token: &str, algorithm: Algorithm) -> Value {
    let header = jsonwebtoken::decode_header(token).expect("a JOSE header");
    assert_eq!(header.alg, algorithm);
    let kid = header.kid.expect("a kid in the header");
    let keys = key_set(rp).await;
    let key = keys.find(&kid).expect("the key of the kid in the key set");
    let key = DecodingKey::from_jwk(key).expect("a public key");
    let mut validation = Validation::new(algorithm);
    validation.set_audience(&[&rp.id]);
    validation.set_issuer(&[&rp.issuer]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub", "iat"]);
    let claims = jsonwebtoken::decode::<Value>(token, &key, &validation).expect("a valid ID token");
    assert_id_claims(&claims.claims);
    claims.claims
}

#[track_caller]
fn assert_id_claims(claims: &Value) {
    let now = i64::try_from(jsonwebtoken::get_current_timestamp()).expect("a time");
    let seconds = |name: &str| claims[name].as_i64().unwrap_or_else(|| panic!("{name}: {claims}"));
    assert!((now - seconds("iat")).abs() < 300, "iat of {claims}");
    assert!(seconds("exp") > now, "exp of {claims}");
    assert!(seconds("auth_time") <= now + 1, "auth_time of {claims}");
    let subject = claims["sub"].as_str().expect("sub is text");
    assert!(subject.len() <= 255 && subject.bytes().all(|b| b.is_ascii_graphic()), "{subject}");
    assert!(claims["acr"].as_str().is_some_and(|acr| !acr.is_empty()), "acr of {claims}");
    if let Some(nonce) = claims.get("nonce") {
        assert!(nonce == NONCE || nonce.as_str().is_some_and(|n| !n.is_empty()), "{claims}");
    }
    assert_no_empty_claims(claims);
    for personal in ["name", "email", "given_name", "phone_number", "address", "updated_at"] {
        assert!(claims.get(personal).is_none(), "`{personal}` belongs into userinfo: {claims}");
    }
}

/// No claim is null, empty, or the word "null".
#[track_caller]
pub fn assert_no_empty_claims(claims: &Value) {
    for (name, value) in claims.as_object().expect("an object of claims") {
        let empty = match value {
            Value::Null => true,
            Value::String(text) => text.is_empty() || text == "null",
            Value::Object(members) => members.is_empty(),
            _ => false,
        };
        assert!(!empty, "claim `{name}` is {value}");
    }
}
