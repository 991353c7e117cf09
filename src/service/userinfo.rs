//! Userinfo (OpenID Connect Core section 5.3).

use serde_json::{Map, Value};

use crate::app::App;
use crate::protocol::claims;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::service::access_token;
use crate::service::failure::EndpointError;
use crate::store::users;

/// The claims this access token may see.
///
/// # Errors
/// `invalid_token` or `insufficient_scope` (RFC 6750 section 3.1), or a failure of ours.
pub async fn claims(app: &App, token: &str) -> Result<Map<String, Value>, EndpointError> {
    let dead = || OAuthError::invalid_token("The access token is unknown, expired or revoked.");
    let token = access_token::inspect(app, token).await?.ok_or_else(dead)?;
    let scopes = token.scopes();
    if !scopes.contains("openid") {
        return Err(OAuthError::new(
            ErrorCode::InsufficientScope,
            "The access token does not have the openid scope.",
        )
        .into());
    }
    let user_id = token.user_id().ok_or_else(dead)?;
    let user = users::by_id(&app.store.db, &user_id)
        .await?
        .filter(|user| user.disabled_at.is_none())
        .ok_or_else(dead)?;
    Ok(claims::userinfo(&user, &token.sub, &scopes))
}
