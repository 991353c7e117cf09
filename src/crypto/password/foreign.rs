//! Password hashes that other systems made: what an import may bring along. They are only ever compared
//! with; whoever signs in with one gets a hash of today's kind in its place.
//!
//! | scheme | written as |
//! |---|---|
//! | bcrypt | `$2a$`, `$2b$`, `$2y$` |
//! | scrypt | `$scrypt$ln=17,r=8,p=1$salt$hash` |
//! | PBKDF2 | `$pbkdf2-sha256$i=600000$salt$hash` (or the number alone), Django's `pbkdf2_sha256$600000$salt$hash` |
//! | SHA-crypt | `$5$`, `$6$` |
//! | salted SHA | `{SSHA}`, `{SSHA256}`, `{SSHA384}`, `{SSHA512}` with Base64 behind it |
//!
//! A directory's `{CRYPT}`, `{BCRYPT}` or `{ARGON2}` in front of any of them is taken off.

use std::num::NonZeroU32;
use std::str::FromStr as _;

use argon2::PasswordHash;
use aws_lc_rs::{digest, pbkdf2};
use data_encoding::BASE64_NOPAD;
use sha_crypt::{PasswordVerifier as _, ShaCrypt};
use subtle::ConstantTimeEq as _;

use super::MAX_STORED_KIB;

/// The highest bcrypt cost: about a second.
const MAX_BCRYPT_COST: u32 = 14;
/// The most iterations of PBKDF2: a second or two.
const MAX_PBKDF2_ITERATIONS: u32 = 2_500_000;
/// The most rounds of SHA-crypt: about a second.
const MAX_SHA_CRYPT_ROUNDS: u32 = 500_000;
/// The most block mixes of scrypt (N · r · p): four times what is recommended.
const MAX_SCRYPT_WORK: u64 = 1 << 22;

/// Why a hash cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashProblem {
    /// No scheme that is known here.
    #[error(
        "this is no password hash that can be kept: use argon2, bcrypt, scrypt, pbkdf2, SHA-crypt or salted SHA"
    )]
    Unknown,
    /// A known scheme, but it cannot be read.
    #[error("the password hash cannot be read")]
    Malformed,
    /// Its cost would take the server down.
    #[error("comparing with this password hash would cost too much")]
    TooCostly,
}

/// A hash of another kind than Argon2, ready to compare with.
pub(super) enum Foreign {
    Bcrypt(String),
    Scrypt { params: scrypt::Params, salt: Vec<u8>, output: Vec<u8> },
    Pbkdf2 { hmac: pbkdf2::Algorithm, iterations: NonZeroU32, salt: Vec<u8>, output: Vec<u8> },
    ShaCrypt(String),
    SaltedSha { digest: &'static digest::Algorithm, salt: Vec<u8>, output: Vec<u8> },
}

/// The text without what a directory writes in front of it.
pub(super) fn bare(text: &str) -> &str {
    let text = text.trim();
    ["{CRYPT}", "{BCRYPT}", "{ARGON2}"]
        .into_iter()
        .find_map(|mark| {
            let (front, rest) = text.split_at_checked(mark.len())?;
            front.eq_ignore_ascii_case(mark).then_some(rest)
        })
        .unwrap_or(text)
}

impl Foreign {
    /// Reads a hash. `None` when it is an Argon2 one, which needs nothing of this.
    pub(super) fn parse(text: &str) -> Result<Option<Self>, HashProblem> {
        let text = bare(text);
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(HashProblem::Unknown);
        }
        if text.starts_with("$argon2") {
            return Ok(None);
        }
        let found = match text.split_once('$') {
            Some(("", rest)) => match rest.split_once('$').map(|(scheme, _)| scheme) {
                Some("2a" | "2b" | "2y") => bcrypt(text)?,
                Some("5" | "6") => sha_crypt(text)?,
                Some("scrypt") => scrypt(text)?,
                Some("pbkdf2" | "pbkdf2-sha1" | "pbkdf2-sha256" | "pbkdf2-sha512") => pbkdf2(rest)?,
                _ => return Err(HashProblem::Unknown),
            },
            Some(("pbkdf2_sha1" | "pbkdf2_sha256" | "pbkdf2_sha512", _)) => django(text)?,
            _ => salted_sha(text)?,
        };
        Ok(Some(found))
    }

    /// Whether the password is the one that was hashed. Costs what its maker chose.
    pub(super) fn matches(&self, password: &[u8]) -> bool {
        match self {
            Self::Bcrypt(text) => bcrypt::verify(password, text).unwrap_or(false),
            Self::Scrypt { params, salt, output } => {
                let mut made = vec![0; output.len()];
                scrypt::scrypt(password, salt, params, &mut made).is_ok()
                    && made.ct_eq(output).into()
            }
            Self::Pbkdf2 { hmac, iterations, salt, output } => {
                pbkdf2::verify(*hmac, *iterations, salt, password, output).is_ok()
            }
            Self::ShaCrypt(text) => {
                ShaCrypt::default().verify_password(password, text.as_str()).is_ok()
            }
            Self::SaltedSha { digest, salt, output } => {
                let mut context = digest::Context::new(digest);
                context.update(password);
                context.update(salt);
                context.finish().as_ref().ct_eq(output).into()
            }
        }
    }
}

fn bcrypt(text: &str) -> Result<Foreign, HashProblem> {
    let parts = bcrypt::HashParts::from_str(text).map_err(|_| HashProblem::Malformed)?;
    if parts.get_cost() > MAX_BCRYPT_COST {
        return Err(HashProblem::TooCostly);
    }
    Ok(Foreign::Bcrypt(text.to_owned()))
}

