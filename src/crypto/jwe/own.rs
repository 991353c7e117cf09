//! Doorward's own encryption keys: made, sealed for storage and opened, like the signing keys in
//! [`crate::crypto::keyring`]. What clients encrypt for one of them only Doorward can read.

use std::fmt;

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey,
};
use aws_lc_rs::signature::{KeyPair as _, RsaKeyPair};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::agreement::{self, Curve, Point};
use super::content::key_len;
use crate::crypto::keyring::KeyError;
use crate::crypto::seal::{Purpose, Sealer};
use crate::protocol::types::{ContentEncryptionAlg, KeyEncryptionAlg};

/// The header parameters `apu` and `apv` name the parties; longer ones are refused.
const MAX_PARTY_LEN: usize = 512;

/// An encryption key as it is made and as storage holds it.
#[derive(Debug, Clone)]
pub struct EncryptionKey {
    /// Key id: the RFC 7638 SHA-256 thumbprint.
    pub kid: String,
    pub alg: KeyEncryptionAlg,
    /// The private key as PKCS #8, sealed with [`Purpose::EncryptionKey`].
    pub sealed_private: String,
    /// The public key as published, with `kid`, `use` and `alg`.
    pub public_jwk: Value,
}

/// Makes a key: RSA with 2048 bits (about 80 ms of computation) or P-256.
///
/// # Errors
/// [`KeyError::Generation`].
pub fn generate(alg: KeyEncryptionAlg, sealer: &Sealer) -> Result<EncryptionKey, KeyError> {
    make(alg, sealer).ok_or(KeyError::Generation)
}

fn make(alg: KeyEncryptionAlg, sealer: &Sealer) -> Option<EncryptionKey> {
    let private = Zeroizing::new(match alg {
        KeyEncryptionAlg::RsaOaep256 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).ok()?;
            AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).ok()?.as_ref().to_vec()
        }
        KeyEncryptionAlg::EcdhEs => {
            let key = PrivateKey::generate(&ECDH_P256).ok()?;
            AsDer::<Pkcs8V1Der<'_>>::as_der(&key).ok()?.as_ref().to_vec()
        }
    });
    let (kid, public_jwk) = Private::from_pkcs8(alg, &private)?.1;
    let sealed_private = sealer.seal(Purpose::EncryptionKey, &private);
    (!sealed_private.is_empty()).then_some(EncryptionKey { kid, alg, sealed_private, public_jwk })
}

/// A private key ready to use.
pub struct DecryptionKey {
    pub(super) kid: String,
    pub(super) alg: KeyEncryptionAlg,
    private: Private,
}

enum Private {
    Rsa(Box<OaepPrivateDecryptingKey>),
    Curve(Box<PrivateKey>),
}

impl fmt::Debug for DecryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecryptionKey")
            .field("kid", &self.kid)
            .field("alg", &self.alg)
            .finish_non_exhaustive()
    }
}

impl DecryptionKey {
    /// Its key id.
    pub(in crate::crypto) fn kid(&self) -> &str {
        &self.kid
    }

    /// Opens and parses a stored key and checks that private key, public key and key id belong
    /// together, so that whoever can write to the database still cannot publish a key of their own.
    ///
    /// # Errors
    /// [`KeyError`].
    pub(in crate::crypto) fn open(
        stored: &EncryptionKey,
        sealer: &Sealer,
    ) -> Result<Self, KeyError> {
        let kid = || stored.kid.clone();
        let private = sealer
            .open(Purpose::EncryptionKey, &stored.sealed_private)
            .map(Zeroizing::new)
            .ok_or_else(|| KeyError::Sealed { kid: kid() })?;
        let (private, published) = Private::from_pkcs8(stored.alg, &private)
            .ok_or_else(|| KeyError::NoEncryptionKey { kid: kid(), alg: stored.alg })?;
        if published != (kid(), stored.public_jwk.clone()) {
            return Err(KeyError::Mismatch { kid: kid() });
        }
        Ok(Self { kid: kid(), alg: stored.alg, private })
    }

