//! Reading the registered claims of a JWT (RFC 7519 section 4.1) strictly: what is present must have
//! the right form; a malformed claim is never read as an absent one (RFC 8725 section 3.2).

use serde_json::{Map, Value};

use crate::clock::UnixTime;

/// The name of a claim that is missing where it must be, or malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the claim {0} is missing or malformed")]
pub struct BadClaim(pub &'static str);

/// A claim that is a string wherever it is present.
///
/// # Errors
/// [`BadClaim`] when it is something else.
pub fn text<'a>(
    claims: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'a str>, BadClaim> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(BadClaim(name)),
    }
}

/// A claim that is a whole number of seconds since 1970 wherever it is present. RFC 7519 would allow
/// fractions; nobody honest writes them.
///
/// # Errors
/// [`BadClaim`] when it is something else, negative numbers included.
pub fn time(claims: &Map<String, Value>, name: &'static str) -> Result<Option<UnixTime>, BadClaim> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => match value.as_i64() {
            Some(seconds) if seconds >= 0 => Ok(Some(UnixTime(seconds))),
            _ => Err(BadClaim(name)),
        },
    }
}

/// Everyone the token is for: one string or several (RFC 7519 section 4.1.3), never nobody.
///
/// # Errors
/// [`BadClaim`] when `aud` is missing, empty or something else.
pub fn audience(claims: &Map<String, Value>) -> Result<Vec<&str>, BadClaim> {
    match claims.get("aud") {
        Some(Value::String(one)) => Ok(vec![one]),
        Some(Value::Array(several)) if !several.is_empty() => {
            several.iter().map(|entry| entry.as_str().ok_or(BadClaim("aud"))).collect()
        }
        _ => Err(BadClaim("aud")),
    }
}
