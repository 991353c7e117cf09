//! Cookies for the apps behind the gateway, by the hash of their value. Each belongs to a session.

use sqlx_macros::FromRow;

use super::db::Sql;
use super::error::StoreError;
use crate::clock::{Seconds, UnixTime};
use crate::protocol::types::{OrganisationId, SessionId, UserId};
use crate::store::db::repeated::Repeated;

/// A cookie to be remembered.
#[derive(Debug, Clone)]
pub struct GatewayCookie {
    /// SHA-256 of its value.
    pub secret_hash: String,
    pub session_id: SessionId,
    /// What the sign-in was worth when the cookie was made.
    pub auth_time: UnixTime,
    pub acr: String,
    pub created_at: UnixTime,
}

/// A cookie with what its session says right now, dead or alive.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct GatewayCookieState {
    pub session_id: SessionId,
    pub user_id: UserId,
    /// The one the person has chosen in the session, if they are in it, or the only one they are in.
    pub organisation_id: Option<OrganisationId>,
    pub auth_time: UnixTime,
    pub acr: String,
    pub last_seen_at: UnixTime,
    pub idle_seconds: Seconds,
    pub expires_at: UnixTime,
    pub revoked_at: Option<UnixTime>,
}

/// Adds a cookie. `Conflict` when its session was deleted meanwhile.
pub async fn insert<'a>(sql: impl Sql<'a>, cookie: &GatewayCookie) -> Result<(), StoreError> {
    sql.into()
        .query(
            "insert into gateway_cookies (secret_hash, session_id, auth_time, acr, created_at) \
             values ($1, $2, $3, $4, $5)",
        )
        .bind(&cookie.secret_hash)
        .bind(&cookie.session_id)
        .bind(cookie.auth_time)
        .bind(&cookie.acr)
        .bind(cookie.created_at)
        .execute()
        .await
        .map(drop)
}

/// Removes the oldest cookies of a session, so that at most `keep` stay; tells the hashes of those
/// that went. Run it in the transaction that holds the session.
pub async fn remove_oldest<'a>(
    sql: impl Sql<'a>,
    session: &SessionId,
    keep: i64,
) -> Result<Vec<String>, StoreError> {
    let rows = sql
        .into()
        .query(
            "delete from gateway_cookies where session_id = $1 and secret_hash not in \
             (select secret_hash from gateway_cookies where session_id = $1 \
              order by created_at desc, secret_hash desc limit $2) returning secret_hash",
        )
        .bind(session)
        .bind(keep)
        .all::<(String,)>()
        .await?;
    Ok(rows.into_iter().map(|(hash,)| hash).collect())
}

/// The cookie whose value has this hash.
pub async fn by_hash<'a>(
    sql: impl Sql<'a>,
    secret_hash: &str,
) -> Result<Option<GatewayCookieState>, StoreError> {
    sql.into()
        .query(
            "select c.session_id, s.user_id, c.auth_time, c.acr, s.last_seen_at, s.idle_seconds, \
             s.expires_at, s.revoked_at, coalesce( \
              (select m.organisation_id from organisation_members m \
               where m.organisation_id = s.organisation_id and m.user_id = s.user_id), \
              (select case when count(*) = 1 then min(m.organisation_id) end \
               from organisation_members m where m.user_id = s.user_id)) as organisation_id \
             from gateway_cookies c join sessions s on s.id = c.session_id where c.secret_hash = $1",
        )
        .bind(secret_hash)
        .optional()
        .await
}

/// Whether anybody may hold a cookie of a living session of this person.
pub async fn has_any<'a>(sql: impl Sql<'a>, user: &UserId) -> Result<bool, StoreError> {
    let found = sql
        .into()
        .query(
            "select c.session_id from sessions s join gateway_cookies c on c.session_id = s.id \
             where s.user_id = $1 and s.revoked_at is null limit 1",
        )
        .bind(user)
        .optional::<(SessionId,)>()
        .await?;
    Ok(found.is_some())
}

static HOLDERS: Repeated = Repeated::new(
    "select distinct s.user_id from sessions s join gateway_cookies c on c.session_id = s.id \
     where s.revoked_at is null and s.user_id in (",
    "?",
    ")",
);

/// Those of these people of whom [`has_any`] is true.
pub async fn holders_among<'a>(
    sql: impl Sql<'a>,
    people: &[&UserId],
) -> Result<Vec<UserId>, StoreError> {
    let mut sql = sql.into();
    let mut found = Vec::new();
    for (text, page) in HOLDERS.pages(people) {
        let bound = page.iter().fold(sql.query(text), |statement, id| statement.bind(*id));
        found.extend(bound.all::<(UserId,)>().await?.into_iter().map(|(id,)| id));
    }
    Ok(found)
}
