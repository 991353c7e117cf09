//! The only place that reads the wall clock. Everything else takes [`UnixTime`] as an argument, so
//! that every rule about time can be tested by moving a [`Clock::Manual`].

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A length of time in whole seconds. Signed, so that subtraction needs no special case.
pub type Seconds = i64;

/// Seconds since 1970-01-01T00:00:00Z: the `NumericDate` of RFC 7519 section 2.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
#[derive(schemars::JsonSchema)]
pub struct UnixTime(pub i64);

impl UnixTime {
    /// This moment moved by `seconds`; saturates instead of wrapping.
    #[must_use]
    pub fn plus(self, seconds: Seconds) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// How many seconds passed from `earlier` to this moment; negative if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Seconds {
        self.0.saturating_sub(earlier.0)
    }

    /// RFC 3339 in UTC, for people and REST (`2026-11-21T04:36:00Z`).
    #[must_use]
    pub fn rfc3339(self) -> String {
        time::OffsetDateTime::from_unix_timestamp(self.0)
            .ok()
            .and_then(|t| t.format(&time::format_description::well_known::Rfc3339).ok())
            .unwrap_or_else(|| self.0.to_string())
    }

    /// Reads RFC 3339. Without a zone it is UTC, without a time the day's beginning.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        use time::format_description::well_known::Rfc3339;
        let text = match text.len() {
            10 => format!("{text}T00:00:00Z"),
            16 => format!("{text}:00Z"),
            19 => format!("{text}Z"),
            _ => text.to_owned(),
        };
        let moment = time::OffsetDateTime::parse(&text, &Rfc3339).ok()?;
        Some(Self(moment.unix_timestamp()))
    }

    /// Reads the date of an HTTP header (RFC 9110 section 5.6.7), in the one form that is still written:
    /// `Sun, 06 Nov 1994 08:49:37 GMT`.
    #[must_use]
    pub fn parse_http(text: &str) -> Option<Self> {
        use time::format_description::well_known::Rfc2822;
        let moment = time::OffsetDateTime::parse(text.trim(), &Rfc2822).ok()?;
        Some(Self(moment.unix_timestamp()))
    }
}

/// Where "now" comes from.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// A clock that tests move by hand.
    Manual(Arc<Hands>),
}

/// What a manual clock shows.
#[derive(Debug, Default)]
pub struct Hands {
    wall: AtomicI64,
    passed: AtomicI64,
}

/// Where [`Clock::passed`] begins for the machine's clock.
static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Clock {
    /// A clock that stands at `start` until [`Clock::advance`] moves it.
    #[must_use]
    pub fn manual(start: UnixTime) -> Self {
        Self::Manual(Arc::new(Hands { wall: AtomicI64::new(start.0), passed: AtomicI64::new(0) }))
    }

    /// The present moment.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    pub fn now(&self) -> UnixTime {
        match self {
            Self::System => {
                let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                UnixTime(i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX))
            }
            Self::Manual(hands) => UnixTime(hands.wall.load(Ordering::SeqCst)),
        }
    }

    /// Seconds by a clock that nobody can set. Only the difference of two means anything: how much
    /// time has really passed between them, but for the time that the machine slept.
    #[must_use]
    pub fn passed(&self) -> Seconds {
        match self {
            Self::System => {
                Seconds::try_from(BEGINNING.elapsed().as_secs()).unwrap_or(Seconds::MAX)
            }
            Self::Manual(hands) => hands.passed.load(Ordering::SeqCst),
        }
    }

    /// Lets time pass for a manual clock; does nothing to the system clock.
    pub fn advance(&self, seconds: Seconds) {
        if let Self::Manual(hands) = self {
            hands.passed.fetch_add(seconds, Ordering::SeqCst);
        }
        self.set_by(seconds);
    }

    /// Sets a manual clock ahead or back without any time passing; does nothing to the system clock.
    pub fn set_by(&self, seconds: Seconds) {
        if let Self::Manual(hands) = self {
            hands.wall.fetch_add(seconds, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_stands_still_until_moved() {
        let clock = Clock::manual(UnixTime(100));
        assert_eq!(clock.now(), UnixTime(100));
        clock.advance(5);
        assert_eq!((clock.now(), clock.passed()), (UnixTime(105), 5));
        clock.set_by(-3);
        assert_eq!((clock.now(), clock.passed()), (UnixTime(102), 5));
    }

    #[test]
    fn times_are_read_with_and_without_zone_and_time() {
        let noon = Some(UnixTime(1_763_726_400));
        for text in ["2025-11-21T12:00:00Z", "2025-11-21T13:00:00+01:00", "2025-11-21T12:00:00"] {
            assert_eq!(UnixTime::parse(text), noon, "{text}");
        }
        assert_eq!(UnixTime::parse("2025-11-21T12:00"), noon);
        assert_eq!(UnixTime::parse("2025-11-21"), Some(UnixTime(1_763_683_200)));
        for text in ["", "yesterday", "2025-13-21", "2025-11-21T25:00", "äääää"] {
            assert_eq!(UnixTime::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_date_of_an_http_header_is_read() {
        assert_eq!(
            UnixTime::parse_http("Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(UnixTime(784_111_777))
        );
        assert_eq!(UnixTime::parse_http("yesterday"), None);
    }

    #[test]
    fn times_are_written_as_rfc_3339_in_utc() {
        assert_eq!(UnixTime(0).rfc3339(), "1970-01-01T00:00:00Z");
    }
}
