//! `doorward doctor`.

use clap::Args;
use serde_json::{Value, json};

use super::engine;
use super::exit::{Exit, Failure};
use super::globals::{Globals, Program};
use super::output::{Output, Table};
use crate::app::Migrations;
use crate::clock::Clock;
use crate::config::Config;
use crate::service::doctor::{self, Finding, Outcome};
use crate::service::start;

const EXAMPLES: &str = "\
Looks at the configuration, the machine, the database, Redis, mail, keys and apps, and asks the issuer as
everybody outside does. Changes nothing. Exits with 4 when something does not work; what is a warning
works, and is worth a look.

Examples:
  doorward doctor
  doorward doctor --format json";

/// Check everything Doorward depends on and say what to do about it.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = EXAMPLES)]
pub struct DoctorArgs {}

pub(super) fn run(globals: &Globals, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let config = engine::prepare(globals, Program::Command)?;
    let cautions = config.cautions();
    let mut findings = vec![Finding::fine("configuration", "every setting can be used")];
    findings.extend(engine::block_on(examine(config))?);
    let healthy = !findings.iter().any(Finding::is_failure);
    let mut table = Table::fields();
    for finding in &findings {
        let (state, text) = (finding.outcome.state(), finding.outcome.text());
        table.row([&format!("[{state}]"), finding.name, text]);
    }
    for caution in &cautions {
        table.row(["[warning]", "production", caution]);
    }
    let checks: Vec<_> = findings.iter().map(document).collect();
    output.data(&json!({ "ok": healthy, "checks": checks, "cautions": cautions }), &table)?;
    Ok(if healthy { Exit::Done } else { Exit::Unhealthy })
}

/// The machine first, which needs nothing; then everything a server would open.
async fn examine(config: Config) -> Vec<Finding> {
    let mut findings = doctor::examine_machine(&config).await;
    if let Some(problem) = engine::missing_database(&config) {
        findings.push(Finding::failure("start", problem));
        return findings;
    }
    match start::attach(config, Clock::System, Migrations::Expect).await {
        Ok(app) => findings.extend(doctor::examine(&app).await),
        Err(error) => findings.push(Finding::failure("start", error.to_string())),
    }
    findings
}

/// `ok` is false where something does not work; `problem` has what a person should read.
fn document(finding: &Finding) -> Value {
    let (state, text) = (finding.outcome.state(), finding.outcome.text());
    let (problem, found) = match finding.outcome {
        Outcome::Fine(_) => (None, Some(text).filter(|text| !text.is_empty())),
        Outcome::Warning(_) | Outcome::Failure(_) => (Some(text), None),
    };
    json!({
        "name": finding.name,
        "ok": !finding.is_failure(),
        "state": state,
        "problem": problem,
        "found": found,
    })
}
