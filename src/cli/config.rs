//! `doorward config`: check, show and describe the configuration.

use std::path::Path;

use clap::{Args, Subcommand};
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};

use super::engine;
use super::exit::{Exit, Failure};
use super::globals::Globals;
use super::output::{Format, Output, Table};
use crate::config::{Config, Problems, Shown, Stored, Values};
use crate::store::{DatabaseSettings, Store, settings as stored_settings};

const SHOW_EXAMPLES: &str = "\
Secrets are masked.

Examples:
  doorward config show
  doorward config show --origin --config ./doorward.toml";

const SCHEMA_EXAMPLES: &str = "\
Examples:
  doorward config schema > doorward.schema.json
  doorward config schema --markdown > docs/configuration.md";

/// Commands about the configuration.
#[derive(Debug, Clone, Subcommand)]
pub enum ConfigCommand {
    /// Say what is wrong with the configuration; exits with 78 when something is
    Check,
    /// Show every setting in effect
    #[command(after_help = SHOW_EXAMPLES)]
    Show(ConfigShowArgs),
    /// Print the JSON Schema of the configuration file
    #[command(after_help = SCHEMA_EXAMPLES)]
    Schema(ConfigSchemaArgs),
}

/// `config show`.
#[derive(Debug, Clone, Args)]
pub struct ConfigShowArgs {
    /// Say where each value comes from
    #[arg(long)]
    pub origin: bool,
}

/// `config schema`.
#[derive(Debug, Clone, Args)]
pub struct ConfigSchemaArgs {
    /// Print the reference page of all settings in its place
    #[arg(long)]
    pub markdown: bool,
}

pub(super) fn run(
    command: &ConfigCommand,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    match command {
        ConfigCommand::Check => check(globals.load(), output),
        ConfigCommand::Show(args) => {
            let config = with_stored(globals.load()?, output);
            show(&config, args, output)
        }
        ConfigCommand::Schema(args) if args.markdown => {
            output.text(&crate::config::markdown())?;
            Ok(Exit::Done)
        }
        ConfigCommand::Schema(_) => {
            output.document(&crate::config::schema())?;
            Ok(Exit::Done)
        }
    }
}

fn check(loaded: Result<Config, Problems>, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let (problems, cautions) = match loaded {
        Ok(config) => (Problems::default(), config.cautions()),
        Err(problems) => (problems, Vec::new()),
    };
    if output.format() == Format::Json {
        let ok = problems.is_empty();
        output.document(&json!({ "ok": ok, "problems": problems, "cautions": cautions }))?;
    }
    if !problems.is_empty() {
        return Err(problems.into());
    }
    output.note("The configuration is in order.");
    for caution in cautions {
        output.note(&format!("Not for production: {caution}."));
    }
    Ok(Exit::Done)
}

/// The configuration as servers use it, with what the database says of settings that may change while
/// they run. Nothing is made or migrated for that; a database that does not answer is told of.
fn with_stored(config: Config, output: &mut Output<'_>) -> Config {
    let url = config.database_url().expose_secret().to_owned();
    if let Some(path) = url.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        if !Path::new(path.split('?').next().unwrap_or(path)).exists() {
            return config;
        }
    }
    let database = DatabaseSettings { url, max_connections: 1 };
    let stored = engine::block_on(async {
        let store = Store::connect(&database).await.ok()?;
        stored_settings::all(&store.db).await.ok()
    });
    let Ok(Some(rows)) = stored else {
        output.note("The database could not be read: what was set while servers ran is not shown.");
        return config;
    };
    let values: Values = rows.into_iter().map(|row| (row.key, row.value)).collect();
    let Stored { config, problems } = config.with_stored(&values);
    for problem in problems.iter() {
        output.note(&format!("Not used: {problem}."));
    }
    config
}

fn show(config: &Config, args: &ConfigShowArgs, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let mut document = Map::new();
    let titles = ["setting", "value", "origin"];
    let mut table = if args.origin { Table::new(titles) } else { Table::fields() };
    for Shown { key, value, origin, .. } in config.show() {
        let (text, origin) = (plain(&value), origin.to_string());
        if args.origin {
            table.row([&key, &text, &origin]);
            document.insert(key, json!({ "value": value, "origin": origin }));
        } else {
            table.row([&key, &text]);
            document.insert(key, value);
        }
    }
    output.data(&document, &table)?;
    Ok(Exit::Done)
}

/// A value as it would stand in an environment variable; `-` when there is none.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    fn outcome(
        format: Format,
        work: impl FnOnce(&mut Output<'_>) -> Result<Exit, Failure>,
    ) -> (u8, String) {
        let globals = Globals { format, ..Globals::default() };
        let mut data = Vec::new();
        let mut output = Output::to(&globals, &mut data, std::io::sink());
        let code = work(&mut output).unwrap_or_else(|failure| failure.exit()).code();
        drop(output);
        (code, String::from_utf8(data).unwrap())
    }

    #[test]
    fn a_wrong_configuration_exits_with_78_and_lists_its_problems() {
        let sources = Sources::none().set("issuer", "http://id.example.com/", "--issuer");
        let (code, data) = outcome(Format::Json, |output| check(Config::load(&sources), output));
        let document: Value = serde_json::from_str(&data).unwrap();
        assert_eq!(code, 78);
        assert_eq!(document["ok"], false);
        assert_eq!(document["problems"][0]["key"], "issuer");
        assert_eq!(document["problems"][0]["origin"], "flag --issuer");
    }

    #[test]
    fn show_names_origins_and_masks_secrets() {
        let sources = Sources::none().set("redis.url", "redis://:hunter22@cache", "--redis");
        let config = Config::load(&sources).unwrap();
        let args = ConfigShowArgs { origin: true };
        let (code, data) = outcome(Format::Table, |output| show(&config, &args, output));
        assert_eq!(code, 0);
        let line = data.lines().find(|line| line.starts_with("redis.url")).unwrap();
        assert!(line.contains("redis://:***@cache") && line.ends_with("flag --redis"), "{line}");
        assert!(!data.contains("hunter22"));
        let args = ConfigShowArgs { origin: false };
        let (_, data) = outcome(Format::Json, |output| show(&config, &args, output));
        let document: Value = serde_json::from_str(&data).unwrap();
        assert_eq!(document["issuer"], "http://localhost:8080");
        assert_eq!(document["server.listen"][0], "127.0.0.1:8080");
    }
}
