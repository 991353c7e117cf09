//! What surrounds every page: where it lives, in which language, and the nonce that lets its own
//! style sheet and scripts pass the content security policy.

use super::sample::words;
use crate::http::assets;

/// Made once per response, the same for every page.
#[derive(Debug, Clone)]
pub struct Chrome {
    /// The nonce of this response's `Content-Security-Policy`; never reused.
    pub nonce: String,
    /// What this installation calls itself; `Doorward` unless configured.
    pub product_name: String,
    /// BCP 47 tag of the page's language.
    pub lang: &'static str,
    /// One sentence above every page, for instance that this is a demo.
    pub banner: Option<String>,
    /// The issuer's path without a trailing slash (`/sso`); empty when the issuer has no path.
    pub base: String,
}

impl Chrome {
    /// The writing direction of [`Chrome::lang`], for the `dir` attribute.
    #[must_use]
    pub fn dir(&self) -> &'static str {
        match self.lang.split('-').next() {
            Some("ar" | "fa" | "he" | "ur") => "rtl",
            _ => "ltr",
        }
    }

    /// The URL of a file under `static/` by its plain name.
    #[must_use]
    pub fn asset(&self, name: &str) -> String {
        format!("{}{}", self.base, assets::url(name))
    }

    #[must_use]
    pub fn sample() -> Self {
        Self {
            nonce: "c2FtcGxlLW5vbmNl".to_owned(),
            product_name: words("Doorward"),
            lang: "en",
            banner: None,
            base: String::new(),
        }
    }
}

/// The hidden inputs of every form on the way through a sign-in.
#[derive(Debug, Clone)]
pub struct FlowForm {
    /// The sealed request; empty when the form belongs to no request.
    pub flow: String,
    /// Proof that the form was made for this browser.
    pub csrf: String,
}

impl FlowForm {
    #[must_use]
    pub fn sample() -> Self {
        Self { flow: words("sealed-request"), csrf: words("csrf-value") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assets_live_under_the_issuers_path() {
        let chrome = Chrome { base: "/sso".to_owned(), ..Chrome::sample() };
        assert!(chrome.asset("mark.svg").starts_with("/sso/static/mark."));
    }

    #[test]
    fn the_direction_follows_the_language() {
        assert_eq!(Chrome { lang: "he-IL", ..Chrome::sample() }.dir(), "rtl");
        assert_eq!(Chrome::sample().dir(), "ltr");
    }
}
