//! SSO sessions: the truth behind the fast copies.

mod lists;
pub mod session_clients;
pub mod session_data;

pub use lists::{SessionFilter, Whose, count, count_live, count_of, list};

use sqlx_macros::FromRow;

use super::db::{Db, Sql, Tx};
use super::error::StoreError;
use super::users::together;
use crate::clock::{Seconds, UnixTime};
use crate::protocol::types::{OrganisationId, SessionId, UserId};
use crate::store::db::columns::Json;
use crate::store::db::cursor::Cursor;

/// How many rows one transaction of [`touch_many`] writes.
const TOUCHED_AT_ONCE: usize = 200;

/// One browser signed in by one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub id: SessionId,
    /// SHA-256 of the cookie's value.
    pub secret_hash: String,
    pub user_id: UserId,
    pub auth_time: UnixTime,
    pub acr: String,
    pub amr: Vec<String>,
    /// What the browser calls itself, shortened, for people to recognise.
    pub device: String,
    /// Where it came from.
    pub address: String,
    /// The place of that address, in words; empty when it was not known.
    pub place: String,
    pub created_at: UnixTime,
    pub last_seen_at: UnixTime,
    pub idle_seconds: Seconds,
    /// The absolute end, which use does not move.
    pub expires_at: UnixTime,
    pub revoked_at: Option<UnixTime>,
}

/// A new cookie value for a living session, after the person proved themselves again.
#[derive(Debug, Clone)]
pub struct Renewal {
    pub id: SessionId,
    pub old_hash: String,
    pub new_hash: String,
    pub auth_time: UnixTime,
    pub acr: String,
    pub amr: Vec<String>,
    pub now: UnixTime,
}

impl Session {
    /// Whether it has neither been ended nor come to its end. `last_seen_at` may lag by a minute, and so may this.
    #[must_use]
    pub fn is_live(&self, now: UnixTime) -> bool {
        self.revoked_at.is_none()
            && self.expires_at > now
            && self.last_seen_at.plus(self.idle_seconds) > now
    }

    /// Its place in the list.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.created_at, id: self.id.as_str().to_owned() }
    }
}

#[derive(FromRow)]
struct SessionRow {
    id: SessionId,
    secret_hash: String,
    user_id: UserId,
    auth_time: UnixTime,
    acr: String,
    amr: Json<Vec<String>>,
    device: String,
    address: String,
    place: String,
    created_at: UnixTime,
    last_seen_at: UnixTime,
    idle_seconds: Seconds,
    expires_at: UnixTime,
    revoked_at: Option<UnixTime>,
}

impl From<SessionRow> for Session {
    fn from(row: SessionRow) -> Self {
        Self {
            id: row.id,
            secret_hash: row.secret_hash,
            user_id: row.user_id,
            auth_time: row.auth_time,
            acr: row.acr,
            amr: row.amr.0,
            device: row.device,
            address: row.address,
            place: row.place,
            created_at: row.created_at,
            last_seen_at: row.last_seen_at,
            idle_seconds: row.idle_seconds,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
        }
    }
}

macro_rules! select_session {
    ($rest:literal) => {
        concat!(
            "select id, secret_hash, user_id, auth_time, acr, amr, device, address, place, ",
            "created_at, last_seen_at, idle_seconds, expires_at, revoked_at from sessions ",
            $rest
        )
    };
}

/// Adds a session. `Conflict` when the user was deleted meanwhile.
pub async fn insert<'a>(sql: impl Sql<'a>, session: &Session) -> Result<(), StoreError> {
    sql.into()
        .query(
            "insert into sessions (id, secret_hash, user_id, auth_time, acr, amr, device, address, \
             place, created_at, last_seen_at, idle_seconds, expires_at, revoked_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        )
        .bind(&session.id)
        .bind(&session.secret_hash)
        .bind(&session.user_id)
        .bind(session.auth_time)
        .bind(&session.acr)
        .bind(Json(&session.amr))
        .bind(&session.device)
        .bind(&session.address)
        .bind(&session.place)
        .bind(session.created_at)
        .bind(session.last_seen_at)
        .bind(session.idle_seconds)
        .bind(session.expires_at)
        .bind(session.revoked_at)
        .execute()
        .await
        .map(drop)
}

/// The session whose cookie value has this hash, dead or alive.
pub async fn by_hash<'a>(
    sql: impl Sql<'a>,
    secret_hash: &str,
) -> Result<Option<Session>, StoreError> {
    let row = sql
        .into()
        .query(select_session!("where secret_hash = $1"))
        .bind(secret_hash)
        .optional::<SessionRow>()
        .await?;
    Ok(row.map(Session::from))
}

