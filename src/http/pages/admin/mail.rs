//! Mail: the server that takes it, what waits, and a test letter.

use askama::Template;

use super::{Console, Section};
use crate::http::pages::chrome::Chrome;
use crate::http::pages::filters;
use crate::http::pages::sample::words;
use crate::http::pages::views::{FieldError, error_of};

/// `GET /admin/settings/mail`. Form `mail-test`: POST `/admin/settings/mail/test` with `to`; the answer is this page
/// with what came of it.
#[derive(Debug, Template)]
#[template(path = "admin/mail.html")]
pub struct MailPage {
    pub chrome: Chrome,
    pub console: Console,
    /// How the mail server is set up; empty when there is none.
    pub facts: Vec<MailFact>,
    /// Letters that wait.
    pub waiting: i64,
    /// Where a test letter goes.
    pub to: String,
    /// What came of the test letter that was just sent.
    pub tested: Option<MailTested>,
    /// Fields: `to`.
    pub errors: Vec<FieldError>,
}

/// One setting of the mail server.
#[derive(Debug, Clone)]
pub struct MailFact {
    /// Its name in the configuration.
    pub key: &'static str,
    pub label: &'static str,
    /// Empty when it is not set.
    pub value: String,
    /// Where it is set.
    pub origin: String,
}

/// What came of a test letter.
#[derive(Debug, Clone)]
pub struct MailTested {
    pub is_sent: bool,
    /// What happened, with the mail server's own words.
    pub said: String,
    pub advice: &'static str,
}

impl MailPage {
    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    #[must_use]
    pub fn sample() -> Self {
        let fact = |key, label, value: &str, origin: &str| MailFact {
            key,
            label,
            value: value.to_owned(),
            origin: words(origin),
        };
        let said = "The mail server has taken a letter to ada@example.com.".to_owned();
        let advice = "If it is not there in some minutes, look among the unwanted mail.";
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Settings),
            facts: vec![
                fact(
                    "mail.url",
                    "Server",
                    "smtp://mail.example.com:587",
                    "file /etc/doorward.toml",
                ),
                fact(
                    "mail.from",
                    "From",
                    "sso@example.com",
                    "environment variable DOORWARD_MAIL__FROM",
                ),
                fact("mail.reply_to", "Answers go to", "", "default"),
            ],
            waiting: 3,
            to: "ada@example.com".to_owned(),
            tested: Some(MailTested { is_sent: true, said, advice }),
            errors: Vec::new(),
        }
    }

    /// There is no mail server.
    #[must_use]
    pub fn sample_none() -> Self {
        Self { facts: Vec::new(), waiting: 0, tested: None, ..Self::sample() }
    }

    /// The mail server does not take a letter.
    #[must_use]
    pub fn sample_refused() -> Self {
        let said = words("The letter was not taken: permanent error (550): no such mailbox.");
        let advice = "Try another address.";
        let tested = Some(MailTested { is_sent: false, said, advice });
        Self { waiting: 1, tested, ..Self::sample() }
    }

    /// The address is none.
    #[must_use]
    pub fn sample_wrong() -> Self {
        let text = "Use the format name@example.com.".to_owned();
        let errors = vec![FieldError { field: "to", text }];
        Self { to: words("ada"), tested: None, errors, ..Self::sample() }
    }
}