fn scrypt(text: &str) -> Result<Foreign, HashProblem> {
    let parsed = PasswordHash::new(text).map_err(|_| HashProblem::Malformed)?;
    let params = scrypt::Params::try_from(&parsed.params).map_err(|_| HashProblem::Malformed)?;
    let (Some(salt), Some(output)) = (&parsed.salt, &parsed.hash) else {
        return Err(HashProblem::Malformed);
    };
    let blocks = params.n().saturating_mul(u64::from(params.r()));
    let kib = blocks.saturating_mul(128) / 1024;
    if kib > u64::from(MAX_STORED_KIB)
        || blocks.saturating_mul(u64::from(params.p())) > MAX_SCRYPT_WORK
    {
        return Err(HashProblem::TooCostly);
    }
    let (salt, output) = (salt.as_ref().to_vec(), output.as_bytes().to_vec());
    Ok(Foreign::Scrypt { params, salt, output })
}

/// `pbkdf2-sha256$i=600000,l=32$salt$hash`, or the number alone.
fn pbkdf2(text: &str) -> Result<Foreign, HashProblem> {
    let [scheme, cost, salt, output] = fields(text)?;
    let iterations = cost
        .split(',')
        .find_map(|part| part.strip_prefix("i="))
        .or_else(|| (!cost.contains('=')).then_some(cost))
        .ok_or(HashProblem::Malformed)?;
    let salt = base64(salt)?;
    made_with_pbkdf2(scheme.rsplit('-').next(), (iterations, salt, output))
}

/// `pbkdf2_sha256$600000$salt$hash`; the salt is text.
fn django(text: &str) -> Result<Foreign, HashProblem> {
    let [scheme, iterations, salt, output] = fields(text)?;
    let salt = salt.as_bytes().to_vec();
    made_with_pbkdf2(scheme.rsplit('_').next(), (iterations, salt, output))
}

fn made_with_pbkdf2(
    hash: Option<&str>,
    (iterations, salt, output): (&str, Vec<u8>, &str),
) -> Result<Foreign, HashProblem> {
    let (hmac, length) = match hash {
        Some("sha256") => (pbkdf2::PBKDF2_HMAC_SHA256, 32),
        Some("sha512") => (pbkdf2::PBKDF2_HMAC_SHA512, 64),
        _ => (pbkdf2::PBKDF2_HMAC_SHA1, 20),
    };
    let iterations: NonZeroU32 = iterations.parse().map_err(|_| HashProblem::Malformed)?;
    let output = base64(output)?;
    // Fewer bytes would be easier to meet; more than the hash gives multiplies the work.
    if output.len() < 16 || output.len() > 64 {
        return Err(HashProblem::Malformed);
    }
    let rounds = u32::try_from(output.len().div_ceil(length)).unwrap_or(u32::MAX);
    if iterations.get().saturating_mul(rounds) > MAX_PBKDF2_ITERATIONS {
        return Err(HashProblem::TooCostly);
    }
    Ok(Foreign::Pbkdf2 { hmac, iterations, salt, output })
}

fn sha_crypt(text: &str) -> Result<Foreign, HashProblem> {
    let mut fields = text.split('$').skip(2);
    let first = fields.next().ok_or(HashProblem::Malformed)?;
    let rounds = match first.strip_prefix("rounds=") {
        Some(number) => number.parse().map_err(|_| HashProblem::Malformed)?,
        None => sha_crypt::Params::RECOMMENDED_ROUNDS,
    };
    if rounds > MAX_SHA_CRYPT_ROUNDS {
        return Err(HashProblem::TooCostly);
    }
    let length = if text.starts_with("$5$") { 43 } else { 86 };
    let is_whole = text.rsplit('$').next().is_some_and(|output| output.len() == length)
        && text.split('$').skip(2).filter(|part| !part.starts_with("rounds=")).count() == 2;
    if rounds < sha_crypt::Params::ROUNDS_MIN || !is_whole || !text.is_ascii() {
        return Err(HashProblem::Malformed);
    }
    Ok(Foreign::ShaCrypt(text.to_owned()))
}

fn salted_sha(text: &str) -> Result<Foreign, HashProblem> {
    let (mark, rest) =
        text.strip_prefix('{').and_then(|text| text.split_once('}')).ok_or(HashProblem::Unknown)?;
    let digest = match mark.to_ascii_uppercase().as_str() {
        "SSHA" => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        "SSHA256" => &digest::SHA256,
        "SSHA384" => &digest::SHA384,
        "SSHA512" => &digest::SHA512,
        _ => return Err(HashProblem::Unknown),
    };
    let bytes = base64(rest)?;
    let (output, salt) =
        bytes.split_at_checked(digest.output_len()).ok_or(HashProblem::Malformed)?;
    if salt.is_empty() {
        return Err(HashProblem::Malformed);
    }
    Ok(Foreign::SaltedSha { digest, salt: salt.to_vec(), output: output.to_vec() })
}

fn fields(text: &str) -> Result<[&str; 4], HashProblem> {
    let fields: Vec<&str> = text.split('$').collect();
    fields.try_into().map_err(|_| HashProblem::Malformed)
}

/// Base64 with or without padding, and with the `.` that some write for `+`.
fn base64(text: &str) -> Result<Vec<u8>, HashProblem> {
    let text = text.trim_end_matches('=').replace('.', "+");
    BASE64_NOPAD.decode(text.as_bytes()).map_err(|_| HashProblem::Malformed)
}

#[cfg(test)]
mod tests;
