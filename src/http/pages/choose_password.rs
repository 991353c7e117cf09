//! The form for another password in the place of a temporary one.

use askama::Template;

use super::chrome::{Chrome, FlowForm};
use super::filters;
use super::sample::words;
use super::views::{FieldError, error_of};

/// The answer to POST `/login` with a temporary password. Form `choose-password`: POST `/login/password` with
/// `password`, `flow`, `csrf`. A read-only `username` is sent too, so that password managers file the
/// password under it; only the flow decides whose password changes.
#[derive(Debug, Template)]
#[template(path = "choose_password.html")]
pub struct ChoosePassword {
    pub chrome: Chrome,
    pub form: FlowForm,
    pub username: String,
    /// The fewest characters a password may have.
    pub min_password: usize,
    /// Fields: `password`.
    pub errors: Vec<FieldError>,
}

impl ChoosePassword {
    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            form: FlowForm::sample(),
            username: words("ada"),
            min_password: 12,
            errors: Vec::new(),
        }
    }

    /// With something to mend.
    #[must_use]
    pub fn sample_wrong() -> Self {
        let text = words("Choose another password than the temporary one.");
        Self { errors: vec![FieldError { field: "password", text }], ..Self::sample() }
    }
}
