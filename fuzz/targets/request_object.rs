//! Request objects: what passes is signed by the client, by it, for us, in time, names no other
//! object, and becomes exactly the parameters that stand in it, judged once more in plain words.
//!
//! Input: one byte that chooses, then
//! - the claims of an object as JSON, of a client without a profile or under one, or
//! - changes to a genuine object: a place in two bytes and the byte to put there, again and again, or
//! - the text of an object made by an attacker.

use doorward::clock::UnixTime;
use doorward::crypto::foreign::{EmbeddedKey, ForeignKeys, HeaderRules, Untyped, Unverified};
use doorward::protocol::authorize::request_object::{self, Expect};
use doorward::protocol::client::{Client, ClientMetadata, ClientOrigin, SecurityProfile};
use doorward::protocol::types::ClientId;
use serde_json::{Map, Value, json};

use super::jwk_set::GENUINE;

const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://op.test";
const HOUR: i64 = 3600;
const TOLERANCE: i64 = 30;

pub fn check(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else { return };
    match choice % 4 {
        0 => claims(rest, SecurityProfile::Standard),
        1 => claims(rest, SecurityProfile::Fapi2MessageSigning),
        2 => changed(rest),
        _ => foreign(rest),
    }
}

fn claims(data: &[u8], profile: SecurityProfile) {
    let Ok(claims) = serde_json::from_slice::<Map<String, Value>>(data) else { return };
    let client = client(profile);
    let expect = Expect { client: &client, issuer: ISSUER, now: UnixTime(NOW) };
    let Ok(params) = request_object::params(&claims, &expect) else { return };
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    assert_eq!(text("iss"), Some("app"));
    assert_ne!(text("sub"), Some("app"), "a client assertion");
    let audience = match &claims["aud"] {
        Value::Array(several) => several.clone(),
        one => vec![one.clone()],
    };
    assert!(audience.contains(&json!(ISSUER)), "{audience:?}");
    assert!(!claims.contains_key("request") && !claims.contains_key("request_uri"));
    times(&claims, profile);
    let mut expected = parameters(&claims);
    let mut read: Vec<(String, String)> =
        url::form_urlencoded::parse(params.encode().as_bytes()).into_owned().collect();
    expected.sort();
    read.sort();
    assert_eq!(read, expected);
}

fn times(claims: &Map<String, Value>, profile: SecurityProfile) {
    let seconds = |name: &str| claims.get(name).map(|value| value.as_i64().expect("whole seconds"));
    assert!(seconds("exp").is_none_or(|expires| expires > NOW - TOLERANCE));
    for name in ["nbf", "iat"] {
        assert!(
            seconds(name).is_none_or(|begins| (0..=NOW + TOLERANCE).contains(&begins)),
            "{name}"
        );
    }
    if profile == SecurityProfile::Fapi2MessageSigning {
        let (begins, expires) = (seconds("nbf").expect("nbf"), seconds("exp").expect("exp"));
        assert!(expires - begins <= HOUR && NOW - begins <= HOUR);
    }
}

/// What the claims say as parameters. An empty value is none.
fn parameters(claims: &Map<String, Value>) -> Vec<(String, String)> {
    let mut all = vec![("client_id".to_owned(), "app".to_owned())];
    for (name, value) in claims {
        match (name.as_str(), value) {
            ("iss" | "sub" | "aud" | "exp" | "nbf" | "iat" | "jti", _) => {}
            ("client_id", value) => assert_eq!(value, "app"),
            ("resource", Value::Array(several)) => {
                let texts = several.iter().map(|one| one.as_str().expect("text").to_owned());
                all.extend(texts.map(|text| (name.clone(), text)));
            }
            (_, Value::String(text)) => all.push((name.clone(), text.clone())),
            (_, other) => {
                assert!(!other.is_null(), "{name}");
                all.push((name.clone(), other.to_string()));
            }
        }
    }
    all.retain(|(_, value)| !value.is_empty());
    all
}

fn changed(data: &[u8]) {
    let genuine = &GENUINE[1].1;
    assert!(verifies(genuine), "a genuine object verifies");
    let mut bytes = genuine.clone().into_bytes();
    for change in data.chunks_exact(3) {
        let place = usize::from(u16::from_be_bytes([change[0], change[1]])) % bytes.len();
        bytes[place] = change[2];
    }
    if let Ok(text) = String::from_utf8(bytes)
        && text != *genuine
    {
        assert!(!verifies(&text), "a changed object verifies: {text}");
    }
}

fn foreign(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    assert!(!verifies(text), "nobody but the client signs: {text}");
}

/// Whether the client's key has signed this, by the rules for request objects.
fn verifies(token: &str) -> bool {
    let algs = request_object::algorithms(&client(SecurityProfile::Standard).metadata);
    let rules = HeaderRules {
        types: &request_object::TYPES,
        untyped: Untyped::Accepted,
        algs: &algs,
        embedded_key: EmbeddedKey::Refused,
    };
    let keys = ForeignKeys::from_set(&json!({ "keys": [GENUINE[1].0] })).expect("a genuine key");
    Unverified::read(token, &rules).is_ok_and(|object| object.verify(&keys).is_ok())
}

fn client(profile: SecurityProfile) -> Client {
    Client {
        id: ClientId::new("app"),
        metadata: ClientMetadata { security_profile: profile, ..ClientMetadata::default() },
        secret_hashes: Vec::new(),
        origin: ClientOrigin::Manual,
        logo: None,
        disabled_at: None,
        token_version: 0,
        created_at: UnixTime(0),
        updated_at: UnixTime(0),
    }
}
