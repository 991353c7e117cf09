//! Leaving: the question, and the page after the answer.

use askama::Template;

use super::chrome::{Chrome, FlowForm};
use super::filters;
use super::sample::words;
use super::views::Link;

/// `GET /logout`, and `/oauth2/logout` without a valid hint. Form `sign-out`: POST `/logout` with
/// `decision` = `logout` or `stay`, `flow`, `csrf`.
#[derive(Debug, Template)]
#[template(path = "sign_out.html")]
pub struct SignOut {
    pub chrome: Chrome,
    pub form: FlowForm,
    /// The app that asks, if one does and is known.
    pub app_name: Option<String>,
    /// Who is signed in.
    pub account: String,
    /// Who else is signed in in this browser; signing out ends that, too.
    pub others: Vec<String>,
    /// Names of the apps this session was used for.
    pub apps: Vec<String>,
}

impl SignOut {
    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            form: FlowForm::sample(),
            app_name: Some(words("Orchard Wiki")),
            account: words("Ada Lovelace"),
            others: vec![words("Grace Hopper")],
            apps: vec![words("Orchard Wiki"), words("Harbour Mail"), words("Ledger")],
        }
    }
}

/// After signing out.
#[derive(Debug, Template)]
#[template(path = "signed_out.html")]
pub struct SignedOut {
    pub chrome: Chrome,
    /// The way back to the app.
    pub app: Option<Link>,
}

impl SignedOut {
    #[must_use]
    pub fn sample() -> Self {
        let app = Link::sample("Orchard Wiki", "https://wiki.orchard.example/");
        Self { chrome: Chrome::sample(), app: Some(app) }
    }
}
