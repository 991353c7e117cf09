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

/// Whether this can be the id of one; what cannot is not looked for.
#[must_use]
pub fn is_id(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
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

    #[test]
    fn an_id_is_looked_for_if_it_looks_like_one() {
        assert!(is_id("7d1c0f0e-8a53-4a52-b7f6-0d6b8f1d2a34"));
        for bad in ["", "a b", "\0", "'", &"a".repeat(65)] {
            assert!(!is_id(bad), "{bad}");
        }
    }
}
