//! The SSO session: made at sign-in, read on every visit, renewed when privileges change, ended for
//! good. Truth is the SQL row; the ephemeral store holds a copy that slides; what was read within the
//! last second is also in the process.
//!
//! The cookie holds 256 random bits; only their SHA-256 is stored anywhere. The row's own id is the
//! public `sid` and survives renewal, so apps keep recognising the session.

pub mod accounts;
pub(crate) mod backchannel_logout;
pub mod connections;
mod establish;
pub mod everywhere;
pub(crate) mod farewell;
pub mod logout;
mod outlived;
pub mod session_data;
pub mod several;
pub mod sightings;

pub use crate::protocol::session::LiveSession;
pub use establish::establish;
pub(crate) use establish::renew_cookie;

use std::sync::Arc;

use crate::app::{App, Freshness};
use crate::clock::{Seconds, UnixTime};
use crate::crypto::secret::{Secret, SecretHash};
use crate::protocol::authorize::acr::Level;
use crate::protocol::interaction::SessionFacts;
use crate::protocol::rights::Right;
use crate::protocol::risk::Finding;
use crate::protocol::types::{GrantId, SessionId, UserId};
use crate::protocol::user::Footing;
use crate::service::audit::{Actor, Caller, Event};
use crate::service::failure::Failure;
use crate::service::people::PeopleError;
use crate::service::people::authority::Authority;
use crate::service::revocation::{self, Subject};
use crate::service::session::session_data::Leftovers;
use crate::store::grants::{self, Offline};
use crate::store::revocations::RevocationKind;
use crate::store::sessions::{self, Revoked, Session};
use crate::store::{Cursor, Tx, audit};

/// The longest life of a fast copy. Longer sessions are read from SQL again after that, so that the
/// tombstone of a dead cookie need not outlive an hour.
pub(crate) const COPY_TTL: Seconds = 3_600;

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
        let running = app.settings();
        let settings = &running.session;
        // Limits may have changed since this session began: one for a visit is never kept for longer.
        let least = settings.remember.min(app.config.session.remember);
        let remembered = self.idle_seconds > settings.idle && self.idle_seconds >= least;
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
    /// What the proof stands on, read before it was checked.
    pub footing: Footing,
    pub acr: String,
    pub amr: Vec<String>,
    pub remember: Remember,
    /// What is unlike this person's sign-ins before.
    pub findings: Vec<Finding>,
    /// The session that another click on the same form may have made or renewed already; else this one
    /// makes it under that id. `None` where nobody is asked.
    pub claimed: Option<SessionId>,
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

/// Reads the session of a cookie and extends its idle limit, in one round trip at most.
///
/// # Errors
/// [`Failure`] when neither store can say.
pub async fn current(app: &App, cookie: &str) -> Result<Option<LiveSession>, Failure> {
    if !Secret::looks_like_one(cookie) {
        return Ok(None);
    }
    let hash = SecretHash::of(cookie);
    if let Some(session) = remembered(app, &hash) {
        app.watch.visited(&session.id, app.now());
        return Ok(Some(session));
    }
    // Taken before anything is read: what ends from here on makes the memory worthless.
    let newest = app.watch.newest_revocation();
    let found = read(app, &hash).await?;
    if let Some(session) = &found {
        app.watch.visited(&session.id, app.now());
        let seen = Arc::new((app.now(), session.clone()));
        app.sessions.remember(hash, seen, newest);
    }
    Ok(found)
}

/// The session as it was read within the last second, if nothing has ended since.
fn remembered(app: &App, hash: &SecretHash) -> Option<LiveSession> {
    let seen = app.sessions.remembers(hash, app.watch.remembers_as_of()?)?;
    let ((at, session), now) = (seen.as_ref(), app.now());
    // The clock may have been set: then the idle limit is not what this memory takes it for.
    let is_recent = (0..=1).contains(&now.since(*at));
    (is_recent && session.expires_at > now).then(|| session.clone())
}

/// For whoever shows the cookie of a session that is not there and is about to hear that they are signed out: comes
/// back when that is so everywhere.
///
/// # Errors
/// [`Failure`] when SQL does not answer: then nobody knows.
pub async fn outlive_end_of(app: &App, cookie: &str) -> Result<(), Failure> {
    if !Secret::looks_like_one(cookie) {
        return Ok(());
    }
    let row = sessions::by_hash(&app.store.db, SecretHash::of(cookie).as_str()).await?;
    if let Some(ended_at) = row.and_then(|row| row.revoked_at) {
        revocation::outlive_recent(app, ended_at).await;
    }
    Ok(())
}

