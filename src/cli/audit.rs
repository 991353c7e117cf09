//! `doorward audit`: what happened, and the proof that nobody rewrote it.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::engine;
use super::exit::{Exit, Failure};
use super::globals::Globals;
use super::new_file::NewFile;
use super::output::{Output, Table};
use super::page::{self, Page};
use super::user::import::LayoutArg;
use super::values::{audit_outcome, moment};
use crate::app::App;
use crate::clock::UnixTime;
use crate::service::audit;
use crate::service::audit::chain::Chain;
use crate::service::audit::export::{Export, Layout, document};
use crate::service::audit::verification::{self, Kind, Question, Report};
use crate::service::people;
use crate::store::Cursor;
use crate::store::audit::{AuditFilter, Outcome};

const LIST_EXAMPLES: &str = "\
Times are RFC 3339, or a date; without a zone they are UTC.

Examples:
  doorward audit list --user alice --since 2026-11-01
  doorward audit list --result failure --address 192.0.2.14
  doorward audit list --request-id 019a6b3e-7c1f-7d90-8a55-0d1e2f3a4b5c --format json";

const EXPORT_EXAMPLES: &str = "\
One JSON document on each line, the oldest event first, with its place in the chain. As CSV the detail is JSON
in one cell, and a cell that a spreadsheet would calculate (= + - @ in front) begins with a quote.

Examples:
  doorward audit export > audit.ndjson
  doorward audit export --since 2026-10-01 --until 2026-11-01 --output october.ndjson
  doorward audit export --as csv --output audit.csv";

const VERIFY_EXAMPLES: &str = "\
Note the last number and its hash somewhere outside of the database; given as --anchor another time
they also show whether the newest events were cut off together with the signed head.

Examples:
  doorward audit verify
  doorward audit verify --from 120000
  doorward audit verify --anchor 120000:4mRXfVpL…

Exit codes: 0 the log is what was written, 1 it is not, or it could not be read.";

/// How many events are checked between two lines about it.
const TOLD_EVERY: u64 = 100_000;

/// Commands about the audit log.
#[derive(Debug, Clone, Subcommand)]
pub enum AuditCommand {
    /// List events, newest first
    #[command(after_help = LIST_EXAMPLES)]
    List(AuditListArgs),
    /// Write events as lines of JSON or as CSV, oldest first
    #[command(after_help = EXPORT_EXAMPLES)]
    Export(AuditExportArgs),
    /// Check that no event was changed, removed, added or moved
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(AuditVerifyArgs),
}

/// Which events.
#[derive(Debug, Clone, Args)]
pub struct AuditFilterArgs {
    /// About this person: username, e-mail address or id
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,
    /// About this app: client id
    #[arg(long, value_name = "CLIENT")]
    pub client: Option<String>,
    /// Of this kind, such as sign_in.failed
    #[arg(long, value_name = "KIND")]
    pub kind: Option<String>,
    /// That ended like this
    #[arg(long, value_name = "RESULT", value_parser = audit_outcome())]
    pub result: Option<Outcome>,
    /// From this network address
    #[arg(long, value_name = "ADDRESS")]
    pub address: Option<String>,
    /// Of this request
    #[arg(long, value_name = "ID")]
    pub request_id: Option<String>,
    /// From this time on
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub since: Option<UnixTime>,
    /// Before this time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub until: Option<UnixTime>,
}

/// `audit list`.
#[derive(Debug, Clone, Args)]
pub struct AuditListArgs {
    #[command(flatten)]
    pub filter: AuditFilterArgs,
    /// Events to list at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    /// Go on where the last page ended
    #[arg(long, value_name = "CURSOR")]
    pub after: Option<String>,
}

