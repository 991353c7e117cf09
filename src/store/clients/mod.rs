//! Registered clients.

pub mod allowed_groups;
pub mod documents;
pub mod protected_resources;
pub mod registration_tokens;
pub mod registrations;
pub mod roles;

use sqlx_macros::FromRow;

use super::db::{Sql, Tx};
use super::error::StoreError;
use crate::clock::UnixTime;
use crate::protocol::client::{Client, ClientMetadata, ClientOrigin};
use crate::protocol::types::ClientId;
use crate::store::db::columns::Json;
use crate::store::order::Order;

/// The columns of a [`ClientRow`].
macro_rules! columns {
    () => {
        "id, metadata, origin, secret_hashes, disabled_at, token_version, created_at, updated_at, \
         (select fingerprint from pictures where client_id = clients.id) as logo"
    };
}

macro_rules! select_client {
    ($($rest:literal),+ $(,)?) => {
        concat!("select ", columns!(), " from clients ", $($rest),+)
    };
}

#[derive(FromRow)]
struct ClientRow {
    id: ClientId,
    metadata: Json<ClientMetadata>,
    origin: ClientOrigin,
    secret_hashes: Json<Vec<String>>,
    disabled_at: Option<UnixTime>,
    token_version: i64,
    created_at: UnixTime,
    updated_at: UnixTime,
    logo: Option<String>,
}

impl From<ClientRow> for Client {
    fn from(row: ClientRow) -> Self {
        Self {
            id: row.id,
            metadata: row.metadata.0,
            origin: row.origin,
            logo: row.logo,
            secret_hashes: row.secret_hashes.0,
            disabled_at: row.disabled_at,
            token_version: row.token_version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// Which clients to list.
#[derive(Debug, Clone, Default)]
pub struct ClientFilter {
    /// The beginning of a `client_id` or name, in any case (a `client_id` must be in lower case to
    /// be found).
    pub search: Option<String>,
    /// By what, and where the last page ended.
    pub order: Order,
    /// Most rows to return.
    pub limit: i64,
}

/// Adds a client. `Conflict` when the `client_id` is taken.
pub async fn insert<'a>(sql: impl Sql<'a>, client: &Client) -> Result<(), StoreError> {
    sql.into()
        .query(
            "insert into clients (id, name_lower, metadata, origin, secret_hashes, disabled_at, \
             token_version, created_at, updated_at, in_use_since) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(&client.id)
        .bind(client.metadata.client_name.to_lowercase())
        .bind(Json(&client.metadata))
        .bind(client.origin)
        .bind(Json(&client.secret_hashes))
        .bind(client.disabled_at)
        .bind(client.token_version)
        .bind(client.created_at)
        .bind(client.updated_at)
        .bind(works_without_consent(&client.metadata).then_some(client.created_at))
        .execute()
        .await
        .map(drop)
}

/// Whether nothing would show that the client is used: it counts as used then.
fn works_without_consent(metadata: &ClientMetadata) -> bool {
    metadata.grant_types.iter().any(|grant| grant.works_without_consent())
}

/// Writes the metadata and `updated_at`; `false` if there is no such client. Secrets, disabling and
/// the token version have functions of their own.
pub async fn update<'a>(sql: impl Sql<'a>, client: &Client) -> Result<bool, StoreError> {
    let changed = sql
        .into()
        .query(
            "update clients set name_lower = $2, metadata = $3, updated_at = $4, \
             in_use_since = coalesce(in_use_since, $5) where id = $1",
        )
        .bind(&client.id)
        .bind(client.metadata.client_name.to_lowercase())
        .bind(Json(&client.metadata))
        .bind(client.updated_at)
        .bind(works_without_consent(&client.metadata).then_some(client.updated_at))
        .execute()
        .await?;
    Ok(changed == 1)
}

/// The client with this `client_id`, held as it is until the caller's transaction is over: whoever
/// wants to change it waits for that, and whoever was changing it is waited for.
pub async fn hold(tx: &mut Tx, id: &ClientId) -> Result<Option<Client>, StoreError> {
    // A write that changes nothing locks the row on both databases.
    let row = tx
        .query(concat!(
            "update clients set updated_at = updated_at where id = $1 returning ",
            columns!()
        ))
        .bind(id)
        .optional::<ClientRow>()
        .await?;
    Ok(row.map(Client::from))
}

/// Notes that somebody allows a client ($1) something at a time ($2), so that it is never again taken
/// for unused.
pub(super) const NOTE_USE: &str =
    "update clients set in_use_since = $2 where id = $1 and in_use_since is null";

/// The client with this `client_id`.
pub async fn by_id<'a>(sql: impl Sql<'a>, id: &ClientId) -> Result<Option<Client>, StoreError> {
    let row =
        sql.into().query(select_client!("where id = $1")).bind(id).optional::<ClientRow>().await?;
    Ok(row.map(Client::from))
}

/// The clients behind a place ($1, and $4 where it is a time) that a search ($2) finds, at most $3.
macro_rules! page_of_clients {
    ($place:literal, $order:literal) => {
        select_client!(
            "where ",
            $place,
            " and ($2 is null or id like $2 escape '!' or name_lower like $2 escape '!') order by ",
            $order,
            " limit $3"
        )
    };
}

/// A page of clients.
pub async fn list<'a>(sql: impl Sql<'a>, filter: &ClientFilter) -> Result<Vec<Client>, StoreError> {
    let statement = match filter.order {
        Order::Name(_) => page_of_clients!("id > $1", "id"),
        // From something behind the last one, so that the index is read from there.
        Order::NameDown(_) => page_of_clients!(
            "id < coalesce(nullif($1, ''), (select max(l.id) || 'a' from clients l))",
            "id desc"
        ),
        Order::Newest(_) => {
            page_of_clients!("(created_at, id) < ($4, $1)", "created_at desc, id desc")
        }
        Order::Oldest(_) => page_of_clients!("(created_at, id) > ($4, $1)", "created_at, id"),
    };
    let mut sql = sql.into();
    let searched = (filter.search.as_deref(), filter.limit);
    let statement = filter.order.bind(sql.query(statement), searched);
    let rows = statement.all::<ClientRow>().await?;
    Ok(rows.into_iter().map(Client::from).collect())
}

