//! Clients whose id is the URL of a document (draft-ietf-oauth-client-id-metadata-document). The
//! document is fetched by the guarded client, kept as long as its server says within bounds, and
//! treated as what it is: the word of a stranger.
//!
//! A client gets a row when a person first allows it something, since consents and grants refer to
//! one; before that nothing is stored, so that invented URLs leave no trace. The row follows the
//! document; when the document cannot be read, the row answers for a day.

use std::sync::Arc;

use crate::app::{App, Document};
use crate::clock::Seconds;
use crate::outbound::Accept;
use crate::protocol::client::metadata_document::{self, MOST_BYTES};
use crate::protocol::client::registration::Policy;
use crate::protocol::client::validation::{self, MetadataProblem};
use crate::protocol::client::{AuthMethod, Client, ClientMetadata, ClientOrigin};
use crate::protocol::error::OAuthError;
use crate::protocol::jose::strict_json;
use crate::protocol::types::ClientId;
use crate::service::audit::{Actor, Caller, Event};
use crate::service::authorize::consent;
use crate::service::brake::{self, Limit};
use crate::service::clients::checks::{self, Author};
use crate::service::clients::registration::care as registrations;
use crate::service::clients::{self, told};
use crate::service::failure::{EndpointError, Failure};
use crate::service::pictures::fetched;
use crate::service::revocation::{self, Pending, Spread};
use crate::store::clients::{self as client_rows, documents, protected_resources};
use crate::store::{StoreError, Tx, audit, sync};

/// Documents asked for at one host in a minute, of apps that nobody uses yet.
const PER_HOST: i64 = 60;
/// How long a stored client works while its document cannot be read.
const STALE: Seconds = 86_400;

/// Why there is no such client.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The document cannot be used; the text may be shown.
    #[error("{0}")]
    Unusable(String),
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<Vec<MetadataProblem>> for DocumentError {
    fn from(problems: Vec<MetadataProblem>) -> Self {
        Self::Unusable(format!("the document: {}", validation::description(&problems)))
    }
}

impl From<DocumentError> for EndpointError {
    fn from(error: DocumentError) -> Self {
        match error {
            DocumentError::Unusable(problem) => {
                let text = "The metadata document of this client cannot be used.";
                OAuthError::invalid_client(text).because(problem).into()
            }
            DocumentError::Failure(failure) => failure.into(),
        }
    }
}

fn unusable(text: &str) -> DocumentError {
    DocumentError::Unusable(text.to_owned())
}

/// The client with this id, registered here or described by the document at that URL.
///
/// # Errors
/// [`DocumentError`] when the id is a URL whose document cannot be used, or a store does not answer.
pub async fn resolve(app: &App, id: &ClientId) -> Result<Option<Arc<Client>>, DocumentError> {
    if !metadata_document::is_url(id.as_str()) {
        return Ok(clients::find(app, id).await?);
    }
    if !app.config.registration.metadata_documents {
        return Ok(None);
    }
    let host = metadata_document::host_of(id.as_str())
        .map_err(|rule| DocumentError::Unusable(format!("the client_id {rule}")))?;
    let stored = clients::find(app, id).await?;
    if stored.as_ref().is_some_and(|client| client.disabled_at.is_some()) {
        return Ok(stored);
    }
    if let Some(document) = app.documents.fresh(id, app.now()) {
        return Ok(Some(described(app, id, (stored, &document))));
    }
    let turn = app.documents.turn(id);
    let _mine = turn.lock().await;
    if let Some(document) = app.documents.fresh(id, app.now()) {
        return Ok(Some(described(app, id, (stored, &document))));
    }
    let read = if let Some(problem) = app.documents.failure(id, app.now()) {
        Err(DocumentError::Unusable(problem))
    } else {
        // Whoever invents addresses at a host must not keep the apps from being read that people use.
        if stored.is_none() {
            refuse_flood(app, &host).await?;
        }
        fetch(app, id).await
    };
    match read {
        Ok(document) => {
            if let Some(stored) = &stored {
                follow(app, stored, &document).await?;
            }
            app.documents.keep(id, document.clone());
            // Its token version may be another one now.
            let stored = clients::find(app, id).await?;
            Ok(Some(as_read(app, id, (stored, &document))))
        }
        Err(DocumentError::Unusable(problem)) => {
            app.documents.note_failure(id, problem.clone(), app.now());
            match stored {
                Some(client) if is_recent(app, id).await? => Ok(Some(client)),
                _ => Err(DocumentError::Unusable(problem)),
            }
        }
        Err(failure) => Err(failure),
    }
}

