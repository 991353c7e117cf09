//! The answer of OAuth 2.0 Form Post Response Mode: a form that sends itself to the app.

use askama::Template;

use super::chrome::Chrome;
use super::filters;
use super::sample::words;

/// The script on the page, the only inline one anywhere. It is constant, so that its hash can
/// stand in the policy; it calls the prototype's `submit`, since a parameter could have that name.
pub const SCRIPT: &str = include_str!("../../../static/form-post.js");

/// What to add to `script-src` on this page so that [`SCRIPT`] may run.
pub const SCRIPT_SOURCE: &str = "'sha256-I0w5GJyvKG50uS0fYgaxosduPLWT8qcIQJeVhEFfa7c='";

/// The page that sends an authorization response to the app by POST.
#[derive(Debug, Template)]
#[template(path = "form_post.html")]
pub struct FormPost {
    pub chrome: Chrome,
    pub app_name: String,
    /// The registered redirect URI.
    pub action: String,
    /// The response's parameters.
    pub params: Vec<(String, String)>,
}

impl FormPost {
    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            app_name: words("Orchard Wiki"),
            action: words("https://wiki.orchard.example/callback"),
            params: ["code", "state", "iss"].map(|n| (n.to_owned(), words("value"))).to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::assets;

    #[test]
    fn the_policy_source_is_the_hash_of_the_script() {
        let digest = assets::sha256("form-post.js").unwrap();
        let source = format!("'sha256-{}'", data_encoding::BASE64.encode(&digest));
        assert_eq!(SCRIPT_SOURCE, source);
    }

    #[test]
    fn the_page_carries_the_script_byte_for_byte() {
        let html = FormPost::sample().render().unwrap();
        assert!(html.contains(&format!("<script>{SCRIPT}</script>")));
    }
}
