//! Pages of people, in the order that somebody chooses.

use super::UserRow;
use crate::protocol::types::UserId;
use crate::protocol::user::{AccountState, AdminRole, User};
use crate::store::db::search::{prefix, prefix_pattern};
use crate::store::db::{Db, Sql, Target, Tx};
use crate::store::error::StoreError;
use crate::store::order::Order;

/// Which users to list.
#[derive(Debug, Clone, Default)]
pub struct UserFilter {
    /// The beginning of a username, e-mail address or name, in any case; or a whole id.
    pub search: Option<String>,
    /// By what, and where the last page ended.
    pub order: Order,
    /// Most rows to return.
    pub limit: i64,
    /// Only those who are in a group that this person looks after.
    pub manager: Option<UserId>,
    /// Only those with this role in the console.
    pub role: Option<AdminRole>,
    /// Only those whose accounts are in this state.
    pub state: Option<AccountState>,
}

/// Where more than so many people fit a search, some of them are soon met along the list; fewer are quickly
/// sorted.
const FEW: i64 = 2_000;

/// How many people have a text in this column that begins with $1, at most $2.
macro_rules! counted {
    ($column:literal) => {
        concat!(
            "(select count(*) from (select 1 as n from users where ",
            $column,
            " >= $1 and ",
            $column,
            " < $1 || '\u{10FFFF}' limit $2) as found)"
        )
    };
}

/// How many a search finds on SQLite by each column, by their indexes.
const COUNTED: &str = concat!(
    "select cast(",
    counted!("username"),
    " + ",
    counted!("email"),
    " + ",
    counted!("claimed_email"),
    " + ",
    counted!("name_lower"),
    " as bigint)"
);

/// Those with a text in this column that begins with $2.
macro_rules! beginning {
    ($column:literal) => {
        concat!(
            "select id from users where ",
            $column,
            " >= $2 and ",
            $column,
            " < $2 || '\u{10FFFF}' union all "
        )
    };
}

/// What a search asks of somebody. `along` the list each of them is held against a pattern, for which
/// PostgreSQL has indexes; `found` is for SQLite, which has an index for what lies between two texts and none
/// for `like`.
macro_rules! searched {
    (along, $id:literal) => {
        concat!(
            " and ($2 is null or u.username like $2 escape '!' or u.email like $2 escape '!' \
             or u.claimed_email like $2 escape '!' or u.name_lower like $2 escape '!' or u.id = ",
            $id,
            ")"
        )
    };
    (found, $id:literal) => {
        concat!(
            " and u.id in (",
            beginning!("username"),
            beginning!("email"),
            beginning!("claimed_email"),
            beginning!("name_lower"),
            "select id from users where id = ",
            $id,
            ")"
        )
    };
}

/// The users behind a place ($1, and $4 where it is a time) that a search ($2, and `$id` for a whole id) finds, at
/// most $3. What narrows the list further is said in words that an index has, and is no parameter that may be absent: that
/// would keep SQLite from using one.
macro_rules! page_of_users {
    ($how:ident, $place:literal, $id:literal, $narrowed:expr, $order:literal) => {
        select_user!(concat!(
            "from users u where ",
            $place,
            $narrowed,
            searched!($how, $id),
            " order by ",
            $order,
            " limit $3"
        ))
    };
}

/// The same for a state of their accounts, if any is asked for.
macro_rules! page_by_state {
    ($how:ident, $state:expr, $place:literal, $id:literal, $narrowed:expr, $order:literal) => {
        match $state {
            None => page_of_users!($how, $place, $id, $narrowed, $order),
            Some(AccountState::Active) => {
                page_of_users!(
                    $how,
                    $place,
                    $id,
                    concat!(" and u.disabled_at is null", $narrowed),
                    $order
                )
            }
            Some(AccountState::Disabled) => page_of_users!(
                $how,
                $place,
                $id,
                concat!(" and u.disabled_at is not null and u.delete_at is null", $narrowed),
                $order
            ),
            Some(AccountState::ToBeDeleted) => {
                page_of_users!(
                    $how,
                    $place,
                    $id,
                    concat!(" and u.delete_at is not null", $narrowed),
                    $order
                )
            }
        }
    };
}

