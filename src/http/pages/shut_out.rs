//! An app that is not for this person.

use askama::Template;

use super::chrome::{Chrome, FlowForm};
use super::filters;
use super::sample::words;
use super::views::Switch;

/// On the way to an app, or to letting a device in. Form `shut-out`: POST `/consent` with `decision` =
/// `deny`, `flow`, `csrf`; for a device POST `/device` with `decision` = `deny`, `user_code`, `csrf`.
#[derive(Debug, Template)]
#[template(path = "shut_out.html")]
pub struct ShutOut {
    pub chrome: Chrome,
    pub form: FlowForm,
    pub app_name: String,
    /// Who is signed in: name or username.
    pub account: String,
    /// Where somebody else may sign in instead.
    pub switch: Switch,
    /// The code of the device that waits; `None` on the way to an app.
    pub user_code: Option<String>,
    /// For whoever is asked why.
    pub request_id: String,
}

impl ShutOut {
    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            form: FlowForm::sample(),
            app_name: words("Orchard Wiki"),
            account: words("Ada Lovelace"),
            switch: Switch::Link(words("/login/again?flow=sealed-request&as=another")),
            user_code: None,
            request_id: words("019a6b3e-7c1f-7d90-8a55-0d1e2f3a4b5c"),
        }
    }

    /// For a request that is too long for an address.
    #[must_use]
    pub fn sample_long() -> Self {
        Self { switch: Switch::Button, ..Self::sample() }
    }

    /// For a device.
    #[must_use]
    pub fn sample_device() -> Self {
        Self { user_code: Some(words("BCDF-GHJK")), ..Self::sample() }
    }
}
