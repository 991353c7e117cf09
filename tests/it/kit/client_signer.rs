//! Not tests: an app's own signing keys, and what it signs with them.
//!
//! ```ignore
//! let key = ClientKey::new("ES256", "k1");
//! let metadata = json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": jwks(&[&key]), … });
//! register(&bed.world, "my-app", "machine", &metadata);
//! let assertion = key.assertion("my-app", &bed.world.issuer, &json!({}));   // a fresh jti each time
//! let fields = with_assertion(&[("grant_type", "client_credentials")], &assertion);
//! ```

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair,
};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use crate::kit::fixtures::unique;
use crate::support::world::World;

/// `client_assertion_type`.
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

enum Pair {
    Rsa(RsaKeyPair),
    Ec(&'static str, EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// A key pair of an app.
pub struct ClientKey {
    alg: &'static str,
    kid: String,
    pair: Pair,
}

impl ClientKey {
    /// A new key for RS256, PS256, ES256, ES384 or EdDSA.
    pub fn new(alg: &'static str, kid: &str) -> Self {
        let ec = |crv, curve| Pair::Ec(crv, EcdsaKeyPair::generate(curve).expect("a key"));
        let pair = match alg {
            "RS256" | "PS256" => Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).expect("a key")),
            "ES256" => ec("P-256", &ECDSA_P256_SHA256_FIXED_SIGNING),
            "ES384" => ec("P-384", &ECDSA_P384_SHA384_FIXED_SIGNING),
            "EdDSA" => Pair::Ed25519(Ed25519KeyPair::generate().expect("a key")),
            other => panic!("no key for {other}"),
        };
        Self { alg, kid: kid.to_owned(), pair }
    }

    /// The algorithm it was made for.
    pub fn alg(&self) -> &str {
        self.alg
    }

    /// The public half, without `alg`, so that its type alone decides what it may verify.
    pub fn jwk(&self) -> Value {
        let mut jwk = self.public();
        jwk["kid"] = json!(self.kid);
        jwk["use"] = json!("sig");
        jwk
    }

    /// What makes the public half the key it is, and nothing else.
    pub fn public(&self) -> Value {
        let text = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
        match &self.pair {
            Pair::Rsa(pair) => {
                let public = pair.public_key();
                let modulus = public.modulus().big_endian_without_leading_zero();
                let exponent = public.exponent().big_endian_without_leading_zero();
                json!({ "kty": "RSA", "n": text(modulus), "e": text(exponent) })
            }
            Pair::Ec(crv, pair) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                json!({ "kty": "EC", "crv": crv, "x": text(x), "y": text(y) })
            }
            Pair::Ed25519(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref()) })
            }
        }
    }

    /// A JWS of this header and payload, whatever they are.
    pub fn sign(&self, header: &Value, payload: &str) -> String {
        self.sign_text(self.alg, &header.to_string(), payload)
    }

    /// The same with an algorithm that this key can do, for texts that need be no JSON.
    pub fn sign_text(&self, alg: &str, header: &str, payload: &str) -> String {
        let encode = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
        let signed = format!("{}.{}", encode(header), encode(payload));
        let random = SystemRandom::new();
        let message = signed.as_bytes();
        let signature = match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let padding = if alg == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                pair.sign(padding, &random, message, &mut signature).expect("a signature");
                signature
            }
            Pair::Ec(_, pair) => {
                pair.sign(&random, message).expect("a signature").as_ref().to_vec()
            }
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        };
        format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))
    }

    /// A JWT of these claims.
    pub fn jwt(&self, claims: &Value) -> String {
        self.sign(&json!({ "alg": self.alg, "kid": self.kid }), &claims.to_string())
    }

    /// A client assertion; `changes` replace claims, and remove those that are null.
    pub fn assertion(&self, client_id: &str, audience: &str, changes: &Value) -> String {
        self.jwt(&assertion_claims(client_id, audience, changes))
    }

    /// The same signed with another algorithm that this key can do.
    pub fn assertion_with(&self, alg: &str, client_id: &str, audience: &str) -> String {
        let claims = assertion_claims(client_id, audience, &json!({}));
        let header = json!({ "alg": alg, "kid": self.kid });
        self.sign_text(alg, &header.to_string(), &claims.to_string())
    }
}

/// Now, in Unix seconds.
pub fn now() -> i64 {
    doorward::clock::Clock::System.now().0
}

/// The claims of a client assertion, with a fresh `jti`.
pub fn assertion_claims(client_id: &str, audience: &str, changes: &Value) -> Value {
    let mut claims = json!({
        "iss": client_id, "sub": client_id, "aud": audience,
        "jti": unique("jti"), "iat": now(), "exp": now() + 60,
    });
    for (name, value) in changes.as_object().expect("changes") {
        if value.is_null() {
            claims.as_object_mut().expect("claims").remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

/// A JWK Set of these keys.
pub fn jwks(keys: &[&ClientKey]) -> Value {
    json!({ "keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>() })
}

/// Registers an app through the command line.
pub fn register(world: &World, id: &str, kind: &str, metadata: &Value) -> Value {
    let file = world.path(&format!("{id}.json"));
    std::fs::write(&file, metadata.to_string()).expect("write the metadata");
    let file = file.display().to_string();
    world.cli(&[
        "client",
        "create",
        "--name",
        id,
        "--type",
        kind,
        "--client-id",
        id,
        "--metadata",
        &file,
    ])
}

/// What the command line says when it does not register an app.
pub fn refusal(world: &World, metadata: &Value) -> String {
    let file = world.path("refused.json");
    std::fs::write(&file, metadata.to_string()).expect("write the metadata");
    let file = file.display().to_string();
    let arguments =
        ["client", "create", "--name", "Refused", "--type", "machine", "--metadata", &file];
    let output = world.run(&arguments);
    assert!(!output.status.success(), "{metadata} was registered");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// These fields and the assertion.
pub fn with_assertion(fields: &[(&str, &str)], assertion: &str) -> Vec<(String, String)> {
    let own = [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion)];
    let all = fields.iter().chain(&own);
    all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
