//! How long ago this process last heard from SQL what has ended.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long what a process knows may be believed without a word from SQL. It asks five times a second,
/// so that this is a dozen questions without an answer, or one that waited for its limit and a few more.
///
/// Another node may have ended something meanwhile that only SQL took, because that node cannot reach
/// the ephemeral store. Whoever hears from neither would let somebody in who is out.
pub(super) const BELIEVED_FOR: Duration = Duration::from_secs(3);

/// The moment of the last word from SQL, by a clock that nobody can set.
#[derive(Debug)]
pub(super) struct Heard {
    beginning: Instant,
    /// Milliseconds after the beginning.
    at: AtomicU64,
}

impl Heard {
    /// SQL was asked at this moment and has answered.
    pub(super) fn new(asked: Instant) -> Self {
        Self { beginning: asked, at: AtomicU64::new(0) }
    }

    /// Another question that was asked at this moment was answered. It counts from the question on: what
    /// ended between it and the answer may be missing from the answer.
    pub(super) fn note(&self, asked: Instant) {
        self.at.fetch_max(self.millis(asked), Ordering::SeqCst);
    }

    /// Whether the last word is recent enough at this moment.
    pub(super) fn is_recent(&self, now: Instant) -> bool {
        let silence = self.millis(now).saturating_sub(self.at.load(Ordering::SeqCst));
        u128::from(silence) <= BELIEVED_FOR.as_millis()
    }

    fn millis(&self, moment: Instant) -> u64 {
        let passed = moment.saturating_duration_since(self.beginning);
        u64::try_from(passed.as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_counts_from_the_last_question_that_was_answered() {
        let start = Instant::now();
        let (heard, moment) = (Heard::new(start), Duration::from_millis(1));
        assert!(heard.is_recent(start + BELIEVED_FOR));
        assert!(!heard.is_recent(start + BELIEVED_FOR + moment));
        let asked = start + Duration::from_mins(1);
        heard.note(asked);
        assert!(heard.is_recent(asked + BELIEVED_FOR));
        // An answer to an earlier question that comes late.
        heard.note(start + Duration::from_secs(59));
        assert!(heard.is_recent(asked + BELIEVED_FOR));
        assert!(!heard.is_recent(asked + BELIEVED_FOR + moment));
    }
}
