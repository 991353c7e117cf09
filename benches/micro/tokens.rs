//! Signing and verifying tokens, beside the bare crypto library on a message of the same length:
//! what lies between the two lines of an algorithm is ours.

use std::hint::black_box;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};
use doorward::clock::UnixTime;
use doorward::crypto::jose::{self, Expect, Expiry, TokenType};
use doorward::crypto::keyring::{self, KeyState, Keyring, StoredKey};
use doorward::crypto::seal::{MasterKey, Sealer};
use doorward::protocol::types::SigningAlg;
use serde_json::{Value, json};

const ISSUER: &str = "https://id.example.test";
const NOW: i64 = 1_800_000_000;

pub(crate) fn all(criterion: &mut Criterion) {
    let keyring = keyring();
    let claims = access_token_claims();
    let mut group = criterion.benchmark_group("sign");
    for alg in SigningAlg::ALL {
        let key = keyring.active(alg).expect("an active key");
        let name = alg.as_str();
        let token = jose::sign(key, TokenType::AccessToken, &claims).expect("a token");
        let signed = token.rsplit_once('.').expect("a signature").0.len();
        raw(&mut group, alg, &vec![b'x'; signed]);
        group.bench_function(format!("{name} access token"), |b| {
            b.iter(|| jose::sign(key, TokenType::AccessToken, black_box(&claims)));
        });
    }
    group.finish();
    verifying(criterion, &keyring, &claims);
}

fn raw(group: &mut BenchmarkGroup<'_, WallTime>, alg: SigningAlg, message: &[u8]) {
    let name = format!("{} raw", alg.as_str());
    let random = SystemRandom::new();
    match alg {
        SigningAlg::Rs256 | SigningAlg::Ps256 => {
            let padding: &dyn RsaEncoding =
                if alg == SigningAlg::Rs256 { &RSA_PKCS1_SHA256 } else { &RSA_PSS_SHA256 };
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
            let mut signature = vec![0; pair.public_modulus_len()];
            group.bench_function(name, |b| {
                b.iter(|| pair.sign(padding, &random, black_box(message), &mut signature));
            });
        }
        SigningAlg::Es256 | SigningAlg::Es384 => {
            let curve = if alg == SigningAlg::Es256 {
                &ECDSA_P256_SHA256_FIXED_SIGNING
            } else {
                &ECDSA_P384_SHA384_FIXED_SIGNING
            };
            let pair = EcdsaKeyPair::generate(curve).expect("a key");
            group.bench_function(name, |b| b.iter(|| pair.sign(&random, black_box(message))));
        }
        SigningAlg::EdDsa => {
            let pair = Ed25519KeyPair::generate().expect("a key");
            group.bench_function(name, |b| b.iter(|| pair.sign(black_box(message))));
        }
    }
}

fn verifying(criterion: &mut Criterion, keyring: &Keyring, claims: &Value) {
    let mut group = criterion.benchmark_group("verify");
    let expect = Expect {
        typ: TokenType::AccessToken,
        issuer: ISSUER,
        audience: Some("portal"),
        now: UnixTime(NOW),
        expiry: Expiry::Enforced,
    };
    for alg in SigningAlg::ALL {
        let key = keyring.active(alg).expect("an active key");
        let token = jose::sign(key, TokenType::AccessToken, claims).expect("a token");
        jose::verify(keyring, &token, &expect).expect("a good token");
        group.bench_function(format!("{} access token", alg.as_str()), |b| {
            b.iter(|| jose::verify(keyring, black_box(&token), &expect));
        });
    }
    group.bench_function("left_half_hash of an access token", |b| {
        let token = "x".repeat(700);
        b.iter(|| jose::left_half_hash(SigningAlg::Rs256, black_box(&token)));
    });
    group.finish();
}

fn keyring() -> Keyring {
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
    Keyring::load(SigningAlg::ALL.map(stored).into(), &sealer).expect("a keyring")
}

fn access_token_claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "0b4a5d1e-9f0c-4f5e-8a5d-2f1f6f5b7c11", "aud": "portal",
        "exp": NOW + 600, "iat": NOW, "jti": "019abf3e-5c1c-7000-8000-0123456789ab",
        "client_id": "portal", "scope": "openid profile email groups", "auth_time": NOW - 60,
        "acr": "aal1", "amr": ["pwd"], "sid": "019abf3e-5c1c-7000-8000-0123456789ac",
        "groups": ["everyone", "staff"], "grant": "019abf3e-5c1c-7000-8000-0123456789ad",
        "user_version": 0, "client_version": 0
    })
}
