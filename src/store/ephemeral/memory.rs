//! The ephemeral store of a single node: bounded, in shards, expiring by the [`Clock`].

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::StoreError;
use crate::clock::{Clock, Seconds, UnixTime};

const SHARDS: usize = 64;
/// Most entries and bytes of all shards together. A store that is full of living entries refuses
/// new ones: dropping a living one could forget a throttle or a code.
const MOST_ENTRIES: usize = 1_000_000;
const MOST_BYTES: usize = 512 * 1024 * 1024;
/// What an entry costs beyond its text.
const OVERHEAD: usize = 96;

/// The in-process store.
#[derive(Debug, Clone)]
pub struct MemoryStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    clock: Clock,
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
    entries_per_shard: usize,
    /// Where the next sweep begins.
    next_swept: AtomicUsize,
    /// Held by whoever locks two shards.
    holds_two: Mutex<()>,
}

#[derive(Debug, Default)]
struct Shard {
    entries: HashMap<String, Entry>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    value: String,
    expires_at: UnixTime,
}

impl Shard {
    fn live(&self, key: &str, now: UnixTime) -> Option<&Entry> {
        self.entries.get(key).filter(|entry| entry.expires_at > now)
    }

    fn remove(&mut self, key: &str) -> Option<Entry> {
        let entry = self.entries.remove(key)?;
        self.bytes = self.bytes.saturating_sub(cost(key, &entry.value));
        Some(entry)
    }

    fn insert(&mut self, key: &str, entry: Entry) {
        self.remove(key);
        self.bytes = self.bytes.saturating_add(cost(key, &entry.value));
        self.entries.insert(key.to_owned(), entry);
    }

    fn drop_expired(&mut self, now: UnixTime) -> usize {
        let before = self.entries.len();
        let mut freed = 0;
        self.entries.retain(|key, entry| {
            let keep = entry.expires_at > now;
            if !keep {
                freed += cost(key, &entry.value);
            }
            keep
        });
        self.bytes = self.bytes.saturating_sub(freed);
        before - self.entries.len()
    }
}

fn cost(key: &str, value: &str) -> usize {
    key.len() + value.len() + OVERHEAD
}

impl MemoryStore {
    /// An empty store.
    pub fn new(clock: Clock) -> Self {
        Self::bounded(clock, MOST_ENTRIES)
    }

