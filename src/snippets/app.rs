//! One app as its file in `snippets/` describes it.

use serde::Deserialize;

use super::language::Language;
use crate::protocol::client::ClientKind;

/// An app that people connect. Texts may hold placeholders; see [`super::render`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// The name of its file, as addresses and the command line use it.
    #[serde(skip)]
    pub id: String,
    /// What people call it.
    pub name: String,
    /// As what it is registered.
    pub kind: ClientKind,
    /// Where its makers explain the settings.
    pub documentation: String,
    /// Which version, or which document, the facts are from.
    pub version: String,
    /// The day on which they were read, like `2026-11-21`.
    pub read_on: String,
    /// An address such as it may have, without a slash at the end.
    pub example: String,
    /// Where it takes answers (OpenID Connect Core section 3.1.2.1).
    pub redirect_uris: Vec<String>,
    /// Where it takes people who have signed out (RP-Initiated Logout section 2).
    #[serde(default)]
    pub post_logout_redirect_uris: Vec<String>,
    /// Where it hears that a session has ended (Back-Channel Logout section 2.2).
    #[serde(default)]
    pub backchannel_logout_uri: Option<String>,
    /// What it asks for.
    pub scopes: Vec<String>,
    /// Whether it may look for names, groups and addresses in the ID token, where Doorward puts
    /// them only when the client says so.
    #[serde(default)]
    pub claims_in_id_token: bool,
    /// What is particular about it, one sentence or two each.
    pub quirks: Vec<String>,
    /// What is pasted into its configuration.
    pub snippets: Vec<Template>,
}

/// One text for the configuration of an app.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// The file or the page of settings it belongs to.
    pub place: String,
    pub language: Language,
    pub text: String,
}

impl App {
    /// Reads a file.
    ///
    /// # Errors
    /// What is missing, unknown or of another type.
    pub fn parse(id: &str, text: &str) -> Result<Self, toml::de::Error> {
        let app: Self = toml::from_str(text)?;
        Ok(Self { id: id.to_owned(), ..app })
    }
}
