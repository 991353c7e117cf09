//! `doorward user apps` and `user remove-app`: what a person has allowed apps.

use clap::Args;
use serde_json::json;

use crate::cli::engine;
use crate::cli::exit::{Exit, Failure};
use crate::cli::globals::Globals;
use crate::cli::output::{Output, Table};
use crate::protocol::types::ClientId;
use crate::service::audit::{Actor, Caller};
use crate::service::authorize::consent;
use crate::service::people;

use super::UserArgs;

pub(super) const EXAMPLES: &str = "\
What the app holds for the person ends, and the app is told that they have signed out. It asks for
consent again when they next sign in to it.

Examples:
  doorward user apps alice
  doorward user remove-app alice wiki";

/// `user remove-app`.
#[derive(Debug, Clone, Args)]
pub struct UserAppArgs {
    /// Username, e-mail address or id
    pub user: String,
    /// The app's client id
    pub client_id: String,
}

pub(super) fn list(
    args: &UserArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let allowed = engine::with_app(globals, async |app| {
        let user = people::find(app, &args.user).await?;
        Ok(consent::list(app, &user.id).await?)
    })?;
    let mut table = Table::new(["client id", "scope", "since"]);
    for one in &allowed {
        table.row([one.client_id.as_str(), &one.scopes.to_string(), &one.granted_at.rfc3339()]);
    }
    let items = allowed.iter().map(|one| {
        json!({
            "client_id": one.client_id,
            "scope": one.scopes.to_string(),
            "granted_at": engine::time(one.granted_at),
        })
    });
    output.data(&json!({ "items": items.collect::<Vec<_>>(), "next": null }), &table)?;
    Ok(Exit::Done)
}

pub(super) fn remove(
    args: &UserAppArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let client = ClientId::new(args.client_id.as_str());
    let who = (&Actor::CommandLine, &Caller::default());
    let removed = engine::with_app(globals, async |app| {
        let user = people::find(app, &args.user).await?;
        Ok(consent::withdraw(app, (&user.id, &client), who).await?)
    })?;
    if !removed {
        return Err(Failure::Failed(format!("they have allowed the app {client} nothing")));
    }
    output.note("What the app held for them has ended.");
    let mut table = Table::fields();
    table.row(["client id", client.as_str()]);
    output.data(&json!({ "client_id": client }), &table)?;
    Ok(Exit::Done)
}
