//! The issuer: the one URL that names this provider (OpenID Connect Discovery section 3, RFC 8414
//! section 2). Clients compare it byte for byte, so it is never rewritten: a text that would need
//! rewriting is refused with the text that would not.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use url::Url;

/// A checked issuer: https (or http on a loopback host), no trailing slash, no query, no fragment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Issuer {
    text: String,
    host: String,
    port: u16,
    /// Where the path starts in `text`.
    path_at: usize,
}

impl Issuer {
    /// Checks `text`. The error says what is wrong and what to set instead, without repeating a
    /// user name or password that may stand in the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|_| {
            "it is not a URL. Set the address people open, for example https://id.example.com"
                .to_owned()
        })?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err("it is not a web address. Set one that starts with https://, \
                        for example https://id.example.com"
                .to_owned());
        }
        refuse_extras(&url)?;
        if url.scheme() == "http" && !is_loopback(&url) {
            return Err(format!(
                "plain http is allowed on localhost only. Set it to \"{}\"",
                with_https(&url)
            ));
        }
        let canonical = bare(&url);
        if text != canonical {
            return Err(format!(
                "apps compare it byte for byte, so it must be written in one way only{}. \
                 Set it to \"{canonical}\"",
                if text.ends_with('/') { ": without a slash at the end" } else { "" },
            ));
        }
        if url.path().contains("//") {
            return Err("its path has two slashes in a row. Write one".to_owned());
        }
        let port = url.port_or_known_default().unwrap_or(443);
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let path_at = url.origin().ascii_serialization().len();
        Ok(Self { text: canonical, host, port, path_at })
    }

    /// The issuer exactly as configured: the `iss` of every token.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The path every URL of the provider starts with: empty, or like `/auth`.
    #[must_use]
    pub fn path(&self) -> &str {
        self.text.get(self.path_at..).unwrap_or_default()
    }

    /// Scheme, host and port, as browsers write an origin (RFC 6454 section 6.2).
    #[must_use]
    pub fn origin(&self) -> &str {
        self.text.get(..self.path_at).unwrap_or(&self.text)
    }

    /// The host without brackets or port.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, written or implied by the scheme.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether the address is https; decides about `Secure` cookies and HSTS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.text.starts_with("https://")
    }

    /// Whether the host is this machine: `localhost`, `127.0.0.1` or `[::1]`.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        matches!(self.host.as_str(), "localhost" | "127.0.0.1" | "::1")
    }

    /// The URL of `path` (which starts with a slash) below the issuer.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }
}

impl Default for Issuer {
    fn default() -> Self {
        let text = "http://localhost:8080".to_owned();
        Self { path_at: text.len(), text, host: "localhost".to_owned(), port: 8080 }
    }
}

impl std::fmt::Display for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Issuer {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<Issuer> for String {
    fn from(issuer: Issuer) -> Self {
        issuer.text
    }
}

impl JsonSchema for Issuer {
    fn schema_name() -> Cow<'static, str> {
        "Issuer".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "uri" })
    }
}

fn refuse_extras(url: &Url) -> Result<(), String> {
    let extra = if !url.username().is_empty() || url.password().is_some() {
        "a user name or password"
    } else if url.query().is_some() {
        "a query (the part after ?)"
    } else if url.fragment().is_some() {
        "a fragment (the part after #)"
    } else {
        return Ok(());
    };
    Err(format!("it contains {extra}. Set it to \"{}\"", with_https(url)))
}

fn is_loopback(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

/// Scheme, host, port and path in the one form that needs no rewriting.
fn bare(url: &Url) -> String {
    let path = url.path().trim_end_matches('/');
    format!("{}{path}", url.origin().ascii_serialization())
}

/// The bare form, on https unless the host is this machine.
fn with_https(url: &Url) -> String {
    let bare = bare(url);
    match bare.strip_prefix("http://") {
        Some(rest) if !is_loopback(url) => format!("https://{rest}"),
        _ => bare,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        Issuer::parse(text).unwrap_err()
    }

    #[test]
    fn the_default_issuer_is_localhost_on_port_8080() {
        assert_eq!(Issuer::default(), Issuer::parse("http://localhost:8080").unwrap());
    }

    #[test]
    fn https_and_loopback_http_issuers_are_accepted() {
        for good in [
            "https://id.example.com",
            "https://id.example.com:8443",
            "https://example.com/auth",
            "http://localhost:8080",
            "http://localhost",
            "http://127.0.0.1:9000",
            "http://[::1]:8080",
        ] {
            assert_eq!(Issuer::parse(good).unwrap().as_str(), good);
        }
    }

    #[test]
    fn a_trailing_slash_is_refused_with_the_text_to_set() {
        assert!(
            refusal("https://id.example.com/").ends_with("Set it to \"https://id.example.com\"")
        );
        assert!(refusal("https://example.com/auth/").contains("\"https://example.com/auth\""));
    }

    #[test]
    fn http_beyond_this_machine_is_refused_with_the_https_form() {
        let text = refusal("http://id.example.com");
        assert!(text.contains("Set it to \"https://id.example.com\""), "{text}");
        for host in ["localhost.example.com", "127.0.0.1.nip.io", "0.0.0.0", "192.168.1.2"] {
            assert!(Issuer::parse(&format!("http://{host}:8080")).is_err(), "{host}");
        }
    }

    #[test]
    fn query_fragment_and_user_info_are_refused_and_a_password_is_not_repeated() {
        assert!(refusal("https://id.example.com?x=1").contains("query"));
        assert!(refusal("https://id.example.com?").contains("query"));
        assert!(refusal("https://id.example.com#").contains("fragment"));
        let text = refusal("https://me:hunter22@id.example.com");
        assert!(text.contains("user name"), "{text}");
        assert!(!text.contains("hunter22"), "{text}");
    }

    #[test]
    fn a_text_that_clients_would_rewrite_is_refused() {
        for (bad, good) in [
            ("https://ID.example.com", "https://id.example.com"),
            ("https://id.example.com:443", "https://id.example.com"),
            ("https://example.com/a/../b", "https://example.com/b"),
            (" https://id.example.com", "https://id.example.com"),
        ] {
            assert!(refusal(bad).contains(&format!("\"{good}\"")), "{bad}");
        }
        assert!(refusal("https://example.com/a//b").contains("two slashes"));
    }

    #[test]
    fn what_is_not_a_web_address_is_refused() {
        for bad in ["", "id.example.com", "ftp://example.com", "mailto:a@example.com"] {
            assert!(Issuer::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_issuer_knows_its_parts() {
        let issuer = Issuer::parse("https://example.com/auth").unwrap();
        assert_eq!(issuer.path(), "/auth");
        assert_eq!(issuer.origin(), "https://example.com");
        assert_eq!(issuer.port(), 443);
        assert_eq!(issuer.join("/oauth2/token"), "https://example.com/auth/oauth2/token");
        assert_eq!(Issuer::parse("http://[::1]:8080").unwrap().host(), "::1");
        assert_eq!(Issuer::default().path(), "");
    }
}
