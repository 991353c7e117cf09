//! The try-it client of the console: Doorward as an app of itself, so that a sign-in can be tried before any
//! other app is there. The authorization request goes through the browser like everybody's; the code is
//! redeemed by the very function that answers the token endpoint, in this process, since a server behind a
//! proxy may not reach itself.
//!
//! | module | what it is about |
//! |---|---|
//! | [`client`] | the app that is used: whether it is there and fits, and making it |
//! | [`walk`] | from the authorization request to the tokens, refreshing, the way out |
//! | [`kept`] | what is kept meanwhile, sealed, for ten minutes |
//! | [`outcome`] | what came of it, read and checked as a relying party does |
//!
//! What is kept belongs to one session of one person. The id of a session survives every renewal, so somebody
//! who signs in again on the way still is who began; anybody else is not, and is shown nothing.

pub mod client;
mod kept;
pub mod outcome;
pub mod walk;

pub use kept::{LIFETIME, Refusal, Visitor};

use crate::protocol::error::OAuthError;
use crate::service::failure::{EndpointError, Failure};

/// Why a sign-in that is tried goes no further.
#[derive(Debug, thiserror::Error)]
pub enum TryError {
    #[error("the app for it is not there, or cannot be used as it is")]
    NotReady,
    #[error(
        "nothing was begun that this is the answer to, or it was spent or ten minutes have passed"
    )]
    NotBegun,
    #[error("it was begun by somebody else, or in another session")]
    OtherSession,
    /// RFC 9207 section 2.4.
    #[error("the answer is not from this issuer")]
    OtherIssuer,
    #[error("somebody else has signed in on the way")]
    OtherPerson,
    #[error("there is nothing kept of a sign-in")]
    NothingKept,
    #[error("the app got no refresh token")]
    NoRefreshToken,
    /// The token endpoint said so.
    #[error(transparent)]
    Refused(OAuthError),
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<EndpointError> for TryError {
    fn from(error: EndpointError) -> Self {
        match error {
            EndpointError::OAuth(error) => Self::Refused(error),
            EndpointError::Failure(failure) => Self::Failure(failure),
        }
    }
}
