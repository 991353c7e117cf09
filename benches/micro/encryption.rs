//! Encrypted tokens, and tokens that others have signed.

use std::hint::black_box;

use criterion::Criterion;
use doorward::crypto::foreign::{EmbeddedKey, ForeignKeys, HeaderRules, Untyped, Unverified};
use doorward::crypto::jose::{self, TokenType};
use doorward::crypto::jwe::{self, Plaintext, own};
use doorward::crypto::keyring::{self, KeyState, Keyring, StoredKey};
use doorward::crypto::seal::{MasterKey, Sealer};
use doorward::protocol::types::{ContentEncryptionAlg, KeyEncryptionAlg, SigningAlg};
use serde_json::{Value, json};

pub(crate) fn all(criterion: &mut Criterion) {
    let sealer = Sealer::new(&MasterKey::generate());
    encrypted(criterion, &sealer);
    foreign(criterion, &sealer);
}

/// An ID token of the usual length, encrypted and decrypted.
fn encrypted(criterion: &mut Criterion, sealer: &Sealer) {
    let keys = KeyEncryptionAlg::ALL.map(|alg| own::generate(alg, sealer).expect("a key"));
    let published = json!({ "keys": keys.each_ref().map(|key| &key.public_jwk) });
    let others = ForeignKeys::from_set(&published).expect("a key set");
    let ring = Keyring::load(vec![], sealer).expect("a keyring");
    let ring = ring.with_encryption_keys((keys.to_vec(), vec![]), sealer).expect("a keyring");
    let token = "x".repeat(900);
    for alg in KeyEncryptionAlg::ALL {
        let to = others.recipient(alg).expect("a recipient");
        for enc in ContentEncryptionAlg::ALL {
            let name = format!("{} {}", alg.as_str(), enc.as_str());
            let encrypt = || jwe::encrypt(&to, enc, Plaintext::SignedToken(black_box(&token)));
            let made = encrypt().expect("a token");
            criterion.bench_function(&format!("encrypt/{name}"), |b| b.iter(encrypt));
            criterion.bench_function(&format!("decrypt/{name}"), |b| {
                b.iter(|| jwe::decrypt(&ring, black_box(&made)));
            });
        }
    }
}

/// A client assertion, with the key set read already and read for it.
fn foreign(criterion: &mut Criterion, sealer: &Sealer) {
    let rules = HeaderRules {
        types: &["JWT"],
        untyped: Untyped::Refused,
        algs: &SigningAlg::ALL,
        embedded_key: EmbeddedKey::Refused,
    };
    let claims = json!({
        "iss": "portal", "sub": "portal", "aud": "https://id.example.test",
        "iat": 1_800_000_000, "exp": 1_800_000_060, "jti": "019abf3e-5c1c-7000-8000-0123456789ab",
    });
    for alg in SigningAlg::ALL {
        let (set, token) = party((alg, sealer), &claims);
        let verify = |keys: &ForeignKeys| {
            let unverified = Unverified::read(black_box(&token), &rules).expect("a token");
            unverified.verify(keys).expect("a good token")
        };
        let keys = ForeignKeys::from_set(&set).expect("a key set");
        let name = alg.as_str();
        criterion
            .bench_function(&format!("foreign/{name} assertion"), |b| b.iter(|| verify(&keys)));
        criterion.bench_function(&format!("foreign/{name} assertion and key set"), |b| {
            b.iter(|| verify(&ForeignKeys::from_set(black_box(&set)).expect("a key set")));
        });
    }
}

/// Somebody's key set, and something they have signed.
fn party((alg, sealer): (SigningAlg, &Sealer), claims: &Value) -> (Value, String) {
    let new = keyring::generate(alg, sealer).expect("a key");
    let set = json!({ "keys": [new.public_jwk] });
    let stored = StoredKey {
        kid: new.kid,
        alg,
        state: KeyState::Active,
        sealed_private: new.sealed_private,
        public_jwk: new.public_jwk,
    };
    let ring = Keyring::load(vec![stored], sealer).expect("a keyring");
    let key = ring.active(alg).expect("an active key");
    (set, jose::sign(key, TokenType::IdToken, claims).expect("a token"))
}
