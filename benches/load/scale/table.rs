//! The table for people and the document for programs.

use std::time::Duration;

use serde_json::{Value, json};

use super::Round;
use super::counts::Counts;
use super::crowd::Op;
use super::growth::Growth;
use super::town::RowSize;
use crate::options::Options;

/// What is known before the first round.
pub(super) struct Started {
    pub(super) sizes: Vec<RowSize>,
    pub(super) small: Vec<Duration>,
    pub(super) large: Vec<Duration>,
    /// Copies of sessions in Redis, and its bytes for them.
    pub(super) redis: Option<(usize, f64)>,
}

/// One operation in one town.
struct Summary {
    counts: Counts,
    p50: f64,
    p99: f64,
}

fn summary(rounds: &[Round], op: Op, large: bool) -> Summary {
    let of: Vec<&Round> = rounds.iter().filter(|r| r.op == op && r.large == large).collect();
    let counts: Vec<Counts> = of.iter().map(|round| round.counts).collect();
    let mut latencies: Vec<Duration> =
        of.iter().flat_map(|round| round.latencies.iter().copied()).collect();
    latencies.sort_unstable();
    let (p50, p99) = (percentile(&latencies, 50), percentile(&latencies, 99));
    Summary { counts: Counts::median(&counts), p50, p99 }
}

fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let place = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    millis(sorted.get(place).copied().unwrap_or_default())
}

fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

fn in_order(mut all: Vec<Duration>) -> Vec<Duration> {
    all.sort_unstable();
    all
}

/// Prints everything and writes it to the file.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn finish(
    options: &Options,
    started: &Started,
    rounds: &[Round],
    growth: &Growth,
) -> Result<(), String> {
    println!(
        "{} rounds, {} sessions against {}, {}\n",
        options.rounds,
        options.sessions,
        super::town::Size::SMALL.sessions,
        if options.production { "PostgreSQL and Redis" } else { "SQLite and in-process store" },
    );
    let lines = print_operations(rounds);
    print_sizes(started, growth);
    let cleanup = print_rest(growth);
    let document = json!({
        "backend": options.backend(), "rounds": options.rounds, "sessions": options.sessions,
        "operations": lines, "cleanup": cleanup,
        "resident_kib": { "small": growth.small_kib, "large": growth.large_kib, "after": growth.after_kib },
    });
    let folder = Options::folder();
    let file = folder.join(format!("scale-{}.json", options.backend()));
    let written = std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(&file, format!("{document:#}\n")));
    written.map_err(|error| format!("{}: {error}", file.display()))?;
    println!("\nwritten to {}", file.display());
    Ok(())
}

/// One line for each operation; gives the same for the file.
fn print_operations(rounds: &[Round]) -> Vec<Value> {
    println!(
        "{:<26}{:>9}{:>9}{:>7}{:>8}{:>8}{:>7}{:>7}{:>7}{:>7}{:>7}{:>9}{:>9}{:>9}{:>9}",
        "",
        "server µs",
        "large",
        "ratio",
        "postgr.",
        "large",
        "redis",
        "large",
        "SQL",
        "writes",
        "Redis",
        "p50 ms",
        "large",
        "p99 ms",
        "large"
    );
    let mut lines = Vec::new();
    for op in Op::ALL {
        let (few, many) = (summary(rounds, op, false), summary(rounds, op, true));
        let (a, b) = (few.counts, many.counts);
        println!(
            "{:<26}{:>9.0}{:>9.0}{:>7.2}{:>8.0}{:>8.0}{:>7.0}{:>7.0}{:>7.1}{:>7.1}{:>7.1}{:>9.2}{:>9.2}{:>9.2}{:>9.2}",
            op.name(),
            a.server,
            b.server,
            b.server / a.server,
            a.postgres,
            b.postgres,
            a.redis,
            b.redis,
            b.statements,
            b.writes,
            b.commands,
            few.p50,
            many.p50,
            few.p99,
            many.p99
        );
        lines.push(json!({ "operation": op.name(), "small": few.json(), "large": many.json() }));
    }
    lines
}

/// What rows take, how long starts and lists take.
fn print_sizes(started: &Started, growth: &Growth) {
    println!("\nbytes of a row with its share of the indexes");
    for size in &started.sizes {
        println!("  {:<20}{:>9} rows{:>9.0}", size.table, size.rows, size.bytes);
    }
    if let Some((count, bytes)) = started.redis {
        #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
        let each = bytes / count as f64;
        println!("  a session's copy in Redis {count:>9} keys{each:>7.0}");
    }
    let starts = [started.small.clone(), started.large.clone()].map(|all| {
        in_order(all)
            .iter()
            .map(|took| format!("{:.0}", millis(*took)))
            .collect::<Vec<_>>()
            .join(", ")
    });
    println!("\nstart, ms: small {}; large {}", starts[0], starts[1]);
    println!("\nasked of the database, ms      least    large   median    large");
    for (name, few, many) in &growth.lists {
        println!(
            "  {name:<28}{:>8.2}{:>9.2}{:>9.2}{:>9.2}",
            millis(few[0]),
            millis(many[0]),
            millis(few[1]),
            millis(many[1])
        );
    }
}

fn print_rest(growth: &Growth) -> Value {
    let c = &growth.cleanup;
    let (before, meanwhile) = (in_order(c.before.clone()), in_order(c.meanwhile.clone()));
    println!(
        "\nclean-up: {} rows in {} steps, the longest {:.1} ms, {:.1} s in all; /authorize meanwhile \
         p50 {:.2} ms, p99 {:.2} ms (before: {:.2}, {:.2})",
        c.rows,
        c.steps,
        millis(c.longest),
        c.took.as_secs_f64(),
        percentile(&meanwhile, 50),
        percentile(&meanwhile, 99),
        percentile(&before, 50),
        percentile(&before, 99),
    );
    if let Some((count, bytes)) = growth.events {
        println!("an event of the audit log: {bytes} bytes ({count} events)");
    }
    if let Some((entries, took)) = growth.rebuild {
        println!(
            "revocation set: {entries} entries copied to Redis again in {:.0} ms",
            millis(took)
        );
    }
    println!(
        "resident, KiB: small {}, large {}, {} more after {} visitors at the gateway, {} at the end",
        growth.small_kib, growth.large_kib, growth.visitors_kib, growth.visitors, growth.after_kib
    );
    json!({
        "rows": c.rows, "steps": c.steps, "longest_ms": millis(c.longest),
        "seconds": c.took.as_secs_f64(),
    })
}

impl Summary {
    fn json(&self) -> Value {
        let Counts { server, postgres, redis, statements, writes, commands } = self.counts;
        json!({
            "server_us": server, "postgres_us": postgres, "redis_us": redis,
            "statements": statements, "writes": writes, "commands": commands,
            "p50_ms": self.p50, "p99_ms": self.p99,
        })
    }
}
