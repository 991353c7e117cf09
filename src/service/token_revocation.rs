//! Token revocation (RFC 7009). Revoking any token of a grant ends the grant: half a lineage is of
//! no use to anyone.

use crate::app::App;
use crate::protocol::client::Client;
use crate::protocol::error::OAuthError;
use crate::protocol::types::GrantId;
use crate::service::audit::{Actor, Event};
use crate::service::client_authentication::ClientRequest;
use crate::service::failure::EndpointError;
use crate::service::token::issue::RefreshToken;
use crate::service::token::refresh::revoke_grant;
use crate::service::{access_token, client_authentication};
use crate::store::refresh_families;

/// Answers a revocation request. A token that does not exist is as good as revoked (section 2.2).
///
/// # Errors
/// `invalid_client`, `invalid_request`, `invalid_grant` for another client's token, or a failure
/// of ours, in which case the token may still live.
pub async fn revoke(app: &App, request: &ClientRequest) -> Result<(), EndpointError> {
    let client = client_authentication::authenticate(app, request).await?;
    let text = request
        .params
        .get("token")?
        .ok_or_else(|| OAuthError::invalid_request("token is missing."))?;
    let Some(grant) = grant_of(app, &client, text).await? else { return Ok(()) };
    let event = Event::success("token.revoked", &Actor::Client(client.id.clone()), app.now())
        .client(&client.id)
        .caller(&request.caller);
    revoke_grant(app, &grant, event).await?;
    Ok(())
}

async fn grant_of(
    app: &App,
    client: &Client,
    text: &str,
) -> Result<Option<GrantId>, EndpointError> {
    let (owner, grant) = if let Some(token) = RefreshToken::open(app, text) {
        match refresh_families::with_grant(&app.store.db, &token.family).await? {
            Some((_, grant)) => (grant.client_id, grant.id),
            None => return Ok(None),
        }
    } else {
        match access_token::genuine(app, text).await? {
            Some(claims) => (claims.client_id.clone(), claims.grant.clone()),
            None => return Ok(None),
        }
    };
    if owner != client.id {
        return Err(OAuthError::invalid_grant("The token belongs to another client.").into());
    }
    Ok(Some(grant))
}
