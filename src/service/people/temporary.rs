//! Temporary passwords: an administrator gives one to a person who cannot sign in, and all it does is let that
//! person choose another one. It is made here, shown once, and works for [`LIFETIME`].

use crate::app::App;
use crate::clock::{Seconds, UnixTime};
use crate::crypto::password::Verdict;
use crate::crypto::secret::{Secret, SecretHash};
use crate::protocol::password_policy::PasswordRefusal;
use crate::protocol::types::UserId;
use crate::protocol::user::{Footing, User};
use crate::service::audit::{Actor, Caller, Event};
use crate::service::failure::Failure;
use crate::service::people::{self, PeopleError, links};
use crate::store::users;
use crate::store::{StoreError, Tx, audit, sign_ins};

/// How long a temporary password works: over a weekend.
pub const LIFETIME: Seconds = 72 * 3600;

/// A temporary password, which is kept nowhere in clear.
#[derive(Debug)]
pub struct Given {
    pub password: Secret,
    pub until: UnixTime,
}

/// Why a temporary password was not replaced.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceError {
    #[error("{0}")]
    Password(#[from] PasswordRefusal),
    /// It has expired, was replaced already, or whoever gave it may not do that any more.
    #[error("the temporary password counts no more")]
    Over,
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StoreError> for ReplaceError {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}

/// Gives a person a temporary password in place of the one they have, and signs them out everywhere.
///
/// # Errors
/// [`PeopleError`].
pub async fn give(app: &App, id: &UserId, actor: &Actor) -> Result<Given, PeopleError> {
    let user = users::by_id(&app.store.db, id).await?.ok_or(PeopleError::NotFound)?;
    let password = Secret::typed();
    let phc = app.passwords.hash(password.expose().to_owned()).await.map_err(Failure::from)?;
    let until = app.now().plus(LIFETIME);
    people::put_password(app, &user, (&phc, Some(until)), actor).await?;
    Ok(Given { password, until })
}

/// What a person has who has proved a temporary password.
pub(crate) struct Proven<'a> {
    pub user: &'a User,
    /// What the proof stands on, read before it was checked.
    pub footing: Footing,
    /// Of the stored hash (PHC text) of the password that was proven.
    pub password: &'a SecretHash,
}

/// A password that may take the place of the temporary one.
pub(crate) struct Replacement {
    /// The stored hash (PHC text) of the temporary one, and of what takes its place.
    before: String,
    phc: String,
    /// On whose word the temporary one stands.
    given_by: Option<String>,
}

/// Checks a password that the person has chosen, and hashes it; writes nothing.
///
/// # Errors
/// [`ReplaceError`].
pub(crate) async fn prepare(
    app: &App,
    proven: &Proven<'_>,
    password: String,
) -> Result<Replacement, ReplaceError> {
    let (user, id) = (proven.user, &proven.user.id);
    let temporary = users::temporary(&app.store.db, id, app.now()).await?;
    let temporary = temporary.filter(|(phc, _)| proven.password.matches(phc));
    let (before, given_by) = temporary.ok_or(ReplaceError::Over)?;
    people::check_password(app, user, &password)?;
    let verdict = app.passwords.verify(password.clone(), Some(before.clone())).await;
    if verdict.map_err(Failure::from)? != Verdict::Mismatch {
        return Err(PasswordRefusal::Temporary.into());
    }
    let phc = app.passwords.hash(password).await.map_err(Failure::from)?;
    Ok(Replacement { before, phc, given_by })
}

/// Sets the password that the person has chosen in place of the temporary one. Of any number of callers exactly
/// one gets through.
///
/// # Errors
/// [`ReplaceError`]; nothing has changed then.
pub(crate) async fn replace(
    app: &App,
    proven: &Proven<'_>,
    replacement: &Replacement,
    caller: &Caller,
) -> Result<(), ReplaceError> {
    let Replacement { before, phc, given_by } = replacement;
    let (user, id, now) = (proven.user, &proven.user.id, app.now());
    let mut tx = app.store.begin().await?;
    if !still_counts(&mut tx, proven, (given_by.as_deref(), now)).await?
        || !users::replace_temporary(&mut tx, id, (before, phc), now).await?
    {
        return Err(ReplaceError::Over);
    }
    people::told_of_password(app, &mut tx, user).await?;
    let event = Event::success("user.password_reset", &Actor::User(id.clone()), now);
    let event = event.user(id).caller(caller).detail("by", "temporary password");
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    app.outbox_bell.notify_one();
    Ok(())
}

/// Holds the person and says whether nothing of theirs has ended since the proof began, and whoever gave the
/// temporary password might still give it.
async fn still_counts(
    tx: &mut Tx,
    proven: &Proven<'_>,
    (given_by, now): (Option<&str>, UnixTime),
) -> Result<bool, Failure> {
    if let Some(given_by) = given_by
        && !links::still_vouched(&mut *tx, (given_by, now), &proven.user.id).await?
    {
        return Ok(false);
    }
    Ok(sign_ins::hold(tx, &proven.user.id).await? == Some(proven.footing))
}
