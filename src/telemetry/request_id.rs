//! Request ids: one text that joins an error page, its log lines and its audit events.

use crate::clock::UnixTime;

/// The header a request id travels in, both ways.
pub const HEADER: &str = "x-request-id";

/// The id of a request: the one that a trusted proxy gave it (`inbound`), if that is 8 to 64 characters of
/// `A-Z a-z 0-9 . _ -`, else a fresh one. Anything else could forge log lines or fill the disk.
pub fn request_id(
    inbound: Option<&str>,
    now: UnixTime,
    new: impl FnOnce(UnixTime) -> String,
) -> String {
    match inbound.filter(|id| is_acceptable(id)) {
        Some(id) => id.to_owned(),
        None => new(now),
    }
}

fn is_acceptable(id: &str) -> bool {
    (8..=64).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_for(inbound: Option<&str>) -> String {
        request_id(inbound, UnixTime(7), |now| format!("fresh-{}", now.0))
    }

    #[test]
    fn a_well_formed_id_of_the_proxy_is_kept() {
        let longest = "a".repeat(64);
        for id in ["abcd1234", "0191f0c2-7d1b-7000-8000-000000000001", "a.b_c-D9", &longest] {
            assert_eq!(id_for(Some(id)), id);
        }
    }

    #[test]
    fn a_missing_short_long_or_strange_id_is_replaced() {
        let long = "a".repeat(65);
        for id in ["", "short", "with space", "line\nbreak", "<script>", "schlüssel", &long] {
            assert_eq!(id_for(Some(id)), "fresh-7", "{id:?}");
        }
        assert_eq!(id_for(None), "fresh-7");
    }
}