/// The same for everybody or those whom somebody looks after, and with a role or without. The parameters are in
/// this order: the id, who looks after them, the role.
macro_rules! page_by_all {
    (
        $how:ident, $filter:ident, $place:literal, $order:literal,
        [$id:literal, $next:literal, $last:literal]
    ) => {
        match ($filter.manager.is_some(), $filter.role.is_some()) {
            (false, false) => page_by_state!($how, $filter.state, $place, $id, "", $order),
            (false, true) => {
                page_by_state!(
                    $how,
                    $filter.state,
                    $place,
                    $id,
                    concat!(" and u.role = ", $next),
                    $order
                )
            }
            (true, false) => {
                page_by_state!($how, $filter.state, $place, $id, looked_after!($next), $order)
            }
            (true, true) => page_by_state!(
                $how,
                $filter.state,
                $place,
                $id,
                concat!(looked_after!($next), " and u.role = ", $last),
                $order
            ),
        }
    };
}

/// Those who are in a group that this parameter looks after.
macro_rules! looked_after {
    ($manager:literal) => {
        concat!(
            " and u.id in (select m.user_id from group_managers g join user_groups m ",
            "on m.group_id = g.group_id where g.user_id = ",
            $manager,
            ")"
        )
    };
}

/// The same in the order that somebody chose.
macro_rules! page_in_order {
    ($how:ident, $filter:ident) => {
        match $filter.order {
            Order::Name(_) => {
                page_by_all!($how, $filter, "u.username > $1", "u.username", ["$4", "$5", "$6"])
            }
            // From something behind the last one, so that the index is read from there.
            Order::NameDown(_) => page_by_all!(
                $how,
                $filter,
                "u.username < coalesce(nullif($1, ''), (select max(l.username) || 'a' from users l))",
                "u.username desc",
                ["$4", "$5", "$6"]
            ),
            Order::Newest(_) => page_by_all!(
                $how,
                $filter,
                "(u.created_at, u.id) < ($4, $1)",
                "u.created_at desc, u.id desc",
                ["$5", "$6", "$7"]
            ),
            Order::Oldest(_) => page_by_all!(
                $how,
                $filter,
                "(u.created_at, u.id) > ($4, $1)",
                "u.created_at, u.id",
                ["$5", "$6", "$7"]
            ),
        }
    };
}

/// The statement of [`list`] for such a filter.
#[must_use]
pub fn list_statement(filter: &UserFilter) -> &'static str {
    page_in_order!(along, filter)
}

/// The statement of [`list`] on SQLite for a search that few people fit.
#[must_use]
pub fn found_statement(filter: &UserFilter) -> &'static str {
    page_in_order!(found, filter)
}

/// A page of users, each with their groups.
pub async fn list<'a>(sql: impl Sql<'a>, filter: &UserFilter) -> Result<Vec<User>, StoreError> {
    let mut sql = sql.into();
    let search = filter.search.as_deref();
    let (text, sought) = match of_few(&mut sql, search).await? {
        Some(beginning) => (found_statement(filter), Some(beginning)),
        None => (list_statement(filter), prefix_pattern(search)),
    };
    let statement = filter.order.bind_sought(sql.query(text), (sought, filter.limit));
    let mut statement = statement.bind(search.map(str::trim));
    if let Some(manager) = &filter.manager {
        statement = statement.bind(manager);
    }
    if let Some(role) = filter.role {
        statement = statement.bind(role);
    }
    Ok(statement.all::<UserRow>().await?.into_iter().map(User::from).collect())
}

/// The beginning that is searched for, on SQLite and where few people fit it: they are found by indexes then,
/// and sorted, rather than met on a way along everybody.
async fn of_few(sql: &mut Target<'_>, search: Option<&str>) -> Result<Option<String>, StoreError> {
    let is_sqlite = matches!(sql, Target::Db(Db::Sqlite { .. }) | Target::Tx(Tx::Sqlite { .. }));
    let Some(beginning) = prefix(search).filter(|_| is_sqlite) else { return Ok(None) };
    let statement = sql.query(COUNTED).bind(beginning.clone()).bind(FEW + 1);
    let (found,) = statement.one::<(i64,)>().await?;
    Ok((found <= FEW).then_some(beginning))
}
