//! Device authorization (RFC 8628): giving a device its codes, and the person's answer on another
//! device. What the answer becomes at the token endpoint is in `service::token::device_code`.

use std::sync::Arc;

use serde::Serialize;

use crate::app::App;
use crate::clock::{Seconds, UnixTime};
use crate::crypto::seal::Purpose;
use crate::crypto::secret::{self, Secret};
use crate::protocol::client::{
    Client, ClientOrigin, GrantType, metadata_document as metadata_document_rules,
};
use crate::protocol::device::{Approval, DeviceRecord, DeviceRequest, DeviceState, UserCode};
use crate::protocol::discovery::path;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::scope::Scopes;
use crate::protocol::types::GrantId;
use crate::protocol::user::{Footing, User};
use crate::service::audit::{Actor, Caller, Event};
use crate::service::authorize::consent::{self, Decision};
use crate::service::brake::{self, Limit};
use crate::service::clients::access::{self, Door};
use crate::service::clients::authentication::{self, ClientRequest};
use crate::service::clients::metadata_document::{self, DocumentError, Kept};
use crate::service::failure::{EndpointError, Failure};
use crate::service::session::LiveSession;
use crate::store::ephemeral::device_codes::{self, Read};
use crate::store::ephemeral::throttle::ThrottleRule;
use crate::store::{StoreError, audit, sessions, sign_ins, users};

/// How long a record outlives its codes, so that a device is told that they expired, and a late
/// replay is recognised.
pub(crate) const MEMORY: Seconds = 240;
/// Wrong codes of one person: nobody mistypes thirty an hour.
const PERSON_RULE: ThrottleRule = ThrottleRule { free: 5, cap_seconds: 900, hourly_cap: 30 };
/// Device codes that one client may ask for from one network in a minute.
const MAX_PER_MINUTE: i64 = 60;

/// The answer of the device authorization endpoint (RFC 8628 section 3.2).
#[derive(Serialize)]
pub struct DeviceAuthorization {
    pub device_code: String,
    pub user_code: String,
    pub verification_uri: String,
    pub verification_uri_complete: String,
    pub expires_in: Seconds,
    pub interval: Seconds,
}

/// Gives a device its codes.
///
/// # Errors
/// An RFC 6749 error for the client, or a failure of ours; nothing is stored then.
pub async fn begin(
    app: &App,
    request: &ClientRequest,
) -> Result<DeviceAuthorization, EndpointError> {
    let client = authentication::authenticate(app, request).await?;
    let asked = DeviceRequest::read(&client, &request.params)?;
    refuse_flood(app, &client, &request.caller).await?;
    let now = app.now();
    let lifetime = app.settings().tokens.device_code_lifetime;
    let device_code = Secret::generate();
    let record = DeviceRecord {
        grant_id: GrantId::new(secret::new_id(now)),
        client_id: client.id.clone(),
        scopes: asked.scopes,
        details: asked.details,
        address: request.caller.address.clone(),
        requested_at: now,
        client_since: Some(client.created_at),
        client_version: client.version(),
        expires_at: now.plus(lifetime),
        state: DeviceState::Pending,
    };
    let user_code = store(app, &device_code, &record, lifetime + MEMORY).await?;
    let verification_uri = format!("{}{}", app.issuer(), path::DEVICE);
    Ok(DeviceAuthorization {
        device_code: device_code.expose().to_owned(),
        verification_uri_complete: format!("{verification_uri}?user_code={user_code}"),
        verification_uri,
        user_code: user_code.to_string(),
        expires_in: lifetime,
        interval: app.config.tokens.device_poll_interval,
    })
}

/// Stores the record under a user code that no other device has.
async fn store(
    app: &App,
    device_code: &Secret,
    record: &DeviceRecord,
    ttl: Seconds,
) -> Result<UserCode, Failure> {
    for _ in 0..8 {
        let Some(code) = UserCode::from_random(&secret::random_bytes::<32>()) else { continue };
        let keys = (device_code.hash(), user_key(app, &code));
        if device_codes::put(&app.ephemeral, (keys.0.as_str(), &keys.1), record, ttl).await? {
            return Ok(code);
        }
    }
    Err(Failure::Unavailable("no free user code was found".into()))
}

/// A keyed hash: a short code could be found from a plain one.
fn user_key(app: &App, code: &UserCode) -> String {
    app.sealer.mac(Purpose::UserCode, code.as_str().as_bytes())
}

/// Each request is stored for minutes, so one network cannot fill the store. Documents cost nothing to
/// make up, so all that one host describes count as one client.
async fn refuse_flood(app: &App, client: &Client, caller: &Caller) -> Result<(), EndpointError> {
    let network = caller.network();
    let host = match client.origin {
        ClientOrigin::Document => metadata_document_rules::host_of(client.id.as_str()).ok(),
        ClientOrigin::Manual | ClientOrigin::Dynamic => None,
    };
    let key =
        format!("device-requests:{}:{network}", host.as_deref().unwrap_or(client.id.as_str()));
    let limit = Limit { key: &key, window: 60, most: MAX_PER_MINUTE, scope: "device" };
    if brake::is_passed(app, &limit, caller).await? {
        return Err(OAuthError::new(
            ErrorCode::SlowDown,
            "Too many device codes were asked for; wait a minute.",
        )
        .into());
    }
    Ok(())
}

