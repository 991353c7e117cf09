//! The keys: those that sign tokens, and those that others encrypt with.

use askama::Template;

use super::{Console, Section};
use crate::http::pages::chrome::Chrome;
use crate::http::pages::filters;
use crate::http::pages::sample::words;
use crate::http::pages::views::When;

/// `GET /admin/keys`. Forms: POST `/admin/keys/rotate` with `alg`; the link to retire a key is
/// `GET /admin/keys/retire?kid=…`, that to its public half `GET /admin/keys/public?kid=…`. The
/// [`super::confirm::Confirm`] of the first posts `kid` to the same path.
#[derive(Debug, Template)]
#[template(path = "admin/keys.html")]
pub struct KeysList {
    pub chrome: Chrome,
    pub console: Console,
    pub rows: Vec<KeyRow>,
    /// The algorithms that can be rotated.
    pub algs: Vec<String>,
}

/// One key.
#[derive(Debug, Clone)]
pub struct KeyRow {
    pub kid: String,
    pub alg: String,
    pub purpose: KeyPurpose,
    pub state: KeyStage,
    pub created: When,
    /// What comes next for it by itself, and when: an active key is replaced, one on the way out removed.
    pub then: Option<(&'static str, When)>,
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPurpose {
    Signing,
    /// Others encrypt with it what only we can read.
    Encryption,
}

impl KeyPurpose {
    fn label(self) -> &'static str {
        match self {
            Self::Signing => "Signs",
            Self::Encryption => "Decrypts",
        }
    }
}

/// Where a key is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyStage {
    /// Published, not signing yet.
    Next,
    /// Signing.
    Active,
    /// Kept so that older tokens can be checked, or what was encrypted with it can be read.
    Retiring,
    /// No longer published; recognizes older ID tokens when an app signs somebody out.
    Retired,
}

impl KeyStage {
    fn label(self) -> &'static str {
        match self {
            Self::Next => "Next",
            Self::Active => "Active",
            Self::Retiring => "Retiring",
            Self::Retired => "Retired",
        }
    }
}

impl KeysList {
    #[must_use]
    pub fn sample() -> Self {
        let key = |kid: &str, alg: &str, state, age: i64| KeyRow {
            kid: words(kid),
            alg: words(alg),
            purpose: KeyPurpose::Signing,
            state,
            created: When::sample(age),
            then: match state {
                KeyStage::Retiring => Some(("Removed", When::sample(-90_000))),
                KeyStage::Active => Some(("Replaced", When::sample(-900_000))),
                KeyStage::Next | KeyStage::Retired => None,
            },
        };
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Keys),
            rows: vec![
                key("nXb3Q0Zk5tYzr1l8CqJmW7o2p4sVhKdEfGuTaBiLyRw", "RS256", KeyStage::Next, 3_600),
                key(
                    "Zt9Yp2mKcVx7LqWnB4sHdR0fGjUoEa1iT6yCzQk3XvM",
                    "RS256",
                    KeyStage::Active,
                    260_000,
                ),
                key(
                    "aP4sVhKdEfGuTaBiLyRwnXb3Q0Zk5tYzr1l8CqJmW7o",
                    "RS256",
                    KeyStage::Retiring,
                    900_000,
                ),
                key(
                    "qWnB4sHdR0fGjUoEa1iT6yCzQk3XvMZt9Yp2mKcVx7L",
                    "ES256",
                    KeyStage::Active,
                    260_000,
                ),
                KeyRow {
                    purpose: KeyPurpose::Encryption,
                    ..key(
                        "R0fGjUoEa1iT6yCzQk3XvMZt9Yp2mKcVx7LqWnB4sHd",
                        "RSA-OAEP-256",
                        KeyStage::Active,
                        260_000,
                    )
                },
            ],
            algs: ["RS256", "ES256", "EdDSA", "RSA-OAEP-256"].map(words).to_vec(),
        }
    }
}
