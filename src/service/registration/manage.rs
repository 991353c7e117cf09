//! A client looks after its own registration (RFC 7592) with the registration access token it got.
//! The token is replaced at every change; of two changes at once with the same token one is refused.

use serde_json::{Map, Value};

use super::{Registered, RegistrationError, RegistrationRequest, prepare, refuse_when_off};
use crate::app::App;
use crate::crypto::secret::{Secret, SecretHash};
use crate::protocol::client::{Client, ClientMetadata};
use crate::protocol::client_metadata::MetadataProblem;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::registration::{self, SERVER_ONLY};
use crate::protocol::types::ClientId;
use crate::service::audit::{Actor, Event};
use crate::service::clients::{self as client_cases, ClientError};
use crate::service::failure::Failure;
use crate::store::{audit, client_registrations, clients, consents, sync};

/// A client unknown here, one that never registered itself and a wrong token look the same.
fn unauthorized() -> OAuthError {
    OAuthError::invalid_token("The registration access token is not one of this client.")
}

/// The client, if the token is its own.
async fn own(
    app: &App,
    id: &ClientId,
    request: &RegistrationRequest,
) -> Result<(Client, String), RegistrationError> {
    refuse_when_off(app)?;
    let token = request.token.clone().ok_or_else(unauthorized)?;
    let registration = client_registrations::of(&app.store.db, id).await?;
    let hash = registration.ok_or_else(unauthorized)?.token_hash;
    if !SecretHash::from_stored(hash).matches(&token) {
        return Err(unauthorized().into());
    }
    let client = clients::by_id(&app.store.db, id).await?.ok_or_else(unauthorized)?;
    if client.disabled_at.is_some() {
        let text = "This app has been switched off by an administrator.";
        return Err(OAuthError::new(ErrorCode::AccessDenied, text).into());
    }
    Ok((client, token))
}

/// What is registered. A secret cannot be told again, since only its hash is kept.
///
/// # Errors
/// [`RegistrationError`].
pub async fn read(
    app: &App,
    id: &ClientId,
    request: &RegistrationRequest,
) -> Result<Registered, RegistrationError> {
    let (client, token) = own(app, id, request).await?;
    Ok(Registered { client, secret: None, token, statement: None })
}

/// Replaces the metadata as a whole: what is left out is gone (section 2.2).
///
/// # Errors
/// [`RegistrationError`]; nothing is changed then.
pub async fn replace(
    app: &App,
    id: &ClientId,
    request: &RegistrationRequest,
) -> Result<Registered, RegistrationError> {
    let (mut client, old_token) = own(app, id, request).await?;
    check_identity(&client, &request.members)?;
    let prepared = prepare(app, &request.members).await?;
    let looks_the_same = registration::looks_the_same(&client.metadata, &prepared.metadata);
    let now = app.now();
    // Given by an administrator: the client can neither take nor lose them.
    let protected_resources = std::mem::take(&mut client.metadata.protected_resources);
    client.metadata = ClientMetadata { protected_resources, ..prepared.metadata };
    client.updated_at = now;
    let secret = match (client.uses_secret(), client.secret_hashes.is_empty()) {
        (true, true) => Some(Secret::generate()),
        (true, false) | (false, _) => None,
    };
    let token = Secret::generate();
    let (old_hash, new_hash) = (SecretHash::of(&old_token), token.hash());
    let mut tx = app.store.begin().await?;
    // The gate: another change with the same token finds the token gone.
    let hashes = (old_hash.as_str(), new_hash.as_str());
    if !client_registrations::rotate(&mut tx, id, hashes).await? {
        return Err(unauthorized().into());
    }
    clients::update(&mut tx, &client).await?;
    if let Some(secret) = &secret {
        client.secret_hashes = vec![secret.hash().as_str().to_owned()];
    } else if !client.uses_secret() {
        client.secret_hashes.clear();
    }
    clients::set_secret_hashes(&mut tx, id, &client.secret_hashes, now).await?;
    if !looks_the_same {
        // People allowed another app than this one has become.
        consents::delete_for_client(&mut tx, id).await?;
    }
    let event = Event::success("client.updated", &Actor::Client(id.clone()), now)
        .client(id)
        .caller(&request.caller);
    audit::append(&mut tx, &event.into_row()).await?;
    sync::bump_catalog(&mut tx).await?;
    tx.commit().await?;
    app.known.forget();
    let token = token.expose().to_owned();
    Ok(Registered { client, secret, token, statement: prepared.statement })
}

/// The request must speak of this client, and of nothing that only the server sets (section 2.2).
fn check_identity(client: &Client, members: &Map<String, Value>) -> Result<(), RegistrationError> {
    let mut problems = Vec::new();
    if members.get("client_id").and_then(Value::as_str) != Some(client.id.as_str()) {
        problems.push(MetadataProblem::new("client_id", "must be that of this client"));
    }
    for name in SERVER_ONLY {
        if members.contains_key(name) {
            problems.push(MetadataProblem::new(name, "must be left out"));
        }
    }
    let known = |secret: &str| {
        client.secret_hashes.iter().any(|hash| client_cases::secret_matches(hash, secret))
    };
    match members.get("client_secret") {
        None | Some(Value::Null) => {}
        Some(Value::String(secret)) if known(secret) => {}
        Some(_) => {
            let text = "must be the present one or left out; it cannot be chosen";
            problems.push(MetadataProblem::new("client_secret", text));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.into()) }
}

/// Deletes the client and everything issued to it (section 2.3).
///
/// # Errors
/// [`RegistrationError`].
pub async fn delete(
    app: &App,
    id: &ClientId,
    request: &RegistrationRequest,
) -> Result<(), RegistrationError> {
    own(app, id, request).await?;
    match client_cases::delete(app, id, &Actor::Client(id.clone())).await {
        Ok(()) => Ok(()),
        // Deleted by two requests at once: gone is gone.
        Err(ClientError::NotFound) => Err(unauthorized().into()),
        Err(ClientError::Failure(failure)) => Err(failure.into()),
        Err(other) => Err(Failure::Internal(other.to_string()).into()),
    }
}
