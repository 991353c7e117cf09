//! The cookie that spans the hosts of the apps. It has random bits of its own, so that an app that
//! gets to see it learns nothing that opens Doorward itself, and it belongs to a session: whatever
//! ends the session ends it.
//!
//! Truth is the row and that of its session; the ephemeral store holds a copy of what both say and of
//! the person, which counts only while the revocation set says nothing about either.

use serde::{Deserialize, Serialize};

use super::MOST_COOKIES;
use crate::app::App;
use crate::clock::{Seconds, UnixTime};
use crate::crypto::secret::{Secret, SecretHash};
use crate::protocol::authorize::acr::Level;
use crate::protocol::gateway::identity::{Person, Visitor};
use crate::protocol::types::{ClientId, OrganisationId, SessionId};
use crate::service::audit::{Actor, Caller, Event};
use crate::service::brake::{self, Limit};
use crate::service::failure::Failure;
use crate::service::revocation::{self, Standing, Subject};
use crate::service::session::{COPY_TTL, LiveSession};
use crate::store::gateway_cookies::{self, GatewayCookie};
use crate::store::revocations::RevocationKind;
use crate::store::{StoreError, audit, sessions, users};

/// A browser needs one, and another when it has signed in again with more.
const MOST_OF_A_SESSION: i64 = 10;

/// How many cookies may be made for one session in an hour: each is a row and an event. A browser that loses
/// them keeps no other one of the same person out.
const MOST_PER_HOUR: i64 = 100;
/// How many of them while the browser brings several others and none of them is good. The first should do;
/// if it does not, one more would not either, and the browser would go round in circles.
const MOST_BESIDE_OTHERS: i64 = 3;
const HOUR: Seconds = 3_600;

/// What the ephemeral store holds for a cookie.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Copy {
    person: Person,
    session: SessionId,
    /// The organisation they act for in this session.
    #[serde(default)]
    organisation: Option<OrganisationId>,
    auth_time: UnixTime,
    acr: String,
    idle_seconds: Seconds,
    expires_at: UnixTime,
    /// The person's token version.
    user_version: i64,
    /// The newest revocation that was known before any of this was read.
    revocations: i64,
    /// When that was. The copy is worth nothing [`COPY_TTL`] later, however often it is used: it would
    /// outlive the tombstones that end it.
    #[serde(default)]
    read_at: UnixTime,
}

impl Copy {
    fn ttl(&self, now: UnixTime) -> Seconds {
        self.idle_seconds.min(self.expires_at.since(now)).min(COPY_TTL)
    }

    fn into_visitor(self) -> (Visitor, UnixTime) {
        let visitor = Visitor {
            person: self.person,
            session: Some(self.session),
            organisation: self.organisation,
            auth_time: Some(self.auth_time),
            level: Level::from_name(&self.acr),
        };
        (visitor, self.expires_at)
    }
}

/// Whom a cookie stands for right now and until when at most. `newest` is the newest revocation that
/// was known before this was asked; `client` the app whose roles matter. Extends the session's idle limit.
///
/// # Errors
/// [`Failure`] when neither store can say.
pub(super) async fn read(
    app: &App,
    (hash, client): (&SecretHash, Option<&ClientId>),
    newest: i64,
) -> Result<Option<(Visitor, UnixTime)>, Failure> {
    if let Some(copy) = read_copy(app, hash, client).await? {
        app.metrics.cache_request("gateway", "hit");
        app.watch.visited(&copy.session, app.now());
        return Ok(Some(copy.into_visitor()));
    }
    app.metrics.cache_request("gateway", "miss");
    let Some(copy) = read_rows(app, hash, newest).await? else { return Ok(None) };
    write_copy(app, hash, &copy).await;
    app.watch.visited(&copy.session, app.now());
    Ok(Some(copy.into_visitor()))
}

