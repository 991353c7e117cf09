//! Several people are signed in in this browser: which of them goes on?

use askama::Template;

use super::chrome::{Chrome, FlowForm};
use super::filters;
use super::sample::words;

/// On the way to an app, or to letting a device in. Form `choose-account`: POST `/login/account` with `account` = the public
/// id of a session, or `another`, `flow`, `csrf`.
#[derive(Debug, Template)]
#[template(path = "choose_account.html")]
pub struct ChooseAccount {
    pub chrome: Chrome,
    pub form: FlowForm,
    /// `None` on the way to letting a device in.
    pub app_name: Option<String>,
    /// The active account first.
    pub accounts: Vec<AccountView>,
}

/// One account to choose.
#[derive(Debug)]
pub struct AccountView {
    /// The public id of its session.
    pub id: String,
    /// Name or username.
    pub name: String,
    pub email: Option<String>,
}

impl ChooseAccount {
    #[must_use]
    pub fn sample() -> Self {
        let account = |id: &str, name: &str, email: Option<&str>| AccountView {
            id: id.to_owned(),
            name: words(name),
            email: email.map(words),
        };
        Self {
            chrome: Chrome::sample(),
            form: FlowForm::sample(),
            app_name: Some(words("Orchard Wiki")),
            accounts: vec![
                account("session-1", "Ada Lovelace", Some("ada@orchard.example")),
                account("session-2", "grace", None),
            ],
        }
    }

    /// On the way to letting a device in.
    #[must_use]
    pub fn sample_device() -> Self {
        Self { app_name: None, ..Self::sample() }
    }
}
