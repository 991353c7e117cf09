//! What is asked for, and what came back.

use crate::clock::Seconds;

/// What kind of document is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accept {
    /// Any JSON: sector identifiers.
    Json,
    /// What describes a client (draft-ietf-oauth-client-id-metadata-document) or a provider (OpenID Connect
    /// Discovery section 4).
    Document,
    /// A JWK set (RFC 7517 section 8.5).
    JwkSet,
    /// A request object (RFC 9101 section 4).
    RequestObject,
    /// The logo of a client (RFC 7591 section 2).
    Picture,
}

impl Accept {
    /// The `Accept` header.
    #[must_use]
    pub fn header(self) -> &'static str {
        match self {
            Self::Json | Self::Document => "application/json",
            Self::JwkSet => "application/jwk-set+json, application/json;q=0.9, */*;q=0.1",
            Self::RequestObject => {
                "application/oauth-authz-req+jwt, application/jwt;q=0.9, */*;q=0.1"
            }
            Self::Picture => "image/png, image/webp, image/jpeg",
        }
    }
}

impl Accept {
    /// Bytes that are read of it at most. Nobody can make Doorward pull more out of somebody's server
    /// than the largest honest document has.
    #[must_use]
    pub fn most(self) -> usize {
        match self {
            Self::Json | Self::Picture => 512 * 1024,
            Self::Document => 32 * 1024,
            Self::JwkSet | Self::RequestObject => 96 * 1024,
        }
    }
}

/// An answer, whatever its status: a redirect is not followed and an error is not interpreted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    pub status: u16,
    /// The media type without its parameters, in lower case.
    pub content_type: Option<String>,
    pub body: Vec<u8>,
    /// Seconds it may be kept, if the server said so (RFC 9111 section 5.2); 0 when it may not.
    pub max_age: Option<Seconds>,
}

impl Fetched {
    /// The body of a 200 as text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.body).ok().filter(|_| self.status == 200)
    }
}

/// The media type of a `Content-Type` header.
pub(super) fn media_type(header: &str) -> String {
    header.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// How long a `Cache-Control` header lets an answer be kept.
pub(super) fn max_age(header: &str) -> Option<Seconds> {
    let directives = || header.split(',').map(|directive| directive.trim().to_ascii_lowercase());
    if directives().any(|name| name == "no-store" || name == "no-cache") {
        return Some(0);
    }
    directives().find_map(|directive| {
        let value = directive.strip_prefix("max-age=")?.trim_matches('"').to_owned();
        let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        // Longer than any number is as long as anybody keeps anything.
        digits.then(|| value.parse().unwrap_or(Seconds::MAX))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_an_answer_may_be_kept_is_read_from_its_header() {
        for (header, expected) in [
            ("public, max-age=300", Some(300)),
            ("Max-Age=\"60\"", Some(60)),
            ("no-store", Some(0)),
            ("max-age=300, no-cache", Some(0)),
            ("max-age=99999999999999999999", Some(Seconds::MAX)),
            ("max-age=-1", None),
            ("max-age=", None),
            ("private", None),
            ("", None),
        ] {
            assert_eq!(max_age(header), expected, "{header}");
        }
    }

    #[test]
    fn the_media_type_has_no_parameters() {
        assert_eq!(media_type("Application/JSON; charset=utf-8"), "application/json");
    }
}
