//! Running a use case from the command line: load the configuration, open the stores, do the work.
//! Commands work while a server runs; the server notices within a second.

use serde_json::{Value, json};

use super::exit::Failure;
use super::globals::{Globals, Program};
use crate::app::{App, BootError, Migrations, database_of};
use crate::clock::{Clock, UnixTime};
use crate::config::Config;
use crate::service::start::{self, StartError};
use crate::telemetry::logging;
use crate::telemetry::traces::Export;

/// Loads the configuration and starts the log.
pub(super) fn prepare(globals: &Globals, program: Program) -> Result<Config, Failure> {
    let config = globals.load()?;
    let settings = Globals::log_settings(&config, program);
    let export = match program {
        Program::Server => Export::IfConfigured,
        Program::Command => Export::Never,
    };
    logging::init(&settings, export).map_err(Failure::Failed)?;
    Ok(config)
}

/// What is wrong where there is no database: the wrong folder, most of the time. A command that made one there,
/// and a master key, would work on nothing that anybody uses.
pub(super) fn missing_database(config: &Config) -> Option<String> {
    let path = database_of(config).missing_file()?;
    Some(format!(
        "there is no database at {}; name another place with --data-dir or --config, start the server, or make one \
         with: doorward db migrate",
        path.display()
    ))
}

/// Like [`prepare`] for a command that works on what is there.
///
/// # Errors
/// [`Failure`], also where there is no database; none is made.
pub(super) fn prepare_existing(globals: &Globals) -> Result<Config, Failure> {
    let config = prepare(globals, Program::Command)?;
    match missing_database(&config) {
        Some(problem) => Err(Failure::Failed(problem)),
        None => Ok(config),
    }
}

/// Opens the provider, which is there already, and runs `work` on it.
pub(super) fn with_app<T>(
    globals: &Globals,
    work: impl AsyncFnOnce(&App) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let config = prepare_existing(globals)?;
    block_on(async {
        let app = start::attach(config, Clock::System, Migrations::Apply).await?;
        work(&app).await
    })?
}

/// Runs a future to its end on this thread.
pub(super) fn block_on<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(work))
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Boot(BootError::MasterKeyMissing(problem)) => {
                Self::Configuration(problem.into())
            }
            other => Self::Failed(other.to_string()),
        }
    }
}

/// Use-case errors are sentences for people already.
macro_rules! failed_with {
    ($($error:ty),+ $(,)?) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::Failed(error.to_string())
            }
        })+
    };
}

failed_with!(
    crate::service::people::PeopleError,
    crate::service::people::groups::GroupError,
    crate::service::organisations::OrganisationError,
    crate::service::clients::roles::RoleError,
    crate::service::people::import::ImportError,
    crate::service::api::keys::ApiKeyError,
    crate::service::clients::ClientError,
    crate::service::jobs::JobError,
    crate::service::keys::KeyChangeError,
    crate::service::mail::MailTestError,
    crate::service::master_key::RotationError,
    crate::service::token::preview::PreviewError,
    crate::service::trusted_issuers::IssuerError,
    crate::service::upstream::UpstreamError,
    crate::service::webhooks::WebhookError,
    crate::service::settings::SettingError,
    crate::service::people::links::LinkError,
    crate::service::pictures::PictureError,
    crate::service::clients::registration::permissions::PermissionError,
    crate::service::failure::Failure,
);

/// A moment in JSON.
pub(super) fn time(at: UnixTime) -> Value {
    Value::from(at.rfc3339())
}

/// A moment that may not have come, in JSON.
pub(super) fn time_or_null(at: Option<UnixTime>) -> Value {
    at.map_or(Value::Null, time)
}

/// A list in JSON, with where it goes on.
pub(super) fn list(items: &[Value], next: Option<&str>) -> Value {
    json!({ "items": items, "next": next })
}
