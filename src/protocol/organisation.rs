//! For which organisation somebody acts: the claims `org_id` and `org_name`, which the scope `org` gives.

use super::types::OrganisationId;

/// The scope by which an app asks for the claims.
pub const SCOPE: &str = "org";

/// The organisation somebody acts for, and is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveOrganisation {
    pub id: OrganisationId,
    /// What people call it.
    pub name: String,
}

/// Whether this can be the name of an organisation: 1 to 60 of a-z, 0-9 and hyphens, with a letter or digit
/// at both ends.
#[must_use]
pub fn is_handle(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = name.as_bytes();
    (1..=60).contains(&bytes.len())
        && bytes.iter().all(|b| plain(*b) || *b == b'-')
        && bytes.first().is_some_and(|b| plain(*b))
        && bytes.last().is_some_and(|b| plain(*b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_plain_and_short() {
        for good in ["a", "acme", "acme-2", "0", &"a".repeat(60)] {
            assert!(is_handle(good), "{good}");
        }
        for bad in ["", "-a", "a-", "Acme", "a b", "a/b", "..", "\u{e4}", &"a".repeat(61)] {
            assert!(!is_handle(bad), "{bad}");
        }
    }
}
