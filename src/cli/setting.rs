//! `doorward setting`: settings that may change while servers run.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::config::plain;
use super::engine;
use super::exit::{Exit, Failure};
use super::globals::Globals;
use super::logo::{self, BrandLogoArgs};
use super::output::{Output, Table};
use crate::service::audit::Actor;
use crate::service::settings::{self, Edit, Shown};

const SET_EXAMPLES: &str = "\
Every server has the new value within a second. What a flag, the environment or a file fixes is changed
there, and not here.

Examples:
  doorward setting set session.idle 1800
  doorward setting set product_name Orchard
  doorward setting set branding.links 'Help https://help.example.com'
  doorward setting unset session.idle";

/// Commands about settings.
#[derive(Debug, Clone, Subcommand)]
pub enum SettingCommand {
    /// List the settings that may change while servers run
    List,
    /// Show one setting
    Get(SettingArgs),
    /// Set a setting
    #[command(after_help = SET_EXAMPLES)]
    Set(SettingSetArgs),
    /// Set the logo on every page, or take it away
    #[command(after_help = logo::about_brand())]
    Logo(BrandLogoArgs),
    /// Let a setting be its default again
    Unset(SettingArgs),
}

/// The setting a command is about.
#[derive(Debug, Clone, Args)]
pub struct SettingArgs {
    /// Its name, such as session.idle
    pub key: String,
}

/// `setting set`.
#[derive(Debug, Clone, Args)]
pub struct SettingSetArgs {
    /// Its name, such as session.idle
    pub key: String,
    /// The new value; lists are separated by commas
    pub value: String,
}

pub(super) fn run(
    command: &SettingCommand,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    match command {
        SettingCommand::List => {
            let found = engine::with_app(globals, async |app| Ok(settings::all(app)))?;
            list(&found, output)
        }
        SettingCommand::Get(args) => {
            let found = engine::with_app(globals, async |app| Ok(settings::get(app, &args.key)?))?;
            print(&found, output)
        }
        SettingCommand::Set(args) => {
            let to = Some(Value::String(args.value.clone()));
            change(&args.key, to, globals, output)
        }
        SettingCommand::Logo(args) => logo::of_brand(args, globals, output),
        SettingCommand::Unset(args) => change(&args.key, None, globals, output),
    }
}

fn change(
    key: &str,
    to: Option<Value>,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let edit = Edit { key: key.to_owned(), to, seen: None };
    let now = engine::with_app(globals, async |app| {
        settings::change(app, &[edit], &Actor::CommandLine).await?;
        Ok(settings::get(app, key)?)
    })?;
    print(&now, output)
}

fn to_json(shown: &Shown) -> Value {
    let stored = shown.stored.as_ref();
    json!({
        "key": shown.setting.key, "value": shown.value, "default": shown.default,
        "origin": shown.origin.to_string(), "fixed": shown.is_fixed(),
        "description": shown.setting.description,
        "changed_at": engine::time_or_null(stored.map(|stored| stored.changed_at)),
        "changed_by": stored.map(|stored| stored.changed_by.as_str()),
        "problem": shown.problem,
    })
}

fn list(found: &[Shown], output: &mut Output<'_>) -> Result<Exit, Failure> {
    let mut table = Table::new(["setting", "value", "origin"]);
    for shown in found {
        table.row([&shown.setting.key, &plain(&shown.value), &shown.origin.to_string()]);
    }
    let items: Vec<_> = found.iter().map(to_json).collect();
    output.data(&engine::list(&items, None), &table)?;
    Ok(Exit::Done)
}

fn print(shown: &Shown, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let mut table = Table::fields();
    table.row(["setting", &shown.setting.key]);
    table.row(["value", &plain(&shown.value)]).row(["origin", &shown.origin.to_string()]);
    table.row(["default", &plain(&shown.default)]);
    table.row(["meaning", &shown.setting.description]);
    if let Some(stored) = &shown.stored {
        table.row(["changed", &stored.changed_at.rfc3339()]).row(["by", &stored.changed_by]);
    }
    if let Some(problem) = &shown.problem {
        table.row(["not used", problem]);
    }
    output.data(&to_json(shown), &table)?;
    Ok(Exit::Done)
}
