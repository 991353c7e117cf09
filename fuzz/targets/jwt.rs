//! Verifying our own tokens: nothing passes that we did not sign, and of what we signed nothing
//! that does not fit.
//!
//! Input: one byte that chooses, then
//! - a whole token made by an attacker, or
//! - a place and bytes to put there in a genuine token, or
//! - claims that we sign.

use std::sync::LazyLock;

use doorward::clock::UnixTime;
use doorward::crypto::jose::{self, Expect, Expiry, JoseError, TokenType};
use doorward::crypto::keyring::{self, KeyState, Keyring, StoredKey};
use doorward::crypto::seal::{MasterKey, Sealer};
use doorward::protocol::types::SigningAlg;
use serde_json::{Map, Value, json};

const ISSUER: &str = "https://op.test";
const AUDIENCE: &str = "app";
const NOW: i64 = 1_800_000_000;
const TOLERANCE: i64 = 30;

/// RSA takes long to make and its signatures are read by the same code, so two kinds do.
const ALGORITHMS: [SigningAlg; 2] = [SigningAlg::Es256, SigningAlg::EdDsa];

static KEYRING: LazyLock<Keyring> = LazyLock::new(|| {
    let sealer = Sealer::new(&MasterKey::generate());
    let stored = |alg| {
        let new = keyring::generate(alg, &sealer).expect("a key");
        StoredKey {
            kid: new.kid,
            alg,
            state: KeyState::Active,
            sealed_private: new.sealed_private,
            public_jwk: new.public_jwk,
        }
    };
    Keyring::load(ALGORITHMS.map(stored).into(), &sealer).expect("a keyring")
});

/// A good token of each algorithm.
static GENUINE: LazyLock<[String; 2]> = LazyLock::new(|| {
    let claims = json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": NOW + 60 });
    ALGORITHMS.map(|alg| sign(alg, &claims).expect("a signature"))
});

pub fn check(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else { return };
    let alg = usize::from(*choice) % ALGORITHMS.len();
    match choice % 6 / 2 {
        0 => invented(rest),
        1 => changed(alg, rest),
        _ => signed(ALGORITHMS[alg], rest),
    }
}

fn invented(data: &[u8]) {
    let Ok(token) = std::str::from_utf8(data) else { return };
    for typ in [TokenType::AccessToken, TokenType::IdToken] {
        assert!(verify(token, typ).is_err(), "an invented token passes");
    }
}

fn changed(alg: usize, data: &[u8]) {
    let Some((place, replacement)) = data.split_first_chunk::<2>() else { return };
    let genuine = &GENUINE[alg];
    assert!(verify(genuine, TokenType::AccessToken).is_ok(), "a genuine token passes");
    assert!(verify(genuine, TokenType::IdToken).is_err(), "as what it is and nothing else");
    let place = usize::from(u16::from_be_bytes(*place)) % genuine.len();
    let mut bytes = genuine.clone().into_bytes();
    let end = (place + replacement.len()).min(bytes.len());
    bytes.splice(place..end, replacement.iter().copied());
    let Ok(token) = String::from_utf8(bytes) else { return };
    if token != *genuine {
        assert!(verify(&token, TokenType::AccessToken).is_err(), "a changed token passes");
    }
}

fn signed(alg: SigningAlg, data: &[u8]) {
    let Ok(claims) = serde_json::from_slice::<Value>(data) else { return };
    let Ok(token) = sign(alg, &claims) else {
        assert!(!claims.is_object(), "an object is signed");
        return;
    };
    let Ok(read) = verify(&token, TokenType::AccessToken) else { return };
    assert_eq!(Value::Object(read.clone()), claims, "what is read is what was signed");
    assert_eq!(read.get("iss"), Some(&json!(ISSUER)));
    let seconds = |name: &str| read.get(name).and_then(Value::as_i64);
    assert!(seconds("exp").is_some_and(|exp| exp > NOW - TOLERANCE));
    assert!(seconds("nbf").is_none_or(|nbf| nbf <= NOW + TOLERANCE));
    let audience = read.get("aud").expect("an audience");
    let many = || audience.as_array().is_some_and(|all| all.contains(&json!(AUDIENCE)));
    assert!(audience == AUDIENCE || many());
}

fn sign(alg: SigningAlg, claims: &Value) -> Result<String, JoseError> {
    let key = KEYRING.active(alg).expect("an active key");
    jose::sign(key, TokenType::AccessToken, claims)
}

fn verify(token: &str, typ: TokenType) -> Result<Map<String, Value>, JoseError> {
    let now = UnixTime(NOW);
    let expiry = Expiry::Enforced;
    let expect = Expect { typ, issuer: ISSUER, audience: Some(AUDIENCE), now, expiry };
    jose::verify(&KEYRING, token, &expect)
}
