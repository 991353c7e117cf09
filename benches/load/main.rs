//! The load harness: `cargo bench --bench load -- --help`. `docs/benchmarks.md` explains the table.
//!
//! | module | what it does |
//! |---|---|
//! | `lines` | what is measured, and the goals |
//! | `stage` | starts Doorward with data of its own, registers apps, signs a person in |
//! | `signer` | client assertions and DPoP proofs, fresh for each request |
//! | `work`, `http` | one operation on one connection, every answer checked |
//! | `measure`, `process_cost` | rounds: rate, latency, processor time, memory |
//! | `scale` | whether an operation costs more when there is more of everything |
//! | `timing` | whether the time of a refused sign-in tells why |
//! | `yardstick` | a bare HTTP server and bare cryptography on the same core |
//! | `pauses` | what the machine takes away from everybody |
//! | `cores` | who runs where |
//! | `report`, `profile` | the table, the JSON file, and records for perf |

#![allow(
    unreachable_pub,
    clippy::expect_used,
    clippy::missing_docs_in_private_items,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark prints, and ends when something is not as expected"
)]

mod ahead;
mod cores;
mod http;
mod lines;
mod measure;
mod options;
mod pauses;
mod process_cost;
mod profile;
mod report;
mod scale;
mod signer;
mod stage;
mod timing;
mod work;
mod yardstick;

#[path = "../../tests/it/support/mod.rs"]
#[macro_use]
mod support;

use std::time::Duration;

use serde_json::json;

use cores::{Cores, Role};
use lines::{Kind, Line, Pace};
use measure::Round;
use options::{Options, Task};
use pauses::Pauses;
use report::Measured;
use stage::Stage;
use work::Worker;
use yardstick::Computed;

fn main() {
    if yardstick::ran() {
        return;
    }
    if std::env::args().any(|argument| argument == "--help") {
        println!("{}", options::USAGE);
        return;
    }
    let options = Options::read(std::env::args().skip(1)).unwrap_or_else(|problem| {
        eprintln!("{problem}\n\n{}", options::USAGE);
        std::process::exit(2)
    });
    if options.task == Task::List {
        for line in lines::all() {
            println!("{}", line.name);
        }
        return;
    }
    // One thread: the driver is one core, and must know what it costs.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = runtime.expect("a runtime").block_on(run(&options));
    if let Err(problem) = outcome {
        eprintln!("{problem}");
        std::process::exit(1);
    }
}

/// A line with its workers, kept from round to round.
struct Running {
    line: Line,
    workers: Vec<Worker>,
    background: Vec<Worker>,
    rounds: Vec<Round>,
}

async fn run(options: &Options) -> Result<(), String> {
    let cores = Cores::look();
    match options.task {
        Task::Timing => return timing::run(options, &cores).await,
        Task::Scale => return Box::pin(scale::run(options, &cores)).await,
        Task::People => return Box::pin(scale::people::run(options, &cores)).await,
        Task::Lines | Task::List => {}
    }
    eprintln!("starting Doorward ({})", options.backend());
    let stage = Stage::set(options, &cores).await;
    let mut computed: Vec<Computed> = Vec::new();
    let mut running = open(&stage, options).await?;
    // Round by round and not line by line, so that a busy minute of the machine touches all alike.
    for round in 0..options.rounds {
        eprintln!("round {} of {}", round + 1, options.rounds);
        cores.go(Role::Server);
        computed.push(yardstick::measure());
        cores.go(Role::Driver);
        for index in 0..running.len() {
            let half = half_load(&running, index);
            let line = &mut running[index];
            if round == 0 {
                measure(line, &stage, (options.warm_up, half)).await?;
            }
            let recorder = options.profile.as_deref().filter(|_| round == 0).map(|frequency| {
                profile::start(frequency, stage.pid(line.line.kind), line.line.name)
            });
            let measured = measure(line, &stage, (options.round, half)).await?;
            drop(recorder);
            line.rounds.push(measured);
        }
    }
    let loaded = process_cost::of(stage.world.pid()).resident_kib;
    let pauses = pauses::watch(&cores);
    finish(options, &stage, (loaded, pauses), (running, least(&computed)))
}

/// The lines that were asked for, and those they are held against.
fn chosen(options: &Options) -> Vec<Line> {
    let all = lines::all();
    let wanted: Vec<Line> = all.iter().filter(|line| options.wants(line.name)).copied().collect();
    let is_needed = |line: &Line| match line.kind {
        // The bare server is what floors and ratios come from, whatever else was asked for.
        Kind::Bare(_) => true,
        Kind::StaticPage(_) if wanted.iter().any(|other| other.beside_static) => true,
        kind => {
            let halved = |other: &Line| other.pace == Pace::Half && other.kind == kind;
            options.wants(line.name) || line.pace == Pace::Full && wanted.iter().any(halved)
        }
    };
    all.iter().filter(|line| is_needed(line)).copied().collect()
}

