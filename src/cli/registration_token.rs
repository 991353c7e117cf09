//! `doorward registration-token`: permissions for apps to register themselves.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::engine;
use super::exit::{Exit, Failure};
use super::globals::Globals;
use super::output::{Output, Table};
use crate::clock::UnixTime;
use crate::config::RegistrationMode;
use crate::service::audit::Actor;
use crate::service::clients::registration::permissions::{
    self, DAYS, NewPermission, USES, USUAL_DAYS, USUAL_USES,
};
use crate::store::clients::registration_tokens::{RegistrationToken, TokenState};

/// Tokens that the list shows, the newest ones.
const MOST_LISTED: i64 = 1_000;

const CREATE_EXAMPLES: &str = "\
The token is printed once. The app sends it as a bearer token to the registration endpoint, which
works when registration.mode is token or open.

Examples:
  doorward registration-token create --label 'Test bench'
  doorward registration-token create --max-uses 20 --days 30 --format json";

/// Commands about permissions to register.
#[derive(Debug, Clone, Subcommand)]
pub enum RegistrationTokenCommand {
    /// Make a token with which apps can register themselves
    #[command(after_help = CREATE_EXAMPLES)]
    Create(RegistrationTokenCreateArgs),
    /// List the tokens, without what they are
    List,
    /// Take a token back; apps registered with it stay
    Revoke(RegistrationTokenArgs),
}

/// `registration-token create`.
#[derive(Debug, Clone, Args)]
pub struct RegistrationTokenCreateArgs {
    /// Words to remember whom it is for
    #[arg(long, default_value = "")]
    pub label: String,
    /// Apps that can be registered with it
    #[arg(long, value_name = "N", default_value_t = USUAL_USES, value_parser = clap::value_parser!(i64).range(USES))]
    pub max_uses: i64,
    /// Days it works
    #[arg(long, value_name = "N", default_value_t = USUAL_DAYS, value_parser = clap::value_parser!(i64).range(DAYS))]
    pub days: i64,
}

/// The token a command is about.
#[derive(Debug, Clone, Args)]
pub struct RegistrationTokenArgs {
    /// The token's id
    pub id: String,
}

pub(super) fn run(
    command: &RegistrationTokenCommand,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    match command {
        RegistrationTokenCommand::Create(args) => create(args, globals, output),
        RegistrationTokenCommand::List => {
            let (rows, now) = engine::with_app(globals, async |app| {
                Ok((permissions::list(app, None, MOST_LISTED).await?, app.now()))
            })?;
            list(&rows, now, output)
        }
        RegistrationTokenCommand::Revoke(args) => {
            let (rows, now) = engine::with_app(globals, async |app| {
                permissions::revoke(app, &args.id, &Actor::CommandLine).await?;
                Ok((permissions::list(app, None, MOST_LISTED).await?, app.now()))
            })?;
            output.note("The token works no more.");
            list(&rows, now, output)
        }
    }
}

fn create(
    args: &RegistrationTokenCreateArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let new = NewPermission { label: args.label.clone(), days: args.days, max_uses: args.max_uses };
    let (token, secret, mode) = engine::with_app(globals, async |app| {
        let (token, secret) = permissions::create(app, new, &Actor::CommandLine).await?;
        Ok((token, secret, app.config.registration.mode))
    })?;
    output.note("The token is shown this once.");
    if mode == RegistrationMode::Off {
        output.note("registration.mode is off: no app can use it before that is changed.");
    }
    let mut document = to_json(&token);
    if let Value::Object(members) = &mut document {
        members.insert("token".into(), json!(secret.expose()));
    }
    let mut table = Table::fields();
    table
        .row(["id", &token.id])
        .row(["token", secret.expose()])
        .row(["label", &token.label])
        .row(["uses", &format!("{} of {}", token.uses, token.max_uses)])
        .row(["expires", &token.expires_at.rfc3339()]);
    output.data(&document, &table)?;
    Ok(Exit::Done)
}

fn list(
    rows: &[RegistrationToken],
    now: UnixTime,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let mut table = Table::new(["id", "label", "uses", "expires", "state"]);
    for row in rows {
        let uses = format!("{} of {}", row.uses, row.max_uses);
        table.row([&row.id, &row.label, &uses, &row.expires_at.rfc3339(), state(row, now)]);
    }
    let items: Vec<_> = rows.iter().map(to_json).collect();
    output.data(&engine::list(&items, None), &table)?;
    Ok(Exit::Done)
}

fn state(row: &RegistrationToken, now: UnixTime) -> &'static str {
    match row.state(now) {
        TokenState::Works => "works",
        TokenState::UsedUp => "used up",
        TokenState::Expired => "expired",
        TokenState::Revoked => "revoked",
    }
}

fn to_json(row: &RegistrationToken) -> Value {
    json!({
        "id": row.id,
        "label": row.label,
        "uses": row.uses,
        "max_uses": row.max_uses,
        "created_at": engine::time(row.created_at),
        "expires_at": engine::time(row.expires_at),
        "revoked_at": engine::time_or_null(row.revoked_at),
    })
}
