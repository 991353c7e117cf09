//! Whom Doorward encrypts for: the public encryption keys of clients.

use std::fmt;

use aws_lc_rs::agreement::PrivateKey;
use aws_lc_rs::rsa::{
    OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey, PublicKeyComponents,
};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::agreement::{self, Point};
use super::random_key;
use crate::crypto::foreign::is_sound_exponent;
use crate::protocol::types::{ContentEncryptionAlg, KeyEncryptionAlg};

/// A public key of somebody else that may be encrypted for. Each type of key goes with one way to
/// agree: RSA with RSA-OAEP-256, elliptic curves with ECDH-ES.
pub struct Recipient {
    kid: Option<String>,
    purpose: Purpose,
    key: Key,
}

/// What the key itself says it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Purpose {
    /// `use` is `enc`.
    Encryption,
    /// It does not say; one of these is taken only when nothing better is there.
    Anything,
}

enum Key {
    Rsa(Box<OaepPublicEncryptingKey>),
    Curve(Point),
}

/// What the sender arrived at.
pub(super) struct Agreed {
    pub content_key: Zeroizing<Vec<u8>>,
    /// Empty in direct agreement.
    pub encrypted_key: Vec<u8>,
    /// The header parameter `epk`.
    pub ephemeral_key: Option<Value>,
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recipient")
            .field("kid", &self.kid)
            .field("alg", &self.alg())
            .finish_non_exhaustive()
    }
}

impl Recipient {
    /// Reads one public JWK (RFC 7517 section 4). `None` for a key that is of no use here: of
    /// another type, meant for signatures, or meant for another algorithm.
    #[must_use]
    pub fn from_jwk(jwk: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let purpose = match jwk.get("use") {
            None => Purpose::Anything,
            Some(Value::String(name)) if name == "enc" => Purpose::Encryption,
            Some(_) => return None,
        };
        let key = match text("kty")? {
            "RSA" => Key::Rsa(Box::new(rsa_key(text("n")?, text("e")?)?)),
            "EC" => Key::Curve(Point::from_jwk(jwk)?),
            _ => return None,
        };
        let kid = text("kid").map(str::to_owned);
        let recipient = Self { kid, purpose, key };
        let own_alg = jwk.get("alg").is_none_or(|alg| alg == recipient.alg().as_str());
        (own_alg && may_encrypt(jwk)).then_some(recipient)
    }

    /// Its `kid`, if it has one.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// How a key is agreed with it.
    #[must_use]
    pub fn alg(&self) -> KeyEncryptionAlg {
        match self.key {
            Key::Rsa(_) => KeyEncryptionAlg::RsaOaep256,
            Key::Curve(_) => KeyEncryptionAlg::EcdhEs,
        }
    }

    /// The best of several keys for this algorithm: one that says it is for encryption, else one
    /// that does not say; the first listed wins.
    pub(in crate::crypto) fn choose(keys: &[Self], alg: KeyEncryptionAlg) -> Option<&Self> {
        keys.iter().filter(|key| key.alg() == alg).min_by_key(|key| key.purpose)
    }

    /// A fresh content key, and what the recipient needs to arrive at it too.
    pub(super) fn agree(&self, enc: ContentEncryptionAlg) -> Option<Agreed> {
        match &self.key {
            Key::Rsa(key) => {
                let content_key = random_key(enc);
                let mut encrypted_key = vec![0; key.ciphertext_size()];
                key.encrypt(&OAEP_SHA256_MGF1SHA256, &content_key, &mut encrypted_key, None)
                    .ok()?;
                Some(Agreed { content_key, encrypted_key, ephemeral_key: None })
            }
            Key::Curve(point) => {
                let ephemeral = PrivateKey::generate(point.curve.algorithm()).ok()?;
                let content_key = agreement::content_key(&ephemeral, point, enc, (b"", b""))?;
                let ephemeral_key = Point::of(point.curve, &ephemeral)?.to_jwk();
                Some(Agreed { content_key, encrypted_key: Vec::new(), ephemeral_key })
            }
        }
    }
}

/// RFC 7517 section 4.3: where the key lists what it may do, one of the ways to encrypt is there.
fn may_encrypt(jwk: &Map<String, Value>) -> bool {
    const WAYS: [&str; 4] = ["encrypt", "wrapKey", "deriveKey", "deriveBits"];
    match jwk.get("key_ops") {
        None => true,
        Some(Value::Array(operations)) => {
            operations.iter().filter_map(Value::as_str).any(|name| WAYS.contains(&name))
        }
        Some(_) => false,
    }
}

/// The library accepts 2048 to 8192 bits.
fn rsa_key(n: &str, e: &str) -> Option<OaepPublicEncryptingKey> {
    let bytes = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).ok();
    let components = PublicKeyComponents { n: bytes(n)?, e: bytes(e)? };
    if !is_sound_exponent(&components.e) {
        return None;
    }
    let key: PublicEncryptingKey = components.try_into().ok()?;
    OaepPublicEncryptingKey::new(key).ok()
}
