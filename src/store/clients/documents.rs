//! When the metadata document of a client was last read. The client itself is in
//! [`crate::store::clients`]; it is stored once a person has allowed it something.

use crate::clock::UnixTime;
use crate::protocol::client::{Client, ClientMetadata, ClientOrigin};
use crate::protocol::types::ClientId;
use crate::store::db::Sql;
use crate::store::db::columns::Json;
use crate::store::db::search::prefix_pattern;
use crate::store::error::StoreError;

/// Adds a client that a document describes, unless it is there; `true` if it was added.
pub async fn insert_client<'a>(sql: impl Sql<'a>, client: &Client) -> Result<bool, StoreError> {
    let added = sql
        .into()
        .query(
            "insert into clients (id, name_lower, metadata, origin, secret_hashes, disabled_at, \
             token_version, created_at, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
             on conflict (id) do nothing",
        )
        .bind(&client.id)
        .bind(client.metadata.client_name.to_lowercase())
        .bind(Json(&client.metadata))
        .bind(ClientOrigin::Document)
        .bind(Json(&client.secret_hashes))
        .bind(client.disabled_at)
        .bind(client.token_version)
        .bind(client.created_at)
        .bind(client.updated_at)
        .execute()
        .await?;
    Ok(added == 1)
}

/// Notes that the document of a stored client was read.
pub async fn note_fetch<'a>(
    sql: impl Sql<'a>,
    client: &ClientId,
    at: UnixTime,
) -> Result<(), StoreError> {
    sql.into()
        .query(
            "insert into client_documents (client_id, fetched_at) values ($1, $2) \
             on conflict (client_id) do update set fetched_at = excluded.fetched_at",
        )
        .bind(client)
        .bind(at)
        .execute()
        .await
        .map(drop)
}

/// When the document of a stored client was last read.
pub async fn fetched_at<'a>(
    sql: impl Sql<'a>,
    client: &ClientId,
) -> Result<Option<UnixTime>, StoreError> {
    let row = sql
        .into()
        .query("select fetched_at from client_documents where client_id = $1")
        .bind(client)
        .optional::<(UnixTime,)>()
        .await?;
    Ok(row.map(|(at,)| at))
}

/// How many clients are stored whose document is at this host, on whatever port, counted no further than
/// `most`.
pub async fn count_at<'a>(sql: impl Sql<'a>, host: &str, most: i64) -> Result<i64, StoreError> {
    let at = format!("https://{host}");
    let counted = sql
        .into()
        .query(
            "select cast(count(*) as bigint) from (select 1 as n from clients \
             where origin = 'document' and (id like $1 escape '!' or id like $2 escape '!') \
             limit $3) as counted",
        )
        .bind(prefix_pattern(Some(&format!("{at}/"))))
        .bind(prefix_pattern(Some(&format!("{at}:"))))
        .bind(most)
        .one::<(i64,)>()
        .await?;
    Ok(counted.0)
}

/// Deletes clients whose document was last read before `before` and that hold no grant, with what
/// people had allowed them; at most `limit`. Returns which, with their names.
pub async fn delete_unused<'a>(
    sql: impl Sql<'a>,
    before: UnixTime,
    limit: i64,
) -> Result<Vec<(ClientId, String)>, StoreError> {
    let deleted = sql
        .into()
        .query(
            "delete from clients where origin = 'document' and disabled_at is null and id in \
             (select client_documents.client_id from client_documents where fetched_at <= $1 \
             and not exists \
             (select 1 from grants where grants.client_id = client_documents.client_id) \
             order by fetched_at limit $2) returning id, metadata",
        )
        .bind(before)
        .bind(limit)
        .all::<(ClientId, Json<ClientMetadata>)>()
        .await?;
    Ok(deleted.into_iter().map(|(id, metadata)| (id, metadata.0.client_name)).collect())
}