    /// An empty store for about this many entries.
    pub fn bounded(clock: Clock, most_entries: usize) -> Self {
        let inner = Inner {
            clock,
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| Mutex::default()),
            entries_per_shard: most_entries.div_ceil(SHARDS),
            next_swept: AtomicUsize::new(0),
            holds_two: Mutex::new(()),
        };
        Self { inner: Arc::new(inner) }
    }

    /// See [`super::Ephemeral::put`].
    pub fn put(&self, key: &str, value: &str, ttl: Seconds) -> Result<(), StoreError> {
        let now = self.inner.clock.now();
        self.make_room(&mut self.shard(key), key, value)?
            .insert(key, Entry { value: value.to_owned(), expires_at: expiry(now, ttl) });
        Ok(())
    }

    /// See [`super::Ephemeral::put_new`].
    pub fn put_new(&self, key: &str, value: &str, ttl: Seconds) -> Result<bool, StoreError> {
        let now = self.inner.clock.now();
        let mut shard = self.shard(key);
        if shard.live(key, now).is_some() {
            return Ok(false);
        }
        self.make_room(&mut shard, key, value)?
            .insert(key, Entry { value: value.to_owned(), expires_at: expiry(now, ttl) });
        Ok(true)
    }

    /// See [`super::Ephemeral::get`].
    pub fn get(&self, key: &str) -> Option<String> {
        let now = self.inner.clock.now();
        self.shard(key).live(key, now).map(|entry| entry.value.clone())
    }

    /// See [`super::Ephemeral::get_extend`].
    pub fn get_extend(&self, key: &str, ttl: Seconds) -> Option<String> {
        let now = self.inner.clock.now();
        let mut shard = self.shard(key);
        let entry = shard.entries.get_mut(key).filter(|entry| entry.expires_at > now)?;
        entry.expires_at = expiry(now, ttl);
        Some(entry.value.clone())
    }

    /// See [`super::Ephemeral::take`].
    pub fn take(&self, key: &str) -> Option<String> {
        let now = self.inner.clock.now();
        let entry = self.shard(key).remove(key)?;
        (entry.expires_at > now).then_some(entry.value)
    }

    /// See [`super::Ephemeral::delete`].
    pub fn delete(&self, keys: &[&str]) {
        for key in keys {
            self.shard(key).remove(key);
        }
    }

    /// See [`super::Ephemeral::replace`].
    pub fn replace(&self, key: &str, old: &str, new: &str) -> Result<bool, StoreError> {
        let now = self.inner.clock.now();
        let mut shard = self.shard(key);
        let Some(expires_at) =
            shard.live(key, now).filter(|entry| entry.value == old).map(|entry| entry.expires_at)
        else {
            return Ok(false);
        };
        self.make_room(&mut shard, key, new)?
            .insert(key, Entry { value: new.to_owned(), expires_at });
        Ok(true)
    }

    /// See [`super::Ephemeral::replace_beside`].
    pub fn replace_beside(
        &self,
        (key, old, new): (&str, &str, &str),
        beside: &[(String, String, Seconds)],
    ) -> Result<bool, StoreError> {
        // The value's shard stays locked, so that nobody changes it meanwhile. Whoever holds two
        // shards is alone in that: two of them would wait for each other.
        let _alone = self.inner.holds_two.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.inner.clock.now();
        let index = self.index(key);
        let mut shard = self.shard(key);
        let Some(expires_at) =
            shard.live(key, now).filter(|entry| entry.value == old).map(|entry| entry.expires_at)
        else {
            return Ok(false);
        };
        for (key, value, ttl) in beside {
            let entry = Entry { value: value.clone(), expires_at: expiry(now, *ttl) };
            if self.index(key) == index {
                self.make_room(&mut shard, key, value)?.insert(key, entry);
            } else {
                self.make_room(&mut self.shard(key), key, value)?.insert(key, entry);
            }
        }
        self.make_room(&mut shard, key, new)?
            .insert(key, Entry { value: new.to_owned(), expires_at });
        Ok(true)
    }

    /// See [`super::Ephemeral::exchange`].
    pub fn exchange(
        &self,
        key: &str,
        old: Option<&str>,
        (new, ttl): (&str, Seconds),
    ) -> Result<bool, StoreError> {
        let now = self.inner.clock.now();
        let mut shard = self.shard(key);
        if shard.live(key, now).map(|entry| entry.value.as_str()) != old {
            return Ok(false);
        }
        self.make_room(&mut shard, key, new)?
            .insert(key, Entry { value: new.to_owned(), expires_at: expiry(now, ttl) });
        Ok(true)
    }

    /// See [`super::Ephemeral::increment`].
    pub fn increment(&self, key: &str, ttl: Seconds) -> Result<i64, StoreError> {
        let now = self.inner.clock.now();
        let mut shard = self.shard(key);
        let (count, expires_at) = match shard.live(key, now) {
            None => (1, expiry(now, ttl)),
            Some(entry) => {
                let count = entry.value.parse::<i64>().ok().and_then(|count| count.checked_add(1));
                let count = count
                    .ok_or_else(|| StoreError::Corrupt("a counter holds no number".to_owned()))?;
                (count, entry.expires_at)
            }
        };
        let value = count.to_string();
        self.make_room(&mut shard, key, &value)?.insert(key, Entry { value, expires_at });
        Ok(count)
    }

    /// See [`super::Ephemeral::get_many`].
    pub fn get_many(&self, keys: &[String]) -> Vec<Option<String>> {
        let now = self.inner.clock.now();
        let value = |key: &String| self.shard(key).live(key, now).map(|entry| entry.value.clone());
        keys.iter().map(value).collect()
    }

    /// See [`super::Ephemeral::sweep`]. It stops at the first shard boundary after `limit` entries.
    pub fn sweep(&self, now: UnixTime, limit: usize) -> usize {
        let (mut looked, mut removed) = (0, 0);
        for _ in 0..SHARDS {
            let next = self.inner.next_swept.fetch_add(1, Ordering::Relaxed) % SHARDS;
            if let Some(shard) = self.inner.shards.get(next) {
                let mut shard = lock(shard);
                looked += shard.entries.len();
                removed += shard.drop_expired(now);
            }
            if looked >= limit {
                break;
            }
        }
        removed
    }

    /// How many entries there are, expired ones included.
    pub fn len(&self) -> usize {
        self.inner.shards.iter().map(|shard| lock(shard).entries.len()).sum()
    }

    /// Whether there is no entry at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[expect(clippy::indexing_slicing, reason = "a remainder of the length is below the length")]
    fn shard(&self, key: &str) -> MutexGuard<'_, Shard> {
        lock(&self.inner.shards[self.index(key)])
    }

    fn index(&self, key: &str) -> usize {
        let hash = self.inner.hasher.hash_one(key);
        usize::try_from(hash % SHARDS as u64).unwrap_or_default()
    }

    /// The same shard once it has room for this entry in place of the one it has under this key:
    /// expired ones go first.
    fn make_room<'g, 's>(
        &self,
        shard: &'g mut MutexGuard<'s, Shard>,
        key: &str,
        value: &str,
    ) -> Result<&'g mut MutexGuard<'s, Shard>, StoreError> {
        let fits = |shard: &Shard| {
            let before = shard.entries.get(key).map(|entry| cost(key, &entry.value));
            (before.is_some() || shard.entries.len() < self.inner.entries_per_shard)
                && (shard.bytes + cost(key, value)).saturating_sub(before.unwrap_or_default())
                    <= MOST_BYTES / SHARDS
        };
        if !fits(shard) {
            shard.drop_expired(self.inner.clock.now());
            if !fits(shard) {
                return Err(full());
            }
        }
        Ok(shard)
    }
}

