//! The key sets of clients that publish them at an address of their own, as this process last saw
//! them. When to ask again is decided in `service::clients::key_sets`.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use moka::sync::Cache;
use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard};

use crate::clock::UnixTime;
use crate::crypto::encoding::fingerprint;
use crate::crypto::foreign::{ForeignKeys, KeySetError};
use crate::protocol::jose::jwk_set;

/// Addresses whose keys are kept; each may hold tens of kilobytes.
const MOST: u64 = 2048;

/// The keys of one client.
#[derive(Debug)]
pub struct KeySet {
    /// The keys of the JWK Set, for what is not a signature (encryption keys, certificates).
    pub document: Value,
    /// Its keys that verify signatures.
    pub keys: ForeignKeys,
    /// When they were read.
    pub read_at: UnixTime,
    /// When they should be fetched again, if they were fetched.
    pub fresh_until: UnixTime,
}

impl KeySet {
    /// Reads a JWK Set.
    ///
    /// # Errors
    /// [`KeySetError`].
    pub fn new(
        document: &Value,
        read_at: UnixTime,
        fresh_until: UnixTime,
    ) -> Result<Self, KeySetError> {
        let keys = ForeignKeys::from_set(document)?;
        // What else is in it would stay in memory: numbers in lists take sixteen times their text.
        Ok(Self { keys, document: jwk_set::pruned(document), read_at, fresh_until })
    }
}

/// What is known of one address.
#[derive(Default)]
pub struct Slot {
    current: ArcSwapOption<KeySet>,
    last_attempt: Mutex<Option<UnixTime>>,
}

impl Slot {
    /// The keys last fetched.
    #[must_use]
    pub fn current(&self) -> Option<Arc<KeySet>> {
        self.current.load_full()
    }

    /// Keeps what was fetched.
    pub fn set(&self, keys: Arc<KeySet>) {
        self.current.store(Some(keys));
    }

    /// Whoever holds this may fetch; it says when that was last tried. Readers do not wait for it.
    pub async fn turn(&self) -> MutexGuard<'_, Option<UnixTime>> {
        self.last_attempt.lock().await
    }
}

/// Every address in use, and the keys that were given by value.
pub struct KeySets {
    slots: Cache<String, Arc<Slot>>,
    /// Sets that clients have in their metadata, by what they are.
    by_value: Cache<String, Arc<KeySet>>,
}

impl Default for KeySets {
    fn default() -> Self {
        let slots =
            Cache::builder().max_capacity(MOST).time_to_idle(Duration::from_hours(24)).build();
        let by_value =
            Cache::builder().max_capacity(MOST).time_to_idle(Duration::from_hours(1)).build();
        Self { slots, by_value }
    }
}

impl KeySets {
    /// The slot of this address.
    #[must_use]
    pub fn slot(&self, uri: &str) -> Arc<Slot> {
        self.slots.get_with_by_ref(uri, Arc::<Slot>::default)
    }

    /// A set given by value, read once and not for every request.
    ///
    /// # Errors
    /// [`KeySetError`].
    pub fn by_value(&self, set: &Value, now: UnixTime) -> Result<Arc<KeySet>, KeySetError> {
        let name = fingerprint(&set.to_string());
        if let Some(known) = self.by_value.get(&name) {
            return Ok(known);
        }
        let read = Arc::new(KeySet::new(set, now, now)?);
        self.by_value.insert(name, Arc::clone(&read));
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn of_a_set_only_its_keys_are_kept() {
        let key = json!({ "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA" });
        let mut swollen = json!({ "keys": [key], "padding": vec![0; 30_000] });
        swollen["keys"][0]["padding"] = json!([0, 0]);
        let set = KeySet::new(&swollen, UnixTime(0), UnixTime(0)).unwrap();
        assert_eq!(set.document, json!({ "keys": [key] }));
    }

    #[test]
    fn a_set_given_by_value_is_read_once() {
        let sets = KeySets::default();
        let (one, other) = (json!({ "keys": [] }), json!({ "keys": [], "x": 1 }));
        let first = sets.by_value(&one, UnixTime(0)).unwrap();
        assert!(Arc::ptr_eq(&first, &sets.by_value(&one, UnixTime(9)).unwrap()));
        assert!(!Arc::ptr_eq(&first, &sets.by_value(&other, UnixTime(0)).unwrap()));
        assert!(sets.by_value(&json!([]), UnixTime(0)).is_err());
    }
}
