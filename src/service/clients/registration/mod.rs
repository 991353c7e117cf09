//! Apps that register themselves (RFC 7591, OpenID Connect Registration) and look after themselves
//! afterwards (RFC 7592, in [`manage`]). Who may is configured; [`permissions`] makes the initial
//! access tokens.
//!
//! A permission is used up in the transaction that stores the client: of any number of parallel
//! requests no more are let in than it has uses, and a request that fails uses nothing up.

pub mod care;
pub mod manage;
pub mod permissions;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::app::App;
use crate::clock::Seconds;
use crate::config::RegistrationMode;
use crate::crypto::secret::{self, Secret, SecretHash};
use crate::protocol::client::registration::{self, Policy};
use crate::protocol::client::validation::MetadataProblem;
use crate::protocol::client::{AuthMethod, Client, ClientMetadata, ClientOrigin};
use crate::protocol::discovery::path;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::types::ClientId;
use crate::service::audit::{Actor, Caller, Event};
use crate::service::brake::{self, Limit};
use crate::service::clients::checks::{self, Author};
use crate::service::clients::software_statement;
use crate::service::failure::Failure;
use crate::service::pictures::fetched;
use crate::store::clients;
use crate::store::clients::registration_tokens::{self, RegistrationToken};
use crate::store::clients::registrations::{self, ClientRegistration};
use crate::store::{StoreError, Tx, audit, sync};

/// The time over which registrations from one network are counted, and changes of one app.
const WINDOW: Seconds = 3_600;

/// Why a registration came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum RegistrationError {
    /// The metadata cannot be accepted.
    #[error("{}", crate::protocol::client::validation::description(.0))]
    Metadata(Vec<MetadataProblem>),
    #[error(transparent)]
    Refused(#[from] OAuthError),
    /// Too many registrations from this network, or too many changes by this app.
    #[error("too many registrations or changes from one place")]
    TooMany { retry_after: Seconds },
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StoreError> for RegistrationError {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}

impl From<Vec<MetadataProblem>> for RegistrationError {
    fn from(problems: Vec<MetadataProblem>) -> Self {
        Self::Metadata(problems)
    }
}

impl From<MetadataProblem> for RegistrationError {
    fn from(problem: MetadataProblem) -> Self {
        Self::Metadata(vec![problem])
    }
}

/// A request at the registration endpoint or at a client's own address.
#[derive(Debug, Clone)]
pub struct RegistrationRequest {
    /// The bearer token, if there is one.
    pub token: Option<String>,
    /// The members of the JSON body.
    pub members: Map<String, Value>,
    pub caller: Caller,
}

/// A client that was registered or changed, with what is shown this once.
pub struct Registered {
    pub client: Client,
    pub secret: Option<Secret>,
    /// The registration access token, as it is from now on.
    pub token: String,
    /// The software statement as it was sent.
    pub statement: Option<String>,
}

/// How a client came here, if it registered itself.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn of(app: &App, id: &ClientId) -> Result<Option<ClientRegistration>, Failure> {
    Ok(registrations::of(&app.store.db, id).await?)
}

/// Registers a client.
///
/// # Errors
/// [`RegistrationError`]; nothing is stored and no permission is used up then.
pub async fn register(
    app: &App,
    request: &RegistrationRequest,
) -> Result<Registered, RegistrationError> {
    let permission = admit(app, request).await?;
    let prepared = prepare(app, &request.members, None).await?;
    let now = app.now();
    let secret = prepared.metadata.token_endpoint_auth_method.uses_secret().then(Secret::generate);
    let token = Secret::generate();
    let client = Client {
        id: ClientId::new(secret::opaque_id()),
        metadata: prepared.metadata,
        origin: ClientOrigin::Dynamic,
        secret_hashes: secret.iter().map(|s| s.hash().as_str().to_owned()).collect(),
        logo: None,
        disabled_at: None,
        token_version: 0,
        created_at: now,
        updated_at: now,
    };
    let registration = ClientRegistration {
        client_id: client.id.clone(),
        token_hash: token.hash().as_str().to_owned(),
        permission: permission.as_ref().map(|permission| permission.id.clone()),
        statement_by: prepared.statement_by,
        address: request.caller.address.clone().unwrap_or_default(),
        network: request.caller.network(),
        set_by_administrator: BTreeSet::new(),
        registered_at: now,
    };
    let mut tx = app.store.begin().await?;
    if let Some(permission) = &permission {
        let spent = registration_tokens::spend(&mut tx, &permission.hash, now).await?;
        spent.ok_or_else(no_permission)?;
    }
    if permission.is_none() {
        check_share(app, &mut tx, &registration.network).await?;
    }
    check_room(app, &mut tx).await?;
    clients::insert(&mut tx, &client).await?;
    registrations::insert(&mut tx, &registration).await?;
    fetched::follow(app, &mut tx, (&client, None)).await?;
    let event = Event::success("client.registered", &Actor::Anonymous, now)
        .client(&client.id)
        .caller(&request.caller)
        .detail("client_name", client.metadata.client_name.as_str())
        .detail("permission", registration.permission.clone());
    audit::append(&mut tx, &event.into_row()).await?;
    sync::bump_catalog(&mut tx).await?;
    tx.commit().await?;
    app.known.forget();
    app.outbox_bell.notify_one();
    let token = token.expose().to_owned();
    Ok(Registered { client, secret, token, statement: prepared.statement })
}

