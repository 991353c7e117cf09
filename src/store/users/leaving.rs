//! Disabled accounts that are deleted when their time is over. Enabling one takes that back
//! ([`super::set_disabled`]).

use crate::clock::UnixTime;
use crate::protocol::types::UserId;
use crate::store::Sql;
use crate::store::error::StoreError;

/// Says when an account is deleted.
pub async fn set<'a>(
    sql: impl Sql<'a>,
    id: &UserId,
    delete_at: UnixTime,
) -> Result<(), StoreError> {
    let statement = "update users set delete_at = $2 where id = $1 and disabled_at is not null";
    sql.into().query(statement).bind(id).bind(delete_at).execute().await.map(drop)
}

/// Those whose time is over, the first of them first.
pub async fn due<'a>(
    sql: impl Sql<'a>,
    now: UnixTime,
    limit: i64,
) -> Result<Vec<UserId>, StoreError> {
    let statement = "select id from users where delete_at <= $1 order by delete_at, id limit $2";
    let rows = sql.into().query(statement).bind(now).bind(limit).all::<(UserId,)>().await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}
