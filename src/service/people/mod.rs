//! People: the accounts, and what administrators do with them. What an administrator may do with whom is
//! asked inside the transaction of each change ([`authority`]), whatever the way in has asked before.

pub mod allowed;
pub(in crate::service) mod authority;
mod checks;
pub mod console_access;
pub mod deletion;
pub(in crate::service) mod edits;
pub mod export;
pub mod first_owner;
pub mod group_names;
pub mod group_version;
pub mod groups;
pub mod import;
pub mod links;
pub(in crate::service) mod newcomers;
pub mod provisioning;
pub mod temporary;
pub(in crate::service) mod told;

use crate::app::App;
use crate::clock::UnixTime;
use crate::crypto::secret;
use crate::mail::Letter;
use crate::protocol::app_roles::AppRoles;
use crate::protocol::password_policy::{self, PasswordRefusal};
use crate::protocol::rights::Right;
use crate::protocol::types::UserId;
use crate::protocol::user::{AdminRole, Profile, User};
use crate::service::api::ending::end_keys;
use crate::service::audit::{Actor, Event};
use crate::service::clients::Activity;
use crate::service::failure::Failure;
use crate::service::mail;
use crate::service::revocation::Spread;
use crate::service::session::{ended_by, everywhere};
use crate::service::sign_in::normalize_login;
use crate::store::links::LinkKind;
use crate::store::users::{self, TemporaryPassword, UserFilter};
use crate::store::{StoreError, Tx, audit, groups as group_rows, links as link_rows, sessions};

use authority::Authority;
pub(in crate::service) use authority::SERVICE_ROLE;
pub use checks::{LONGEST_EMAIL, LONGEST_GROUP, LONGEST_NAME, LONGEST_USERNAME};
pub(crate) use checks::{
    check_email, check_external_id, check_groups, check_name, check_profile, check_username,
};
pub use edits::{DirectoryEdit, Edit, RoleEdit, update_if};
use edits::{vouched, write};

/// Why an account could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    #[error("there is no such person")]
    NotFound,
    #[error("this user name or e-mail address is taken")]
    Taken,
    #[error("{field}: {problem}")]
    Invalid { field: &'static str, problem: String },
    #[error("{0}")]
    Password(#[from] PasswordRefusal),
    #[error("this is the last owner; make somebody else an owner first")]
    LastOwner,
    /// Whoever asked may not do it, or not with this person.
    #[error("this is not yours to change")]
    NotYours,
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StoreError> for PeopleError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => Self::Taken,
            other => Self::Failure(other.into()),
        }
    }
}

impl PeopleError {
    pub(in crate::service) fn invalid(field: &'static str, problem: &str) -> Self {
        Self::Invalid { field, problem: problem.to_owned() }
    }
}

/// An account being made.
#[derive(Debug, Clone, Default)]
pub struct NewPerson {
    pub username: String,
    pub name: Option<String>,
    pub email: Option<String>,
    pub email_verified: bool,
    pub profile: Profile,
    /// What a directory calls them.
    pub external_id: Option<String>,
    /// Made, but not to be used yet.
    pub disabled: bool,
    pub groups: Vec<String>,
    pub role: Option<AdminRole>,
    /// `None` makes an account that cannot sign in until a password is set.
    pub password: Option<String>,
}

/// Makes an account.
///
/// # Errors
/// [`PeopleError`].
pub async fn create(app: &App, new: NewPerson, actor: &Actor) -> Result<User, PeopleError> {
    let (mut user, phc) = prepare(app, new).await?;
    let mut tx = app.store.begin().await?;
    let authority = Authority::of(&mut tx, actor, None).await?;
    authority.let_in(&user)?;
    user.email_verified &= authority.may(Right::PeopleVouch);
    user.profile = vouched(&authority, (&Profile::default(), user.profile));
    let made = insert(&mut tx, &user, phc.as_deref()).await?;
    told::write(&mut tx, told::creation((&user, &made), actor)).await?;
    tx.commit().await?;
    Ok(user)
}

/// Checks everything about a new account and hashes its password; writes nothing.
pub(crate) async fn prepare(
    app: &App,
    new: NewPerson,
) -> Result<(User, Option<String>), PeopleError> {
    let now = app.now();
    let user = User {
        id: UserId::new(secret::opaque_id()),
        username: check_username(&new.username)?,
        email: check_email(new.email)?,
        email_verified: new.email_verified,
        name: check_name(new.name)?,
        external_id: check_external_id(new.external_id)?,
        profile: check_profile(&new.profile)?,
        groups: check_groups(new.groups)?,
        app_roles: AppRoles::default(),
        role: new.role,
        disabled_at: new.disabled.then_some(now),
        delete_at: None,
        token_version: 0,
        created_at: now,
        updated_at: now,
    };
    let phc = match new.password {
        Some(password) => Some(hash(app, &user, password).await?),
        None => None,
    };
    Ok((user, phc))
}

