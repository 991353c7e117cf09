//! The page at the root of the issuer: what this is, and the way in.

use askama::Template;

use super::chrome::Chrome;
use super::filters;
use super::sample::words;

/// `GET /`.
#[derive(Debug, Template)]
#[template(path = "home.html")]
pub struct Home {
    pub chrome: Chrome,
    /// The name of the person who is signed in.
    pub account: Option<String>,
}

impl Home {
    #[must_use]
    pub fn sample() -> Self {
        Self { chrome: Chrome::sample(), account: Some(words("Ada Lovelace")) }
    }
}
