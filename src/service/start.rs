//! Bringing a provider up: connect, make missing keys, make sure the copy of the revocation set is
//! complete.

use std::pin::Pin;

use crate::app::{App, BootError, Migrations, Process, boot};
use crate::clock::Clock;
use crate::config::Config;
use crate::service::failure::Failure;
use crate::service::{keys, revocation, served_issuers, settings};

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

/// A provider that is starting. On the heap, since it carries the whole configuration with it.
pub type Starting = Pin<Box<dyn Future<Output = Result<App, StartError>>>>;

/// Starts the provider without listening to anything.
///
/// # Errors
/// [`StartError`].
#[must_use]
pub fn start(config: Config, clock: Clock, migrations: Migrations) -> Starting {
    Box::pin(async move {
        let app = Box::pin(bring_up(config, clock, (migrations, Process::Server))).await?;
        // Nobody knows what Redis went through meanwhile. Without a copy readers go to SQL, so a start need
        // not fail for it.
        if let Err(error) = revocation::copy::make(&app).await {
            tracing::warn!(%error, "the copy of the revocation set could not be made yet");
        }
        served_issuers::note(&app).await;
        Ok(app)
    })
}

/// Opens the provider for a command, which works beside servers that look after the copy of the revocation
/// set: it mends that when it ends something and finds it wrong, and leaves it alone otherwise.
///
/// # Errors
/// [`StartError`].
#[must_use]
pub fn attach(config: Config, clock: Clock, migrations: Migrations) -> Starting {
    Box::pin(bring_up(config, clock, (migrations, Process::Command)))
}

async fn bring_up(
    config: Config,
    clock: Clock,
    (migrations, process): (Migrations, Process),
) -> Result<App, StartError> {
    let app = boot(config, clock, migrations, process).await?;
    settings::reload(&app).await?;
    keys::ensure(&app).await.map_err(|failure| match failure {
        Failure::Internal(_) => StartError::Keys(failure),
        Failure::Unavailable(_) => StartError::Failure(failure),
    })?;
    Ok(app)
}
