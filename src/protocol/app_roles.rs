//! Roles in apps: what somebody may be in one app, by themselves or by a group. A name means something
//! to that app alone, so no app is told those of another.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::types::ClientId;

/// Most roles of one app. With [`LONGEST_NAME`] it keeps what a token says of them below 2 KB: all of
/// them are in it, since a part could be mistaken for the whole.
pub const MOST_ROLES: usize = 40;

/// Most characters of a role's name.
pub const LONGEST_NAME: usize = 40;

/// The roles of somebody in every app.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AppRoles(BTreeMap<ClientId, BTreeSet<String>>);

impl AppRoles {
    /// Their names in one app, sorted; the `roles` claim (RFC 9068 section 2.2.3.1).
    #[must_use]
    pub fn in_app(&self, client: &ClientId) -> Vec<String> {
        self.0.get(client).into_iter().flatten().cloned().collect()
    }

    /// Every app with the names there.
    pub fn iter(&self) -> impl Iterator<Item = (&ClientId, &BTreeSet<String>)> {
        self.0.iter()
    }
}

impl FromIterator<(ClientId, String)> for AppRoles {
    fn from_iter<T: IntoIterator<Item = (ClientId, String)>>(pairs: T) -> Self {
        let mut all = Self::default();
        for (client, role) in pairs {
            all.0.entry(client).or_default().insert(role);
        }
        all
    }
}

/// Whether a text can be the name of a role: 1 to [`LONGEST_NAME`] ASCII letters, digits and signs that
/// need no quotes in a list, a header or an address.
#[must_use]
pub fn is_role_name(text: &str) -> bool {
    let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':' | b'/');
    (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_hears_of_its_own_roles_alone_and_of_each_once() {
        let pair = |app: &str, role: &str| (ClientId::new(app), role.to_owned());
        let pairs = [pair("wiki", "writer"), pair("shop", "owner"), pair("wiki", "admin")];
        let roles: AppRoles = pairs.into_iter().chain([pair("wiki", "writer")]).collect();
        assert_eq!(roles.in_app(&ClientId::new("wiki")), ["admin", "writer"]);
        assert_eq!(roles.in_app(&ClientId::new("shop")), ["owner"]);
        assert!(roles.in_app(&ClientId::new("WIKI")).is_empty());
        assert_eq!(roles.iter().count(), 2);
    }

    #[test]
    fn a_name_needs_no_quotes_anywhere() {
        for good in ["a", "wiki:edit", "team/lead", "A-1_b.c", &"x".repeat(LONGEST_NAME)] {
            assert!(is_role_name(good), "{good}");
        }
        for bad in ["", " ", "a b", "a,b", "ä", "a\"b", "a\nb", "a%b", &"x".repeat(41)] {
            assert!(!is_role_name(bad), "{bad:?}");
        }
    }
}
