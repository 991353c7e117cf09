//! Clients: reading them fast, and the changes administrators make.

pub mod access;
pub(in crate::service) mod assertion;
pub mod authentication;
pub(in crate::service) mod certificate;
pub mod checks;
mod deletion;
pub(crate) mod key_sets;
pub mod metadata_document;
pub mod refresh;
pub mod registration;
pub mod roles;
pub mod secrets;
pub(in crate::service) mod software_statement;
mod told;
pub mod trial;

use std::sync::Arc;

use crate::app::App;
use crate::clock::UnixTime;
use crate::crypto::secret::{self, Secret, SecretHash};
use crate::protocol::client::validation::MetadataProblem;
use crate::protocol::client::{
    Client, ClientMetadata, ClientOrigin, ConsentPolicy, metadata_document as documents,
};
use crate::protocol::rights::Right;
use crate::protocol::types::ClientId;
use crate::service::audit::{Actor, Event};
use crate::service::clients::checks::Author;
use crate::service::failure::Failure;
use crate::service::hearing;
use crate::service::people::authority::{self, Barred};
use crate::service::pictures::fetched;
use crate::service::revocation::{self, Subject};
use crate::service::session::farewell;
use crate::store::clients::{self, ClientFilter, protected_resources};
use crate::store::revocations::{self, RevocationKind};
use crate::store::sessions::session_data;
use crate::store::{StoreError, Tx, audit, grants, pairs, sync};

pub use deletion::{delete, delete_if};

/// The shortest secret an administrator may bring; generated ones have 43 characters.
const MIN_SECRET_CHARS: usize = 32;

/// Why a client could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("there is no client with this client_id")]
    NotFound,
    #[error("this client_id is taken")]
    Taken,
    #[error("{}", list(.0))]
    Invalid(Vec<MetadataProblem>),
    #[error("this client authenticates without a secret; change token_endpoint_auth_method first")]
    NoSecret,
    #[error("an app has two secrets at most; retire one first")]
    TooManySecrets,
    #[error("this is the only secret of the app; add another one first")]
    LastSecret,
    #[error("this app did not register itself, so it has no registration access token")]
    NotSelfRegistered,
    #[error("no document describes this app; what it is can be changed here")]
    NotDescribed,
    /// Why its document cannot be used; the text may be shown.
    #[error("{0}; the app stays as it was")]
    Document(String),
    #[error("a client secret needs at least {MIN_SECRET_CHARS} characters without spaces")]
    WeakSecret,
    #[error(
        "a client_id needs 1 to 64 letters, digits, '-', '_' or '.', and is none of \"new\", \".\" and \"..\""
    )]
    BadId,
    #[error("your role does not allow this")]
    NotYours,
    #[error(transparent)]
    Failure(#[from] Failure),
}

fn list(problems: &[MetadataProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl From<StoreError> for ClientError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => Self::Taken,
            other => Self::Failure(other.into()),
        }
    }
}

impl From<Barred> for ClientError {
    fn from(barred: Barred) -> Self {
        match barred {
            Barred::NotYours => Self::NotYours,
            Barred::Failure(failure) => Self::Failure(failure),
        }
    }
}

/// A client being registered.
pub struct NewClient {
    /// `None` makes a random one.
    pub id: Option<ClientId>,
    pub metadata: ClientMetadata,
    /// `None` makes a random one where the client needs one.
    pub secret: Option<Secret>,
}

/// A client and its secret, which is shown this once.
pub struct WithSecret {
    pub client: Client,
    pub secret: Option<Secret>,
}

/// Finds a client, disabled or not; remembered until any client changes.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn find(app: &App, id: &ClientId) -> Result<Option<Arc<Client>>, Failure> {
    // Another node may have disabled it, or ended its secret, a moment ago.
    hearing::be_current(app).await?;
    if let Some(client) = app.known.client(id) {
        return Ok(Some(client));
    }
    if app.known.is_absent(id) {
        return Ok(None);
    }
    let moment = app.known.moment();
    let found = clients::by_id(&app.store.db, id).await?;
    // Whoever sees that a client was disabled or deleted must not still see its tokens alive.
    app.watch.saw_revocation(sync::read(&app.store.db).await?.revocations);
    let Some(client) = found else {
        // One that a document describes may be stored by another node in the middle of a sign-in.
        if !documents::is_url(id.as_str()) {
            app.known.remember_absent(id, moment);
        }
        return Ok(None);
    };
    let client = Arc::new(client);
    app.known.remember(Arc::clone(&client), moment);
    Ok(Some(client))
}

