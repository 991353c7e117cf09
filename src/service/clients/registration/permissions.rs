//! Initial access tokens: an administrator's permission to register so many clients until then.

use std::ops::RangeInclusive;

use crate::app::App;
use crate::clock::Seconds;
use crate::crypto::secret::{self, Secret};
use crate::protocol::plain_text::is_plain_name;
use crate::protocol::rights::Right;
use crate::service::audit::{Actor, Event};
use crate::service::failure::Failure;
use crate::service::people::authority::{self, Barred};
use crate::store::clients::registration_tokens::{self, RegistrationToken};
use crate::store::{StoreError, audit};

/// For how many apps one permission may be.
pub const USES: RangeInclusive<i64> = 1..=100_000;

/// How many days one works.
pub const DAYS: RangeInclusive<i64> = 1..=366;

/// Apps that one is for where nobody says how many.
pub const USUAL_USES: i64 = 1;

/// Days that one works where nobody says how long.
pub const USUAL_DAYS: i64 = 7;

const DAY: Seconds = 86_400;

/// Longest label, in characters.
pub const LONGEST_LABEL: usize = 100;

/// Why a permission could not be made or taken back.
#[derive(Debug, thiserror::Error)]
pub enum PermissionError {
    #[error("there is no registration token with this id that still works")]
    NotFound,
    #[error("a label has at most {LONGEST_LABEL} ordinary characters, on one line")]
    BadLabel,
    #[error("a registration token is for {} to {} apps", USES.start(), USES.end())]
    BadUses,
    #[error("a registration token works for {} to {} days", DAYS.start(), DAYS.end())]
    BadDays,
    #[error("your role does not allow this")]
    NotYours,
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StoreError> for PermissionError {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}

impl From<Barred> for PermissionError {
    fn from(barred: Barred) -> Self {
        match barred {
            Barred::NotYours => Self::NotYours,
            Barred::Failure(failure) => Self::Failure(failure),
        }
    }
}

/// A permission to be made.
#[derive(Debug, Clone)]
pub struct NewPermission {
    /// To remember whom it is for; may be empty.
    pub label: String,
    /// Days it works, of [`DAYS`].
    pub days: i64,
    /// Apps that can be registered with it, of [`USES`].
    pub max_uses: i64,
}

/// Makes a permission; its token is shown this once. Whoever has it can bring in apps that ask people
/// before they get anything, which is less than an administrator who makes apps can give away.
///
/// # Errors
/// [`PermissionError`].
pub async fn create(
    app: &App,
    new: NewPermission,
    actor: &Actor,
) -> Result<(RegistrationToken, Secret), PermissionError> {
    let label = new.label.trim();
    let is_good = label.is_empty() || is_plain_name(label);
    if label.chars().count() > LONGEST_LABEL || !is_good {
        return Err(PermissionError::BadLabel);
    }
    if !USES.contains(&new.max_uses) {
        return Err(PermissionError::BadUses);
    }
    if !DAYS.contains(&new.days) {
        return Err(PermissionError::BadDays);
    }
    let now = app.now();
    let secret = Secret::generate();
    let token = RegistrationToken {
        id: secret::new_id(now),
        hash: secret.hash().as_str().to_owned(),
        label: label.to_owned(),
        created_at: now,
        expires_at: now.plus(new.days * DAY),
        max_uses: new.max_uses,
        uses: 0,
        revoked_at: None,
    };
    let mut tx = authority::begin(app, (actor, Right::ClientsWrite)).await?;
    registration_tokens::insert(&mut tx, &token).await?;
    let event = Event::success("registration_token.created", actor, now)
        .detail("permission", token.id.as_str())
        .detail("label", token.label.as_str());
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    Ok((token, secret))
}

/// A page of permissions, newest first, behind the one with the id `before`. Those that have expired are
/// forgotten soon.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn list(
    app: &App,
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<RegistrationToken>, Failure> {
    Ok(registration_tokens::list(&app.store.db, before, limit).await?)
}

/// A permission, whether it can still be used or not.
///
/// # Errors
/// [`PermissionError::NotFound`] or a failure.
pub async fn find(app: &App, id: &str) -> Result<RegistrationToken, PermissionError> {
    registration_tokens::by_id(&app.store.db, id).await?.ok_or(PermissionError::NotFound)
}

/// Takes a permission back: whoever comes with it after this answer is refused. Clients registered with
/// it stay.
///
/// # Errors
/// [`PermissionError`].
pub async fn revoke(
    app: &App,
    id: &str,
    actor: &Actor,
) -> Result<RegistrationToken, PermissionError> {
    let now = app.now();
    let mut tx = authority::begin(app, (actor, Right::ClientsWrite)).await?;
    let revoked = registration_tokens::revoke(&mut tx, id, now).await?;
    let revoked = revoked.ok_or(PermissionError::NotFound)?;
    let event = Event::success("registration_token.revoked", actor, now).detail("permission", id);
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    Ok(revoked)
}
