//! What was read a moment ago and is asked for again and again: whose session a cookie stands for, who a
//! person is, and who was let through the gateway. Nothing here is older than a second, and nothing outlives a revocation that this
//! process knows. Every change of a person is one: what ends them, and what only changes what copies say
//! (`service::revocation::Subject::Facts`).

use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;

/// How long an entry may answer. What another node changes is heard of sooner than that; and the
/// ephemeral store hears often enough of a session in use to keep it.
const OLDEST: Duration = Duration::from_secs(1);
/// Most entries. More than that within one second make the next place work.
const MOST: u64 = 20_000;

/// The memory of one process.
pub struct Recent<K, V> {
    /// With the newest revocation that was known before the value was read.
    seen: Cache<K, (i64, Arc<V>)>,
}

impl<K, V> Default for Recent<K, V>
where
    K: Eq + Hash + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    fn default() -> Self {
        Self { seen: Cache::builder().max_capacity(MOST).time_to_live(OLDEST).build() }
    }
}

impl<K, V> Recent<K, V>
where
    K: Eq + Hash + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    /// What was read a moment ago, if nothing has changed since. `newest` is the newest revocation
    /// this process knows.
    #[must_use]
    pub fn remembers<Q>(&self, key: &Q, newest: i64) -> Option<Arc<V>>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let (revocations, value) = self.seen.get(key)?;
        (revocations == newest).then_some(value)
    }

    /// Remembers it for a second. `newest` was the newest revocation before it was read.
    pub fn remember(&self, key: K, value: Arc<V>, newest: i64) {
        self.seen.insert(key, (newest, value));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn whatever_is_remembered_is_forgotten_with_the_next_revocation() {
        let people = Recent::<&str, u8>::default();
        people.remember("alice", Arc::new(1), 7);
        assert_eq!(people.remembers("alice", 7).as_deref(), Some(&1));
        assert_eq!(people.remembers("alice", 8), None);
        assert_eq!(people.remembers("bob", 7), None);
    }

    #[test]
    fn whatever_is_remembered_is_forgotten_after_a_second_however_often_it_is_asked_for() {
        let people = Recent::<&str, u8>::default();
        let before = Instant::now();
        people.remember("alice", Arc::new(1), 7);
        let remembered = Instant::now();
        while people.remembers("alice", 7).is_some() {
            assert!(before.elapsed() < OLDEST * 2, "asking for it must not keep it");
            std::thread::sleep(OLDEST / 50);
        }
        assert!(remembered.elapsed() + OLDEST / 10 > OLDEST, "forgotten too soon");
    }

    #[test]
    fn however_much_is_remembered_at_once_only_so_much_is_kept() {
        let people = Recent::<u64, u8>::default();
        for number in 0..MOST * 3 {
            people.remember(number, Arc::new(1), 7);
        }
        people.seen.run_pending_tasks();
        let kept = people.seen.entry_count();
        assert!(kept <= MOST, "{kept} are kept");
    }
}
