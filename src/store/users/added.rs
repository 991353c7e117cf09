//! People as they are added. Username and e-mail address are both accepted at sign-in and must name one
//! person, so neither may be one of somebody else's, whichever of the two.

use std::collections::HashSet;

use super::{logins, lower};
use crate::protocol::types::UserId;
use crate::protocol::user::User;
use crate::store::db::columns::Json;
use crate::store::db::repeated::Repeated;
use crate::store::db::{Sql, Statement};
use crate::store::error::StoreError;

/// What [`columns`] binds, in this order.
macro_rules! insert_into_users {
    ($rest:literal) => {
        concat!(
            "insert into users (id, username, email, email_verified, name, name_lower, profile, ",
            "role, disabled_at, token_version, created_at, updated_at, external_id) ",
            $rest
        )
    };
}

/// Adds those whose username nobody has as an e-mail address, nor the other way round; what somebody has
/// as the same is a conflict. They are counted, since PostgreSQL makes a join of `not exists`, and while it
/// believes that the table is small, one that reads all of it.
static MANY: Repeated = Repeated::new(
    insert_into_users!(
        "select v.column1, v.column2, v.column3, v.column4, v.column5, v.column6, v.column7, \
         v.column8, v.column9, v.column10, v.column11, v.column12, v.column13 from (values "
    ),
    "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    ") v where (select count(*) from users u where u.username = v.column3) = 0 \
     and (select count(*) from users u where u.email = v.column2) = 0 \
     on conflict do nothing returning id",
)
.at_most(64);

/// Adds a user without groups. `Conflict` when the username or e-mail address is taken, also as
/// the other one of somebody else.
pub async fn insert<'a>(sql: impl Sql<'a>, user: &User) -> Result<(), StoreError> {
    let mut sql = sql.into();
    let statement = sql.query(insert_into_users!(
        "select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13 \
         where not exists (select 1 from users where username = $3 or email = $2)"
    ));
    let added = columns(statement, user).execute().await?;
    if added == 1 { Ok(()) } else { Err(StoreError::Conflict) }
}

/// As [`insert`], for many at once, and gives the ids of those who were added: the others, whose id,
/// username or e-mail address is taken, are left out, and the caller's transaction can go on. No two of
/// `people` may have any of these in common.
pub async fn insert_untaken<'a>(
    sql: impl Sql<'a>,
    people: &[&User],
) -> Result<HashSet<UserId>, StoreError> {
    let mut sql = sql.into();
    // One order for everybody, so that two who add the same people do not wait for each other.
    let mut people = people.to_vec();
    people.sort_by(|one, other| one.username.cmp(&other.username));
    let mut added = HashSet::with_capacity(people.len());
    for (text, page) in MANY.pages(&people) {
        let bound = page.iter().fold(sql.query(text), |statement, user| columns(statement, user));
        added.extend(bound.all::<(UserId,)>().await?.into_iter().map(|(id,)| id));
    }
    Ok(added)
}

/// Binds the columns of [`insert_into_users`].
fn columns<'a>(statement: Statement<'a>, user: &User) -> Statement<'a> {
    let (username, email) = logins(user);
    statement
        .bind(&user.id)
        .bind(username)
        .bind(email)
        .bind(user.email_verified)
        .bind(&user.name)
        .bind(lower(user.name.as_deref()))
        .bind(Json(&user.profile))
        .bind(user.role)
        .bind(user.disabled_at)
        .bind(user.token_version)
        .bind(user.created_at)
        .bind(user.updated_at)
        .bind(&user.external_id)
}