/// The session with this `sid`, dead or alive.
pub async fn by_id<'a>(sql: impl Sql<'a>, id: &SessionId) -> Result<Option<Session>, StoreError> {
    let row = sql
        .into()
        .query(select_session!("where id = $1"))
        .bind(id)
        .optional::<SessionRow>()
        .await?;
    Ok(row.map(Session::from))
}

/// Gives the session a new cookie value and authentication facts in one atomic statement; the old
/// value is dead at once. `false` if it is not alive under the old value.
pub async fn renew<'a>(sql: impl Sql<'a>, renewal: &Renewal) -> Result<bool, StoreError> {
    let renewed = sql
        .into()
        .query(
            "update sessions set secret_hash = $3, auth_time = $4, acr = $5, amr = $6, \
             last_seen_at = $7 where id = $1 and secret_hash = $2 and revoked_at is null \
             and expires_at > $7 and last_seen_at + idle_seconds > $7",
        )
        .bind(&renewal.id)
        .bind(&renewal.old_hash)
        .bind(&renewal.new_hash)
        .bind(renewal.auth_time)
        .bind(&renewal.acr)
        .bind(Json(&renewal.amr))
        .bind(renewal.now)
        .execute()
        .await?;
    Ok(renewed == 1)
}

/// Holds a session that has not been ended until the caller's transaction is over; `false` if there
/// is none. What is added to a session under this hold is seen by whoever ends it, since ending
/// waits for it.
pub async fn hold(tx: &mut Tx, id: &SessionId) -> Result<bool, StoreError> {
    // A write that changes nothing locks the row on both databases.
    let held = tx
        .query("update sessions set revoked_at = null where id = $1 and revoked_at is null")
        .bind(id)
        .execute()
        .await?;
    Ok(held == 1)
}

/// Like [`hold`] for every session of a person that has not been ended, one after the other by their
/// ids, as [`touch_many`] does it: of two who hold several, one waits for the other and never each for
/// the other. Tells which.
pub async fn hold_of_user(tx: &mut Tx, user: &UserId) -> Result<Vec<SessionId>, StoreError> {
    let rows = tx
        .query("select id from sessions where user_id = $1 and revoked_at is null")
        .bind(user)
        .all::<(SessionId,)>()
        .await?;
    let mut ids: Vec<_> = rows.into_iter().map(|(id,)| id).collect();
    // Sorted here, as there: databases have their own ideas of an order of texts.
    ids.sort();
    let mut held = Vec::with_capacity(ids.len());
    for id in ids {
        if hold(tx, &id).await? {
            held.push(id);
        }
    }
    Ok(held)
}

/// As [`hold_of_user`], of several people at once. SQLite has one writer, who waits for nobody.
pub async fn hold_of_users(tx: &mut Tx, people: &[&UserId]) -> Result<(), StoreError> {
    if people.is_empty() || matches!(tx, Tx::Sqlite { .. }) {
        return Ok(());
    }
    tx.query(
        "select id from sessions where user_id = any(string_to_array($1, ' ')) \
         and revoked_at is null order by id collate \"C\" for no key update",
    )
    .bind(together(people))
    .execute()
    .await
    .map(drop)
}

/// What a session was when it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    pub created_at: UnixTime,
    /// Of its latest cookie, which may be newer than what the caller has read.
    pub secret_hash: String,
}

/// Ends a session and tells what it was; `None` if it is unknown or was ended before.
pub async fn revoke<'a>(
    sql: impl Sql<'a>,
    id: &SessionId,
    now: UnixTime,
) -> Result<Option<Revoked>, StoreError> {
    let revoked = sql
        .into()
        .query(
            "update sessions set revoked_at = $2 where id = $1 and revoked_at is null \
             returning created_at, secret_hash",
        )
        .bind(id)
        .bind(now)
        .optional::<(UnixTime, String)>()
        .await?;
    Ok(revoked.map(|(created_at, secret_hash)| Revoked { created_at, secret_hash }))
}

/// What a session was that ended together with others.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct EndedSession {
    pub id: SessionId,
    /// Under which fast copies are kept.
    pub secret_hash: String,
    pub created_at: UnixTime,
    pub last_seen_at: UnixTime,
    pub idle_seconds: Seconds,
    pub expires_at: UnixTime,
}

