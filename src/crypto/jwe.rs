//! JSON Web Encryption in its compact form (RFC 7516): answers that only one client can read, and
//! request objects that only Doorward can read.
//!
//! Two ways to agree on a key (RSA-OAEP-256 and ECDH-ES) and three to protect the content; that is
//! what RFC 7518 recommends and what is not broken. RSA1_5 and compression are left out: the one
//! invites padding oracles, the other tells the length of secrets (RFC 8725 sections 3.6 and 3.7).

mod agreement;
mod content;
pub mod own;
mod recipient;

use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

pub use recipient::{Recipient, Sender};

use self::content::Protected;
use super::foreign::object;
use super::keyring::Keyring;
use super::secret::random_bytes;
use crate::protocol::types::{ContentEncryptionAlg, KeyEncryptionAlg};

/// Longer texts are refused unread. A request object of this length would not fit anywhere else.
const MAX_TOKEN_LEN: usize = 64 * 1024;
/// Longer headers are refused: the largest honest one holds an ephemeral P-384 key.
const MAX_HEADER_LEN: usize = 4 * 1024;
/// Longer key ids are refused.
const MAX_KID_LEN: usize = 1024;

/// Why something could not be encrypted or decrypted. For the log: a sender learns only that it
/// did not work, never which part was wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JweError {
    /// The library failed, or the recipient's key is of no use.
    #[error("the content could not be encrypted")]
    Encryption,
    /// Not five parts of canonical base64url of acceptable length.
    #[error("not an encrypted token")]
    Malformed,
    /// A header that is no object, or has a member that is refused.
    #[error("the header of the encrypted token is not acceptable")]
    Header,
    /// An algorithm that is not offered.
    #[error("the token is encrypted with an algorithm that is not offered")]
    Algorithm,
    /// No key of ours fits.
    #[error("the token is encrypted for no key of ours")]
    UnknownKey,
    /// Encrypted for another key, or changed. Deliberately not told apart.
    #[error("the token does not decrypt")]
    Decryption,
}

/// What a decrypted token held. It is not signed by anybody yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The protected header.
    pub header: Map<String, Value>,
    pub plaintext: Vec<u8>,
}

/// What is encrypted.
#[derive(Debug, Clone, Copy)]
pub enum Plaintext<'a> {
    /// A signed token: the header says `cty` `JWT` (RFC 7519 section 5.2).
    SignedToken(&'a str),
    /// The JSON text of claims.
    Claims(&'a [u8]),
}

/// Encrypts for one recipient, with the key agreement of the recipient's key.
///
/// # Errors
/// [`JweError::Encryption`].
pub fn encrypt(
    to: &Recipient,
    enc: ContentEncryptionAlg,
    plaintext: Plaintext<'_>,
) -> Result<String, JweError> {
    to.begin(enc).ok_or(JweError::Encryption)?.encrypt(plaintext)
}

impl Sender {
    /// Encrypts the one content this key was agreed on for.
    ///
    /// # Errors
    /// [`JweError::Encryption`].
    pub fn encrypt(self, plaintext: Plaintext<'_>) -> Result<String, JweError> {
        let (content_type, bytes) = match plaintext {
            Plaintext::SignedToken(token) => (Some("JWT"), token.as_bytes()),
            Plaintext::Claims(claims) => (None, claims),
        };
        let header = serde_json::to_vec(&Header {
            alg: self.alg,
            enc: self.enc,
            kid: self.kid.as_deref(),
            cty: content_type,
            epk: self.ephemeral_key,
        });
        let header = BASE64URL_NOPAD.encode(&header.map_err(|_| JweError::Encryption)?);
        let Protected { iv, ciphertext, tag } =
            content::seal(self.enc, &self.content_key, (header.as_bytes(), bytes))
                .ok_or(JweError::Encryption)?;
        let parts = [&self.encrypted_key, &iv, &ciphertext, &tag];
        let parts = parts.map(|part| BASE64URL_NOPAD.encode(part));
        Ok(format!("{header}.{}", parts.join(".")))
    }
}

/// Decrypts what somebody encrypted for one of our keys. With a `kid` only the key of that name is
/// tried, without one all that fit the algorithm. Nothing of the content is returned, nor tells its
/// own error, before its authentication tag is found right.
///
/// # Errors
/// [`JweError`].
pub fn decrypt(keyring: &Keyring, token: &str) -> Result<Opened, JweError> {
    let (encoded_header, sealed) = take_apart(token)?;
    let header = object(encoded_header).map_err(|_| JweError::Header)?;
    let (alg, enc, kid) = check_header(&header)?;
    let fits = |key: &&own::DecryptionKey| key.alg == alg && kid.is_none_or(|kid| key.kid == kid);
    let mut candidates = keyring.decryption_keys().iter().filter(fits).peekable();
    if candidates.peek().is_none() {
        return Err(JweError::UnknownKey);
    }
    let plaintext = candidates.find_map(|key| {
        let content_key = key
            .content_key(enc, (&header, &sealed.encrypted_key))
            // Another key of the right length takes its place, so that a wrong encrypted key fails
            // exactly where a wrong tag does (RFC 7516 section 11.5).
            .unwrap_or_else(|| random_key(enc));
        content::open(enc, &content_key, (encoded_header.as_bytes(), &sealed.content))
    });
    let plaintext = plaintext.ok_or(JweError::Decryption)?;
    Ok(Opened { header, plaintext })
}

/// Whether a text has the shape of a compact JWE rather than of a compact JWS.
#[must_use]
pub fn is_encrypted(token: &str) -> bool {
    token.bytes().filter(|byte| *byte == b'.').count() == 4
}

/// The header of what we encrypt.
#[derive(Serialize)]
struct Header<'a> {
    alg: KeyEncryptionAlg,
    enc: ContentEncryptionAlg,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cty: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    epk: Option<Value>,
}

