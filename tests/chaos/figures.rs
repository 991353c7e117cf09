//! How long it took until both nodes were ready again.

use std::collections::BTreeMap;
use std::time::Duration;

/// Durations by what was recovered from.
#[derive(Default)]
pub struct Figures(BTreeMap<&'static str, Vec<Duration>>);

impl Figures {
    /// Notes one.
    pub fn note(&mut self, what: &'static str, took: Duration) {
        self.0.entry(what).or_default().push(took);
    }

    /// The longest of a kind.
    pub fn longest(&self, what: &str) -> Duration {
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
