//! Which sessions there are: of a person, in an app, from an address, or all of them.

use super::{Session, SessionRow};
use crate::clock::UnixTime;
use crate::protocol::types::{ClientId, SessionId, UserId};
use crate::store::db::cursor::Cursor;
use crate::store::db::repeated::Repeated;
use crate::store::db::{Sql, Statement};
use crate::store::error::StoreError;

/// Which sessions to list.
#[derive(Debug, Clone, Default)]
pub struct SessionFilter {
    pub user: Option<UserId>,
    /// Only those through which somebody has signed in to this app and not been signed out of it since.
    pub client: Option<ClientId>,
    /// Only those that were begun from this address, as it is written in [`Session::address`].
    pub address: Option<String>,
    /// All but this one.
    pub except: Option<SessionId>,
    pub of: Whose,
    /// Only those alive at this moment; `None` lists the dead ones, too. `last_seen_at` may lag by
    /// a minute, and so may this. Those of a person, an address or an app are alive as long as an app has
    /// something to refresh that ends with them.
    pub live_at: Option<UnixTime>,
    /// Where the last page ended; see [`Session::cursor`].
    pub after: Option<Cursor>,
    /// Most rows to return.
    pub limit: i64,
}

/// Whose sessions to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Whose {
    #[default]
    Everybody,
    /// Only those of people who have no role in the console.
    Ordinary,
}

/// A session that is alive.
macro_rules! alive {
    () => {
        "(expires_at > $4 and last_seen_at + idle_seconds > $4)"
    };
}

/// One in which an app still has something to refresh that ends with it, too: whoever ends somebody's sessions
/// means that as well, and there are few to look at.
macro_rules! alive_or_refreshed {
    () => {
        concat!(
            "(",
            alive!(),
            " or exists (select 1 from grants g join refresh_families f on f.grant_id = g.id \
             where g.session_id = sessions.id and g.revoked_at is null and not g.offline \
             and f.idle_expires_at > $4 and f.expires_at > $4))"
        )
    };
}

/// What a [`SessionFilter`] lets through. The first condition is one by which the database can find them
/// without reading all sessions; it is there for the others once more.
macro_rules! chosen {
    ($columns:literal, ($first:literal, $alive:expr), $rest:literal) => {
        concat!(
            "select ",
            $columns,
            " from sessions where ",
            $first,
            " and (created_at, id) < ($1, $2) and ($4 is null or (revoked_at is null and ",
            $alive,
            ")) and ($5 is null or user_id = $5) and ($6 is null or address = $6) \
             and ($7 is null or id in (select session_id from grants where client_id = $7 \
             and revoked_at is null and session_id is not null)) and ($8 is null or id <> $8) \
             and (not $9 or user_id not in (select id from users where role is not null)) ",
            $rest
        )
    };
}

/// The same question, however it is best answered.
macro_rules! best {
    ($filter:expr, $columns:literal, $rest:literal) => {
        match $filter {
            SessionFilter { user: Some(_), .. } => {
                chosen!($columns, ("user_id = $5", alive_or_refreshed!()), $rest)
            }
            SessionFilter { address: Some(_), .. } => {
                chosen!($columns, ("address = $6", alive_or_refreshed!()), $rest)
            }
            SessionFilter { client: Some(_), .. } => chosen!(
                $columns,
                (
                    "id in (select session_id from grants where client_id = $7 \
                     and revoked_at is null and session_id is not null)",
                    alive_or_refreshed!()
                ),
                $rest
            ),
            _ => chosen!($columns, ("created_at <= $1", alive!()), $rest),
        }
    };
}

fn bind<'a>(statement: Statement<'a>, filter: &SessionFilter) -> Statement<'a> {
    let after = filter.after.clone().unwrap_or_else(Cursor::start);
    statement
        .bind(after.at)
        .bind(after.id)
        .bind(filter.limit)
        .bind(filter.live_at)
        .bind(filter.user.as_ref())
        .bind(filter.address.as_deref())
        .bind(filter.client.as_ref())
        .bind(filter.except.as_ref())
        .bind(filter.of == Whose::Ordinary)
}

/// A page of sessions, newest first.
pub async fn list<'a>(
    sql: impl Sql<'a>,
    filter: &SessionFilter,
) -> Result<Vec<Session>, StoreError> {
    let text = best!(
        filter,
        "id, secret_hash, user_id, auth_time, acr, amr, device, address, place, created_at, \
         last_seen_at, idle_seconds, expires_at, revoked_at",
        "order by created_at desc, id desc limit $3"
    );
    let mut sql = sql.into();
    let rows = bind(sql.query(text), filter).all::<SessionRow>().await?;
    Ok(rows.into_iter().map(Session::from).collect())
}

/// How many sessions a list without end would have, at most [`SessionFilter::limit`]: counting stops there.
pub async fn count<'a>(sql: impl Sql<'a>, filter: &SessionFilter) -> Result<i64, StoreError> {
    let text =
        best!(filter, "cast(count(*) as bigint) from (select 1 as n", "limit $3) as counted");
    let mut sql = sql.into();
    let (count,) = bind(sql.query(text), filter).one::<(i64,)>().await?;
    Ok(count)
}

/// How many sessions are alive, at most one more than `most`: counting stops there. `last_seen_at` may
/// lag by a minute, and so may this.
pub async fn count_live<'a>(
    sql: impl Sql<'a>,
    now: UnixTime,
    most: i64,
) -> Result<i64, StoreError> {
    let (count,) = sql
        .into()
        .query(
            "select cast(count(*) as bigint) from (select 1 as n from sessions \
             where expires_at > $1 and revoked_at is null and last_seen_at + idle_seconds > $1 \
             limit $2) as counted",
        )
        .bind(now)
        .bind(most.saturating_add(1))
        .one::<(i64,)>()
        .await?;
    Ok(count)
}

/// How many sessions of these people are alive, at most `most`: counting stops there. `last_seen_at` may lag by a
/// minute, and so may this. Each is counted once if nobody stands in `people` twice.
pub async fn count_of<'a>(
    sql: impl Sql<'a>,
    (people, now): (&[UserId], UnixTime),
    most: i64,
) -> Result<i64, StoreError> {
    static LIVE: Repeated = Repeated::new(
        "select cast(count(*) as bigint) from (select 1 as n from sessions where revoked_at is null \
         and expires_at > $1 and last_seen_at + idle_seconds > $1 and user_id in (",
        "?",
        ") limit $2) as counted",
    )
    .behind(2)
    .at_most(128);
    let (mut sql, mut counted) = (sql.into(), 0);
    for (text, asked) in LIVE.asked(people) {
        let statement = sql.query(text).bind(now).bind(most);
        counted += asked.fold(statement, Statement::bind).one::<(i64,)>().await?.0;
    }
    Ok(counted.min(most))
}