/// Why a code led nowhere.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// Not eight letters of the right ones.
    #[error("this is no code")]
    Malformed,
    /// Unknown, expired and answered look the same.
    #[error("no device waits with this code")]
    Unknown,
    /// The person signed in too long ago for this app.
    #[error("the app wants a more recent sign-in")]
    SignInAgain,
    /// The app is not for this person. Refusing the device is still theirs.
    #[error("the person may not use this app")]
    ShutOut(Box<DevicePrompt>),
    /// Too many wrong codes by this person or from this network.
    #[error("throttled for {retry_after} seconds")]
    Throttled { retry_after: Seconds },
    /// The document that describes the app cannot be used; the text may be shown.
    #[error("{0}")]
    Document(String),
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<DocumentError> for DeviceError {
    fn from(error: DocumentError) -> Self {
        match error {
            DocumentError::Unusable(problem) => Self::Document(problem),
            DocumentError::Failure(failure) => Self::Failure(failure),
        }
    }
}

impl From<StoreError> for DeviceError {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}

/// What the person is asked.
#[derive(Debug)]
pub struct DevicePrompt {
    pub client: Arc<Client>,
    pub user_code: UserCode,
    pub scopes: Scopes,
    /// The account that is about to be used: name to show.
    pub account: String,
    /// Where the device asked from.
    pub address: Option<String>,
    pub requested_at: UnixTime,
}

/// A waiting device, found by its user code.
struct Waiting {
    client: Arc<Client>,
    user: User,
    code: UserCode,
    device_hash: String,
    record: Read<DeviceRecord>,
}

/// Looks a typed code up; decides nothing.
///
/// # Errors
/// [`DeviceError`]. A wrong code counts against the person and their network.
pub async fn look_up(
    app: &App,
    (typed, session): (&str, &LiveSession),
    caller: &Caller,
) -> Result<DevicePrompt, DeviceError> {
    let found = find(app, (typed, session), caller).await?;
    refuse_if_shut_out(app, &found, caller).await?;
    Ok(found.prompt())
}

impl Waiting {
    fn prompt(&self) -> DevicePrompt {
        let (user, record) = (&self.user, &self.record.value);
        let name = user.email.as_ref().or(user.name.as_ref()).unwrap_or(&user.username);
        DevicePrompt {
            client: Arc::clone(&self.client),
            user_code: self.code.clone(),
            scopes: record.scopes.clone(),
            account: name.clone(),
            address: record.address.clone(),
            requested_at: record.requested_at,
        }
    }
}

/// Nobody lets a device in to an app that is not for them.
async fn refuse_if_shut_out(
    app: &App,
    found: &Waiting,
    caller: &Caller,
) -> Result<(), DeviceError> {
    if access::admits_read(app, &found.client, &found.user).await? {
        return Ok(());
    }
    let who = (&found.client.id, &found.user.id);
    access::note_refusal(app, who, (Door::Device, caller)).await?;
    Err(DeviceError::ShutOut(Box::new(found.prompt())))
}

async fn find(
    app: &App,
    (typed, session): (&str, &LiveSession),
    caller: &Caller,
) -> Result<Waiting, DeviceError> {
    let code = UserCode::parse(typed).ok_or(DeviceError::Malformed)?;
    let keys = throttle_keys(session, caller);
    refuse_if_throttled(app, &keys).await?;
    let Some((device_hash, record)) = waiting(app, &code).await? else {
        note_failure(app, &keys, caller).await?;
        return Err(DeviceError::Unknown);
    };
    let client = metadata_document::resolve(app, &record.value.client_id).await?;
    let may = |c: &Arc<Client>| c.disabled_at.is_none() && c.allows(GrantType::DeviceCode);
    let client = client.filter(may).ok_or(DeviceError::Unknown)?;
    let user = users::by_id(&app.store.db, &session.user_id).await?;
    let user = user.filter(|u| u.disabled_at.is_none()).ok_or(DeviceError::Unknown)?;
    if record.value.needs_fresh_sign_in(&client, session.auth_time, app.now()) {
        return Err(DeviceError::SignInAgain);
    }
    Ok(Waiting { client, user, code, device_hash, record })
}

/// The device that shows this code. While the master key is exchanged, another node may have kept it under
/// the other key.
async fn device_of(app: &App, code: &UserCode) -> Result<Option<String>, Failure> {
    for key in app.sealer.macs(Purpose::UserCode, code.as_str().as_bytes()) {
        if let Some(hash) = device_codes::device_of(&app.ephemeral, &key).await? {
            return Ok(Some(hash));
        }
    }
    Ok(None)
}

async fn waiting(
    app: &App,
    code: &UserCode,
) -> Result<Option<(String, Read<DeviceRecord>)>, Failure> {
    let Some(hash) = device_of(app, code).await? else { return Ok(None) };
    let record = device_codes::by_device::<DeviceRecord>(&app.ephemeral, &hash).await?;
    let now = app.now();
    Ok(record.filter(|record| record.value.is_pending(now)).map(|record| (hash, record)))
}