/// The answer to a client (RFC 7591 section 3.2.1, RFC 7592 section 3).
#[must_use]
pub fn answer(app: &App, registered: &Registered) -> Map<String, Value> {
    let client = &registered.client;
    let mut told = registration::describe(client);
    if let Some(secret) = &registered.secret {
        told.insert("client_secret".into(), json!(secret.expose()));
        // It does not expire. The member is a duty wherever there is a secret.
        told.insert("client_secret_expires_at".into(), json!(0));
    }
    let place = format!("{}{}/{}", app.issuer(), path::REGISTER, client.id);
    told.insert("registration_client_uri".into(), Value::from(place));
    told.insert("registration_access_token".into(), Value::from(registered.token.as_str()));
    if let Some(statement) = &registered.statement {
        told.insert("software_statement".into(), Value::from(statement.as_str()));
    }
    told
}

/// Whether anybody may register, and this caller now. Uses nothing up but the caller's patience.
async fn admit(
    app: &App,
    request: &RegistrationRequest,
) -> Result<Option<RegistrationToken>, RegistrationError> {
    refuse_when_off(app)?;
    if let Some(token) = &request.token {
        let hash = SecretHash::of(token);
        let found = registration_tokens::by_hash(&app.store.db, hash.as_str()).await?;
        let live = found.filter(|permission| permission.is_live(app.now()));
        return Ok(Some(live.ok_or_else(no_permission)?));
    }
    if app.config.registration.mode == RegistrationMode::Token {
        return Err(no_permission().into());
    }
    let network = request.caller.network();
    let (key, most) =
        (&format!("register:{network}"), app.settings().registration.open_per_hour.into());
    let limit = Limit { key, window: WINDOW, most, scope: "register" };
    if brake::is_passed(app, &limit, &request.caller).await? {
        return Err(RegistrationError::TooMany { retry_after: WINDOW });
    }
    Ok(None)
}

fn refuse_when_off(app: &App) -> Result<(), OAuthError> {
    if app.config.registration.mode != RegistrationMode::Off {
        return Ok(());
    }
    Err(OAuthError::new(ErrorCode::AccessDenied, "Apps cannot register themselves here."))
}

fn no_permission() -> OAuthError {
    OAuthError::invalid_token("Registering needs a valid initial access token.")
}

/// Nobody fills all places from one network. An administrator's permission counts for more.
async fn check_share(app: &App, tx: &mut Tx, network: &str) -> Result<(), RegistrationError> {
    let share = care::share_of(app.config.registration.max_clients);
    if registrations::count_from(tx, network, share).await? < share {
        return Ok(());
    }
    let text = "As many apps have registered themselves from this network as one network may.";
    Err(OAuthError::new(ErrorCode::AccessDenied, text).into())
}

/// The number of such clients is bounded; where it is reached, one that nobody has used since a day ago
/// makes room. Parallel requests may each find the last place free, so it may be passed by as many as
/// arrive at the same moment.
async fn check_room(app: &App, tx: &mut Tx) -> Result<(), RegistrationError> {
    let most = i64::from(app.config.registration.max_clients);
    if clients::count_of(&mut *tx, ClientOrigin::Dynamic, most).await? < most {
        return Ok(());
    }
    if care::make_room(app, tx).await? {
        return Ok(());
    }
    tracing::warn!(most, "registration.max_clients is reached; no further app can register");
    let text = "This server has as many self-registered apps as it allows; ask its administrator.";
    Err(OAuthError::new(ErrorCode::AccessDenied, text).into())
}

/// Metadata that passed every rule.
struct Prepared {
    metadata: ClientMetadata,
    statement: Option<String>,
    statement_by: Option<String>,
}

/// What is there already of a client that changes itself.
struct Present<'a> {
    metadata: &'a ClientMetadata,
    set_by_administrator: &'a BTreeSet<String>,
}

/// Reads the members, with those of a software statement over them, and checks everything.
async fn prepare(
    app: &App,
    members: &Map<String, Value>,
    present: Option<Present<'_>>,
) -> Result<Prepared, RegistrationError> {
    let mut members = members.clone();
    let (statement, statement_by) = match members.remove("software_statement") {
        None | Some(Value::Null) => (None, None),
        Some(Value::String(token)) => {
            let read = software_statement::read(app, &token)?;
            members.extend(read.members);
            (Some(token), Some(read.issuer))
        }
        Some(_) => return Err(MetadataProblem::new("software_statement", "must be a text").into()),
    };
    let settings = &app.config.registration;
    let basic = AuthMethod::ClientSecretBasic;
    let default = settings.auth_methods.iter().find(|method| **method == basic);
    let default = default.or(settings.auth_methods.first()).copied().unwrap_or(basic);
    let metadata = registration::read(
        &members,
        &Policy {
            grant_types: &settings.grant_types,
            auth_methods: &settings.auth_methods,
            scopes: &settings.scopes,
            detail_types: &settings.detail_types,
            default_auth_method: default,
        },
    )?;
    let Some(Present { metadata: before, set_by_administrator }) = present else {
        let metadata = ClientMetadata { audience: settings.resources.clone(), ..metadata };
        checks::check(app, &metadata, Author::Stranger, None)?;
        return prepared(app, metadata, (statement, statement_by)).await;
    };
    checks::check(app, &metadata, Author::Stranger, Some(before))?;
    let merged = registration::merge(&metadata, before, set_by_administrator);
    let merged = merged.ok_or_else(|| Failure::Internal("metadata that is no JSON".to_owned()))?;
    // What an administrator has set may lead to places that no stranger may name.
    checks::check(app, &merged, Author::Administrator, Some(before))?;
    prepared(app, merged, (statement, statement_by)).await
}

async fn prepared(
    app: &App,
    metadata: ClientMetadata,
    (statement, statement_by): (Option<String>, Option<String>),
) -> Result<Prepared, RegistrationError> {
    checks::sector(app, &metadata).await?;
    let metadata = checks::kept(metadata);
    Ok(Prepared { metadata, statement, statement_by })
}
