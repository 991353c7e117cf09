//! Who looks after which group in the console.

use std::collections::{BTreeSet, HashSet};

use super::db::Sql;
use super::db::repeated::Repeated;
use super::error::StoreError;
use crate::clock::UnixTime;
use crate::protocol::types::UserId;

/// Lets somebody look after a group; `false` if they do. `Conflict` if either is not there.
pub async fn add<'a>(
    sql: impl Sql<'a>,
    (group, id): (&str, &UserId),
    now: UnixTime,
) -> Result<bool, StoreError> {
    let added = sql
        .into()
        .query(
            "insert into group_managers (group_id, user_id, created_at) values \
             (coalesce((select g.id from groups g where g.name = $1), ''), $2, $3) \
             on conflict (group_id, user_id) do nothing",
        )
        .bind(group)
        .bind(id)
        .bind(now)
        .execute()
        .await?;
    Ok(added == 1)
}

/// Takes a group away from somebody who looked after it; `false` if they did not.
pub async fn remove<'a>(
    sql: impl Sql<'a>,
    (group, id): (&str, &UserId),
) -> Result<bool, StoreError> {
    let removed = sql
        .into()
        .query(
            "delete from group_managers where user_id = $2 \
             and group_id = (select id from groups where name = $1)",
        )
        .bind(group)
        .bind(id)
        .execute()
        .await?;
    Ok(removed == 1)
}

/// The names of the groups somebody looks after.
pub async fn groups_of<'a>(sql: impl Sql<'a>, id: &UserId) -> Result<BTreeSet<String>, StoreError> {
    let rows = sql
        .into()
        .query(
            "select g.name from group_managers m join groups g on g.id = m.group_id \
             where m.user_id = $1",
        )
        .bind(id)
        .all::<(String,)>()
        .await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// What somebody has that their groups do not give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holds {
    /// They look after a group.
    pub manages: bool,
    /// They have a role of an app for themselves, or are in an organisation.
    pub is_entrusted: bool,
}

/// Whether somebody looks after any group, and whether they were given anything else by name.
pub async fn what_is_held<'a>(sql: impl Sql<'a>, id: &UserId) -> Result<Holds, StoreError> {
    let (manages, is_entrusted) = sql
        .into()
        .query(
            "select exists (select 1 from group_managers where user_id = $1), \
             exists (select 1 from user_roles where user_id = $1) \
             or exists (select 1 from organisation_members where user_id = $1)",
        )
        .bind(id)
        .one::<(bool, bool)>()
        .await?;
    Ok(Holds { manages, is_entrusted })
}

static MANAGERS: Repeated =
    Repeated::new("select distinct m.user_id from group_managers m where m.user_id in (", "?", ")");

/// Those of these people who look after any group.
pub async fn managers_among<'a>(
    sql: impl Sql<'a>,
    people: &[&UserId],
) -> Result<HashSet<UserId>, StoreError> {
    let mut sql = sql.into();
    let mut found = HashSet::new();
    for (text, page) in MANAGERS.pages(people) {
        let bound = page.iter().fold(sql.query(text), |statement, id| statement.bind(*id));
        found.extend(bound.all::<(UserId,)>().await?.into_iter().map(|(id,)| id));
    }
    Ok(found)
}

/// At most `limit` ids and usernames of those who look after a group, by username.
pub async fn of_group<'a>(
    sql: impl Sql<'a>,
    (group, limit): (&str, i64),
) -> Result<Vec<(UserId, String)>, StoreError> {
    sql.into()
        .query(
            "select u.id, u.username from group_managers m join users u on u.id = m.user_id \
             where m.group_id = (select g.id from groups g where g.name = $1) \
             order by u.username limit $2",
        )
        .bind(group)
        .bind(limit)
        .all()
        .await
}
