//! What a server runs with, and how what it depends on is doing.

use askama::Template;

use super::{Console, Section};
use crate::http::pages::chrome::Chrome;
use crate::http::pages::filters;
use crate::http::pages::sample::words;

/// `GET /admin/configuration`. Nothing can be changed here.
#[derive(Debug, Template)]
#[template(path = "admin/configuration.html")]
pub struct ConfigurationPage {
    pub chrome: Chrome,
    pub console: Console,
    pub version: &'static str,
    /// The revision of the source, or `unknown`.
    pub revision: &'static str,
    pub parts: Vec<PartRow>,
    /// Why this is not for production, in sentences.
    pub cautions: Vec<String>,
    /// What is stored and not in effect, in sentences.
    pub unused: Vec<String>,
    /// By their names.
    pub settings: Vec<SettingRow>,
}

/// Something that the server depends on.
#[derive(Debug, Clone)]
pub struct PartRow {
    pub name: &'static str,
    pub state: State,
    /// In sentences; may be empty where all is well.
    pub text: String,
}

/// How it is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Fine,
    Warning,
    Failure,
}

impl State {
    fn label(self) -> &'static str {
        match self {
            Self::Fine => "Works",
            Self::Warning => "Look at it",
            Self::Failure => "Does not work",
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Fine => "good",
            Self::Warning => "",
            Self::Failure => "bad",
        }
    }
}

/// A setting in effect.
#[derive(Debug, Clone)]
pub struct SettingRow {
    pub key: String,
    /// As it would stand in an environment variable, or `set` for a secret; `None` if there is none.
    pub value: Option<String>,
    pub origin: String,
    pub is_default: bool,
    /// Whether it may change while servers run.
    pub is_live: bool,
}

impl ConfigurationPage {
    #[must_use]
    pub fn sample() -> Self {
        let part =
            |name: &'static str, state, text: &str| PartRow { name, state, text: words(text) };
        let row = |key: &str, value: Option<&str>, origin: &str, is_live| SettingRow {
            key: key.to_owned(),
            value: value.map(words),
            origin: words(origin),
            is_default: origin == "default",
            is_live,
        };
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Settings),
            version: "1.4.0",
            revision: "3f9c2a71",
            parts: vec![
                part("Database", State::Fine, "PostgreSQL 16.4, schema 50, answers in 0.4 ms."),
                part("Fast store", State::Warning, "Redis 6.0.16 is older than 6.2; upgrade it."),
                part("Mail server", State::Failure, "The mail server does not answer."),
            ],
            cautions: vec![words("issuer is plain http: only this machine can use it.")],
            unused: vec![words("session.idle: 59 is too small.")],
            settings: vec![
                row("branding.footer", None, "default", true),
                row(
                    "issuer",
                    Some("https://id.example.com"),
                    "environment variable DOORWARD_ISSUER",
                    false,
                ),
                row("redis.url", Some("set"), "file /etc/doorward/doorward.toml", false),
                row("session.idle", Some("1800"), "database", true),
            ],
        }
    }

    /// All is well.
    #[must_use]
    pub fn sample_fine() -> Self {
        let mut page = Self { cautions: Vec::new(), unused: Vec::new(), ..Self::sample() };
        page.parts.retain(|part| part.state == State::Fine);
        page
    }
}
