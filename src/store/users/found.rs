//! People as a directory asks for them that provisions them (SCIM, RFC 7644 section 3.4.2): by what it
//! knows of them, each looked up in an index, and counted from the number of a row.

use super::UserRow;
use crate::protocol::types::UserId;
use crate::protocol::user::User;
use crate::store::db::{Sql, Statement};
use crate::store::error::StoreError;

/// Whom to look for: everything that is said has to fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonMatch {
    pub id: Option<String>,
    /// In lower case.
    pub username: Option<String>,
    /// In lower case. One that somebody only claims finds nobody.
    pub email: Option<String>,
    pub external_id: Option<String>,
    /// The full name in lower case.
    pub name: Option<String>,
    /// Only those who are in a group that this person looks after.
    pub manager: Option<UserId>,
}

/// The people who fit. What comes first is found by its index; the rest is held against what was found.
macro_rules! fitting {
    ($first:literal, $rest:literal) => {
        concat!(
            "from users u where ",
            $first,
            "($1 is null or u.id = $1) and ($2 is null or u.username = $2) ",
            "and ($3 is null or u.email = $3) and ($4 is null or u.external_id = $4) ",
            "and ($5 is null or u.name_lower = $5) and ($6 is null or u.id in ",
            "(select m.user_id from group_managers g join user_groups m ",
            "on m.group_id = g.group_id where g.user_id = $6)) ",
            $rest
        )
    };
}

/// A page of them, and how many there are.
macro_rules! page_and_count {
    ($first:literal) => {
        (
            select_user!(fitting!($first, "order by u.username limit $7 offset $8")),
            concat!("select cast(count(*) as bigint) ", fitting!($first, "")),
        )
    };
}

impl PersonMatch {
    fn statements(&self) -> (&'static str, &'static str) {
        match self {
            Self { id: Some(_), .. } => page_and_count!("u.id = $1 and "),
            Self { username: Some(_), .. } => page_and_count!("u.username = $2 and "),
            Self { email: Some(_), .. } => page_and_count!("u.email = $3 and "),
            Self { external_id: Some(_), .. } => page_and_count!("u.external_id = $4 and "),
            Self { name: Some(_), .. } => page_and_count!("u.name_lower = $5 and "),
            _ => page_and_count!(""),
        }
    }

    fn bound<'a>(&self, statement: Statement<'a>) -> Statement<'a> {
        statement
            .bind(self.id.clone())
            .bind(self.username.clone())
            .bind(self.email.clone())
            .bind(self.external_id.clone())
            .bind(self.name.clone())
            .bind(self.manager.clone())
    }
}

/// At most `limit` of those who fit, by username, without the first `offset`; and how many fit.
pub async fn match_people<'a>(
    sql: impl Sql<'a>,
    wanted: &PersonMatch,
    (offset, limit): (i64, i64),
) -> Result<(Vec<User>, i64), StoreError> {
    let mut sql = sql.into();
    let (page, count) = wanted.statements();
    let (total,) = wanted.bound(sql.query(count)).one::<(i64,)>().await?;
    if limit == 0 || offset >= total {
        return Ok((Vec::new(), total));
    }
    let rows = wanted.bound(sql.query(page)).bind(limit).bind(offset).all::<UserRow>().await?;
    Ok((rows.into_iter().map(User::from).collect(), total))
}
