//! What travels through a sign-in: the wish, the attempt, the answer, the tokens.

use openidconnect::core::CoreIdToken;
use openidconnect::{AccessToken, Nonce, RefreshToken};
use serde::Deserialize;
use url::Url;

use crate::clock::{Seconds, UnixTime};

/// Whether the provider may, must or must not show its sign-in form (`prompt`, OpenID Connect Core
/// section 3.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prompt {
    /// Whatever the provider finds necessary.
    Provider,
    /// No page at all: success or an error.
    Silent,
    /// The password again, known or not.
    Again,
}

impl Prompt {
    /// The prompt this app's own `/login?prompt=` asks for; anything else is left to the provider.
    pub(super) fn from_name(name: Option<&str>) -> Self {
        match name {
            Some("none") => Self::Silent,
            Some("login") => Self::Again,
            _ => Self::Provider,
        }
    }
}

/// A sign-in on its way: what the app must remember until the browser returns.
#[derive(Debug)]
pub(super) struct Attempt {
    pub state: String,
    pub nonce: Nonce,
    pub verifier: String,
    /// Where the browser was sent, kept to explain its parameters.
    pub url: Url,
    pub prompt: Prompt,
    pub started_at: UnixTime,
}

/// What the browser brought back from the authorization endpoint.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Answer {
    pub code: Option<String>,
    pub state: Option<String>,
    pub iss: Option<String>,
    pub error: Option<String>,
    pub error_description: Option<String>,
}

/// The tokens of a person who is signed in, and what was learned with them.
#[derive(Debug, Clone)]
pub(super) struct Tokens {
    pub id_token: CoreIdToken,
    pub access_token: AccessToken,
    pub refresh_token: Option<RefreshToken>,
    pub scope: String,
    /// Lifetime of the access token in seconds.
    pub expires_in: Option<Seconds>,
    pub received_at: UnixTime,
    pub subject: String,
    pub auth_time: Option<UnixTime>,
    pub nonce: Nonce,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_two_known_prompts_are_passed_on() {
        assert_eq!(Prompt::from_name(Some("none")), Prompt::Silent);
        assert_eq!(Prompt::from_name(Some("login")), Prompt::Again);
        assert_eq!(Prompt::from_name(Some("consent select_account")), Prompt::Provider);
        assert_eq!(Prompt::from_name(None), Prompt::Provider);
    }
}
