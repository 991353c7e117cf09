//! `doorward job`: what waits to be sent.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::engine;
use super::exit::{Exit, Failure};
use super::globals::Globals;
use super::input::Input;
use super::output::{Output, Table};
use super::page::{self, Page};
use crate::service::audit::Actor;
use crate::service::jobs::{self, JobFilter, JobState, JobTopic};
use crate::store::waiting::Waiting;

const LIST_EXAMPLES: &str = "\
What a message says is not shown: a letter may hold a link that opens an account.

Examples:
  doorward job list
  doorward job list --topic letters
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
    /// Only those of this kind
    #[arg(long, value_name = "TOPIC", value_parser = topics())]
    pub topic: Option<String>,
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

fn topics() -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(JobTopic::ALL.map(JobTopic::as_str))
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
    let filter = JobFilter {
        state: args.state.as_deref().and_then(JobState::from_name),
        topic: args.topic.as_deref().and_then(JobTopic::from_name),
        after: args.after.as_deref().unwrap_or_default(),
    };
    let found = engine::with_app(globals, async |app| {
        Ok(jobs::list(app, &filter, page::one_more(args.limit)).await?)
    })?;
    let page = Page::of(found, args.limit, |job| job.id.clone());
    let mut table = Table::new(["id", "what", "for", "state", "tries", "next try", "problem"]);
    for job in &page.items {
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
    page.print(&table, to_json, output)
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
