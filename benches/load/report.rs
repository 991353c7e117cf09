//! The table for people and the file for programs.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::lines::{Core, HALF_LOAD_P99_MS, Kind, Line, OF_STATIC, Pace};
use crate::measure::Round;
use crate::pauses::Pauses;
use crate::yardstick::Computed;

/// Above this share of its core the driver is part of what is measured.
const BUSY_DRIVER: f64 = 0.85;

/// Above this share of the server's core taken by others, rate and latency say little.
const BUSY_MACHINE: f64 = 0.15;

/// A line with everything measured for it.
pub(crate) struct Measured {
    pub(crate) line: Line,
    pub(crate) rounds: Vec<Round>,
}

/// What a line comes to.
pub(crate) struct Summary {
    pub(crate) line: Line,
    pub(crate) best_rate: f64,
    pub(crate) median_rate: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// At half load: the p99 of the middle one of all tenths of a second.
    pub(crate) tenth_p99_ms: f64,
    /// At half load: whether nothing else on the machine came before it.
    pub(crate) is_ahead: bool,
    pub(crate) best_micros: f64,
    pub(crate) median_micros: f64,
    pub(crate) stores_micros: f64,
    pub(crate) driver_share: f64,
    pub(crate) others_share: f64,
    /// What HTTP and cryptography alone cost in this run.
    pub(crate) floor: Option<f64>,
    pub(crate) goal: Option<f64>,
    /// What share of this a static page of the same server costs, for lines held against one.
    pub(crate) of_static: Option<f64>,
}

impl Summary {
    fn of(measured: &Measured) -> Self {
        let rounds = &measured.rounds;
        let each = |value: fn(&Round) -> f64| sorted(rounds.iter().map(value).collect());
        let rates = each(Round::per_second);
        let micros = each(Round::server_micros);
        let mut latencies: Vec<Duration> =
            rounds.iter().flat_map(|round| round.latencies.iter().copied()).collect();
        latencies.sort_unstable();
        let mut tenths: Vec<Duration> =
            rounds.iter().flat_map(|round| round.tenths.iter().copied()).collect();
        tenths.sort_unstable();
        Self {
            line: measured.line,
            best_rate: rates.last().copied().unwrap_or(0.0),
            median_rate: at(&rates, 0.5),
            p50_ms: percentile(&latencies, 0.50),
            p99_ms: percentile(&latencies, 0.99),
            tenth_p99_ms: percentile(&tenths, 0.50),
            is_ahead: rounds.iter().any(|round| round.is_ahead),
            best_micros: micros.first().copied().unwrap_or(0.0),
            median_micros: at(&micros, 0.5),
            stores_micros: at(&each(Round::stores_micros), 0.5),
            driver_share: at(&each(Round::driver_share), 0.5),
            others_share: at(&each(Round::others_share), 0.5),
            floor: None,
            goal: None,
            of_static: None,
        }
    }

    fn times_floor(&self) -> Option<f64> {
        self.floor.map(|floor| self.best_micros / floor)
    }

    fn verdict(&self) -> &'static str {
        match self.goal {
            Some(goal) if self.best_micros <= goal => "met",
            Some(_) => "missed",
            None => "",
        }
    }

    fn json(&self) -> Value {
        json!({
            "name": self.line.name,
            "per_second": { "best": round(self.best_rate), "median": round(self.median_rate) },
            "latency_ms": { "p50": round(self.p50_ms), "p99": round(self.p99_ms),
                            "p99_of_middle_tenth": round(self.tenth_p99_ms) },
            "cpu_us": { "best": round(self.best_micros), "median": round(self.median_micros) },
            "stores_cpu_us": round(self.stores_micros),
            "floor_us": self.floor.map(round),
            "goal_us": self.goal.map(round),
            "of_static_page": self.of_static.map(round),
            "driver_share": round(self.driver_share),
            "others_share": round(self.others_share),
        })
    }
}

