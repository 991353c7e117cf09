//! Letting a device in that shows a code: the code, the question, and the page after the answer.

use askama::Template;

use super::chrome::{Chrome, FlowForm};
use super::consent::scope_sentence;
use super::filters;
use super::sample::words;
use super::views::{AboutApp, FieldError, Unreviewed, When, error_of};

/// `GET /device`. Form `device`: POST `/device` with `user_code`, `csrf`.
#[derive(Debug, Template)]
#[template(path = "device.html")]
pub struct DeviceCode {
    pub chrome: Chrome,
    pub form: FlowForm,
    /// What was typed before.
    pub user_code: String,
    /// Field: `user_code`.
    pub errors: Vec<FieldError>,
}

impl DeviceCode {
    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            form: FlowForm::sample(),
            user_code: String::new(),
            errors: Vec::new(),
        }
    }

    /// After a code that no device waits with.
    #[must_use]
    pub fn sample_wrong() -> Self {
        let text = words("No device waits with this code. Compare it with the device.");
        Self {
            user_code: words("BCDF-GHJX"),
            errors: vec![FieldError { field: "user_code", text }],
            ..Self::sample()
        }
    }
}

/// `GET /device?user_code=`. Form `device-question`: POST `/device` with `decision` = `allow` or
/// `deny`, `user_code`, `csrf`.
#[derive(Debug, Template)]
#[template(path = "device_question.html")]
pub struct DeviceQuestion {
    pub chrome: Chrome,
    pub form: FlowForm,
    pub app_name: String,
    /// To be compared with what the device shows (RFC 8628 section 3.3.1).
    pub user_code: String,
    /// Where the device asked from.
    pub address: String,
    /// When it asked.
    pub asked: When,
    /// Who is signed in: name or username.
    pub account: String,
    /// Where somebody else may sign in instead.
    pub switch_href: String,
    /// One sentence per scope, from [`scope_sentence`].
    pub permissions: Vec<String>,
    /// Its logo is not shown here: a page that warns of strangers lends them no look.
    pub about: AboutApp,
}

impl DeviceQuestion {
    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            form: FlowForm::sample(),
            app_name: words("Orchard TV"),
            user_code: words("BCDF-GHJK"),
            address: words("198.51.100.23"),
            asked: When::sample(70),
            account: words("Ada Lovelace"),
            switch_href: words("/logout"),
            permissions: ["openid", "profile", "offline_access"]
                .map(|scope| words(&scope_sentence(scope)))
                .to_vec(),
            about: AboutApp::sample(),
        }
    }

    /// For an app that a document describes.
    #[must_use]
    pub fn sample_unreviewed() -> Self {
        Self { about: AboutApp::sample_unreviewed(), ..Self::sample() }
    }
}

/// The person's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Allowed,
    Denied,
}

/// `GET /device?done=`.
#[derive(Debug, Template)]
#[template(path = "device_done.html")]
pub struct DeviceDone {
    pub chrome: Chrome,
    pub answer: Answer,
}

impl DeviceDone {
    #[must_use]
    pub fn sample(answer: Answer) -> Self {
        Self { chrome: Chrome::sample(), answer }
    }
}
