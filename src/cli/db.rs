//! `doorward db`: the database schema.

use clap::Subcommand;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::engine;
use super::exit::{Exit, Failure};
use super::globals::{Globals, Program};
use super::output::{Output, Table};
use crate::store::{DatabaseSettings, Store};

/// Commands about the database.
#[derive(Debug, Clone, Subcommand)]
pub enum DbCommand {
    /// Bring the schema up to date
    Migrate,
    /// Show which migrations were applied and which wait
    Status,
}

pub(super) fn run(
    command: &DbCommand,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let config = engine::prepare(globals, Program::Command)?;
    config.prepare_data_dir()?;
    let settings = DatabaseSettings {
        url: config.database_url().expose_secret().to_owned(),
        max_connections: config.database.max_connections,
    };
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
