//! The form for people who make their own accounts.

use askama::Template;

use super::chrome::{Chrome, FlowForm};
use super::filters;
use super::sample::words;
use super::views::{AboutApp, FieldError, error_of};

/// `GET /login/create`, and `prompt=create` of an app. Form `sign-up`: POST `/login/create` with
/// `username`, `email`, `name`, `password`, `flow`, `csrf`.
#[derive(Debug, Template)]
#[template(path = "sign_up.html")]
pub struct SignUp {
    pub chrome: Chrome,
    pub form: FlowForm,
    /// The app the person is on the way to; `None` for the account page.
    pub app_name: Option<String>,
    pub about: AboutApp,
    pub username: String,
    pub email: String,
    pub name: String,
    /// Domains of which the address must have one; it need not be given when there are none.
    pub domains: Vec<String>,
    /// The fewest characters a password may have.
    pub min_password: usize,
    /// Where somebody with an account signs in.
    pub sign_in_href: String,
    /// Fields: `username`, `email`, `name`, `password`.
    pub errors: Vec<FieldError>,
}

impl SignUp {
    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    fn email_label(&self) -> &'static str {
        if self.domains.is_empty() { "E-mail address (optional)" } else { "E-mail address" }
    }

    fn email_hint(&self) -> String {
        const USE: &str = "Apps may write to it. Nobody checks it, so you cannot sign in with it.";
        if self.domains.is_empty() {
            return USE.to_owned();
        }
        let ends: Vec<String> = self.domains.iter().map(|domain| format!("@{domain}")).collect();
        format!("It ends with {}. {USE}", ends.join(" or "))
    }

    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            form: FlowForm::sample(),
            app_name: Some(words("Orchard Wiki")),
            about: AboutApp::sample(),
            username: String::new(),
            email: String::new(),
            name: String::new(),
            domains: Vec::new(),
            min_password: 12,
            sign_in_href: words("/oauth2/authorize?client_id=wiki"),
            errors: Vec::new(),
        }
    }

    /// After a name that is taken and a password that is too short.
    #[must_use]
    pub fn sample_wrong() -> Self {
        let error = |field, text: &str| FieldError { field, text: words(text) };
        Self {
            username: words("ada"),
            email: words("ada@orchard.example"),
            name: words("Ada Lovelace"),
            domains: vec!["orchard.example".to_owned()],
            errors: vec![
                error("username", "This username is taken. Choose another one."),
                error("password", "Use at least 12 characters."),
            ],
            ..Self::sample()
        }
    }
}
