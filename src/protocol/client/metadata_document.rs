//! Client ID metadata documents (draft-ietf-oauth-client-id-metadata-document): a `client_id` that is
//! the https URL of a JSON document, and what such a document may say.
//!
//! Nobody has looked at such a client. What it says is taken as a registration by a stranger is, and
//! it may send people only to where it lives itself or to a program on their own device.

use serde_json::{Map, Value};

use crate::clock::Seconds;
use crate::protocol::client::registration::{self, Policy};
use crate::protocol::client::validation::MetadataProblem;
use crate::protocol::client::{ClientKind, ClientMetadata, PkcePolicy, redirect_uri};

/// The longest URL taken as a client id, in bytes.
const LONGEST: usize = 500;
/// The largest document taken, in bytes. The draft advises publishers to stay below 5 KB.
pub const MOST_BYTES: usize = 16 * 1024;
/// A document is kept at least this long, whatever its server says.
const LEAST_AGE: Seconds = 60;
/// And at most this long.
const MOST_AGE: Seconds = 86_400;
/// When its server says nothing.
const USUAL_AGE: Seconds = 3_600;

/// Why a URL cannot be a client id (section 3); completes "the client_id …".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlRule {
    #[error("is longer than 500 characters")]
    TooLong,
    #[error("is not an https URL in its normal form")]
    NotNormal,
    #[error("must have a path")]
    NoPath,
    #[error("must not have a fragment")]
    Fragment,
    #[error("must not carry a user name or password")]
    UserInfo,
    #[error("must not have dot segments in its path")]
    DotSegments,
}

/// Whether a client id is meant as the URL of a document. No other client has such an id.
#[must_use]
pub fn is_url(client_id: &str) -> bool {
    client_id.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://"))
}

/// Checks a URL and gives its host. One document has one URL: any other spelling would be another
/// client with the same document.
///
/// # Errors
/// The first rule it breaks.
pub fn host_of(client_id: &str) -> Result<String, UrlRule> {
    if client_id.len() > LONGEST {
        return Err(UrlRule::TooLong);
    }
    if client_id.contains('#') {
        return Err(UrlRule::Fragment);
    }
    let path = client_id.split('?').next().unwrap_or_default();
    let dotted = |segment: &str| {
        let plain = segment.to_ascii_lowercase().replace("%2e", ".");
        plain == "." || plain == ".."
    };
    if path.split(['/', '\\']).any(dotted) {
        return Err(UrlRule::DotSegments);
    }
    let url = url::Url::parse(client_id).map_err(|_| UrlRule::NotNormal)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlRule::UserInfo);
    }
    if url.path().trim_matches('/').is_empty() {
        return Err(UrlRule::NoPath);
    }
    if url.scheme() != "https" || url.as_str() != client_id {
        return Err(UrlRule::NotNormal);
    }
    url.host_str().map(str::to_owned).ok_or(UrlRule::NotNormal)
}

/// How long a document may be used before it is read again.
#[must_use]
pub fn lifetime(max_age: Option<Seconds>) -> Seconds {
    max_age.unwrap_or(USUAL_AGE).clamp(LEAST_AGE, MOST_AGE)
}

/// Whether a media type is one of JSON (section 4): `application/json` or `application/…+json`.
#[must_use]
pub fn is_json(media_type: &str) -> bool {
    media_type
        .strip_prefix("application/")
        .is_some_and(|rest| rest == "json" || rest.ends_with("+json"))
}

/// Reads the members of the document at `client_id`. What is left still has to pass
/// [`crate::protocol::client::validation::validate`].
///
/// # Errors
/// The problems.
pub fn read(
    members: &Map<String, Value>,
    client_id: &str,
    policy: &Policy<'_>,
) -> Result<ClientMetadata, Vec<MetadataProblem>> {
    // Section 4.1: compared as strings. Without it anybody could host a copy.
    if members.get("client_id").and_then(Value::as_str) != Some(client_id) {
        let text = "must be the very URL of the document";
        return Err(vec![MetadataProblem::new("client_id", text)]);
    }
    let mut problems = Vec::new();
    for field in ["client_secret", "client_secret_expires_at"] {
        if members.contains_key(field) {
            problems.push(MetadataProblem::new(field, "must not be in a public document"));
        }
    }
    let mut metadata = registration::read(members, policy)?;
    let places = [
        ("redirect_uris", &metadata.redirect_uris),
        ("post_logout_redirect_uris", &metadata.post_logout_redirect_uris),
    ];
    for (field, uris) in places {
        for uri in uris.iter().filter(|uri| !redirect_uri::is_loopback(uri)) {
            if !same_origin(uri, client_id) {
                let text =
                    "must have the scheme, host and port of client_id, or be a loopback address";
                problems.push(MetadataProblem::of(field, uri, text));
            }
        }
    }
    // A program on the person's device listens on whatever port is free (RFC 8252 section 7.3).
    if metadata.kind == ClientKind::Spa
        && metadata.redirect_uris.iter().any(|uri| redirect_uri::is_loopback(uri))
    {
        metadata.kind = ClientKind::Native;
    }
    metadata.pkce = PkcePolicy::Required;
    if problems.is_empty() { Ok(metadata) } else { Err(problems) }
}

