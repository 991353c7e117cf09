//! People; in [`added`], how they come in, one or many at once; in [`passwords`], what proves who they are;
//! in [`listed`], pages of them; in [`several`], some with a few statements; in [`found`], those a directory asks for;
//! in [`leaving`], those who are deleted later.

mod added;
mod passwords;

use sqlx_macros::FromRow;

use super::db::Sql;
use super::error::StoreError;
use crate::clock::UnixTime;
use crate::protocol::types::{ClientId, OrganisationId, UserId};
use crate::protocol::user::{AdminRole, Footing, Profile, User};
use crate::store::db::columns::Json;

pub use added::{insert, insert_untaken};
pub use found::{PersonMatch, match_people};
pub use listed::{UserFilter, found_statement, list, list_statement};
pub use passwords::{
    FirstPassword, TemporaryPassword, add_passwords, password, passwords_between, rehash,
    remove_password, replace_temporary, set_password, set_temporary, temporary,
};
pub(in crate::store) use several::together;
pub use several::{by_ids, by_usernames, hold_all};

/// Stands between group names in one column; no group name may hold it.
const BETWEEN_GROUPS: char = '\u{1f}';

/// Stands between an app and a role there.
const BETWEEN_APP_AND_ROLE: char = '\u{1e}';

/// The columns of a user. The separators in the text are [`BETWEEN_GROUPS`] and [`BETWEEN_APP_AND_ROLE`].
macro_rules! select_user {
    ($($rest:tt)*) => {
        concat!(
            "select u.id, u.username, coalesce(u.email, u.claimed_email) as email, u.email_verified, u.name, u.external_id, u.profile, u.role, ",
            "u.disabled_at, u.delete_at, u.token_version, u.sign_in_epoch, u.signed_in_at, u.created_at, u.updated_at, ",
            "(select string_agg(ig.name, '\u{1f}') from user_groups ug join groups ig on ig.id = ug.group_id ",
            "where ug.user_id = u.id) as group_names, ",
            "(select string_agg(r.client_id || '\u{1e}' || r.role_name, '\u{1f}') from ",
            "(select ur.client_id, ur.role_name from user_roles ur where ur.user_id = u.id ",
            "union select gr.client_id, gr.role_name from user_groups ig join group_roles gr ",
            "on gr.group_id = ig.group_id where ig.user_id = u.id) r) as app_roles ",
            $($rest)*
        )
    };
}

#[derive(FromRow)]
struct UserRow {
    id: UserId,
    username: String,
    email: Option<String>,
    email_verified: bool,
    name: Option<String>,
    external_id: Option<String>,
    profile: Json<Profile>,
    role: Option<AdminRole>,
    disabled_at: Option<UnixTime>,
    delete_at: Option<UnixTime>,
    token_version: i64,
    created_at: UnixTime,
    updated_at: UnixTime,
    group_names: Option<String>,
    app_roles: Option<String>,
}

#[derive(FromRow)]
struct UserWithPasswordRow {
    #[sqlx(flatten)]
    user: UserRow,
    sign_in_epoch: i64,
    signed_in_at: Option<UnixTime>,
    phc: Option<String>,
    temporary_until: Option<UnixTime>,
}

/// What a sign-in has to know of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    pub user: User,
    /// The stored password hash (PHC text), if there is one.
    pub phc: Option<String>,
    /// Until when the password lets them choose another one, and do nothing else; `None` for one of their own.
    pub temporary_until: Option<UnixTime>,
    pub footing: Footing,
    /// When they last signed in; `None` if they never have.
    pub signed_in_at: Option<UnixTime>,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        let names = row.group_names.unwrap_or_default();
        let mut groups: Vec<String> = names
            .split(BETWEEN_GROUPS)
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        groups.sort();
        let roles = row.app_roles.unwrap_or_default();
        let app_roles = roles
            .split(BETWEEN_GROUPS)
            .filter_map(|pair| pair.split_once(BETWEEN_APP_AND_ROLE))
            .map(|(client, role)| (ClientId::new(client), role.to_owned()))
            .collect();
        Self {
            id: row.id,
            username: row.username,
            email: row.email,
            email_verified: row.email_verified,
            name: row.name,
            external_id: row.external_id,
            profile: row.profile.0,
            groups,
            app_roles,
            role: row.role,
            disabled_at: row.disabled_at,
            delete_at: row.delete_at,
            token_version: row.token_version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// Keeps the address that somebody without one claims to have, in lower case: others may claim it,
/// too, and nobody signs in with it. `false` if there is no such user, or they have one.
pub async fn claim_email<'a>(
    sql: impl Sql<'a>,
    id: &UserId,
    email: &str,
) -> Result<bool, StoreError> {
    let changed = sql
        .into()
        .query("update users set claimed_email = $2 where id = $1 and email is null")
        .bind(id)
        .bind(lower(Some(email.trim())))
        .execute()
        .await?;
    Ok(changed == 1)
}

