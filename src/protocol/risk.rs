//! What is unlike before in a sign-in, how much that says, and what is done about it. Facts come in,
//! findings go out; nothing is looked up here.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::{Seconds, UnixTime};
use crate::protocol::authorize::acr::{AcrDemand, Level, Standing, Strictness};

/// What can be unlike before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A browser that this person has not signed in with.
    NewDevice,
    /// A network that this person has not signed in from.
    NewNetwork,
    /// Too far from the sign-in before for the time between.
    ImpossibleTravel,
    /// The right password after many wrong ones.
    FailureBurst,
    /// A refresh token that was used twice.
    RefreshReuse,
}

impl Kind {
    /// The name in settings, metrics and the audit log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NewDevice => "new_device",
            Self::NewNetwork => "new_network",
            Self::ImpossibleTravel => "impossible_travel",
            Self::FailureBurst => "failure_burst",
            Self::RefreshReuse => "refresh_reuse",
        }
    }

    /// What it is to the person, as the end of "somebody signed in with …".
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::NewDevice => "a device that was not used before",
            Self::NewNetwork => "a network that was not used before",
            Self::ImpossibleTravel => "a place too far from the last one",
            Self::FailureBurst => "the right password after many wrong ones",
            Self::RefreshReuse => "a key that was used twice",
        }
    }

    /// How much it says, from 0 (nothing) to 100 (certainly somebody else).
    #[must_use]
    pub fn score(self) -> i64 {
        match self {
            Self::NewNetwork => 20,
            Self::NewDevice => 40,
            Self::FailureBurst => 60,
            Self::ImpossibleTravel => 80,
            Self::RefreshReuse => 90,
        }
    }
}

/// What is done about a kind.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// It is noted in the audit log and counted.
    #[default]
    Ignore,
    /// The person gets a letter, too.
    Notify,
    /// The person has to have signed in with more than one factor.
    StepUp,
    /// Nobody is signed in.
    Refuse,
}

impl Policy {
    /// The name in metrics and the audit log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::Notify => "notify",
            Self::StepUp => "step_up",
            Self::Refuse => "refuse",
        }
    }
}

/// One thing that is unlike before, and what the settings say about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    pub kind: Kind,
    pub policy: Policy,
}

/// A point on the earth, in degrees: north and east are positive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    pub latitude: f64,
    pub longitude: f64,
}

/// A sign-in somewhere.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Visit {
    pub at: UnixTime,
    /// `None` when the place of its address is not known.
    pub place: Option<Place>,
}

/// What is known of a sign-in and of those before it.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    pub device: Familiarity,
    pub network: Familiarity,
    pub here: Visit,
    pub before: Option<Visit>,
    /// Wrong passwords for this account in the hour before.
    pub failures: i64,
    /// From how many on they are a burst.
    pub burst: i64,
}

/// Whether something was there at an earlier sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Familiarity {
    Known,
    New,
    /// Nothing is known yet, so nothing can be unlike it: a first sign-in.
    First,
}

/// Whether somebody has signed in before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    Newcomer,
    /// They have, however long ago.
    Returning,
}

impl History {
    /// From when they last signed in, if they ever have.
    #[must_use]
    pub fn of(last: Option<UnixTime>) -> Self {
        if last.is_some() { Self::Returning } else { Self::Newcomer }
    }

    /// What a thing is to somebody of whom no such thing is known: all they had may have been forgotten
    /// since they were here last, and then this one is not theirs as far as anybody can tell.
    #[must_use]
    pub fn with_nothing_known(self) -> Familiarity {
        match self {
            Self::Newcomer => Familiarity::First,
            Self::Returning => Familiarity::New,
        }
    }
}

/// Everything unlike before, in a fixed order.
#[must_use]
pub fn kinds(facts: &Facts) -> Vec<Kind> {
    let travelled = facts.before.is_some_and(|before| is_too_fast(&before, &facts.here));
    [
        (Kind::NewDevice, facts.device == Familiarity::New),
        (Kind::NewNetwork, facts.network == Familiarity::New),
        (Kind::ImpossibleTravel, travelled),
        (Kind::FailureBurst, facts.failures >= facts.burst),
    ]
    .into_iter()
    .filter_map(|(kind, found)| found.then_some(kind))
    .collect()
}

