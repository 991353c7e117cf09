//! The app that a sign-in is tried with: an ordinary one with an id of its own. Whoever may make apps makes it,
//! and it is listed, changed, disabled and deleted like any other.

use std::sync::Arc;

use crate::app::App;
use crate::protocol::client::{AuthMethod, Client, ClientMetadata, GrantType, PkcePolicy};
use crate::protocol::scope::Scopes;
use crate::protocol::types::ClientId;
use crate::service::audit::Actor;
use crate::service::clients::{self, ClientError, NewClient};
use crate::service::failure::Failure;

/// Its `client_id`.
pub const CLIENT_ID: &str = "doorward-try-it";
/// Where answers come to, below the issuer.
pub const CALLBACK: &str = "/admin/try/callback";
/// Where it begins, and where people come to who have signed out, below the issuer.
pub const PAGE: &str = "/admin/try";
/// What it may ask for.
const SCOPES: [&str; 5] = ["openid", "profile", "email", "groups", "offline_access"];

/// How the app stands.
#[derive(Debug, Clone)]
pub enum Fitness {
    /// Nobody has made it.
    Missing,
    Ready(Arc<Client>),
    Disabled,
    /// The addresses it is registered with are others: those of an earlier issuer, say. Made anew they fit.
    OtherAddresses,
    /// It is there and something else: it has a secret, or may not do what this needs.
    Unusable,
}

/// Looks how the app stands.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn fitness(app: &App) -> Result<Fitness, Failure> {
    let Some(client) = clients::find(app, &ClientId::new(CLIENT_ID)).await? else {
        return Ok(Fitness::Missing);
    };
    let metadata = &client.metadata;
    Ok(if client.is_confidential() || !client.allows(GrantType::AuthorizationCode) {
        Fitness::Unusable
    } else if client.disabled_at.is_some() {
        Fitness::Disabled
    } else if !metadata.redirect_uris.contains(&address(app, CALLBACK))
        || !metadata.post_logout_redirect_uris.contains(&address(app, PAGE))
    {
        Fitness::OtherAddresses
    } else {
        Fitness::Ready(client)
    })
}

/// Makes the app, or gives it the addresses that fit the issuer.
///
/// # Errors
/// [`ClientError`] as for any app.
pub async fn set_up(app: &App, actor: &Actor) -> Result<(), ClientError> {
    let id = ClientId::new(CLIENT_ID);
    match clients::get(app, &id).await {
        Ok(client) => {
            let metadata = with_addresses(app, client.metadata);
            clients::update(app, &id, metadata, actor).await?;
        }
        Err(ClientError::NotFound) => {
            let new = NewClient { id: Some(id), metadata: metadata(app), secret: None };
            clients::create(app, new, actor).await?;
        }
        Err(other) => return Err(other),
    }
    Ok(())
}

fn metadata(app: &App) -> ClientMetadata {
    let metadata = ClientMetadata {
        client_name: "Try a sign-in".to_owned(),
        token_endpoint_auth_method: AuthMethod::None,
        pkce: PkcePolicy::Required,
        scope: Scopes::from_tokens(SCOPES),
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        ..ClientMetadata::default()
    };
    with_addresses(app, metadata)
}

fn with_addresses(app: &App, metadata: ClientMetadata) -> ClientMetadata {
    ClientMetadata {
        redirect_uris: vec![address(app, CALLBACK)],
        post_logout_redirect_uris: vec![address(app, PAGE)],
        client_uri: Some(address(app, PAGE)),
        ..metadata
    }
}

/// An address below the issuer, in full.
#[must_use]
pub fn address(app: &App, path: &str) -> String {
    format!("{}{path}", app.issuer())
}
