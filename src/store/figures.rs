//! What lists and overviews show beside their rows: capped counts, and facts about the few people
//! of one page. Nothing here is truth that anything is decided on.

use super::audit;
use super::db::repeated::Repeated;
use super::db::{Sql, Statement, Target};
use super::error::StoreError;
use super::group_managers::Holds;
use crate::clock::UnixTime;
use crate::protocol::types::UserId;

/// Counting stops one above this: a page says "10,000+" and no count takes longer.
pub const MOST_COUNTED: i64 = 10_000;

/// How many people one statement asks about: those of the longest page.
const ASKED_AT_ONCE: usize = 128;

/// How many people there are, at most one more than [`MOST_COUNTED`].
pub async fn count_users<'a>(sql: impl Sql<'a>) -> Result<i64, StoreError> {
    let mut sql = sql.into();
    let statement = sql.query(
        "select cast(count(*) as bigint) from (select 1 as n from users limit $1) as counted",
    );
    Ok(statement.bind(MOST_COUNTED + 1).one::<(i64,)>().await?.0)
}

/// How many clients there are, at most one more than [`MOST_COUNTED`].
pub async fn count_clients<'a>(sql: impl Sql<'a>) -> Result<i64, StoreError> {
    let mut sql = sql.into();
    let statement = sql.query(
        "select cast(count(*) as bigint) from (select 1 as n from clients limit $1) as counted",
    );
    Ok(statement.bind(MOST_COUNTED + 1).one::<(i64,)>().await?.0)
}

/// How many events of a kind there were from `since` on, at most one more than [`MOST_COUNTED`].
pub async fn count_events<'a>(
    sql: impl Sql<'a>,
    kind: &str,
    since: UnixTime,
) -> Result<i64, StoreError> {
    let mut sql = sql.into();
    let statement = sql.query(
        "select cast(count(*) as bigint) from \
         (select 1 as n from audit_events where kind = $1 and id >= $2 limit $3) as counted",
    );
    let statement = statement.bind(kind).bind(audit::first_id(since)).bind(MOST_COUNTED + 1);
    Ok(statement.one::<(i64,)>().await?.0)
}

/// The usernames of these people, in no order; who does not exist is left out.
pub async fn usernames<'a>(
    sql: impl Sql<'a>,
    people: &[UserId],
) -> Result<Vec<(UserId, String)>, StoreError> {
    static NAMES: Repeated =
        Repeated::new("select id, username from users where id in (", "?", ")")
            .at_most(ASKED_AT_ONCE);
    about(sql.into(), people, &NAMES).await
}

/// When any session of these people was last used, in no order; who has none is left out.
pub async fn last_seen<'a>(
    sql: impl Sql<'a>,
    people: &[UserId],
) -> Result<Vec<(UserId, UnixTime)>, StoreError> {
    static SEEN: Repeated = Repeated::new(
        "select user_id, max(last_seen_at) as seen from sessions where user_id in (",
        "?",
        ") group by user_id",
    )
    .at_most(ASKED_AT_ONCE);
    about(sql.into(), people, &SEEN).await
}

/// What each of these people has that their groups do not give, in no order: which buttons a page of them
/// shows. The change itself asks [`what_is_held`](super::group_managers::what_is_held).
pub async fn holds<'a>(
    sql: impl Sql<'a>,
    people: &[UserId],
) -> Result<Vec<(UserId, Holds)>, StoreError> {
    static HELD: Repeated = Repeated::new(
        "select u.id, cast(case \
         when exists (select 1 from group_managers m where m.user_id = u.id) then 2 \
         when exists (select 1 from user_roles r where r.user_id = u.id) then 1 \
         when exists (select 1 from organisation_members o where o.user_id = u.id) then 1 \
         else 0 end as bigint) as held from users u where u.id in (",
        "?",
        ")",
    )
    .at_most(ASKED_AT_ONCE);
    let found: Vec<(UserId, i64)> = about(sql.into(), people, &HELD).await?;
    let held = |(id, held)| (id, Holds { manages: held == 2, is_entrusted: held == 1 });
    Ok(found.into_iter().map(held).collect())
}

/// Asks one thing about several people, [`ASKED_AT_ONCE`] at a time.
async fn about<T>(
    mut sql: Target<'_>,
    people: &[UserId],
    question: &'static Repeated,
) -> Result<Vec<(UserId, T)>, StoreError>
where
    (UserId, T): super::Record + Send + Unpin,
{
    let mut found = Vec::new();
    for (text, asked) in question.asked(people) {
        let statement = asked.fold(sql.query(text), Statement::bind);
        found.append(&mut statement.all().await?);
    }
    Ok(found)
}
