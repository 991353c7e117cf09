//! The SSO session: made at sign-in, read on every visit, renewed when privileges change, ended for
//! good. Truth is the SQL row; the ephemeral store holds a copy that slides.
//!
//! The cookie holds 256 random bits; only their SHA-256 is stored anywhere. The row's own id is the
//! public `sid` and survives renewal, so apps keep recognising the session.

pub mod accounts;
pub(crate) mod backchannel_logout;
pub mod connections;
pub mod everywhere;
pub mod logout;
pub mod session_data;
pub mod sightings;

use serde::{Deserialize, Serialize};

use crate::app::{App, Freshness};
use crate::clock::{Seconds, UnixTime};
use crate::crypto::secret::{self, Secret, SecretHash};
use crate::origin::device;
use crate::protocol::authorize::acr::Level;
use crate::protocol::interaction::SessionFacts;
use crate::protocol::risk::Finding;
use crate::protocol::types::{SessionId, UserId};
use crate::service::audit::{Actor, Caller, Event};
use crate::service::failure::Failure;
use crate::service::revocation::{self, Subject};
use crate::service::risk::{self, SignIn};
use crate::service::session::accounts::{Accounts, Newcomer};
use crate::store::grants::{self, Offline};
use crate::store::revocations::RevocationKind;
use crate::store::sessions::{self, Renewal, Session, SessionFilter};
use crate::store::{Cursor, StoreError, Tx, audit, users};

/// The longest life of a fast copy. Longer sessions are read from SQL again after that, so that the
/// tombstone of a dead cookie need not outlive an hour.
pub(crate) const COPY_TTL: Seconds = 3_600;

/// A session that is alive right now, as copied to the ephemeral store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveSession {
    pub id: SessionId,
    pub user_id: UserId,
    pub auth_time: UnixTime,
    pub acr: String,
    pub amr: Vec<String>,
    pub idle_seconds: Seconds,
    /// The absolute limit; nothing extends it.
    pub expires_at: UnixTime,
    /// When SQL last said all this. A copy is worth nothing [`COPY_TTL`] later, however often it is
    /// used: it would outlive the tombstone that ends it.
    #[serde(default)]
    pub read_at: UnixTime,
    #[serde(skip)]
    pub secret_hash: String,
}

impl LiveSession {
    /// What the interaction rules look at.
    #[must_use]
    pub fn facts(&self) -> SessionFacts {
        SessionFacts {
            id: self.id.clone(),
            user_id: self.user_id.clone(),
            auth_time: self.auth_time,
            level: Level::from_name(&self.acr).unwrap_or_default(),
        }
    }

    /// What the browser may show to scripts of this site, so that apps can notice another session
    /// (Session Management 1.0 section 3.2). It says nothing else, and renewal does not change it.
    #[must_use]
    pub fn browser_state(&self) -> String {
        SecretHash::of(&format!("browser state of {}", self.id)).as_str().to_owned()
    }

    /// Seconds that the session's cookies may be kept; `None` for as long as the browser runs.
    #[must_use]
    pub fn cookie_max_age(&self, app: &App) -> Option<Seconds> {
        let remembered = self.idle_seconds > app.config.session.idle;
        remembered.then(|| self.expires_at.since(app.now()))
    }

    pub(crate) fn of(row: Session, now: UnixTime) -> Self {
        Self {
            id: row.id,
            user_id: row.user_id,
            auth_time: row.auth_time,
            acr: row.acr,
            amr: row.amr,
            idle_seconds: row.idle_seconds,
            expires_at: row.expires_at,
            read_at: now,
            secret_hash: row.secret_hash,
        }
    }

    /// How long the copy may live without another visit.
    fn copy_ttl(&self, now: UnixTime) -> Seconds {
        self.idle_seconds.min(self.expires_at.since(now)).min(COPY_TTL)
    }
}

/// How long a session may last, chosen at sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Remember {
    #[default]
    ThisVisit,
    /// "Keep me signed in".
    OnThisDevice,
}

/// A successful authentication about to become a session.
#[derive(Debug, Clone)]
pub struct Authenticated {
    pub user_id: UserId,
    /// The person's token version when the proof was read.
    pub token_version: i64,
    pub acr: String,
    pub amr: Vec<String>,
    pub remember: Remember,
    /// What is unlike this person's sign-ins before.
    pub findings: Vec<Finding>,
}

/// A session with its fresh cookie value.
pub struct Established {
    pub session: LiveSession,
    pub cookie: Secret,
    /// Seconds the cookie may be kept; `None` for as long as the browser runs.
    pub cookie_max_age: Option<Seconds>,
    /// The session of somebody else that this one took the place of.
    pub ended: Option<SessionId>,
    /// A cookie to recognise this browser by, which it did not have yet.
    pub new_device: Option<Secret>,
}

