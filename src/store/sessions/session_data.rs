//! Values of apps beside sessions, those that must survive the fast store. Whoever changes some holds
//! the session or the person until the end of the transaction, so that changes come one after the
//! other, and either before the end of what they belong to or not at all.

use crate::clock::UnixTime;
use crate::protocol::types::{ClientId, SessionId, UserId};
use crate::store::db::{Sql, Tx};
use crate::store::error::StoreError;

/// A place for the values of one app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Derived from what follows.
    pub id: String,
    pub client_id: ClientId,
    pub user_id: UserId,
    /// `None` for what a person shares among devices.
    pub session_id: Option<SessionId>,
}

/// Holds a session that is alive; its absolute end, or `None` when there is no such session.
pub async fn hold_session(
    tx: &mut Tx,
    id: &SessionId,
    now: UnixTime,
) -> Result<Option<UnixTime>, StoreError> {
    // A write that changes nothing locks the row on both databases.
    let held = tx
        .query(
            "update sessions set revoked_at = null where id = $1 and revoked_at is null \
             and expires_at > $2 returning expires_at",
        )
        .bind(id)
        .bind(now)
        .optional::<(UnixTime,)>()
        .await?;
    Ok(held.map(|(end,)| end))
}

/// What is kept in a place, if it has not expired.
pub async fn get<'a>(
    sql: impl Sql<'a>,
    id: &str,
    now: UnixTime,
) -> Result<Option<String>, StoreError> {
    let row = sql
        .into()
        .query("select document from session_data where id = $1 and expires_at > $2")
        .bind(id)
        .bind(now)
        .optional::<(String,)>()
        .await?;
    Ok(row.map(|(document,)| document))
}

/// Keeps a document until this moment. `Conflict` when the session, the person or the app is gone.
pub async fn put(
    tx: &mut Tx,
    place: &Place,
    (document, expires_at): (&str, UnixTime),
) -> Result<(), StoreError> {
    tx.query(
        "insert into session_data (id, client_id, user_id, session_id, document, expires_at) \
         values ($1, $2, $3, $4, $5, $6) on conflict (id) do update \
         set document = excluded.document, expires_at = excluded.expires_at",
    )
    .bind(&place.id)
    .bind(&place.client_id)
    .bind(&place.user_id)
    .bind(&place.session_id)
    .bind(document)
    .bind(expires_at)
    .execute()
    .await
    .map(drop)
}

/// Removes what apps keep beside a session; returns how many documents that were.
pub async fn forget_session<'a>(sql: impl Sql<'a>, session: &SessionId) -> Result<u64, StoreError> {
    sql.into().query("delete from session_data where session_id = $1").bind(session).execute().await
}

/// Removes everything that apps keep for a person.
pub async fn forget_user<'a>(sql: impl Sql<'a>, user: &UserId) -> Result<u64, StoreError> {
    sql.into().query("delete from session_data where user_id = $1").bind(user).execute().await
}

/// Removes everything that an app keeps for a person.
pub async fn forget_app<'a>(
    sql: impl Sql<'a>,
    user: &UserId,
    client: &ClientId,
) -> Result<u64, StoreError> {
    sql.into()
        .query("delete from session_data where user_id = $1 and client_id = $2")
        .bind(user)
        .bind(client)
        .execute()
        .await
}

/// Removes everything that an app keeps.
pub async fn forget_client<'a>(sql: impl Sql<'a>, client: &ClientId) -> Result<u64, StoreError> {
    sql.into().query("delete from session_data where client_id = $1").bind(client).execute().await
}
