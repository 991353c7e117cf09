//! Signing and verifying the JSON Web Tokens that Doorward itself issues (RFC 7515, RFC 7519), with
//! the strictness of RFC 8725: the key decides the algorithm, the type decides the purpose, and what
//! is malformed is refused rather than read as absent.

use aws_lc_rs::digest;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::key_pair::algorithm;
use super::keyring::{KeyState, Keyring, SigningKey};
use crate::clock::{Seconds, UnixTime};
use crate::protocol::jose::jwt_claims::{BadClaim, audience, text, time};
use crate::protocol::types::SigningAlg;

/// Longer texts are refused unread. Doorward's own tokens are a tenth of this.
const MAX_TOKEN_LEN: usize = 16 * 1024;

/// How far the clocks of two machines may differ.
const CLOCK_TOLERANCE: Seconds = 30;

/// What a token is for. One kind can never be used as the other (RFC 8725 section 3.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenType {
    /// An ID token (OpenID Connect Core section 2).
    IdToken,
    /// An access token (RFC 9068 section 2.1).
    AccessToken,
    /// A signed answer of userinfo (OpenID Connect Core section 5.3.2). It has no `exp`, so it can
    /// never pass for an ID token.
    Userinfo,
    /// A signed answer of introspection (RFC 9701 section 5).
    Introspection,
    /// A logout token (OpenID Connect Back-Channel Logout section 2.4).
    LogoutToken,
    /// An authorization response (JARM section 2.1). That standard names no type; one of its own keeps
    /// a response from ever passing as an ID token.
    AuthorizationResponse,
    /// What the gateway says about a person to the app behind it. No standard names a type.
    GatewayAssertion,
}

impl TokenType {
    /// Every type.
    pub const ALL: [Self; 7] = [
        Self::IdToken,
        Self::AccessToken,
        Self::Userinfo,
        Self::Introspection,
        Self::AuthorizationResponse,
        Self::LogoutToken,
        Self::GatewayAssertion,
    ];

    /// The `typ` header. No standard names one for the answers of userinfo, and relying parties know
    /// only `JWT` there.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IdToken | Self::Userinfo => "JWT",
            Self::AccessToken => "at+jwt",
            Self::Introspection => "token-introspection+jwt",
            Self::LogoutToken => "logout+jwt",
            Self::AuthorizationResponse => "oauth-authz-resp+jwt",
            Self::GatewayAssertion => "gateway-assertion+jwt",
        }
    }
}

/// Why a token was not signed or not accepted. For the log: callers of the protocol only learn that
/// the token is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JoseError {
    /// The claims are not a JSON object, or the library failed.
    #[error("the token could not be signed")]
    Signing,
    /// Not a compact JWS of acceptable length with canonical base64url.
    #[error("not a signed token")]
    Malformed,
    /// A header other than exactly `alg`, `kid` and `typ` as strings.
    #[error("the token's header is not one of ours")]
    Header,
    /// No key with this `kid`, or no longer.
    #[error("the token is signed by no key of ours")]
    UnknownKey,
    /// Another algorithm than that of the key.
    #[error("the token names another algorithm than its key's")]
    Algorithm,
    /// A token for another purpose.
    #[error("the token is of another type")]
    Type,
    /// Signed by someone else, or changed.
    #[error("the signature is wrong")]
    Signature,
    /// A claim that is required is missing, or one that is present has the wrong form.
    #[error("the claim {0} is missing or malformed")]
    Claim(&'static str),
    /// From another issuer.
    #[error("the token is from another issuer")]
    Issuer,
    /// For somebody else.
    #[error("the token is for another audience")]
    Audience,
    /// Too late.
    #[error("the token has expired")]
    Expired,
    /// Too early.
    #[error("the token is not valid yet")]
    NotYetValid,
}

impl From<BadClaim> for JoseError {
    fn from(claim: BadClaim) -> Self {
        Self::Claim(claim.0)
    }
}

/// Signs `claims`, which must serialize to a JSON object. The caller sets every claim.
pub fn sign(
    key: &SigningKey,
    typ: TokenType,
    claims: &impl Serialize,
) -> Result<String, JoseError> {
    let payload = serde_json::to_vec(claims).map_err(|_| JoseError::Signing)?;
    if payload.first() != Some(&b'{') {
        return Err(JoseError::Signing);
    }
    let header = key.header(typ).ok_or(JoseError::Signing)?;
    // The longest signature, RSA-2048, takes 342 characters.
    let mut token = String::with_capacity(header.len() + payload.len() / 3 * 4 + 350);
    token.push_str(header);
    token.push('.');
    BASE64URL_NOPAD.encode_append(&payload, &mut token);
    let signature = key.signature(token.as_bytes()).ok_or(JoseError::Signing)?;
    token.push('.');
    BASE64URL_NOPAD.encode_append(&signature, &mut token);
    Ok(token)
}

/// Whether an expired token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// Refused.
    Enforced,
    /// Accepted, as for an `id_token_hint` (OpenID Connect RP-Initiated Logout section 2). The claim
    /// must still be there and be a number.
    Ignored,
}

