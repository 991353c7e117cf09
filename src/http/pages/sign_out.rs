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
    /// Pages of apps that end their own sessions when the browser loads them.
    pub frames: Vec<String>,
}

impl SignedOut {
    #[must_use]
    pub fn sample() -> Self {
        let app = Link::sample("Orchard Wiki", "https://wiki.orchard.example/");
        let frames = vec![words("https://mail.orchard.example/out?iss=i&sid=s")];
        Self { chrome: Chrome::sample(), app: Some(app), frames }
    }
}

/// Between signing out and going back to the app: the browser loads the sign-out pages of the other
/// apps (Front-Channel Logout section 3), then goes on by itself, with or without scripts.
#[derive(Debug, Template)]
#[template(path = "signing_out.html")]
pub struct SigningOut {
    pub chrome: Chrome,
    /// The app to go back to.
    pub app_name: Option<String>,
    /// A registered place of that app.
    pub next: String,
    pub frames: Vec<String>,
}

impl SigningOut {
    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            app_name: Some(words("Orchard Wiki")),
            next: words("https://wiki.orchard.example/signed-out"),
            frames: ["mail", "ledger"]
                .map(|app| words(&format!("https://{app}.orchard.example/out?iss=i&sid=s")))
                .to_vec(),
        }
    }
}