/// Asks the ephemeral store and then SQL.
async fn read(app: &App, hash: &SecretHash) -> Result<Option<LiveSession>, Failure> {
    if let Some(session) = read_copy(app, hash).await {
        app.metrics.cache_request("session", "hit");
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
    Ok(Some(session))
}

/// The copy, if the ephemeral store has one that can be relied on.
async fn read_copy(app: &App, hash: &SecretHash) -> Option<LiveSession> {
    let key = copy_key(hash.as_str());
    let idle = app.settings().session.idle.min(COPY_TTL);
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
        // One that is there already may have been prolonged beyond the session's own limits. A full store still
        // forgets; one that does not answer gives no copy either.
        let _ = app.ephemeral.delete(&[&key]).await;
    }
}

fn copy_key(hash: &str) -> String {
    format!("session:{hash}")
}

/// Ends one session and everything that lives only as long as it. One that has ended before, as by the
/// first of two clicks, leaves no trace.
///
/// # Errors
/// [`Failure`] when SQL does not take it; the session lives on then and the caller must say so.
pub async fn end(app: &App, session: &LiveSession, who: (&Actor, &Caller)) -> Result<(), Failure> {
    let tx = app.store.begin().await?;
    end_begun(app, tx, session, who).await
}

/// As [`end`], in a transaction that has begun.
async fn end_begun(
    app: &App,
    mut tx: Tx,
    session: &LiveSession,
    (actor, caller): (&Actor, &Caller),
) -> Result<(), Failure> {
    if ended_by(actor, &session.user_id) != BY_PERSON {
        // Whoever had it may have been somebody else.
        sessions::disown(&mut tx, &session.id).await?;
    }
    let ending = Ending::write(app, &mut tx, (session, Offline::Keep)).await?;
    let dead = ending.dead(session);
    let pending = revocation::record(&mut tx, &dead, app.now()).await?;
    if !dead.is_empty() {
        let event = ended_event(app, session, (actor, caller));
        audit::append(&mut tx, &event.into_row()).await?;
    }
    tx.commit().await?;
    app.outbox_bell.notify_one();
    revocation::publish(app, pending).await;
    ending.outlive_first(app).await;
    if let Some(lasted) = ending.settle(app).await {
        app.metrics.session_ended(ended_by(actor, &session.user_id), lasted);
    }
    Ok(())
}

/// Who ends a session of this person, as the metric of how long sessions lasted has it.
pub(crate) fn ended_by(actor: &Actor, user: &UserId) -> &'static str {
    if matches!(actor, Actor::User(id) if id == user) { BY_PERSON } else { "administrator" }
}

const BY_PERSON: &str = "person";

fn ended_event(app: &App, session: &LiveSession, who: (&Actor, &Caller)) -> Event {
    ended_event_of(app, (&session.id, &session.user_id), who)
}

fn ended_event_of(
    app: &App,
    (session, user): (&SessionId, &UserId),
    (actor, caller): (&Actor, &Caller),
) -> Event {
    Event::success("session.ended", actor, app.now()).session(session).user(user).caller(caller)
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
    let ending = Ending::write(app, &mut tx, (session, offline)).await?;
    let pending = revocation::record(&mut tx, &ending.dead(session), now).await?;
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    app.outbox_bell.notify_one();
    revocation::publish(app, pending).await;
    ending.outlive_first(app).await;
    Ok(ending.settle(app).await)
}

/// The end of a session in a transaction that goes on: its [`dead`](Ending::dead) subjects are still to
/// be recorded, and after the commit it has to be [settled](Ending::settle).
struct Ending {
    revoked: Option<Revoked>,
    /// When it had ended before, as SQL knows. One that SQL does not know at all, as after going back to a
    /// backup, may still have a copy, which has to die.
    had_ended: Option<UnixTime>,
    /// Grants that end although they would have outlived the session.
    grants: Vec<GrantId>,
    kept: Leftovers,
    at: UnixTime,
}

