//! What an app signs by itself, with ES256: client assertions and DPoP proofs. Each is good for one
//! request, so making them is part of the driver's work.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use data_encoding::BASE64URL_NOPAD;
use doorward::clock::Clock;
use serde_json::{Value, json};

/// A key pair and a number for each `jti`.
pub(crate) struct Signer {
    pair: EcdsaKeyPair,
    random: SystemRandom,
    next: AtomicU64,
}

impl Signer {
    pub(crate) fn new() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        Self { pair, random: SystemRandom::new(), next: AtomicU64::new(0) }
    }

    /// The public half.
    pub(crate) fn jwk(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        let (x, y) = (encode(&point[1..33]), encode(&point[33..]));
        json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y })
    }

    /// A client assertion (RFC 7523 section 3) for one token request.
    pub(crate) fn assertion(&self, client_id: &str, issuer: &str) -> String {
        let now = now();
        let claims = json!({
            "iss": client_id, "sub": client_id, "aud": issuer,
            "iat": now, "exp": now + 60, "jti": self.jti(),
        });
        self.sign(&json!({ "alg": "ES256", "typ": "JWT" }), &claims)
    }

    /// A DPoP proof (RFC 9449 section 4.2) for one POST to this address.
    pub(crate) fn proof(&self, address: &str) -> String {
        let header = json!({ "alg": "ES256", "typ": "dpop+jwt", "jwk": self.jwk() });
        let claims = json!({ "htm": "POST", "htu": address, "iat": now(), "jti": self.jti() });
        self.sign(&header, &claims)
    }

    fn jti(&self) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        format!("benchmark-{}-{number:016}", std::process::id())
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let parts = [header, claims].map(|part| encode(part.to_string().as_bytes()));
        let signed = parts.join(".");
        let signature = self.pair.sign(&self.random, signed.as_bytes()).expect("a signature");
        format!("{signed}.{}", encode(signature.as_ref()))
    }
}

fn encode(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

fn now() -> u64 {
    u64::try_from(Clock::System.now().0).expect("a time after 1970")
}