/// What is done about all of it together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Let in, quietly.
    Admit,
    /// Let in, and tell the person.
    AdmitAndTell,
    /// Not let in.
    Refuse,
}

/// The strictest policy decides. A finding that wants more proof is answered by a sign-in of two
/// factors; one with less is refused, since asking for the same password again proves nothing that
/// was not proved a moment ago.
#[must_use]
pub fn decide(findings: &[Finding], held: Level, reachable: Level) -> Decision {
    match findings.iter().map(|finding| finding.policy).max() {
        None | Some(Policy::Ignore) => Decision::Admit,
        Some(Policy::Notify) => Decision::AdmitAndTell,
        Some(Policy::StepUp) => {
            let demand = AcrDemand {
                strictness: Strictness::Essential,
                levels: vec![Level::Aal2],
                named: true,
            };
            match demand.judge(held, reachable) {
                Standing::Met => Decision::AdmitAndTell,
                Standing::StepUp(_) | Standing::Unmet => Decision::Refuse,
            }
        }
        Some(Policy::Refuse) => Decision::Refuse,
    }
}

/// The network of an address, coarse enough that a new address from the same provider is no new
/// network: the /24 of an IPv4 address, the /48 of an IPv6 address. The text itself if it is no
/// address.
#[must_use]
pub fn network_of(address: &str) -> String {
    match address.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(v4)) => {
            let [a, b, c, _] = v4.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        Ok(IpAddr::V6(v6)) => {
            let [a, b, c, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
        Err(_) => address.to_owned(),
    }
}

/// Faster than this nobody travels, in kilometres an hour.
const FASTEST: f64 = 1_000.0;
/// Two places nearer than this are one: databases of addresses are not exact. In kilometres.
const SAME_PLACE: f64 = 300.0;
/// The earth's mean radius in kilometres.
const RADIUS: f64 = 6_371.0;

/// Whether nobody could have got from one to the other in the time between.
fn is_too_fast(before: &Visit, here: &Visit) -> bool {
    let (Some(from), Some(to)) = (before.place, here.place) else { return false };
    let far = distance(from, to);
    far > SAME_PLACE && far > FASTEST * hours(here.at.since(before.at))
}

/// At least a minute: two sign-ins in one second are not infinitely fast.
fn hours(seconds: Seconds) -> f64 {
    let seconds = i32::try_from(seconds.max(60)).unwrap_or(i32::MAX);
    f64::from(seconds) / 3_600.0
}

/// The great-circle distance in kilometres (haversine).
fn distance(from: Place, to: Place) -> f64 {
    let half_sine = |a: f64, b: f64| ((b - a).to_radians() / 2.0).sin().powi(2);
    let cosines = from.latitude.to_radians().cos() * to.latitude.to_radians().cos();
    let h =
        half_sine(from.latitude, to.latitude) + cosines * half_sine(from.longitude, to.longitude);
    2.0 * RADIUS * h.clamp(0.0, 1.0).sqrt().asin()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BERLIN: Place = Place { latitude: 52.52, longitude: 13.405 };
    const SYDNEY: Place = Place { latitude: -33.87, longitude: 151.21 };
    const POTSDAM: Place = Place { latitude: 52.39, longitude: 13.06 };

    fn visit(at: i64, place: Option<Place>) -> Visit {
        Visit { at: UnixTime(at), place }
    }

    fn facts() -> Facts {
        Facts {
            device: Familiarity::Known,
            network: Familiarity::Known,
            here: visit(0, None),
            before: None,
            failures: 0,
            burst: 5,
        }
    }

    fn finding(policy: Policy) -> Finding {
        Finding { kind: Kind::NewDevice, policy }
    }

    #[test]
    fn what_was_there_before_is_nothing_and_a_first_sign_in_is_unlike_nothing() {
        assert_eq!(kinds(&facts()), []);
        let first = Facts { device: Familiarity::First, network: Familiarity::First, ..facts() };
        assert_eq!(kinds(&first), []);
    }

    #[test]
    fn whoever_was_away_until_all_was_forgotten_is_no_newcomer() {
        let met = History::of(None).with_nothing_known();
        assert_eq!(met, Familiarity::First);
        let met = History::of(Some(UnixTime(1))).with_nothing_known();
        assert_eq!(met, Familiarity::New);
        let found = kinds(&Facts { device: met, network: met, ..facts() });
        assert_eq!(found, [Kind::NewDevice, Kind::NewNetwork]);
    }

    #[test]
    fn everything_unlike_before_is_found_at_once() {
        let all = Facts {
            device: Familiarity::New,
            network: Familiarity::New,
            here: visit(3_600, Some(SYDNEY)),
            before: Some(visit(0, Some(BERLIN))),
            failures: 5,
            burst: 5,
        };
        let found = kinds(&all);
        let expected =
            [Kind::NewDevice, Kind::NewNetwork, Kind::ImpossibleTravel, Kind::FailureBurst];
        assert_eq!(found, expected);
        assert_eq!(kinds(&Facts { failures: 4, ..all }).len(), 3);
    }

    #[test]
    fn travel_is_impossible_only_when_no_plane_is_that_fast() {
        let travel = |from, to, seconds| {
            let before = Some(visit(0, from));
            let found = kinds(&Facts { before, here: visit(seconds, to), ..facts() });
            found == [Kind::ImpossibleTravel]
        };
        assert!(travel(Some(BERLIN), Some(SYDNEY), 10 * 3_600));
        assert!(!travel(Some(BERLIN), Some(SYDNEY), 20 * 3_600));
        assert!(!travel(Some(BERLIN), Some(POTSDAM), 1), "a database is not that exact");
        assert!(travel(Some(BERLIN), Some(SYDNEY), -5), "clocks of two nodes differ");
        assert!(!travel(None, Some(SYDNEY), 1) && !travel(Some(BERLIN), None, 1));
        assert!((distance(BERLIN, SYDNEY) - 16_090.0).abs() < 60.0, "{}", distance(BERLIN, SYDNEY));
        let across = Place { latitude: 0.0, longitude: 179.9 };
        let date_line = Place { latitude: 0.0, longitude: -179.9 };
        assert!(distance(across, date_line) < 30.0, "the short way round");
    }

    #[test]
    fn the_strictest_policy_decides() {
        let judge = |policies: &[Policy]| {
            let findings: Vec<_> = policies.iter().copied().map(finding).collect();
            decide(&findings, Level::Aal1, Level::Aal1)
        };
        assert_eq!(judge(&[]), Decision::Admit);
        assert_eq!(judge(&[Policy::Ignore]), Decision::Admit);
        assert_eq!(judge(&[Policy::Ignore, Policy::Notify]), Decision::AdmitAndTell);
        assert_eq!(judge(&[Policy::Refuse, Policy::Notify]), Decision::Refuse);
    }

    #[test]
    fn more_proof_is_two_factors_and_nothing_less() {
        let step_up = [finding(Policy::StepUp), finding(Policy::Ignore)];
        assert_eq!(decide(&step_up, Level::Aal1, Level::Aal1), Decision::Refuse);
        assert_eq!(decide(&step_up, Level::Aal1, Level::Aal2), Decision::Refuse);
        assert_eq!(decide(&step_up, Level::Aal2, Level::Aal2), Decision::AdmitAndTell);
    }

    #[test]
    fn a_network_is_coarser_than_an_address() {
        assert_eq!(network_of("192.0.2.77"), "192.0.2.0/24");
        assert_eq!(network_of("::ffff:192.0.2.77"), "192.0.2.0/24");
        assert_eq!(network_of("2001:db8:1:2::9"), "2001:db8:1::/48");
        assert_eq!(network_of("unknown"), "unknown");
    }
}