/// Records the person's answer. Consent is in SQL before the device can learn of it.
///
/// # Errors
/// [`DeviceError`]; the device goes on waiting then.
pub async fn decide(
    app: &App,
    (typed, session): (&str, &LiveSession),
    decision: Decision,
    caller: &Caller,
) -> Result<(), DeviceError> {
    let found = find(app, (typed, session), caller).await?;
    if decision == Decision::Allow {
        refuse_if_shut_out(app, &found, caller).await?;
    }
    let noted = record_answer(app, &found, (session, decision), caller).await?;
    let now = app.now();
    let mut before = found.record.value.clone();
    if let Kept::Anew(version) = noted.kept {
        before.client_version = Some(version);
    }
    let after = match decision {
        Decision::Deny => before.deny(now),
        Decision::Allow => before.allow(approval(session, &noted), now),
    };
    let after = after.map_err(|_| DeviceError::Unknown)?;
    // If this line fails nothing is granted: the device hears nothing and the person may try again.
    let answer = (&found.record, &after);
    if !device_codes::answer(&app.ephemeral, &found.device_hash, answer).await? {
        return Err(DeviceError::Unknown);
    }
    device_codes::forget_user_code(&app.ephemeral, &user_key(app, &found.code)).await?;
    Ok(())
}

/// What an answer stands on.
struct Noted {
    footing: Footing,
    withdrawals: Option<i64>,
    kept: Kept,
}

fn approval(session: &LiveSession, noted: &Noted) -> Approval {
    Approval {
        user_id: session.user_id.clone(),
        user_version: noted.footing.token_version,
        sign_in_epoch: noted.footing.sign_in_epoch,
        session_id: session.id.clone(),
        withdrawals: noted.withdrawals,
        auth_time: session.auth_time,
        acr: session.acr.clone(),
        amr: session.amr.clone(),
    }
}

/// Tells what the answer stands on: whoever ends the session, or all of them, comes before and is seen
/// here, or waits, and the answer is void when the device asks for it.
async fn record_answer(
    app: &App,
    found: &Waiting,
    (session, decision): (&LiveSession, Decision),
    caller: &Caller,
) -> Result<Noted, DeviceError> {
    let now = app.now();
    let (user, client) = (&session.user_id, &found.client.id);
    let scopes = &found.record.value.scopes;
    let actor = Actor::User(user.clone());
    let event = match decision {
        Decision::Allow => Event::success("device.allowed", &actor, now),
        Decision::Deny => Event::failure("device.denied", &actor, now),
    };
    let event = event
        .user(user)
        .client(client)
        .session(&session.id)
        .caller(caller)
        .detail("scope", scopes.to_string())
        .detail("device_address", found.record.value.address.clone());
    let mut tx = app.store.begin().await?;
    let Some(footing) = sign_ins::hold(&mut tx, user).await? else {
        return Err(DeviceError::SignInAgain);
    };
    if !sessions::hold(&mut tx, &session.id).await? {
        return Err(DeviceError::SignInAgain);
    }
    let (mut kept, mut withdrawals) = (Kept::Before, None);
    if decision == Decision::Allow {
        kept = metadata_document::keep(app, &mut tx, &found.client).await?;
        let what = (scopes, &found.record.value.details.claims);
        match consent::add(&mut tx, (user, client), what, now).await {
            Ok(count) => withdrawals = Some(count),
            // The app was deleted this very moment.
            Err(StoreError::Conflict) => return Err(DeviceError::Unknown),
            Err(error) => return Err(error.into()),
        }
    }
    audit::append(&mut tx, &event.into_row()).await?;
    metadata_document::announce(&mut tx, kept).await?;
    tx.commit().await?;
    if kept != Kept::Before {
        app.known.forget();
    }
    Ok(Noted { footing, withdrawals, kept })
}

struct ThrottleKeys {
    person: String,
    network: Option<String>,
}

fn throttle_keys(session: &LiveSession, caller: &Caller) -> ThrottleKeys {
    let network = caller.address.is_some().then(|| format!("device:{}", caller.network()));
    ThrottleKeys { person: format!("device:{}", session.user_id), network }
}

/// Fails closed: when the counters cannot be read, nobody may guess.
async fn refuse_if_throttled(app: &App, keys: &ThrottleKeys) -> Result<(), DeviceError> {
    let all: Vec<_> = [&keys.person].into_iter().chain(&keys.network).cloned().collect();
    match brake::wait(app, &all, "device").await? {
        Some(retry_after) => Err(DeviceError::Throttled { retry_after }),
        None => Ok(()),
    }
}

async fn note_failure(app: &App, keys: &ThrottleKeys, caller: &Caller) -> Result<(), Failure> {
    brake::note_failure(app, ("device", &keys.person, &PERSON_RULE), caller).await?;
    if let Some(network) = &keys.network {
        brake::note_failure(app, ("device", network, &ThrottleRule::ADDRESS), caller).await?;
    }
    Ok(())
}
