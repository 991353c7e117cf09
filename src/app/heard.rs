//! How long ago this process last heard from SQL what has ended, and for how long such a word counts.
//!
//! These limits are one half of what makes an end final: whoever ends something says so only when no
//! node can believe any longer what it knew before (`service::revocation::publish`). The other half is
//! that a word counts from when SQL was asked, by a clock that nobody can set.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long what this process itself remembers may be believed without a word from SQL. It asks 25
/// times a second while there is somebody to answer, so that a question or two may be late.
pub(crate) const CURRENT_FOR: Duration = Duration::from_millis(100);

/// The same for what the ephemeral store says, which other nodes write at once. Only a fault makes a
/// difference: another node may have ended something meanwhile that only SQL took, because that node
/// cannot reach the ephemeral store. Whoever hears from neither would let somebody in who is out.
const SHARED_FOR: Duration = Duration::from_secs(3);
/// The same where the store is this process's own, and nobody but the command line could have ended
/// something elsewhere. Asking SQL instead costs next to nothing there.
const OWN_FOR: Duration = Duration::from_millis(400);

/// How long what the ephemeral store says may be believed without a word from SQL.
pub(crate) fn believed_for(is_shared: bool) -> Duration {
    if is_shared { SHARED_FOR } else { OWN_FOR }
}

/// The moment of the last word from SQL.
#[derive(Debug)]
pub(super) struct Heard {
    beginning: Instant,
    /// Milliseconds after the beginning.
    at: AtomicU64,
    /// As `at`: answers to what was asked before count for nothing.
    void_before: AtomicU64,
}

impl Heard {
    /// SQL was asked at this moment and has answered.
    pub(super) fn new(asked: Instant) -> Self {
        Self { beginning: asked, at: AtomicU64::new(0), void_before: AtomicU64::new(0) }
    }

    /// Another question that was asked at this moment was answered. It counts from the question on: what
    /// ended between it and the answer may be missing from the answer.
    pub(super) fn note(&self, asked: Instant) {
        // Rounded down: a word is never younger than this says.
        self.at.fetch_max(self.millis(asked), Ordering::SeqCst);
    }

    /// Whether the last word counts at this moment, if it does for so long.
    pub(super) fn is_within(&self, limit: Duration, now: Instant) -> bool {
        let at = self.at.load(Ordering::SeqCst);
        let silence = self.millis(now).saturating_sub(at);
        at >= self.void_before.load(Ordering::SeqCst) && u128::from(silence) < limit.as_millis()
    }

    /// Words from before this moment count for nothing from now on.
    pub(super) fn void(&self, moment: Instant) {
        self.void_before.fetch_max(self.millis_up(moment), Ordering::SeqCst);
    }

    /// Whether the last word is an answer to what was asked after this moment.
    pub(super) fn is_after(&self, moment: Instant) -> bool {
        self.at.load(Ordering::SeqCst) >= self.millis_up(moment)
    }

    fn millis(&self, moment: Instant) -> u64 {
        let passed = moment.saturating_duration_since(self.beginning);
        u64::try_from(passed.as_millis()).unwrap_or(u64::MAX)
    }

    /// Rounded up: a word that counts as later is later.
    fn millis_up(&self, moment: Instant) -> u64 {
        let passed = moment.saturating_duration_since(self.beginning);
        u64::try_from(passed.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_counts_from_the_last_question_that_was_answered() {
        let start = Instant::now();
        let (limit, moment) = (Duration::from_secs(3), Duration::from_millis(1));
        let (heard, just) = (Heard::new(start), limit.checked_sub(moment).unwrap());
        assert!(heard.is_within(limit, start + just));
        assert!(!heard.is_within(limit, start + limit));
        let asked = start + Duration::from_mins(1);
        heard.note(asked);
        assert!(heard.is_within(limit, asked + just));
        // An answer to an earlier question that comes late.
        heard.note(start + Duration::from_secs(59));
        assert!(heard.is_within(limit, asked + just));
        assert!(!heard.is_within(limit, asked + limit));
    }

    #[test]
    fn what_was_asked_before_something_broke_counts_for_nothing_after_it() {
        let start = Instant::now();
        let (limit, moment) = (Duration::from_secs(3), Duration::from_micros(300));
        let heard = Heard::new(start);
        assert!(heard.is_after(start) && !heard.is_after(start + moment));
        heard.void(start + moment);
        assert!(!heard.is_within(limit, start + moment));
        heard.note(start + moment);
        assert!(!heard.is_within(limit, start + moment), "within the same millisecond");
        heard.note(start + 4 * moment);
        assert!(heard.is_within(limit, start + 4 * moment));
    }
}
