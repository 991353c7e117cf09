//! Errors that the specifications give a code to: RFC 6749 sections 4.1.2.1 and 5.2, OpenID Connect
//! Core section 3.1.2.6, RFC 6750 section 3.1, RFC 9449 sections 5, 8 and 9.
//!
//! The description is public and constant; whatever came from outside goes into the detail, which
//! is only logged. So no answer can echo an attacker's text.

use crate::protocol::types::ClientId;

/// `error`, as the registries write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    InvalidRequest,
    UnauthorizedClient,
    AccessDenied,
    UnsupportedResponseType,
    InvalidScope,
    ServerError,
    TemporarilyUnavailable,
    InvalidClient,
    InvalidGrant,
    UnsupportedGrantType,
    UnsupportedTokenType,
    InvalidToken,
    InsufficientScope,
    InvalidTarget,
    LoginRequired,
    ConsentRequired,
    InteractionRequired,
    RequestNotSupported,
    RequestUriNotSupported,
    RegistrationNotSupported,
    /// Several accounts would do (OpenID Connect Core section 3.1.2.6).
    AccountSelectionRequired,
    /// Unmet Authentication Requirements 1.0 section 2.
    UnmetAuthenticationRequirements,
    /// RFC 9396 section 5.
    InvalidAuthorizationDetails,
    /// RFC 9101 section 7.
    InvalidRequestUri,
    InvalidRequestObject,
    InvalidDpopProof,
    UseDpopNonce,
    /// RFC 8628 section 3.5, with the two below.
    AuthorizationPending,
    SlowDown,
    ExpiredToken,
    /// RFC 7591 section 3.2.2.
    InvalidClientMetadata,
    InvalidSoftwareStatement,
    UnapprovedSoftwareStatement,
}

impl ErrorCode {
    /// The registered spelling.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::AccessDenied => "access_denied",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedTokenType => "unsupported_token_type",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::InvalidTarget => "invalid_target",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::InteractionRequired => "interaction_required",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::RegistrationNotSupported => "registration_not_supported",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::ExpiredToken => "expired_token",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::InvalidSoftwareStatement => "invalid_software_statement",
            Self::UnapprovedSoftwareStatement => "unapproved_software_statement",
            Self::AccountSelectionRequired => "account_selection_required",
            Self::UnmetAuthenticationRequirements => "unmet_authentication_requirements",
            Self::InvalidAuthorizationDetails => "invalid_authorization_details",
            Self::InvalidRequestUri => "invalid_request_uri",
            Self::InvalidRequestObject => "invalid_request_object",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UseDpopNonce => "use_dpop_nonce",
        }
    }
}

/// A protocol error: what the client is told and, apart from it, what the log is told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {description}", code.as_str())]
pub struct OAuthError {
    pub code: ErrorCode,
    /// Public `error_description`; only characters RFC 6749 allows, without quotes or backslash.
    pub description: &'static str,
    /// For the log only.
    pub detail: String,
    /// The client whose request it was, once that is known to be one. For the log only.
    pub client_id: Option<ClientId>,
}

impl OAuthError {
    #[must_use]
    pub fn new(code: ErrorCode, description: &'static str) -> Self {
        Self { code, description, detail: String::new(), client_id: None }
    }

    /// Says whose request it was.
    #[must_use]
    pub fn of_client(mut self, client_id: &ClientId) -> Self {
        self.client_id = Some(client_id.clone());
        self
    }

    /// Adds what only the log may see.
    #[must_use]
    pub fn because(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    #[must_use]
    pub fn invalid_request(description: &'static str) -> Self {
        Self::new(ErrorCode::InvalidRequest, description)
    }

    #[must_use]
    pub fn invalid_grant(description: &'static str) -> Self {
        Self::new(ErrorCode::InvalidGrant, description)
    }

    #[must_use]
    pub fn invalid_client(description: &'static str) -> Self {
        Self::new(ErrorCode::InvalidClient, description)
    }

    #[must_use]
    pub fn invalid_scope(description: &'static str) -> Self {
        Self::new(ErrorCode::InvalidScope, description)
    }

    #[must_use]
    pub fn invalid_token(description: &'static str) -> Self {
        Self::new(ErrorCode::InvalidToken, description)
    }
}