/// Reads the session of a cookie and extends its idle limit, in one round trip.
///
/// # Errors
/// [`Failure`] when neither store can say.
pub async fn current(app: &App, cookie: &str) -> Result<Option<LiveSession>, Failure> {
    if !Secret::looks_like_one(cookie) {
        return Ok(None);
    }
    let hash = SecretHash::of(cookie);
    if let Some(session) = read_copy(app, &hash).await {
        app.metrics.cache_request("session", "hit");
        app.watch.visited(&session.id, app.now());
        return Ok(Some(session));
    }
    app.metrics.cache_request("session", "miss");
    let now = app.now();
    let Some(row) = sessions::by_hash(&app.store.db, hash.as_str()).await? else { return Ok(None) };
    let idle =
        now.since(app.watch.last_visit(&row.id).unwrap_or(row.last_seen_at).max(row.last_seen_at));
    if row.revoked_at.is_some() || row.expires_at <= now || idle > row.idle_seconds {
        return Ok(None);
    }
    let session = LiveSession::of(row, now);
    write_copy(app, &session).await;
    app.watch.visited(&session.id, now);
    Ok(Some(session))
}

/// The copy, if the ephemeral store has one that can be relied on.
async fn read_copy(app: &App, hash: &SecretHash) -> Option<LiveSession> {
    let key = copy_key(hash.as_str());
    let idle = app.config.session.idle.min(COPY_TTL);
    let beside = [
        revocation::MARKER.to_owned(),
        revocation::tombstone(RevocationKind::Cookie, hash.as_str()),
    ];
    let (copy, beside) = match app.ephemeral.get_extend_with(&key, idle, &beside).await {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(%error, "session is read from SQL");
            return None;
        }
    };
    let [marker, tombstone] = beside.as_slice() else { return None };
    // A copy that is behind is made again beside the requests.
    if revocation::freshness(app, marker.as_deref()) == Freshness::Behind || tombstone.is_some() {
        return None;
    }
    let mut session: LiveSession = serde_json::from_str(&copy?).ok()?;
    hash.as_str().clone_into(&mut session.secret_hash);
    let now = app.now();
    let ttl = session.copy_ttl(now);
    if ttl <= 0 || now.since(session.read_at) >= COPY_TTL {
        return None;
    }
    if ttl != idle {
        // A session with limits of its own, or one near its absolute limit.
        write_copy(app, &session).await;
    }
    Some(session)
}

/// Copies a session to the ephemeral store; a failure only makes the next read slower.
async fn write_copy(app: &App, session: &LiveSession) {
    let ttl = session.copy_ttl(app.now());
    let Ok(json) = serde_json::to_string(session) else { return };
    let key = copy_key(&session.secret_hash);
    if ttl > 0
        && let Err(error) = app.ephemeral.put(&key, &json, ttl).await
    {
        tracing::warn!(%error, "session could not be copied");
    }
}

fn copy_key(hash: &str) -> String {
    format!("session:{hash}")
}

/// Makes the session of a person who has just authenticated. A session of theirs that this browser
/// already had is renewed; else somebody else's active one ends, unless this person is an addition.
/// The old cookie value is dead in both cases, and a value the browser brought is never adopted. `None`
/// when the person was disabled, got another password or was signed out of everything since they
/// proved who they are.
///
/// # Errors
/// [`Failure`] when SQL does not take it; nobody is signed in then.
pub async fn establish(
    app: &App,
    who: Authenticated,
    (accounts, newcomer): (&Accounts, Newcomer),
    caller: &Caller,
) -> Result<Option<Established>, Failure> {
    let (caller, new_device) = &recognisable(caller);
    if let Some(own) = accounts.of(&who.user_id) {
        let proof = Proof {
            auth_time: app.now(),
            acr: who.acr.clone(),
            amr: who.amr.clone(),
            findings: Some(&who.findings),
        };
        if let Some(renewed) = renew(app, own, proof, caller).await? {
            return Ok(Some(Established { new_device: new_device.clone(), ..renewed }));
        }
    }
    let mut ended = None;
    if let (Some(active), Newcomer::TakesThePlace) = (accounts.active(), newcomer) {
        end(app, active, (&Actor::User(active.user_id.clone()), caller)).await?;
        ended = Some(active.id.clone());
    }
    let now = app.now();
    let cookie = Secret::generate();
    let cookie_max_age = limits(app, who.remember).2;
    let row = new_row(app, &who, (&cookie, caller));
    let mut tx = app.store.begin().await?;
    if !users::hold_at_version(&mut tx, &row.user_id, who.token_version).await?
        || !has_proof(&mut tx, &who).await?
    {
        return Ok(None);
    }
    sessions::insert(&mut tx, &row).await?;
    let event = Event::success("session.created", &Actor::User(who.user_id.clone()), now)
        .user(&who.user_id)
        .session(&row.id)
        .caller(caller);
    audit::append(&mut tx, &event.into_row()).await?;
    let (user, findings) = (&who.user_id, who.findings.as_slice());
    let sign_in = SignIn { user, session: Some(&row.id), findings, caller };
    risk::note(app, &mut tx, &sign_in).await?;
    tx.commit().await?;
    app.outbox_bell.notify_one();
    let session = LiveSession::of(row, now);
    write_copy(app, &session).await;
    let new_device = new_device.clone();
    Ok(Some(Established { session, cookie, cookie_max_age, ended, new_device }))
}

