//! `doorward client preview`: what an app would be told of somebody.

use clap::Args;
use serde_json::{Map, Value, json};

use super::engine;
use super::exit::{Exit, Failure};
use super::globals::Globals;
use super::output::{Output, Table};
use crate::protocol::scope::Scopes;
use crate::protocol::types::ClientId;
use crate::service::audit::Actor;
use crate::service::clients;
use crate::service::token::preview::{self, Preview};

pub(super) const EXAMPLES: &str = "\
Nothing is issued. That somebody has looked is in the audit log.

Examples:
  doorward client preview wiki alice
  doorward client preview wiki alice --scope openid --scope groups --format json";

/// `client preview`.
#[derive(Debug, Clone, Args)]
pub struct ClientPreviewArgs {
    /// The app's client id
    pub client_id: String,
    /// Username, e-mail address or id of somebody who would sign in
    pub user: String,
    /// A scope the app would ask for; repeat for several; openid, profile and email if it is left out
    #[arg(long = "scope", value_name = "SCOPE")]
    pub scopes: Vec<String>,
}

pub(super) fn run(
    args: &ClientPreviewArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let id = ClientId::new(&args.client_id);
    let Preview { id_token, access_token, userinfo } = engine::with_app(globals, async |app| {
        let client = clients::get(app, &id).await?;
        let known = &client.metadata.scope;
        if let Some(other) = args.scopes.iter().find(|name| !known.contains(name)) {
            return Err(Failure::Failed(format!("the app may not ask for the scope {other}")));
        }
        let scopes = match args.scopes.as_slice() {
            [] => preview::usual(&client),
            asked => Scopes::from_tokens(asked.iter().map(String::as_str)),
        };
        let what = (&client, &scopes);
        let found = preview::preview(app, what, args.user.trim(), &Actor::CommandLine);
        Ok(Box::pin(found).await?)
    })?;
    let mut table = Table::new(["told in", "claim", "value"]);
    for (place, claims) in [
        ("ID token", id_token.as_ref()),
        ("access token", Some(&access_token)),
        ("user information", userinfo.as_ref()),
    ] {
        rows(&mut table, place, claims);
    }
    let document =
        json!({ "id_token": id_token, "access_token": access_token, "userinfo": userinfo });
    output.data(&document, &table)?;
    Ok(Exit::Done)
}

fn rows(table: &mut Table, place: &str, claims: Option<&Map<String, Value>>) {
    for (name, value) in claims.into_iter().flatten() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        table.row([place, name, &text]);
    }
}
