//! Pages of people, in the order that somebody chooses.

use super::UserRow;
use crate::protocol::types::UserId;
use crate::protocol::user::{AccountState, AdminRole, User};
use crate::store::db::Sql;
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

/// The users behind a place ($1, and $4 where it is a time) that a search ($2, and `$id` for a whole id) finds, at
/// most $3. What narrows the list further is said in words that an index has, and is no parameter that may be absent: that
/// would keep SQLite from using one.
macro_rules! page_of_users {
    ($place:literal, $id:literal, $narrowed:expr, $order:literal) => {
        select_user!(concat!(
            "from users u where ",
            $place,
            $narrowed,
            " and ($2 is null or u.username like $2 escape '!' or u.email like $2 escape '!' \
             or u.claimed_email like $2 escape '!' or u.name_lower like $2 escape '!' or u.id = ",
            $id,
            ") order by ",
            $order,
            " limit $3"
        ))
    };
}

/// The same for a state of their accounts, if any is asked for.
macro_rules! page_by_state {
    ($state:expr, $place:literal, $id:literal, $narrowed:expr, $order:literal) => {
        match $state {
            None => page_of_users!($place, $id, $narrowed, $order),
            Some(AccountState::Active) => {
                page_of_users!(
                    $place,
                    $id,
                    concat!(" and u.disabled_at is null", $narrowed),
                    $order
                )
            }
            Some(AccountState::Disabled) => page_of_users!(
                $place,
                $id,
                concat!(" and u.disabled_at is not null and u.delete_at is null", $narrowed),
                $order
            ),
            Some(AccountState::ToBeDeleted) => {
                page_of_users!(
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
    ($filter:ident, $place:literal, $order:literal, [$id:literal, $next:literal, $last:literal]) => {
        match ($filter.manager.is_some(), $filter.role.is_some()) {
            (false, false) => page_by_state!($filter.state, $place, $id, "", $order),
            (false, true) => {
                page_by_state!($filter.state, $place, $id, concat!(" and u.role = ", $next), $order)
            }
            (true, false) => {
                page_by_state!($filter.state, $place, $id, looked_after!($next), $order)
            }
            (true, true) => page_by_state!(
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

/// The statement of [`list`] for such a filter.
#[must_use]
pub fn list_statement(filter: &UserFilter) -> &'static str {
    match filter.order {
        Order::Name(_) => {
            page_by_all!(filter, "u.username > $1", "u.username", ["$4", "$5", "$6"])
        }
        // From something behind the last one, so that the index is read from there.
        Order::NameDown(_) => page_by_all!(
            filter,
            "u.username < coalesce(nullif($1, ''), (select max(l.username) || 'a' from users l))",
            "u.username desc",
            ["$4", "$5", "$6"]
        ),
        Order::Newest(_) => page_by_all!(
            filter,
            "(u.created_at, u.id) < ($4, $1)",
            "u.created_at desc, u.id desc",
            ["$5", "$6", "$7"]
        ),
        Order::Oldest(_) => page_by_all!(
            filter,
            "(u.created_at, u.id) > ($4, $1)",
            "u.created_at, u.id",
            ["$5", "$6", "$7"]
        ),
    }
}

/// A page of users, each with their groups.
pub async fn list<'a>(sql: impl Sql<'a>, filter: &UserFilter) -> Result<Vec<User>, StoreError> {
    let mut sql = sql.into();
    let search = filter.search.as_deref();
    let statement = filter.order.bind(sql.query(list_statement(filter)), (search, filter.limit));
    let mut statement = statement.bind(search.map(str::trim));
    if let Some(manager) = &filter.manager {
        statement = statement.bind(manager);
    }
    if let Some(role) = filter.role {
        statement = statement.bind(role);
    }
    Ok(statement.all::<UserRow>().await?.into_iter().map(User::from).collect())
}
