//! `doorward restore`: a backup into a database, of either kind.

use std::fs::File;
use std::io::{BufReader, Seek as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::backup::{document, open, table};
use super::engine;
use super::exit::{Exit, Failure};
use super::globals::{Globals, Program};
use super::input::Input;
use super::output::Output;
use super::progress::Progress;
use crate::app::{keep_master_key, known_master_key, opener};
use crate::clock::{Clock, UnixTime};
use crate::config::{Config, MasterKeySource};
use crate::crypto::seal::{MasterKey, Sealer};
use crate::service::backup::{self, Contents, Opened, Plan, Sessions};
use crate::service::start::StartError;
use crate::store::dump::Before;

pub(super) const EXAMPLES: &str = "\
Stop every server first. The whole file is checked before anything is changed, and then put back in one
step: whatever interrupts it leaves the database as it was. A backup of SQLite may go into PostgreSQL
and the other way round; one made by an older version is brought up to date.

Everybody is signed out and every app has to ask again: nobody can tell which sessions and tokens were
ended after the backup was made. Accounts, apps and passwords are as they were then.

The master key must be the one the backup was made under; see secrets.master_key. While it was exchanged
there were two: see secrets.previous_master_key.

Examples:
  doorward restore --dry-run /backup/doorward-monday.tar
  doorward restore /backup/doorward-monday.tar
  doorward restore --replace /backup/doorward-monday.tar
  age -d -i key.txt doorward.tar.zst.age | zstd -d | doorward restore --replace --yes -";

/// `restore`.
#[derive(Debug, Clone, Args)]
pub struct RestoreArgs {
    /// File to read, or - for standard input
    pub file: PathBuf,
    /// Replace what the database holds, all of it
    #[arg(long)]
    pub replace: bool,
    /// Check the file and the master key, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Let sessions and tokens live that lived when the backup was made, whatever has ended them since
    #[arg(long)]
    pub keep_sessions: bool,
}

pub(super) fn run(
    args: &RestoreArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let config = engine::prepare(globals, Program::Command)?;
    config.prepare_data_dir()?;
    let mut file = source(&args.file, &config)?;
    let mut progress = Progress::new(globals);
    let mut tell = |news: backup::News<'_>| progress.hear(news);
    let contents = backup::verify(BufReader::new(&file), &mut tell)?;
    check_master_key(&config, &contents)?;
    let shown = args.file.display().to_string();
    let (head, summary) = (&contents.head, &contents.summary);
    if args.dry_run {
        progress.finish();
        output.data(&document(&shown, head, summary), &table(&shown, head, summary))?;
        output.note("The backup is whole, and the master key opens it. Nothing was changed.");
        return Ok(Exit::Done);
    }
    if args.replace {
        Input::of_process(globals).confirm(&format!(
            "Everything in the database is replaced by what it held at {}.",
            head.made_at
        ))?;
    }
    if let (Some(key), None) = (&contents.master_key, known(&config)?) {
        keep_master_key(&config, key).map_err(StartError::from)?;
    }
    let plan = Plan {
        before: if args.replace { Before::Replaced } else { Before::MustBeEmpty },
        sessions: if args.keep_sessions { Sessions::Kept } else { Sessions::Ended },
        now: Clock::System.now(),
    };
    file.rewind()?;
    let ended = engine::block_on(async {
        let store = open(&config).await?;
        let mut tell = |news: backup::News<'_>| progress.hear(news);
        let work = backup::put_back(store, (BufReader::new(&file), &contents), &plan, &mut tell);
        Ok::<_, Failure>(Box::pin(work).await?)
    });
    progress.finish();
    let ended = ended?.map_err(advised)?;
    wait_past(plan.now);
    let mut shown_table = table(&shown, head, summary);
    shown_table
        .row(["sessions ended", &ended.sessions.to_string()])
        .row(["connections ended", &ended.grants.to_string()]);
    let mut told = document(&shown, head, summary);
    if let Some(members) = told.as_object_mut() {
        members.insert("sessions_ended".to_owned(), json!(ended.sessions));
        members.insert("grants_ended".to_owned(), json!(ended.grants));
    }
    output.data(&told, &shown_table)?;
    output.note(&format!(
        "What was changed after {} is not in it: disable again whom you have disabled since, and \
         change secrets and passwords again that had to be.",
        head.made_at
    ));
    Ok(Exit::Done)
}

/// Waits until the second is over in which everything ended: a token issued in it would count as one from
/// before, and a server that is started now might issue one.
fn wait_past(second: UnixTime) {
    for _ in 0..60 {
        if Clock::System.now() > second {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Says what to do about a database that is not empty.
pub(super) fn advised(failure: Failure) -> Failure {
    let text = failure.to_string();
    if text == crate::store::dump::RefillError::NotEmpty.to_string() {
        return Failure::Failed(format!("{text}: add --replace to lose what it holds"));
    }
    failure
}

/// The file, or a nameless copy of what comes through a pipe: it is read twice.
fn source(path: &Path, config: &Config) -> Result<File, Failure> {
    if path != Path::new("-") {
        let file = File::open(path);
        return file.map_err(|error| Failure::Failed(format!("{}: {error}", path.display())));
    }
    let mut copy = if config.data_dir.is_dir() {
        tempfile::tempfile_in(&config.data_dir)?
    } else {
        tempfile::tempfile()?
    };
    std::io::copy(&mut std::io::stdin().lock(), &mut copy)?;
    copy.rewind()?;
    Ok(copy)
}

fn known(config: &Config) -> Result<Option<MasterKey>, Failure> {
    Ok(known_master_key(config).map_err(StartError::from)?)
}

/// Refuses to put back keys that nobody could use.
fn check_master_key(config: &Config, contents: &Contents) -> Result<(), Failure> {
    let place = match config.master_key_source() {
        MasterKeySource::Given(_) => "secrets.master_key".to_owned(),
        MasterKeySource::File(path) => path.display().to_string(),
    };
    let at_hand = opener(config).map_err(StartError::from)?;
    let carried = contents.master_key.as_ref().map(Sealer::new);
    let opens = |opener: &Sealer| contents.opened_by(opener) != Opened::NotAll;
    let (why, what) = match (&at_hand, &carried) {
        (Some(opener), _) | (None, Some(opener)) if opens(opener) => return Ok(()),
        (None, None) if contents.opened_by_any() => return Ok(()),
        (Some(_), Some(_)) => (
            format!("the master key in {place} does not open the signing keys of this backup"),
            "the backup carries its own: take the one at hand away, and it is used; or take it out \
             with tar -xOf FILE master.key",
        ),
        (Some(_), None) => (
            format!("the master key in {place} does not open the signing keys of this backup"),
            "give the master key that was in use when the backup was made; while one was exchanged, both \
             were: the other one is secrets.previous_master_key",
        ),
        (None, None) => (
            "the backup has signing keys, and there is no master key to open them with".to_owned(),
            "put the one that was in use when the backup was made there",
        ),
        (None, Some(_)) => (
            "the master key in the backup does not open its signing keys".to_owned(),
            "give the one that was in use when it was made",
        ),
    };
    Err(Failure::Failed(format!("{why}: {what} ({place})")))
}
