//! Bringing a provider up: connect, make missing keys, make sure the copy of the revocation set is
//! complete.

use crate::app::{App, BootError, Migrations, boot};
use crate::clock::Clock;
use crate::config::Config;
use crate::service::failure::Failure;
use crate::service::{keys, revocation};

/// Why Doorward could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Boot(#[from] BootError),
    #[error("{0}; is this the master key the database was made with?")]
    Keys(Failure),
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Starts the provider without listening to anything.
///
/// # Errors
/// [`StartError`].
pub async fn start(
    config: Config,
    clock: Clock,
    migrations: Migrations,
) -> Result<App, StartError> {
    let app = boot(config, clock, migrations).await?;
    keys::ensure(&app).await.map_err(|failure| match failure {
        Failure::Internal(_) => StartError::Keys(failure),
        Failure::Unavailable(_) => StartError::Failure(failure),
    })?;
    // Without a copy readers go to SQL, so a start need not fail for it.
    if let Err(error) = revocation::rebuild(&app).await {
        tracing::warn!(%error, "the copy of the revocation set could not be made yet");
    }
    Ok(app)
}
