//! Several people with a few statements, for what is done with very many.

use super::UserRow;
use crate::protocol::types::UserId;
use crate::protocol::user::User;
use crate::store::db::repeated::Repeated;
use crate::store::db::{Sql, Statement, Tx};
use crate::store::error::StoreError;

static BY_USERNAME: Repeated =
    Repeated::new(select_user!("from users u where u.username in ("), "?", ")");

/// Those with these usernames, which are as they are stored; in no order.
pub async fn by_usernames<'a>(
    sql: impl Sql<'a>,
    usernames: &[String],
) -> Result<Vec<User>, StoreError> {
    let mut sql = sql.into();
    let mut found = Vec::with_capacity(usernames.len());
    for (text, page) in BY_USERNAME.pages(usernames) {
        let bound = page.iter().fold(sql.query(text), Statement::bind);
        found.extend(bound.all::<UserRow>().await?.into_iter().map(User::from));
    }
    Ok(found)
}

static BY_IDS: Repeated =
    Repeated::new(select_user!("from users u where u.id in ("), "?", ")").at_most(128);

/// Those of these who are there, in no order and each once.
pub async fn by_ids<'a>(sql: impl Sql<'a>, ids: &[UserId]) -> Result<Vec<User>, StoreError> {
    let mut sql = sql.into();
    let mut found = Vec::with_capacity(ids.len());
    for (text, asked) in BY_IDS.asked(ids) {
        let rows = asked.fold(sql.query(text), Statement::bind).all::<UserRow>().await?;
        found.extend(rows.into_iter().map(User::from));
    }
    Ok(found)
}

/// Holds these people until the caller's transaction is over, in the order of their ids, as whoever holds two
/// does. SQLite has one writer, who waits for nobody.
pub async fn hold_all(tx: &mut Tx, ids: &[&UserId]) -> Result<(), StoreError> {
    if ids.is_empty() || matches!(tx, Tx::Sqlite { .. }) {
        return Ok(());
    }
    // As strong as the write that holds one of them (`hold`): what refers to them does not wait.
    tx.query(
        "select id from users where id = any(string_to_array($1, ' ')) \
         order by id collate \"C\" for no key update",
    )
    .bind(together(ids))
    .execute()
    .await
    .map(drop)
}

/// Ids in one text, with spaces between: no id has one.
pub(in crate::store) fn together(ids: &[&UserId]) -> String {
    ids.iter().map(|id| id.as_str()).collect::<Vec<_>>().join(" ")
}
