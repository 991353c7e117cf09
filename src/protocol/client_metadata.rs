//! What makes client metadata valid (RFC 7591 section 2), and the defaults of each kind of client.
//! Console, command line and every later way to register share these rules.

mod sign_out;

use super::client::{AuthMethod, ClientKind, ClientMetadata, ConsentPolicy, GrantType, PkcePolicy};
use super::redirect_uri::{self, RedirectUriError};
use super::scope::Scopes;

/// One thing wrong with the metadata. `field` is the RFC 7591 name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct MetadataProblem {
    pub field: &'static str,
    pub problem: String,
}

impl MetadataProblem {
    fn new(field: &'static str, problem: impl Into<String>) -> Self {
        Self { field, problem: problem.into() }
    }

    /// The error code of RFC 7591 section 3.2.2.
    #[must_use]
    pub fn code(&self) -> &'static str {
        if self.field == "redirect_uris" {
            "invalid_redirect_uri"
        } else {
            "invalid_client_metadata"
        }
    }
}

impl ClientMetadata {
    /// What a new client of this kind starts with.
    #[must_use]
    pub fn for_kind(kind: ClientKind) -> Self {
        let base = Self { kind, ..Self::default() };
        match kind {
            ClientKind::Web => base,
            ClientKind::Spa | ClientKind::Native | ClientKind::Device => Self {
                token_endpoint_auth_method: AuthMethod::None,
                pkce: PkcePolicy::Required,
                ..base
            },
            ClientKind::Machine => Self {
                grant_types: vec![GrantType::ClientCredentials],
                scope: Scopes::default(),
                consent: ConsentPolicy::Skip,
                ..base
            },
        }
    }
}

