//! `doorward client rotate-secret`, `add-secret` and `retire-secret`: at once, or without a pause.

use std::path::{Path, PathBuf};

use clap::Args;
use secrecy::ExposeSecret as _;

use super::client::{self, ClientArgs};
use super::engine;
use super::exit::{Exit, Failure};
use super::globals::Globals;
use super::input::{self, Input};
use super::output::Output;
use crate::crypto::secret::Secret;
use crate::protocol::client::ClientOrigin;
use crate::protocol::types::ClientId;
use crate::service::audit::Actor;
use crate::service::clients::{self, ClientError, secrets};

pub(super) const ADD_EXAMPLES: &str = "\
The new secret is printed once. Put it into the app, then retire the old one by its mark, which
doorward client show tells. An app has two secrets at most.

Examples:
  doorward client add-secret wiki
  doorward client show wiki
  doorward client retire-secret wiki x7Qa90bK";

pub(super) const RETIRE_EXAMPLES: &str = "\
The only secret of an app cannot be retired; rotate-secret replaces it at once.

Examples:
  doorward client retire-secret wiki x7Qa90bK";

/// `client rotate-secret`.
#[derive(Debug, Clone, Args)]
pub struct ClientRotateSecretArgs {
    #[command(flatten)]
    pub client: ClientArgs,
    /// File with the secret to use, or - for standard input; made up if missing
    #[arg(long, value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
}

/// `client retire-secret`.
#[derive(Debug, Clone, Args)]
pub struct ClientRetireSecretArgs {
    #[command(flatten)]
    pub client: ClientArgs,
    /// The secret's mark, as client show tells it
    pub mark: String,
}

pub(super) fn read_own(path: &Path) -> Result<Secret, Failure> {
    Ok(Secret::from_text(input::read_secret(path)?.expose_secret().to_owned()))
}

pub(super) fn rotate(
    args: &ClientRotateSecretArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let own = args.secret_file.as_deref().map(read_own).transpose()?;
    let id = ClientId::new(&args.client.client_id);
    let made = engine::with_app(globals, async |app| {
        Ok(clients::rotate_secret(app, &id, own, &Actor::CommandLine).await?)
    })?;
    output.note("The old secret works no more. The new one is shown this once.");
    if made.client.origin == ClientOrigin::Dynamic {
        output.note(
            "The app can still give itself another one. To end that, run: doorward client \
             revoke-registration",
        );
    }
    client::print(&made.client, made.secret.as_ref(), output)
}

pub(super) fn add(
    args: &ClientArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let id = ClientId::new(&args.client_id);
    let made = engine::with_app(globals, async |app| {
        Ok(secrets::add(app, &id, &Actor::CommandLine).await?)
    })?;
    output.note(
        "Both secrets work. The new one is shown this once; retire the other when the app has it.",
    );
    client::print(&made.client, made.secret.as_ref(), output)
}

pub(super) fn retire(
    args: &ClientRetireSecretArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let (id, mark) = (ClientId::new(&args.client.client_id), args.mark.as_str());
    Input::of_process(globals)
        .confirm(&format!("Retire the secret {mark} of {id}? An app that has it is refused."))?;
    let client = engine::with_app(globals, async |app| {
        clients::get(app, &id).await?;
        match secrets::retire(app, &id, mark, &Actor::CommandLine).await {
            Err(ClientError::NotFound) => {
                let text =
                    format!("{id} has no secret {mark}; doorward client show tells its marks");
                return Err(Failure::Failed(text));
            }
            other => other?,
        }
        Ok(clients::get(app, &id).await?)
    })?;
    output.note("The secret is retired.");
    client::print(&client, None, output)
}
