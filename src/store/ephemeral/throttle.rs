//! Slowing down whoever guesses: the first failures are free, then each one blocks for twice as
//! long as the one before. Counters are shared by all nodes and clear themselves; nobody is ever
//! locked out for good. What is counted here is counted afterwards: see [`super::attempts`] for what
//! must not be tried too often at once, either.

use super::Ephemeral;
use crate::clock::{Seconds, UnixTime};
use crate::store::error::StoreError;

/// For how long failures are counted from the first one on.
pub const WINDOW: Seconds = 3600;

/// How patient to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThrottleRule {
    /// Failures per hour that block nothing.
    pub free: i64,
    /// The longest block, in seconds, until the hourly cap is reached.
    pub cap_seconds: Seconds,
    /// Failures per hour after which everything is blocked for an hour.
    pub hourly_cap: i64,
}

impl ThrottleRule {
    /// For one account.
    pub const ACCOUNT: Self = Self { free: 5, cap_seconds: 900, hourly_cap: 100 };
    /// For one network address, behind which many people may sit.
    pub const ADDRESS: Self = Self { free: 30, cap_seconds: 900, hourly_cap: 300 };

    /// For how many seconds the `n`-th failure of an hour blocks; 0 for a free one.
    pub fn block_seconds(&self, n: i64) -> Seconds {
        if n >= self.hourly_cap {
            return WINDOW;
        }
        match u32::try_from(n.saturating_sub(self.free)) {
            Err(_) | Ok(0) => 0,
            Ok(over) => 2_i64.checked_pow(over).unwrap_or(i64::MAX).min(self.cap_seconds),
        }
    }
}

/// What a failure led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Penalty {
    /// Failures in the present hour, this one included.
    pub failures: i64,
    /// Until when the key is blocked by it; `None` when it was free.
    pub blocked_until: Option<UnixTime>,
}

/// Counts a failure. `key` names what is guarded, such as `account:<hash>`; it is kept as it is, so
/// hash what is personal or long.
pub async fn register_failure(
    ephemeral: &Ephemeral,
    rule: &ThrottleRule,
    key: &str,
    now: UnixTime,
) -> Result<Penalty, StoreError> {
    let failures = ephemeral.increment(&count_key(key), WINDOW).await?;
    let seconds = rule.block_seconds(failures);
    if seconds == 0 {
        return Ok(Penalty { failures, blocked_until: None });
    }
    let until = now.plus(seconds);
    ephemeral.put(&until_key(key), &until.0.to_string(), seconds).await?;
    Ok(Penalty { failures, blocked_until: Some(until) })
}

/// The latest moment until which any of these keys is blocked, in one trip. It may lie in the past:
/// compare it with now.
pub async fn blocked_until(
    ephemeral: &Ephemeral,
    keys: &[String],
) -> Result<Option<UnixTime>, StoreError> {
    let keys: Vec<String> = keys.iter().map(|key| until_key(key)).collect();
    let found = ephemeral.get_many(&keys).await?;
    Ok(found.into_iter().flatten().filter_map(|text| text.parse().ok()).map(UnixTime).max())
}

fn count_key(key: &str) -> String {
    format!("throttle-count:{key}")
}

fn until_key(key: &str) -> String {
    format!("throttle-until:{key}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_are_free_and_then_blocks_double_up_to_fifteen_minutes() {
        let blocks: Vec<_> = (1..=17).map(|n| ThrottleRule::ACCOUNT.block_seconds(n)).collect();
        assert_eq!(blocks, [0, 0, 0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
    }

    #[test]
    fn the_hourly_cap_blocks_for_an_hour() {
        assert_eq!(ThrottleRule::ACCOUNT.block_seconds(99), 900);
        assert_eq!(ThrottleRule::ACCOUNT.block_seconds(100), 3600);
        assert_eq!(ThrottleRule::ACCOUNT.block_seconds(i64::MAX), 3600);
    }

    #[test]
    fn an_address_has_more_patience() {
        assert_eq!(ThrottleRule::ADDRESS.block_seconds(30), 0);
        assert_eq!(ThrottleRule::ADDRESS.block_seconds(31), 2);
    }
}
