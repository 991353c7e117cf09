//! The ways in which a use case fails that are nobody's fault outside: the answer is 503 or 500,
//! never a decision.

use crate::crypto::jose::JoseError;
use crate::crypto::keyring::KeyError;
use crate::crypto::password::PasswordError;
use crate::protocol::error::OAuthError;
use crate::protocol::types::ClientId;
use crate::store::StoreError;

/// Something Doorward depends on did not do its part. The text is for the log only.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// A store or the hashing pool did not answer in time: trying again may help.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// A defect or damaged data: trying again will not help.
    #[error("internal: {0}")]
    Internal(String),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(detail) => Self::Unavailable(detail),
            StoreError::Corrupt(detail) => Self::Internal(detail),
            StoreError::Conflict => Self::Internal("unexpected conflict".into()),
        }
    }
}

impl From<PasswordError> for Failure {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::Unavailable("the hashing queue is full".into()),
            PasswordError::Failed => Self::Internal("hashing failed".into()),
        }
    }
}

impl From<JoseError> for Failure {
    fn from(error: JoseError) -> Self {
        Self::Internal(format!("signing: {error}"))
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        Self::Internal(format!("keys: {error}"))
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(format!("JSON: {error}"))
    }
}

/// The failure of a protocol endpoint: an answer for the client, or a failure of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    #[error(transparent)]
    OAuth(#[from] OAuthError),
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl EndpointError {
    /// Says, for the log, whose request was refused. A failure of ours is nobody's.
    #[must_use]
    pub fn of_client(self, client_id: &ClientId) -> Self {
        match self {
            Self::OAuth(refusal) => Self::OAuth(refusal.of_client(client_id)),
            Self::Failure(failure) => Self::Failure(failure),
        }
    }
}

impl From<StoreError> for EndpointError {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}

impl From<JoseError> for EndpointError {
    fn from(error: JoseError) -> Self {
        Self::Failure(error.into())
    }
}

impl From<serde_json::Error> for EndpointError {
    fn from(error: serde_json::Error) -> Self {
        Self::Failure(error.into())
    }
}