/// What SQL says.
async fn read_rows(app: &App, hash: &SecretHash, newest: i64) -> Result<Option<Copy>, Failure> {
    let now = app.now();
    let found = gateway_cookies::by_hash(&app.store.db, hash.as_str()).await?;
    let Some(row) = found else { return Ok(None) };
    let last_visit = app.watch.last_visit(&row.session_id).unwrap_or(row.last_seen_at);
    let idle = now.since(last_visit.max(row.last_seen_at));
    if row.revoked_at.is_some() || row.expires_at <= now || idle > row.idle_seconds {
        return Ok(None);
    }
    let user = users::by_id(&app.store.db, &row.user_id).await?;
    let Some(user) = user.filter(|user| user.disabled_at.is_none()) else { return Ok(None) };
    Ok(Some(Copy {
        person: Person::of(&user),
        session: row.session_id,
        organisation: row.organisation_id,
        auth_time: row.auth_time,
        acr: row.acr,
        idle_seconds: row.idle_seconds,
        expires_at: row.expires_at,
        user_version: user.token_version,
        revocations: newest,
        read_at: now,
    }))
}

/// The copy, if there is one and nothing it rests on has changed. A store that does not answer is
/// none.
///
/// # Errors
/// [`Failure`] when there is a copy and neither store can say whether it still counts.
async fn read_copy(
    app: &App,
    hash: &SecretHash,
    client: Option<&ClientId>,
) -> Result<Option<Copy>, Failure> {
    let idle = app.settings().session.idle.min(COPY_TTL);
    let json = match app.ephemeral.get_extend(&copy_key(hash), idle).await {
        Ok(json) => json,
        Err(error) => {
            tracing::warn!(%error, "a gateway cookie is read from SQL");
            return Ok(None);
        }
    };
    let copy = json.and_then(|json| serde_json::from_str::<Copy>(&json).ok());
    let Some(copy) = copy else { return Ok(None) };
    let roles = client.map(revocation::roles_of);
    let mut subjects = vec![
        (RevocationKind::Session, copy.session.as_str(), 0),
        (RevocationKind::User, copy.person.id.as_str(), copy.user_version),
        (RevocationKind::Facts, copy.person.id.as_str(), copy.revocations),
        (RevocationKind::Cookie, hash.as_str(), 0),
    ];
    subjects.extend(roles.iter().map(|of| (RevocationKind::Facts, of.as_str(), copy.revocations)));
    if !copy.person.groups.is_empty() {
        subjects.push((RevocationKind::Facts, revocation::GROUP_NAMES, copy.revocations));
    }
    if revocation::standing_of(app, &subjects).await? == Standing::Revoked {
        return Ok(None);
    }
    let now = app.now();
    let ttl = copy.ttl(now);
    if ttl <= 0 || now.since(copy.read_at) >= COPY_TTL {
        return Ok(None);
    }
    if ttl != idle {
        // A session with limits of its own, or one near its absolute limit.
        write_copy(app, hash, &copy).await;
    }
    Ok(Some(copy))
}

/// Copies to the ephemeral store; a failure only makes the next read slower.
async fn write_copy(app: &App, hash: &SecretHash, copy: &Copy) {
    let ttl = copy.ttl(app.now());
    let Ok(json) = serde_json::to_string(copy) else { return };
    if ttl > 0
        && let Err(error) = app.ephemeral.put(&copy_key(hash), &json, ttl).await
    {
        tracing::warn!(%error, "a gateway cookie could not be copied");
    }
}

fn copy_key(hash: &SecretHash) -> String {
    format!("gateway:{}", hash.as_str())
}

/// A fresh cookie.
pub struct Issued {
    pub cookie: Secret,
    /// Seconds it may be kept; `None` for as long as the browser runs.
    pub max_age: Option<Seconds>,
}