/// The client as it is in SQL right now.
///
/// # Errors
/// [`ClientError::NotFound`] or a failure.
pub async fn get(app: &App, id: &ClientId) -> Result<Client, ClientError> {
    clients::by_id(&app.store.db, id).await?.ok_or(ClientError::NotFound)
}

/// One page of clients.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn search(app: &App, filter: &ClientFilter) -> Result<Vec<Client>, Failure> {
    Ok(clients::list(&app.store.db, filter).await?)
}

/// Registers a client.
///
/// # Errors
/// [`ClientError`].
pub async fn create(app: &App, new: NewClient, actor: &Actor) -> Result<WithSecret, ClientError> {
    let new = NewClient { metadata: named(new.metadata), ..new };
    checks::check(app, &new.metadata, Author::Administrator, None).map_err(ClientError::Invalid)?;
    check_sector(app, &new.metadata).await?;
    let id = match new.id {
        Some(id) if is_good_id(id.as_str()) => id,
        Some(_) => return Err(ClientError::BadId),
        None => ClientId::new(secret::opaque_id()),
    };
    let uses_secret = new.metadata.token_endpoint_auth_method.uses_secret();
    let secret = match (uses_secret, new.secret) {
        (false, None) => None,
        (false, Some(_)) => return Err(ClientError::NoSecret),
        (true, Some(own)) => Some(check_secret(own)?),
        (true, None) => Some(Secret::generate()),
    };
    let now = app.now();
    let mut tx = authority::begin(app, (actor, Right::ClientsWrite)).await?;
    let client = Client {
        token_version: first_version(&mut tx, &id, now).await?,
        id,
        metadata: checks::kept(new.metadata),
        origin: ClientOrigin::Manual,
        secret_hashes: secret.iter().map(|s| s.hash().as_str().to_owned()).collect(),
        logo: None,
        disabled_at: None,
        created_at: now,
        updated_at: now,
    };
    clients::insert(&mut tx, &client).await?;
    give_resources(&mut tx, &client).await?;
    access::keep(&mut tx, &client, None).await?;
    fetched::follow(app, &mut tx, (&client, None)).await?;
    let event = Event::success("client.created", actor, now)
        .client(&client.id)
        .detail("client_name", client.metadata.client_name.as_str());
    audit::append(&mut tx, &event.into_row()).await?;
    sync::bump_catalog(&mut tx).await?;
    tx.commit().await?;
    app.known.forget();
    app.outbox_bell.notify_one();
    Ok(WithSecret { client, secret })
}

/// Makes the client the one that answers for its protected resources.
async fn give_resources(tx: &mut Tx, client: &Client) -> Result<(), ClientError> {
    let field = "protected_resources";
    let own = &client.metadata.protected_resources;
    let taken = protected_resources::replace(tx, &client.id, own).await?;
    let mut problems = Vec::new();
    for resource in &taken {
        let holder = protected_resources::holder(&mut *tx, resource).await?;
        let holder = holder.map(|id| id.to_string()).unwrap_or_default();
        let problem = format!("belongs to the app {holder:?}; take it away there first");
        problems.push(MetadataProblem::of(field, resource, problem));
    }
    if problems.is_empty() { Ok(()) } else { Err(ClientError::Invalid(problems)) }
}

/// Where the token versions of a new client begin: behind those of a deleted one with the same id. Its
/// revocation would otherwise kill the new one's tokens as well; and once that is forgotten, the new one
/// would find what the old one has left in the fast store. So versions begin with the time: none is
/// raised once a second all its life.
pub(crate) async fn first_version(
    tx: &mut Tx,
    id: &ClientId,
    now: UnixTime,
) -> Result<i64, Failure> {
    let spent = revocations::any(tx, &[(RevocationKind::Client, id.as_str())]).await?;
    Ok(spent.iter().map(|revocation| revocation.version).fold(now.0, i64::max))
}

