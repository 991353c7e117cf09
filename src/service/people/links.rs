//! One-time links: the first administrator's set-up link and password-reset links. Only the hash
//! is stored; looking at a link does not spend it, using it does, atomically.

use crate::app::App;
use crate::clock::{Seconds, UnixTime};
use crate::crypto::secret::{Secret, SecretHash};
use crate::protocol::api::ApiScope;
use crate::protocol::rights::Right;
use crate::protocol::types::{SessionId, UserId};
use crate::protocol::user::{AdminRole, User};
use crate::service::audit::{Actor, Event};
use crate::service::failure::Failure;
use crate::service::people::authority::{Authority, has_scopes, voucher, vouching};
use crate::service::people::{self, NewPerson, PeopleError};
use crate::store::links::{self, LinkKind, OneTimeLink};
use crate::store::{StoreError, Tx, audit, users};

/// How long a set-up or reset link works.
pub const LIFETIME: Seconds = 30 * 60;

/// Why a link did not work.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// Unknown, spent and expired look the same.
    #[error("this link has been used or has expired")]
    Spent,
    /// Setting up is over: there is an owner.
    #[error("Doorward is already set up")]
    AlreadySetUp,
    #[error(transparent)]
    People(#[from] PeopleError),
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StoreError> for LinkError {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}

/// Whether the first administrator is still to be made.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn needs_setup(app: &App) -> Result<bool, Failure> {
    Ok(!users::owner_exists(&app.store.db).await?)
}

/// Makes a set-up link; an earlier one stops working.
///
/// # Errors
/// [`LinkError::AlreadySetUp`] once there is an owner.
pub async fn create_setup_link(app: &App) -> Result<String, LinkError> {
    if !needs_setup(app).await? {
        return Err(LinkError::AlreadySetUp);
    }
    let mut tx = app.store.begin().await?;
    let secret = create_in(app, &mut tx, (LinkKind::Setup, None), &Actor::System).await?;
    tx.commit().await?;
    Ok(format!("{}/setup?token={}", app.issuer(), secret.expose()))
}

/// Makes a password-reset link for a person; an earlier one stops working.
///
/// # Errors
/// [`PeopleError::NotFound`], [`PeopleError::NotYours`] or a failure.
pub async fn create_reset_link(
    app: &App,
    user: &UserId,
    actor: &Actor,
) -> Result<String, LinkError> {
    if users::by_id(&app.store.db, user).await?.is_none() {
        return Err(PeopleError::NotFound.into());
    }
    let mut tx = app.store.begin().await?;
    let authority = Authority::of(&mut tx, actor, Some(user)).await?;
    authority.change_by_id(&mut tx, Right::PeopleWrite, user).await?;
    let kind = LinkKind::PasswordReset;
    let secret = create_in(app, &mut tx, (kind, Some(user)), actor).await?;
    tx.commit().await?;
    Ok(reset_url(app, &secret))
}

/// Where a reset link leads.
pub(crate) fn reset_url(app: &App, secret: &Secret) -> String {
    format!("{}/login/reset?token={}", app.issuer(), secret.expose())
}

/// Makes a link inside the caller's transaction; an earlier one stops working.
///
/// # Errors
/// [`Failure`] when SQL does not take it.
pub(crate) async fn create_in(
    app: &App,
    tx: &mut Tx,
    (kind, user): (LinkKind, Option<&UserId>),
    actor: &Actor,
) -> Result<Secret, Failure> {
    let now = app.now();
    if let Some(user) = user {
        users::hold(&mut *tx, user).await?;
    }
    links::revoke_all(&mut *tx, kind, user).await?;
    let secret = add(tx, About { kind, user, session: None, actor }, (now, LIFETIME)).await?;
    let mut event = Event::success("link.created", actor, now).detail("kind", kind.as_str());
    if let Some(user) = user {
        event = event.user(user);
    }
    audit::append(&mut *tx, &event.into_row()).await?;
    Ok(secret)
}

/// What a link is about.
pub(crate) struct About<'a> {
    pub kind: LinkKind,
    pub user: Option<&'a UserId>,
    pub session: Option<&'a SessionId>,
    /// Who makes it.
    pub actor: &'a Actor,
}

/// Stores a fresh link that works for so long from now, inside the caller's transaction. Others stay.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn add(
    tx: &mut Tx,
    about: About<'_>,
    (now, lifetime): (UnixTime, Seconds),
) -> Result<Secret, StoreError> {
    let secret = Secret::generate();
    let link = OneTimeLink {
        hash: secret.hash().as_str().to_owned(),
        kind: about.kind,
        user_id: about.user.cloned(),
        session_id: about.session.cloned(),
        made_by: vouching(about.actor),
        created_at: now,
        expires_at: now.plus(lifetime),
        used_at: None,
    };
    links::insert(&mut *tx, &link).await?;
    Ok(secret)
}