/// `audit export`.
#[derive(Debug, Clone, Args)]
pub struct AuditExportArgs {
    #[command(flatten)]
    pub filter: AuditFilterArgs,
    /// How the events are written
    #[arg(long = "as", value_enum, value_name = "LAYOUT", default_value = "ndjson")]
    pub layout: LayoutArg,
    /// File to write; it must not exist. Without it standard output
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// `audit verify`.
#[derive(Debug, Clone, Args)]
pub struct AuditVerifyArgs {
    /// Begin at this number
    #[arg(long, value_name = "SEQ", value_parser = clap::value_parser!(i64).range(1..))]
    pub from: Option<i64>,
    /// A number and the hash it had, noted earlier
    #[arg(long, value_name = "SEQ:HASH", value_parser = anchor)]
    pub anchor: Option<(i64, String)>,
}

fn anchor(text: &str) -> Result<(i64, String), String> {
    let (seq, hash) = text.split_once(':').ok_or("write the number, a colon and the hash")?;
    let seq = seq.parse::<i64>().ok().filter(|seq| *seq > 0);
    Ok((seq.ok_or("the part before the colon is not a number")?, hash.to_owned()))
}

pub(super) fn run(
    command: &AuditCommand,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    match command {
        AuditCommand::List(args) => list(args, globals, output),
        AuditCommand::Export(args) => export(args, globals, output),
        AuditCommand::Verify(args) => verify(args, globals, output),
    }
}

/// The filter these flags describe.
async fn filter(app: &App, args: &AuditFilterArgs) -> Result<AuditFilter, Failure> {
    let user_id = match &args.user {
        None => None,
        Some(user) => Some(people::id_of(app, user).await?),
    };
    Ok(AuditFilter {
        kind: args.kind.clone(),
        outcome: args.result,
        user_id,
        client_id: args.client.clone(),
        address: args.address.clone(),
        request_id: args.request_id.clone(),
        since: args.since,
        until: args.until,
        ..AuditFilter::default()
    })
}

fn list(args: &AuditListArgs, globals: &Globals, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let after = match args.after.as_deref().map(Cursor::parse) {
        None => None,
        Some(Some(cursor)) => Some(cursor),
        Some(None) => {
            return Err(Failure::Usage("--after is not a place that a list ended at".to_owned()));
        }
    };
    let events = engine::with_app(globals, async |app| {
        let filter = AuditFilter {
            after,
            limit: page::one_more(args.limit),
            ..filter(app, &args.filter).await?
        };
        Ok(audit::list(app, &filter).await?)
    })?;
    let page = Page::of(events, args.limit, |event| event.cursor().to_string());
    let mut table =
        Table::new(["seq", "when", "result", "kind", "actor", "user", "client", "from"]);
    for event in &page.items {
        let seq = event.seal.as_ref().map_or_else(|| "-".to_owned(), |seal| seal.seq.to_string());
        let (when, result) = (event.at.rfc3339(), event.outcome.as_str());
        let [actor, user, client, address] =
            [&event.actor, &event.user_id, &event.client_id, &event.address]
                .map(|text| text.as_deref().unwrap_or("-"));
        table.row([&seq, &when, result, &event.kind, actor, user, client, address]);
    }
    page.print(&table, document, output)
}

fn export(
    args: &AuditExportArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let mut file = args.output.as_deref().map(NewFile::create).transpose()?;
    let layout = match args.layout {
        LayoutArg::Csv => Layout::Csv,
        LayoutArg::Ndjson => Layout::Ndjson,
    };
    let count = engine::with_app(globals, async |app| {
        let mut export = Export::of(filter(app, &args.filter).await?, layout);
        let mut told = 0;
        while let Some(lines) = export.next(app).await? {
            match &mut file {
                Some(file) => file.write(&lines)?,
                None => output.text(&lines)?,
            }
            if export.count / TOLD_EVERY > told {
                told = export.count / TOLD_EVERY;
                output.note(&format!("{} events so far", export.count));
            }
        }
        Ok(export.count)
    })?;
    if let Some(file) = file {
        file.finish()?;
    }
    output.note(&format!("{count} events written."));
    Ok(Exit::Done)
}

fn verify(
    args: &AuditVerifyArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let question = Question { from: args.from, anchor: args.anchor.clone() };
    let report = engine::with_app(globals, async |app| {
        let chain = Chain { db: &app.store.db, sealer: &app.sealer, now: app.now(), known: 0 };
        let mut told = 0;
        let mut progress = |checked: u64| {
            if checked / TOLD_EVERY > told {
                told = checked / TOLD_EVERY;
                output.note(&format!("{checked} events checked so far"));
            }
        };
        Ok(verification::verify(&chain, &question, &mut progress).await?)
    })?;
    output.data(&report_json(&report), &report_table(&report))?;
    if report.is_intact() {
        return Ok(Exit::Done);
    }
    let first = report.fault.map(|fault| format!(", first at event {}", fault.seq));
    let place = first.unwrap_or_default();
    Err(Failure::Failed(format!("the audit log is not what was written{place}")))
}

fn explained(kind: Kind) -> String {
    match kind {
        Kind::Missing => "it is gone".to_owned(),
        Kind::Changed => "it is not the event that was sealed there".to_owned(),
        Kind::Rewritten { up_to } => {
            format!("it, or a later one up to {up_to}, was replaced and the hashes were made anew")
        }
        Kind::CutOff => "it and everything after it was cut off".to_owned(),
        Kind::Added => "it stands behind the last event that was sealed".to_owned(),
        Kind::Start => "the mark of what retention removed is not signed".to_owned(),
        Kind::Head => "the head of the chain is not signed from here on".to_owned(),
    }
}

fn report_table(report: &Report) -> Table {
    let mut table = Table::fields();
    let state = if report.is_intact() { "intact" } else { "broken" };
    table.row(["state", state]).row(["checked", &report.checked.to_string()]);
    if report.checked > 0 {
        table.row(["from", &report.first.to_string()]);
        table.row(["to", &format!("{}:{}", report.last, report.hash)]);
    }
    if let Some(fault) = report.fault {
        table.row(["broken at", &format!("{}: {}", fault.seq, explained(fault.kind))]);
    }
    if let Some((count, first)) = &report.stray {
        table.row(["not sealed", &format!("{count} events that nobody queued, first {first}")]);
    }
    if let Some(queue) = report.queue.filter(|queue| queue.waiting > 0) {
        let since = queue.oldest.map(|at| format!(", oldest of {}", at.rfc3339()));
        let lost = Some(queue.missing).filter(|missing| *missing > 0);
        let lost = lost.map(|missing| format!("; {missing} of them are gone"));
        let [since, lost] = [since, lost].map(Option::unwrap_or_default);
        table.row(["waiting", &format!("{}{since}{lost}", queue.waiting)]);
    }
    if let Some((count, first)) = report.late {
        table.row(["sealed late", &format!("{count} events, first {first}")]);
    }
    table
}

fn report_json(report: &Report) -> Value {
    let fault = report.fault.map(|fault| {
        let up_to = match fault.kind {
            Kind::Rewritten { up_to } => Some(up_to),
            _ => None,
        };
        json!({ "seq": fault.seq, "reason": fault.kind.as_str(), "up_to": up_to })
    });
    let stray = report.stray.as_ref().map(|(count, id)| json!({ "count": count, "first": id }));
    let late = report.late.map(|(count, seq)| json!({ "count": count, "first": seq }));
    let waiting = report.queue.map(|queue| {
        let oldest = engine::time_or_null(queue.oldest);
        json!({ "count": queue.waiting, "oldest": oldest, "missing": queue.missing })
    });
    json!({
        "intact": report.is_intact(),
        "checked": report.checked,
        "first": report.first,
        "last": report.last,
        "hash": report.hash,
        "broken": fault,
        "not_sealed": stray,
        "waiting": waiting,
        "sealed_late": late,
    })
}