/// Refuses a network that has had too many documents read for it lately, before one more is asked for:
/// everybody may name an address, and it is we who go there. Apps that people use are not counted.
///
/// # Errors
/// [`DocumentError`].
pub async fn admit(app: &App, id: &ClientId, caller: &Caller) -> Result<(), DocumentError> {
    if !metadata_document::is_url(id.as_str()) || !app.config.registration.metadata_documents {
        return Ok(());
    }
    let (documents, now) = (&app.documents, app.now());
    let is_read = documents.fresh(id, now).is_some() || documents.failure(id, now).is_some();
    if is_read || clients::find(app, id).await?.is_some() {
        return Ok(());
    }
    let network = caller.network();
    let key = &format!("documents-for:{network}");
    let most = app.settings().registration.documents_per_minute.into();
    let limit = Limit { key, window: 60, most, scope: "document" };
    if brake::is_passed(app, &limit, caller).await.map_err(Failure::from)? {
        return Err(unusable("your network asks for too many documents at the moment"));
    }
    Ok(())
}

/// The client with this id as far as it is known here already: no document is asked for.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn known(app: &App, id: &ClientId) -> Result<Option<Arc<Client>>, Failure> {
    let stored = clients::find(app, id).await?;
    if stored.as_ref().is_some_and(|client| client.disabled_at.is_some()) {
        return Ok(stored);
    }
    Ok(match app.documents.fresh(id, app.now()) {
        Some(document) => Some(described(app, id, (stored, &document))),
        None => stored,
    })
}

/// The client as its document describes it now, with what is stored of it.
fn described(
    app: &App,
    id: &ClientId,
    (stored, document): (Option<Arc<Client>>, &Document),
) -> Arc<Client> {
    match stored {
        Some(client) if client.updated_at >= document.read_at => client,
        stored => as_read(app, id, (stored, document)),
    }
}

/// The client as this document describes it.
fn as_read(
    app: &App,
    id: &ClientId,
    (stored, document): (Option<Arc<Client>>, &Document),
) -> Arc<Client> {
    match stored {
        Some(client) if client.metadata == *document.metadata => client,
        Some(client) => {
            let metadata = ClientMetadata::clone(&document.metadata);
            Arc::new(Client { metadata, ..Client::clone(&client) })
        }
        None => Arc::new(Client {
            id: id.clone(),
            metadata: ClientMetadata::clone(&document.metadata),
            origin: ClientOrigin::Document,
            secret_hashes: Vec::new(),
            logo: None,
            disabled_at: None,
            token_version: 0,
            created_at: app.now(),
            updated_at: app.now(),
        }),
    }
}

async fn is_recent(app: &App, id: &ClientId) -> Result<bool, Failure> {
    let fetched = documents::fetched_at(&app.store.db, id).await?;
    Ok(fetched.is_some_and(|at| app.now().since(at) < STALE))
}

/// Documents of apps that nobody has allowed anything yet, at one host.
async fn refuse_flood(app: &App, host: &str) -> Result<(), DocumentError> {
    let key = &format!("document:{host}");
    let limit = Limit { key, window: 60, most: PER_HOST, scope: "document" };
    // Whoever happens to ask now is not the one who asks too often.
    if brake::is_passed(app, &limit, &Caller::default()).await.map_err(Failure::from)? {
        return Err(unusable("the documents of this host are asked for too often at the moment"));
    }
    Ok(())
}

