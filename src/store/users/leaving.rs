//! Disabled accounts that are deleted when their time is over. Enabling one takes that back
//! ([`super::set_disabled`]).

use super::{User, UserRow};
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

/// A page of those who are deleted some day, by username, behind `after`.
pub async fn list<'a>(
    sql: impl Sql<'a>,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<User>, StoreError> {
    let rows = sql
        .into()
        .query(select_user!(
            "from users u where u.delete_at is not null and u.username > $1 \
             order by u.username limit $2"
        ))
        .bind(after.unwrap_or_default())
        .bind(limit)
        .all::<UserRow>()
        .await?;
    Ok(rows.into_iter().map(User::from).collect())
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