/// Writes username, e-mail, name, profile, role, external id and `updated_at`; `false` if there is no such user.
/// A claimed address stays one, unless it is verified now or another one takes its place.
/// What has a function of its own (disabled, token version, groups, password) stays as it is.
/// `Conflict` as for [`insert`].
pub async fn update<'a>(sql: impl Sql<'a>, user: &User) -> Result<bool, StoreError> {
    let mut sql = sql.into();
    let (username, email) = logins(user);
    let taken = sql
        .query(
            "select cast(count(*) as bigint) from users other where other.id <> $1 and \
             (other.email = $2 or other.username = $3 and not exists (select 1 from users own \
             where own.id = $1 and own.claimed_email = $3 and not $4))",
        )
        .bind(&user.id)
        .bind(&username)
        .bind(&email)
        .bind(user.email_verified)
        .one::<(i64,)>()
        .await?;
    if taken.0 > 0 {
        return Err(StoreError::Conflict);
    }
    let changed = sql
        .query(
            "update users set username = $2, \
             email = case when claimed_email = $3 and not $4 then null else $3 end, \
             claimed_email = case when claimed_email = $3 and not $4 then claimed_email end, \
             email_verified = $4, name = $5, name_lower = $6, profile = $7, role = $8, \
             updated_at = $9, external_id = $10 where id = $1",
        )
        .bind(&user.id)
        .bind(&username)
        .bind(&email)
        .bind(user.email_verified)
        .bind(&user.name)
        .bind(lower(user.name.as_deref()))
        .bind(Json(&user.profile))
        .bind(user.role)
        .bind(user.updated_at)
        .bind(&user.external_id)
        .execute()
        .await?;
    Ok(changed == 1)
}

/// The user with this `sub`.
pub async fn by_id<'a>(sql: impl Sql<'a>, id: &UserId) -> Result<Option<User>, StoreError> {
    let row = sql
        .into()
        .query(select_user!("from users u where u.id = $1"))
        .bind(id)
        .optional::<UserRow>()
        .await?;
    Ok(row.map(User::from))
}

/// The user who signs in with this username or e-mail address, in any case.
pub async fn by_login<'a>(sql: impl Sql<'a>, login: &str) -> Result<Option<User>, StoreError> {
    let row = sql
        .into()
        .query(select_user!(
            "from users u where u.username = $1 or u.email = $1 \
             order by case when u.username = $1 then 0 else 1 end limit 1"
        ))
        .bind(login.trim().to_lowercase())
        .optional::<UserRow>()
        .await?;
    Ok(row.map(User::from))
}

/// As [`by_login`], with what a sign-in needs in the same trip.
pub async fn with_password<'a>(
    sql: impl Sql<'a>,
    login: &str,
) -> Result<Option<Login>, StoreError> {
    let row = sql
        .into()
        .query(concat!(
            "select found.*, p.phc, p.temporary_until from (",
            select_user!(
                "from users u where u.username = $1 or u.email = $1 \
                 order by case when u.username = $1 then 0 else 1 end limit 1"
            ),
            ") as found left join passwords p on p.user_id = found.id"
        ))
        .bind(login.trim().to_lowercase())
        .optional::<UserWithPasswordRow>()
        .await?;
    Ok(row.map(|row| {
        let user = User::from(row.user);
        let footing =
            Footing { token_version: user.token_version, sign_in_epoch: row.sign_in_epoch };
        let (phc, temporary_until) = (row.phc, row.temporary_until);
        Login { user, phc, temporary_until, footing, signed_in_at: row.signed_in_at }
    }))
}

mod found;
pub mod leaving;
mod listed;
mod several;

/// The statement of [`of_group`]: name of the group, username before the page, most rows. However many are in
/// the group, the page is read from the index in its order.
pub const OF_GROUP: &str = select_user!(
    "from user_groups m join users u on u.id = m.user_id \
     where m.group_id = (select g.id from groups g where g.name = $1) \
     and m.username > $2 order by m.username limit $3"
);

/// A page of those in a group by username, behind `after`.
pub async fn of_group<'a>(
    sql: impl Sql<'a>,
    (group, after): (&str, Option<&str>),
    limit: i64,
) -> Result<Vec<User>, StoreError> {
    page_of(sql, (OF_GROUP, group), (after, limit)).await
}

/// The statement of [`of_organisation`]: id of the organisation, username before the page, most rows. It is read
/// from the index in its order as well.
pub const OF_ORGANISATION: &str = select_user!(
    "from organisation_members m join users u on u.id = m.user_id \
     where m.organisation_id = $1 and m.username > $2 order by m.username limit $3"
);

/// A page of those in an organisation by username, behind `after`.
pub async fn of_organisation<'a>(
    sql: impl Sql<'a>,
    (organisation, after): (&OrganisationId, Option<&str>),
    limit: i64,
) -> Result<Vec<User>, StoreError> {
    page_of(sql, (OF_ORGANISATION, organisation.as_str()), (after, limit)).await
}

