//! Initial access tokens: an administrator's permission to register so many clients until then.

use crate::app::App;
use crate::clock::Seconds;
use crate::crypto::secret::{self, Secret};
use crate::service::audit::{Actor, Event};
use crate::service::failure::Failure;
use crate::store::clients::registration_tokens::{self, RegistrationToken};
use crate::store::{StoreError, audit};

/// Why a permission could not be made or taken back.
#[derive(Debug, thiserror::Error)]
pub enum PermissionError {
    #[error("there is no registration token with this id that still works")]
    NotFound,
    #[error("a label needs at most 100 characters on one line")]
    BadLabel,
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StoreError> for PermissionError {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}

/// A permission to be made.
#[derive(Debug, Clone)]
pub struct NewPermission {
    /// To remember whom it is for.
    pub label: String,
    pub lifetime: Seconds,
    pub max_uses: i64,
}

/// Makes a permission; its token is shown this once.
///
/// # Errors
/// [`PermissionError`].
pub async fn create(
    app: &App,
    new: NewPermission,
    actor: &Actor,
) -> Result<(RegistrationToken, Secret), PermissionError> {
    if new.label.chars().count() > 100 || new.label.chars().any(char::is_control) {
        return Err(PermissionError::BadLabel);
    }
    let now = app.now();
    let secret = Secret::generate();
    let token = RegistrationToken {
        id: secret::new_id(now),
        hash: secret.hash().as_str().to_owned(),
        label: new.label,
        created_at: now,
        expires_at: now.plus(new.lifetime),
        max_uses: new.max_uses,
        uses: 0,
        revoked_at: None,
    };
    let mut tx = app.store.begin().await?;
    registration_tokens::insert(&mut tx, &token).await?;
    let event = Event::success("registration_token.created", actor, now)
        .detail("permission", token.id.as_str())
        .detail("label", token.label.as_str());
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    Ok((token, secret))
}

/// The permissions, newest first; expired ones are forgotten after a while.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn list(app: &App) -> Result<Vec<RegistrationToken>, Failure> {
    Ok(registration_tokens::list(&app.store.db, 1_000).await?)
}

/// Takes a permission back. Clients registered with it stay.
///
/// # Errors
/// [`PermissionError`].
pub async fn revoke(app: &App, id: &str, actor: &Actor) -> Result<(), PermissionError> {
    let now = app.now();
    let mut tx = app.store.begin().await?;
    if !registration_tokens::revoke(&mut tx, id, now).await? {
        return Err(PermissionError::NotFound);
    }
    let event = Event::success("registration_token.revoked", actor, now).detail("permission", id);
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    Ok(())
}
