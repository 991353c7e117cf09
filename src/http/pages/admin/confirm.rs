//! The question before a change that cannot be undone: a page of its own, so that it works without
//! JavaScript; a script may show it as a dialog.

use askama::Template;

use super::{Console, Section};
use crate::http::pages::chrome::Chrome;
use crate::http::pages::filters;
use crate::http::pages::sample::words;

/// Form `confirm`: POST to [`Confirm::action`] with `csrf` and [`Confirm::hidden`].
#[derive(Debug, Template)]
#[template(path = "admin/confirm.html")]
pub struct Confirm {
    pub chrome: Chrome,
    pub console: Console,
    /// A question: "Delete ada?"
    pub heading: String,
    /// What will happen, in whole sentences.
    pub effects: Vec<String>,
    /// Path of the form's target, with the issuer's path.
    pub action: String,
    /// Further fields of the form.
    pub hidden: Vec<(String, String)>,
    /// What may be done on top; each a box that is not ticked.
    pub choices: Vec<Choice>,
    /// The words on the button: "Delete ada".
    pub button: String,
    /// Path of the way back, with the issuer's path.
    pub cancel: String,
}

/// A box of the form.
#[derive(Debug, Clone, Copy)]
pub struct Choice {
    pub name: &'static str,
    pub label: &'static str,
}

impl Confirm {
    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::People),
            heading: words("Delete grace?"),
            effects: vec![
                words("This signs her out of 3 devices and removes her access to 2 apps."),
                words("It cannot be undone. To keep the account for later, disable it instead."),
            ],
            action: words("/admin/users/5f0c1f0e/delete"),
            hidden: vec![("version".to_owned(), words("4"))],
            choices: vec![Choice { name: "connections", label: "End her devices, too" }],
            button: words("Delete grace"),
            cancel: words("/admin/users/5f0c1f0e"),
        }
    }
}
