//! `doorward secret`: exchanging the master key.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::engine;
use super::exit::{Exit, Failure};
use super::globals::Globals;
use super::output::{Output, Table};
use crate::app::{BootError, Stage, make_next_master_key, stage};
use crate::config::MasterKeySource;
use crate::service::audit::Actor;
use crate::service::master_key::{self, Mode, Servers, Tally};

const ROTATE_EXAMPLES: &str = "\
With a master.key in the data directory: run it, which makes the next key and keeps the one before in
master.key.previous; restart the server; run it again.

With secrets.master_key: give every server the next key as secrets.previous_master_key and restart it;
then let the two change places and restart every server; then run it.

Either way, keep a copy of the present key. Run it once more right before you take the previous key away,
and take that away only when nothing is sealed anew. Backups from before need it: keep it with them. While
there are two keys it may be interrupted and run as often as you like. With a master.key alone each run
begins another exchange.

Examples:
  doorward secret rotate-master --dry-run
  doorward secret rotate-master
  doorward secret rotate-master --servers-are-stopped";

/// Commands about the secret that seals all others.
#[derive(Debug, Clone, Subcommand)]
pub enum SecretCommand {
    /// Exchange the master key: seal what the database holds under the present one
    #[command(after_help = ROTATE_EXAMPLES)]
    RotateMaster(RotateMasterArgs),
}

/// `secret rotate-master`.
#[derive(Debug, Clone, Args)]
pub struct RotateMasterArgs {
    /// Count what would be sealed anew, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Seal anew although no server has been started with both keys yet, since none runs
    #[arg(long)]
    pub servers_are_stopped: bool,
}

const SET_BOTH: &str = "there is one master key and no other one to exchange it for: set \
    secrets.master_key to the next key and secrets.previous_master_key to this one, on every server. \
    Make one with: openssl rand -base64 32";

const ONE_KEY: &str = "There is one master key; nothing is sealed under another one.";

const ONE_FILE: &str = "There is one master key; nothing is sealed under another one. Without --dry-run the \
    next key is made, and an exchange begins.";

const RESTART: &str = "The key before is in master.key.previous beside it, and opens what was sealed under \
    it. Restart the server now, then run this again. Keep a copy of master.key, apart from the backups.";

const AFTERWARDS: &str = "Make a backup now. Refresh tokens from before need the previous key until they are \
    used once or end (tokens.refresh_absolute, tokens.offline_absolute). Run this again right before you \
    take that key away, and take it away only when nothing is sealed anew. Do not delete it: backups from \
    before need it.";

const NOTHING_LEFT: &str = "Whatever either key opens is sealed under the present one. If the previous one \
    is the key from before, and every server has the present one, it may be taken away: move it to where \
    backups from before are kept, and restart. If it is the next key, of which servers are told ahead, let \
    the two change places on every server first.";

pub(super) fn run(
    command: &SecretCommand,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let SecretCommand::RotateMaster(args) = command;
    let failed = |error: BootError| Failure::Failed(error.to_string());
    let config = globals.load()?;
    match stage(&config).map_err(failed)? {
        Stage::NoKey => Err(Failure::Failed("there is no master key yet".to_owned())),
        Stage::TwoKeys => reseal(args, globals, output),
        Stage::OneKey if args.dry_run => {
            output.data(&document(true, None, &[]), &table(&[]))?;
            output.note(match config.master_key_source() {
                MasterKeySource::Given(_) => ONE_KEY,
                MasterKeySource::File(_) => ONE_FILE,
            });
            Ok(Exit::Done)
        }
        Stage::OneKey => {
            engine::prepare_existing(globals)?;
            let made = make_next_master_key(&config).map_err(failed)?;
            let made = made.ok_or_else(|| Failure::Failed(SET_BOTH.to_owned()))?;
            let path = made.display().to_string();
            output.data(&document(false, Some(&path), &[]), &table(&[]))?;
            output.note(&format!("There is a new master key in {path}. {RESTART}"));
            Ok(Exit::Done)
        }
    }
}

fn reseal(
    args: &RotateMasterArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let mode = if args.dry_run { Mode::Count } else { Mode::Write };
    let servers = if args.servers_are_stopped { Servers::Stopped } else { Servers::MayRun };
    let tallies = engine::with_app(globals, async |app| {
        Ok(master_key::rotate(app, (mode, servers), &Actor::CommandLine).await?)
    })?;
    output.data(&document(args.dry_run, None, &tallies), &table(&tallies))?;
    let unreadable: u64 = tallies.iter().map(|tally| tally.unreadable).sum();
    if unreadable > 0 {
        output.note(&format!(
            "Neither key opens {unreadable} of these values: they stay as they are."
        ));
    }
    let changed: u64 = tallies.iter().map(|tally| tally.changed).sum();
    if changed > 0 {
        output.note(&format!(
            "{changed} of these values were changed by somebody else meanwhile: run this again."
        ));
    }
    let resealed: u64 = tallies.iter().map(|tally| tally.resealed).sum();
    output.note(match (mode, resealed + changed) {
        (Mode::Count, _) => "Nothing was changed.",
        (Mode::Write, 0) => NOTHING_LEFT,
        (Mode::Write, _) => AFTERWARDS,
    });
    Ok(if unreadable > 0 { Exit::Partial } else { Exit::Done })
}

fn document(is_dry_run: bool, new_key: Option<&str>, tallies: &[Tally]) -> Value {
    let items = tallies.iter().map(|tally| {
        json!({
            "place": tally.place,
            "resealed": tally.resealed,
            "present": tally.present,
            "unreadable": tally.unreadable,
            "changed": tally.changed,
        })
    });
    json!({
        "dry_run": is_dry_run,
        "new_key": new_key,
        "resealed": tallies.iter().map(|tally| tally.resealed).sum::<u64>(),
        "changed": tallies.iter().map(|tally| tally.changed).sum::<u64>(),
        "items": items.collect::<Vec<_>>(),
    })
}

fn table(tallies: &[Tally]) -> Table {
    let mut table =
        Table::new(["place", "sealed anew", "sealed before", "unreadable", "changed meanwhile"]);
    for tally in tallies {
        let figures = [tally.resealed, tally.present, tally.unreadable, tally.changed];
        let [anew, before, unreadable, changed] = &figures.map(|count| count.to_string());
        table.row([tally.place, anew, before, unreadable, changed]);
    }
    table
}
