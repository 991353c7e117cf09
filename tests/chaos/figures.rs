//! How long it took until both nodes served again, and how long it may.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::future::join;

use crate::load::Load;
use crate::rig::{PATIENCE, Rig};
use crate::support::process::wait_until_async;

/// What a recovery takes at most by the promise, from the moment the store answers.
pub const FROM_REDIS: Duration = Duration::from_secs(1);
pub const FROM_POSTGRES: Duration = Duration::from_secs(2);
/// What the machine may take on top of that: so much, and so often as long as the same takes with nothing
/// broken, which is measured before each trouble. The rig, the stores and thirteen lanes share two processors,
/// and the nodes are built without optimisation. Of a hundred recoveries with five to ten times as much to do
/// as two processors are for, half were over within half a second and the longest took 1.5 after Redis and 2.8
/// after PostgreSQL, when being served with nothing broken took up to 1.9.
const ALLOWANCE: Duration = Duration::from_millis(500);
const TIMES: u32 = 3;
const USUAL: &str = "served with nothing broken";

/// Durations by what was recovered from.
#[derive(Default)]
pub struct Figures(BTreeMap<&'static str, Vec<Duration>>);

impl Figures {
    /// Notes one.
    pub fn note(&mut self, what: &'static str, took: Duration) {
        self.0.entry(what).or_default().push(took);
    }

    /// Measures what being served takes with nothing broken.
    pub async fn usual(&mut self, rig: &mut Rig, load: &Load) {
        self.note(USUAL, served(rig, load).await);
    }

    /// To be called in the moment in which the store answers again: fails if it takes longer than was
    /// promised and the machine may take.
    pub async fn recovers(
        &mut self,
        (what, promised): (&'static str, Duration),
        rig: &mut Rig,
        load: &Load,
    ) {
        let took = served(rig, load).await;
        let limit = promised + ALLOWANCE + TIMES * self.longest(USUAL);
        assert!(took < limit, "{what}: {took:?}, and {limit:?} are allowed");
        self.note(what, took);
    }

    /// The longest of a kind.
    fn longest(&self, what: &str) -> Duration {
        self.0.get(what).and_then(|all| all.iter().max().copied()).unwrap_or_default()
    }

    /// One line for each kind, for whoever runs this by hand.
    pub fn print(&self) {
        for (what, all) in &self.0 {
            let mut sorted = all.clone();
            sorted.sort();
            let (median, longest) = (sorted[sorted.len() / 2], self.longest(what));
            eprintln!("{what}: {} times, median {median:?}, longest {longest:?}", all.len());
        }
    }
}

/// How long it takes until both nodes say that they are ready, and give a code and redeem one: that reads
/// and writes both stores.
async fn served(rig: &mut Rig, load: &Load) -> Duration {
    let began = Instant::now();
    rig.ready().await;
    join(gives_tokens(load, 0), gives_tokens(load, 1)).await;
    began.elapsed()
}

async fn gives_tokens(load: &Load, side: usize) {
    wait_until_async("a node giving tokens", PATIENCE, async || {
        load.exchange_at([side; 2]).await.unwrap_or_default()
    })
    .await;
}
