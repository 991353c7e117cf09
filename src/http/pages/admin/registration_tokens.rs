//! Tokens with which apps register themselves: the list, the form, and the token that is shown once.

use askama::Template;

use super::paging::{PageLinks, Paging};
use super::{Console, Section, path_below};
use crate::config::RegistrationMode;
use crate::http::pages::chrome::Chrome;
use crate::http::pages::filters;
use crate::http::pages::render;
use crate::http::pages::sample::words;
use crate::http::pages::views::{FieldError, When, error_of};
use crate::store::clients::registration_tokens::TokenState;

/// `GET /admin/registration-tokens?rows=&after=`. Links to a [`super::confirm::Confirm`] page:
/// `GET …/{id}/revoke`.
#[derive(Debug, Template)]
#[template(path = "admin/registration_tokens.html")]
pub struct RegistrationTokensList {
    pub chrome: Chrome,
    pub console: Console,
    /// Whether the tokens open anything at all.
    pub mode: RegistrationMode,
    pub rows: Vec<RegistrationTokenRow>,
    pub paging: Paging,
}

/// One line of the list.
#[derive(Debug, Clone)]
pub struct RegistrationTokenRow {
    pub id: String,
    /// What an administrator wrote to remember whom it is for; may be empty.
    pub label: String,
    /// Apps that were registered with it.
    pub uses: i64,
    pub max_uses: i64,
    pub state: TokenState,
    pub created: When,
    pub expires: When,
}

/// What the form holds; the fields are named like the members.
#[derive(Debug, Clone, Default)]
pub struct RegistrationTokenForm {
    pub label: String,
    /// Apps that can be registered with it.
    pub max_uses: String,
    /// Days it works.
    pub days: String,
}

/// `GET /admin/registration-tokens/new`. Form `registration-token`: POST `/admin/registration-tokens`
/// with the fields of [`RegistrationTokenForm`]. The answer is a [`RegistrationTokenOnce`].
#[derive(Debug, Template)]
#[template(path = "admin/registration_token_new.html")]
pub struct RegistrationTokenCreate {
    pub chrome: Chrome,
    pub console: Console,
    pub mode: RegistrationMode,
    pub form: RegistrationTokenForm,
    /// Fields: `label`, `max_uses`, `days`.
    pub errors: Vec<FieldError>,
}

/// A new token, shown once.
#[derive(Debug, Template)]
#[template(path = "admin/registration_token_once.html")]
pub struct RegistrationTokenOnce {
    pub chrome: Chrome,
    pub console: Console,
    pub mode: RegistrationMode,
    pub token: String,
    /// Where apps send it.
    pub endpoint: String,
    pub max_uses: i64,
    pub expires: When,
    /// A command that registers an app with it.
    pub example: String,
}

impl RegistrationTokenRow {
    /// What it is called where it has no label.
    fn name(&self) -> &str {
        if self.label.is_empty() { "Without a label" } else { &self.label }
    }

    fn state_in_words(&self) -> &'static str {
        match self.state {
            TokenState::Works => "Works",
            TokenState::UsedUp => "Used up",
            TokenState::Expired => "Expired",
            TokenState::Revoked => "Revoked",
        }
    }

    fn class(&self) -> &'static str {
        if self.works() { "good" } else { "" }
    }

    fn works(&self) -> bool {
        self.state == TokenState::Works
    }
}

impl RegistrationTokensList {
    fn path_of(&self, row: &RegistrationTokenRow) -> String {
        path_below(&self.chrome.base, "/admin/registration-tokens/", &row.id)
    }

    fn pages(&self) -> PageLinks {
        self.paging.links(&[])
    }

    #[must_use]
    pub fn sample() -> Self {
        let row = |label: &str, uses: i64, state: TokenState| RegistrationTokenRow {
            id: words("019a6b3e-7c1f-7d90-8a55-0d1e2f3a4b5c"),
            label: words(label),
            uses,
            max_uses: 20,
            state,
            created: When::sample(40_000),
            expires: When::sample(-2_000_000),
        };
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Apps),
            mode: RegistrationMode::Token,
            rows: vec![
                row("Test bench", 3, TokenState::Works),
                row("Partners", 20, TokenState::UsedUp),
                RegistrationTokenRow { label: String::new(), ..row("", 0, TokenState::Expired) },
                row("Try-out", 1, TokenState::Revoked),
            ],
            paging: Paging::before(words("019a6b3e")),
        }
    }

    /// Before the first one, on a server that lets no app register itself.
    #[must_use]
    pub fn sample_none() -> Self {
        Self {
            mode: RegistrationMode::Off,
            rows: Vec::new(),
            paging: Paging::default(),
            ..Self::sample()
        }
    }

    /// On a server on which everybody may register an app.
    #[must_use]
    pub fn sample_open() -> Self {
        Self { mode: RegistrationMode::Open, ..Self::sample() }
    }
}

impl RegistrationTokenCreate {
    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Apps),
            mode: RegistrationMode::Off,
            form: RegistrationTokenForm {
                label: words("Test bench"),
                max_uses: "1".to_owned(),
                days: "7".to_owned(),
            },
            errors: Vec::new(),
        }
    }

    /// Sent with numbers that are none.
    #[must_use]
    pub fn sample_wrong() -> Self {
        let error = |field, text: &str| FieldError { field, text: words(text) };
        let errors = vec![
            error("label", "A label has at most 100 ordinary characters, on one line."),
            error("max_uses", "A registration token is for 1 to 100000 apps."),
            error("days", "A registration token works for 1 to 366 days."),
        ];
        Self { errors, mode: RegistrationMode::Token, ..Self::sample() }
    }
}

impl RegistrationTokenOnce {
    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Apps),
            mode: RegistrationMode::Token,
            token: words("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo"),
            endpoint: words("https://id.orchard.example/oauth2/register"),
            max_uses: 20,
            expires: When::sample(-2_592_000),
            example: words(
                "curl -H 'Authorization: Bearer …' https://id.orchard.example/oauth2/register",
            ),
        }
    }

    /// On a server that lets no app register itself yet.
    #[must_use]
    pub fn sample_off() -> Self {
        Self { mode: RegistrationMode::Off, max_uses: 1, ..Self::sample() }
    }
}

/// These pages with sample data; see [`crate::http::pages::samples`].
pub(super) fn samples() -> Vec<(&'static str, String)> {
    vec![
        ("admin/registration_tokens", render(&RegistrationTokensList::sample())),
        ("admin/registration_tokens/none", render(&RegistrationTokensList::sample_none())),
        ("admin/registration_tokens/open", render(&RegistrationTokensList::sample_open())),
        ("admin/registration_token_new", render(&RegistrationTokenCreate::sample())),
        ("admin/registration_token_new/wrong", render(&RegistrationTokenCreate::sample_wrong())),
        ("admin/registration_token_once", render(&RegistrationTokenOnce::sample())),
        ("admin/registration_token_once/off", render(&RegistrationTokenOnce::sample_off())),
    ]
}