async fn page_of<'a>(
    sql: impl Sql<'a>,
    (statement, what): (&'static str, &str),
    (after, limit): (Option<&str>, i64),
) -> Result<Vec<User>, StoreError> {
    let rows = sql
        .into()
        .query(statement)
        .bind(what)
        .bind(after.unwrap_or_default())
        .bind(limit)
        .all::<UserRow>()
        .await?;
    Ok(rows.into_iter().map(User::from).collect())
}

/// Disables (`Some`) or enables (`None`) an account, which is then not to be deleted any more; `false` if
/// there is no such user.
pub async fn set_disabled<'a>(
    sql: impl Sql<'a>,
    id: &UserId,
    disabled_at: Option<UnixTime>,
    now: UnixTime,
) -> Result<bool, StoreError> {
    let changed = sql
        .into()
        .query(
            "update users set disabled_at = $2, updated_at = $3, \
             delete_at = case when $2 is null then null else delete_at end where id = $1",
        )
        .bind(id)
        .bind(disabled_at)
        .bind(now)
        .execute()
        .await?;
    Ok(changed == 1)
}

/// Raises the version below which tokens of this user are dead and returns the new one;
/// 0 if there is no such user.
pub async fn raise_token_version<'a>(sql: impl Sql<'a>, id: &UserId) -> Result<i64, StoreError> {
    let raised = sql
        .into()
        .query("update users set token_version = token_version + 1 where id = $1 returning token_version")
        .bind(id)
        .optional::<(i64,)>()
        .await?;
    Ok(raised.map_or(0, |(version,)| version))
}

/// Holds a person until the caller's transaction is over, so that of two who make and end sessions of
/// theirs one waits for the other; `false` if there is no such person.
pub async fn hold<'a>(sql: impl Sql<'a>, id: &UserId) -> Result<bool, StoreError> {
    // A write that changes nothing locks the row on both databases.
    let held = sql
        .into()
        .query("update users set token_version = token_version where id = $1")
        .bind(id)
        .execute()
        .await?;
    Ok(held == 1)
}

/// Like [`hold`]; `false` also when the person was disabled, or everything of theirs ended, since this
/// token version was read.
pub async fn hold_at_version<'a>(
    sql: impl Sql<'a>,
    id: &UserId,
    token_version: i64,
) -> Result<bool, StoreError> {
    let held = sql
        .into()
        .query(
            "update users set token_version = token_version where id = $1 and token_version = $2 \
             and disabled_at is null",
        )
        .bind(id)
        .bind(token_version)
        .execute()
        .await?;
    Ok(held == 1)
}

/// Deletes a user and everything that belongs to them, except history; `false` if there is none.
pub async fn delete<'a>(sql: impl Sql<'a>, id: &UserId) -> Result<bool, StoreError> {
    let deleted = sql.into().query("delete from users where id = $1").bind(id).execute().await?;
    Ok(deleted == 1)
}

/// Whether anybody has ever been made owner: the server is set up.
pub async fn owner_exists<'a>(sql: impl Sql<'a>) -> Result<bool, StoreError> {
    let (found,) = sql
        .into()
        .query("select exists (select 1 from users where role = $1)")
        .bind(AdminRole::Owner)
        .one::<(bool,)>()
        .await?;
    Ok(found)
}

/// How many owners can sign in.
pub async fn count_enabled_owners<'a>(sql: impl Sql<'a>) -> Result<i64, StoreError> {
    let (count,) = sql
        .into()
        .query("select cast(count(*) as bigint) from users where role = $1 and disabled_at is null")
        .bind(AdminRole::Owner)
        .one::<(i64,)>()
        .await?;
    Ok(count)
}

/// Makes other transactions that call this wait until this one ends. Call it before counting
/// owners in a transaction that may remove one, so that two cannot each remove "not the last". `false` when there
/// is no owner, and so nobody waits.
pub async fn hold_owners<'a>(sql: impl Sql<'a>) -> Result<bool, StoreError> {
    let held = sql
        .into()
        .query("update users set role = role where role = $1")
        .bind(AdminRole::Owner)
        .execute()
        .await?;
    Ok(held > 0)
}

/// Of the users whose username is behind the first and not behind the second, those who only claim
/// their e-mail address.
pub async fn claimants_between<'a>(
    sql: impl Sql<'a>,
    (after, last): (&str, &str),
) -> Result<Vec<UserId>, StoreError> {
    let rows = sql
        .into()
        .query(
            "select id from users where username > $1 and username <= $2 and email is null \
             and claimed_email is not null",
        )
        .bind(after)
        .bind(last)
        .all::<(UserId,)>()
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// The username as it is stored: in lower case.
pub(super) fn stored_username(user: &User) -> String {
    user.username.trim().to_lowercase()
}

/// Username and e-mail as they are stored: in lower case.
fn logins(user: &User) -> (String, Option<String>) {
    (stored_username(user), lower(user.email.as_deref().map(str::trim)))
}

fn lower(text: Option<&str>) -> Option<String> {
    text.map(str::to_lowercase)
}
