//! An address below `/admin` that is nothing, or about somebody or something that is not there.

use askama::Template;

use super::{Console, Section};
use crate::http::pages::chrome::Chrome;
use crate::http::pages::filters;

/// Leads back to the section in whose path the address lies.
#[derive(Debug, Template)]
#[template(path = "admin/missing.html")]
pub struct Missing {
    pub chrome: Chrome,
    pub console: Console,
}

impl Missing {
    #[must_use]
    pub fn sample() -> Self {
        Self { chrome: Chrome::sample(), console: Console::sample(Section::Apps) }
    }
}
