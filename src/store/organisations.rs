//! Organisations and who is in them.

use sqlx_macros::FromRow;

use super::db::{Sql, Statement};
use super::error::StoreError;
use crate::clock::UnixTime;
use crate::protocol::organisation::ActiveOrganisation;
use crate::protocol::types::{OrganisationId, UserId};
use crate::store::db::repeated::Repeated;
use crate::store::db::search::prefix_pattern;

/// How far people are counted: a row beyond tells that there are more.
pub const MOST_COUNTED: i64 = 10_000;

/// The columns of an organisation. People are counted up to one more than [`MOST_COUNTED`].
macro_rules! select_organisation {
    ($rest:literal) => {
        concat!(
            "select o.id, o.name, o.display_name, o.version, o.created_at, o.updated_at, ",
            "(select cast(count(*) as bigint) from (select 1 from organisation_members m ",
            "where m.organisation_id = o.id limit 10001) counted) as members from organisations o ",
            $rest
        )
    };
}

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Organisation {
    pub id: OrganisationId,
    /// Its handle, which may change.
    pub name: String,
    pub display_name: String,
    /// How often it was changed.
    pub version: i64,
    pub created_at: UnixTime,
    pub updated_at: UnixTime,
    /// How many people are in it.
    pub members: i64,
}

/// Which organisations to list.
#[derive(Debug, Clone, Default)]
pub struct OrganisationFilter {
    /// The beginning of the name or display name, in any case.
    pub search: Option<String>,
    /// The name the last page ended with.
    pub after: Option<String>,
    /// Most rows to return.
    pub limit: i64,
}

/// Adds one; `Conflict` if another has this name.
pub async fn insert<'a>(sql: impl Sql<'a>, new: &Organisation) -> Result<(), StoreError> {
    sql.into()
        .query(
            "insert into organisations (id, name, display_name, display_name_lower, version, \
             created_at, updated_at) values ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&new.id)
        .bind(&new.name)
        .bind(&new.display_name)
        .bind(new.display_name.to_lowercase())
        .bind(new.version)
        .bind(new.created_at)
        .bind(new.updated_at)
        .execute()
        .await
        .map(drop)
}

/// The organisation with this id.
pub async fn by_id<'a>(
    sql: impl Sql<'a>,
    id: &OrganisationId,
) -> Result<Option<Organisation>, StoreError> {
    sql.into().query(select_organisation!("where o.id = $1")).bind(id).optional().await
}

/// The organisation with this name.
pub async fn by_name<'a>(
    sql: impl Sql<'a>,
    name: &str,
) -> Result<Option<Organisation>, StoreError> {
    sql.into().query(select_organisation!("where o.name = $1")).bind(name).optional().await
}

/// What it takes to know an organisation and to show it.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Named {
    pub id: OrganisationId,
    pub name: String,
    pub display_name: String,
}

static NAMED: Repeated =
    Repeated::new("select id, name, display_name from organisations where name in (", "?", ")");

/// Those with these names, in no order.
pub async fn named<'a>(sql: impl Sql<'a>, names: &[String]) -> Result<Vec<Named>, StoreError> {
    let mut sql = sql.into();
    let mut found = Vec::with_capacity(names.len());
    for (text, page) in NAMED.pages(names) {
        let bound = page.iter().fold(sql.query(text), Statement::bind);
        found.append(&mut bound.all().await?);
    }
    Ok(found)
}

/// A page of them by name.
pub async fn list<'a>(
    sql: impl Sql<'a>,
    filter: &OrganisationFilter,
) -> Result<Vec<Organisation>, StoreError> {
    sql.into()
        .query(select_organisation!(
            "where o.name > $1 and ($2 is null or o.name like $2 escape '!' \
             or o.display_name_lower like $2 escape '!') order by o.name limit $3"
        ))
        .bind(filter.after.as_deref().unwrap_or_default())
        .bind(prefix_pattern(filter.search.as_deref()))
        .bind(filter.limit)
        .all()
        .await
}

/// Those somebody is in, by name; `limit` at most.
pub async fn of_user<'a>(
    sql: impl Sql<'a>,
    user: &UserId,
    limit: i64,
) -> Result<Vec<Organisation>, StoreError> {
    sql.into()
        .query(select_organisation!(
            "join organisation_members own on own.organisation_id = o.id \
             where own.user_id = $1 order by o.name limit $2"
        ))
        .bind(user)
        .bind(limit)
        .all()
        .await
}

/// The names of those that people are in whose username is behind the first and not behind the second.
pub async fn of_users_between<'a>(
    sql: impl Sql<'a>,
    (after, last): (&str, &str),
) -> Result<Vec<(UserId, String)>, StoreError> {
    sql.into()
        .query(
            "select m.user_id, o.name from users u \
             join organisation_members m on m.user_id = u.id \
             join organisations o on o.id = m.organisation_id \
             where u.username > $1 and u.username <= $2",
        )
        .bind(after)
        .bind(last)
        .all()
        .await
}

static OF_USERS: Repeated = Repeated::new(
    "select m.user_id, o.name from organisation_members m \
     join organisations o on o.id = m.organisation_id where m.user_id in (",
    "?",
    ")",
);

