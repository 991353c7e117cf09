//! Pages of people, in the order that somebody chooses.

use super::UserRow;
use crate::protocol::types::UserId;
use crate::protocol::user::User;
use crate::store::db::Sql;
use crate::store::error::StoreError;
use crate::store::order::Order;

/// Which users to list.
#[derive(Debug, Clone, Default)]
pub struct UserFilter {
    /// The beginning of a username, e-mail address or name, in any case.
    pub search: Option<String>,
    /// By what, and where the last page ended.
    pub order: Order,
    /// Most rows to return.
    pub limit: i64,
    /// Only those who are in a group that this person looks after.
    pub manager: Option<UserId>,
}

/// The users behind a place ($1, and $4 where it is a time) that a search ($2) finds, at most $3.
macro_rules! page_of_users {
    ($place:literal, $more:expr, $order:literal) => {
        select_user!(concat!(
            "from users u where ",
            $place,
            " and ($2 is null or u.username like $2 escape '!' or u.email like $2 escape '!' \
             or u.claimed_email like $2 escape '!' or u.name_lower like $2 escape '!') ",
            $more,
            "order by ",
            $order,
            " limit $3"
        ))
    };
}

/// The same for everybody, and for those whom somebody looks after, who is this parameter.
macro_rules! page_of_all_or_some {
    ($place:literal, $order:literal, $manager:literal) => {
        (
            page_of_users!($place, "", $order),
            page_of_users!(
                $place,
                concat!(
                    "and u.id in (select m.user_id from group_managers g join user_groups m ",
                    "on m.group_id = g.group_id where g.user_id = ",
                    $manager,
                    ") "
                ),
                $order
            ),
        )
    };
}

/// A page of users, each with their groups.
pub async fn list<'a>(sql: impl Sql<'a>, filter: &UserFilter) -> Result<Vec<User>, StoreError> {
    let (all, some) = match filter.order {
        Order::Name(_) => page_of_all_or_some!("u.username > $1", "u.username", "$4"),
        // From something behind the last one, so that the index is read from there.
        Order::NameDown(_) => page_of_all_or_some!(
            "u.username < coalesce(nullif($1, ''), (select max(l.username) || 'a' from users l))",
            "u.username desc",
            "$4"
        ),
        Order::Newest(_) => page_of_all_or_some!(
            "(u.created_at, u.id) < ($4, $1)",
            "u.created_at desc, u.id desc",
            "$5"
        ),
        Order::Oldest(_) => {
            page_of_all_or_some!("(u.created_at, u.id) > ($4, $1)", "u.created_at, u.id", "$5")
        }
    };
    let mut sql = sql.into();
    let searched = (filter.search.as_deref(), filter.limit);
    let statement = match &filter.manager {
        None => filter.order.bind(sql.query(all), searched),
        Some(manager) => filter.order.bind(sql.query(some), searched).bind(manager),
    };
    Ok(statement.all::<UserRow>().await?.into_iter().map(User::from).collect())
}
