//! A form that sends itself: the answer of OAuth 2.0 Form Post Response Mode on its way to the app, or
//! an app's request that has to come from a page of ours.

use askama::Template;

use super::chrome::Chrome;
use super::filters;
use super::sample::words;

/// The script on the page, the only inline one anywhere. It is constant, so that its hash can
/// stand in the policy; it calls the prototype's `submit`, since a parameter could have that name.
pub const SCRIPT: &str = include_str!("../../../static/form-post.js");

/// What to add to `script-src` on this page so that [`SCRIPT`] may run.
pub const SCRIPT_SOURCE: &str = "'sha256-I0w5GJyvKG50uS0fYgaxosduPLWT8qcIQJeVhEFfa7c='";

/// The page that sends something on by POST.
#[derive(Debug, Template)]
#[template(path = "form_post.html")]
pub struct FormPost {
    pub chrome: Chrome,
    /// The app that it goes to; `None` on the way to signing in.
    pub app_name: Option<String>,
    /// The registered redirect URI, or the address of the request.
    pub action: String,
    /// The parameters of the response or the request.
    pub params: Vec<(String, String)>,
}

impl FormPost {
    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            app_name: Some(words("Orchard Wiki")),
            action: words("https://wiki.orchard.example/callback"),
            params: ["code", "state", "iss"].map(|n| (n.to_owned(), words("value"))).to_vec(),
        }
    }

    /// A request on its way to the sign-in page.
    #[must_use]
    pub fn sample_request() -> Self {
        Self { app_name: None, ..Self::sample() }
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
