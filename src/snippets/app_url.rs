//! Which address of an app may stand in a snippet. Somebody pastes the snippet into a configuration,
//! and perhaps somebody else made the link that filled it in: so the address may have nothing that
//! means something in any of the languages.

use crate::protocol::client::ClientKind;
use crate::protocol::client::redirect_uri::{self, RedirectUriError};

/// Why an address is not taken; the text is for the administrator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AppUrlError {
    #[error("The address of the app {0}.")]
    Uri(#[from] RedirectUriError),
    #[error("The address of the app may have letters, digits and - . _ ~ : / [ ] only.")]
    Characters,
}

/// The address as it stands in snippets: without a slash at the end, so that a path can follow.
///
/// # Errors
/// [`AppUrlError`].
pub fn check(text: &str) -> Result<String, AppUrlError> {
    let url = text.trim().trim_end_matches('/');
    redirect_uri::validate(url, ClientKind::Web)?;
    if url.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~:/[]".contains(&b)) {
        Ok(url.to_owned())
    } else {
        Err(AppUrlError::Characters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_loses_the_slash_at_its_end() {
        assert_eq!(check(" https://app.test:8443/sub/ ").unwrap(), "https://app.test:8443/sub");
        assert_eq!(check("http://localhost:3000").unwrap(), "http://localhost:3000");
        assert_eq!(check("http://[::1]:3000/").unwrap(), "http://[::1]:3000");
    }

    #[test]
    fn nothing_that_means_something_in_a_snippet_comes_in() {
        for bad in [
            "",
            "app.test",
            "http://app.test",
            "javascript:alert(1)",
            "https://a@app.test",
            "https://app.test/#x",
            "https://app.test/?x=1",
            "https://app.test/\n[auth]",
            "https://app.test/'",
            "https://app.test/\"",
            "https://app.test/$(id)",
            "https://app.test/`id`",
            "https://app.test/;x",
            "https://app.test/{issuer}",
            "https://app.test/%(x)s",
            "https://app.test/a b",
            "https://app.test/é",
            "https://app.test/\\",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
