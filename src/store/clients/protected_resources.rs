//! Which client answers for a protected resource. The primary key is the promise that it is one: two
//! clients that are given the same resource at once cannot both have it.

use std::collections::BTreeSet;

use crate::protocol::types::ClientId;
use crate::store::db::{Sql, Tx};
use crate::store::error::StoreError;

/// Gives a client these resources and takes all others from it; returns those that belong to another
/// client, in which case the transaction must not be committed.
pub async fn replace(
    tx: &mut Tx,
    client: &ClientId,
    resources: &[String],
) -> Result<Vec<String>, StoreError> {
    tx.query("delete from protected_resources where client_id = $1").bind(client).execute().await?;
    let mut taken = Vec::new();
    // In one order for everybody: two transactions must not wait for each other.
    for resource in resources.iter().collect::<BTreeSet<_>>() {
        let added = tx
            .query(
                "insert into protected_resources (resource, client_id) values ($1, $2) \
                 on conflict (resource) do nothing",
            )
            .bind(resource.as_str())
            .bind(client)
            .execute()
            .await?;
        if added == 0 {
            taken.push(resource.clone());
        }
    }
    Ok(taken)
}

/// The client that answers for a resource.
pub async fn holder<'a>(sql: impl Sql<'a>, resource: &str) -> Result<Option<ClientId>, StoreError> {
    let row = sql
        .into()
        .query("select client_id from protected_resources where resource = $1")
        .bind(resource)
        .optional::<(ClientId,)>()
        .await?;
    Ok(row.map(|(client,)| client))
}
