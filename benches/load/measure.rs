//! Running the workers for a while and reading what it cost.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::Notify;

use crate::ahead::Ahead;
use crate::cores::SERVER_CORE;
use crate::process_cost;
use crate::work::Worker;

/// The processes of PostgreSQL and Redis.
const STORES: [&str; 2] = ["postgres", "redis-server"];

/// A tenth of a second: longer than what the machine takes away at a time, so that a pause spoils
/// few of them.
const TENTH: Duration = Duration::from_millis(100);

/// One round of one line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Round {
    pub(crate) operations: u64,
    pub(crate) elapsed: Duration,
    /// Processor time of the server.
    pub(crate) server: Duration,
    /// Processor time of PostgreSQL and Redis.
    pub(crate) stores: Duration,
    /// Time that the server's core was busy, for it or for anything else.
    pub(crate) core: Duration,
    /// Processor time of this process.
    pub(crate) driver: Duration,
    pub(crate) latencies: Vec<Duration>,
    /// At half load, of each [`TENTH`]: what 99 of 100 requests that were due in it took at most.
    pub(crate) tenths: Vec<Duration>,
    /// Whether nothing else on the machine came before it.
    pub(crate) is_ahead: bool,
}

impl Round {
    pub(crate) fn per_second(&self) -> f64 {
        count(self.operations) / self.elapsed.as_secs_f64()
    }

    pub(crate) fn server_micros(&self) -> f64 {
        self.server.as_secs_f64() * 1e6 / count(self.operations)
    }

    pub(crate) fn stores_micros(&self) -> f64 {
        self.stores.as_secs_f64() * 1e6 / count(self.operations)
    }

    /// The share of the server's core that something else used. A few percent are the kernel's
    /// work on the network.
    pub(crate) fn others_share(&self) -> f64 {
        self.core.saturating_sub(self.server).as_secs_f64() / self.elapsed.as_secs_f64()
    }