/// Reads the document, and what it says as the metadata of a client.
pub(super) async fn fetch(app: &App, id: &ClientId) -> Result<Document, DocumentError> {
    let answer =
        app.outbound.get(id.as_str(), Accept::Document).await.map_err(|error| {
            DocumentError::Unusable(format!("the server of the document {error}"))
        })?;
    if answer.status != 200 {
        return Err(unusable("the server does not answer with the document"));
    }
    if !answer.content_type.as_deref().is_some_and(metadata_document::is_json) {
        return Err(unusable("the document is not served as application/json"));
    }
    if answer.body.len() > MOST_BYTES {
        return Err(unusable("the document is larger than 16 KB"));
    }
    let members = strict_json::object(&answer.body)
        .map_err(|problem| DocumentError::Unusable(format!("the document {problem}")))?;
    let settings = &app.config.registration;
    let methods: Vec<_> =
        settings.auth_methods.iter().copied().filter(|method| !method.uses_secret()).collect();
    let metadata = metadata_document::read(
        &members,
        id.as_str(),
        &Policy {
            grant_types: &settings.grant_types,
            auth_methods: &methods,
            scopes: &settings.scopes,
            detail_types: &settings.detail_types,
            default_auth_method: AuthMethod::None,
        },
    )?;
    let metadata = ClientMetadata { audience: settings.resources.clone(), ..metadata };
    checks::check(app, &metadata, Author::Stranger, None)?;
    checks::sector(app, &metadata).await.map_err(|problem| vec![problem])?;
    let metadata = checks::kept(metadata);
    let read_at = app.now();
    let fresh_until = read_at.plus(metadata_document::lifetime(answer.max_age));
    Ok(Document { metadata: Arc::new(metadata), read_at, fresh_until })
}

/// Brings a stored client up to its document.
async fn follow(app: &App, stored: &Client, document: &Document) -> Result<(), Failure> {
    if stored.metadata == *document.metadata {
        return Ok(documents::note_fetch(&app.store.db, &stored.id, app.now()).await?);
    }
    let mut tx = app.store.begin().await?;
    let Some(changed) = change(app, &mut tx, (stored, document), &Actor::System).await? else {
        return Ok(());
    };
    // Nobody is told that the old document counts no more.
    let _ = commit(app, tx, changed).await?;
    Ok(())
}

/// A stored client that a transaction has made what its document says.
#[must_use = "nothing is changed before it is committed"]
pub(super) struct Changed {
    client: Client,
    withdrawn: Option<Pending>,
}

/// Makes a stored client what its document says, on the word of `actor`; `None` when somebody has deleted it
/// meanwhile. Whoever allowed what is another app now is asked again.
pub(super) async fn change(
    app: &App,
    tx: &mut Tx,
    (stored, document): (&Client, &Document),
    actor: &Actor,
) -> Result<Option<Changed>, Failure> {
    let now = app.now();
    let metadata = ClientMetadata::clone(&document.metadata);
    let client = Client { metadata, updated_at: now, ..stored.clone() };
    if !client_rows::update(&mut *tx, &client).await? {
        return Ok(None);
    }
    documents::note_fetch(&mut *tx, &client.id, now).await?;
    fetched::follow(app, tx, (&client, Some(&stored.metadata))).await?;
    let withdrawn = consent::withdraw_from_another(tx, (stored, &client), now).await?;
    let event = told::updated(actor, &stored.metadata, &client);
    audit::append(&mut *tx, &event.into_row()).await?;
    sync::bump_catalog(tx).await?;
    Ok(Some(Changed { client, withdrawn }))
}

