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

/// A key agreed with a recipient, to encrypt one content with.
pub struct Sender {
    pub(super) alg: KeyEncryptionAlg,
    pub(super) enc: ContentEncryptionAlg,
    pub(super) kid: Option<String>,
    pub(super) content_key: Zeroizing<Vec<u8>>,
    /// Empty in direct agreement.
    pub(super) encrypted_key: Vec<u8>,
    /// The header parameter `epk`.
    pub(super) ephemeral_key: Option<Value>,
}

struct Agreed {
    content_key: Zeroizing<Vec<u8>>,
    encrypted_key: Vec<u8>,
    ephemeral_key: Option<Value>,
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("alg", &self.alg)
            .field("enc", &self.enc)
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

impl Purpose {
    fn of(jwk: &Map<String, Value>) -> Option<Self> {
        match jwk.get("use") {
            None => Some(Self::Anything),
            Some(Value::String(name)) if name == "enc" => Some(Self::Encryption),
            Some(_) => None,
        }
    }
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
    /// Whether a JWK says that it may be encrypted to, or does not say otherwise.
    pub(in crate::crypto) fn is_meant_by(jwk: &Map<String, Value>) -> bool {
        let known_type = jwk.get("kty").is_some_and(|kty| kty == "RSA" || kty == "EC");
        known_type && Purpose::of(jwk).is_some() && may_encrypt(jwk)
    }

    /// Reads one public JWK (RFC 7517 section 4). `None` for a key that is of no use here: of
    /// another type, meant for signatures, or meant for another algorithm. Whether the numbers in it
    /// are those of a key is found when something is encrypted.
    #[must_use]
    pub fn from_jwk(jwk: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let purpose = Purpose::of(jwk)?;
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
    pub(in crate::crypto) fn choose(
        keys: impl Iterator<Item = Self>,
        alg: KeyEncryptionAlg,
    ) -> Option<Self> {
        keys.filter(|key| key.alg() == alg).min_by_key(|key| key.purpose)
    }

    /// Agrees on a key for one content. `None` when the numbers of the recipient's key are not those
    /// of a key: a point off its curve, an even modulus.
    #[must_use]
    pub fn begin(&self, enc: ContentEncryptionAlg) -> Option<Sender> {
        let Agreed { content_key, encrypted_key, ephemeral_key } = self.agree(enc)?;
        let (alg, kid) = (self.alg(), self.kid.clone());
        Some(Sender { alg, enc, kid, content_key, encrypted_key, ephemeral_key })
    }

    /// A fresh content key, and what the recipient needs to arrive at it too.
    fn agree(&self, enc: ContentEncryptionAlg) -> Option<Agreed> {
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
