//! The question before something is deleted that many people would miss: its name has to be typed. A page of
//! its own, never a dialog.

use askama::Template;

use super::{Console, Section};
use crate::http::pages::chrome::Chrome;
use crate::http::pages::filters;
use crate::http::pages::sample::words;
use crate::http::pages::views::{FieldError, error_of};

/// `GET …/delete`. Form `delete`: POST there with `name`, which has to be typed.
#[derive(Debug, Template)]
#[template(path = "admin/delete_named.html")]
pub struct DeleteNamed {
    pub chrome: Chrome,
    pub console: Console,
    /// What it is called in the heading.
    pub named: String,
    /// What will happen, in whole sentences.
    pub effects: Vec<String>,
    /// What to do in place of it, if there is anything.
    pub instead: Option<&'static str>,
    /// What is to be typed.
    pub word: String,
    /// Path of the page it is about, with the issuer's path; the form posts below it.
    pub path: String,
    pub typed: String,
    /// Fields: `name`.
    pub errors: Vec<FieldError>,
}

impl DeleteNamed {
    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Organisations),
            named: words("The Orchard & Sons"),
            effects: vec![
                words("People in it: 12. Their accounts stay."),
                words("What apps were given for it ends at once."),
            ],
            instead: Some("To keep it for later, disable it instead."),
            word: words("orchard"),
            path: words("/admin/organisations/0199a1d2"),
            typed: String::new(),
            errors: Vec::new(),
        }
    }

    /// Something else was typed.
    #[must_use]
    pub fn sample_wrong() -> Self {
        let text = words("Type orchard to delete it.");
        let errors = vec![FieldError { field: "name", text }];
        Self { typed: words("orchid"), errors, ..Self::sample() }
    }
}
