//! Taking turns: those who want to change the same thing at the same moment wait for each other here,
//! in this process, where waiting costs nothing, and not in the database, where each would keep a
//! connection that others need. Nothing relies on it: nodes do not see each other's turns.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};

/// Things share a turn when they fall into the same of these.
const LANES: usize = 256;
/// The longest anybody waits.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who is next.
#[derive(Debug)]
pub struct Turns {
    hasher: RandomState,
    lanes: [Mutex<()>; LANES],
}

impl Default for Turns {
    fn default() -> Self {
        Self { hasher: RandomState::new(), lanes: std::array::from_fn(|_| Mutex::default()) }
    }
}

impl Turns {
    /// Waits for a turn to change the thing with this id; it ends when what is returned goes. `None`
    /// when too many others are waiting.
    pub async fn wait(&self, id: &str) -> Option<MutexGuard<'_, ()>> {
        self.wait_at_most(id, PATIENCE).await
    }

    async fn wait_at_most(&self, id: &str, most: Duration) -> Option<MutexGuard<'_, ()>> {
        let lane = usize::try_from(self.hasher.hash_one(id) % LANES as u64).unwrap_or_default();
        tokio::time::timeout(most, self.lanes.get(lane)?.lock()).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_at_a_time_and_nobody_waits_for_ever() {
        let turns = Turns::default();
        let first = turns.wait("a").await;
        assert!(first.is_some());
        assert!(turns.wait_at_most("a", Duration::from_millis(20)).await.is_none());
        drop(first);
        assert!(turns.wait("a").await.is_some());
    }
}