/// All lines with floors and goals, from the yardsticks among them.
pub(crate) fn summarize(measured: &[Measured], computed: &Computed) -> Vec<Summary> {
    let mut all: Vec<Summary> = measured.iter().map(Summary::of).collect();
    let bare = |path: &str| {
        let is = |summary: &&Summary| matches!(summary.line.kind, Kind::Bare(p) if p == path);
        all.iter().find(is).map(|summary| summary.best_micros)
    };
    let floors: Vec<Option<f64>> = all
        .iter()
        .map(|summary| match (summary.line.kind, summary.line.pace) {
            (Kind::Bare(_) | Kind::StaticPage(_), _)
            | (_, Pace::Half | Pace::PerSecond(_) | Pace::WhileSigningIn(_)) => None,
            (Kind::Document(path), _) => bare(path),
            _ => {
                let http = bare(crate::lines::LIVEZ)? * f64::from(summary.line.requests);
                Some(http + core_micros(summary.line.core, computed)?)
            }
        })
        .collect();
    for (summary, floor) in all.iter_mut().zip(floors) {
        summary.floor = floor;
        let of_floor = floor.zip(summary.line.times_floor).map(|(floor, times)| floor * times);
        let goals = [of_floor, summary.line.micros];
        summary.goal = goals.into_iter().flatten().min_by(f64::total_cmp);
    }
    let static_page = cheapest_static_page(&all);
    for summary in all.iter_mut().filter(|summary| summary.line.beside_static) {
        summary.of_static = static_page.map(|micros| micros / summary.best_micros);
    }
    all
}

/// The one that is hardest to come up to.
fn cheapest_static_page(all: &[Summary]) -> Option<f64> {
    let is = |summary: &&Summary| {
        matches!(summary.line.kind, Kind::StaticPage(_)) && summary.line.pace == Pace::Full
    };
    all.iter().filter(is).map(|summary| summary.best_micros).min_by(f64::total_cmp)
}

fn core_micros(core: Core, computed: &Computed) -> Option<f64> {
    match core {
        Core::Nothing => Some(0.0),
        Core::Signatures(alg, count) => Some(computed.get(alg)? * f64::from(count)),
        Core::Argon2 => computed.get("argon2id").copied(),
    }
}

/// The table.
pub(crate) fn table(summaries: &[Summary], pauses: Pauses) -> String {
    let mut out = format!(
        "{:<44}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>8}{:>9}{:>7}{:>8}\n",
        "line",
        "best/s",
        "median/s",
        "p50 ms",
        "p99 ms",
        "CPU µs",
        "median",
        "stores",
        "floor",
        "ratio",
        "goal"
    );
    for summary in summaries.iter().filter(|summary| summary.line.pace == Pace::Full) {
        full_line(&mut out, summary);
    }
    beside_static(&mut out, summaries);
    half_load(&mut out, summaries, pauses);
    let _ =
        writeln!(out, "\n{:<62}{:>9}{:>9}", "at a steady pace, one connection", "p50 ms", "p99 ms");
    let is_steady = |summary: &&Summary| !matches!(summary.line.pace, Pace::Full | Pace::Half);
    for summary in summaries.iter().filter(is_steady) {
        let Summary { line, p50_ms, p99_ms, .. } = summary;
        let _ = writeln!(out, "{:<62}{p50_ms:>9.2}{p99_ms:>9.2}", line.name);
    }
    out
}

/// How much of the work of a static page the checks do in the same processor time.
fn beside_static(out: &mut String, summaries: &[Summary]) {
    let title = "beside the cheapest static page, by processor time";
    let _ = writeln!(out, "\n{title:<62}{:>9}{:>9}", "share", "goal");
    for summary in summaries {
        let Some(share) = summary.of_static else { continue };
        let verdict = if share >= OF_STATIC { "met" } else { "missed" };
        let _ = writeln!(out, "{:<62}{share:>9.2}{OF_STATIC:>9.2} {verdict}", summary.line.name);
    }
}

