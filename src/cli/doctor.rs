//! `doorward doctor`.

use clap::Args;
use serde_json::json;

use super::engine;
use super::exit::{Exit, Failure};
use super::globals::{Globals, Program};
use super::output::{Output, Table};
use crate::app::Migrations;
use crate::clock::Clock;
use crate::config::Config;
use crate::service::people::links;
use crate::service::{health, start};

const EXAMPLES: &str = "\
Exits with 4 when something does not work.

Examples:
  doorward doctor
  doorward doctor --format json";

/// Check everything Doorward depends on and say what to do about it.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = EXAMPLES)]
pub struct DoctorArgs {}

/// One thing looked at: its name, what is wrong if anything, and what to do.
struct Finding {
    name: &'static str,
    problem: Option<String>,
}

pub(super) fn run(globals: &Globals, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let config = engine::prepare(globals, Program::Command)?;
    let cautions = config.cautions();
    let mut findings = vec![Finding { name: "configuration", problem: None }];
    findings.extend(engine::block_on(examine(config))?);
    let healthy = findings.iter().all(|finding| finding.problem.is_none());
    let mut table = Table::fields();
    for finding in &findings {
        match &finding.problem {
            None => table.row(["[ok]", finding.name, ""]),
            Some(problem) => table.row(["[failure]", finding.name, problem]),
        };
    }
    for caution in &cautions {
        table.row(["[warning]", "production", caution]);
    }
    let checks: Vec<_> = findings
        .iter()
        .map(|finding| json!({ "name": finding.name, "ok": finding.problem.is_none(), "problem": finding.problem }))
        .collect();
    output.data(&json!({ "ok": healthy, "checks": checks, "cautions": cautions }), &table)?;
    Ok(if healthy { Exit::Done } else { Exit::Unhealthy })
}

/// Opens everything as a server would, and asks each part.
async fn examine(config: Config) -> Vec<Finding> {
    if let Some(problem) = engine::missing_database(&config) {
        return vec![Finding { name: "start", problem: Some(problem) }];
    }
    let started = start::attach(config, Clock::System, Migrations::Expect).await;
    let app = match started {
        Ok(app) => app,
        Err(error) => return vec![Finding { name: "start", problem: Some(error.to_string()) }],
    };
    let mut findings: Vec<_> = health::check(&app)
        .await
        .into_iter()
        .map(|check| Finding { name: check.name, problem: check.problem })
        .collect();
    let eviction = match app.ephemeral.eviction_policy().await {
        Some(policy) if policy != "noeviction" => Some(format!(
            "maxmemory-policy is {policy}; set it to noeviction, or Redis may forget what was spent"
        )),
        _ => None,
    };
    findings.push(Finding { name: "redis-eviction", problem: eviction });
    if let Some(mailer) = &app.mail {
        let problem = mailer.check().await.err().map(|fault| fault.to_string());
        findings.push(Finding { name: "mail", problem });
    }
    let owner = match links::needs_setup(&app).await {
        Ok(false) => None,
        Ok(true) => Some("nobody administers this yet; run: doorward setup-link".to_owned()),
        Err(error) => Some(error.to_string()),
    };
    findings.push(Finding { name: "administrator", problem: owner });
    findings
}
