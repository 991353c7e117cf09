//! Client ID metadata documents read lately. Nothing is stored for a document until a person has
//! allowed its app something, so this is all that remembers it.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use tokio::sync::Mutex;

use crate::clock::{Seconds, UnixTime};
use crate::protocol::client::ClientMetadata;
use crate::protocol::types::ClientId;

/// How long a URL is left alone after it failed. It is not the failure that is remembered, since the
/// draft forbids that, but the request, so that nobody can make us ask again and again.
const PAUSE: Seconds = 10;
/// Documents remembered by one process.
const MOST: u64 = 2_000;

/// A document as it was read.
#[derive(Debug, Clone)]
pub struct Document {
    pub metadata: Arc<ClientMetadata>,
    pub read_at: UnixTime,
    pub fresh_until: UnixTime,
}

/// What is remembered of documents, by URL.
pub struct Documents {
    read: Cache<ClientId, Document>,
    failed: Cache<ClientId, (UnixTime, String)>,
    turns: Cache<ClientId, Arc<Mutex<()>>>,
}

impl Default for Documents {
    fn default() -> Self {
        let keep = Duration::from_mins(5);
        Self {
            // No document is fresh for longer than a day.
            read: Cache::builder()
                .max_capacity(MOST)
                .time_to_live(Duration::from_hours(24))
                .build(),
            failed: Cache::builder().max_capacity(MOST).time_to_live(keep).build(),
            turns: Cache::builder().max_capacity(MOST).time_to_idle(keep).build(),
        }
    }
}

impl Documents {
    /// The document, while it is fresh.
    #[must_use]
    pub fn fresh(&self, id: &ClientId, now: UnixTime) -> Option<Document> {
        self.read.get(id).filter(|document| document.fresh_until > now)
    }

    /// Why it could not be read a moment ago.
    #[must_use]
    pub fn failure(&self, id: &ClientId, now: UnixTime) -> Option<String> {
        let (until, problem) = self.failed.get(id)?;
        (until > now).then_some(problem)
    }

    /// Remembers a document.
    pub fn keep(&self, id: &ClientId, document: Document) {
        self.failed.invalidate(id);
        self.read.insert(id.clone(), document);
    }

    /// Remembers that it could not be read.
    pub fn note_failure(&self, id: &ClientId, problem: String, now: UnixTime) {
        self.failed.insert(id.clone(), (now.plus(PAUSE), problem));
    }

    /// Whoever holds the lock reads this document; the others wait and find it read.
    #[must_use]
    pub fn turn(&self, id: &ClientId) -> Arc<Mutex<()>> {
        self.turns.get_with_by_ref(id, Arc::default)
    }
}
