//! Groups as a directory asks for them that provisions them (SCIM, RFC 7644 section 3.4.2): by an id that
//! outlives a name, each question answered by an index.

use sqlx_macros::FromRow;

use crate::clock::UnixTime;
use crate::protocol::types::UserId;
use crate::store::db::repeated::Repeated;
use crate::store::db::{Sql, Statement};
use crate::store::error::StoreError;

/// Which groups to look for: everything that is said has to fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupMatch {
    pub id: Option<String>,
    pub name: Option<String>,
    pub external_id: Option<String>,
    /// Only those that this person looks after.
    pub manager: Option<UserId>,
}

/// A group with what a directory knows it by.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct FoundGroup {
    /// Stays the same when the group gets another name.
    pub id: String,
    pub name: String,
    /// What the directory calls it.
    pub external_id: Option<String>,
    /// How many people are in it.
    pub members: i64,
    pub created_at: UnixTime,
}

/// Somebody in a group.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Member {
    pub id: UserId,
    pub username: String,
}

/// The groups that fit. What comes first is found by its index; the rest is held against what was found.
macro_rules! fitting {
    ($what:literal, $first:literal, $rest:literal) => {
        concat!(
            "select ",
            $what,
            " from groups g where ",
            $first,
            "($1 is null or g.id = $1) ",
            "and ($2 is null or g.name = $2) and ($3 is null or g.external_id = $3) ",
            "and ($4 is null or g.id in ",
            "(select gm.group_id from group_managers gm where gm.user_id = $4)) ",
            $rest
        )
    };
}

/// A page of them, and how many there are.
macro_rules! page_and_count {
    ($first:literal) => {
        (
            fitting!(
                "g.id, g.name, g.external_id, \
                 (select cast(count(*) as bigint) from user_groups m where m.group_id = g.id) \
                 as members, g.created_at",
                $first,
                "order by g.name limit $5 offset $6"
            ),
            fitting!("cast(count(*) as bigint)", $first, ""),
        )
    };
}

impl GroupMatch {
    fn statements(&self) -> (&'static str, &'static str) {
        match self {
            Self { id: Some(_), .. } => page_and_count!("g.id = $1 and "),
            Self { name: Some(_), .. } => page_and_count!("g.name = $2 and "),
            Self { external_id: Some(_), .. } => page_and_count!("g.external_id = $3 and "),
            _ => page_and_count!(""),
        }
    }

    fn bound<'a>(&self, statement: Statement<'a>) -> Statement<'a> {
        statement
            .bind(self.id.clone())
            .bind(self.name.clone())
            .bind(self.external_id.clone())
            .bind(self.manager.clone())
    }
}

/// At most `limit` of the groups that fit, by name, without the first `offset`; and how many fit.
pub async fn match_groups<'a>(
    sql: impl Sql<'a>,
    wanted: &GroupMatch,
    (offset, limit): (i64, i64),
) -> Result<(Vec<FoundGroup>, i64), StoreError> {
    let mut sql = sql.into();
    let (page, count) = wanted.statements();
    let (total,) = wanted.bound(sql.query(count)).one::<(i64,)>().await?;
    if limit == 0 || offset >= total {
        return Ok((Vec::new(), total));
    }
    let rows = wanted.bound(sql.query(page)).bind(limit).bind(offset).all().await?;
    Ok((rows, total))
}

/// At most `limit` of those in a group, by username.
pub async fn members<'a>(
    sql: impl Sql<'a>,
    group: &str,
    limit: i64,
) -> Result<Vec<Member>, StoreError> {
    sql.into()
        .query(
            "select user_id as id, username from user_groups \
             where group_id = (select g.id from groups g where g.name = $1) \
             order by username limit $2",
        )
        .bind(group)
        .bind(limit)
        .all()
        .await
}

static IDS: Repeated = Repeated::new("select name, id from groups where name in (", "?", ")");

/// Name and id of each of these groups that is there.
pub async fn ids_of<'a>(
    sql: impl Sql<'a>,
    names: &[String],
) -> Result<Vec<(String, String)>, StoreError> {
    let mut sql = sql.into();
    let mut found = Vec::with_capacity(names.len());
    for (text, page) in IDS.pages(names) {
        let mut statement = sql.query(text);
        for name in page {
            statement = statement.bind(name);
        }
        found.extend(statement.all::<(String, String)>().await?);
    }
    Ok(found)
}

/// Writes what a directory calls a group; `false` if there is none with this name.
pub async fn set_external_id<'a>(
    sql: impl Sql<'a>,
    name: &str,
    external_id: Option<&str>,
) -> Result<bool, StoreError> {
    let changed = sql
        .into()
        .query("update groups set external_id = $2 where name = $1")
        .bind(name)
        .bind(external_id)
        .execute()
        .await?;
    Ok(changed == 1)
}