/// Why no cookie was made.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// This session has had too many lately.
    #[error("throttled for {retry_after} seconds")]
    Throttled { retry_after: Seconds },
    /// The browser brings several others, and fresh ones have not helped.
    #[error("other cookies are in the way")]
    Crowded,
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StoreError> for IssueError {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}

/// Makes a cookie for a session whose browser brings none that does ([`fitness`]); `None` when it has ended
/// meanwhile. A session has [`MOST_OF_A_SESSION`] of them at most: the oldest ones end.
///
/// # Errors
/// [`IssueError`]; there is no cookie then.
pub async fn issue(
    app: &App,
    session: &LiveSession,
    (found, caller): (Fitness, &Caller),
) -> Result<Option<Issued>, IssueError> {
    let too_many = async |key: &str, most: i64| {
        let limit = Limit { key, window: HOUR, most, scope: "gateway" };
        brake::is_passed(app, &limit, caller).await
    };
    let beside_others = format!("gateway-doubles:{}", session.id);
    if found == Fitness::Doubled && too_many(&beside_others, MOST_BESIDE_OTHERS).await? {
        return Err(IssueError::Crowded);
    }
    if too_many(&format!("gateway-cookies:{}", session.id), MOST_PER_HOUR).await? {
        return Err(IssueError::Throttled { retry_after: HOUR });
    }
    let now = app.now();
    let cookie = Secret::generate();
    let row = GatewayCookie {
        secret_hash: cookie.hash().as_str().to_owned(),
        session_id: session.id.clone(),
        auth_time: session.auth_time,
        acr: session.acr.clone(),
        created_at: now,
    };
    let mut tx = app.store.begin().await?;
    if !sessions::hold(&mut tx, &session.id).await? {
        return Ok(None);
    }
    let gone = gateway_cookies::remove_oldest(&mut tx, &session.id, MOST_OF_A_SESSION - 1).await?;
    let gone: Vec<_> = gone.iter().map(|hash| Subject::Cookie(hash)).collect();
    gateway_cookies::insert(&mut tx, &row).await?;
    let ended = match gone.as_slice() {
        [] => None,
        gone => Some(revocation::record(&mut tx, gone, now).await?),
    };
    let event = Event::success("gateway.opened", &Actor::User(session.user_id.clone()), now)
        .user(&session.user_id)
        .session(&session.id)
        .caller(caller);
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    if let Some(ended) = ended {
        revocation::publish(app, ended).await;
    }
    Ok(Some(Issued { cookie, max_age: session.cookie_max_age(app) }))
}

/// What the cookies that a browser brings already are worth for a session and level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fitness {
    /// One of them does.
    Fit,
    /// There is none, or one that does not; another one takes its place.
    Unfit,
    /// There are several, and none of them does. Another one should, unless they are in its way.
    Doubled,
    /// They are too many, or one that does is beside one of another session: no request with them passes,
    /// whatever is added.
    Crowded,
}

/// Whether one of the cookies that a browser brings does for this session and level.
///
/// # Errors
/// [`Failure`] when neither store can say.
pub async fn fitness(
    app: &App,
    cookies: &[String],
    (session, level): (&LiveSession, Option<Level>),
) -> Result<Fitness, Failure> {
    if cookies.len() > MOST_COOKIES {
        return Ok(Fitness::Crowded);
    }
    let newest = app.watch.newest_revocation();
    let (mut is_one_fit, mut is_one_strange) = (false, false);
    for cookie in cookies {
        let found = read(app, (&SecretHash::of(cookie), None), newest).await?;
        let Some((visitor, _)) = found else { continue };
        if visitor.session.as_ref() == Some(&session.id) {
            is_one_fit |= visitor.level >= level;
        } else {
            is_one_strange = true;
        }
    }
    Ok(match (is_one_fit, is_one_strange) {
        (true, false) => Fitness::Fit,
        (true, true) => Fitness::Crowded,
        (false, _) if cookies.len() > 1 => Fitness::Doubled,
        (false, _) => Fitness::Unfit,
    })
}
