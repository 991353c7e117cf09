//! Issuers outside whose tokens count here: the list, one of them, and the form that says what each
//! is trusted with.

use askama::Template;

use super::{Console, Section, State, path_below, seen_sample};
use crate::http::pages::chrome::Chrome;
use crate::http::pages::filters;
use crate::http::pages::sample::words;
use crate::http::pages::views::{FieldError, When, error_of};

/// `GET /admin/issuers`.
#[derive(Debug, Template)]
#[template(path = "admin/issuers.html")]
pub struct IssuersList {
    pub chrome: Chrome,
    pub console: Console,
    pub rows: Vec<IssuerRow>,
}

/// One line of the list.
#[derive(Debug, Clone)]
pub struct IssuerRow {
    pub name: String,
    /// `iss` of its tokens.
    pub issuer: String,
    pub speaks_for: SpeaksFor,
    pub state: State,
    pub created: When,
}

/// For whom an issuer may speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpeaksFor {
    Apps,
    /// Whoever holds its keys can be any of them.
    People,
}

impl SpeaksFor {
    fn label(self) -> &'static str {
        match self {
            Self::Apps => "Apps",
            Self::People => "People",
        }
    }
}

/// What the form holds. The fields are named like the members; `allow_reuse` is a box (`on`),
/// `audience` a text area with one value a line, `jwks` and `rules` are text areas with JSON.
#[derive(Debug, Clone, Default)]
pub struct IssuerForm {
    /// Chosen once, when adding the issuer.
    pub name: String,
    pub issuer: String,
    pub jwks_uri: String,
    pub jwks: String,
    pub audience: String,
    pub scope: String,
    pub max_lifetime: String,
    pub allow_reuse: bool,
    pub rules: String,
}

impl IssuerForm {
    fn sample() -> Self {
        Self {
            name: words("cluster"),
            issuer: words("https://kubernetes.default.svc.cluster.local"),
            jwks_uri: words("https://keys.orchard.example/jwks.json"),
            jwks: String::new(),
            audience: words("doorward"),
            scope: words("backup.run"),
            max_lifetime: words("3600"),
            allow_reuse: true,
            rules: words(r#"[{ "client_id": "backup", "match": { "sub": "prod:backup" } }]"#),
        }
    }
}

impl IssuersList {
    fn path_of(&self, row: &IssuerRow) -> String {
        path_below(&self.chrome.base, "/admin/issuers/", &row.name)
    }

    #[must_use]
    pub fn sample() -> Self {
        let row = |name: &str, issuer: &str, speaks_for, state| IssuerRow {
            name: words(name),
            issuer: words(issuer),
            speaks_for,
            state,
            created: When::sample(500_000),
        };
        let cluster = "https://kubernetes.default.svc.cluster.local";
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Issuers),
            rows: vec![
                row("cluster", cluster, SpeaksFor::Apps, State::Active),
                row("school", "https://id.school.example", SpeaksFor::People, State::Disabled),
            ],
        }
    }

    /// Before the first issuer.
    #[must_use]
    pub fn sample_empty() -> Self {
        Self { rows: Vec::new(), ..Self::sample() }
    }
}

/// `GET /admin/issuers/new`. Form `issuer-form`: POST `/admin/issuers` with the fields of [`IssuerForm`].
#[derive(Debug, Template)]
#[template(path = "admin/issuer_new.html")]
pub struct IssuerCreate {
    pub chrome: Chrome,
    pub console: Console,
    pub form: IssuerForm,
    /// Fields: the names of [`IssuerForm`].
    pub errors: Vec<FieldError>,
}

impl IssuerCreate {
    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    #[must_use]
    pub fn sample() -> Self {
        let text = words("Write the rules as JSON.");
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Issuers),
            form: IssuerForm::sample(),
            errors: vec![FieldError { field: "rules", text }],
        }
    }
}

/// `GET /admin/issuers/{id}`. Forms: `issuer-form` POST `…/edit` with the fields of [`IssuerForm`] but the
/// name; POST `…/enable`. Links to [`super::confirm::Confirm`] pages: `GET …/disable`,
/// `GET …/delete`.
#[derive(Debug, Template)]
#[template(path = "admin/issuer.html")]
pub struct IssuerDetail {
    pub chrome: Chrome,
    pub console: Console,
    pub issuer: IssuerRow,
    /// What the form was made from; goes along as `seen`.
    pub seen: String,
    /// What the form holds: the stored values, or what was typed when something was wrong.
    pub form: IssuerForm,
    /// Fields: the names of [`IssuerForm`].
    pub errors: Vec<FieldError>,
}

impl IssuerDetail {
    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    fn path(&self) -> String {
        path_below(&self.chrome.base, "/admin/issuers/", &self.issuer.name)
    }

    #[must_use]
    pub fn sample() -> Self {
        let list = IssuersList::sample();
        let issuer = IssuerRow {
            name: words("cluster"),
            issuer: words("https://kubernetes.default.svc.cluster.local"),
            speaks_for: SpeaksFor::Apps,
            state: State::Active,
            created: When::sample(500_000),
        };
        let IssuersList { chrome, console, .. } = list;
        let (seen, form) = (seen_sample(), IssuerForm::sample());
        Self { chrome, console, issuer, seen, form, errors: Vec::new() }
    }
}
