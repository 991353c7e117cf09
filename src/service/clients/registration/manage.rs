//! A client looks after its own registration (RFC 7592) with the registration access token it got.
//! The token is replaced at every change; of two changes at once with the same token one is made.

use serde_json::{Map, Value};

use super::{
    Prepared, Present, Registered, RegistrationError, RegistrationRequest, WINDOW, prepare,
    refuse_when_off,
};
use crate::app::App;
use crate::crypto::secret::{Secret, SecretHash};
use crate::protocol::client::registration::SERVER_ONLY;
use crate::protocol::client::validation::MetadataProblem;
use crate::protocol::client::{Client, ClientMetadata};
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::types::ClientId;
use crate::service::audit::Actor;
use crate::service::authorize::consent;
use crate::service::brake::{self, Limit};
use crate::service::clients::{self as client_cases, ClientError, told};
use crate::service::failure::Failure;
use crate::service::pictures::fetched;
use crate::service::revocation;
use crate::store::clients;
use crate::store::clients::registrations::{self, ClientRegistration};
use crate::store::{audit, sync};

/// How often a change is prepared anew when the client is changed meanwhile.
const MOST_TRIES: usize = 3;

/// A client unknown here, one that never registered itself and a wrong token look the same.
fn unauthorized() -> OAuthError {
    OAuthError::invalid_token("The registration access token is not one of this client.")
}

/// A client that has shown its registration access token.
struct Own {
    client: Client,
    registration: ClientRegistration,
    token: String,
}

/// The client, if the token is its own.
async fn own(
    app: &App,
    id: &ClientId,
    request: &RegistrationRequest,
) -> Result<Own, RegistrationError> {
    refuse_when_off(app)?;
    let token = request.token.clone().ok_or_else(unauthorized)?;
    // The client first: what an administrator sets between the two readings is noticed by it.
    let client = clients::by_id(&app.store.db, id).await?.ok_or_else(unauthorized)?;
    let registration = registrations::of(&app.store.db, id).await?;
    let registration = registration.ok_or_else(unauthorized)?;
    let is_own = SecretHash::from_stored(registration.token_hash.clone()).matches(&token);
    if !registration.has_token() || !is_own {
        return Err(unauthorized().into());
    }
    if client.disabled_at.is_some() {
        let text = "This app has been switched off by an administrator.";
        return Err(OAuthError::new(ErrorCode::AccessDenied, text).into());
    }
    Ok(Own { client, registration, token })
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
    let Own { client, token, .. } = own(app, id, request).await?;
    Ok(Registered { client, secret: None, token, statement: None })
}

/// Replaces the metadata as a whole: what is left out is gone (section 2.2), except for what an
/// administrator has set and what strangers never choose. A request that changes nothing leaves
/// everything as it is, the token included.
///
/// # Errors
/// [`RegistrationError`]; nothing is changed then.
pub async fn replace(
    app: &App,
    id: &ClientId,
    request: &RegistrationRequest,
) -> Result<Registered, RegistrationError> {
    for attempt in 0..MOST_TRIES {
        let own = own(app, id, request).await?;
        check_identity(&own.client, &request.members)?;
        if attempt == 0 {
            refuse_haste(app, id, request).await?;
        }
        let present = Present {
            metadata: &own.client.metadata,
            set_by_administrator: &own.registration.set_by_administrator,
        };
        // On the heap, both: what clients are read, checked and stored with is large.
        let prepared = Box::pin(prepare(app, &request.members, Some(present))).await?;
        if let Some(registered) = Box::pin(store(app, (own, prepared), request)).await? {
            return Ok(registered);
        }
    }
    let text = "This app is being changed by somebody else at the moment; try again.";
    Err(OAuthError::new(ErrorCode::TemporarilyUnavailable, text).into())
}

/// Every change is in the audit log, makes all nodes read their clients again and may have us ask what
/// the app publishes, so nobody makes them in a loop.
async fn refuse_haste(
    app: &App,
    id: &ClientId,
    request: &RegistrationRequest,
) -> Result<(), RegistrationError> {
    let most = i64::from(app.settings().registration.changes_per_hour);
    let network = request.caller.network();
    for (who, most) in [(id.as_str(), most), (network.as_str(), most.saturating_mul(10))] {
        let key = &format!("registration-change:{who}");
        let limit = Limit { key, window: WINDOW, most, scope: "registration_change" };
        if brake::is_passed(app, &limit, &request.caller).await? {
            return Err(RegistrationError::TooMany { retry_after: WINDOW });
        }
    }
    Ok(())
}

/// Stores a change, unless the client is no longer what it was when the change was prepared: reading
/// what the app publishes takes time, and what an administrator has done meanwhile, such as giving it
/// another secret, must stay done. `None` then.
async fn store(
    app: &App,
    (own, prepared): (Own, Prepared),
    request: &RegistrationRequest,
) -> Result<Option<Registered>, RegistrationError> {
    let Own { client: before, registration, token: old_token } = own;
    let statement = prepared.statement;
    // Given by an administrator: the client can neither take nor lose them.
    let protected_resources = before.metadata.protected_resources.clone();
    let allowed_groups = before.metadata.allowed_groups.clone();
    let metadata = ClientMetadata { protected_resources, allowed_groups, ..prepared.metadata };
    let unchanged =
        metadata == before.metadata && prepared.statement_by == registration.statement_by;
    if unchanged && before.uses_secret() != before.secret_hashes.is_empty() {
        return Ok(Some(Registered { client: before, secret: None, token: old_token, statement }));
    }
    let now = app.now();
    let mut client = Client { metadata, updated_at: now, ..before.clone() };
    let secret = (client.uses_secret() && client.secret_hashes.is_empty()).then(Secret::generate);
    if let Some(secret) = &secret {
        client.secret_hashes = vec![secret.hash().as_str().to_owned()];
    } else if !client.uses_secret() {
        client.secret_hashes.clear();
    }
    let token = Secret::generate();
    let (old_hash, new_hash) = (SecretHash::of(&old_token), token.hash());
    let mut tx = app.store.begin().await?;
    let held = clients::hold(&mut tx, &client.id).await?;
    if held.as_ref() != Some(&before) {
        return Ok(None);
    }
    // The gate: another change with the same token finds the token gone.
    let hashes = (old_hash.as_str(), new_hash.as_str());
    let statement_by = prepared.statement_by.as_deref();
    if !registrations::rotate(&mut tx, &client.id, hashes, statement_by).await? {
        return Err(unauthorized().into());
    }
    clients::update(&mut tx, &client).await?;
    if client.secret_hashes != before.secret_hashes {
        clients::set_secret_hashes(&mut tx, &client.id, &client.secret_hashes, now).await?;
    }
    fetched::follow(app, &mut tx, (&client, Some(&before.metadata))).await?;
    let withdrawn = consent::withdraw_from_another(&mut tx, (&before, &client), now).await?;
    let event = told::updated(&Actor::Client(client.id.clone()), &before.metadata, &client)
        .caller(&request.caller);
    audit::append(&mut tx, &event.into_row()).await?;
    sync::bump_catalog(&mut tx).await?;
    tx.commit().await?;
    app.known.forget();
    app.outbox_bell.notify_one();
    if let Some(pending) = withdrawn {
        revocation::publish(app, pending).await;
    }
    let token = token.expose().to_owned();
    Ok(Some(Registered { client, secret, token, statement }))
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
