//! The roles of an app, and who has them.

use sqlx_macros::FromRow;

use crate::clock::UnixTime;
use crate::protocol::types::{ClientId, UserId};
use crate::store::db::Sql;
use crate::store::error::StoreError;

/// What somebody may be in an app.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct ClientRole {
    pub client_id: ClientId,
    pub name: String,
    /// What it allows, in a sentence.
    pub description: Option<String>,
    /// How many people have it by themselves.
    pub people: i64,
    /// How many groups give it to those in them.
    pub groups: i64,
    pub created_at: UnixTime,
}

/// The columns of a role.
macro_rules! select_role {
    ($rest:literal) => {
        concat!(
            "select r.client_id, r.name, r.description, ",
            "(select cast(count(*) as bigint) from user_roles u ",
            "where u.client_id = r.client_id and u.role_name = r.name) as people, ",
            "(select cast(count(*) as bigint) from group_roles g ",
            "where g.client_id = r.client_id and g.role_name = r.name) as groups, ",
            "r.created_at from client_roles r ",
            $rest
        )
    };
}

/// Adds a role that nobody has; `false` if the app has one with this name. `Conflict` if there is no
/// such app.
pub async fn insert<'a>(sql: impl Sql<'a>, role: &ClientRole) -> Result<bool, StoreError> {
    let made = sql
        .into()
        .query(
            "insert into client_roles (client_id, name, description, created_at) \
             values ($1, $2, $3, $4) on conflict (client_id, name) do nothing",
        )
        .bind(&role.client_id)
        .bind(&role.name)
        .bind(&role.description)
        .bind(role.created_at)
        .execute()
        .await?;
    Ok(made == 1)
}

/// Writes the description; `false` if there is no such role.
pub async fn describe<'a>(
    sql: impl Sql<'a>,
    (client, name): (&ClientId, &str),
    description: Option<&str>,
) -> Result<bool, StoreError> {
    let changed = sql
        .into()
        .query("update client_roles set description = $3 where client_id = $1 and name = $2")
        .bind(client)
        .bind(name)
        .bind(description)
        .execute()
        .await?;
    Ok(changed == 1)
}

/// Removes a role from the app and from whoever has it; `false` if there is none.
pub async fn delete<'a>(
    sql: impl Sql<'a>,
    (client, name): (&ClientId, &str),
) -> Result<bool, StoreError> {
    let deleted = sql
        .into()
        .query("delete from client_roles where client_id = $1 and name = $2")
        .bind(client)
        .bind(name)
        .execute()
        .await?;
    Ok(deleted == 1)
}

/// Every role of an app by name; there are few.
pub async fn list<'a>(sql: impl Sql<'a>, client: &ClientId) -> Result<Vec<ClientRole>, StoreError> {
    sql.into()
        .query(select_role!("where r.client_id = $1 order by r.name"))
        .bind(client)
        .all()
        .await
}

/// One role of an app.
pub async fn find<'a>(
    sql: impl Sql<'a>,
    (client, name): (&ClientId, &str),
) -> Result<Option<ClientRole>, StoreError> {
    sql.into()
        .query(select_role!("where r.client_id = $1 and r.name = $2"))
        .bind(client)
        .bind(name)
        .optional()
        .await
}

/// Gives somebody a role; `false` if they have it by themselves. `Conflict` if either is not there.
pub async fn give_person<'a>(
    sql: impl Sql<'a>,
    (client, name): (&ClientId, &str),
    id: &UserId,
) -> Result<bool, StoreError> {
    let given = sql
        .into()
        .query(
            "insert into user_roles (user_id, client_id, role_name) values ($1, $2, $3) \
             on conflict (user_id, client_id, role_name) do nothing",
        )
        .bind(id)
        .bind(client)
        .bind(name)
        .execute()
        .await?;
    Ok(given == 1)
}

/// Takes a role from somebody; `false` if they do not have it by themselves.
pub async fn take_from_person<'a>(
    sql: impl Sql<'a>,
    (client, name): (&ClientId, &str),
    id: &UserId,
) -> Result<bool, StoreError> {
    let taken = sql
        .into()
        .query("delete from user_roles where user_id = $1 and client_id = $2 and role_name = $3")
        .bind(id)
        .bind(client)
        .bind(name)
        .execute()
        .await?;
    Ok(taken == 1)
}

/// Gives a role to everybody in a group; `false` if the group has it. `Conflict` if either is not there.
pub async fn give_group<'a>(
    sql: impl Sql<'a>,
    (client, name): (&ClientId, &str),
    group: &str,
) -> Result<bool, StoreError> {
    let given = sql
        .into()
        .query(
            "insert into group_roles (group_id, client_id, role_name) values \
             (coalesce((select g.id from groups g where g.name = $1), ''), $2, $3) \
             on conflict (group_id, client_id, role_name) do nothing",
        )
        .bind(group)
        .bind(client)
        .bind(name)
        .execute()
        .await?;
    Ok(given == 1)
}

/// Takes a role from a group; `false` if the group does not have it.
pub async fn take_from_group<'a>(
    sql: impl Sql<'a>,
    (client, name): (&ClientId, &str),
    group: &str,
) -> Result<bool, StoreError> {
    let taken = sql
        .into()
        .query(
            "delete from group_roles where client_id = $2 and role_name = $3 \
             and group_id = (select g.id from groups g where g.name = $1)",
        )
        .bind(group)
        .bind(client)
        .bind(name)
        .execute()
        .await?;
    Ok(taken == 1)
}

/// A page of those who have a role by themselves, by username: ids and usernames.
pub async fn people<'a>(
    sql: impl Sql<'a>,
    (client, name): (&ClientId, &str),
    (after, limit): (Option<&str>, i64),
) -> Result<Vec<(UserId, String)>, StoreError> {
    sql.into()
        .query(
            "select u.id, u.username from user_roles r join users u on u.id = r.user_id \
             where r.client_id = $1 and r.role_name = $2 and u.username > $3 \
             order by u.username limit $4",
        )
        .bind(client)
        .bind(name)
        .bind(after.unwrap_or_default())
        .bind(limit)
        .all()
        .await
}

/// A page of the groups that have a role, by name.
pub async fn groups<'a>(
    sql: impl Sql<'a>,
    (client, name): (&ClientId, &str),
    (after, limit): (Option<&str>, i64),
) -> Result<Vec<String>, StoreError> {
    let rows = sql
        .into()
        .query(
            "select g.name from group_roles r join groups g on g.id = r.group_id \
             where r.client_id = $1 and r.role_name = $2 and g.name > $3 order by g.name limit $4",
        )
        .bind(client)
        .bind(name)
        .bind(after.unwrap_or_default())
        .bind(limit)
        .all::<(String,)>()
        .await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// The roles that a group gives, each with its app; at most `limit`.
pub async fn of_group<'a>(
    sql: impl Sql<'a>,
    (group, limit): (&str, i64),
) -> Result<Vec<(ClientId, String)>, StoreError> {
    sql.into()
        .query(
            "select client_id, role_name from group_roles \
             where group_id = (select g.id from groups g where g.name = $1) \
             order by client_id, role_name limit $2",
        )
        .bind(group)
        .bind(limit)
        .all()
        .await
}
