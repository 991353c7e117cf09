//! The sign-in form, and the same form when a signed-in person has to show it is still them.

use askama::Template;

use super::chrome::{Chrome, FlowForm};
use super::filters;
use super::sample::words;
use super::views::{AboutApp, FieldError, Switch, error_of};

/// `GET /login`. Form `sign-in`: POST `/login` with `username`, `password`, `remember`
/// (`on` when ticked), `flow`, `csrf`.
#[derive(Debug, Template)]
#[template(path = "sign_in.html")]
pub struct SignIn {
    pub chrome: Chrome,
    pub form: FlowForm,
    /// The app the person is on the way to; `None` for the account pages.
    pub app_name: Option<String>,
    pub about: AboutApp,
    pub purpose: Purpose,
    /// What was typed before, or the hint of the request. Never empty with [`Purpose::Confirm`].
    pub username: String,
    pub remember: Remember,
    /// Where somebody without an account makes one; `None` where administrators make them.
    pub create_href: Option<String>,
    /// News above the form that is not an error: "Your password is changed. Sign in with it."
    pub notice: Option<String>,
    /// Fields: `username`, `password`.
    pub errors: Vec<FieldError>,
    /// Shown beside errors: what to ask an administrator about.
    pub request_id: String,
}

/// Why the form is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// Nobody is signed in.
    SignIn,
    /// Somebody is, and confirms it: the username is fixed.
    Confirm {
        /// Why, in one sentence.
        reason: String,
        /// Where somebody else may sign in instead.
        switch: Switch,
    },
}

/// The state of the "Keep me signed in" box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remember {
    Ticked,
    Unticked,
    /// The box is not shown.
    NotOffered,
}

impl SignIn {
    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            form: FlowForm::sample(),
            app_name: Some(words("Orchard Wiki")),
            about: AboutApp::sample(),
            purpose: Purpose::SignIn,
            username: String::new(),
            remember: Remember::Unticked,
            create_href: None,
            notice: Some(words("Your password is changed. Sign in with the new one.")),
            errors: Vec::new(),
            request_id: words("019a6b3e-7c1f-7d90-8a55-0d1e2f3a4b5c"),
        }
    }

    /// Where people may make their own accounts.
    #[must_use]
    pub fn sample_newcomers() -> Self {
        let create_href = Some(words("/login/create?flow=sealed-request"));
        Self { create_href, notice: None, ..Self::sample() }
    }

    /// After a wrong password.
    #[must_use]
    pub fn sample_wrong() -> Self {
        let text = words("Check the username and the password, then try again.");
        Self {
            username: words("ada"),
            remember: Remember::Ticked,
            notice: None,
            errors: vec![FieldError { field: "username", text }],
            ..Self::sample()
        }
    }

    /// A signed-in person confirming it is them.
    #[must_use]
    pub fn sample_confirm() -> Self {
        Self {
            username: words("ada"),
            purpose: Purpose::Confirm {
                reason: words("Orchard Wiki wants a sign-in from the last five minutes."),
                switch: Switch::Link(words("/login?flow=sealed-request&switch=1")),
            },
            remember: Remember::NotOffered,
            notice: None,
            ..Self::sample()
        }
    }
}