    /// The share of its core that the driver used.
    pub(crate) fn driver_share(&self) -> f64 {
        self.driver.as_secs_f64() / self.elapsed.as_secs_f64()
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts here stay far below 2^52")]
fn count(number: u64) -> f64 {
    number.max(1) as f64
}

/// Every worker one operation after another, for `length`.
pub(crate) async fn full(
    workers: &mut [Worker],
    server: u32,
    length: Duration,
) -> Result<Round, String> {
    let meter = Meter::start(server);
    let end = meter.started + length;
    let each = workers.iter_mut().map(|worker| until(worker, end));
    let mut running: FuturesUnordered<_> = each.collect();
    let mut latencies = Vec::new();
    while let Some(done) = running.next().await {
        latencies.append(&mut done?);
    }
    Ok(meter.stop(latencies))
}

async fn until(worker: &mut Worker, end: Instant) -> Result<Vec<Duration>, String> {
    let mut latencies = Vec::with_capacity(4096);
    let mut now = Instant::now();
    while now < end {
        worker.once().await?;
        let after = Instant::now();
        latencies.push(after - now);
        now = after;
    }
    Ok(latencies)
}

/// One worker at a steady pace, for `length`. An operation that starts late because the one before
/// was slow counts from when it should have started.
pub(crate) async fn paced(
    (worker, background): (&mut Worker, &mut [Worker]),
    server: u32,
    (per_second, length): (f64, Duration),
) -> Result<Round, String> {
    let meter = Meter::start(server);
    let end = meter.started + length;
    let each = background.iter_mut().map(|worker| until(worker, end));
    let background: FuturesUnordered<_> = each.collect();
    let step = Duration::from_secs_f64(1.0 / per_second);
    let (own, others) = tokio::join!(
        steadily(worker, (meter.started, end), (step, &Wait::Timer)),
        background.collect::<Vec<_>>()
    );
    for other in others {
        other?;
    }
    Ok(meter.stop(own?.into_iter().map(|(_, latency)| latency).collect()))
}

/// All workers together at a steady pace, in turn, for `length`. Latency counts as in [`paced`].
pub(crate) async fn paced_in_turn(
    workers: &mut [Worker],
    server: u32,
    (per_second, length): (f64, Duration),
) -> Result<Round, String> {
    let ahead = Ahead::of(server);
    let meter = Meter::start(server);
    let end = meter.started + length;
    let apart = Duration::from_secs_f64(1.0 / per_second);
    let step = apart.mul_f64(count(workers.len() as u64));
    let mut start = meter.started;
    let wait = Wait::Bell(Bell::start());
    let mut running = FuturesUnordered::new();
    for worker in workers {
        running.push(steadily(worker, (start, end), (step, &wait)));
        start += apart;
    }
    let mut all = Vec::new();
    while let Some(done) = running.next().await {
        all.append(&mut done?);
    }
    let tenths = tenths(meter.started, &all);
    let round = meter.stop(all.into_iter().map(|(_, latency)| latency).collect());
    Ok(Round { tenths, is_ahead: ahead.is_some(), ..round })
}

/// What 99 of 100 took at most, of those that were due in each tenth of a second.
fn tenths(started: Instant, all: &[(Instant, Duration)]) -> Vec<Duration> {
    let mut each: BTreeMap<u128, Vec<Duration>> = BTreeMap::new();
    for (due, latency) in all {
        let tenth = (*due - started).as_micros() / TENTH.as_micros();
        each.entry(tenth).or_default().push(*latency);
    }
    let p99 = |mut latencies: Vec<Duration>| {
        latencies.sort_unstable();
        latencies[latencies.len() * 99 / 100]
    };
    each.into_values().map(p99).collect()
}

/// How a worker waits for its next turn.
enum Wait {
    /// By the runtime's timer, which knows milliseconds.
    Timer,
    /// By a bell that rings many times in a millisecond, where that is many operations.
    Bell(Bell),
}

impl Wait {
    async fn until(&self, due: Instant) {
        match self {
            Self::Timer => tokio::time::sleep_until(due.into()).await,
            Self::Bell(bell) => {
                while Instant::now() < due {
                    bell.rings.notified().await;
                }
            }
        }
    }
}

/// A thread that sleeps for as short as it can and wakes every worker. Looking at the clock instead would use
/// the driver's core wholly, and machines take both cores away for a while when both are used wholly.
struct Bell {
    rings: Arc<Notify>,
    is_over: Arc<AtomicBool>,
}

impl Bell {
    /// The system makes it twice as much or more.
    const SLEEP: Duration = Duration::from_micros(20);

    fn start() -> Self {
        let (rings, is_over) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        let bell = Self { rings: Arc::clone(&rings), is_over: Arc::clone(&is_over) };
        std::thread::spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                std::thread::sleep(Self::SLEEP);
                rings.notify_waiters();
            }
        });
        bell
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// When each operation was due, and how long it took.
async fn steadily(
    worker: &mut Worker,
    (start, end): (Instant, Instant),
    (step, wait): (Duration, &Wait),
) -> Result<Vec<(Instant, Duration)>, String> {
    let mut latencies: Vec<(Instant, Duration)> = Vec::new();
    let mut due = start;
    while due < end {
        wait.until(due).await;
        // The timer's own lateness is not the server's.
        let started = if latencies.last().is_some_and(|(_, last)| *last > step) {
            due
        } else {
            Instant::now()
        };
        worker.once().await?;
        latencies.push((due, started.elapsed()));
        due += step;
    }
    Ok(latencies)
}

struct Meter {
    server: u32,
    started: Instant,
    costs: [Duration; 4],
}

impl Meter {
    fn start(server: u32) -> Self {
        Self { server, costs: costs(server), started: Instant::now() }
    }

    fn stop(&self, latencies: Vec<Duration>) -> Round {
        let elapsed = self.started.elapsed();
        let [server, stores, driver, core] = costs(self.server);
        let [server_before, stores_before, driver_before, core_before] = self.costs;
        Round {
            operations: latencies.len() as u64,
            elapsed,
            server: server.saturating_sub(server_before),
            stores: stores.saturating_sub(stores_before),
            core: core.saturating_sub(core_before),
            driver: driver.saturating_sub(driver_before),
            latencies,
            tenths: Vec::new(),
            is_ahead: false,
        }
    }
}

fn costs(server: u32) -> [Duration; 4] {
    [
        process_cost::of(server).cpu,
        process_cost::of_descendants(&STORES).cpu,
        process_cost::of(std::process::id()).cpu,
        process_cost::core_busy(SERVER_CORE),
    ]
}
