//! DPoP proofs: nothing counts that its own key did not sign, and of what it signed only statements
//! about this very request, of this minute.
//!
//! Input: one byte that chooses, then
//! - a whole proof made by an attacker, or
//! - a place and bytes to put there in a genuine proof, or
//! - claims that the key signs.

use std::sync::LazyLock;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use data_encoding::BASE64URL_NOPAD;
use doorward::clock::UnixTime;
use doorward::crypto::foreign::Unverified;
use doorward::protocol::token::dpop::{self, Expected};
use doorward::service::token::dpop::RULES;
use serde_json::{Map, Value, json};

const NOW: i64 = 1_800_000_000;
const URL: &str = "https://op.test/oauth2/token";

static KEY: LazyLock<Ed25519KeyPair> = LazyLock::new(|| Ed25519KeyPair::generate().expect("a key"));

static GENUINE: LazyLock<String> = LazyLock::new(|| {
    let claims = json!({ "jti": "one", "htm": "POST", "htu": URL, "iat": NOW });
    sign(claims.to_string().as_bytes())
});

pub fn check(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else { return };
    match choice % 3 {
        0 => invented(rest),
        1 => changed(rest),
        _ => signed(rest),
    }
}

fn invented(data: &[u8]) {
    let Ok(proof) = std::str::from_utf8(data) else { return };
    assert!(open(proof).is_none(), "an invented proof counts");
}

fn changed(data: &[u8]) {
    let Some((place, replacement)) = data.split_first_chunk::<2>() else { return };
    assert!(open(&GENUINE).is_some(), "a genuine proof counts");
    let place = usize::from(u16::from_be_bytes(*place)) % GENUINE.len();
    let mut bytes = GENUINE.clone().into_bytes();
    let end = (place + replacement.len()).min(bytes.len());
    bytes.splice(place..end, replacement.iter().copied());
    let Ok(proof) = String::from_utf8(bytes) else { return };
    if proof != *GENUINE {
        assert!(open(&proof).is_none(), "a changed proof counts");
    }
}

/// What the rules of RFC 9449 section 4.3 say, read anew.
fn signed(data: &[u8]) {
    let Some(claims) = open(&sign(data)) else { return };
    let now = UnixTime(NOW);
    let hash = Some("hash").filter(|_| claims.contains_key("ath"));
    let urls = [URL.to_owned()];
    let expected = Expected { method: "POST", urls: &urls, token_hash: hash, now };
    let Ok(statement) = dpop::check(&claims, &expected) else { return };
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    assert_eq!(text("jti"), Some(statement.jti.as_str()));
    assert!(!statement.jti.is_empty());
    assert_eq!(text("htm"), Some("POST"));
    assert_eq!(text("ath"), hash);
    assert_eq!(text("nonce"), statement.nonce.as_deref());
    let iat = claims.get("iat").and_then(Value::as_i64).expect("a time");
    assert!((NOW - dpop::WINDOW..=NOW + dpop::WINDOW).contains(&iat));
    let place = url::Url::parse(text("htu").expect("an address")).expect("an address");
    assert_eq!(place.scheme(), "https");
    assert_eq!(place.host_str(), Some("op.test"));
    assert_eq!((place.port(), place.username(), place.password()), (None, "", None));
    assert_eq!(place.path(), "/oauth2/token");
}

fn open(proof: &str) -> Option<Map<String, Value>> {
    let (claims, _) = Unverified::read(proof, &RULES).ok()?.verify_embedded().ok()?;
    Some(claims)
}

fn sign(claims: &[u8]) -> String {
    let x = BASE64URL_NOPAD.encode(KEY.public_key().as_ref());
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": x });
    let header = json!({ "typ": "dpop+jwt", "alg": "EdDSA", "jwk": jwk }).to_string();
    let encode = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
    let text = format!("{}.{}", encode(header.as_bytes()), encode(claims));
    format!("{text}.{}", encode(KEY.sign(text.as_bytes()).as_ref()))
}