/// Whether a set-up link still works.
///
/// # Errors
/// [`LinkError`].
pub async fn check_setup(app: &App, token: &str) -> Result<(), LinkError> {
    if !needs_setup(app).await? {
        return Err(LinkError::AlreadySetUp);
    }
    live(app, (LinkKind::Setup, token)).await.map(|_| ())
}

/// The person a reset link is for.
///
/// # Errors
/// [`LinkError`].
pub async fn check_reset(app: &App, token: &str) -> Result<User, LinkError> {
    reset(app, token).await.map(|(user, _)| user)
}

/// The person a reset link is for, and on whose word it stands.
async fn reset(app: &App, token: &str) -> Result<(User, Option<String>), LinkError> {
    let link = live(app, (LinkKind::PasswordReset, token)).await?;
    let id = link.user_id.ok_or(LinkError::Spent)?;
    let user = users::by_id(&app.store.db, &id).await?;
    let user = user.filter(|user| user.disabled_at.is_none()).ok_or(LinkError::Spent)?;
    Ok((user, link.made_by))
}

/// Whether somebody on whose word something stands may still change this person: they may have lost their
/// role, or the account may open more than it did then. So may the key or the service it was made with have ended, or
/// have lost the scope.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub(super) async fn still_vouched(
    tx: &mut Tx,
    (made_by, now): (&str, UnixTime),
    user: &UserId,
) -> Result<bool, Failure> {
    let Some(actor) = voucher(&mut *tx, made_by).await? else { return Ok(false) };
    match ask_again(tx, (&actor, now), user).await {
        Ok(()) => Ok(true),
        Err(PeopleError::Failure(failure)) => Err(failure),
        Err(_) => Ok(false),
    }
}

/// Asks what was asked when it was made.
async fn ask_again(
    tx: &mut Tx,
    (actor, now): (&Actor, UnixTime),
    user: &UserId,
) -> Result<(), PeopleError> {
    let authority = Authority::of(&mut *tx, actor, Some(user)).await?;
    let person = users::by_id(&mut *tx, user).await?.ok_or(PeopleError::NotFound)?;
    authority.change(&mut *tx, Right::PeopleWrite, &person).await?;
    let mut needed = vec![ApiScope::UsersWrite];
    if person.role.is_some() {
        needed.push(ApiScope::AdministratorsWrite);
    }
    if has_scopes(tx, actor, (&needed, now)).await? { Ok(()) } else { Err(PeopleError::NotYours) }
}

async fn live(app: &App, (kind, token): (LinkKind, &str)) -> Result<OneTimeLink, LinkError> {
    let hash = SecretHash::of(token);
    links::live(&app.store.db, hash.as_str(), app.now())
        .await?
        .filter(|link| link.kind == kind)
        .ok_or(LinkError::Spent)
}

/// Makes the first administrator. Spending the link and making the account are one transaction, so
/// two people with the same link make one account.
///
/// # Errors
/// [`LinkError`]; the link survives a refused password or name.
pub async fn redeem_setup(app: &App, token: &str, person: NewPerson) -> Result<User, LinkError> {
    check_setup(app, token).await?;
    let person = NewPerson { role: Some(AdminRole::Owner), ..person };
    let (user, phc) = people::prepare(app, person).await?;
    let now = app.now();
    let mut tx = app.store.begin().await?;
    spend(&mut tx, token, now).await?;
    if users::owner_exists(&mut tx).await? {
        return Err(LinkError::AlreadySetUp);
    }
    // The first owner; the event says so.
    let _ = people::insert(&mut tx, &user, phc.as_deref()).await?;
    let event = Event::success("setup.completed", &Actor::Anonymous, now).user(&user.id);
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    Ok(user)
}

/// Sets a new password and signs the person out everywhere else; nobody is signed in by it.
///
/// # Errors
/// [`LinkError`]; the link survives a refused password.
pub async fn redeem_reset(app: &App, token: &str, password: String) -> Result<User, LinkError> {
    let (user, made_by) = reset(app, token).await?;
    let phc = people::hash(app, &user, password).await?;
    let now = app.now();
    let mut tx = app.store.begin().await?;
    if let Some(made_by) = &made_by
        && !still_vouched(&mut tx, (made_by, now), &user.id).await?
    {
        return Err(LinkError::Spent);
    }
    // Before their link, as whoever disables an account and withdraws its links does.
    users::hold(&mut tx, &user.id).await?;
    spend(&mut tx, token, now).await?;
    users::set_password(&mut tx, &user.id, &phc, now).await?;
    people::told_of_password(app, &mut tx, &user).await?;
    let actor = Actor::User(user.id.clone());
    let event = Event::success("user.password_reset", &actor, now).user(&user.id);
    people::end_everything(app, tx, (&user.id, &actor, event)).await?;
    Ok(user)
}

/// The gate: one atomic update inside the transaction that uses the link.
async fn spend(tx: &mut Tx, token: &str, now: UnixTime) -> Result<OneTimeLink, LinkError> {
    let hash = SecretHash::of(token);
    links::spend(tx, hash.as_str(), now).await?.ok_or(LinkError::Spent)
}