/// A panic while a shard is locked cannot leave it half changed, so a poisoned lock is used on.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

fn full() -> StoreError {
    StoreError::Unavailable("the in-process store is full".to_owned())
}

fn expiry(now: UnixTime, ttl: Seconds) -> UnixTime {
    now.plus(ttl.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(most: usize) -> (MemoryStore, Clock) {
        let clock = Clock::manual(UnixTime(1_000));
        (MemoryStore::bounded(clock.clone(), most), clock)
    }

    #[test]
    fn a_full_store_refuses_rather_than_drop_a_living_entry() {
        let (store, _) = store(SHARDS);
        let refused = (0..1_000).filter(|i| store.put(&format!("k{i}"), "v", 60).is_err()).count();
        assert!(refused >= 1_000 - SHARDS);
        let kept = (0..1_000).filter(|i| store.get(&format!("k{i}")).is_some()).count();
        assert_eq!(kept, 1_000 - refused);
    }

    #[test]
    fn replacing_keeps_to_the_bound_and_needs_no_more_room_than_it_takes() {
        let (store, _) = store(1_000);
        let most = MOST_BYTES / SHARDS - cost("k", "");
        store.put("k", "old", 60).unwrap();
        let too_long = "x".repeat(most + 1);
        assert!(store.replace("k", "old", &too_long).is_err());
        assert_eq!(store.get("k").as_deref(), Some("old"), "nothing has changed");
        let longest = "y".repeat(most);
        assert_eq!(store.replace("k", "old", &longest), Ok(true));
        // What goes makes room for what comes.
        assert_eq!(store.replace("k", &longest, &"z".repeat(most)), Ok(true));
        assert_eq!(store.put("k", &longest, 60), Ok(()));
        assert_eq!(store.replace("k", "other", "v"), Ok(false));
    }

    #[test]
    fn a_full_store_makes_room_by_dropping_expired_entries() {
        let (store, clock) = store(SHARDS);
        for i in 0..1_000 {
            let _ = store.put(&format!("k{i}"), "v", 60);
        }
        clock.advance(60);
        assert_eq!(store.put("fresh", "v", 60), Ok(()));
    }

    #[test]
    fn sweeping_removes_what_expired_and_nothing_else() {
        let (store, clock) = store(10_000);
        for i in 0..500 {
            store.put(&format!("short{i}"), "v", 10).unwrap();
            store.put(&format!("long{i}"), "v", 100).unwrap();
        }
        clock.advance(10);
        assert_eq!(store.sweep(clock.now(), usize::MAX), 500);
        assert_eq!(store.len(), 500);
        assert_eq!(store.get("long7").as_deref(), Some("v"));
    }

    #[test]
    fn a_value_and_what_goes_with_it_change_in_one_step() {
        let (store, _) = store(10_000);
        store.put("marker", "0", 60).unwrap();
        let beside =
            |n: i64| (0..200).map(|i| (format!("b{i}"), n.to_string(), 60)).collect::<Vec<_>>();
        let step = |n: i64| {
            let (old, new) = ((n - 1).to_string(), n.to_string());
            store.replace_beside(("marker", &old, &new), &beside(n)).unwrap()
        };
        // Whoever comes late with an older step changes nothing.
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (1..=50).filter(|n| step(*n)).count());
            }
            scope.spawn(|| {
                while store.get("marker").as_deref() != Some("50") {
                    (1..=50).for_each(|n| {
                        step(n);
                    });
                }
            });
        });
        assert!((0..200).all(|i| store.get(&format!("b{i}")).as_deref() == Some("50")));
    }

    #[test]
    fn a_bounded_sweep_reaches_every_shard_in_the_end() {
        let (store, clock) = store(10_000);
        for i in 0..500 {
            store.put(&format!("k{i}"), "v", 1).unwrap();
        }
        clock.advance(1);
        for _ in 0..SHARDS {
            store.sweep(clock.now(), 1);
        }
        assert!(store.is_empty());
    }

    #[test]
    fn the_bytes_of_a_shard_are_given_back() {
        let (store, _) = store(1_000);
        store.put("k", &"x".repeat(10_000), 60).unwrap();
        store.put("k", "y", 60).unwrap();
        store.take("k");
        assert!(store.inner.shards.iter().all(|shard| lock(shard).bytes == 0));
    }

    #[test]
    fn counting_in_something_that_is_no_number_is_an_error() {
        let (store, _) = store(10);
        store.put("k", "text", 60).unwrap();
        assert!(matches!(store.increment("k", 60), Err(StoreError::Corrupt(_))));
    }
}
