//! `doorward db`: the database schema, and moving from one database to another.

use clap::{Args, Subcommand};
use serde_json::json;

use super::backup::figures;
use super::engine;
use super::exit::{Exit, Failure};
use super::globals::{Globals, Program};
use super::input::Input;
use super::output::{Output, Table};
use super::progress::Progress;
use super::restore::advised;
use crate::clock::Clock;
use crate::service::backup;
use crate::store::dump::Before;
use crate::store::{DatabaseSettings, Store};

const COPY_EXAMPLES: &str = "\
Stop every server first: what is changed while it copies is not in the copy. What arrived is read again and
compared, by count and SHA-256, and kept only if it is the same. Nobody is signed out. The servers need the
same master key as before: with SQLite it is in master.key of the data directory. While it is exchanged they
need the previous one, too, which is in master.key.previous.

A password in a URL can be read by other programs on this machine; PGPASSWORD and PGPASSFILE cannot.

Examples:
  doorward db copy --from sqlite:data/doorward.db --to postgres://doorward@db.example.com/doorward
  doorward db copy --from postgres://doorward@db.example.com/doorward --to sqlite:copy.db";

/// Commands about the database.
#[derive(Debug, Clone, Subcommand)]
pub enum DbCommand {
    /// Bring the schema up to date
    Migrate,
    /// Show which migrations were applied and which wait
    Status,
    /// Copy everything from one database into another, of either kind
    #[command(after_help = COPY_EXAMPLES)]
    Copy(DbCopyArgs),
}

/// `db copy`.
#[derive(Debug, Clone, Args)]
pub struct DbCopyArgs {
    /// Database to read, such as sqlite:/var/lib/doorward/doorward.db
    #[arg(long, value_name = "URL")]
    pub from: String,
    /// Database to fill, such as postgres://doorward@localhost/doorward
    #[arg(long, value_name = "URL")]
    pub to: String,
    /// Replace what it holds, all of it
    #[arg(long)]
    pub replace: bool,
}

pub(super) fn run(
    command: &DbCommand,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    if let DbCommand::Copy(args) = command {
        return copy(args, globals, output);
    }
    let config = match command {
        DbCommand::Migrate => engine::prepare(globals, Program::Command)?,
        _ => engine::prepare_existing(globals)?,
    };
    config.prepare_data_dir()?;
    let settings = crate::app::database_of(&config);
    let failed = |error: &dyn std::fmt::Display| Failure::Failed(error.to_string());
    let status = engine::block_on(async {
        let store = Store::connect(&settings).await.map_err(|error| failed(&error))?;
        if matches!(command, DbCommand::Migrate) {
            store.migrate().await.map_err(|error| failed(&error))?;
        }
        store.migration_status().await.map_err(|error| failed(&error))
    })??;
    let mut table = Table::new(["version", "description", "state"]);
    for migration in &status {
        let state = if migration.applied { "applied" } else { "waiting" };
        table.row([&migration.version.to_string(), &migration.description, state]);
    }
    let items = status.iter().map(|migration| {
        json!({
            "version": migration.version,
            "description": migration.description,
            "applied": migration.applied,
        })
    });
    output.data(&engine::list(&items.collect::<Vec<_>>(), None), &table)?;
    Ok(Exit::Done)
}

fn copy(args: &DbCopyArgs, globals: &Globals, output: &mut Output<'_>) -> Result<Exit, Failure> {
    // For the log; neither database need be the configured one.
    engine::prepare(globals, Program::Command)?;
    if args.from == args.to {
        return Err(Failure::Usage("--from and --to are the same database".to_owned()));
    }
    if args.replace {
        let question = "Everything in the database that is copied to is replaced.";
        Input::of_process(globals).confirm(question)?;
    }
    let before = if args.replace { Before::Replaced } else { Before::MustBeEmpty };
    let mut progress = Progress::new(globals);
    let outcome = engine::block_on(async {
        // Only what is filled may be made: a mistyped name is no empty database.
        let from = Store::connect_to_existing(&DatabaseSettings::new(&args.from)).await;
        let from = from.map_err(|error| Failure::Failed(format!("--from: {error}")))?;
        let to = Store::connect(&DatabaseSettings::new(&args.to)).await;
        let to = to.map_err(|error| Failure::Failed(format!("--to: {error}")))?;
        let mut tell = |news: backup::News<'_>| progress.hear(news);
        let work = backup::copy(&from, (to, before), Clock::System.now(), &mut tell);
        Ok::<_, Failure>(Box::pin(work).await?)
    });
    progress.finish();
    let summary = outcome?.map_err(advised)?;
    let mut table = Table::new(["table", "rows", "sha256"]);
    for copied in &summary.tables {
        table.row([&copied.name, &copied.rows.to_string(), &copied.sha256_sum]);
    }
    let document = json!({ "rows": summary.rows(), "tables": figures(&summary) });
    output.data(&document, &table)?;
    output.note(
        "Both hold the same. Start the servers with the new database and the same master key.",
    );
    Ok(Exit::Done)
}