/// Checks everything and reports every problem, so that a person fixes them in one go.
///
/// # Errors
/// The problems, in the order of the fields.
pub fn validate(metadata: &ClientMetadata) -> Result<(), Vec<MetadataProblem>> {
    let mut problems = Vec::new();
    check_name(metadata, &mut problems);
    check_redirect_uris(metadata, &mut problems);
    check_grants(metadata, &mut problems);
    check_links(metadata, &mut problems);
    sign_out::check(metadata, &mut problems);
    check_numbers(metadata, &mut problems);
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn check_name(metadata: &ClientMetadata, problems: &mut Vec<MetadataProblem>) {
    let name = metadata.client_name.trim();
    if name.is_empty() || name.chars().count() > 100 {
        problems.push(MetadataProblem::new("client_name", "needs 1 to 100 characters"));
    }
    if name.chars().any(is_deceptive) {
        problems.push(MetadataProblem::new(
            "client_name",
            "contains a control or text-direction character",
        ));
    }
}

/// Control characters, and those that turn the direction of text around to disguise it.
#[must_use]
pub fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn check_redirect_uris(metadata: &ClientMetadata, problems: &mut Vec<MetadataProblem>) {
    let lists = [
        ("redirect_uris", &metadata.redirect_uris),
        ("post_logout_redirect_uris", &metadata.post_logout_redirect_uris),
    ];
    for (field, uris) in lists {
        if uris.len() > 100 {
            problems.push(MetadataProblem::new(field, "has more than 100 entries"));
        }
        for uri in uris {
            if let Err(error) = redirect_uri::validate(uri, metadata.kind) {
                problems.push(MetadataProblem::new(field, format!("{uri:?} {error}")));
            }
        }
    }
    let needs_uri = metadata.grant_types.contains(&GrantType::AuthorizationCode)
        && metadata.kind != ClientKind::Device;
    if needs_uri && metadata.redirect_uris.is_empty() {
        problems.push(MetadataProblem::new(
            "redirect_uris",
            "needs at least one entry for the authorization_code grant",
        ));
    }
    for origin in &metadata.allowed_origins {
        let own =
            url::Url::parse(origin).is_ok_and(|url| url.origin().ascii_serialization() == *origin);
        if !own {
            problems.push(MetadataProblem::new(
                "allowed_origins",
                format!("{origin:?} is not an origin such as https://app.example.com"),
            ));
        }
    }
}

fn check_grants(metadata: &ClientMetadata, problems: &mut Vec<MetadataProblem>) {
    if metadata.grant_types.is_empty() {
        problems.push(MetadataProblem::new("grant_types", "needs at least one entry"));
    }
    let public = metadata.token_endpoint_auth_method == AuthMethod::None;
    if public && metadata.grant_types.contains(&GrantType::ClientCredentials) {
        problems.push(MetadataProblem::new(
            "grant_types",
            "a public client cannot use client_credentials",
        ));
    }
    if !public && !metadata.kind.is_confidential() && metadata.kind != ClientKind::Native {
        problems.push(MetadataProblem::new(
            "token_endpoint_auth_method",
            "an app in the browser or on a device cannot keep a secret; use none",
        ));
    }
}

fn check_links(metadata: &ClientMetadata, problems: &mut Vec<MetadataProblem>) {
    let links = [
        ("client_uri", &metadata.client_uri),
        ("policy_uri", &metadata.policy_uri),
        ("tos_uri", &metadata.tos_uri),
    ];
    for (field, link) in links {
        let Some(link) = link else { continue };
        // The same rules as for redirect URIs: https or loopback, nothing a browser would run.
        match redirect_uri::validate(link, ClientKind::Web) {
            Ok(()) | Err(RedirectUriError::Fragment) => {}
            Err(error) => problems.push(MetadataProblem::new(field, error.to_string())),
        }
    }
}

fn check_numbers(metadata: &ClientMetadata, problems: &mut Vec<MetadataProblem>) {
    if metadata.access_token_lifetime.is_some_and(|s| !(60..=3600).contains(&s)) {
        problems.push(MetadataProblem::new("access_token_lifetime", "must be 60 to 3600 seconds"));
    }
    if metadata.default_max_age.is_some_and(|s| s < 0) {
        problems.push(MetadataProblem::new("default_max_age", "must not be negative"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn web() -> ClientMetadata {
        ClientMetadata {
            client_name: "App".into(),
            redirect_uris: vec!["https://rp.test/cb".into()],
            ..ClientMetadata::for_kind(ClientKind::Web)
        }
    }

    #[test]
    fn a_plain_web_app_is_valid() {
        assert_eq!(validate(&web()), Ok(()));
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let bad = ClientMetadata {
            client_name: String::new(),
            redirect_uris: vec!["javascript:alert(1)".into(), "http://rp.test".into()],
            policy_uri: Some("javascript:alert(1)".into()),
            access_token_lifetime: Some(86_400),
            ..web()
        };
        let problems = validate(&bad).unwrap_err();
        assert_eq!(problems.len(), 5, "{problems:?}");
        assert_eq!(problems[1].code(), "invalid_redirect_uri");
        assert_eq!(problems[0].code(), "invalid_client_metadata");
    }

    #[test]
    fn a_name_cannot_disguise_itself() {
        let bad = ClientMetadata { client_name: "Bank\u{202e}live".into(), ..web() };
        assert!(validate(&bad).is_err());
    }

    #[test]
    fn public_kinds_start_without_a_secret_and_with_pkce() {
        for kind in [ClientKind::Spa, ClientKind::Native, ClientKind::Device] {
            let start = ClientMetadata::for_kind(kind);
            assert_eq!(start.token_endpoint_auth_method, AuthMethod::None);
            assert_eq!(start.pkce, PkcePolicy::Required);
        }
    }

    #[test]
    fn an_origin_is_scheme_host_and_port_only() {
        let with = |origin: &str| ClientMetadata { allowed_origins: vec![origin.into()], ..web() };
        assert!(validate(&with("https://app.test")).is_ok());
        for bad in ["https://app.test/", "*", "null", "app.test", "https://app.test/x"] {
            assert!(validate(&with(bad)).is_err(), "{bad}");
        }
    }
}
