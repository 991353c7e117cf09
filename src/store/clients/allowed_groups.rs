//! Which groups an app lets in. A client's row has the same list, for whoever has to know it of one app;
//! these rows answer for many apps at once.

use std::collections::BTreeSet;

use crate::protocol::types::{ClientId, UserId};
use crate::store::db::{Sql, Tx};
use crate::store::error::StoreError;

/// Makes these the groups of a client; none for one that everybody may use. Call it by who holds the
/// client.
pub async fn replace(tx: &mut Tx, client: &ClientId, groups: &[String]) -> Result<(), StoreError> {
    tx.query("delete from client_groups where client_id = $1").bind(client).execute().await?;
    for group in groups.iter().collect::<BTreeSet<_>>() {
        tx.query("insert into client_groups (client_id, group_name) values ($1, $2)")
            .bind(client)
            .bind(group.as_str())
            .execute()
            .await?;
    }
    Ok(())
}

/// The clients that let a group in, there or deleted, by `client_id`.
pub async fn clients_of<'a>(sql: impl Sql<'a>, group: &str) -> Result<Vec<ClientId>, StoreError> {
    let rows = sql
        .into()
        .query("select client_id from client_groups where group_name = $1 order by client_id")
        .bind(group)
        .all::<(ClientId,)>()
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Whether somebody is in one of the groups that a client lets in, as of one moment: a group that gets
/// another name has the old one here and there, or the new one.
pub async fn lets_in<'a>(
    sql: impl Sql<'a>,
    client: &ClientId,
    user: &UserId,
) -> Result<bool, StoreError> {
    let (found,) = sql
        .into()
        .query(
            "select exists (select 1 from client_groups c join groups g on g.name = c.group_name \
             join user_groups m on m.group_id = g.id where c.client_id = $1 and m.user_id = $2)",
        )
        .bind(client)
        .bind(user)
        .one::<(bool,)>()
        .await?;
    Ok(found)
}

/// Those of a client's groups that do not exist, by name.
pub async fn missing<'a>(sql: impl Sql<'a>, client: &ClientId) -> Result<Vec<String>, StoreError> {
    let rows = sql
        .into()
        .query(
            "select group_name from client_groups where client_id = $1 \
             and group_name not in (select name from groups) order by group_name",
        )
        .bind(client)
        .all::<(String,)>()
        .await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}
