//! What the person running the benchmark chose.

use std::path::PathBuf;
use std::time::Duration;

pub(crate) const USAGE: &str = "\
cargo bench --bench load -- [OPTIONS]

  --production        on a private PostgreSQL and Redis; without it on SQLite and in-process
  --rounds N          measured rounds of each line (5)
  --seconds S         length of a round (2)
  --warm-up S         before the first round of each line (1)
  --connections N     connections kept alive by the driver (16)
  --only TEXT         lines whose name contains TEXT; repeat for several
  --env NAME=VALUE    a setting for Doorward; repeat for several
  --profile FREQUENCY record the server with perf for each line, into target/bench/
  --timing            only: does the time of a refused sign-in tell why it was refused?
  --scale             only: the same operations in a small and in a large town
  --people            only: pages of the console with 100,000 people, and memory with as many
                      sessions, on both databases
  --sessions N        sessions of the large town (500000), with a fifth as many people and apps and
                      twice as many refresh families
  --list              the lines, and nothing else

`--quick` is short for `--rounds 2 --seconds 0.5 --warm-up 0.3`.";

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    /// The lines are measured.
    Lines,
    /// The lines are named, and nothing else.
    List,
    /// Does the time of a refused sign-in tell why?
    Timing,
    /// A small town beside a large one.
    Scale,
    /// Pages of many people, and the memory of many sessions.
    People,
}

/// The choices.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) production: bool,
    pub(crate) rounds: usize,
    pub(crate) round: Duration,
    pub(crate) warm_up: Duration,
    pub(crate) connections: usize,
    pub(crate) only: Vec<String>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) profile: Option<String>,
    pub(crate) task: Task,
    pub(crate) sessions: usize,
}

impl Options {
    /// Reads the arguments that cargo passed on.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn read(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            production: false,
            rounds: 5,
            round: Duration::from_secs(2),
            warm_up: Duration::from_secs(1),
            connections: 16,
            only: Vec::new(),
            environment: Vec::new(),
            profile: None,
            task: Task::Lines,
            sessions: 500_000,
        };
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--production" => options.production = true,
                "--rounds" => options.rounds = number(&value()?)?,
                "--connections" => options.connections = number(&value()?)?,
                "--seconds" => options.round = seconds(&value()?)?,
                "--warm-up" => options.warm_up = seconds(&value()?)?,
                "--only" => options.only.push(value()?),
                "--env" => options.environment.push(setting(&value()?)?),
                "--profile" => options.profile = Some(value()?),
                "--scale" => options.task = Task::Scale,
                "--people" => options.task = Task::People,
                "--sessions" => options.sessions = number(&value()?)?,
                "--list" => options.task = Task::List,
                "--timing" => options.task = Task::Timing,
                "--quick" => {
                    options.rounds = 2;
                    options.round = Duration::from_millis(500);
                    options.warm_up = Duration::from_millis(300);
                }
                // Cargo says this to every benchmark.
                "--bench" => {}
                other => return Err(format!("unknown option {other}")),
            }
        }
        Ok(options)
    }

    /// Whether a line was asked for.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| name.contains(part.as_str()))
    }

    /// A word for the backend, in titles and file names.
    pub(crate) fn backend(&self) -> &'static str {
        if self.production { "production" } else { "embedded" }
    }

    /// Where results go.
    pub(crate) fn folder() -> PathBuf {
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
            || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target")),
            PathBuf::from,
        );
        target.join("bench")
    }
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or(format!("{text} is not NAME=VALUE"))?;
    Ok((name.to_owned(), value.to_owned()))
}

fn number(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| format!("{text} is not a whole number above 0"))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|s| Duration::try_from_secs_f64(s).ok());
    seconds.ok_or_else(|| format!("{text} is not a number of seconds"))
}