/// The names of those that these people are in, in no order.
pub async fn of_users<'a>(
    sql: impl Sql<'a>,
    people: &[&UserId],
) -> Result<Vec<(UserId, String)>, StoreError> {
    let mut sql = sql.into();
    let mut found = Vec::new();
    for (text, page) in OF_USERS.pages(people) {
        let bound = page.iter().fold(sql.query(text), |statement, id| statement.bind(*id));
        found.append(&mut bound.all().await?);
    }
    Ok(found)
}

/// The organisation with this id, if this person is in it.
pub async fn of_member<'a>(
    sql: impl Sql<'a>,
    (id, user): (&OrganisationId, &UserId),
) -> Result<Option<ActiveOrganisation>, StoreError> {
    let row = sql
        .into()
        .query(
            "select o.id, o.display_name from organisation_members m join organisations o \
             on o.id = m.organisation_id where m.organisation_id = $1 and m.user_id = $2",
        )
        .bind(id)
        .bind(user)
        .optional::<(OrganisationId, String)>()
        .await?;
    Ok(row.map(|(id, name)| ActiveOrganisation { id, name }))
}

/// Holds one until the caller's transaction is over; `false` if it is not there. Nobody joins or leaves
/// it meanwhile.
pub async fn hold<'a>(sql: impl Sql<'a>, id: &OrganisationId) -> Result<bool, StoreError> {
    // A write that changes nothing locks the row on both databases.
    let held = sql
        .into()
        .query("update organisations set version = version where id = $1")
        .bind(id)
        .execute()
        .await?;
    Ok(held == 1)
}

/// Writes name and display name if it is still of this version; `false` if it is not, or gone. `Conflict`
/// if another has the name.
pub async fn update<'a>(
    sql: impl Sql<'a>,
    changed: &Organisation,
    now: UnixTime,
) -> Result<bool, StoreError> {
    let written = sql
        .into()
        .query(
            "update organisations set name = $2, display_name = $3, display_name_lower = $4, \
             version = version + 1, updated_at = $5 where id = $1 and version = $6",
        )
        .bind(&changed.id)
        .bind(&changed.name)
        .bind(&changed.display_name)
        .bind(changed.display_name.to_lowercase())
        .bind(now)
        .bind(changed.version)
        .execute()
        .await?;
    Ok(written == 1)
}

/// Deletes one; `false` if it is not there. Whoever is in it is to be taken out first.
pub async fn delete<'a>(sql: impl Sql<'a>, id: &OrganisationId) -> Result<bool, StoreError> {
    let deleted =
        sql.into().query("delete from organisations where id = $1").bind(id).execute().await?;
    Ok(deleted == 1)
}

/// Takes somebody in; `false` if they are in it. `Conflict` if either is not there: the references miss it.
pub async fn add_member<'a>(
    sql: impl Sql<'a>,
    (id, user): (&OrganisationId, &UserId),
    now: UnixTime,
) -> Result<bool, StoreError> {
    let added = sql
        .into()
        .query(
            "insert into organisation_members (organisation_id, user_id, username, created_at) \
             values ($1, $2, coalesce((select u.username from users u where u.id = $2), ''), $3) \
             on conflict (organisation_id, user_id) do nothing",
        )
        .bind(id)
        .bind(user)
        .bind(now)
        .execute()
        .await?;
    Ok(added == 1)
}

static ADD: Repeated = Repeated::new(
    "insert into organisation_members (organisation_id, user_id, username, created_at) values ",
    "(?, ?, coalesce((select u.username from users u where u.id = ?), ''), ?)",
    " on conflict (organisation_id, user_id) do nothing",
)
.at_most(256);

/// Takes each of these people into that organisation, unless they are in it. `Conflict` if one of either is
/// not there.
pub async fn add_members<'a>(
    sql: impl Sql<'a>,
    places: &[(&OrganisationId, &UserId)],
    now: UnixTime,
) -> Result<(), StoreError> {
    let mut sql = sql.into();
    for (text, page) in ADD.pages(places) {
        let bound = page.iter().fold(sql.query(text), |statement, (id, user)| {
            statement.bind(*id).bind(*user).bind(*user).bind(now)
        });
        bound.execute().await?;
    }
    Ok(())
}

/// Takes somebody out; `false` if they are not in it.
pub async fn remove_member<'a>(
    sql: impl Sql<'a>,
    (id, user): (&OrganisationId, &UserId),
) -> Result<bool, StoreError> {
    let removed = sql
        .into()
        .query("delete from organisation_members where organisation_id = $1 and user_id = $2")
        .bind(id)
        .bind(user)
        .execute()
        .await?;
    Ok(removed == 1)
}

/// At most `limit` of those in it, in the order of their ids.
pub async fn member_ids<'a>(
    sql: impl Sql<'a>,
    id: &OrganisationId,
    limit: i64,
) -> Result<Vec<UserId>, StoreError> {
    let rows = sql
        .into()
        .query(
            "select user_id from organisation_members where organisation_id = $1 \
             order by user_id limit $2",
        )
        .bind(id)
        .bind(limit)
        .all::<(UserId,)>()
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}
