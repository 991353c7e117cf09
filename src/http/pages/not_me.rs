//! "This was not me": what a letter about a sign-in leads to.

use askama::Template;

use super::chrome::{Chrome, FlowForm};
use super::filters;
use super::sample::words;
use super::views::When;

/// `GET /login/not-me?token=…`, which does not spend the link: mail scanners follow links. Form
/// `not-me`: POST `/login/not-me` with `token`, `others` (a checkbox), `flow`, `csrf`.
#[derive(Debug, Template)]
#[template(path = "not_me.html")]
pub struct NotMe {
    pub chrome: Chrome,
    pub form: FlowForm,
    /// The one-time token of the link.
    pub token: String,
    pub username: String,
    /// When the letter was written.
    pub at: When,
    /// The session in question; `None` when nobody was let in.
    pub session: Option<Where>,
}

/// Where somebody signed in.
#[derive(Debug)]
pub struct Where {
    pub device: String,
    pub address: String,
}

impl NotMe {
    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            form: FlowForm::sample(),
            token: words("one-time-token"),
            username: words("ada"),
            at: When::sample(7_200),
            session: Some(Where {
                device: words("Firefox on Linux"),
                address: words("192.0.2.14"),
            }),
        }
    }

    /// About a sign-in that was refused.
    #[must_use]
    pub fn sample_refused() -> Self {
        Self { session: None, ..Self::sample() }
    }
}
