//! `doorward key`: signing keys.

use clap::{Args, Subcommand};
use serde_json::json;

use super::engine;
use super::exit::{Exit, Failure};
use super::globals::Globals;
use super::input::Input;
use super::output::{Output, Table};
use super::values::signing_alg;
use crate::clock::UnixTime;
use crate::protocol::types::SigningAlg;
use crate::service::audit::Actor;
use crate::service::keys;

const ROTATE_EXAMPLES: &str = "\
The next key, which apps have already seen, becomes the active one; the active one goes on
verifying what it signed.

Examples:
  doorward key rotate
  doorward key rotate --alg RS256";

/// Commands about signing keys.
#[derive(Debug, Clone, Subcommand)]
pub enum KeyCommand {
    /// List signing keys
    List,
    /// Let the next keys take over now
    #[command(after_help = ROTATE_EXAMPLES)]
    Rotate(KeyRotateArgs),
    /// Remove a key at once; everything it signed stops working
    Retire(KeyRetireArgs),
}

/// `key rotate`.
#[derive(Debug, Clone, Args)]
pub struct KeyRotateArgs {
    /// Only the keys of this algorithm; repeat for several
    #[arg(long = "alg", value_name = "ALG", value_parser = signing_alg())]
    pub algorithms: Vec<SigningAlg>,
}

/// `key retire`.
#[derive(Debug, Clone, Args)]
pub struct KeyRetireArgs {
    /// The key's id (kid)
    pub kid: String,
}

pub(super) fn run(
    command: &KeyCommand,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let rows = match command {
        KeyCommand::List => engine::with_app(globals, async |app| Ok(keys::list(app).await?))?,
        KeyCommand::Rotate(args) => engine::with_app(globals, async |app| {
            let all = app.config.keys.algorithms.clone();
            let chosen = if args.algorithms.is_empty() { all } else { args.algorithms.clone() };
            for alg in chosen {
                keys::rotate(app, alg, &Actor::CommandLine).await?;
            }
            Ok(keys::list(app).await?)
        })?,
        KeyCommand::Retire(args) => {
            let question = format!("Remove key {}? Everything it signed stops working.", args.kid);
            Input::of_process(globals).confirm(&question)?;
            engine::with_app(globals, async |app| {
                keys::retire(app, &args.kid, &Actor::CommandLine).await?;
                Ok(keys::list(app).await?)
            })?
        }
    };
    let mut table = Table::new(["kid", "alg", "state", "created", "removed after"]);
    for row in &rows {
        let removed = row.remove_after.map_or_else(|| "-".to_owned(), UnixTime::rfc3339);
        table.row([&row.kid, row.alg.as_str(), &row.state, &row.created_at.rfc3339(), &removed]);
    }
    let items = rows.iter().map(|row| {
        json!({
            "kid": row.kid,
            "alg": row.alg,
            "state": row.state,
            "created_at": engine::time(row.created_at),
            "activates_at": engine::time(row.activates_at),
            "remove_after": engine::time_or_null(row.remove_after),
            "public_jwk": row.public_jwk,
        })
    });
    output.data(&engine::list(&items.collect::<Vec<_>>(), None), &table)?;
    Ok(Exit::Done)
}
