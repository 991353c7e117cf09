//! API keys, by the hash of what was shown once.

use sqlx_macros::FromRow;

use crate::clock::UnixTime;
use crate::protocol::scope::Scopes;
use crate::protocol::types::{SessionId, UserId};
use crate::store::db::{Sql, Tx};
use crate::store::error::StoreError;

/// The columns of a key.
macro_rules! select_key {
    ($rest:literal) => {
        concat!(
            "select id, hash, user_id, name, scopes, created_at, expires_at, last_used_at, revoked_at ",
            "from api_keys ",
            $rest
        )
    };
}

/// A key as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct ApiKey {
    pub id: String,
    pub hash: String,
    /// Whose key it is: it may never do more than they may.
    pub user_id: UserId,
    /// To remember what it is for.
    pub name: String,
    pub scopes: Scopes,
    pub created_at: UnixTime,
    pub expires_at: UnixTime,
    /// Up to five minutes behind.
    pub last_used_at: Option<UnixTime>,
    pub revoked_at: Option<UnixTime>,
}

impl ApiKey {
    /// Whether it works, as far as the key itself goes.
    #[must_use]
    pub fn is_live(&self, now: UnixTime) -> bool {
        self.revoked_at.is_none() && self.expires_at > now
    }
}

/// Adds a key, with the session in which it was made and which it outlives, if any. `Conflict` when there is no such
/// person.
pub async fn insert<'a>(
    sql: impl Sql<'a>,
    key: &ApiKey,
    made_in: Option<&SessionId>,
) -> Result<(), StoreError> {
    sql.into()
        .query(
            "insert into api_keys (id, hash, user_id, name, scopes, created_at, expires_at, \
             last_used_at, revoked_at, made_in) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(&key.id)
        .bind(&key.hash)
        .bind(&key.user_id)
        .bind(&key.name)
        .bind(&key.scopes)
        .bind(key.created_at)
        .bind(key.expires_at)
        .bind(key.last_used_at)
        .bind(key.revoked_at)
        .bind(made_in)
        .execute()
        .await
        .map(drop)
}

/// The key with this hash.
pub async fn by_hash<'a>(sql: impl Sql<'a>, hash: &str) -> Result<Option<ApiKey>, StoreError> {
    sql.into().query(select_key!("where hash = $1")).bind(hash).optional().await
}

/// The key with this id.
pub async fn by_id<'a>(sql: impl Sql<'a>, id: &str) -> Result<Option<ApiKey>, StoreError> {
    sql.into().query(select_key!("where id = $1")).bind(id).optional().await
}

/// A page of keys, newest first, of one person or of all. Ids are made in the order of time.
pub async fn list<'a>(
    sql: impl Sql<'a>,
    (user, before): (Option<&UserId>, Option<&str>),
    limit: i64,
) -> Result<Vec<ApiKey>, StoreError> {
    sql.into()
        .query(select_key!(
            "where ($1 is null or user_id = $1) and ($2 is null or id < $2) \
             order by id desc limit $3"
        ))
        .bind(user)
        .bind(before)
        .bind(limit)
        .all()
        .await
}

/// How many keys of a person work.
pub async fn count_live<'a>(
    sql: impl Sql<'a>,
    user: &UserId,
    now: UnixTime,
) -> Result<i64, StoreError> {
    let (count,) = sql
        .into()
        .query(
            "select cast(count(*) as bigint) from api_keys \
             where user_id = $1 and revoked_at is null and expires_at > $2",
        )
        .bind(user)
        .bind(now)
        .one::<(i64,)>()
        .await?;
    Ok(count)
}

/// Holds a key until the caller's transaction is over: whoever revokes it waits for that, or has come
/// first. `false` when it is revoked or gone.
pub async fn hold(tx: &mut Tx, id: &str) -> Result<bool, StoreError> {
    // A write that changes nothing locks the row on both databases.
    let held = tx
        .query("update api_keys set name = name where id = $1 and revoked_at is null")
        .bind(id)
        .execute()
        .await?;
    Ok(held == 1)
}

/// Notes when a key was last used, unless a later moment, or one not before `unless_since`, is known.
pub async fn note_use<'a>(
    sql: impl Sql<'a>,
    (id, now): (&str, UnixTime),
    unless_since: UnixTime,
) -> Result<(), StoreError> {
    sql.into()
        .query(
            "update api_keys set last_used_at = $2 \
             where id = $1 and (last_used_at is null or last_used_at < $3)",
        )
        .bind(id)
        .bind(now)
        .bind(unless_since)
        .execute()
        .await
        .map(drop)
}

/// Ends every key of a person that works; gives their ids and names.
pub async fn revoke_of<'a>(
    sql: impl Sql<'a>,
    user: &UserId,
    now: UnixTime,
) -> Result<Vec<(String, String)>, StoreError> {
    sql.into()
        .query(
            "update api_keys set revoked_at = $2 \
             where user_id = $1 and revoked_at is null and expires_at > $2 returning id, name",
        )
        .bind(user)
        .bind(now)
        .all()
        .await
}

/// Ends every key that was made in a session and works; gives whose they are, their ids and names.
pub async fn revoke_made_in<'a>(
    sql: impl Sql<'a>,
    session: &SessionId,
    now: UnixTime,
) -> Result<Vec<(UserId, String, String)>, StoreError> {
    sql.into()
        .query(
            "update api_keys set revoked_at = $2 where made_in = $1 and revoked_at is null \
             and expires_at > $2 returning user_id, id, name",
        )
        .bind(session)
        .bind(now)
        .all()
        .await
}

/// Ends a key; `false` when there is none that is not ended.
pub async fn revoke<'a>(sql: impl Sql<'a>, id: &str, now: UnixTime) -> Result<bool, StoreError> {
    let changed = sql
        .into()
        .query("update api_keys set revoked_at = $2 where id = $1 and revoked_at is null")
        .bind(id)
        .bind(now)
        .execute()
        .await?;
    Ok(changed == 1)
}
