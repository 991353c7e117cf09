//! `doorward job`: what waits to be sent.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::engine;
use super::exit::{Exit, Failure};
use super::globals::Globals;
use super::input::Input;
use super::output::{Output, Table};
use crate::service::audit::Actor;
use crate::service::jobs::{self, JobState};
use crate::store::waiting::Waiting;

const LIST_EXAMPLES: &str = "\
What a message says is not shown: a letter may hold a link that opens an account.

Examples:
  doorward job list
  doorward job list --state stuck --format json";

/// Commands about messages that wait.
#[derive(Debug, Clone, Subcommand)]
pub enum JobCommand {
    /// List what waits to be sent, the oldest first, and why it has not arrived
    #[command(after_help = LIST_EXAMPLES)]
    List(JobListArgs),
    /// Have a message sent now that waits for its next try
    Retry(JobArgs),
    /// Give a message up; whoever it is for never hears of it
    Discard(JobArgs),
}

/// `job list`.
#[derive(Debug, Clone, Args)]
pub struct JobListArgs {
    /// Only those in this state: not tried yet, tried, or tried three times and more
    #[arg(long, value_name = "STATE", value_parser = states())]
    pub state: Option<String>,
    /// Messages to list at most
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    /// Go on behind the message with this id
    #[arg(long, value_name = "ID")]
    pub after: Option<String>,
}

/// The message a command is about.
#[derive(Debug, Clone, Args)]
pub struct JobArgs {
    /// Its id
    pub id: String,
}

fn states() -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(JobState::ALL.map(JobState::as_str))
}

pub(super) fn run(
    command: &JobCommand,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    match command {
        JobCommand::List(args) => list(args, globals, output),
        JobCommand::Retry(args) => {
            let job = engine::with_app(globals, async |app| {
                let job = jobs::get(app, &args.id).await?;
                jobs::try_now(app, &args.id, &Actor::CommandLine).await?;
                Ok(job)
            })?;
            output.note("A running server sends it within seconds.");
            print(&job, output)
        }
        JobCommand::Discard(args) => {
            Input::of_process(globals)
                .confirm("Discard this message? Whoever it is for never hears of it.")?;
            let job = engine::with_app(globals, async |app| {
                let job = jobs::get(app, &args.id).await?;
                jobs::discard(app, &args.id, &Actor::CommandLine).await?;
                Ok(job)
            })?;
            output.note("The message is discarded.");
            print(&job, output)
        }
    }
}

fn list(args: &JobListArgs, globals: &Globals, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let most = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let which = (
        args.state.as_deref().and_then(JobState::from_name),
        args.after.as_deref().unwrap_or_default(),
    );
    let mut found = engine::with_app(globals, async |app| {
        // One more than asked for tells whether the list goes on.
        Ok(jobs::list(app, which, i64::from(args.limit) + 1).await?)
    })?;
    let more = found.len() > most;
    found.truncate(most);
    let next = found.last().filter(|_| more).map(|job| job.id.clone());
    let mut table = Table::new(["id", "what", "for", "state", "tries", "next try", "problem"]);
    for job in &found {
        table.row([
            job.id.as_str(),
            &job.kind,
            job.client_id.as_ref().map_or("-", |id| id.as_str()),
            JobState::of(job.attempts).as_str(),
            &job.attempts.to_string(),
            &job.due_at.rfc3339(),
            job.last_error.as_deref().unwrap_or_default(),
        ]);
    }
    let items: Vec<_> = found.iter().map(to_json).collect();
    output.data(&engine::list(&items, next.as_deref()), &table)?;
    if let Some(next) = next {
        output.note(&format!("There are more: --after {next}"));
    }
    Ok(Exit::Done)
}

fn to_json(job: &Waiting) -> Value {
    json!({
        "id": job.id,
        "kind": job.kind,
        "state": JobState::of(job.attempts).as_str(),
        "client_id": job.client_id,
        "attempts": job.attempts,
        "last_error": job.last_error,
        "created_at": engine::time(job.created_at),
        "due_at": engine::time(job.due_at),
        "expires_at": engine::time(job.expires_at),
    })
}

fn print(job: &Waiting, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let mut table = Table::fields();
    table.row(["id", &job.id]).row(["what", &job.kind]);
    table.row(["tries", &job.attempts.to_string()]);
    output.data(&to_json(job), &table)?;
    Ok(Exit::Done)
}
