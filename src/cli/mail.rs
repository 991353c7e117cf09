//! `doorward mail`: whether letters leave.

use clap::{Args, Subcommand};
use serde_json::json;

use super::engine;
use super::exit::{Exit, Failure};
use super::globals::Globals;
use super::output::{Output, Table};
use crate::service::audit::Actor;
use crate::service::mail::{self, TestResult};

const TEST_EXAMPLES: &str = "\
The letter is handed over at once, and what the mail server says to it is told. It says that it is a test
and nothing else.

Examples:
  doorward mail test alice@example.com
  doorward mail test alice@example.com --format json";

/// Commands about mail.
#[derive(Debug, Clone, Subcommand)]
pub enum MailCommand {
    /// Send a test letter, and tell what the mail server makes of it
    #[command(after_help = TEST_EXAMPLES)]
    Test(MailTestArgs),
}

/// `mail test`.
#[derive(Debug, Clone, Args)]
pub struct MailTestArgs {
    /// Where it goes
    pub address: String,
}

pub(super) fn run(
    command: &MailCommand,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let MailCommand::Test(args) = command;
    let tested = engine::with_app(globals, async |app| {
        Ok(mail::send_test(app, Some(&args.address), &Actor::CommandLine).await?)
    })?;
    let mut table = Table::fields();
    table.row(["to", &tested.to]).row(["result", tested.result.as_str()]);
    table.row(["in words", &tested.said]).row(["what to do", tested.advice]);
    let document = json!({
        "to": tested.to, "result": tested.result.as_str(), "said": tested.said, "advice": tested.advice,
    });
    output.data(&document, &table)?;
    Ok(if tested.result == TestResult::Sent { Exit::Done } else { Exit::Failed })
}
