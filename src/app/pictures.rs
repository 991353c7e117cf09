//! Pictures that browsers asked for lately, and whose turn it is to have one decoded.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use tokio::sync::Semaphore;

/// Most bytes of pictures kept.
const MOST: u64 = 16 * 1024 * 1024;
/// How long one is kept: what was removed is served no longer than this.
const KEPT: Duration = Duration::from_mins(1);

/// The memory of one process.
pub struct Pictures {
    /// By fingerprint, so what is kept never becomes wrong.
    seen: Cache<String, Arc<Vec<u8>>>,
    /// One picture is decoded at a time: each may occupy a core and many megabytes.
    pub turn: Arc<Semaphore>,
}

impl Default for Pictures {
    fn default() -> Self {
        let weight = |_: &String, png: &Arc<Vec<u8>>| u32::try_from(png.len()).unwrap_or(u32::MAX);
        let seen = Cache::builder().weigher(weight).max_capacity(MOST).time_to_live(KEPT).build();
        Self { seen, turn: Arc::new(Semaphore::new(1)) }
    }
}

impl Pictures {
    /// The PNG with this fingerprint, if it was read lately.
    #[must_use]
    pub fn remembers(&self, fingerprint: &str) -> Option<Arc<Vec<u8>>> {
        self.seen.get(fingerprint)
    }

    /// Remembers a PNG for a minute.
    pub fn remember(&self, fingerprint: &str, png: &Arc<Vec<u8>>) {
        self.seen.insert(fingerprint.to_owned(), Arc::clone(png));
    }
}