    /// The content key a sender chose or agreed on; `None` if this cannot be for this key.
    pub(super) fn content_key(
        &self,
        enc: ContentEncryptionAlg,
        (header, encrypted): (&Map<String, Value>, &[u8]),
    ) -> Option<Zeroizing<Vec<u8>>> {
        match &self.private {
            Private::Rsa(key) => {
                let mut buffer = Zeroizing::new(vec![0; key.min_output_size()]);
                let length = {
                    let key = key.decrypt(&OAEP_SHA256_MGF1SHA256, encrypted, &mut buffer, None);
                    key.ok()?.len()
                };
                buffer.truncate(length);
                (length == key_len(enc)).then_some(buffer)
            }
            Private::Curve(key) => {
                // RFC 7518 section 4.6: in direct agreement there is no encrypted key.
                let other = Point::from_jwk(header.get("epk")?.as_object()?)?;
                let (producer, consumer) = (party(header, "apu")?, party(header, "apv")?);
                let parties = (producer.as_slice(), consumer.as_slice());
                encrypted.is_empty().then(|| agreement::content_key(key, &other, enc, parties))?
            }
        }
    }
}

/// RFC 7518 sections 4.6.1.2 and 4.6.1.3; an absent one counts as empty.
fn party(header: &Map<String, Value>, name: &str) -> Option<Vec<u8>> {
    match header.get(name) {
        None => Some(Vec::new()),
        Some(Value::String(text)) if text.len() <= MAX_PARTY_LEN => {
            BASE64URL_NOPAD.decode(text.as_bytes()).ok()
        }
        Some(_) => None,
    }
}

impl Private {
    /// The key, and its `kid` and public JWK.
    fn from_pkcs8(alg: KeyEncryptionAlg, der: &[u8]) -> Option<(Self, (String, Value))> {
        match alg {
            KeyEncryptionAlg::RsaOaep256 => {
                let pair = RsaKeyPair::from_pkcs8(der).ok()?;
                let public = pair.public_key();
                let encode = |bytes| BASE64URL_NOPAD.encode(bytes);
                let jwk = json!({
                    "kty": "RSA",
                    "n": encode(public.modulus().big_endian_without_leading_zero()),
                    "e": encode(public.exponent().big_endian_without_leading_zero()),
                });
                let key = PrivateDecryptingKey::from_pkcs8(der).ok()?;
                let key = OaepPrivateDecryptingKey::new(key).ok()?;
                Some((Self::Rsa(Box::new(key)), published(alg, jwk)?))
            }
            KeyEncryptionAlg::EcdhEs => {
                let key = PrivateKey::from_private_key_der(&ECDH_P256, der).ok()?;
                let jwk = Point::of(Curve::P256, &key)?.to_jwk()?;
                Some((Self::Curve(Box::new(key)), published(alg, jwk)?))
            }
        }
    }
}

/// Adds `kid`, `use` and `alg` to the bare public key.
fn published(alg: KeyEncryptionAlg, mut jwk: Value) -> Option<(String, Value)> {
    let bare: Jwk = serde_json::from_value(jwk.clone()).ok()?;
    let kid = bare.thumbprint(ThumbprintHash::SHA256).ok()?;
    let members = jwk.as_object_mut()?;
    for (name, value) in [("kid", kid.as_str()), ("use", "enc"), ("alg", alg.as_str())] {
        members.insert(name.to_owned(), value.into());
    }
    Some((kid, jwk))
}

#[cfg(test)]
impl DecryptionKey {
    /// The private key of a vector, given as the bytes of `d` on P-256.
    pub(super) fn of_p256(kid: &str, d: &[u8]) -> Self {
        let key = PrivateKey::from_private_key(&ECDH_P256, d).unwrap();
        let private = Private::Curve(Box::new(key));
        Self { kid: kid.to_owned(), alg: KeyEncryptionAlg::EcdhEs, private }
    }
}