/// Disables (`Some`) or enables (`None`) a client; `false` if there is no such client.
pub async fn set_disabled<'a>(
    sql: impl Sql<'a>,
    id: &ClientId,
    disabled_at: Option<UnixTime>,
    now: UnixTime,
) -> Result<bool, StoreError> {
    let changed = sql
        .into()
        .query("update clients set disabled_at = $2, updated_at = $3 where id = $1")
        .bind(id)
        .bind(disabled_at)
        .bind(now)
        .execute()
        .await?;
    Ok(changed == 1)
}

/// Raises the version below which tokens of this client are dead and returns the new one;
/// 0 if there is no such client.
pub async fn raise_token_version<'a>(sql: impl Sql<'a>, id: &ClientId) -> Result<i64, StoreError> {
    let raised = sql
        .into()
        .query("update clients set token_version = token_version + 1 where id = $1 returning token_version")
        .bind(id)
        .optional::<(i64,)>()
        .await?;
    Ok(raised.map_or(0, |(version,)| version))
}

/// Deletes a client, its consents and its grants; `false` if there is none.
pub async fn delete<'a>(sql: impl Sql<'a>, id: &ClientId) -> Result<bool, StoreError> {
    let deleted = sql.into().query("delete from clients where id = $1").bind(id).execute().await?;
    Ok(deleted == 1)
}

/// Replaces the hashes of the live secrets, newest first; `false` if there is no such client.
pub async fn set_secret_hashes<'a>(
    sql: impl Sql<'a>,
    id: &ClientId,
    hashes: &[String],
    now: UnixTime,
) -> Result<bool, StoreError> {
    let changed = sql
        .into()
        .query("update clients set secret_hashes = $2, updated_at = $3 where id = $1")
        .bind(id)
        .bind(Json(hashes))
        .bind(now)
        .execute()
        .await?;
    Ok(changed == 1)
}

/// How many clients of this origin there are, counted no further than `most`.
pub async fn count_of<'a>(
    sql: impl Sql<'a>,
    origin: ClientOrigin,
    most: i64,
) -> Result<i64, StoreError> {
    let counted = sql
        .into()
        .query(
            "select cast(count(*) as bigint) from \
             (select 1 as n from clients where origin = $1 limit $2) as counted",
        )
        .bind(origin)
        .bind(most)
        .one::<(i64,)>()
        .await?;
    Ok(counted.0)
}

/// Deletes clients of this origin made before `before` that nobody has ever allowed anything, that
/// cannot act without that, and that hold no grant; at most `limit`, oldest first. Returns which, with their names.
pub async fn delete_unused<'a>(
    sql: impl Sql<'a>,
    (origin, before): (ClientOrigin, UnixTime),
    limit: i64,
) -> Result<Vec<(ClientId, String)>, StoreError> {
    let deleted = sql
        .into()
        .query(
            "delete from clients where origin = $1 and created_at <= $2 and in_use_since is null \
             and id in (select unused.id from clients as unused \
             where unused.origin = $1 and unused.created_at <= $2 and unused.in_use_since is null \
             and not exists (select 1 from grants where grants.client_id = unused.id) \
             order by unused.created_at limit $3) returning id, metadata",
        )
        .bind(origin)
        .bind(before)
        .bind(limit)
        .all::<(ClientId, Json<ClientMetadata>)>()
        .await?;
    Ok(deleted.into_iter().map(|(id, metadata)| (id, metadata.0.client_name)).collect())
}