/// Latency when the server has half of what it can do.
fn half_load(out: &mut String, summaries: &[Summary], pauses: Pauses) {
    let title = "at half load, on every connection in turn";
    let _ = write!(out, "\n{title:<44}{:>9}{:>9}{:>9}", "median/s", "p50 ms", "p99 ms");
    let _ = writeln!(out, "{:>14}{:>9}", "middle tenth", "goal");
    for summary in summaries.iter().filter(|summary| summary.line.pace == Pace::Half) {
        let Summary { line, median_rate, p50_ms, p99_ms, tenth_p99_ms, .. } = summary;
        // Where others may take the core away, only most moments can be held to it.
        let held = if summary.is_ahead { p99_ms } else { tenth_p99_ms };
        let verdict = if *held < HALF_LOAD_P99_MS { "met" } else { "missed" };
        let _ = write!(out, "{:<44}{median_rate:>9.0}{p50_ms:>9.3}{p99_ms:>9.3}", line.name);
        let _ = write!(out, "{tenth_p99_ms:>14.3}{HALF_LOAD_P99_MS:>9.1} {verdict}");
        crowded(out, summary);
        out.push('\n');
    }
    let is_ahead = summaries.iter().any(|summary| summary.is_ahead);
    out.push_str(if is_ahead {
        "(with real-time priority: nothing else on the machine came before the server and the driver)\n"
    } else {
        "(without the right to real-time priority: what else the machine does counts, too)\n"
    });
    let share = pauses.share * 100.0;
    let longest = millis(pauses.longest);
    let _ = writeln!(
        out,
        "a program of ordinary priority that only looks at the clock was stopped for {share:.2} % of the time, {longest:.1} ms at the longest"
    );
}

/// Says so when others were at work on the server's core.
fn crowded(out: &mut String, summary: &Summary) {
    if summary.others_share > BUSY_MACHINE {
        let share = summary.others_share * 100.0;
        let _ = write!(out, " (others took {share:.0} % of the core)");
    }
}

fn full_line(out: &mut String, summary: &Summary) {
    let dash = |number: Option<f64>, digits: usize| {
        number.map_or_else(|| "–".to_owned(), |number| format!("{number:.digits$}"))
    };
    let Summary { line, best_rate, median_rate, p50_ms, p99_ms, .. } = summary;
    let _ = write!(out, "{:<44}{best_rate:>9.0}{median_rate:>9.0}", line.name);
    let _ = write!(out, "{p50_ms:>9.2}{p99_ms:>9.2}");
    let _ = write!(out, "{:>9.1}{:>9.1}", summary.best_micros, summary.median_micros);
    let stores = Some(summary.stores_micros).filter(|micros| *micros > 0.0);
    let _ = write!(out, "{:>8}{:>9}", dash(stores, 1), dash(summary.floor, 1));
    let ratio = dash(summary.times_floor(), 2);
    let _ = write!(out, "{ratio:>7}{:>8} {}", dash(summary.goal, 1), summary.verdict());
    if summary.driver_share > BUSY_DRIVER {
        let share = summary.driver_share * 100.0;
        let _ = write!(out, " (driver at {share:.0} %: the true rate is higher)");
    }
    crowded(out, summary);
    out.truncate(out.trim_end_matches(' ').len());
    out.push('\n');
}

/// The lines as JSON.
pub(crate) fn json(summaries: &[Summary]) -> Value {
    summaries.iter().map(Summary::json).collect()
}

/// Milliseconds with a sensible number of digits.
pub(crate) fn millis(duration: Duration) -> f64 {
    round(duration.as_secs_f64() * 1000.0)
}

/// The middle of several.
pub(crate) fn median(durations: &[Duration]) -> Duration {
    let mut sorted = durations.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

fn round(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

fn sorted(mut numbers: Vec<f64>) -> Vec<f64> {
    numbers.sort_by(f64::total_cmp);
    numbers
}

fn at(sorted: &[f64], share: f64) -> f64 {
    sorted.get(index(sorted.len(), share)).copied().unwrap_or(0.0)
}

fn percentile(sorted: &[Duration], share: f64) -> f64 {
    sorted.get(index(sorted.len(), share)).copied().unwrap_or_default().as_secs_f64() * 1000.0
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an index into a list of measurements"
)]
fn index(length: usize, share: f64) -> usize {
    ((length as f64 * share) as usize).min(length.saturating_sub(1))
}
