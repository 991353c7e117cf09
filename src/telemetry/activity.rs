//! What this process has done since SQL was last told, for the charts of the console: a few numbers
//! that cost next to nothing to count, and that are added up in SQL with those of other nodes.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// So much happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub sign_ins: i64,
    pub failed_sign_ins: i64,
    /// Access, refresh and ID tokens.
    pub tokens: i64,
    /// Answers to HTTP requests.
    pub requests: i64,
    /// Those among them that were our own fault (5xx).
    pub errors: i64,
    /// Answers within so many milliseconds.
    pub within_10: i64,
    pub within_50: i64,
    pub within_100: i64,
    pub within_500: i64,
}

impl Counts {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            sign_ins: self.sign_ins + other.sign_ins,
            failed_sign_ins: self.failed_sign_ins + other.failed_sign_ins,
            tokens: self.tokens + other.tokens,
            requests: self.requests + other.requests,
            errors: self.errors + other.errors,
            within_10: self.within_10 + other.within_10,
            within_50: self.within_50 + other.within_50,
            within_100: self.within_100 + other.within_100,
            within_500: self.within_500 + other.within_500,
        }
    }

    /// The smallest of the bounds, in milliseconds, within which 95 of 100 answers came: 10, 50, 100
    /// or 500; `None` when it took longer, or there were none.
    #[must_use]
    pub fn p95_within(self) -> Option<i64> {
        let bounds = [
            (10, self.within_10),
            (50, self.within_50),
            (100, self.within_100),
            (500, self.within_500),
        ];
        let enough = |count: i64| self.requests > 0 && count * 100 >= self.requests * 95;
        bounds.into_iter().find(|(_, count)| enough(*count)).map(|(bound, _)| bound)
    }
}

/// The counters of this process.
#[derive(Debug, Default)]
pub struct Activity {
    sign_ins: AtomicI64,
    failed_sign_ins: AtomicI64,
    tokens: AtomicI64,
    requests: AtomicI64,
    errors: AtomicI64,
    within_10: AtomicI64,
    within_50: AtomicI64,
    within_100: AtomicI64,
    within_500: AtomicI64,
    /// When the clean-up of this process last came to its end, in Unix time; 0 before the first.
    cleaned_at: AtomicI64,
}

impl Activity {
    pub(super) fn sign_in(&self, result: &str) {
        let counter = if result == "success" { &self.sign_ins } else { &self.failed_sign_ins };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn token(&self, kind: &str) {
        if matches!(kind, "access_token" | "refresh_token" | "id_token") {
            self.tokens.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn answer(&self, status: u16, duration: Duration) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if status >= 500 {
            self.errors.fetch_add(1, Ordering::Relaxed);
        }
        let bounds = [
            (500, &self.within_500),
            (100, &self.within_100),
            (50, &self.within_50),
            (10, &self.within_10),
        ];
        for (bound, counter) in bounds {
            if duration > Duration::from_millis(bound) {
                break;
            }
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What SQL has not been told of.
    #[must_use]
    pub fn untold(&self) -> Counts {
        self.read(|counter| counter.load(Ordering::Relaxed))
    }

    /// What SQL has not been told of; from now on it counts as told.
    #[must_use]
    pub fn take(&self) -> Counts {
        self.read(|counter| counter.swap(0, Ordering::Relaxed))
    }

    fn read(&self, read: impl Fn(&AtomicI64) -> i64) -> Counts {
        Counts {
            sign_ins: read(&self.sign_ins),
            failed_sign_ins: read(&self.failed_sign_ins),
            tokens: read(&self.tokens),
            requests: read(&self.requests),
            errors: read(&self.errors),
            within_10: read(&self.within_10),
            within_50: read(&self.within_50),
            within_100: read(&self.within_100),
            within_500: read(&self.within_500),
        }
    }

    /// SQL could not be told after all.
    pub fn put_back(&self, counts: Counts) {
        for (counter, count) in [
            (&self.sign_ins, counts.sign_ins),
            (&self.failed_sign_ins, counts.failed_sign_ins),
            (&self.tokens, counts.tokens),
            (&self.requests, counts.requests),
            (&self.errors, counts.errors),
            (&self.within_10, counts.within_10),
            (&self.within_50, counts.within_50),
            (&self.within_100, counts.within_100),
            (&self.within_500, counts.within_500),
        ] {
            counter.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// The clean-up came to its end at this moment, in Unix time.
    pub fn cleaned(&self, at: i64) {
        self.cleaned_at.store(at, Ordering::Relaxed);
    }

    /// When it last did; `None` before the first time.
    #[must_use]
    pub fn last_cleaned(&self) -> Option<i64> {
        Some(self.cleaned_at.load(Ordering::Relaxed)).filter(|at| *at > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_told_once_and_comes_back_when_it_could_not_be() {
        let activity = Activity::default();
        activity.sign_in("success");
        activity.sign_in("refused");
        activity.token("access_token");
        activity.token("logout_token");
        activity.answer(200, Duration::from_millis(30));
        activity.answer(503, Duration::from_secs(2));
        let counts = activity.take();
        let wanted = Counts {
            sign_ins: 1,
            failed_sign_ins: 1,
            tokens: 1,
            requests: 2,
            errors: 1,
            within_10: 0,
            within_50: 1,
            within_100: 1,
            within_500: 1,
        };
        assert_eq!(counts, wanted);
        assert_eq!(activity.take(), Counts::default());
        activity.put_back(counts);
        assert_eq!(activity.untold(), wanted.plus(Counts::default()));
    }

    #[test]
    fn the_bound_is_the_smallest_that_95_of_100_answers_kept() {
        let counts = Counts { requests: 100, within_10: 94, within_50: 95, ..Counts::default() };
        assert_eq!(counts.p95_within(), Some(50));
        assert_eq!(Counts { requests: 1, ..Counts::default() }.p95_within(), None);
        assert_eq!(Counts::default().p95_within(), None);
    }
}
