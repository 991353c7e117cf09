//! Verifying what others signed: client assertions, request objects, DPoP proofs, software
//! statements, the assertions of trusted issuers. As strict as [`super::jose`], but the keys and the
//! algorithms come from a JWK Set of theirs.

use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse, ThumbprintHash,
};
use serde_json::{Map, Value};

use super::jose::JoseError;
use super::jwe::Recipient;
use super::key_pair::algorithm;
use crate::protocol::jose::strict_json;
use crate::protocol::types::{KeyEncryptionAlg, SigningAlg};

/// Longer texts are refused unread.
const MAX_TOKEN_LEN: usize = 64 * 1024;
/// More keys than this in one set are refused: each may cost a verification.
const MAX_KEYS: usize = 32;
/// Keys a signature is tried with. Whoever has more must name the one (OpenID Connect Core section
/// 10.1); trying them all would cost every request of anybody a verification for each.
const MOST_TRIED: usize = 8;
/// Shorter RSA keys are refused (RFC 7518 section 3.3).
const MIN_RSA_BYTES: usize = 256;
/// Longer ones only burn time.
const MAX_RSA_BYTES: usize = 1024;

/// A public key of somebody else.
pub struct ForeignKey {
    kid: Option<String>,
    /// The algorithms this key may be used with.
    algs: Vec<SigningAlg>,
    verifier: DecodingKey,
    thumbprint: String,
}

impl std::fmt::Debug for ForeignKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ForeignKey")
            .field("kid", &self.kid)
            .field("algs", &self.algs)
            .finish_non_exhaustive()
    }
}

/// Why a key or key set cannot be used. Public text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    #[error("is not a JWK Set: an object with a member keys that is a list")]
    Malformed,
    #[error("has more than 32 keys")]
    TooMany,
    #[error("contains a private or symmetric key; publish only public ones")]
    Private,
    #[error("contains an RSA key of less than 2048 or more than 8192 bits")]
    RsaSize,
    #[error("contains an RSA key whose exponent is 1 or even, which protects nothing")]
    RsaExponent,
}

impl ForeignKey {
    /// Reads one JWK (RFC 7517 section 4).
    ///
    /// # Errors
    /// [`KeySetError`]; `Ok(None)` for a key that is well-formed but of no use for signatures here,
    /// such as one of an unknown type or with `use` `enc`.
    pub fn from_jwk(jwk: &Value) -> Result<Option<Self>, KeySetError> {
        let members = jwk.as_object().ok_or(KeySetError::Malformed)?;
        let kty = members.get("kty").and_then(Value::as_str).ok_or(KeySetError::Malformed)?;
        const SECRET: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
        if kty == "oct" || SECRET.iter().any(|name| members.contains_key(*name)) {
            return Err(KeySetError::Private);
        }
        // Section 5: keys of types that are not understood are ignored.
        let Ok(jwk) = serde_json::from_value::<Jwk>(jwk.clone()) else { return Ok(None) };
        let Some(algs) = usable_algorithms(&jwk)? else { return Ok(None) };
        let (Ok(verifier), Ok(thumbprint)) =
            (DecodingKey::from_jwk(&jwk), jwk.thumbprint(ThumbprintHash::SHA256))
        else {
            return Ok(None);
        };
        Ok(Some(Self { kid: jwk.common.key_id, algs, verifier, thumbprint }))
    }

    /// The RFC 7638 thumbprint (SHA-256, base64url).
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// Its `kid`, if it has one.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }
}

/// What the key can verify by its type, narrowed by its own `alg`, `use` and `key_ops`.
fn usable_algorithms(jwk: &Jwk) -> Result<Option<Vec<SigningAlg>>, KeySetError> {
    let by_type: &[SigningAlg] = match &jwk.algorithm {
        AlgorithmParameters::RSA(rsa) => {
            let bytes = BASE64URL_NOPAD.decode(rsa.n.as_bytes()).map_or(0, |n| n.len());
            if !(MIN_RSA_BYTES..=MAX_RSA_BYTES).contains(&bytes) {
                return Err(KeySetError::RsaSize);
            }
            let exponent = BASE64URL_NOPAD.decode(rsa.e.as_bytes()).unwrap_or_default();
            if !is_sound_exponent(&exponent) {
                return Err(KeySetError::RsaExponent);
            }
            &[SigningAlg::Rs256, SigningAlg::Ps256]
        }
        AlgorithmParameters::EllipticCurve(ec) => match ec.curve {
            EllipticCurve::P256 => &[SigningAlg::Es256],
            EllipticCurve::P384 => &[SigningAlg::Es384],
            _ => return Ok(None),
        },
        AlgorithmParameters::OctetKeyPair(okp) if okp.curve == EllipticCurve::Ed25519 => {
            &[SigningAlg::EdDsa]
        }
        _ => return Ok(None),
    };
    let signs = jwk.common.public_key_use.as_ref().is_none_or(|u| *u == PublicKeyUse::Signature);
    let verifies = jwk
        .common
        .key_operations
        .as_ref()
        .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    if !signs || !verifies {
        return Ok(None);
    }
    let own = jwk.common.key_algorithm.map(|alg| alg.to_string());
    let fits = |alg: &&SigningAlg| own.as_deref().is_none_or(|own| own == alg.as_str());
    let algs: Vec<_> = by_type.iter().filter(fits).copied().collect();
    Ok((!algs.is_empty()).then_some(algs))
}

