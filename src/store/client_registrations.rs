//! What is known of clients that registered themselves, and with what they manage themselves
//! (RFC 7592).

use sqlx_macros::FromRow;

use super::db::Sql;
use super::error::StoreError;
use crate::clock::UnixTime;
use crate::protocol::types::ClientId;

/// How a client came here.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct ClientRegistration {
    pub client_id: ClientId,
    /// Hash of its registration access token.
    pub token_hash: String,
    /// The id of the initial access token it used, if it used one.
    pub permission: Option<String>,
    /// The issuer of its software statement, if it had one.
    pub statement_by: Option<String>,
    /// The network address it came from.
    pub address: String,
    pub registered_at: UnixTime,
}

/// Adds one, beside the client.
pub async fn insert<'a>(sql: impl Sql<'a>, row: &ClientRegistration) -> Result<(), StoreError> {
    sql.into()
        .query(
            "insert into client_registrations \
             (client_id, token_hash, permission, statement_by, address, registered_at) \
             values ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&row.client_id)
        .bind(&row.token_hash)
        .bind(&row.permission)
        .bind(&row.statement_by)
        .bind(&row.address)
        .bind(row.registered_at)
        .execute()
        .await
        .map(drop)
}

/// That of a client.
pub async fn of<'a>(
    sql: impl Sql<'a>,
    client: &ClientId,
) -> Result<Option<ClientRegistration>, StoreError> {
    sql.into()
        .query(
            "select client_id, token_hash, permission, statement_by, address, registered_at \
             from client_registrations where client_id = $1",
        )
        .bind(client)
        .optional()
        .await
}

/// Replaces the registration access token if it is still the old one: of any number of callers with
/// the same token one gets its successor. `false` for the others.
pub async fn rotate<'a>(
    sql: impl Sql<'a>,
    client: &ClientId,
    (old, new): (&str, &str),
) -> Result<bool, StoreError> {
    let changed = sql
        .into()
        .query(
            "update client_registrations set token_hash = $3 \
             where client_id = $1 and token_hash = $2",
        )
        .bind(client)
        .bind(old)
        .bind(new)
        .execute()
        .await?;
    Ok(changed == 1)
}