/// Writes a checked account inside the caller's transaction, and gives the groups that were not there before.
pub(crate) async fn insert(
    tx: &mut Tx,
    user: &User,
    phc: Option<&str>,
) -> Result<Vec<String>, PeopleError> {
    users::insert(&mut *tx, user).await?;
    let made = group_rows::set_groups(&mut *tx, &user.id, &user.groups, user.created_at).await?;
    if let Some(phc) = phc {
        users::set_password(&mut *tx, &user.id, phc, user.created_at).await?;
    }
    Ok(made)
}

/// Checks a new password against the policy; what is known of the person makes it easier to guess.
pub(crate) fn check_password(
    app: &App,
    user: &User,
    password: &str,
) -> Result<(), PasswordRefusal> {
    let settings = app.settings();
    let mut context = vec![user.username.as_str(), settings.product_name.as_str()];
    context.extend(user.email.as_deref());
    context.extend(user.name.as_deref());
    password_policy::check(password, settings.password.min_length, &context)
}

/// Checks a new password against the policy and hashes it.
pub(crate) async fn hash(app: &App, user: &User, password: String) -> Result<String, PeopleError> {
    check_password(app, user, &password)?;
    Ok(app.passwords.hash(password).await.map_err(Failure::from)?)
}

/// Finds a person by id, user name or e-mail address.
///
/// # Errors
/// [`PeopleError::NotFound`] or a failure.
pub async fn find(app: &App, text: &str) -> Result<User, PeopleError> {
    if let Some(user) = users::by_id(&app.store.db, &UserId::new(text)).await? {
        return Ok(user);
    }
    users::by_login(&app.store.db, &normalize_login(text)).await?.ok_or(PeopleError::NotFound)
}

/// Those of these people who are there, in no order.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn find_all(app: &App, ids: &[UserId]) -> Result<Vec<User>, Failure> {
    Ok(users::by_ids(&app.store.db, ids).await?)
}

/// Whether somebody has a password, and so can sign in.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn has_password(app: &App, id: &UserId) -> Result<bool, Failure> {
    Ok(users::password(&app.store.db, id).await?.is_some())
}

/// The id of whoever this names: a user name, an e-mail address or an id. What names nobody is the id of somebody
/// who is deleted, of whom there are still events.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn id_of(app: &App, text: &str) -> Result<String, Failure> {
    match find(app, text).await {
        Ok(user) => Ok(user.id.to_string()),
        Err(PeopleError::Failure(failure)) => Err(failure),
        Err(_) => Ok(text.to_owned()),
    }
}

/// One page of people.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn search(app: &App, filter: &UserFilter) -> Result<Vec<User>, Failure> {
    Ok(users::list(&app.store.db, filter).await?)
}

/// Begins the transaction of a change of somebody's account, with them as they are and how far the word of
/// `actor` goes, which is far enough for it.
async fn begin_change(
    app: &App,
    id: &UserId,
    actor: &Actor,
) -> Result<(Tx, Authority, User), PeopleError> {
    let mut tx = app.store.begin().await?;
    users::hold_owners(&mut tx).await?;
    let authority = Authority::of(&mut tx, actor, Some(id)).await?;
    // Whoever changes them at this moment has done so, or waits.
    users::hold(&mut tx, id).await?;
    let before = users::by_id(&mut tx, id).await?.ok_or(PeopleError::NotFound)?;
    authority.change(&mut tx, Right::PeopleWrite, &before).await?;
    Ok((tx, authority, before))
}

/// Refuses, by leaving the transaction uncommitted, a change that left nobody in charge.
async fn keep_an_owner(tx: &mut Tx, before: &User) -> Result<(), PeopleError> {
    let was_owner = before.role == Some(AdminRole::Owner) && before.disabled_at.is_none();
    if was_owner && users::count_enabled_owners(&mut *tx).await? == 0 {
        return Err(PeopleError::LastOwner);
    }
    Ok(())
}

/// Disables an account, which ends everything it has at once, or enables it again, which brings
/// nothing back.
///
/// # Errors
/// [`PeopleError`].
pub async fn set_activity(
    app: &App,
    id: &UserId,
    activity: Activity,
    actor: &Actor,
) -> Result<(), PeopleError> {
    spread_activity(app, id, activity, actor).await?.outlive_copies().await;
    Ok(())
}