/// What even an administrator cannot change of an app that came by itself.
fn unreviewed(client: &Client, metadata: &ClientMetadata) -> Option<MetadataProblem> {
    let problem = |field, text: &str| Some(MetadataProblem::new(field, text));
    match client.origin {
        ClientOrigin::Document => {
            problem("client_id", "names the document that describes this app; change that instead")
        }
        ClientOrigin::Dynamic if metadata.consent == ConsentPolicy::Skip => {
            problem("consent", "is always asked for an app that registered itself")
        }
        ClientOrigin::Manual | ClientOrigin::Dynamic => None,
    }
}

async fn check_sector(app: &App, metadata: &ClientMetadata) -> Result<(), ClientError> {
    let checked = checks::sector(app, metadata).await;
    checked.map_err(|problem| ClientError::Invalid(vec![problem]))
}

/// White space around a name is not part of it.
fn named(metadata: ClientMetadata) -> ClientMetadata {
    ClientMetadata { client_name: metadata.client_name.trim().to_owned(), ..metadata }
}

fn is_good_id(id: &str) -> bool {
    // The last three would be other addresses in the console.
    (1..=64).contains(&id.len())
        && !matches!(id, "." | ".." | "new")
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

fn check_secret(secret: Secret) -> Result<Secret, ClientError> {
    let text = secret.expose();
    if text.chars().count() < MIN_SECRET_CHARS || text.chars().any(char::is_whitespace) {
        return Err(ClientError::WeakSecret);
    }
    Ok(secret)
}

/// Replaces a client's metadata.
///
/// # Errors
/// [`ClientError`].
pub async fn update(
    app: &App,
    id: &ClientId,
    metadata: ClientMetadata,
    actor: &Actor,
) -> Result<Client, ClientError> {
    let client = get(app, id).await?;
    Box::pin(update_from(app, (client, None), metadata, actor)).await?.ok_or(ClientError::NotFound)
}

/// As [`update`], if the client is in the moment of the change as it is here; `None`, and nothing
/// changes, when somebody else has changed it since.
///
/// # Errors
/// [`ClientError`].
pub async fn update_if(
    app: &App,
    made_from: Client,
    metadata: ClientMetadata,
    actor: &Actor,
) -> Result<Option<Client>, ClientError> {
    let client = made_from.clone();
    Box::pin(update_from(app, (client, Some(&made_from)), metadata, actor)).await
}

async fn update_from(
    app: &App,
    (mut client, made_from): (Client, Option<&Client>),
    metadata: ClientMetadata,
    actor: &Actor,
) -> Result<Option<Client>, ClientError> {
    let metadata = named(metadata);
    checks::check(app, &metadata, Author::Administrator, Some(&client.metadata))
        .map_err(ClientError::Invalid)?;
    if let Some(problem) = unreviewed(&client, &metadata) {
        return Err(ClientError::Invalid(vec![problem]));
    }
    let sector = |m: &ClientMetadata| (m.sector_identifier_uri.clone(), m.redirect_uris.clone());
    if sector(&metadata) != sector(&client.metadata) {
        check_sector(app, &metadata).await?;
    }
    let before = std::mem::replace(&mut client.metadata, checks::kept(metadata));
    if client.uses_secret() && client.secret_hashes.is_empty() {
        return Err(ClientError::Invalid(vec![MetadataProblem::new(
            "token_endpoint_auth_method",
            "a client without a secret cannot start to use one; register a new client",
        )]));
    }
    client.updated_at = app.now();
    let is_other = client.metadata.proves_itself_otherwise(&before);
    let right = if is_other { Right::ClientsSecret } else { Right::ClientsWrite };
    let mut tx = authority::begin_over_services(app, (actor, right)).await?;
    let held = clients::hold(&mut tx, &client.id).await?;
    if made_from.is_some() && held.as_ref() != made_from {
        return Ok(None);
    }
    // What it was is what counts in this moment, whatever this change was made from.
    let present = held.ok_or(ClientError::NotFound)?.metadata;
    clients::update(&mut tx, &client).await?;
    registration::care::note_set(&mut tx, &client, &before).await?;
    give_resources(&mut tx, &client).await?;
    access::keep(&mut tx, &client, Some(&present)).await?;
    fetched::follow(app, &mut tx, (&client, Some(&present))).await?;
    let event = told::updated(actor, &present, &client);
    audit::append(&mut tx, &event.into_row()).await?;
    let shut_out = if client.metadata.shuts_out(&present) {
        let now = client.updated_at;
        Some(access::end_all(app, &mut tx, (&mut client, now)).await?)
    } else {
        None
    };
    sync::bump_catalog(&mut tx).await?;
    tx.commit().await?;
    let spread = revocation::spread_catalogue(app);
    app.known.forget();
    app.outbox_bell.notify_one();
    if let Some(pending) = shut_out {
        revocation::publish(app, pending).await;
    }
    // A redirect URI or a key that was taken away.
    spread.outlive_copies().await;
    Ok(Some(client))
}

/// Whether a client, or person, may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    Enabled,
    Disabled,
}

