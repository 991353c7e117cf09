//! The form behind a password link: a new password for an account that already exists.

use askama::Template;

use super::chrome::{Chrome, FlowForm};
use super::filters;
use super::sample::words;
use super::views::{FieldError, error_of};

/// `GET /reset-password?token=…`, which does not spend the link: mail scanners follow links.
/// Form `reset-password`: POST `/reset-password` with `password`, `token`, `flow`, `csrf`. A
/// read-only `username` is sent too, so that password managers file the password under it; only
/// the token decides whose password changes.
#[derive(Debug, Template)]
#[template(path = "reset_password.html")]
pub struct ResetPassword {
    pub chrome: Chrome,
    pub form: FlowForm,
    /// The one-time token of the link.
    pub token: String,
    pub username: String,
    /// The fewest characters a password may have.
    pub min_password: usize,
    /// Fields: `password`.
    pub errors: Vec<FieldError>,
}

impl ResetPassword {
    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            form: FlowForm::sample(),
            token: words("one-time-token"),
            username: words("ada"),
            min_password: 12,
            errors: Vec::new(),
        }
    }
}
