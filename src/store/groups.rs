//! Groups and who is in them; in [`found`], those a directory asks for.

mod found;

use std::collections::{BTreeSet, HashMap};

use sqlx_macros::FromRow;

use super::db::{Sql, Statement, Target, Tx};
use super::error::StoreError;
use super::users;
use crate::clock::UnixTime;
use crate::crypto::secret;
use crate::protocol::types::UserId;
use crate::protocol::user::User;
use crate::store::db::repeated::Repeated;
use crate::store::db::search::prefix_pattern;

pub use found::{FoundGroup, GroupMatch, Member, ids_of, match_groups, members, set_external_id};

/// How far [`search`] counts the people in a group: a row beyond tells that there are more.
pub const MOST_COUNTED: i64 = 10_000;

/// The columns of a group.
macro_rules! select_group {
    ($rest:literal) => {
        concat!(
            "select g.name, g.description, (select cast(count(*) as bigint) from user_groups m \
             where m.group_id = g.id) as members, g.created_at from groups g ",
            $rest
        )
    };
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Group {
    pub name: String,
    /// What it is for, in a sentence.
    pub description: Option<String>,
    /// How many people are in it.
    pub members: i64,
    pub created_at: UnixTime,
}

/// Which groups to list.
#[derive(Debug, Clone, Default)]
pub struct GroupFilter {
    /// The beginning of a name, in any case.
    pub search: Option<String>,
    /// Only those that this person looks after.
    pub manager: Option<UserId>,
    /// The name the last page ended with.
    pub after: Option<String>,
    /// Most rows to return.
    pub limit: i64,
}

/// Adds an empty group; `false` if there is one with this name.
pub async fn insert<'a>(sql: impl Sql<'a>, name: &str, now: UnixTime) -> Result<bool, StoreError> {
    make_group(&mut sql.into(), name, now).await
}

/// The group with this name.
pub async fn by_name<'a>(sql: impl Sql<'a>, name: &str) -> Result<Option<Group>, StoreError> {
    sql.into().query(select_group!("where g.name = $1")).bind(name).optional().await
}

static DESCRIPTIONS: Repeated =
    Repeated::new("select name, description from groups where name in (", "?", ")");

/// Name and description of each of these groups that is there, in no order.
pub async fn descriptions_of<'a>(
    sql: impl Sql<'a>,
    names: &[String],
) -> Result<Vec<(String, Option<String>)>, StoreError> {
    let mut sql = sql.into();
    let mut found = Vec::with_capacity(names.len());
    for (text, page) in DESCRIPTIONS.pages(names) {
        let bound = page.iter().fold(sql.query(text), Statement::bind);
        found.append(&mut bound.all().await?);
    }
    Ok(found)
}

/// The groups behind `after`, in the order of their names.
pub async fn list<'a>(
    sql: impl Sql<'a>,
    (after, limit): (Option<&str>, i64),
) -> Result<Vec<Group>, StoreError> {
    sql.into()
        .query(select_group!("where g.name > $1 order by g.name limit $2"))
        .bind(after.unwrap_or_default())
        .bind(limit)
        .all()
        .await
}

/// A page of groups by name. People are counted up to one more than [`MOST_COUNTED`].
pub async fn search<'a>(sql: impl Sql<'a>, filter: &GroupFilter) -> Result<Vec<Group>, StoreError> {
    sql.into()
        .query(
            "select g.name, g.description, (select cast(count(*) as bigint) from \
             (select 1 from user_groups m where m.group_id = g.id limit 10001) counted) \
             as members, g.created_at from groups g where g.name > $1 \
             and ($2 is null or coalesce(g.name_lower, g.name) like $2 escape '!') \
             and ($3 is null or g.id in \
             (select gm.group_id from group_managers gm where gm.user_id = $3)) \
             order by g.name limit $4",
        )
        .bind(filter.after.as_deref().unwrap_or_default())
        .bind(prefix_pattern(filter.search.as_deref()))
        .bind(filter.manager.as_ref())
        .bind(filter.limit)
        .all()
        .await
}

/// The names that begin with this, in any case, in order; `limit` at most.
pub async fn names<'a>(
    sql: impl Sql<'a>,
    (beginning, limit): (&str, i64),
) -> Result<Vec<String>, StoreError> {
    let found: Vec<(String,)> = sql
        .into()
        .query(
            "select g.name from groups g where coalesce(g.name_lower, g.name) like $1 escape '!' \
             order by g.name limit $2",
        )
        .bind(prefix_pattern(Some(beginning)))
        .bind(limit)
        .all()
        .await?;
    Ok(found.into_iter().map(|(name,)| name).collect())
}

