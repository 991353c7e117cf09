//! The `device_code` grant (RFC 8628 sections 3.4 and 3.5): the device asks again and again until
//! the person has answered.

use serde::{Deserialize, Serialize};

use crate::clock::{Seconds, UnixTime};
use crate::protocol::client::Client;
use crate::protocol::device::{Approval, DeviceRecord, DeviceState};
use crate::protocol::error::{ErrorCode, OAuthError};

/// What is added to the interval each time a device asks too soon (RFC 8628 section 3.5).
const SLOWER_BY: Seconds = 5;
/// An interval grows no further than this.
const SLOWEST: Seconds = 60;
/// Clocks here count whole seconds, so an interval of five may look like four.
const LENIENCY: Seconds = 1;

/// What a device's record means for the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing<'a> {
    Pending,
    Allowed(&'a Approval),
    Denied,
    /// Whatever the answer was, it is too late for it.
    Expired,
}

/// Decides. Passing spends nothing.
///
/// # Errors
/// `invalid_grant` for a client that the code was not made for.
pub fn standing<'a>(
    record: &'a DeviceRecord,
    client: &Client,
    now: UnixTime,
) -> Result<Standing<'a>, OAuthError> {
    if record.client_id != client.id {
        return Err(
            unknown().because(format!("code of {} presented by {}", record.client_id, client.id))
        );
    }
    if !client.is_still(record.client_since) {
        return Err(unknown().because("code of an earlier client with this id"));
    }
    if !client.is_of_version(record.client_version) {
        return Err(unknown().because("everything of the client has been ended since"));
    }
    if now >= record.expires_at {
        return Ok(Standing::Expired);
    }
    Ok(match &record.state {
        DeviceState::Pending => Standing::Pending,
        DeviceState::Allowed(approval) => Standing::Allowed(approval),
        DeviceState::Denied => Standing::Denied,
    })
}

/// How often a device has asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    pub last: UnixTime,
    pub interval: Seconds,
}

impl Pace {
    /// The first time.
    #[must_use]
    pub fn first(now: UnixTime, interval: Seconds) -> Self {
        Self { last: now, interval }
    }

    /// Asking once more: the pace from here on, and what the device is told while nobody has
    /// answered.
    #[must_use]
    pub fn again(&self, now: UnixTime) -> (Self, OAuthError) {
        if now.since(self.last) + LENIENCY >= self.interval {
            return (Self { last: now, interval: self.interval }, pending());
        }
        let interval = (self.interval + SLOWER_BY).min(SLOWEST.max(self.interval));
        (Self { last: now, interval }, slow_down())
    }
}

/// Nobody has answered yet.
#[must_use]
pub fn pending() -> OAuthError {
    OAuthError::new(ErrorCode::AuthorizationPending, "The person has not answered yet.")
}

/// The device asks too often.
#[must_use]
pub fn slow_down() -> OAuthError {
    OAuthError::new(ErrorCode::SlowDown, "Wait five seconds longer between two requests.")
}

/// The person said no.
#[must_use]
pub fn denied() -> OAuthError {
    OAuthError::new(ErrorCode::AccessDenied, "The person did not allow the request.")
}

/// Nobody answered in time.
#[must_use]
pub fn expired() -> OAuthError {
    OAuthError::new(ErrorCode::ExpiredToken, "The device code has expired; ask for another.")
}

/// No such code, or one that is spent.
#[must_use]
pub fn unknown() -> OAuthError {
    OAuthError::invalid_grant("The device code is unknown or spent.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::client::tests::client;
    use crate::protocol::device::tests::approval;
    use crate::protocol::device::tests::record;
    use crate::protocol::types::ClientId;

    #[test]
    fn a_device_code_of_another_client_is_refused_whatever_became_of_it() {
        let mut other = client();
        other.id = ClientId::new("evil");
        for now in [1, 10_000] {
            let error = standing(&record(), &other, UnixTime(now)).unwrap_err();
            assert_eq!(error.code.as_str(), "invalid_grant");
        }
    }

    #[test]
    fn the_answer_is_told_until_the_code_expires() {
        let allowed = record().allow(approval(), UnixTime(1)).unwrap();
        let denied = record().deny(UnixTime(1)).unwrap();
        let at = |record: &DeviceRecord, now| {
            format!("{:?}", standing(record, &client(), UnixTime(now)).unwrap())
        };
        assert_eq!(at(&record(), 599), "Pending");
        assert!(at(&allowed, 599).starts_with("Allowed"));
        assert_eq!(at(&denied, 599), "Denied");
        for record in [record(), allowed, denied] {
            assert_eq!(at(&record, 600), "Expired");
        }
    }

    #[test]
    fn whoever_asks_too_soon_is_slowed_down_further_every_time() {
        let pace = Pace::first(UnixTime(100), 5);
        let (pace, told) = pace.again(UnixTime(104));
        assert_eq!((pace.interval, told.code), (5, ErrorCode::AuthorizationPending));
        let (pace, told) = pace.again(UnixTime(106));
        assert_eq!((pace.interval, told.code), (10, ErrorCode::SlowDown));
        let (pace, told) = pace.again(UnixTime(112));
        assert_eq!((pace.interval, told.code), (15, ErrorCode::SlowDown));
        let (mut pace, told) = pace.again(UnixTime(127));
        assert_eq!((pace.interval, told.code), (15, ErrorCode::AuthorizationPending));
        for _ in 0..50 {
            pace = pace.again(UnixTime(127)).0;
        }
        assert_eq!(pace.interval, SLOWEST);
    }
}
