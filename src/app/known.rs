//! Clients that one process remembers between requests: dropped when the catalogue version in SQL moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use moka::sync::Cache;

use crate::protocol::client::Client;
use crate::protocol::types::ClientId;

/// In bytes.
const LONGEST_ABSENT: usize = 64;

/// How often everything was forgotten when a reading began. Keeping asks for it, so that what was
/// read before a change and arrives after it is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(pub(super) u64);

/// Clients read recently.
pub struct Known {
    clients: Cache<ClientId, Arc<Client>>,
    /// Ids that no client has.
    absent: Cache<ClientId, ()>,
    forgotten: AtomicU64,
    /// Clients that recently failed to authenticate, by throttle key.
    failed: Cache<String, ()>,
    any_failed: AtomicBool,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            clients: Cache::new(10_000),
            absent: Cache::builder()
                .max_capacity(10_000)
                .time_to_live(Duration::from_mins(1))
                .build(),
            forgotten: AtomicU64::default(),
            failed: Cache::builder()
                .max_capacity(10_000)
                .time_to_live(Duration::from_hours(1))
                .build(),
            any_failed: AtomicBool::default(),
        }
    }
}

impl Known {
    /// The client, if it was read since the last change of any client.
    #[must_use]
    pub fn client(&self, id: &ClientId) -> Option<Arc<Client>> {
        self.clients.get(id)
    }

    /// To be taken before a client is read.
    #[must_use]
    pub fn moment(&self) -> Moment {
        Moment(self.forgotten.load(Ordering::SeqCst))
    }

    /// Remembers a client that was read after `moment`.
    pub fn remember(&self, client: Arc<Client>, moment: Moment) {
        let id = client.id.clone();
        self.clients.insert(id.clone(), client);
        if self.moment() != moment {
            self.clients.invalidate(&id);
        }
    }

    /// Whether no client had this id when it was last looked for, and none has changed since.
    #[must_use]
    pub fn is_absent(&self, id: &ClientId) -> bool {
        self.absent.contains_key(id)
    }

    /// Remembers that no client has this id, as it was read after `moment`. Long texts are no ids of
    /// ours and not kept.
    pub fn remember_absent(&self, id: &ClientId, moment: Moment) {
        if id.as_str().len() > LONGEST_ABSENT {
            return;
        }
        self.absent.insert(id.clone(), ());
        if self.moment() != moment {
            self.absent.invalidate(id);
        }
    }

    /// Whether this process has ever seen a failure, so that nobody makes a key to ask about one in
    /// vain.
    #[must_use]
    pub fn any_has_failed(&self) -> bool {
        self.any_failed.load(Ordering::SeqCst)
    }

    /// Whether this process has seen a failure under this throttle key within the hour.
    #[must_use]
    pub fn has_failed(&self, key: &str) -> bool {
        self.failed.contains_key(key)
    }

    /// Remembers a failure.
    pub fn note_failure(&self, key: &str) {
        self.failed.insert(key.to_owned(), ());
        self.any_failed.store(true, Ordering::SeqCst);
    }

    /// Forgets all: something changed.
    pub fn forget(&self) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.clients.invalidate_all();
        self.absent.invalidate_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_no_client_has_is_remembered_until_any_client_changes() {
        let (known, nobody) = (Known::default(), ClientId::new("nobody"));
        let before = known.moment();
        assert!(!known.is_absent(&nobody));
        known.remember_absent(&nobody, before);
        assert!(known.is_absent(&nobody));
        known.forget();
        assert!(!known.is_absent(&nobody), "perhaps there is one now");
        known.remember_absent(&nobody, before);
        assert!(!known.is_absent(&nobody), "what was read before the change says nothing");
        let long = ClientId::new("x".repeat(65));
        known.remember_absent(&long, known.moment());
        assert!(!known.is_absent(&long));
    }
}