impl EndedSession {
    /// Whether its limits had ended it by this moment anyway. `last_seen_at` may lag by a minute, and so
    /// may this.
    #[must_use]
    pub fn was_over(&self, now: UnixTime) -> bool {
        self.expires_at <= now || now.since(self.last_seen_at) > self.idle_seconds
    }
}

/// Ends every session of a person, one excepted if wanted, and tells what they were. Call
/// [`hold_of_user`] first.
pub async fn revoke_for_user<'a>(
    sql: impl Sql<'a>,
    user: &UserId,
    except: Option<&SessionId>,
    now: UnixTime,
) -> Result<Vec<EndedSession>, StoreError> {
    sql.into()
        .query(
            "update sessions set revoked_at = $3 where user_id = $1 and revoked_at is null \
             and ($2 is null or id <> $2) \
             returning id, secret_hash, created_at, last_seen_at, idle_seconds, expires_at",
        )
        .bind(user)
        .bind(except)
        .bind(now)
        .all()
        .await
}

/// The organisation somebody has chosen in a session, if they have and it has not been ended.
pub async fn organisation<'a>(
    sql: impl Sql<'a>,
    id: &SessionId,
) -> Result<Option<OrganisationId>, StoreError> {
    let row = sql
        .into()
        .query("select organisation_id from sessions where id = $1 and revoked_at is null")
        .bind(id)
        .optional::<(Option<OrganisationId>,)>()
        .await?;
    Ok(row.and_then(|(organisation,)| organisation))
}

/// Writes down which one they have chosen. Call [`hold`] first.
pub async fn set_organisation<'a>(
    sql: impl Sql<'a>,
    (id, organisation): (&SessionId, &OrganisationId),
) -> Result<(), StoreError> {
    sql.into()
        .query("update sessions set organisation_id = $2 where id = $1")
        .bind(id)
        .bind(organisation)
        .execute()
        .await
        .map(drop)
}

/// Takes the choice of an organisation back in all sessions of a person. Call [`hold_of_user`] first.
pub async fn forget_organisation<'a>(
    sql: impl Sql<'a>,
    (user, organisation): (&UserId, &OrganisationId),
) -> Result<(), StoreError> {
    sql.into()
        .query(
            "update sessions set organisation_id = null where user_id = $1 \
             and organisation_id = $2 and revoked_at is null",
        )
        .bind(user)
        .bind(organisation)
        .execute()
        .await
        .map(drop)
}

/// Marks a session as one that was not its person's own.
pub async fn disown<'a>(sql: impl Sql<'a>, id: &SessionId) -> Result<(), StoreError> {
    sql.into()
        .query("update sessions set disowned = true where id = $1")
        .bind(id)
        .execute()
        .await
        .map(drop)
}

/// Like [`disown`] for every session of a person that has not been ended. Call it before they are.
pub async fn disown_living<'a>(sql: impl Sql<'a>, user: &UserId) -> Result<(), StoreError> {
    sql.into()
        .query("update sessions set disowned = true where user_id = $1 and revoked_at is null")
        .bind(user)
        .execute()
        .await
        .map(drop)
}

/// When and from which address a person last signed in, by the sessions that are still kept, dead or
/// alive, and that nobody has disowned.
pub async fn last_own<'a>(
    sql: impl Sql<'a>,
    user: &UserId,
) -> Result<Option<(UnixTime, String)>, StoreError> {
    sql.into()
        .query(
            "select created_at, address from sessions where user_id = $1 and not disowned \
             order by created_at desc, id desc limit 1",
        )
        .bind(user)
        .optional()
        .await
}

/// Brings `last_seen_at` of living sessions up to date in batches; it never moves back.
pub async fn touch_many(db: &Db, seen: &[(SessionId, UnixTime)]) -> Result<(), StoreError> {
    // One order for every node, so that two batches cannot wait for each other.
    let mut seen: Vec<_> = seen.iter().collect();
    seen.sort();
    for batch in seen.chunks(TOUCHED_AT_ONCE) {
        let mut tx = db.begin().await?;
        for (id, at) in batch {
            tx.query(
                "update sessions set last_seen_at = $2 \
                 where id = $1 and last_seen_at < $2 and revoked_at is null",
            )
            .bind(id)
            .bind(*at)
            .execute()
            .await?;
        }
        tx.commit().await?;
    }
    Ok(())
}