/// Holds a group until the caller's transaction is over, and tells its description; `None` if there is
/// none with this name.
pub async fn hold<'a>(sql: impl Sql<'a>, name: &str) -> Result<Option<Option<String>>, StoreError> {
    // A write that changes nothing locks the row on both databases.
    let held = sql
        .into()
        .query("update groups set description = description where name = $1 returning description")
        .bind(name)
        .optional::<(Option<String>,)>()
        .await?;
    Ok(held.map(|(description,)| description))
}

/// Writes name and description of a group; `false` if there is none called `name`. Who is in it, who looks
/// after it and what it gives hang on its id: this is one row however many they are. `Conflict` if another
/// group has the new name.
pub async fn update<'a>(
    sql: impl Sql<'a>,
    name: &str,
    (new_name, description): (&str, Option<&str>),
) -> Result<bool, StoreError> {
    let changed = sql
        .into()
        .query("update groups set name = $2, name_lower = $3, description = $4 where name = $1")
        .bind(name)
        .bind(new_name)
        .bind(new_name.to_lowercase())
        .bind(description)
        .execute()
        .await?;
    Ok(changed == 1)
}

/// At most `limit` of those in a group, the first ones by username, in the order of their ids: as people
/// are held.
pub async fn some_members<'a>(
    sql: impl Sql<'a>,
    name: &str,
    limit: i64,
) -> Result<Vec<UserId>, StoreError> {
    let mut members: Vec<_> =
        found::members(sql, name, limit).await?.into_iter().map(|member| member.id).collect();
    members.sort();
    Ok(members)
}

/// Takes somebody into a group; `false` if they are in it. `Conflict` if either is not there.
pub async fn add_member<'a>(
    sql: impl Sql<'a>,
    (name, id): (&str, &UserId),
    now: UnixTime,
) -> Result<bool, StoreError> {
    let mut sql = sql.into();
    hold_person(&mut sql, id, now).await?;
    join(&mut sql, id, name).await
}

/// Takes somebody out of a group; `false` if they are not in it. `Conflict` if there is no such person.
pub async fn remove_member<'a>(
    sql: impl Sql<'a>,
    (name, id): (&str, &UserId),
    now: UnixTime,
) -> Result<bool, StoreError> {
    let mut sql = sql.into();
    hold_person(&mut sql, id, now).await?;
    let removed = sql
        .query(
            "delete from user_groups where user_id = $2 \
             and group_id = (select id from groups where name = $1)",
        )
        .bind(name)
        .bind(id)
        .execute()
        .await?;
    Ok(removed == 1)
}

/// Takes everybody out of a group that is about to be deleted, and says who they were.
pub async fn remove_all<'a>(sql: impl Sql<'a>, name: &str) -> Result<Vec<UserId>, StoreError> {
    let rows = sql
        .into()
        .query(
            "delete from user_groups where group_id = (select id from groups where name = $1) \
             returning user_id",
        )
        .bind(name)
        .all::<(UserId,)>()
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Removes a group and everybody from it; `false` if there is none.
pub async fn delete<'a>(sql: impl Sql<'a>, name: &str) -> Result<bool, StoreError> {
    let deleted =
        sql.into().query("delete from groups where name = $1").bind(name).execute().await?;
    Ok(deleted == 1)
}

/// The names of the user's groups, sorted.
pub async fn groups_of<'a>(sql: impl Sql<'a>, id: &UserId) -> Result<Vec<String>, StoreError> {
    let rows = sql
        .into()
        .query(
            "select g.name from user_groups m join groups g on g.id = m.group_id \
             where m.user_id = $1",
        )
        .bind(id)
        .all::<(String,)>()
        .await?;
    let mut names: Vec<String> = rows.into_iter().map(|(name,)| name).collect();
    names.sort();
    Ok(names)
}

