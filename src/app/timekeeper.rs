//! By which time to delete. A clock that is set ahead by mistake must not have anything deleted that
//! would still matter once it is set right: what was revoked, what was spent, sessions and keys.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::clock::{Seconds, UnixTime};

/// How much further than the time that has really passed the clock may move between two looks.
const LENIENCY: Seconds = 60;
/// A clock that has been ahead for so long is right after all, as when the machine had slept.
const BELIEVED_AFTER: Seconds = 86_400;

/// Compares the clock with the time that has really passed.
#[derive(Debug)]
pub struct Timekeeper {
    look: Mutex<Look>,
    /// Whether the log has been told that the clock is ahead.
    told: AtomicBool,
}

/// The last time the clock was believed.
#[derive(Debug)]
struct Look {
    wall: UnixTime,
    passed: Seconds,
    /// Since when it is not believed.
    ahead_since: Option<Seconds>,
}

impl Timekeeper {
    /// Begins by believing the clock. `passed` is [`crate::clock::Clock::passed`].
    #[must_use]
    pub fn new(wall: UnixTime, passed: Seconds) -> Self {
        let look = Mutex::new(Look { wall, passed, ahead_since: None });
        Self { look, told: AtomicBool::new(false) }
    }

    /// The moment by which may be deleted: what the clock says, or less when it was set ahead.
    pub fn trusted(&self, wall: UnixTime, passed: Seconds) -> UnixTime {
        let mut look = self.look.lock().unwrap_or_else(PoisonError::into_inner);
        let expected = look.wall.plus(passed - look.passed);
        if wall.since(expected) > LENIENCY {
            let since = *look.ahead_since.get_or_insert(passed);
            if passed - since < BELIEVED_AFTER {
                return expected;
            }
        }
        *look = Look { wall, passed, ahead_since: None };
        wall
    }

    /// Whether the clock is ahead of the moment that is trusted; the log is told once.
    pub fn is_ahead(&self, wall: UnixTime, trusted: UnixTime) -> bool {
        let ahead = wall.since(trusted) > LENIENCY;
        if self.told.swap(ahead, Ordering::AcqRel) != ahead {
            let seconds = wall.since(trusted);
            if ahead {
                tracing::warn!(
                    seconds,
                    "the clock was set ahead; nothing is deleted by it for now"
                );
            } else {
                tracing::info!("the clock is believed again");
            }
        }
        ahead
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: UnixTime = UnixTime(1_763_700_000);

    #[test]
    fn a_clock_that_goes_with_the_time_is_believed() {
        let keeper = Timekeeper::new(START, 0);
        for minute in 1..=600 {
            let wall = START.plus(minute * 61);
            assert_eq!(keeper.trusted(wall, minute * 60), wall);
            assert!(!keeper.is_ahead(wall, wall));
        }
    }

    #[test]
    fn a_jump_ahead_is_not_believed_until_it_is_taken_back_or_has_stood_for_a_day() {
        let keeper = Timekeeper::new(START, 0);
        assert_eq!(keeper.trusted(START.plus(7_260), 60), START.plus(60));
        assert!(keeper.is_ahead(START.plus(7_260), START.plus(60)));
        assert_eq!(
            keeper.trusted(START.plus(7_320), 120),
            START.plus(120),
            "and not at the next look"
        );
        assert_eq!(keeper.trusted(START.plus(180), 180), START.plus(180), "set right");
        assert!(!keeper.is_ahead(START.plus(180), START.plus(180)));
        let (slept, day) = (START.plus(10_000), 86_400);
        assert_eq!(keeper.trusted(slept.plus(240), 240), START.plus(240));
        assert_eq!(keeper.trusted(slept.plus(day), day), START.plus(day));
        let wall = slept.plus(240 + day);
        assert_eq!(keeper.trusted(wall, 240 + day), wall, "it has been so for a day");
    }

    #[test]
    fn a_clock_that_is_set_back_is_believed() {
        let keeper = Timekeeper::new(START, 0);
        assert_eq!(keeper.trusted(START.plus(-7_200), 60), START.plus(-7_200));
    }
}