fn same_origin(one: &str, other: &str) -> bool {
    match (url::Url::parse(one), url::Url::parse(other)) {
        (Ok(one), Ok(other)) => one.origin().is_tuple() && one.origin() == other.origin(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::client::AuthMethod;
    use crate::protocol::client::GrantType;
    use crate::protocol::scope::Scopes;
    use serde_json::json;

    const ID: &str = "https://app.test/oauth/client.json";

    fn asked(document: &Value) -> Result<ClientMetadata, Vec<&'static str>> {
        let scopes = Scopes::parse("openid").unwrap();
        let policy = Policy {
            grant_types: &[GrantType::AuthorizationCode, GrantType::RefreshToken],
            auth_methods: &[AuthMethod::None],
            scopes: &scopes,
            detail_types: &[],
            default_auth_method: AuthMethod::None,
        };
        read(document.as_object().unwrap(), ID, &policy)
            .map_err(|problems| problems.into_iter().map(|problem| problem.field).collect())
    }

    fn document(changes: &Value) -> Value {
        let mut document = json!({
            "client_id": ID, "client_name": "App", "redirect_uris": ["https://app.test/cb"],
        });
        document.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        document
    }

    #[test]
    fn a_plain_https_url_with_a_path_is_a_client_id() {
        for good in
            [ID, "https://app.test:8443/c?v=1", "https://xn--p-eca.test/c", "https://app.test/a/"]
        {
            assert!(is_url(good) && host_of(good).is_ok(), "{good}");
        }
        assert_eq!(host_of("https://app.test:8443/c").unwrap(), "app.test");
        for plain in ["conf-basic", "http://app.test/c", "urn:x", "", "https:/", "ἀ"] {
            assert!(!is_url(plain), "{plain}");
        }
    }

    #[test]
    fn other_spellings_of_a_url_are_no_client_ids() {
        for (bad, rule) in [
            ("https://app.test", UrlRule::NoPath),
            ("https://app.test/", UrlRule::NoPath),
            ("https://app.test/c#x", UrlRule::Fragment),
            ("https://u@app.test/c", UrlRule::UserInfo),
            ("https://u:p@app.test/c", UrlRule::UserInfo),
            ("https://app.test/a/../c", UrlRule::DotSegments),
            ("https://app.test/./c", UrlRule::DotSegments),
            ("https://app.test/%2e%2E/c", UrlRule::DotSegments),
            ("HTTPS://app.test/c", UrlRule::NotNormal),
            ("https://APP.test/c", UrlRule::NotNormal),
            ("https://app.test:443/c", UrlRule::NotNormal),
            ("https://app.test\\c", UrlRule::NotNormal),
            ("https://ἀpp.test/c", UrlRule::NotNormal),
            ("https://app.test/ c", UrlRule::NotNormal),
            ("https://0x7f.1/c", UrlRule::NotNormal),
            ("https:///c", UrlRule::NoPath),
        ] {
            assert_eq!(host_of(bad), Err(rule), "{bad}");
        }
        let long = format!("https://app.test/{}", "x".repeat(500));
        assert_eq!(host_of(&long), Err(UrlRule::TooLong));
    }

    #[test]
    fn a_document_describes_a_public_client_with_pkce() {
        let metadata = asked(&document(&json!({}))).unwrap();
        assert_eq!(metadata.kind, ClientKind::Spa);
        assert_eq!(metadata.token_endpoint_auth_method, AuthMethod::None);
        assert_eq!(metadata.pkce, PkcePolicy::Required);
        let both = json!({ "redirect_uris": ["https://app.test/cb", "http://127.0.0.1/cb"] });
        assert_eq!(asked(&document(&both)).unwrap().kind, ClientKind::Native);
    }

    #[test]
    fn a_document_speaks_for_its_own_url_only_and_holds_no_secret() {
        for other in [json!("https://app.test/oauth/client.json/"), json!(null), json!(1)] {
            assert_eq!(asked(&document(&json!({ "client_id": other }))), Err(vec!["client_id"]));
        }
        for (field, value) in [
            ("client_secret", json!("s")),
            ("client_secret_expires_at", json!(0)),
            ("token_endpoint_auth_method", json!("client_secret_basic")),
            ("token_endpoint_auth_method", json!("client_secret_post")),
            ("token_endpoint_auth_method", json!("client_secret_jwt")),
        ] {
            let changed = document(&json!({ field: value }));
            assert_eq!(asked(&changed), Err(vec![field]), "{field}");
        }
    }

    #[test]
    fn people_are_sent_only_to_where_the_document_lives_or_to_their_own_device() {
        for bad in [
            "https://evil.test/cb",
            "https://app.test.evil.test/cb",
            "https://app.test:8443/cb",
            "http://app.test/cb",
            "com.example.app:/cb",
            "javascript:alert(1)",
        ] {
            for field in ["redirect_uris", "post_logout_redirect_uris"] {
                assert_eq!(asked(&document(&json!({ field: [bad] }))), Err(vec![field]), "{bad}");
            }
        }
    }

    #[test]
    fn a_document_is_kept_within_bounds() {
        assert_eq!(lifetime(None), 3_600);
        assert_eq!(lifetime(Some(0)), 60);
        assert_eq!(lifetime(Some(300)), 300);
        assert_eq!(lifetime(Some(Seconds::MAX)), 86_400);
    }

    #[test]
    fn only_json_is_read() {
        assert!(is_json("application/json") && is_json("application/client+json"));
        for bad in ["text/html", "text/json", "application/jsonx", "application/", ""] {
            assert!(!is_json(bad), "{bad}");
        }
    }
}
