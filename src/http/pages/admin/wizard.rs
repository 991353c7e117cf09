//! The first steps of adding an app: what it is, and where it is. The third is the form of
//! [`super::client_forms`].

use askama::Template;

use super::client_forms::ClientForm;
use super::connect::Choice;
use super::{Console, Section};
use crate::http::pages::chrome::Chrome;
use crate::http::pages::filters;
use crate::http::pages::sample::words;
use crate::http::pages::views::{FieldError, error_of};

/// `GET /admin/clients/new?q=`. Links to the same address with `app` or `kind`.
#[derive(Debug, Template)]
#[template(path = "admin/wizard.html")]
pub struct Wizard {
    pub chrome: Chrome,
    pub console: Console,
    /// A part of the name; empty for all.
    pub q: String,
    /// The apps of the catalogue that fit.
    pub choices: Vec<Choice>,
}

/// `GET /admin/clients/new?app=` or `?kind=`. Form `address`: the same address with `url`.
#[derive(Debug, Template)]
#[template(path = "admin/wizard_address.html")]
pub struct WizardAddress {
    pub chrome: Chrome,
    pub console: Console,
    /// What is being connected: `app` or `kind`, and its value.
    pub what: (&'static str, String),
    /// In words.
    pub name: String,
    /// Whether it is an agent, which is asked for the address of the server that it calls.
    pub is_agent: bool,
    pub label: &'static str,
    pub hint: String,
    /// What was typed.
    pub url: String,
    /// What is particular about the app, one sentence or two each.
    pub quirks: Vec<String>,
    /// Fields: `url`.
    pub errors: Vec<FieldError>,
}

impl Wizard {
    #[must_use]
    pub fn sample() -> Self {
        let choice = |id: &str, name: &str| Choice { id: id.to_owned(), name: name.to_owned() };
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Apps),
            q: words("a"),
            choices: vec![choice("grafana", "Grafana"), choice("vault", "HashiCorp Vault")],
        }
    }

    /// No app fits what was searched for.
    #[must_use]
    pub fn sample_none() -> Self {
        Self { choices: Vec::new(), ..Self::sample() }
    }
}

impl WizardAddress {
    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Apps),
            what: ("app", "grafana".to_owned()),
            name: "Grafana".to_owned(),
            is_agent: false,
            label: "Address of the app",
            hint: "As people type it into the browser, such as https://grafana.example.com."
                .to_owned(),
            url: words("https://grafana.orchard.example"),
            quirks: vec!["It sends PKCE.".to_owned()],
            errors: Vec::new(),
        }
    }

    /// Somebody connects an agent.
    #[must_use]
    pub fn sample_agent() -> Self {
        Self {
            what: ("kind", "agent".to_owned()),
            name: "MCP / agent".to_owned(),
            is_agent: true,
            label: "Address of the MCP server",
            hint: "As the agent calls it, such as https://mcp.example.com/mcp.".to_owned(),
            url: String::new(),
            quirks: vec!["Register one that asks you for a client id.".to_owned()],
            ..Self::sample()
        }
    }

    /// An address that is not taken.
    #[must_use]
    pub fn sample_wrong() -> Self {
        let text = "The address of the app is not an absolute URI.".to_owned();
        Self { errors: vec![FieldError { field: "url", text }], ..Self::sample() }
    }
}
