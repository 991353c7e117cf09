//! `doorward key`: signing keys, and those others encrypt with for Doorward.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::engine;
use super::exit::{Exit, Failure};
use super::globals::Globals;
use super::input::Input;
use super::output::{Output, Table};
use super::values::{KeyAlg, key_alg};
use crate::app::App;
use crate::clock::UnixTime;
use crate::service::audit::Actor;
use crate::service::keys::{self, KeyChangeError, encryption};

const ROTATE_EXAMPLES: &str = "\
The next key, which apps have already seen, becomes the active one; the active one goes on
verifying what it signed. A key others encrypt with is replaced by a new one; the old one goes on
decrypting for a day.

Examples:
  doorward key rotate
  doorward key rotate --alg RS256";

/// Commands about keys.
#[derive(Debug, Clone, Subcommand)]
pub enum KeyCommand {
    /// List signing and encryption keys
    List,
    /// Let the next keys take over now, and replace encryption keys
    #[command(after_help = ROTATE_EXAMPLES)]
    Rotate(KeyRotateArgs),
    /// Remove a key at once; everything it signed stops working, and what is encrypted with it is lost
    Retire(KeyRetireArgs),
}

/// `key rotate`.
#[derive(Debug, Clone, Args)]
pub struct KeyRotateArgs {
    /// Only the keys of this algorithm; repeat for several
    #[arg(long = "alg", value_name = "ALG", value_parser = key_alg())]
    pub algorithms: Vec<KeyAlg>,
}

/// `key retire`.
#[derive(Debug, Clone, Args)]
pub struct KeyRetireArgs {
    /// The key's id (kid)
    // One in sixty-four begins with a hyphen: kids are thumbprints in base64url.
    #[arg(allow_hyphen_values = true)]
    pub kid: String,
}

pub(super) fn run(
    command: &KeyCommand,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let keys = match command {
        KeyCommand::List => engine::with_app(globals, all)?,
        KeyCommand::Rotate(args) => engine::with_app(globals, async |app| {
            for alg in chosen(app, &args.algorithms) {
                match alg {
                    KeyAlg::Signing(alg) => keys::rotate(app, alg, &Actor::CommandLine).await?,
                    KeyAlg::Encryption(alg) => {
                        encryption::rotate(app, alg, &Actor::CommandLine).await?;
                    }
                }
            }
            all(app).await
        })?,
        KeyCommand::Retire(args) => {
            let question = format!("Remove key {}? {LOST}", args.kid);
            Input::of_process(globals).confirm(&question)?;
            engine::with_app(globals, async |app| {
                retire(app, &args.kid).await?;
                all(app).await
            })?
        }
    };
    let mut table = Table::new(["kid", "use", "alg", "state", "created", "removed after"]);
    for key in &keys {
        let removed = key.remove_after.map_or_else(|| "-".to_owned(), UnixTime::rfc3339);
        let created = key.created_at.rfc3339();
        table.row([&key.kid, key.purpose, key.alg, &key.state, &created, &removed]);
    }
    let items: Vec<_> = keys.iter().map(to_json).collect();
    output.data(&engine::list(&items, None), &table)?;
    Ok(Exit::Done)
}

const LOST: &str = "Everything it signed stops working, and what is encrypted with it is lost.";

/// A key of either kind, as it is shown.
struct Shown {
    kid: String,
    /// `sig` or `enc`, as in its JWK.
    purpose: &'static str,
    alg: &'static str,
    state: String,
    created_at: UnixTime,
    activates_at: UnixTime,
    remove_after: Option<UnixTime>,
    public_jwk: Value,
}

/// Every key, those that sign first.
async fn all(app: &App) -> Result<Vec<Shown>, Failure> {
    let signing = keys::list(app).await?.into_iter().map(|row| Shown {
        kid: row.kid,
        purpose: "sig",
        alg: row.alg.as_str(),
        state: row.state,
        created_at: row.created_at,
        activates_at: row.activates_at,
        remove_after: row.remove_after,
        public_jwk: row.public_jwk,
    });
    let encryption = encryption::list(app).await?.into_iter().map(|row| Shown {
        kid: row.kid,
        purpose: "enc",
        alg: row.alg.as_str(),
        state: row.state,
        created_at: row.created_at,
        activates_at: row.created_at,
        remove_after: row.remove_after,
        public_jwk: row.public_jwk,
    });
    Ok(signing.chain(encryption).collect())
}

/// The named algorithms, or all that are configured.
fn chosen(app: &App, named: &[KeyAlg]) -> Vec<KeyAlg> {
    if !named.is_empty() {
        return named.to_vec();
    }
    let settings = &app.config.keys;
    let signing = settings.algorithms.iter().copied().map(KeyAlg::Signing);
    let encryption = settings.encryption_algorithms.iter().copied().map(KeyAlg::Encryption);
    signing.chain(encryption).collect()
}

async fn retire(app: &App, kid: &str) -> Result<(), KeyChangeError> {
    match keys::retire(app, kid, &Actor::CommandLine).await {
        Err(KeyChangeError::NotFound) => encryption::retire(app, kid, &Actor::CommandLine).await,
        other => other,
    }
}

fn to_json(key: &Shown) -> Value {
    json!({
        "kid": key.kid,
        "use": key.purpose,
        "alg": key.alg,
        "state": key.state,
        "created_at": engine::time(key.created_at),
        "activates_at": engine::time(key.activates_at),
        "remove_after": engine::time_or_null(key.remove_after),
        "public_jwk": key.public_jwk,
    })
}
