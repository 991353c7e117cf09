//! What surrounds every page: where it lives, in which language, and the nonce that lets its own
//! style sheet and scripts pass the content security policy.

use super::sample::words;
use crate::http::assets;
use crate::protocol::branding::Link;

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
    /// The path below `base` of the style sheet with this installation's own colour.
    pub stylesheet: Option<String>,
    /// This installation's own logo, in place of ours and the name.
    pub logo: Option<BrandLogo>,
    /// What stands at the foot of every page.
    pub foot: Foot,
}

/// The logo of an installation.
#[derive(Debug, Clone)]
pub struct BrandLogo {
    pub plain: LogoFile,
    /// Another one for dark pages.
    pub dark: Option<LogoFile>,
}

/// A picture as pages load it.
#[derive(Debug, Clone)]
pub struct LogoFile {
    /// Below [`Chrome::base`].
    pub path: String,
    /// In pixels.
    pub width: i64,
    /// In pixels.
    pub height: i64,
}

impl BrandLogo {
    pub(super) fn sample() -> Self {
        let file = |mark: &str| LogoFile {
            path: format!("/branding/picture.{mark}.png"),
            width: 320,
            height: 80,
        };
        Self { plain: file("0123456789abcdef"), dark: Some(file("fedcba9876543210")) }
    }
}

/// What stands at the foot of every page.
#[derive(Debug, Clone, Default)]
pub struct Foot {
    /// Label and https address of each.
    pub links: Vec<Link>,
    pub text: String,
}

impl Foot {
    /// Whether nothing stands there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.links.is_empty() && self.text.is_empty()
    }
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
            logo: None,
            stylesheet: Some("/branding/accent.ff8800.0123456789ab.css".to_owned()),
            foot: Foot {
                links: Link::parse("Help https://help.orchard.example").into_iter().collect(),
                text: words("Orchard Cooperative"),
            },
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
