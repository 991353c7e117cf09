//! The flags every command has.

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::output::Format;
use crate::config::{Config, LogFormat, LogLevel, LogSettings, Origin, Problems, Sources};

/// Flags that stand before or after any command.
#[derive(Debug, Clone, Default, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own on the command line"
)]
#[command(next_help_heading = "Options of every command")]
pub struct Globals {
    /// Configuration file; repeat it to add others, later ones win
    #[arg(short, long, global = true, value_name = "FILE")]
    pub config: Vec<PathBuf>,
    /// Directory of the SQLite database and the generated master key
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// How data is written
    #[arg(long, global = true, value_enum, env = "DOORWARD_FORMAT", default_value_t)]
    pub format: Format,
    /// The least important log messages that are written
    #[arg(long, global = true, value_name = "LEVEL")]
    #[arg(value_parser = PossibleValuesParser::new(LogLevel::ALL.map(LogLevel::as_str)))]
    pub log_level: Option<String>,
    /// How the log is written
    #[arg(long, global = true, value_name = "FORMAT")]
    #[arg(value_parser = PossibleValuesParser::new(LogFormat::ALL.map(LogFormat::as_str)))]
    pub log_format: Option<String>,
    /// Say only what went wrong
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more (the same as --log-level debug)
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Do not ask whether to go on
    #[arg(long, global = true)]
    pub yes: bool,
    /// Never ask for anything; fail if an answer is needed
    #[arg(long, global = true)]
    pub no_input: bool,
}

/// Who logs: a server tells its story, a command only its troubles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    Server,
    Command,
}

impl Globals {
    /// This process's sources of configuration with these flags on top.
    #[must_use]
    pub fn sources(&self) -> Sources {
        self.over(Sources::of_process())
    }

    /// These flags on top of other sources.
    #[must_use]
    pub fn over(&self, mut sources: Sources) -> Sources {
        for file in &self.config {
            sources = sources.file(file);
        }
        if let Some(path) = &self.data_dir {
            sources = sources.set("data_dir", path.to_string_lossy(), "--data-dir");
        }
        let level = match &self.log_level {
            Some(level) => Some((level.as_str(), "--log-level")),
            None if self.verbose => Some(("debug", "--verbose")),
            None if self.quiet => Some(("error", "--quiet")),
            None => None,
        };
        if let Some((level, flag)) = level {
            sources = sources.set("log.level", level, flag);
        }
        if let Some(format) = &self.log_format {
            sources = sources.set("log.format", format, "--log-format");
        }
        sources
    }

    /// The configuration in effect for this command.
    pub fn load(&self) -> Result<Config, Problems> {
        Config::load(&self.sources())
    }

    /// How to log. A command that nobody asked to log writes warnings and errors only, as text for
    /// the person in front of it.
    #[must_use]
    pub fn log_settings(config: &Config, program: Program) -> LogSettings {
        let mut settings = config.log.clone();
        if program == Program::Command {
            if config.origin("log.format") == &Origin::Default {
                settings.format = LogFormat::Text;
            }
            if !matches!(config.origin("log.level"), Origin::Flag(_)) {
                settings.level = LogLevel::Warn;
            }
        }
        settings
    }
}
