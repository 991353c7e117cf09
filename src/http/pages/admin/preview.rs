//! What an app would be told of somebody.

use askama::Template;

use super::{Console, Section, path_below};
use crate::http::pages::chrome::Chrome;
use crate::http::pages::filters;
use crate::http::pages::sample::words;
use crate::http::pages::views::{FieldError, error_of};

/// `GET /admin/clients/{id}/preview`. Form `preview`: POST the same address with `person` and `scope`, which
/// comes once for each scope; the answer is the same page with the claims.
#[derive(Debug, Template)]
#[template(path = "admin/preview.html")]
pub struct PreviewPage {
    pub chrome: Chrome,
    pub console: Console,
    /// The app's client id.
    pub id: String,
    pub name: String,
    /// A machine gets tokens for itself alone.
    pub signs_people_in: bool,
    /// What was typed: a username or an e-mail address.
    pub person: String,
    /// Every scope the app may ask for.
    pub scopes: Vec<ScopeChoice>,
    /// What it would be told; empty until somebody is chosen.
    pub claims: Vec<ClaimsView>,
    /// Fields: `person`, `scope`.
    pub errors: Vec<FieldError>,
}

/// A scope with its box.
#[derive(Debug, Clone)]
pub struct ScopeChoice {
    pub name: String,
    pub chosen: bool,
}

/// The claims of one token or answer.
#[derive(Debug, Clone)]
pub struct ClaimsView {
    /// The field's id.
    pub id: &'static str,
    pub label: &'static str,
    /// As indented JSON; `None` where there would be no such token or answer.
    pub json: Option<String>,
    /// How many lines that is.
    pub rows: usize,
}

impl PreviewPage {
    /// The path of the app's page.
    fn path(&self) -> String {
        path_below(&self.chrome.base, "/admin/clients/", &self.id)
    }

    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    #[must_use]
    pub fn sample() -> Self {
        let view = |id, label, json: Option<&str>| ClaimsView {
            id,
            label,
            json: json.map(words),
            rows: json.map_or(0, |json| json.lines().count()),
        };
        Self {
            claims: vec![
                view("id-token", "ID token", Some("{\n  \"sub\": \"5f0c1f0e\"\n}")),
                view("access-token", "Access token", Some("{\n  \"plan\": \"gold\"\n}")),
                view("userinfo", "User information", None),
            ],
            person: words("ada"),
            errors: Vec::new(),
            ..Self::sample_wrong()
        }
    }

    /// After a name that nobody has.
    #[must_use]
    pub fn sample_wrong() -> Self {
        let scope = |name: &str| ScopeChoice { name: words(name), chosen: name == "openid" };
        let text = words("Nobody has this username or e-mail address.");
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Apps),
            id: words("orchard-wiki"),
            name: words("Orchard Wiki"),
            signs_people_in: true,
            person: words("kathrine"),
            scopes: ["openid", "profile", "wiki:edit"].map(scope).into(),
            claims: Vec::new(),
            errors: vec![FieldError { field: "person", text }],
        }
    }

    /// An app to which nobody signs in.
    #[must_use]
    pub fn sample_machine() -> Self {
        Self { signs_people_in: false, errors: Vec::new(), ..Self::sample_wrong() }
    }
}