struct Sealed {
    encrypted_key: Vec<u8>,
    content: Protected,
}

fn take_apart(token: &str) -> Result<(&str, Sealed), JweError> {
    if token.len() > MAX_TOKEN_LEN {
        return Err(JweError::Malformed);
    }
    let mut parts = token.split('.');
    let header = parts.next().ok_or(JweError::Malformed)?;
    if header.len() > MAX_HEADER_LEN {
        return Err(JweError::Header);
    }
    let mut next = || {
        let part = parts.next().ok_or(JweError::Malformed)?;
        BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| JweError::Malformed)
    };
    let encrypted_key = next()?;
    let content = Protected { iv: next()?, ciphertext: next()?, tag: next()? };
    if parts.next().is_some() {
        return Err(JweError::Malformed);
    }
    Ok((header, Sealed { encrypted_key, content }))
}

fn check_header(
    header: &Map<String, Value>,
) -> Result<(KeyEncryptionAlg, ContentEncryptionAlg, Option<&str>), JweError> {
    // Compression, extensions nobody announced to us, and keys or places of the sender's choice.
    const REFUSED: [&str; 9] = ["zip", "crit", "b64", "jku", "jwk", "x5u", "x5c", "p2s", "p2c"];
    if REFUSED.iter().any(|name| header.contains_key(*name)) {
        return Err(JweError::Header);
    }
    let kid = match header.get("kid") {
        None => None,
        Some(Value::String(kid)) if kid.len() <= MAX_KID_LEN => Some(kid.as_str()),
        Some(_) => return Err(JweError::Header),
    };
    let name = |member| header.get(member).and_then(Value::as_str).ok_or(JweError::Algorithm);
    let alg = KeyEncryptionAlg::from_name(name("alg")?).ok_or(JweError::Algorithm)?;
    let enc = ContentEncryptionAlg::from_name(name("enc")?).ok_or(JweError::Algorithm)?;
    Ok((alg, enc, kid))
}

/// A content key nobody else knows.
fn random_key(enc: ContentEncryptionAlg) -> Zeroizing<Vec<u8>> {
    let mut key = Zeroizing::new(random_bytes::<32>().to_vec());
    key.truncate(content::key_len(enc));
    key
}

#[cfg(test)]
mod tests;
