//! `doorward api-key`: keys with which an administrator's programs use the REST API.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::engine;
use super::exit::{Exit, Failure};
use super::globals::Globals;
use super::output::{Output, Table};
use super::page::{self, Page};
use crate::clock::UnixTime;
use crate::protocol::api::ApiScope;
use crate::service::api::keys::{self, NewKey};
use crate::service::audit::Actor;
use crate::store::api::keys::ApiKey;

const CREATE_EXAMPLES: &str = "\
The key is printed once. A program sends it as a bearer token. It never does more than its owner may do
at that moment, and nothing outside its scopes; a scope to write includes the one to read.

Examples:
  doorward api-key create --user alice --name 'Nightly report' --scope doorward.users:read
  doorward api-key create --user alice --name Onboarding --scope doorward.users:write \\
      --scope doorward.groups:write --days 30 --format json";

/// Commands about API keys.
#[derive(Debug, Clone, Subcommand)]
pub enum ApiKeyCommand {
    /// Make a key for an administrator's program
    #[command(after_help = CREATE_EXAMPLES)]
    Create(ApiKeyCreateArgs),
    /// List keys, without what they are
    List(ApiKeyListArgs),
    /// Make a key work no more
    Revoke(ApiKeyArgs),
}

/// `api-key create`.
#[derive(Debug, Clone, Args)]
pub struct ApiKeyCreateArgs {
    /// Whose key it is: username, e-mail address or id of somebody who may use the console
    #[arg(long)]
    pub user: String,
    /// Words to remember what it is for
    #[arg(long)]
    pub name: String,
    /// What it may be used for; repeat for several
    #[arg(long = "scope", value_name = "SCOPE", required = true, value_parser = scope_names())]
    pub scopes: Vec<String>,
    /// Days it works
    #[arg(long, value_name = "N", default_value_t = 90, value_parser = clap::value_parser!(i64).range(1..=366))]
    pub days: i64,
}

/// `api-key list`.
#[derive(Debug, Clone, Args)]
pub struct ApiKeyListArgs {
    /// Only those of this person: username, e-mail address or id
    #[arg(long)]
    pub user: Option<String>,
    /// Keys to list at most
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    /// Go on behind the key with this id
    #[arg(long, value_name = "ID")]
    pub after: Option<String>,
}

/// The key a command is about.
#[derive(Debug, Clone, Args)]
pub struct ApiKeyArgs {
    /// The key's id
    pub id: String,
}

fn scope_names() -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(ApiScope::ALL.map(ApiScope::as_str))
}

pub(super) fn run(
    command: &ApiKeyCommand,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    match command {
        ApiKeyCommand::Create(args) => create(args, globals, output),
        ApiKeyCommand::List(args) => list(args, globals, output),
        ApiKeyCommand::Revoke(args) => revoke(args, globals, output),
    }
}

fn create(
    args: &ApiKeyCreateArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let new = NewKey {
        name: args.name.clone(),
        scopes: args.scopes.clone(),
        lifetime: args.days * 86_400,
        made_in: None,
    };
    let (key, secret) = engine::with_app(globals, async |app| {
        let owner = keys::owner(app, &args.user).await?;
        Ok(keys::create(app, &owner, new, &Actor::CommandLine).await?)
    })?;
    output.note("The key is shown this once.");
    let mut document = to_json(&key);
    if let Value::Object(members) = &mut document {
        members.insert("key".into(), json!(secret.expose()));
    }
    let mut table = Table::fields();
    table
        .row(["id", &key.id])
        .row(["key", secret.expose()])
        .row(["name", &key.name])
        .row(["scopes", &key.scopes.to_string()])
        .row(["expires", &key.expires_at.rfc3339()]);
    output.data(&document, &table)?;
    Ok(Exit::Done)
}

fn list(
    args: &ApiKeyListArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let (found, now) = engine::with_app(globals, async |app| {
        let user = match &args.user {
            Some(text) => Some(keys::owner(app, text).await?),
            None => None,
        };
        let which = (user.as_ref(), args.after.as_deref());
        Ok((keys::list(app, which, page::one_more(args.limit)).await?, app.now()))
    })?;
    let page = Page::of(found, args.limit, |key| key.id.clone());
    let mut table = Table::new(["id", "name", "person", "scopes", "last used", "expires", "state"]);
    for key in &page.items {
        let used = key.last_used_at.map_or_else(|| "never".to_owned(), UnixTime::rfc3339);
        table.row([
            key.id.as_str(),
            &key.name,
            key.user_id.as_str(),
            &key.scopes.to_string(),
            &used,
            &key.expires_at.rfc3339(),
            state(key, now),
        ]);
    }
    page.print(&table, to_json, output)
}

fn revoke(args: &ApiKeyArgs, globals: &Globals, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let key = engine::with_app(globals, async |app| {
        Ok(keys::revoke(app, (&args.id, None), &Actor::CommandLine).await?)
    })?;
    output.note("The key works no more.");
    let mut table = Table::fields();
    table.row(["id", &key.id]).row(["name", &key.name]);
    output.data(&to_json(&key), &table)?;
    Ok(Exit::Done)
}

fn state(key: &ApiKey, now: UnixTime) -> &'static str {
    match key.revoked_at {
        Some(_) => "revoked",
        None if key.is_live(now) => "works",
        None => "expired",
    }
}

fn to_json(key: &ApiKey) -> Value {
    json!({
        "id": key.id,
        "user_id": key.user_id,
        "name": key.name,
        "scopes": key.scopes,
        "created_at": engine::time(key.created_at),
        "expires_at": engine::time(key.expires_at),
        "last_used_at": engine::time_or_null(key.last_used_at),
        "revoked_at": engine::time_or_null(key.revoked_at),
    })
}
