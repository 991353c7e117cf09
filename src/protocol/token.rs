//! The token endpoint's request and response (RFC 6749 sections 4.1.3, 4.1.4, 5.1, 6): the phases
//! every grant shares. The differences live in [`super::grant`].

use serde::Serialize;

use super::client::{Client, GrantType};
use super::error::{ErrorCode, OAuthError};
use super::params::Params;
use crate::clock::Seconds;

/// Which grant a request wants.
///
/// # Errors
/// `invalid_request` when `grant_type` is missing, `unsupported_grant_type` for a grant this
/// provider does not implement, `unauthorized_client` for one the client is not registered for.
pub fn grant_type(params: &Params, client: &Client) -> Result<GrantType, OAuthError> {
    let name = params
        .get("grant_type")?
        .ok_or_else(|| OAuthError::invalid_request("grant_type is missing."))?;
    let grant = GrantType::from_name(name).ok_or_else(|| {
        OAuthError::new(ErrorCode::UnsupportedGrantType, "This grant_type is not supported.")
            .because(format!("grant_type {name:?}"))
    })?;
    if client.allows(grant) {
        return Ok(grant);
    }
    Err(OAuthError::new(
        ErrorCode::UnauthorizedClient,
        "This client is not registered for this grant_type.",
    ))
}

/// The successful answer (RFC 6749 section 5.1, OpenID Connect Core section 3.1.3.3).
#[derive(Clone, Serialize)]
pub struct TokenResponse {
    pub access_token: String,
    /// `Bearer` (RFC 6750), or `DPoP` for a token bound to a key (RFC 9449 section 5).
    pub token_type: &'static str,
    pub expires_in: Seconds,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// Space-separated, always told, so that a narrowed grant is never silent.
    pub scope: String,
}
