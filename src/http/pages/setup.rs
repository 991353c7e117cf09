//! The form that makes the first administrator.

use askama::Template;

use super::chrome::{Chrome, FlowForm};
use super::filters;
use super::sample::words;
use super::views::{FieldError, error_of};

/// `GET /setup`. Form `setup`: POST `/setup` with `username`, `name`, `email`, `password`,
/// `token`, `flow`, `csrf`.
#[derive(Debug, Template)]
#[template(path = "setup.html")]
pub struct Setup {
    pub chrome: Chrome,
    pub form: FlowForm,
    /// The one-time token of the setup link.
    pub token: String,
    pub username: String,
    pub name: String,
    pub email: String,
    /// The fewest characters a password may have.
    pub min_password: usize,
    /// Fields: `username`, `name`, `email`, `password`.
    pub errors: Vec<FieldError>,
}

impl Setup {
    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    #[must_use]
    pub fn sample() -> Self {
        let text = words("Enter an address in the format name@example.com.");
        Self {
            chrome: Chrome::sample(),
            form: FlowForm::sample(),
            token: words("one-time-token"),
            username: words("ada"),
            name: words("Ada Lovelace"),
            email: words("ada@"),
            min_password: 12,
            errors: vec![FieldError { field: "email", text }],
        }
    }
}
