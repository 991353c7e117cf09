//! Passwords as they are stored: PHC texts, each with its own parameters and salt.

use crate::clock::UnixTime;
use crate::protocol::types::UserId;
use crate::store::db::Sql;
use crate::store::db::repeated::Repeated;
use crate::store::error::StoreError;

/// What somebody gets who has no password yet.
#[derive(Debug, Clone, Copy)]
pub struct FirstPassword<'a> {
    pub user_id: &'a UserId,
    /// PHC text.
    pub phc: &'a str,
    pub changed_at: UnixTime,
}

/// A password that lets its person choose another one, and do nothing else.
#[derive(Debug, Clone, Copy)]
pub struct TemporaryPassword<'a> {
    /// PHC text.
    pub phc: &'a str,
    pub until: UnixTime,
    /// On whose word it stands, as the audit log names them; `None` when on nobody's.
    pub given_by: Option<&'a str>,
}

/// Sets or replaces the password hash (PHC text); the password is the person's own. `Conflict` if there is
/// no such user.
pub async fn set_password<'a>(
    sql: impl Sql<'a>,
    id: &UserId,
    phc: &str,
    now: UnixTime,
) -> Result<(), StoreError> {
    put(sql, id, (phc, None), now).await
}

/// As [`set_password`], with a password that only lets the person choose another one.
pub async fn set_temporary<'a>(
    sql: impl Sql<'a>,
    id: &UserId,
    password: &TemporaryPassword<'_>,
    now: UnixTime,
) -> Result<(), StoreError> {
    put(sql, id, (password.phc, Some((password.until, password.given_by))), now).await
}

/// The password in place of whatever was there; with until when and on whose word it is a temporary one.
async fn put<'a>(
    sql: impl Sql<'a>,
    id: &UserId,
    (phc, temporary): (&str, Option<(UnixTime, Option<&str>)>),
    now: UnixTime,
) -> Result<(), StoreError> {
    sql.into()
        .query(
            "insert into passwords (user_id, phc, changed_at, temporary_until, temporary_by) \
             values ($1, $2, $3, $4, $5) \
             on conflict (user_id) do update set phc = excluded.phc, changed_at = excluded.changed_at, \
             temporary_until = excluded.temporary_until, temporary_by = excluded.temporary_by",
        )
        .bind(id)
        .bind(phc)
        .bind(now)
        .bind(temporary.map(|(until, _)| until))
        .bind(temporary.and_then(|(_, given_by)| given_by))
        .execute()
        .await
        .map(drop)
}

/// Puts a password of the person's own in the place of this temporary one, in one atomic statement: of any
/// number of callers exactly one gets `true`. `false` also when it has expired, or is another one by now.
pub async fn replace_temporary<'a>(
    sql: impl Sql<'a>,
    id: &UserId,
    (before, phc): (&str, &str),
    now: UnixTime,
) -> Result<bool, StoreError> {
    let replaced = sql
        .into()
        .query(
            "update passwords set phc = $3, changed_at = $4, temporary_until = null, \
             temporary_by = null where user_id = $1 and phc = $2 and temporary_until > $4",
        )
        .bind(id)
        .bind(before)
        .bind(phc)
        .bind(now)
        .execute()
        .await?;
    Ok(replaced == 1)
}

/// The hash (PHC text) of a temporary password that has not expired, and on whose word it stands; `None` for
/// somebody who has none.
pub async fn temporary<'a>(
    sql: impl Sql<'a>,
    id: &UserId,
    now: UnixTime,
) -> Result<Option<(String, Option<String>)>, StoreError> {
    sql.into()
        .query(
            "select phc, temporary_by from passwords where user_id = $1 and temporary_until > $2",
        )
        .bind(id)
        .bind(now)
        .optional()
        .await
}

static ADD: Repeated =
    Repeated::new("insert into passwords (user_id, phc, changed_at) values ", "(?, ?, ?)", "")
        .at_most(256);

/// Gives passwords to people who have none. `Conflict` if one of them has one, or is not there.
pub async fn add_passwords<'a>(
    sql: impl Sql<'a>,
    passwords: &[FirstPassword<'_>],
) -> Result<(), StoreError> {
    let mut sql = sql.into();
    for (text, page) in ADD.pages(passwords) {
        let bound = page.iter().fold(sql.query(text), |statement, password| {
            statement.bind(password.user_id).bind(password.phc).bind(password.changed_at)
        });
        bound.execute().await?;
    }
    Ok(())
}

/// Replaces the hash of a password by another one of the same password; nothing happens when the
/// password has changed since `before` was read.
pub async fn rehash<'a>(
    sql: impl Sql<'a>,
    id: &UserId,
    (before, phc): (&str, &str),
) -> Result<(), StoreError> {
    sql.into()
        .query("update passwords set phc = $3 where user_id = $1 and phc = $2")
        .bind(id)
        .bind(before)
        .bind(phc)
        .execute()
        .await
        .map(drop)
}

/// Takes the password away; `false` if there was none.
pub async fn remove_password<'a>(sql: impl Sql<'a>, id: &UserId) -> Result<bool, StoreError> {
    let removed =
        sql.into().query("delete from passwords where user_id = $1").bind(id).execute().await?;
    Ok(removed == 1)
}

/// The stored password hash (PHC text); `None` for somebody without a password.
pub async fn password<'a>(sql: impl Sql<'a>, id: &UserId) -> Result<Option<String>, StoreError> {
    let row = sql
        .into()
        .query("select phc from passwords where user_id = $1")
        .bind(id)
        .optional::<(String,)>()
        .await?;
    Ok(row.map(|(phc,)| phc))
}

/// The ids and password hashes (PHC texts) of the users whose username is behind the first and not
/// behind the second. Temporary passwords are not among them: elsewhere they would be lasting ones.
pub async fn passwords_between<'a>(
    sql: impl Sql<'a>,
    (after, last): (&str, &str),
) -> Result<Vec<(String, String)>, StoreError> {
    sql.into()
        .query(
            "select p.user_id, p.phc from users u join passwords p on p.user_id = u.id \
             where u.username > $1 and u.username <= $2 and p.temporary_until is null",
        )
        .bind(after)
        .bind(last)
        .all()
        .await
}