/// Half of what the line of the same kind has managed so far.
fn half_load(running: &[Running], index: usize) -> f64 {
    let is_full = |other: &&Running| {
        other.line.pace == Pace::Full && other.line.kind == running[index].line.kind
    };
    let full = running.iter().find(is_full);
    let rates = full.into_iter().flat_map(|full| &full.rounds).map(Round::per_second);
    rates.fold(0.0, f64::max) / 2.0
}

async fn open(stage: &Stage, options: &Options) -> Result<Vec<Running>, String> {
    let mut running = Vec::new();
    for line in chosen(options) {
        let together = matches!(line.pace, Pace::Full | Pace::Half);
        let count = if together { options.connections } else { 1 };
        let workers = stage.workers(line.kind, count).await;
        let workers = workers.map_err(|problem| format!("{}: {problem}", line.name))?;
        let background = match line.pace {
            Pace::WhileSigningIn(_) => stage.workers(Kind::SignIn, options.connections).await?,
            _ => Vec::new(),
        };
        running.push(Running { line, workers, background, rounds: Vec::new() });
    }
    Ok(running)
}

async fn measure(
    line: &mut Running,
    stage: &Stage,
    (length, half): (Duration, f64),
) -> Result<Round, String> {
    let pid = stage.pid(line.line.kind);
    if let Kind::Userinfo(_) | Kind::Introspection(_) | Kind::Exchange(_) = line.line.kind {
        // The access tokens of an earlier round may have expired.
        line.workers = stage.workers(line.line.kind, line.workers.len()).await?;
    }
    for worker in line.workers.iter_mut().chain(&mut line.background) {
        worker.reconnect().await?;
    }
    let measured = match line.line.pace {
        Pace::Full => measure::full(&mut line.workers, pid, length).await,
        Pace::Half => measure::paced_in_turn(&mut line.workers, pid, (half, length)).await,
        Pace::PerSecond(rate) | Pace::WhileSigningIn(rate) => {
            let worker = line.workers.first_mut().expect("a worker");
            measure::paced((worker, &mut line.background), pid, (rate, length)).await
        }
    };
    measured.map_err(|problem| {
        let log = stage.world.log();
        let end: Vec<&str> = log.lines().rev().take(10).collect();
        format!(
            "{}: {problem}\nthe server's last lines, newest first:\n{}",
            line.line.name,
            end.join("\n")
        )
    })
}

/// The best of each yardstick.
fn least(computed: &[Computed]) -> Computed {
    let mut best = Computed::new();
    for (name, micros) in computed.iter().flatten() {
        let known = best.entry(name.clone()).or_insert(*micros);
        *known = known.min(*micros);
    }
    best
}

fn finish(
    options: &Options,
    stage: &Stage,
    (loaded, pauses): (u64, Pauses),
    (running, computed): (Vec<Running>, Computed),
) -> Result<(), String> {
    let measured: Vec<Measured> =
        running.into_iter().map(|r| Measured { line: r.line, rounds: r.rounds }).collect();
    let summaries = report::summarize(&measured, &computed);
    let idle = stage.starts.idle_kib;
    let (first, existing) = (stage.starts.first, report::median(&stage.starts.existing));
    println!(
        "Doorward on one core, {} ({} rounds of {:?}, {} connections)\n",
        if options.production { "PostgreSQL and Redis" } else { "SQLite and in-process store" },
        options.rounds,
        options.round,
        options.connections,
    );
    print!("{}", report::table(&summaries, pauses));
    let per_second = |name: &str| 1e6 / computed.get(name).copied().unwrap_or(f64::NAN);
    println!("\nraw on the same core, per second (and µs):");
    for name in ["RS256", "ES256", "EdDSA", "argon2id"] {
        let rate = per_second(name);
        println!("  {name:<9}{rate:>9.0}  ({:.1})", 1e6 / rate);
    }
    println!(
        "\nfirst start {:.0} ms, start with data {:.0} ms; resident {:.1} MiB idle, {:.1} MiB after",
        report::millis(first),
        report::millis(existing),
        mebibytes(idle),
        mebibytes(loaded),
    );
    let document = json!({
        "backend": options.backend(),
        "rounds": options.rounds,
        "round_seconds": options.round.as_secs_f64(),
        "connections": options.connections,
        "raw_us": computed,
        "start_ms": { "first": report::millis(first), "existing": report::millis(existing) },
        "pauses": { "share": pauses.share, "longest_ms": report::millis(pauses.longest) },
        "resident_kib": { "idle": idle, "after": loaded },
        "lines": report::json(&summaries),
    });
    let folder = Options::folder();
    let file = folder.join(format!("load-{}.json", options.backend()));
    let written = std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(&file, format!("{document:#}\n")));
    written.map_err(|error| format!("{}: {error}", file.display()))?;
    println!("\nwritten to {}", file.display());
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "memory is far below 2^52 KiB")]
fn mebibytes(kib: u64) -> f64 {
    kib as f64 / 1024.0
}