impl Ending {
    async fn write(
        app: &App,
        tx: &mut Tx,
        (session, offline): (&LiveSession, Offline),
    ) -> Result<Self, Failure> {
        let now = app.now();
        let revoked = sessions::revoke(&mut *tx, &session.id, now).await?;
        let had_ended = match revoked {
            Some(_) => None,
            None => sessions::by_id(&mut *tx, &session.id).await?.and_then(|row| row.revoked_at),
        };
        if revoked.is_some() {
            backchannel_logout::enqueue(app, tx, &session.user_id, [&session.id]).await?;
        }
        let ended = grants::revoke_for_session(&mut *tx, &session.id, now, offline).await?;
        let kept = session_data::forget_session(tx, &session.id).await?;
        // Tokens of offline grants do not name the session, so each grant gets a tombstone of its own.
        let grants = if offline == Offline::Revoke { ended } else { Vec::new() };
        Ok(Self { revoked, had_ended, grants, kept, at: now })
    }

    /// Empty when all of it had ended before: that leaves no trace, and takes no number that would have
    /// all nodes look.
    fn dead<'a>(&'a self, session: &'a LiveSession) -> Vec<Subject<'a>> {
        let mut dead: Vec<_> = self.grants.iter().map(Subject::Grant).collect();
        if self.had_ended.is_none() {
            dead.extend([Subject::Session(&session.id), Subject::Cookie(&session.secret_hash)]);
        }
        // The cookie may have been renewed since the caller read it; its copy has to die, too.
        dead.extend(self.revoked.iter().map(|revoked| Subject::Cookie(&revoked.secret_hash)));
        dead
    }

    /// Whoever had ended it before may not have been told yet that it is over everywhere.
    async fn outlive_first(&self, app: &App) {
        if let Some(ended_at) = self.had_ended {
            revocation::outlive_recent(app, ended_at).await;
        }
    }

    /// Tells how long the session lasted, unless it had ended before.
    async fn settle(self, app: &App) -> Option<Seconds> {
        session_data::make_room(app, self.kept).await;
        self.revoked.map(|revoked| self.at.since(revoked.created_at))
    }
}

/// Begins the transaction in which `actor` ends a session of this person, with whatever of an administrator's power
/// it stands on held in it. `None` when there is no such person any more: everything of theirs has ended.
async fn begin_end(app: &App, (user, actor): (&UserId, &Actor)) -> Result<Option<Tx>, PeopleError> {
    let mut tx = app.store.begin().await?;
    let authority = Authority::of(&mut tx, actor, Some(user)).await?;
    match authority.change_by_id(&mut tx, Right::SessionsEnd, user).await {
        Ok(()) => Ok(Some(tx)),
        Err(PeopleError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Ends a session by its public id. `false` when there is none alive, and none is believed to be any more.
///
/// # Errors
/// [`PeopleError::NotYours`], and [`Failure`] when SQL does not take it.
pub async fn end_by_id(
    app: &App,
    id: &SessionId,
    who: (&Actor, &Caller),
) -> Result<bool, PeopleError> {
    match sessions::by_id(&app.store.db, id).await? {
        Some(row) if row.revoked_at.is_none() => {
            let Some(tx) = begin_end(app, (&row.user_id, who.0)).await? else {
                revocation::outlive_recent(app, app.now()).await;
                return Ok(false);
            };
            end_begun(app, tx, &LiveSession::of(row, app.now()), who).await?;
            Ok(true)
        }
        Some(Session { revoked_at: Some(ended_at), .. }) => {
            revocation::outlive_recent(app, ended_at).await;
            Ok(false)
        }
        Some(_) => Ok(false),
        None => {
            let Some(user) = outlived::owner(app, id).await? else { return Ok(false) };
            let Some(tx) = begin_end(app, (&user, who.0)).await? else {
                revocation::outlive_recent(app, app.now()).await;
                return Ok(false);
            };
            Ok(!outlived::end(app, tx, (id, &user), who).await?.is_empty())
        }
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
/// As [`end_by_id`].
pub async fn end_own(
    app: &App,
    (id, owner): (&SessionId, &UserId),
    who: (&Actor, &Caller),
) -> Result<bool, PeopleError> {
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
    let chosen = several::Chosen { user: user.cloned(), ..several::Chosen::default() };
    several::list(app, (&chosen, after), limit).await
}
