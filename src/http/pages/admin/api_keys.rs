//! API keys: the list, the form, and the key that is shown once.

use askama::Template;

use super::paging::{PageLinks, Paging};
use super::{Console, Section, path_below};
use crate::http::pages::chrome::Chrome;
use crate::http::pages::filters;
use crate::http::pages::sample::words;
use crate::http::pages::views::{FieldError, When, error_of};
use crate::protocol::api::ApiScope;

/// `GET /admin/api-keys`. Links to a [`super::confirm::Confirm`] page: `GET …/{id}/revoke`.
#[derive(Debug, Template)]
#[template(path = "admin/api_keys.html")]
pub struct ApiKeysList {
    pub chrome: Chrome,
    pub console: Console,
    pub rows: Vec<ApiKeyRow>,
    pub paging: Paging,
}

/// One line of the list.
#[derive(Debug, Clone)]
pub struct ApiKeyRow {
    pub id: String,
    pub name: String,
    /// Id and username of whose key it is.
    pub owner: (String, String),
    pub scopes: String,
    /// `None` when it has never been used.
    pub used: Option<When>,
    pub expires: When,
    pub state: KeyState,
}

/// Whether a key works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    Works,
    Expired,
    Revoked,
}

/// What the form holds. `scopes` are boxes called `scope`; the other fields are named like the members.
#[derive(Debug, Clone, Default)]
pub struct ApiKeyForm {
    pub name: String,
    /// Username, e-mail address or id of whose key it is.
    pub user: String,
    pub scopes: Vec<String>,
    /// Days it works.
    pub days: String,
}

/// `GET /admin/api-keys/new`. Form `api-key`: POST `/admin/api-keys` with the fields of
/// [`ApiKeyForm`]. The answer is an [`ApiKeyOnce`].
#[derive(Debug, Template)]
#[template(path = "admin/api_key_new.html")]
pub struct ApiKeyCreate {
    pub chrome: Chrome,
    pub console: Console,
    pub form: ApiKeyForm,
    /// Fields: `name`, `user`, `scope`, `days`.
    pub errors: Vec<FieldError>,
}

/// A new key, shown once.
#[derive(Debug, Template)]
#[template(path = "admin/api_key_once.html")]
pub struct ApiKeyOnce {
    pub chrome: Chrome,
    pub console: Console,
    pub name: String,
    pub key: String,
    pub expires: When,
    /// A command that shows that it works.
    pub example: String,
}

impl KeyState {
    fn label(self) -> &'static str {
        match self {
            Self::Works => "Works",
            Self::Expired => "Expired",
            Self::Revoked => "Revoked",
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Works => "good",
            Self::Expired | Self::Revoked => "",
        }
    }
}

impl ApiKeyForm {
    /// Every scope with what it allows.
    fn all_scopes() -> [(&'static str, &'static str); ApiScope::ALL.len()] {
        ApiScope::ALL.map(|scope| (scope.as_str(), scope.about()))
    }

    fn has_scope(&self, name: &str) -> bool {
        self.scopes.iter().any(|scope| scope == name)
    }
}

impl ApiKeysList {
    fn path_of(&self, row: &ApiKeyRow) -> String {
        path_below(&self.chrome.base, "/admin/api-keys/", &row.id)
    }

    fn pages(&self) -> PageLinks {
        self.paging.links(&[])
    }

    #[must_use]
    pub fn sample() -> Self {
        let row = |name: &str, used: Option<i64>, state: KeyState| ApiKeyRow {
            id: words("019a6b3e-7c1f-7d90-8a55-0d1e2f3a4b5c"),
            name: words(name),
            owner: (words("019a6b3e-7c1f-7d90-8a55-0d1e2f3a4b5d"), words("grace")),
            scopes: "doorward.users:write doorward.groups:read".to_owned(),
            used: used.map(When::sample),
            expires: When::sample(-2_000_000),
            state,
        };
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::ApiKeys),
            rows: vec![
                row("Nightly report", Some(40_000), KeyState::Works),
                row("Onboarding", None, KeyState::Expired),
                row("Try-out", Some(900_000), KeyState::Revoked),
            ],
            paging: Paging::before(words("019a6b3e")),
        }
    }

    /// Before the first one.
    #[must_use]
    pub fn sample_none() -> Self {
        Self { rows: Vec::new(), paging: Paging::default(), ..Self::sample() }
    }
}

impl ApiKeyCreate {
    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::ApiKeys),
            form: ApiKeyForm { user: words("ada"), days: "90".to_owned(), ..ApiKeyForm::default() },
            errors: Vec::new(),
        }
    }

    /// Sent without a name and a scope.
    #[must_use]
    pub fn sample_wrong() -> Self {
        let error = |field, text: &str| FieldError { field, text: words(text) };
        let errors = vec![
            error("name", "A key needs a name of 1 to 100 ordinary characters."),
            error("scope", "Name at least one scope."),
        ];
        Self { errors, ..Self::sample() }
    }
}

impl ApiKeyOnce {
    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::ApiKeys),
            name: words("Nightly report"),
            key: words("dwk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo"),
            expires: When::sample(-7_776_000),
            example: words(
                "curl -H 'Authorization: Bearer …' https://id.orchard.example/api/v1/users",
            ),
        }
    }
}
