//! What templates may do to a value beyond escaping it.

#![expect(clippy::inline_always, reason = "what the filter macro expands to")]

use std::fmt::Display;

use askama::Values;

use crate::protocol::plain_text::is_deceptive;

/// An address that is safe to put into `href` or `action`, or `#` in its place: `https`, `http`, a
/// path on this site, or an app's own scheme in reverse domain form (RFC 8252 section 7.1).
/// Anything that a browser would run, such as `javascript:`, never passes.
#[askama::filter_fn]
pub fn web_url(address: impl Display, _: &dyn Values) -> askama::Result<String> {
    let address = address.to_string();
    Ok(if is_web_url(&address) { address } else { "#".to_owned() })
}

/// Text without the characters that change its direction: for the window's title, which cannot
/// isolate them the way `<bdi>` does.
#[askama::filter_fn]
pub fn one_direction(text: impl Display, _: &dyn Values) -> askama::Result<String> {
    let mut text = text.to_string();
    text.retain(|c| !is_deceptive(c));
    Ok(text)
}

/// The first letter in upper case: the tile of an app that has no picture.
#[askama::filter_fn]
pub fn initial(name: impl Display, _: &dyn Values) -> askama::Result<String> {
    let name = name.to_string();
    let letter = name.chars().find(|c| c.is_alphanumeric()).unwrap_or('•');
    Ok(letter.to_uppercase().collect())
}

fn is_web_url(address: &str) -> bool {
    if address.chars().any(char::is_control) || address.contains('\\') {
        return false;
    }
    if let Some(rest) = address.strip_prefix('/') {
        return !rest.starts_with('/');
    }
    let Some((scheme, _)) = address.split_once(':') else { return false };
    let plain = scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+'));
    plain && (matches!(scheme, "https" | "http") || scheme.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::is_web_url;

    #[test]
    fn web_addresses_own_paths_and_app_schemes_pass() {
        for good in [
            "https://app.example/x?y#z",
            "http://localhost:1",
            "/admin",
            "/",
            "com.example.app:/cb",
        ] {
            assert!(is_web_url(good), "{good}");
        }
    }

    #[test]
    fn addresses_that_a_browser_would_run_or_send_elsewhere_do_not_pass() {
        for bad in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            " javascript:alert(1)",
            "java\nscript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            "blob:x",
            "//evil.example",
            "/\\evil.example",
            "",
            "relative",
        ] {
            assert!(!is_web_url(bad), "{bad:?}");
        }
    }
}
