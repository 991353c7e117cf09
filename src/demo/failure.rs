//! What can go wrong between a sample app and the provider, as a person should read about it.

use openidconnect::core::CoreErrorResponseType;
use openidconnect::{DiscoveryError, RequestTokenError, StandardErrorResponse, UserInfoError};

use super::http_client::HttpFailure;

/// Longest provider text repeated on a page, in characters.
const LONGEST_QUOTE: usize = 300;

/// Why a step did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// The provider answered with an OAuth error (RFC 6749 sections 4.1.2.1 and 5.2).
    #[error("{error}: {description}")]
    Refused { error: String, description: String },
    /// The provider could not be reached.
    #[error("{0}")]
    Unreachable(String),
    /// The provider answered in a way the standard does not foresee.
    #[error("{0}")]
    Unexpected(String),
    /// An ID token or an answer failed a check. Nothing of it is used.
    #[error("{0}")]
    NotVerified(String),
    /// The answer belongs to no sign-in that was started in this browser.
    #[error("the state parameter belongs to no sign-in started in this browser")]
    Stranger,
    /// The provider no longer accepts the access token (RFC 6750 section 3.1).
    #[error("the access token is no longer accepted")]
    TokenDead,
}

impl Failure {
    /// An error from the authorization endpoint; its text is bounded before it reaches a page.
    pub(super) fn refused(error: &str, description: Option<&str>) -> Self {
        let quote = |text: &str| text.chars().take(LONGEST_QUOTE).collect();
        Self::Refused { error: quote(error), description: quote(description.unwrap_or_default()) }
    }

    /// A failed check, named by what was checked.
    pub(super) fn not_verified(what: &str, error: &dyn std::error::Error) -> Self {
        Self::NotVerified(format!("{what}: {error}"))
    }

    /// Whether the provider said that this grant has ended for good: RFC 6749 section 5.2.
    pub(super) fn ends_the_grant(&self) -> bool {
        matches!(self, Self::Refused { error, .. } if error == "invalid_grant")
    }
}

impl From<DiscoveryError<HttpFailure>> for Failure {
    fn from(error: DiscoveryError<HttpFailure>) -> Self {
        match error {
            DiscoveryError::Request(cause) => Self::from(cause),
            other => Self::Unexpected(format!("the discovery document: {other}")),
        }
    }
}

type TokenError = RequestTokenError<HttpFailure, StandardErrorResponse<CoreErrorResponseType>>;

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        match error {
            RequestTokenError::ServerResponse(answer) => Self::refused(
                answer.error().as_ref(),
                answer.error_description().map(String::as_str),
            ),
            RequestTokenError::Request(cause) => Self::from(cause),
            RequestTokenError::Parse(cause, _) => {
                Self::Unexpected(format!("the token response: {cause}"))
            }
            RequestTokenError::Other(cause) => {
                Self::Unexpected(format!("the token response: {cause}"))
            }
        }
    }
}

impl From<UserInfoError<HttpFailure>> for Failure {
    fn from(error: UserInfoError<HttpFailure>) -> Self {
        match error {
            UserInfoError::Response(status, ..) if status.as_u16() == 401 => Self::TokenDead,
            UserInfoError::Request(cause) => Self::from(cause),
            UserInfoError::ClaimsVerification(cause) => {
                Self::not_verified("the userinfo response", &cause)
            }
            other => Self::Unexpected(format!("the userinfo response: {other}")),
        }
    }
}

impl From<HttpFailure> for Failure {
    fn from(error: HttpFailure) -> Self {
        match error {
            // reqwest keeps the reason (connection refused) in the source of its error.
            HttpFailure::Transport(cause) => {
                let reason = std::error::Error::source(&cause).map(ToString::to_string);
                Self::Unreachable(reason.unwrap_or_else(|| cause.to_string()))
            }
            other => Self::Unexpected(other.to_string()),
        }
    }
}