/// Whether an RSA public exponent is odd and at least 3. With 1 a signature is the message itself,
/// and so is what was encrypted; libraries do not always notice.
pub(super) fn is_sound_exponent(big_endian: &[u8]) -> bool {
    let significant = big_endian.iter().skip_while(|byte| **byte == 0).collect::<Vec<_>>();
    match significant.as_slice() {
        [] | [1] => false,
        [.., last] => **last % 2 == 1,
    }
}

/// The public keys of one party: those that verify what it signed, and those that what is for it is
/// encrypted with.
#[derive(Debug, Default)]
pub struct ForeignKeys {
    signing: Vec<ForeignKey>,
    /// Keys that may be encrypted to. They are read when one is wanted, which is seldom.
    recipients: Vec<Map<String, Value>>,
}

impl ForeignKeys {
    /// Reads a JWK Set (RFC 7517 section 5).
    ///
    /// # Errors
    /// [`KeySetError`].
    pub fn from_set(set: &Value) -> Result<Self, KeySetError> {
        let keys = set.get("keys").and_then(Value::as_array).ok_or(KeySetError::Malformed)?;
        if keys.len() > MAX_KEYS {
            return Err(KeySetError::TooMany);
        }
        let mut usable = Self::default();
        for key in keys {
            usable.signing.extend(ForeignKey::from_jwk(key)?);
            let members = key.as_object().filter(|members| Recipient::is_meant_by(members));
            usable.recipients.extend(members.cloned());
        }
        Ok(usable)
    }

    /// Reads the text of a JWK Set.
    ///
    /// # Errors
    /// [`KeySetError`].
    pub fn from_json(text: &[u8]) -> Result<Self, KeySetError> {
        Self::from_set(&serde_json::from_slice(text).map_err(|_| KeySetError::Malformed)?)
    }

    /// How many keys verify signatures.
    #[must_use]
    pub fn len(&self) -> usize {
        self.signing.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.signing.is_empty()
    }

    /// The key to encrypt for with this algorithm.
    #[must_use]
    pub fn recipient(&self, alg: KeyEncryptionAlg) -> Option<Recipient> {
        Recipient::choose(self.recipients.iter().filter_map(Recipient::from_jwk), alg)
    }
}

/// A compact JWS taken apart but not yet believed.
#[derive(Debug, Clone)]
pub struct Unverified<'a> {
    /// The protected header.
    pub header: Map<String, Value>,
    /// The payload, which only hints at what to load for verifying.
    pub claims: Map<String, Value>,
    signed: &'a str,
    signature: &'a str,
    alg: SigningAlg,
}

/// What the header of a token has to be.
#[derive(Debug, Clone, Copy)]
pub struct HeaderRules<'a> {
    /// `typ` values that are accepted, compared without regard to case and without the optional
    /// prefix `application/` (RFC 7515 section 4.1.9).
    pub types: &'a [&'a str],
    /// Whether `typ` may be absent.
    pub untyped: Untyped,
    /// Algorithms that are accepted.
    pub algs: &'a [SigningAlg],
    /// Whether the header brings its own key in `jwk`, as DPoP proofs do. Everywhere else such a
    /// key would be the attacker's.
    pub embedded_key: EmbeddedKey,
}

/// Whether a token without `typ` is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Untyped {
    Accepted,
    Refused,
}

/// Whether a token brings its own key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmbeddedKey {
    Demanded,
    Refused,
}

