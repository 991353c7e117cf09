//! Reading the key sets of others: nothing secret or weak is accepted, and a key that was changed
//! verifies nothing the genuine one has signed.
//!
//! Input: one byte that chooses, then
//! - the text of a key set made by an attacker, or
//! - the name of a member and, after a line break, the JSON to put there in a genuine key.

use std::sync::LazyLock;

use data_encoding::BASE64URL_NOPAD;
use doorward::crypto::foreign::{EmbeddedKey, ForeignKeys, HeaderRules, Untyped, Unverified};
use doorward::crypto::jose::{self, TokenType};
use doorward::crypto::jwe::{self, Plaintext};
use doorward::crypto::keyring::{self, KeyState, Keyring, StoredKey};
use doorward::crypto::seal::{MasterKey, Sealer};
use doorward::protocol::types::{ContentEncryptionAlg, KeyEncryptionAlg, SigningAlg};
use serde_json::{Value, json};

const ALGORITHMS: [SigningAlg; 3] = [SigningAlg::Rs256, SigningAlg::Es256, SigningAlg::EdDsa];
/// What makes a key the key it is.
const MATERIAL: [&str; 6] = ["kty", "crv", "x", "y", "n", "e"];

/// A public key of each type and a token it verifies.
pub static GENUINE: LazyLock<[(Value, String); 3]> = LazyLock::new(|| {
    let sealer = Sealer::new(&MasterKey::generate());
    ALGORITHMS.map(|alg| {
        let new = keyring::generate(alg, &sealer).expect("a key");
        let jwk = new.public_jwk.clone();
        let (kid, sealed_private, public_jwk) = (new.kid, new.sealed_private, new.public_jwk);
        let state = KeyState::Active;
        let stored = StoredKey { kid, alg, state, sealed_private, public_jwk };
        let ring = Keyring::load(vec![stored], &sealer).expect("a keyring");
        let key = ring.active(alg).expect("an active key");
        let token = jose::sign(key, TokenType::IdToken, &json!({ "sub": "app" }));
        (jwk, token.expect("a token"))
    })
});

pub fn check(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else { return };
    if choice % 2 == 0 {
        set(rest);
    } else {
        changed(usize::from(choice / 2) % ALGORITHMS.len(), rest);
    }
}

fn set(data: &[u8]) {
    let Ok(keys) = ForeignKeys::from_json(data) else { return };
    let read: Value = serde_json::from_slice(data).expect("an accepted set is JSON");
    let listed = read["keys"].as_array().expect("an accepted set lists keys");
    assert!(listed.len() <= 32 && keys.len() <= listed.len());
    for key in listed {
        let members = key.as_object().expect("an accepted key is an object");
        assert!(members["kty"].is_string() && members["kty"] != "oct", "{key}");
        for secret in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert!(!members.contains_key(secret), "{key}");
        }
        if members["kty"] == "RSA" {
            let modulus = members.get("n").and_then(Value::as_str).unwrap_or_default();
            let length = BASE64URL_NOPAD.decode(modulus.as_bytes()).map_or(0, |n| n.len());
            // Only keys whose form is right are looked at this closely; others are passed over.
            let usable = keys.recipient(KeyEncryptionAlg::RsaOaep256).is_some();
            assert!(!usable || listed.len() > 1 || (256..=1024).contains(&length), "{key}");
        }
    }
    for alg in KeyEncryptionAlg::ALL {
        let Some(to) = keys.recipient(alg) else { continue };
        assert_eq!(to.alg(), alg);
        // The numbers may still be those of no key; then there is no token, and no panic.
        let token = jwe::encrypt(&to, ContentEncryptionAlg::A256Gcm, Plaintext::Claims(b"{}"));
        assert!(token.is_err() || token.is_ok_and(|token| jwe::is_encrypted(&token)));
    }
}

fn changed(index: usize, data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some((name, value)) = text.split_once('\n') else { return };
    let Ok(value) = serde_json::from_str::<Value>(value) else { return };
    let (genuine, token) = &GENUINE[index];
    assert!(verifies(genuine, token), "a genuine key verifies");
    let mut jwk = genuine.clone();
    jwk[name] = value;
    if verifies(&jwk, token) {
        // A member of another kind of key means nothing here, and is passed over (RFC 7517 section 4).
        for name in MATERIAL.iter().filter(|name| genuine.get(**name).is_some()) {
            assert_eq!(jwk.get(*name), genuine.get(*name), "another key verifies");
        }
    }
}

fn verifies(jwk: &Value, token: &str) -> bool {
    let rules = HeaderRules {
        types: &["JWT"],
        untyped: Untyped::Refused,
        algs: &SigningAlg::ALL,
        embedded_key: EmbeddedKey::Refused,
    };
    let Ok(keys) = ForeignKeys::from_set(&json!({ "keys": [jwk] })) else { return false };
    Unverified::read(token, &rules).expect("a genuine token").verify(&keys).is_ok()
}