/// Whether what was proven is still there: a password can be taken away without ending anything else.
async fn has_proof(tx: &mut Tx, who: &Authenticated) -> Result<bool, StoreError> {
    let by_password = who.amr.iter().any(|method| method == "pwd");
    Ok(!by_password || users::password(tx, &who.user_id).await?.is_some())
}

/// A caller whose browser will be recognised, and the cookie for it if it has none yet.
fn recognisable(caller: &Caller) -> (Caller, Option<Secret>) {
    let fresh = caller.device.is_none().then(Secret::generate);
    let hash = fresh.as_ref().map(|secret| secret.hash().as_str().to_owned());
    (Caller { device: hash.or_else(|| caller.device.clone()), ..caller.clone() }, fresh)
}

/// The row of a session that begins now.
fn new_row(app: &App, who: &Authenticated, (cookie, caller): (&Secret, &Caller)) -> Session {
    let now = app.now();
    let (idle_seconds, absolute, _) = limits(app, who.remember);
    let address = caller.address.clone().unwrap_or_default();
    Session {
        id: SessionId::new(secret::new_id(now)),
        secret_hash: cookie.hash().as_str().to_owned(),
        user_id: who.user_id.clone(),
        auth_time: now,
        acr: who.acr.clone(),
        amr: who.amr.clone(),
        device: device::label(caller.user_agent.as_deref()),
        place: app.places.of(&address),
        address,
        created_at: now,
        last_seen_at: now,
        idle_seconds,
        expires_at: now.plus(absolute),
        revoked_at: None,
    }
}

/// What a session rests on.
struct Proof<'a> {
    auth_time: UnixTime,
    acr: String,
    amr: Vec<String>,
    /// What is unlike before, if somebody is signing in.
    findings: Option<&'a [Finding]>,
}

/// A new cookie value and nothing else new; `None` when the session died meanwhile.
///
/// # Errors
/// [`Failure`] when SQL does not take it.
pub(crate) async fn renew_cookie(
    app: &App,
    session: &LiveSession,
    caller: &Caller,
) -> Result<Option<Established>, Failure> {
    let LiveSession { auth_time, acr, amr, .. } = session.clone();
    renew(app, session, Proof { auth_time, acr, amr, findings: None }, caller).await
}

/// A new cookie value for the same session; `None` when it died meanwhile.
async fn renew(
    app: &App,
    previous: &LiveSession,
    proof: Proof<'_>,
    caller: &Caller,
) -> Result<Option<Established>, Failure> {
    let now = app.now();
    let cookie = Secret::generate();
    let renewal = Renewal {
        id: previous.id.clone(),
        old_hash: previous.secret_hash.clone(),
        new_hash: cookie.hash().as_str().to_owned(),
        auth_time: proof.auth_time,
        acr: proof.acr.clone(),
        amr: proof.amr.clone(),
        now,
    };
    let mut tx = app.store.begin().await?;
    if proof.findings.is_some() {
        // The order in which everything that touches a person locks: the person, then sessions.
        users::hold(&mut tx, &previous.user_id).await?;
    }
    if !sessions::renew(&mut tx, &renewal).await? {
        return Ok(None);
    }
    let event = Event::success("session.renewed", &Actor::User(previous.user_id.clone()), now)
        .user(&previous.user_id)
        .session(&previous.id)
        .caller(caller);
    audit::append(&mut tx, &event.into_row()).await?;
    if let Some(findings) = proof.findings {
        let (user, session) = (&previous.user_id, Some(&previous.id));
        risk::note(app, &mut tx, &SignIn { user, session, findings, caller }).await?;
    }
    // Last: everybody's revocations wait for this one to commit.
    let dead = [Subject::Cookie(&previous.secret_hash)];
    let pending = revocation::record(&mut tx, &dead, now).await?;
    tx.commit().await?;
    app.outbox_bell.notify_one();
    revocation::publish(app, pending).await;
    let session = LiveSession {
        auth_time: proof.auth_time,
        acr: proof.acr,
        amr: proof.amr,
        read_at: now,
        secret_hash: renewal.new_hash,
        ..previous.clone()
    };
    write_copy(app, &session).await;
    let cookie_max_age = session.cookie_max_age(app);
    Ok(Some(Established { session, cookie, cookie_max_age, ended: None, new_device: None }))
}