/// What a token has to be in order to be accepted.
#[derive(Debug, Clone, Copy)]
pub struct Expect<'a> {
    /// Its purpose.
    pub typ: TokenType,
    /// Its `iss`, compared exactly.
    pub issuer: &'a str,
    /// A value its `aud` must contain; `None` where any audience is good, as in introspection.
    pub audience: Option<&'a str>,
    /// The present moment.
    pub now: UnixTime,
    /// What to do about `exp`.
    pub expiry: Expiry,
}

/// The claims of a token that Doorward signed and that meets every expectation. Nothing in the token
/// is believed before the signature is found right, except which of our keys to try.
pub fn verify(
    keyring: &Keyring,
    token: &str,
    expect: &Expect<'_>,
) -> Result<Map<String, Value>, JoseError> {
    if token.len() > MAX_TOKEN_LEN {
        return Err(JoseError::Malformed);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(JoseError::Malformed)?;
    let (header, payload) = signed.split_once('.').ok_or(JoseError::Malformed)?;
    let (header, payload) = (decode(header)?, decode(payload)?);
    // Only to refuse what is not canonical, so that one token has one spelling.
    decode(signature)?;
    let key = key_for(keyring, &header, expect)?;
    let genuine = jsonwebtoken::crypto::verify(
        signature,
        signed.as_bytes(),
        &key.verifier,
        algorithm(key.alg),
    );
    if !genuine.unwrap_or(false) {
        return Err(JoseError::Signature);
    }
    let claims = serde_json::from_slice(&payload).map_err(|_| JoseError::Malformed)?;
    check_claims(&claims, expect)?;
    Ok(claims)
}

/// Strict: no padding, no line breaks, no stray bits at the end. A third dot fails here too.
fn decode(segment: &str) -> Result<Vec<u8>, JoseError> {
    BASE64URL_NOPAD.decode(segment.as_bytes()).map_err(|_| JoseError::Malformed)
}

/// The header of our own tokens. Anything more (`crit`, `b64`, `jwk`, `jku`, `x5u`, `x5c`, …) is
/// something we never wrote, so it is refused without asking what it means.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnHeader {
    alg: String,
    kid: String,
    #[serde(default, deserialize_with = "present")]
    typ: Option<String>,
}

/// A member that may be absent but not null.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

/// Our key that the header names, if the header fits that key and this type of token. A retired key is
/// one for hints alone.
fn key_for<'a>(
    keyring: &'a Keyring,
    header: &[u8],
    expect: &Expect<'_>,
) -> Result<&'a SigningKey, JoseError> {
    // The derived reader would also take a JSON array.
    if header.first() != Some(&b'{') {
        return Err(JoseError::Header);
    }
    let header: OwnHeader = serde_json::from_slice(header).map_err(|_| JoseError::Header)?;
    let typ = expect.typ;
    let is_hint = typ == TokenType::IdToken && expect.expiry == Expiry::Ignored;
    let key = keyring.by_kid(&header.kid).filter(|key| is_hint || key.state != KeyState::Retired);
    let key = key.ok_or(JoseError::UnknownKey)?;
    if header.alg != key.alg.as_str() {
        return Err(JoseError::Algorithm);
    }
    let right_type = match (typ, header.typ.as_deref()) {
        (TokenType::IdToken, None) => true,
        (_, named) => named == Some(typ.as_str()),
    };
    if right_type { Ok(key) } else { Err(JoseError::Type) }
}

fn check_claims(claims: &Map<String, Value>, expect: &Expect<'_>) -> Result<(), JoseError> {
    let issuer = text(claims, "iss")?.ok_or(JoseError::Claim("iss"))?;
    if issuer != expect.issuer {
        return Err(JoseError::Issuer);
    }
    let audience = audience(claims)?;
    if expect.audience.is_some_and(|wanted| !audience.contains(&wanted)) {
        return Err(JoseError::Audience);
    }
    text(claims, "sub")?;
    let expires = time(claims, "exp")?.ok_or(JoseError::Claim("exp"))?;
    if expect.expiry == Expiry::Enforced && expect.now >= expires.plus(CLOCK_TOLERANCE) {
        return Err(JoseError::Expired);
    }
    time(claims, "iat")?;
    match time(claims, "nbf")? {
        Some(begins) if expect.now.plus(CLOCK_TOLERANCE) < begins => Err(JoseError::NotYetValid),
        _ => Ok(()),
    }
}

/// `at_hash` or `c_hash`: the left half of the hash that goes with the algorithm, as base64url
/// (OpenID Connect Core section 3.3.2.11). Ed25519 goes with SHA-512.
pub fn left_half_hash(alg: SigningAlg, value: &str) -> String {
    let function = match alg {
        SigningAlg::Rs256 | SigningAlg::Ps256 | SigningAlg::Es256 => &digest::SHA256,
        SigningAlg::Es384 => &digest::SHA384,
        SigningAlg::EdDsa => &digest::SHA512,
    };
    let hash = digest::digest(function, value.as_bytes());
    let (left, _) = hash.as_ref().split_at(hash.as_ref().len() / 2);
    BASE64URL_NOPAD.encode(left)
}

#[cfg(test)]
mod tests;
