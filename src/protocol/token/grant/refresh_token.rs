//! The `refresh_token` grant (RFC 6749 section 6) with rotation and reuse detection (RFC 9700
//! section 4.14.2) that survives honest races: within a short grace the previous token gets the
//! same successor again.

use crate::clock::{Seconds, UnixTime};

/// What a family remembers about its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FamilyFacts<'a> {
    pub current_hash: &'a str,
    pub previous_hash: Option<&'a str>,
    pub rotated_at: Option<UnixTime>,
    pub idle_expires_at: UnixTime,
    pub expires_at: UnixTime,
}

/// What a presented token is to its family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The live token: rotate.
    Current,
    /// The token rotated away a moment ago: answer with the same successor.
    JustRotated,
    /// Anything older: somebody has a copy.
    Reused,
    /// The family ended by itself.
    Expired,
}

/// Decides. `presented_hash` is of a token that this provider is known to have made for this
/// family, so anything that is not the current or previous token is an older one.
#[must_use]
pub fn standing(
    facts: &FamilyFacts<'_>,
    presented_hash: &str,
    now: UnixTime,
    grace: Seconds,
) -> Standing {
    let current = facts.current_hash == presented_hash;
    let previous = facts.previous_hash == Some(presented_hash);
    if !current && !previous {
        return Standing::Reused;
    }
    if now >= facts.expires_at || now >= facts.idle_expires_at {
        return Standing::Expired;
    }
    let in_grace = facts.rotated_at.is_some_and(|at| grace > 0 && now.since(at) <= grace);
    match (current, in_grace) {
        (true, _) => Standing::Current,
        (false, true) => Standing::JustRotated,
        (false, false) => Standing::Reused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: FamilyFacts<'static> = FamilyFacts {
        current_hash: "new",
        previous_hash: Some("old"),
        rotated_at: Some(UnixTime(100)),
        idle_expires_at: UnixTime(1_000),
        expires_at: UnixTime(2_000),
    };

    #[test]
    fn the_previous_token_is_forgiven_within_the_grace_only() {
        assert_eq!(standing(&FACTS, "old", UnixTime(110), 10), Standing::JustRotated);
        assert_eq!(standing(&FACTS, "old", UnixTime(111), 10), Standing::Reused);
        assert_eq!(standing(&FACTS, "old", UnixTime(100), 0), Standing::Reused);
    }

    #[test]
    fn anything_older_is_reuse_even_after_expiry() {
        assert_eq!(standing(&FACTS, "ancient", UnixTime(100), 10), Standing::Reused);
        assert_eq!(standing(&FACTS, "ancient", UnixTime(5_000), 10), Standing::Reused);
    }

    #[test]
    fn idle_and_absolute_limits_end_a_family() {
        assert_eq!(standing(&FACTS, "new", UnixTime(999), 10), Standing::Current);
        assert_eq!(standing(&FACTS, "new", UnixTime(1_000), 10), Standing::Expired);
    }
}
