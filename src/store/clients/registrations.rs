//! What is known of clients that registered themselves, and with what they manage themselves
//! (RFC 7592).

use std::collections::BTreeSet;

use sqlx_macros::FromRow;

use crate::clock::UnixTime;
use crate::protocol::types::ClientId;
use crate::store::db::Sql;
use crate::store::db::columns::Json;
use crate::store::error::StoreError;

/// How a client came here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientRegistration {
    pub client_id: ClientId,
    /// Hash of its registration access token; empty once that was taken away, which is the hash of nothing.
    pub token_hash: String,
    /// The id of the initial access token it used, if it used one.
    pub permission: Option<String>,
    /// The issuer of the software statement it has last sent, if it sent one.
    pub statement_by: Option<String>,
    /// The network address it came from.
    pub address: String,
    /// The network that address belongs to.
    pub network: String,
    /// The members of its metadata that an administrator has set since.
    pub set_by_administrator: BTreeSet<String>,
    pub registered_at: UnixTime,
}

impl ClientRegistration {
    /// Whether there is a token with which the client can change and delete itself.
    #[must_use]
    pub fn has_token(&self) -> bool {
        !self.token_hash.is_empty()
    }
}

#[derive(FromRow)]
struct RegistrationRow {
    client_id: ClientId,
    token_hash: String,
    permission: Option<String>,
    statement_by: Option<String>,
    address: String,
    network: String,
    set_by_administrator: Json<BTreeSet<String>>,
    registered_at: UnixTime,
}

impl From<RegistrationRow> for ClientRegistration {
    fn from(row: RegistrationRow) -> Self {
        Self {
            client_id: row.client_id,
            token_hash: row.token_hash,
            permission: row.permission,
            statement_by: row.statement_by,
            address: row.address,
            network: row.network,
            set_by_administrator: row.set_by_administrator.0,
            registered_at: row.registered_at,
        }
    }
}

/// Adds one, beside the client.
pub async fn insert<'a>(sql: impl Sql<'a>, row: &ClientRegistration) -> Result<(), StoreError> {
    sql.into()
        .query(
            "insert into client_registrations (client_id, token_hash, permission, statement_by, \
             address, network, set_by_administrator, registered_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(&row.client_id)
        .bind(&row.token_hash)
        .bind(&row.permission)
        .bind(&row.statement_by)
        .bind(&row.address)
        .bind(&row.network)
        .bind(Json(&row.set_by_administrator))
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
            "select client_id, token_hash, permission, statement_by, address, network, \
             set_by_administrator, registered_at from client_registrations where client_id = $1",
        )
        .bind(client)
        .optional::<RegistrationRow>()
        .await
        .map(|row| row.map(ClientRegistration::from))
}

/// Replaces the registration access token if it is still the old one: of any number of callers with
/// the same token one gets its successor. `false` for the others. `statement_by` is the issuer of the
/// software statement that came with it.
pub async fn rotate<'a>(
    sql: impl Sql<'a>,
    client: &ClientId,
    (old, new): (&str, &str),
    statement_by: Option<&str>,
) -> Result<bool, StoreError> {
    let changed = sql
        .into()
        .query(
            "update client_registrations set token_hash = $3, statement_by = $4 \
             where client_id = $1 and token_hash = $2",
        )
        .bind(client)
        .bind(old)
        .bind(new)
        .bind(statement_by)
        .execute()
        .await?;
    Ok(changed == 1)
}

/// Takes the registration access token away, whichever it is; `false` for a client that has none, because
/// it did not register itself or because it was taken away before.
pub async fn take_token_away<'a>(sql: impl Sql<'a>, client: &ClientId) -> Result<bool, StoreError> {
    let changed = sql
        .into()
        .query(
            "update client_registrations set token_hash = '' \
             where client_id = $1 and token_hash <> ''",
        )
        .bind(client)
        .execute()
        .await?;
    Ok(changed == 1)
}

/// Notes which members of its metadata an administrator has set; `false` for a client that did not
/// register itself.
pub async fn note_set_by_administrator<'a>(
    sql: impl Sql<'a>,
    client: &ClientId,
    members: &BTreeSet<String>,
) -> Result<bool, StoreError> {
    let changed = sql
        .into()
        .query("update client_registrations set set_by_administrator = $2 where client_id = $1")
        .bind(client)
        .bind(Json(members))
        .execute()
        .await?;
    Ok(changed == 1)
}

/// How many clients have registered themselves from this network, counted no further than `most`.
pub async fn count_from<'a>(
    sql: impl Sql<'a>,
    network: &str,
    most: i64,
) -> Result<i64, StoreError> {
    let counted = sql
        .into()
        .query(
            "select cast(count(*) as bigint) from \
             (select 1 as n from client_registrations where network = $1 limit $2) as counted",
        )
        .bind(network)
        .bind(most)
        .one::<(i64,)>()
        .await?;
    Ok(counted.0)
}
