//! `scope` (RFC 6749 section 3.3): `scope-token *( SP scope-token )`,
//! `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )`.

use std::collections::BTreeSet;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// Longer texts are refused unread.
const MAX_LEN: usize = 4096;
/// More tokens than any honest text has.
const MAX_TOKENS: usize = 256;

/// A set of scope tokens in the order first seen, without duplicates.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct Scopes(Vec<String>);

/// A list, as it is stored, or the text of RFC 7591 section 2, as files and requests have it.
impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Text(String),
            List(Vec<String>),
        }
        match Form::deserialize(deserializer)? {
            Form::List(list) => Ok(Self(list)),
            Form::Text(text) => Self::parse(&text).ok_or_else(|| {
                D::Error::custom("a scope has a character that is not allowed, or too many values")
            }),
        }
    }
}

impl Scopes {
    /// The scopes Doorward itself gives a meaning, as discovery lists them.
    pub const STANDARD: [&'static str; 8] =
        ["openid", "profile", "email", "phone", "address", "groups", "org", "offline_access"];

    /// Parses the parameter; `None` when a character is outside the grammar, or when there are more
    /// than 256 different tokens or 4,096 bytes. Runs of spaces are tolerated since many clients send
    /// them; nothing else is.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_LEN {
            return None;
        }
        let (mut tokens, mut known) = (Vec::new(), BTreeSet::new());
        for token in text.split(' ').filter(|t| !t.is_empty()) {
            if !token.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5B | 0x5D..=0x7E)) {
                return None;
            }
            if known.insert(token) {
                if tokens.len() == MAX_TOKENS {
                    return None;
                }
                tokens.push(token.to_owned());
            }
        }
        Some(Self(tokens))
    }

    /// A set from tokens known to be well formed.
    pub fn from_tokens<'a>(tokens: impl IntoIterator<Item = &'a str>) -> Self {
        let mut set = Self::default();
        for token in tokens {
            if !set.contains(token) {
                set.0.push(token.to_owned());
            }
        }
        set
    }

    /// Whether this exact token is in the set.
    #[must_use]
    pub fn contains(&self, token: &str) -> bool {
        self.0.iter().any(|t| t == token)
    }

    /// Whether every token of `other` is in this set.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        other.0.iter().all(|t| self.contains(t))
    }

    /// The tokens that are in both sets, in this set's order.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.iter().filter(|t| other.contains(t)).cloned().collect())
    }

    /// The tokens of either set, this set's first.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self::from_tokens(self.iter().chain(other.iter()))
    }

    /// The tokens, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether there is no token at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Display for Scopes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_keeps_its_order_and_drops_repeats() {
        let scopes = Scopes::parse("openid  email openid").unwrap();
        assert_eq!(scopes.to_string(), "openid email");
    }

    #[test]
    fn quotes_backslashes_and_non_ascii_are_refused() {
        for bad in ["open\"id", "a\\b", "öpenid", "a\tb", "a\u{0}"] {
            assert!(Scopes::parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn a_text_beyond_every_honest_size_is_refused_unread() {
        let tokens = |n: usize| (0..n).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
        assert_eq!(Scopes::parse(&tokens(256)).unwrap().iter().count(), 256);
        assert!(Scopes::parse(&tokens(257)).is_none());
        assert!(Scopes::parse(&vec!["openid"; 500].join(" ")).is_some(), "repeats count once");
        assert!(Scopes::parse(&"x".repeat(4_097)).is_none());
    }

    #[test]
    fn covers_and_intersection_agree() {
        let wide = Scopes::parse("openid profile email").unwrap();
        let narrow = Scopes::parse("email openid").unwrap();
        assert!(wide.covers(&narrow));
        assert!(!narrow.covers(&wide));
        assert_eq!(wide.intersection(&narrow).to_string(), "openid email");
    }
}
