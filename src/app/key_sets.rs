//! The key sets of clients that publish them at an address of their own, as this process last saw
//! them. When to ask again is decided in `service::client_keys`.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use moka::sync::Cache;
use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard};

use crate::clock::UnixTime;
use crate::crypto::foreign::{ForeignKeys, KeySetError};

/// Addresses whose keys are kept; each may hold tens of kilobytes.
const MOST: u64 = 2048;

/// The keys of one client.
#[derive(Debug)]
pub struct KeySet {
    /// The JWK Set as it is, for what is not a signature (encryption keys, certificates).
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
        document: Value,
        read_at: UnixTime,
        fresh_until: UnixTime,
    ) -> Result<Self, KeySetError> {
        Ok(Self { keys: ForeignKeys::from_set(&document)?, document, read_at, fresh_until })
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
    given: Cache<String, Arc<KeySet>>,
}

impl Default for KeySets {
    fn default() -> Self {
        let slots =
            Cache::builder().max_capacity(MOST).time_to_idle(Duration::from_hours(24)).build();
        let given =
            Cache::builder().max_capacity(MOST).time_to_idle(Duration::from_hours(1)).build();
        Self { slots, given }
    }
}

impl KeySets {
    /// The keys in a document that its owner has given by value, read once for as long as the owner
    /// has this very document.
    ///
    /// # Errors
    /// [`KeySetError`].
    pub fn given(
        &self,
        owner: &str,
        document: &Value,
        now: UnixTime,
    ) -> Result<Arc<KeySet>, KeySetError> {
        if let Some(set) = self.given.get(owner)
            && set.document == *document
        {
            return Ok(set);
        }
        let set = Arc::new(KeySet::new(document.clone(), now, now)?);
        self.given.insert(owner.to_owned(), Arc::clone(&set));
        Ok(set)
    }

    /// The slot of this address.
    #[must_use]
    pub fn slot(&self, uri: &str) -> Arc<Slot> {
        self.slots.get_with_by_ref(uri, Arc::<Slot>::default)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_given_by_value_are_read_once_until_their_owner_changes_them() {
        let sets = KeySets::default();
        let (now, none) = (UnixTime(0), json!({ "keys": [] }));
        let first = sets.given("client a", &none, now).unwrap();
        assert!(Arc::ptr_eq(&first, &sets.given("client a", &none.clone(), now).unwrap()));
        assert!(!Arc::ptr_eq(&first, &sets.given("client b", &none, now).unwrap()));
        let other = json!({ "keys": [], "x": 1 });
        let changed = sets.given("client a", &other, now).unwrap();
        assert_eq!(changed.document, other);
        assert!(sets.given("client a", &json!({ "keys": 7 }), now).is_err());
        assert!(Arc::ptr_eq(&changed, &sets.given("client a", &other, now).unwrap()));
    }
}
