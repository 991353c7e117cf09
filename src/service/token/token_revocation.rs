//! Token revocation (RFC 7009). Revoking any token of a grant ends the grant: half a lineage is of
//! no use to anyone.

use crate::app::App;
use crate::protocol::client::RevocationChoice;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::types::{ClientId, GrantId, UserId};
use crate::service::audit::{Actor, Event};
use crate::service::clients::authentication::{self, ClientRequest};
use crate::service::failure::EndpointError;
use crate::service::token::issue::RefreshToken;
use crate::service::token::{access_token, lineage};
use crate::store::grants::refresh_families;

/// Answers a revocation request. A token that does not exist is as good as revoked (section 2.2).
///
/// # Errors
/// `invalid_client`, `invalid_request`, `invalid_grant` for another client's token,
/// `unsupported_token_type` for an access token that nobody asks about (section 2.2.1), or a failure
/// of ours, in which case the token may still live.
pub async fn revoke(app: &App, request: &ClientRequest) -> Result<(), EndpointError> {
    let client = authentication::authenticate(app, request).await?;
    let text = request
        .params
        .get("token")?
        .ok_or_else(|| OAuthError::invalid_request("token is missing."))?;
    let Some(token) = find(app, text).await? else { return Ok(()) };
    if token.owner != client.id {
        return Err(OAuthError::invalid_grant("The token belongs to another client.").into());
    }
    let stateless = client.metadata.revocation == RevocationChoice::Stateless;
    if token.kind == Kind::Access && stateless {
        // To say that it is dead would be untrue: the services that take it will not hear of it.
        return Err(OAuthError::new(
            ErrorCode::UnsupportedTokenType,
            "Access tokens of this client are checked by their signature alone and end by \
             themselves; hand the refresh token back.",
        )
        .into());
    }
    let event = Event::success("token.revoked", &Actor::Client(client.id.clone()), app.now())
        .client(&client.id)
        .caller(&request.caller);
    let event = match &token.user {
        Some(user) => event.user(user),
        None => event,
    };
    lineage::end(app, &token.grant, event).await?;
    Ok(())
}

/// What was handed back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Access,
    Refresh,
}

/// A token of ours, dead or alive.
struct Found {
    kind: Kind,
    owner: ClientId,
    grant: GrantId,
    user: Option<UserId>,
}

async fn find(app: &App, text: &str) -> Result<Option<Found>, EndpointError> {
    if let Some(token) = RefreshToken::open(app, text) {
        let found = refresh_families::with_grant(&app.store.db, &token.family).await?;
        return Ok(found.map(|(_, grant)| Found {
            kind: Kind::Refresh,
            owner: grant.client_id,
            grant: grant.id,
            user: Some(grant.user_id),
        }));
    }
    let found = access_token::genuine(app, text).await?;
    Ok(found.map(|claims| Found {
        kind: Kind::Access,
        owner: claims.client_id.clone(),
        grant: claims.grant.clone(),
        user: claims.user_id(),
    }))
}