impl<'a> Unverified<'a> {
    /// Takes a compact JWS apart and checks its header (RFC 8725 sections 3.1 and 3.11). Nothing in
    /// it is to be believed before [`Self::verify`].
    ///
    /// # Errors
    /// [`JoseError`].
    pub fn read(token: &'a str, rules: &HeaderRules<'_>) -> Result<Self, JoseError> {
        if token.len() > MAX_TOKEN_LEN {
            return Err(JoseError::Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(JoseError::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(JoseError::Malformed)?;
        if signature.is_empty() || BASE64URL_NOPAD.decode(signature.as_bytes()).is_err() {
            return Err(JoseError::Malformed);
        }
        let (header, claims) = (object(header)?, object(claims)?);
        let alg = check_header(&header, rules)?;
        Ok(Self { header, claims, signed, signature, alg })
    }

    /// The `kid` of the header, if there is one.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.header.get("kid").and_then(Value::as_str)
    }

    /// The algorithm the header names, one of those the rules accept.
    #[must_use]
    pub fn alg(&self) -> SigningAlg {
        self.alg
    }

    /// The claims, once one of the keys is found to have signed them. With a `kid` only the keys of
    /// that name are tried, without one all that fit the algorithm.
    ///
    /// # Errors
    /// [`JoseError::UnknownKey`] when no key fits, [`JoseError::Signature`] when one fits and did
    /// not sign this.
    pub fn verify(self, keys: &ForeignKeys) -> Result<Map<String, Value>, JoseError> {
        let named = self.kid();
        let fits = |key: &&ForeignKey| {
            key.algs.contains(&self.alg) && named.is_none_or(|kid| key.kid() == Some(kid))
        };
        let mut candidates = keys.signing.iter().filter(fits).take(MOST_TRIED).peekable();
        if candidates.peek().is_none() {
            return Err(JoseError::UnknownKey);
        }
        if candidates.any(|key| self.signed_by(key)) {
            return Ok(self.claims);
        }
        Err(JoseError::Signature)
    }

    /// The claims and the key, once the key in the header's `jwk` is found to have signed them
    /// (RFC 9449 section 4.2).
    ///
    /// # Errors
    /// [`JoseError`].
    pub fn verify_embedded(self) -> Result<(Map<String, Value>, ForeignKey), JoseError> {
        let jwk = self.header.get("jwk").ok_or(JoseError::Header)?;
        let key = ForeignKey::from_jwk(jwk).ok().flatten().ok_or(JoseError::Header)?;
        if !key.algs.contains(&self.alg) {
            return Err(JoseError::Algorithm);
        }
        if !self.signed_by(&key) {
            return Err(JoseError::Signature);
        }
        Ok((self.claims, key))
    }

    fn signed_by(&self, key: &ForeignKey) -> bool {
        let signed = self.signed.as_bytes();
        jsonwebtoken::crypto::verify(self.signature, signed, &key.verifier, algorithm(self.alg))
            .unwrap_or(false)
    }
}

/// One base64url segment that is a JSON object without repeated members: a second `aud` or `alg`
/// must not be able to say something else to another reader (RFC 7519 section 4).
pub(super) fn object(segment: &str) -> Result<Map<String, Value>, JoseError> {
    let bytes = BASE64URL_NOPAD.decode(segment.as_bytes()).map_err(|_| JoseError::Malformed)?;
    strict_json::object(&bytes).map_err(|_| JoseError::Malformed)
}

fn check_header(
    header: &Map<String, Value>,
    rules: &HeaderRules<'_>,
) -> Result<SigningAlg, JoseError> {
    // RFC 7515 section 4.1.11: an extension that is not understood means refusal, and we understand
    // none. The others name keys or places of the sender's choice (RFC 8725 section 3.9).
    const REFUSED: [&str; 8] = ["crit", "b64", "jku", "x5u", "x5c", "zip", "enc", "p2c"];
    if REFUSED.iter().any(|name| header.contains_key(*name)) {
        return Err(JoseError::Header);
    }
    if header.contains_key("jwk") != (rules.embedded_key == EmbeddedKey::Demanded) {
        return Err(JoseError::Header);
    }
    if header.get("kid").is_some_and(|kid| kid.as_str().is_none_or(|kid| kid.len() > 1024)) {
        return Err(JoseError::Header);
    }
    check_type(header, rules)?;
    let alg = header.get("alg").and_then(Value::as_str).ok_or(JoseError::Algorithm)?;
    SigningAlg::from_name(alg).filter(|alg| rules.algs.contains(alg)).ok_or(JoseError::Algorithm)
}

fn check_type(header: &Map<String, Value>, rules: &HeaderRules<'_>) -> Result<(), JoseError> {
    let Some(typ) = header.get("typ") else {
        return if rules.untyped == Untyped::Accepted { Ok(()) } else { Err(JoseError::Type) };
    };
    let typ = typ.as_str().ok_or(JoseError::Header)?.to_ascii_lowercase();
    let typ = typ.strip_prefix("application/").unwrap_or(&typ);
    if rules.types.iter().any(|known| known.eq_ignore_ascii_case(typ)) {
        return Ok(());
    }
    Err(JoseError::Type)
}

#[cfg(test)]
mod tests;
