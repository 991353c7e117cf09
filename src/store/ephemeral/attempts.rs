//! Tries that are counted before they are made, so that however many come at once, no more of them count
//! than the rule allows. A try that succeeds, or was not made after all, is taken back.
//!
//! One record holds the count and the block, and changes by compare-and-set: of any number of callers
//! on any number of nodes, each that is allowed has a number of its own. Whoever is blocked is not
//! counted, so nobody can keep somebody else out for longer by trying on.

use super::Ephemeral;
use super::throttle::{Penalty, ThrottleRule, WINDOW};
use crate::clock::{Seconds, UnixTime};
use crate::store::error::StoreError;

/// How often another caller may be quicker before nobody can say. Each of them was allowed something.
const MOST_RACES: usize = 200;

/// What became of wanting to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// It may be made, and is counted as if it had failed.
    Allowed(Penalty),
    /// Nothing may be tried until then.
    Blocked(UnixTime),
}

/// Counts one more try, unless the key is blocked. `key` is kept as it is, so hash what is personal or
/// long.
///
/// # Errors
/// [`StoreError`] when nobody can say: nothing may be tried then.
pub async fn begin(
    ephemeral: &Ephemeral,
    (key, rule): (&str, &ThrottleRule),
    now: UnixTime,
) -> Result<Attempt, StoreError> {
    let key = record_key(key);
    for _ in 0..MOST_RACES {
        let old = ephemeral.get(&key).await?;
        let record = Record::read(old.as_deref(), now)?;
        if record.blocked_until > now {
            return Ok(Attempt::Blocked(record.blocked_until));
        }
        let (next, penalty) = record.with_one_more(rule, now);
        if ephemeral.exchange(&key, old.as_deref(), (&next.text(), next.ttl(now))).await? {
            return Ok(Attempt::Allowed(penalty));
        }
    }
    Err(contended())
}

/// Takes a try back that [`begin`] allowed, with the block that it brought. `begun` is when that was: in
/// an hour that began later it was never counted.
///
/// # Errors
/// [`StoreError`] when it goes on counting.
pub async fn take_back(
    ephemeral: &Ephemeral,
    (key, penalty): (&str, &Penalty),
    (begun, now): (UnixTime, UnixTime),
) -> Result<(), StoreError> {
    let key = record_key(key);
    for _ in 0..MOST_RACES {
        let Some(old) = ephemeral.get(&key).await? else { return Ok(()) };
        let record = Record::read(Some(&old), now)?;
        if record.ends > begun.plus(WINDOW) {
            return Ok(());
        }
        let next = record.without(penalty);
        if ephemeral.exchange(&key, Some(&old), (&next.text(), next.ttl(now))).await? {
            return Ok(());
        }
    }
    Err(contended())
}

/// Forgets all tries of a key: the right secret was presented.
///
/// # Errors
/// [`StoreError`] when they go on counting.
pub async fn clear(ephemeral: &Ephemeral, key: &str) -> Result<(), StoreError> {
    ephemeral.delete(&[&record_key(key)]).await
}

fn record_key(key: &str) -> String {
    format!("attempts:{key}")
}

fn contended() -> StoreError {
    StoreError::Unavailable("a counter of tries changes all the time".to_owned())
}

/// What is kept for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Record {
    /// Tries in the present hour.
    count: i64,
    /// In the past when nothing is blocked.
    blocked_until: UnixTime,
    /// When the count begins anew.
    ends: UnixTime,
}

impl Record {
    fn read(text: Option<&str>, now: UnixTime) -> Result<Self, StoreError> {
        let fresh = Self { count: 0, blocked_until: UnixTime(0), ends: now.plus(WINDOW) };
        let Some(text) = text else { return Ok(fresh) };
        let record = Self::parse(text)
            .ok_or_else(|| StoreError::Corrupt("a counter of tries holds something else".into()))?;
        let is_over = record.ends <= now;
        Ok(if is_over { Self { blocked_until: record.blocked_until, ..fresh } } else { record })
    }

    fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split(' ').map(|number| number.parse().ok());
        let mut next = || numbers.next().flatten();
        let (count, until, ends) = (next()?, next()?, next()?);
        Some(Self { count, blocked_until: UnixTime(until), ends: UnixTime(ends) })
    }

    fn text(self) -> String {
        format!("{} {} {}", self.count, self.blocked_until.0, self.ends.0)
    }

    fn ttl(self, now: UnixTime) -> Seconds {
        self.ends.max(self.blocked_until).since(now)
    }

    fn with_one_more(self, rule: &ThrottleRule, now: UnixTime) -> (Self, Penalty) {
        let failures = self.count.saturating_add(1);
        let seconds = rule.block_seconds(failures);
        let until = (seconds > 0).then(|| now.plus(seconds));
        let next = Self {
            count: failures,
            blocked_until: until.unwrap_or(self.blocked_until),
            ends: self.ends,
        };
        (next, Penalty { failures, blocked_until: until })
    }

    fn without(self, penalty: &Penalty) -> Self {
        let is_its_block = penalty.blocked_until == Some(self.blocked_until);
        Self {
            count: self.count.saturating_sub(1).max(0),
            blocked_until: if is_its_block { UnixTime(0) } else { self.blocked_until },
            ends: self.ends,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::store::ephemeral::MemoryStore;

    const RULE: ThrottleRule = ThrottleRule { free: 2, cap_seconds: 900, hourly_cap: 100 };

    fn store() -> (Ephemeral, Clock) {
        let clock = Clock::manual(UnixTime(1_000));
        (Ephemeral::Memory(MemoryStore::new(clock.clone())), clock)
    }

    async fn tried(store: &Ephemeral, clock: &Clock) -> Result<i64, Seconds> {
        let now = clock.now();
        match begin(store, ("k", &RULE), now).await.unwrap() {
            Attempt::Allowed(penalty) => Ok(penalty.failures),
            Attempt::Blocked(until) => Err(until.since(now)),
        }
    }

    #[tokio::test]
    async fn the_try_that_is_one_too_many_blocks_the_next_and_blocked_ones_do_not_count() {
        let (store, clock) = store();
        for n in 1..=3 {
            assert_eq!(tried(&store, &clock).await, Ok(n));
        }
        for _ in 0..50 {
            assert_eq!(tried(&store, &clock).await, Err(2));
        }
        clock.advance(2);
        assert_eq!(tried(&store, &clock).await, Ok(4));
        assert_eq!(tried(&store, &clock).await, Err(4));
    }

    #[tokio::test]
    async fn the_count_begins_anew_after_an_hour_and_a_block_lasts_beyond_it() {
        let (store, clock) = store();
        for n in 1..=12 {
            assert_eq!(tried(&store, &clock).await, Ok(n));
            clock.advance(if n < 3 { 0 } else { RULE.block_seconds(n) });
        }
        // 2 + 4 + … + 512 seconds, and 900 for the last one.
        assert_eq!(clock.now(), UnixTime(1_000 + 1_022 + 900));
        clock.advance(1_600);
        assert_eq!(tried(&store, &clock).await, Ok(13));
        clock.advance(100);
        assert_eq!(tried(&store, &clock).await, Err(800), "the hour is over, the block is not");
        clock.advance(800);
        assert_eq!(tried(&store, &clock).await, Ok(1));
    }

    #[tokio::test]
    async fn what_is_taken_back_was_never_there() {
        let (store, clock) = store();
        for _ in 0..10 {
            let now = clock.now();
            let Attempt::Allowed(penalty) = begin(&store, ("k", &RULE), now).await.unwrap() else {
                panic!("blocked")
            };
            assert_eq!(penalty.failures, 1);
            take_back(&store, ("k", &penalty), (now, now)).await.unwrap();
        }
        for n in 1..=2 {
            assert_eq!(tried(&store, &clock).await, Ok(n));
        }
        let now = clock.now();
        let Attempt::Allowed(third) = begin(&store, ("k", &RULE), now).await.unwrap() else {
            panic!("blocked")
        };
        assert_eq!(tried(&store, &clock).await, Err(2));
        take_back(&store, ("k", &third), (now, now)).await.unwrap();
        assert_eq!(tried(&store, &clock).await, Ok(3), "its block went with it");
        clear(&store, "k").await.unwrap();
        assert_eq!(tried(&store, &clock).await, Ok(1));
    }

    #[tokio::test]
    async fn what_is_taken_back_after_its_hour_leaves_the_next_hour_alone() {
        let (store, clock) = store();
        let begun = clock.now();
        let Attempt::Allowed(slow) = begin(&store, ("k", &RULE), begun).await.unwrap() else {
            panic!("blocked")
        };
        clock.advance(WINDOW + 1);
        let back = || take_back(&store, ("k", &slow), (begun, clock.now()));
        back().await.unwrap();
        assert_eq!(tried(&store, &clock).await, Ok(1), "the hour is over, and so is its count");
        back().await.unwrap();
        assert_eq!(tried(&store, &clock).await, Ok(2), "somebody else's try is not taken back");
    }

    #[test]
    fn a_record_comes_back_as_it_was_kept() {
        let record = Record { count: 7, blocked_until: UnixTime(9), ends: UnixTime(11) };
        assert_eq!(Record::parse(&record.text()), Some(record));
        for bad in ["", "1", "1 2", "a b c", "1 2 x"] {
            assert_eq!(Record::parse(bad), None, "{bad}");
        }
    }
}
