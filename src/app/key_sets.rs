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

/// Every address in use.
pub struct KeySets {
    slots: Cache<String, Arc<Slot>>,
}

impl Default for KeySets {
    fn default() -> Self {
        let slots =
            Cache::builder().max_capacity(MOST).time_to_idle(Duration::from_hours(24)).build();
        Self { slots }
    }
}

impl KeySets {
    /// The slot of this address.
    #[must_use]
    pub fn slot(&self, uri: &str) -> Arc<Slot> {
        self.slots.get_with_by_ref(uri, Arc::<Slot>::default)
    }
}