fn limits(app: &App, remember: Remember) -> (Seconds, Seconds, Option<Seconds>) {
    let settings = &app.config.session;
    match remember {
        Remember::ThisVisit => (settings.idle, settings.absolute, None),
        Remember::OnThisDevice => (settings.remember, settings.remember, Some(settings.remember)),
    }
}

/// Ends one session and everything that lives only as long as it.
///
/// # Errors
/// [`Failure`] when SQL does not take it; the session lives on then and the caller must say so.
pub async fn end(
    app: &App,
    session: &LiveSession,
    (actor, caller): (&Actor, &Caller),
) -> Result<(), Failure> {
    let tx = app.store.begin().await?;
    let event = Event::success("session.ended", actor, app.now())
        .session(&session.id)
        .user(&session.user_id)
        .caller(caller);
    let lasted = end_in(app, tx, (session, Offline::Keep), event).await?;
    let by_person = matches!(actor, Actor::User(id) if *id == session.user_id);
    if let Some(lasted) = lasted {
        app.metrics.session_ended(if by_person { "person" } else { "administrator" }, lasted);
    }
    Ok(())
}

/// Ends one session together with the change that `tx` carries, commits, and publishes. With
/// [`Offline::Revoke`] so does everything that an app could keep beyond the session. Tells how long
/// the session lasted, unless it had ended before.
pub(crate) async fn end_in(
    app: &App,
    mut tx: Tx,
    (session, offline): (&LiveSession, Offline),
    event: Event,
) -> Result<Option<Seconds>, Failure> {
    let now = app.now();
    let revoked = sessions::revoke(&mut tx, &session.id, now).await?;
    if revoked.is_some() {
        backchannel_logout::enqueue(app, &mut tx, &session.user_id, [&session.id]).await?;
    }
    let ended = grants::revoke_for_session(&mut tx, &session.id, now, offline).await?;
    let kept = session_data::forget_session(&mut tx, &session.id).await?;
    let mut dead = vec![Subject::Session(&session.id), Subject::Cookie(&session.secret_hash)];
    // The cookie may have been renewed since the caller read it; its copy has to die, too.
    dead.extend(revoked.iter().map(|revoked| Subject::Cookie(&revoked.secret_hash)));
    if offline == Offline::Revoke {
        // Tokens of offline grants do not name the session, so each grant gets a tombstone of its own.
        dead.extend(ended.iter().map(Subject::Grant));
    }
    let pending = revocation::record(&mut tx, &dead, now).await?;
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    app.outbox_bell.notify_one();
    revocation::publish(app, pending).await;
    session_data::make_room(app, kept).await;
    Ok(revoked.map(|revoked| now.since(revoked.created_at)))
}

/// Ends a session by its public id. `false` when there is none alive.
///
/// # Errors
/// [`Failure`] when SQL does not take it.
pub async fn end_by_id(app: &App, id: &SessionId, who: (&Actor, &Caller)) -> Result<bool, Failure> {
    match sessions::by_id(&app.store.db, id).await? {
        Some(row) if row.revoked_at.is_none() => {
            end(app, &LiveSession::of(row, app.now()), who).await?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// A session by its public id, alive or not.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn find(app: &App, id: &SessionId) -> Result<Option<Session>, Failure> {
    Ok(sessions::by_id(&app.store.db, id).await?)
}

/// Ends a session of this very person; `false` when they have no such session alive.
///
/// # Errors
/// [`Failure`] when SQL does not take it.
pub async fn end_own(
    app: &App,
    (id, owner): (&SessionId, &UserId),
    who: (&Actor, &Caller),
) -> Result<bool, Failure> {
    match sessions::by_id(&app.store.db, id).await? {
        Some(row) if row.user_id == *owner => end_by_id(app, id, who).await,
        _ => Ok(false),
    }
}

/// One page of the sessions that are alive, newest first, of one person or of all.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn list(
    app: &App,
    (user, after): (Option<&UserId>, Option<Cursor>),
    limit: i64,
) -> Result<Vec<Session>, Failure> {
    let filter = SessionFilter { user: user.cloned(), live_at: Some(app.now()), after, limit };
    Ok(sessions::list(&app.store.db, &filter).await?)
}