/// Disables a client, which kills its tokens at once and tells it that everybody has signed out, or
/// enables it again, which does not bring them back.
///
/// # Errors
/// [`ClientError`].
pub async fn set_activity(
    app: &App,
    id: &ClientId,
    activity: Activity,
    actor: &Actor,
) -> Result<(), ClientError> {
    let before = get(app, id).await?;
    let now = app.now();
    let mut tx = authority::begin_over_services(app, (actor, Right::ClientsWrite)).await?;
    let (kind, pending) = match activity {
        Activity::Enabled => {
            clients::set_disabled(&mut tx, id, None, now).await?;
            ("client.enabled", None)
        }
        Activity::Disabled => {
            clients::set_disabled(&mut tx, id, Some(now), now).await?;
            let version = clients::raise_token_version(&mut tx, id).await?;
            pairs::hold_ended_of_client(&mut tx, id).await?;
            grants::revoke_for_client(&mut tx, id, now).await?;
            session_data::forget_client(&mut tx, id).await?;
            if before.disabled_at.is_none() {
                farewell::enqueue(app, &mut tx, &before).await?;
            }
            let pending = revocation::record(&mut tx, &[Subject::Client(id, version)], now).await?;
            ("client.disabled", Some(pending))
        }
    };
    audit::append(&mut tx, &Event::success(kind, actor, now).client(id).into_row()).await?;
    sync::bump_catalog(&mut tx).await?;
    tx.commit().await?;
    app.known.forget();
    app.outbox_bell.notify_one();
    if let Some(pending) = pending {
        revocation::publish(app, pending).await;
    }
    Ok(())
}

/// Gives a confidential client a new secret, made here or brought; no node takes the old one any more
/// when this comes back.
///
/// # Errors
/// [`ClientError`].
pub async fn rotate_secret(
    app: &App,
    id: &ClientId,
    own: Option<Secret>,
    actor: &Actor,
) -> Result<WithSecret, ClientError> {
    let mut client = get(app, id).await?;
    if !client.uses_secret() {
        return Err(ClientError::NoSecret);
    }
    let now = app.now();
    let secret = own.map_or_else(|| Ok(Secret::generate()), check_secret)?;
    client.secret_hashes = vec![secret.hash().as_str().to_owned()];
    let mut tx = authority::begin(app, (actor, Right::ClientsSecret)).await?;
    clients::set_secret_hashes(&mut tx, id, &client.secret_hashes, now).await?;
    let event = Event::success("client.secret_rotated", actor, now).client(id);
    audit::append(&mut tx, &event.into_row()).await?;
    sync::bump_catalog(&mut tx).await?;
    tx.commit().await?;
    let spread = revocation::spread_catalogue(app);
    app.known.forget();
    spread.outlive_copies().await;
    Ok(WithSecret { client, secret: Some(secret) })
}

/// Compares a stored secret hash with a presented secret in constant time.
#[must_use]
pub fn secret_matches(stored: &str, presented: &str) -> bool {
    SecretHash::from_stored(stored.to_owned()).matches(presented)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_id_has_a_page_of_its_own_in_the_console() {
        for good in ["wiki", "a", "new-app", "...", "a.b_c-9"] {
            assert!(is_good_id(good), "{good}");
        }
        for bad in ["", ".", "..", "new", "a/b", "a b", "ü", &"x".repeat(65)] {
            assert!(!is_good_id(bad), "{bad}");
        }
    }
}