/// As [`set_activity`], for work that goes on: what comes back is to be waited for before it is acknowledged.
///
/// # Errors
/// [`PeopleError`].
pub(in crate::service) async fn spread_activity(
    app: &App,
    id: &UserId,
    activity: Activity,
    actor: &Actor,
) -> Result<Spread, PeopleError> {
    let now = app.now();
    let (mut tx, _, before) = begin_change(app, id, actor).await?;
    match activity {
        Activity::Enabled => {
            users::set_disabled(&mut tx, id, None, now).await?;
            audit::append(&mut tx, &told::enabled(&before, (actor, now)).into_row()).await?;
            tx.commit().await?;
            Ok(Spread::default())
        }
        Activity::Disabled => {
            disable(&mut tx, &before, now).await?;
            let event = Event::success("user.disabled", actor, now).user(id);
            Ok(spread_end(app, tx, (id, actor, event)).await?)
        }
    }
}

/// Disables somebody who is held, before everything of theirs ends in the same transaction.
async fn disable(tx: &mut Tx, before: &User, now: UnixTime) -> Result<(), PeopleError> {
    users::set_disabled(&mut *tx, &before.id, Some(now), now).await?;
    withdraw_links(tx, &before.id).await?;
    sessions::hold_of_user(&mut *tx, &before.id).await?;
    // Why is not asked; it may be that somebody else was at work.
    sessions::disown_living(&mut *tx, &before.id).await?;
    keep_an_owner(tx, before).await
}

/// Sets a password and signs the person out everywhere: whoever knew the old one is gone.
///
/// # Errors
/// [`PeopleError`].
pub async fn set_password(
    app: &App,
    id: &UserId,
    password: String,
    actor: &Actor,
) -> Result<(), PeopleError> {
    let user = users::by_id(&app.store.db, id).await?.ok_or(PeopleError::NotFound)?;
    let phc = hash(app, &user, password).await?;
    put_password(app, &user, (&phc, None), actor).await
}

/// Puts a password, by its hash (PHC text), in the place of the one that a person has, tells them, and signs
/// them out everywhere. With a time it is a temporary one until then.
async fn put_password(
    app: &App,
    user: &User,
    (phc, temporary_until): (&str, Option<UnixTime>),
    actor: &Actor,
) -> Result<(), PeopleError> {
    let (id, now) = (&user.id, app.now());
    let mut tx = app.store.begin().await?;
    let authority = Authority::of(&mut tx, actor, Some(id)).await?;
    if !users::hold(&mut tx, id).await? {
        return Err(PeopleError::NotFound);
    }
    authority.change_by_id(&mut tx, Right::PeopleWrite, id).await?;
    let event = Event::success("user.password_set", actor, now).user(id);
    let event = match temporary_until {
        None => {
            users::set_password(&mut tx, id, phc, now).await?;
            event
        }
        Some(until) => {
            let given_by = authority::vouching(actor);
            let temporary = TemporaryPassword { phc, until, given_by: given_by.as_deref() };
            users::set_temporary(&mut tx, id, &temporary, now).await?;
            event.detail("temporary_until", until.rfc3339())
        }
    };
    told_of_password(app, &mut tx, user).await?;
    Ok(end_everything(app, tx, (id, actor, event)).await?)
}

/// Tells the owner of an account that its password is another one now. Letters about sign-ins before
/// have done their work: their links would make the new password useless, too.
pub(crate) async fn told_of_password(app: &App, tx: &mut Tx, user: &User) -> Result<(), Failure> {
    withdraw_links(tx, &user.id).await?;
    let letter = Letter::PasswordChanged { username: user.username.clone(), at: app.now() };
    mail::enqueue(app, tx, user, letter).await
}

/// Makes every link that was sent to a person useless.
async fn withdraw_links(tx: &mut Tx, id: &UserId) -> Result<(), StoreError> {
    for kind in [LinkKind::NotMe, LinkKind::PasswordReset] {
        link_rows::revoke_all(&mut *tx, kind, Some(id)).await?;
    }
    Ok(())
}

/// Ends all sessions and grants of a person together with the change that `tx` carries and `actor`
/// makes, commits, and publishes.
pub(crate) async fn end_everything(
    app: &App,
    tx: Tx,
    (id, actor, event): (&UserId, &Actor, Event),
) -> Result<(), Failure> {
    spread_end(app, tx, (id, actor, event)).await?.outlive_copies().await;
    Ok(())
}

/// As [`end_everything`], for work that goes on: what comes back is to be waited for before it is acknowledged.
async fn spread_end(
    app: &App,
    mut tx: Tx,
    (id, actor, event): (&UserId, &Actor, Event),
) -> Result<Spread, Failure> {
    let now = app.now();
    let ended = everywhere::end_all(app, &mut tx, id).await?;
    end_keys(&mut tx, id, (actor, now)).await?;
    let pending = ended.record(&mut tx, (id, now)).await?;
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    Ok(ended.spread(app, pending, ended_by(actor, id)).await)
}
