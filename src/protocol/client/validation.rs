//! What makes client metadata valid (RFC 7591 section 2, OpenID Connect Registration section 2 and
//! their companions), and the defaults of each kind of client. Console, command line, registration
//! over the network and metadata documents share these rules: [`places`] has those of URIs,
//! [`choices`] those of keys, algorithms and words, [`claims`] those of claim mappings.

mod choices;
mod claims;
mod places;

use crate::protocol::client::{
    AuthMethod, ClientKind, ClientMetadata, ConsentPolicy, GrantType, PkcePolicy, access,
};
use crate::protocol::fapi;
use crate::protocol::scope::Scopes;

pub use places::{Fetched, fetched};

/// One thing wrong with the metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataProblem {
    /// The RFC 7591 name of the member.
    pub field: &'static str,
    /// What is wrong, in words that never repeat what came from outside.
    pub problem: String,
    /// The value that is wrong, for those who may see it again.
    pub value: Option<String>,
}

impl MetadataProblem {
    /// A problem of the member as a whole.
    #[must_use]
    pub fn new(field: &'static str, problem: impl Into<String>) -> Self {
        Self { field, problem: problem.into(), value: None }
    }

    /// A problem of one of the member's values.
    #[must_use]
    pub fn of(field: &'static str, value: &str, problem: impl Into<String>) -> Self {
        Self { value: Some(value.to_owned()), ..Self::new(field, problem) }
    }

    /// What is wrong, with the value that is.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.value {
            Some(value) => format!("{value:?} {}", self.problem),
            None => self.problem.clone(),
        }
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

/// The problems as an `error_description` (RFC 6749 section 5.2): one sentence each, without the
/// values, in the characters that are allowed there.
#[must_use]
pub fn description(problems: &[MetadataProblem]) -> String {
    let mut text = String::new();
    for problem in problems {
        if text.len() > 400 {
            text.push_str("; and more");
            break;
        }
        let joint = if text.is_empty() { "" } else { "; " };
        text.extend([joint, problem.field, " ", &problem.problem]);
    }
    text.retain(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\'));
    text
}

impl std::fmt::Display for MetadataProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.field, self.text())
    }
}

impl std::error::Error for MetadataProblem {}

impl ClientMetadata {
    /// What a new client of this kind starts with.
    #[must_use]
    pub fn for_kind(kind: ClientKind) -> Self {
        let base = Self { kind, ..Self::default() };
        match kind {
            ClientKind::Web => base,
            ClientKind::Spa | ClientKind::Native => Self {
                token_endpoint_auth_method: AuthMethod::None,
                pkce: PkcePolicy::Required,
                ..base
            },
            ClientKind::Device => Self {
                token_endpoint_auth_method: AuthMethod::None,
                pkce: PkcePolicy::Required,
                grant_types: vec![GrantType::DeviceCode, GrantType::RefreshToken],
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

/// The problems found so far.
type Problems = Vec<MetadataProblem>;

/// Checks everything and reports every problem, so that a person fixes them in one go.
///
/// # Errors
/// The problems, in the order of the fields.
pub fn validate(metadata: &ClientMetadata) -> Result<(), Vec<MetadataProblem>> {
    let mut problems = Vec::new();
    for check in [
        choices::name,
        places::redirect_uris,
        places::origins,
        grants,
        places::links,
        places::logout,
        places::fetched_ones,
        places::sector,
        places::resources,
        access::check,
        choices::keys,
        choices::certificate,
        choices::authentication,
        choices::encryption,
        choices::words,
        choices::scope,
        claims::mappings,
        numbers,
        binding,
        fapi::metadata,
    ] {
        check(metadata, &mut problems);
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn grants(metadata: &ClientMetadata, problems: &mut Problems) {
    if metadata.grant_types.is_empty() {
        problems.push(MetadataProblem::new("grant_types", "needs at least one entry"));
    }
    let public = metadata.token_endpoint_auth_method == AuthMethod::None;
    let needs_secret = |grant: &&GrantType| grant.needs_confidential_client();
    for grant in metadata.grant_types.iter().filter(|grant| public && needs_secret(grant)) {
        problems.push(MetadataProblem::new(
            "grant_types",
            format!("a public client cannot use {}", grant.as_str()),
        ));
    }
    if !public && !metadata.kind.is_confidential() && metadata.kind != ClientKind::Native {
        problems.push(MetadataProblem::new(
            "token_endpoint_auth_method",
            "an app in the browser or on a device cannot keep a secret; use none",
        ));
    }
}

fn binding(metadata: &ClientMetadata, problems: &mut Problems) {
    if metadata.dpop_bound_access_tokens && metadata.tls_client_certificate_bound_access_tokens {
        let text = "must not be set together with tls_client_certificate_bound_access_tokens";
        problems.push(MetadataProblem::new("dpop_bound_access_tokens", text));
    }
}

fn numbers(metadata: &ClientMetadata, problems: &mut Problems) {
    if metadata.access_token_lifetime.is_some_and(|s| !(60..=3600).contains(&s)) {
        problems.push(MetadataProblem::new("access_token_lifetime", "must be 60 to 3600 seconds"));
    }
    if metadata.default_max_age.is_some_and(|s| s < 0) {
        problems.push(MetadataProblem::new("default_max_age", "must not be negative"));
    }
}

#[cfg(test)]
mod tests;
