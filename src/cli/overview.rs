//! `doorward overview`: how things stand.

use clap::Args;
use serde_json::{Value, json};

use super::engine;
use super::exit::{Exit, Failure};
use super::globals::Globals;
use super::output::{Output, Table};
use crate::service::activity::Period;
use crate::service::overview::{self, Overview, Span};
use crate::telemetry::activity::Counts;

pub(super) const EXAMPLES: &str = "\
Running servers write down twice a minute what they have counted.

Examples:
  doorward overview
  doorward overview --span week --format json";

/// `overview`.
#[derive(Debug, Clone, Args)]
pub struct OverviewArgs {
    /// How far back the periods in the JSON document go: a day by the hour, a week by six hours, or four
    /// weeks by the day
    #[arg(long, value_name = "SPAN", default_value = "day", value_parser = spans())]
    pub span: String,
}

fn spans() -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(Span::ALL.map(Span::as_str))
}

pub(super) fn run(
    args: &OverviewArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let span = Span::from_name(&args.span).unwrap_or(Span::Day);
    let found = engine::with_app(globals, async |app| Ok(overview::overview(app, span).await?))?;
    let figures = found.figures;
    let mut table = Table::fields();
    table
        .row(["people", &figures.people.to_string()])
        .row(["apps", &figures.apps.to_string()])
        .row(["signed in now", &figures.live_sessions.to_string()])
        .row(["sign-ins in a day", &figures.sign_ins.to_string()])
        .row(["failed in a day", &figures.failed_sign_ins.to_string()])
        .row(["letters waiting", &found.queued_letters.to_string()])
        .row(["tokens this hour", &found.hour.tokens.to_string()])
        .row(["answers this hour", &found.hour.requests.to_string()])
        .row(["errors this hour", &found.hour.errors.to_string()]);
    for key in &found.keys {
        table.row([
            "key in use",
            &format!("{} since {}", key.alg.as_str(), key.activates_at.rfc3339()),
        ]);
    }
    for concern in &found.concerns {
        table.row(["warning", &concern.text()]);
    }
    output.data(&to_json(&found), &table)?;
    Ok(Exit::Done)
}

fn to_json(found: &Overview) -> Value {
    let period = |period: &Period| {
        let mut members = counts(period.counts);
        if let Some(members) = members.as_object_mut() {
            members.insert("from".to_owned(), engine::time(period.from));
        }
        members
    };
    let key = |key: &crate::store::keys::KeyRow| json!({ "kid": key.kid, "alg": key.alg.as_str(), "active_since": engine::time(key.activates_at) });
    let warnings = found
        .concerns
        .iter()
        .map(|concern| json!({ "code": concern.code(), "text": concern.text() }));
    json!({
        "people": found.figures.people,
        "apps": found.figures.apps,
        "active_sessions": found.figures.live_sessions,
        "sign_ins": found.figures.sign_ins,
        "failed_sign_ins": found.figures.failed_sign_ins,
        "queued_letters": found.queued_letters,
        "hour": counts(found.hour),
        "periods": found.periods.iter().map(period).collect::<Vec<_>>(),
        "keys": found.keys.iter().map(key).collect::<Vec<_>>(),
        "warnings": warnings.collect::<Vec<_>>(),
    })
}

fn counts(counts: Counts) -> Value {
    json!({
        "sign_ins": counts.sign_ins,
        "failed_sign_ins": counts.failed_sign_ins,
        "tokens": counts.tokens,
        "requests": counts.requests,
        "errors": counts.errors,
        "within_10": counts.within_10,
        "within_50": counts.within_50,
        "within_100": counts.within_100,
        "within_500": counts.within_500,
        "p95_within": counts.p95_within(),
    })
}
