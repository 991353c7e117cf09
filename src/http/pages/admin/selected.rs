//! What became of a change for several people, when it did not work for all of them.

use askama::Template;

use super::{Console, Section};
use crate::http::pages::chrome::Chrome;
use crate::http::pages::filters;
use crate::http::pages::sample::words;
use crate::http::pages::views::Tone;

/// The answer to POST `/admin/users/selected` that has somebody to tell of.
#[derive(Debug, Template)]
#[template(path = "admin/selected.html")]
pub struct SelectedOutcome {
    pub chrome: Chrome,
    pub console: Console,
    /// What was done, with how many.
    pub report: String,
    pub tone: Tone,
    /// Each with the reason why it was not done.
    pub failed: Vec<String>,
    /// Path of the list they were chosen in, with the issuer's path.
    pub back: String,
}

impl SelectedOutcome {
    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::People),
            report: words("2 people are disabled and signed out everywhere."),
            tone: Tone::Done,
            failed: vec![words("Ada Lovelace (is the last owner)"), words("grace (this is you)")],
            back: words("/admin/users?q=a"),
        }
    }
}
