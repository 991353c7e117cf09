//! What people allowed clients to have.

use std::collections::BTreeSet;

use sqlx_macros::FromRow;

use super::clients;
use super::db::{Sql, Tx};
use super::error::StoreError;
use crate::clock::UnixTime;
use crate::protocol::scope::Scopes;
use crate::protocol::types::{ClientId, UserId};
use crate::store::db::columns::Json;

/// What one person allowed one client, remembered so as not to ask again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    pub user_id: UserId,
    pub client_id: ClientId,
    pub scopes: Scopes,
    /// Claims allowed by name, which none of the scopes gives.
    pub claims: BTreeSet<String>,
    pub granted_at: UnixTime,
    /// How often the person had taken back before what they allowed this client. It tells this consent from
    /// an earlier one, on which something may still be under way. Not written with the consent.
    pub withdrawals: i64,
}

/// The columns of a [`ConsentRow`].
macro_rules! columns {
    () => {
        "user_id, client_id, scopes, claims, granted_at, coalesce((select w.count from withdrawals w \
         where w.user_id = consents.user_id and w.client_id = consents.client_id), 0) as withdrawals"
    };
}

#[derive(FromRow)]
struct ConsentRow {
    user_id: UserId,
    client_id: ClientId,
    scopes: Scopes,
    claims: Json<BTreeSet<String>>,
    granted_at: UnixTime,
    withdrawals: i64,
}

impl From<ConsentRow> for Consent {
    fn from(row: ConsentRow) -> Self {
        Self {
            user_id: row.user_id,
            client_id: row.client_id,
            scopes: row.scopes,
            claims: row.claims.0,
            granted_at: row.granted_at,
            withdrawals: row.withdrawals,
        }
    }
}

/// What this person allowed this client.
pub async fn get<'a>(
    sql: impl Sql<'a>,
    user: &UserId,
    client: &ClientId,
) -> Result<Option<Consent>, StoreError> {
    sql.into()
        .query(concat!(
            "select ",
            columns!(),
            " from consents where user_id = $1 and client_id = $2"
        ))
        .bind(user)
        .bind(client)
        .optional::<ConsentRow>()
        .await
        .map(|row| row.map(Consent::from))
}

/// Remembers a consent in place of the one before, and that the client is in use.
pub async fn upsert<'a>(sql: impl Sql<'a>, consent: &Consent) -> Result<(), StoreError> {
    let mut target = sql.into();
    // First of all: whoever removes unused clients waits for this row, or was faster.
    let in_use = target.query(clients::NOTE_USE);
    in_use.bind(&consent.client_id).bind(consent.granted_at).execute().await?;
    target
        .query(
            "insert into consents (user_id, client_id, scopes, claims, granted_at) \
             values ($1, $2, $3, $4, $5) on conflict (user_id, client_id) \
             do update set scopes = excluded.scopes, claims = excluded.claims, \
             granted_at = excluded.granted_at",
        )
        .bind(&consent.user_id)
        .bind(&consent.client_id)
        .bind(&consent.scopes)
        .bind(Json(&consent.claims))
        .bind(consent.granted_at)
        .execute()
        .await
        .map(drop)
}

/// Holds a consent until the caller's transaction is over; `None` if there is none. Whoever takes it back waits
/// for that, and then sees what was given on it.
pub async fn hold(
    tx: &mut Tx,
    user: &UserId,
    client: &ClientId,
) -> Result<Option<Consent>, StoreError> {
    // A write that changes nothing locks the row on both databases.
    let held = tx
        .query(concat!(
            "update consents set granted_at = granted_at where user_id = $1 and client_id = $2 \
             returning ",
            columns!()
        ))
        .bind(user)
        .bind(client)
        .optional::<ConsentRow>()
        .await?;
    Ok(held.map(Consent::from))
}

/// Like [`hold`] for adding to a consent: where there is none, an empty one begins. Of two who add at
/// once the second sees what the first has added. `Conflict` when the person or the client is gone.
pub async fn hold_or_begin(
    tx: &mut Tx,
    user: &UserId,
    client: &ClientId,
    now: UnixTime,
) -> Result<Consent, StoreError> {
    // The client first, as whoever takes back what everybody has allowed it holds it first.
    tx.query(clients::NOTE_USE).bind(client).bind(now).execute().await?;
    tx.query(concat!(
        "insert into consents (user_id, client_id, scopes, claims, granted_at) \
         values ($1, $2, $3, $4, $5) on conflict (user_id, client_id) \
         do update set granted_at = consents.granted_at returning ",
        columns!()
    ))
    .bind(user)
    .bind(client)
    .bind(Scopes::default())
    .bind(Json(BTreeSet::<String>::new()))
    .bind(now)
    .one::<ConsentRow>()
    .await
    .map(Consent::from)
}

/// Forgets a consent; `false` if there was none.
pub async fn delete<'a>(
    sql: impl Sql<'a>,
    user: &UserId,
    client: &ClientId,
) -> Result<bool, StoreError> {
    let deleted = sql
        .into()
        .query("delete from consents where user_id = $1 and client_id = $2")
        .bind(user)
        .bind(client)
        .execute()
        .await?;
    Ok(deleted == 1)
}

/// Notes that a person has taken back what they allowed a client, in the transaction that does so.
pub async fn note_withdrawal(
    tx: &mut Tx,
    user: &UserId,
    client: &ClientId,
) -> Result<(), StoreError> {
    tx.query(
        "insert into withdrawals (user_id, client_id, count) values ($1, $2, 1) \
         on conflict (user_id, client_id) do update set count = withdrawals.count + 1",
    )
    .bind(user)
    .bind(client)
    .execute()
    .await
    .map(drop)
}

/// How often a person has taken back what they allowed a client.
pub async fn withdrawals<'a>(
    sql: impl Sql<'a>,
    user: &UserId,
    client: &ClientId,
) -> Result<i64, StoreError> {
    let row = sql
        .into()
        .query("select count from withdrawals where user_id = $1 and client_id = $2")
        .bind(user)
        .bind(client)
        .optional::<(i64,)>()
        .await?;
    Ok(row.map_or(0, |(count,)| count))
}

/// Everything this person allowed, by client.
pub async fn list_for_user<'a>(
    sql: impl Sql<'a>,
    user: &UserId,
) -> Result<Vec<Consent>, StoreError> {
    sql.into()
        .query(concat!(
            "select ",
            columns!(),
            " from consents where user_id = $1 order by client_id"
        ))
        .bind(user)
        .all::<ConsentRow>()
        .await
        .map(|rows| rows.into_iter().map(Consent::from).collect())
}

/// Forgets what anybody allowed this client, so that all are asked again; returns how many.
pub async fn delete_for_client<'a>(
    sql: impl Sql<'a>,
    client: &ClientId,
) -> Result<u64, StoreError> {
    sql.into().query("delete from consents where client_id = $1").bind(client).execute().await
}