/// Commits a change and tells everybody of it; gives the client as it is now.
pub(super) async fn commit(
    app: &App,
    tx: Tx,
    changed: Changed,
) -> Result<(Client, Spread), Failure> {
    tx.commit().await?;
    let spread = revocation::spread_catalogue(app);
    app.known.forget();
    app.outbox_bell.notify_one();
    if let Some(pending) = changed.withdrawn {
        revocation::publish(app, pending).await;
    }
    Ok((changed.client, spread))
}

/// Whether a client was new to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a new client has to be announced to other nodes, and here after the commit"]
pub enum Kept {
    /// The version that its tokens begin with.
    Anew(i64),
    Before,
}

/// Stores a client that a document describes, in the transaction that stores what a person allows
/// it. Any other client is stored already.
///
/// # Errors
/// [`DocumentError`] when there are as many as the server remembers.
pub(crate) async fn keep(app: &App, tx: &mut Tx, client: &Client) -> Result<Kept, DocumentError> {
    if client.origin != ClientOrigin::Document {
        return Ok(Kept::Before);
    }
    let now = app.now();
    let version = clients::first_version(tx, &client.id, now).await?;
    let client =
        Client { token_version: version, created_at: now, updated_at: now, ..client.clone() };
    if !documents::insert_client(&mut *tx, &client).await.map_err(Failure::from)? {
        return Ok(Kept::Before);
    }
    let most = i64::from(app.config.registration.max_documents);
    let count = client_rows::count_of(&mut *tx, ClientOrigin::Document, most + 1).await;
    if count.map_err(Failure::from)? > most
        && !registrations::make_room_for_document(app, tx).await.map_err(Failure::from)?
    {
        tracing::warn!(most, "registration.max_documents is reached; no further app is remembered");
        return Err(unusable("this server remembers no more apps of this kind"));
    }
    check_share(app, tx, &client.id).await?;
    documents::note_fetch(&mut *tx, &client.id, now).await.map_err(Failure::from)?;
    let name = [client.id.to_string()];
    let taken = protected_resources::replace(tx, &client.id, &name).await;
    if !taken.map_err(Failure::from)?.is_empty() {
        return Err(unusable("the client_id is the name of a server that another app answers for"));
    }
    fetched::follow(app, tx, (&client, None)).await?;
    let event = Event::success("client.registered", &Actor::System, now)
        .client(&client.id)
        .detail("client_name", client.metadata.client_name.as_str());
    audit::append(&mut *tx, &event.into_row()).await.map_err(Failure::from)?;
    Ok(Kept::Anew(version))
}

/// Tells the other nodes of a client that is new to the store, in the same transaction. Last of all:
/// everybody's revocations and changes wait for this one to commit.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn announce(tx: &mut Tx, kept: Kept) -> Result<(), StoreError> {
    if kept != Kept::Before {
        sync::bump_catalog(tx).await?;
    }
    Ok(())
}

/// Nobody fills all places with documents of one host.
async fn check_share(app: &App, tx: &mut Tx, id: &ClientId) -> Result<(), DocumentError> {
    let share = registrations::share_of(app.config.registration.max_documents);
    let host = metadata_document::host_of(id.as_str())
        .map_err(|rule| DocumentError::Unusable(format!("the client_id {rule}")))?;
    let count = documents::count_at(tx, &host, share + 1).await.map_err(Failure::from)?;
    if count > share {
        return Err(unusable("this server remembers no more apps of this host"));
    }
    Ok(())
}

/// Tokens go to clients that are stored: grants refer to one. A client that a document describes is,
/// once a person has allowed it something.
///
/// # Errors
/// `invalid_client`, or a failure of ours.
pub(crate) async fn require_stored(app: &App, client: &Client) -> Result<(), EndpointError> {
    let stored =
        client.origin != ClientOrigin::Document || clients::find(app, &client.id).await?.is_some();
    if stored {
        return Ok(());
    }
    let text = "Nobody has allowed this client anything yet.";
    Err(OAuthError::invalid_client(text).into())
}
