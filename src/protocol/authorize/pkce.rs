//! Proof Key for Code Exchange (RFC 7636), S256 only: `plain` protects nothing (RFC 9700 section
//! 2.1.1).

use serde::{Deserialize, Serialize};

use crate::protocol::error::OAuthError;
use crate::protocol::params::Params;

/// A `code_challenge` made with S256: 43 base64url characters (section 4.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CodeChallenge(String);

impl CodeChallenge {
    /// Reads `code_challenge` and `code_challenge_method` of an authorization request.
    ///
    /// # Errors
    /// `invalid_request` for a method other than S256 (an absent method means `plain`, section
    /// 4.3), a malformed challenge, or a method without a challenge.
    pub fn from_request(params: &Params) -> Result<Option<Self>, OAuthError> {
        let method = params.get("code_challenge_method")?;
        let Some(challenge) = params.get("code_challenge")? else {
            return match method {
                None => Ok(None),
                Some(_) => Err(OAuthError::invalid_request("code_challenge is missing.")),
            };
        };
        if method != Some("S256") {
            return Err(OAuthError::invalid_request("code_challenge_method must be S256."));
        }
        if challenge.len() != 43 || !challenge.bytes().all(is_base64url) {
            return Err(OAuthError::invalid_request(
                "code_challenge must be the 43 characters of an S256 challenge.",
            ));
        }
        Ok(Some(Self(challenge.to_owned())))
    }

    /// The challenge as sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Checks the `code_verifier` of a token request (section 4.6) against what the code remembers.
/// `digest` is BASE64URL(SHA-256(verifier)), computed by the caller: hashing lives in `crypto`.
///
/// # Errors
/// `invalid_request` for a malformed verifier; `invalid_grant` when it is missing, does not match,
/// or is presented for a code that has no challenge (RFC 9700 section 4.8.2).
pub fn verify(
    challenge: Option<&CodeChallenge>,
    verifier: Option<&str>,
    digest: impl FnOnce(&str) -> String,
) -> Result<(), OAuthError> {
    match (challenge, verifier) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(OAuthError::invalid_grant(
            "A code_verifier was sent for a code that was requested without a code_challenge.",
        )),
        (Some(_), None) => Err(OAuthError::invalid_grant("code_verifier is missing.")),
        (Some(challenge), Some(verifier)) => {
            let unreserved =
                |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
            if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(unreserved) {
                return Err(OAuthError::invalid_request(
                    "code_verifier must be 43 to 128 unreserved characters.",
                ));
            }
            if digest(verifier) == challenge.0 {
                Ok(())
            } else {
                Err(OAuthError::invalid_grant("code_verifier does not match the code_challenge."))
            }
        }
    }
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenge(query: &str) -> Result<Option<CodeChallenge>, OAuthError> {
        CodeChallenge::from_request(&Params::parse(query.as_bytes()).unwrap())
    }

    // RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_vector_of_rfc_7636_appendix_b_matches() {
        let made = CodeChallenge(CHALLENGE.to_owned());
        assert!(verify(Some(&made), Some(VERIFIER), |_| CHALLENGE.to_owned()).is_ok());
    }

    #[test]
    fn plain_an_absent_method_and_unknown_methods_are_refused() {
        for method in ["&code_challenge_method=plain", "", "&code_challenge_method=S512"] {
            assert!(challenge(&format!("code_challenge={CHALLENGE}{method}")).is_err());
        }
        assert!(challenge("code_challenge_method=S256").is_err());
    }

    #[test]
    fn a_verifier_of_wrong_length_or_alphabet_is_refused() {
        let made = CodeChallenge(CHALLENGE.to_owned());
        for bad in ["a".repeat(42), "a".repeat(129), format!("{}+", "a".repeat(43))] {
            let error = verify(Some(&made), Some(&bad), |_| CHALLENGE.to_owned()).unwrap_err();
            assert_eq!(error.code.as_str(), "invalid_request");
        }
    }

    #[test]
    fn a_verifier_without_a_challenge_and_a_challenge_without_a_verifier_are_refused() {
        let made = CodeChallenge(CHALLENGE.to_owned());
        assert!(verify(None, Some(VERIFIER), |_| CHALLENGE.to_owned()).is_err());
        assert!(verify(Some(&made), None, |_| CHALLENGE.to_owned()).is_err());
    }

    #[test]
    fn the_challenge_itself_is_no_verifier() {
        let made = CodeChallenge(CHALLENGE.to_owned());
        assert!(verify(Some(&made), Some(CHALLENGE), |_| "other".to_owned()).is_err());
    }
}
