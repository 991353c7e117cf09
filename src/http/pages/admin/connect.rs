//! Settings for well-known apps, with the values of one client.

use askama::Template;

use super::client_forms::Endpoint;
use super::{Console, Section, path_below};
use crate::http::pages::chrome::Chrome;
use crate::http::pages::filters;
use crate::http::pages::sample::words;
use crate::http::pages::views::{FieldError, error_of};
use crate::snippets::render::Snippet;

/// `GET /admin/clients/{id}/connect?app=&url=`. Form `connect`: the same address with `app` and `url`.
#[derive(Debug, Template)]
#[template(path = "admin/connect.html")]
pub struct Connect {
    pub chrome: Chrome,
    pub console: Console,
    /// The client's id.
    pub id: String,
    /// The client's name.
    pub name: String,
    /// Every app of the catalogue.
    pub choices: Vec<Choice>,
    /// The one that was chosen; empty before.
    pub app: String,
    /// Where it is, as it stands in the snippets or as it was typed.
    pub url: String,
    /// `None` before an app was chosen, and while its address is wrong.
    pub filled: Option<Filled>,
    /// Fields: `url`.
    pub errors: Vec<FieldError>,
    pub endpoints: Vec<Endpoint>,
}

/// An app to choose.
#[derive(Debug, Clone)]
pub struct Choice {
    pub id: String,
    pub name: String,
}

/// What there is to know about the chosen app.
#[derive(Debug, Clone)]
pub struct Filled {
    pub name: String,
    pub documentation: String,
    /// What the facts are from.
    pub version: String,
    /// The day they were read.
    pub read_on: String,
    pub uris: Vec<UriView>,
    /// What the client lacks, a sentence each.
    pub hints: Vec<String>,
    pub quirks: Vec<String>,
    pub snippets: Vec<SnippetView>,
}

/// A URI of the app.
#[derive(Debug, Clone)]
pub struct UriView {
    pub label: &'static str,
    pub uri: String,
    pub registered: bool,
}

/// A text to paste.
#[derive(Debug, Clone)]
pub struct SnippetView {
    pub place: String,
    pub text: String,
    /// How many lines it has.
    pub rows: usize,
}

impl From<Snippet> for SnippetView {
    fn from(snippet: Snippet) -> Self {
        let rows = snippet.text.lines().count();
        Self { place: snippet.place, text: snippet.text, rows }
    }
}

impl Connect {
    /// The path of the client's page.
    fn path(&self) -> String {
        path_below(&self.chrome.base, "/admin/clients/", &self.id)
    }

    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    #[must_use]
    pub fn sample() -> Self {
        let uri = |label, uri: &str, registered| UriView { label, uri: words(uri), registered };
        Self {
            app: "grafana".to_owned(),
            url: words("https://grafana.orchard.example"),
            filled: Some(Filled {
                name: "Grafana".to_owned(),
                documentation: "https://grafana.com/docs/".to_owned(),
                version: "Grafana 12.3".to_owned(),
                read_on: "2026-11-21".to_owned(),
                uris: vec![
                    uri("Redirect URI", "https://grafana.orchard.example/login", false),
                    uri("Address after sign-out", "https://grafana.orchard.example/", true),
                ],
                hints: vec!["This app may not ask for these scopes yet: groups.".to_owned()],
                quirks: vec!["It sends PKCE.".to_owned()],
                snippets: vec![SnippetView {
                    place: "grafana.ini".to_owned(),
                    text: words("[auth.generic_oauth]\nclient_id = orchard-wiki"),
                    rows: 2,
                }],
            }),
            ..Self::sample_list()
        }
    }

    /// An address that is not taken.
    #[must_use]
    pub fn sample_wrong() -> Self {
        let text = "The address of the app is not an absolute URI.".to_owned();
        Self {
            url: words("grafana"),
            filled: None,
            errors: vec![FieldError { field: "url", text }],
            ..Self::sample()
        }
    }

    /// Before an app was chosen.
    #[must_use]
    pub fn sample_list() -> Self {
        let choice = |id: &str, name: &str| Choice { id: id.to_owned(), name: name.to_owned() };
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Apps),
            id: words("orchard-wiki"),
            name: words("Orchard Wiki"),
            choices: vec![choice("grafana", "Grafana"), choice("vault", "HashiCorp Vault")],
            app: String::new(),
            url: String::new(),
            filled: None,
            errors: Vec::new(),
            endpoints: Endpoint::samples(),
        }
    }
}