/// Makes these the user's groups, creating the ones that do not exist, and moves `updated_at`. Gives those that
/// it has created.
/// Several statements: run it in a transaction. `Conflict` if there is no such user. Names are taken
/// as they are; empty ones and control characters are refused.
pub async fn set_groups<'a>(
    sql: impl Sql<'a>,
    id: &UserId,
    names: &[String],
    now: UnixTime,
) -> Result<Vec<String>, StoreError> {
    if names.iter().any(|name| name.is_empty() || name.chars().any(char::is_control)) {
        return Err(StoreError::Corrupt(
            "a group name is empty or holds a control character".into(),
        ));
    }
    // One order for everybody, so that two transactions cannot wait for each other.
    let mut names: Vec<&String> = names.iter().collect();
    names.sort();
    names.dedup();
    let mut sql = sql.into();
    hold_person(&mut sql, id, now).await?;
    sql.query("delete from user_groups where user_id = $1").bind(id).execute().await?;
    let mut made = Vec::new();
    for name in names {
        if make_group(&mut sql, name, now).await? {
            made.push(name.clone());
        }
        join(&mut sql, id, name).await?;
    }
    Ok(made)
}

static MAKE: Repeated = Repeated::new(
    "insert into groups (name, name_lower, created_at, id) values ",
    "(?, ?, ?, ?)",
    " on conflict (name) do nothing returning name",
)
.at_most(128);

/// Makes the groups that do not exist, in one order for everybody, and gives those.
pub async fn make<'a>(
    sql: impl Sql<'a>,
    names: impl Iterator<Item = &String> + Send,
    now: UnixTime,
) -> Result<Vec<String>, StoreError> {
    let mut sql = sql.into();
    let mut made = Vec::new();
    let names: Vec<&String> = names.collect::<BTreeSet<_>>().into_iter().collect();
    for (text, page) in MAKE.pages(&names) {
        let bound = page.iter().fold(sql.query(text), |statement, name| {
            statement.bind(*name).bind(name.to_lowercase()).bind(now).bind(secret::opaque_id())
        });
        made.extend(bound.all::<(String,)>().await?.into_iter().map(|(name,)| name));
    }
    Ok(made)
}

static JOIN: Repeated = Repeated::new(
    "insert into user_groups (user_id, group_id, username) values ",
    "(?, ?, ?)",
    " on conflict (user_id, group_id) do nothing",
)
.at_most(256);

/// Puts new users into their groups, which are there. Run it in the transaction that adds the users.
/// `Conflict` if one of the groups is gone meanwhile.
pub async fn join_all(tx: &mut Tx, people: &[&User]) -> Result<(), StoreError> {
    let names: BTreeSet<_> = people.iter().flat_map(|user| &user.groups).cloned().collect();
    let names: Vec<String> = names.into_iter().collect();
    let ids: HashMap<String, String> = found::ids_of(&mut *tx, &names).await?.into_iter().collect();
    let mut places = Vec::new();
    for user in people {
        let username = users::stored_username(user);
        for name in &user.groups {
            let group = ids.get(name).ok_or(StoreError::Conflict)?;
            places.push((&user.id, group, username.clone()));
        }
    }
    for (text, page) in JOIN.pages(&places) {
        let bound = page.iter().fold(tx.query(text), |statement, (id, group, username)| {
            statement.bind(*id).bind(*group).bind(username)
        });
        bound.execute().await?;
    }
    Ok(())
}

/// The user's row first: two transactions that change the same person's groups take turns. What the
/// person is in is one of the claims about them, so it moves `updated_at`.
async fn hold_person(sql: &mut Target<'_>, id: &UserId, now: UnixTime) -> Result<(), StoreError> {
    let held = sql
        .query("update users set updated_at = $2 where id = $1")
        .bind(id)
        .bind(now)
        .execute()
        .await?;
    if held == 1 { Ok(()) } else { Err(StoreError::Conflict) }
}

/// Makes a group; `false` if it is there.
async fn make_group(sql: &mut Target<'_>, name: &str, now: UnixTime) -> Result<bool, StoreError> {
    let made = sql
        .query(
            "insert into groups (name, name_lower, created_at, id) values ($1, $2, $3, $4) \
             on conflict (name) do nothing",
        )
        .bind(name)
        .bind(name.to_lowercase())
        .bind(now)
        .bind(secret::opaque_id())
        .execute()
        .await?;
    Ok(made == 1)
}

/// Whoever is not there, person or group, is missed by the reference: `Conflict`.
async fn join(sql: &mut Target<'_>, id: &UserId, name: &str) -> Result<bool, StoreError> {
    let joined = sql
        .query(
            "insert into user_groups (user_id, group_id, username) values \
             ($1, coalesce((select g.id from groups g where g.name = $2), ''), \
             coalesce((select u.username from users u where u.id = $1), '')) \
             on conflict (user_id, group_id) do nothing",
        )
        .bind(id)
        .bind(name)
        .execute()
        .await?;
    Ok(joined == 1)
}
