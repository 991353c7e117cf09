//! A snippet with the values of one client in it. A placeholder is a name of [`Values::NAMES`] in
//! braces; any other text in braces stays as it is.

use super::app::App;
use super::language::Language;
use crate::protocol::discovery::path;

/// What stands where the secret belongs. Only its hash is kept, so nobody can show it again after it
/// was made.
pub const SECRET: &str = "YOUR_CLIENT_SECRET";

/// What takes the place of placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Values {
    pub issuer: String,
    pub client_id: String,
    /// `None` where nobody knows it any more; [`SECRET`] stands in its place.
    pub client_secret: Option<String>,
    /// Checked by [`super::app_url::check`].
    pub app_url: String,
}

impl Values {
    /// Every placeholder.
    pub const NAMES: [&'static str; 10] = [
        "app_url",
        "authorization_endpoint",
        "client_id",
        "client_secret",
        "discovery",
        "end_session_endpoint",
        "issuer",
        "jwks_uri",
        "token_endpoint",
        "userinfo_endpoint",
    ];

    /// The value of a placeholder; `None` for a name that is none.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        let below = |path: &str| Some(format!("{}{path}", self.issuer));
        match name {
            "app_url" => Some(self.app_url.clone()),
            "authorization_endpoint" => below(path::AUTHORIZE),
            "client_id" => Some(self.client_id.clone()),
            "client_secret" => {
                Some(self.client_secret.clone().unwrap_or_else(|| SECRET.to_owned()))
            }
            "discovery" => below(path::OPENID_CONFIGURATION),
            "end_session_endpoint" => below(path::LOGOUT),
            "issuer" => Some(self.issuer.clone()),
            "jwks_uri" => below(path::JWKS),
            "token_endpoint" => below(path::TOKEN),
            "userinfo_endpoint" => below(path::USERINFO),
            _ => None,
        }
    }
}

/// An app's file with values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    pub redirect_uris: Vec<String>,
    pub post_logout_redirect_uris: Vec<String>,
    pub backchannel_logout_uri: Option<String>,
    pub snippets: Vec<Snippet>,
}

/// A text to paste.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    pub place: String,
    pub language: Language,
    pub text: String,
}

/// Puts the values into everything of an app that has placeholders.
#[must_use]
pub fn render(app: &App, values: &Values) -> Rendered {
    let uri = |template: &String| fill(template, values, Language::Text);
    Rendered {
        redirect_uris: app.redirect_uris.iter().map(uri).collect(),
        post_logout_redirect_uris: app.post_logout_redirect_uris.iter().map(uri).collect(),
        backchannel_logout_uri: app.backchannel_logout_uri.as_ref().map(uri),
        snippets: app
            .snippets
            .iter()
            .map(|snippet| Snippet {
                place: snippet.place.clone(),
                language: snippet.language,
                text: fill(snippet.text.trim_end(), values, snippet.language),
            })
            .collect(),
    }
}

fn fill(template: &str, values: &Values, language: Language) -> String {
    let mut text = String::with_capacity(template.len() * 2);
    let mut rest = template;
    // Values are written behind what was looked at, so a placeholder in a value is only text.
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let known = after.split_once('}').and_then(|(name, left)| Some((values.get(name)?, left)));
        rest = if let Some((value, left)) = known {
            text.push_str(&language.escape(&value));
            left
        } else {
            text.push('{');
            after
        };
    }
    text.push_str(rest);
    text
}
