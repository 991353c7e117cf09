//! Registration requests: whatever a stranger sends, what is accepted keeps every promise made to
//! the people of this server, and can be told and sent back unchanged.
//!
//! Input: the JSON body.

use std::sync::LazyLock;

use doorward::clock::UnixTime;
use doorward::protocol::client::registration::{self, Policy};
use doorward::protocol::client::validation::{self, MetadataProblem};
use doorward::protocol::client::{
    AuthMethod, Client, ClientMetadata, ClientOrigin, ConsentPolicy, GrantType, PkcePolicy,
    SecurityProfile,
};
use doorward::protocol::jose::strict_json;
use doorward::protocol::scope::Scopes;
use doorward::protocol::types::ClientId;
use url::Url;

const GRANTS: [GrantType; 2] = [GrantType::AuthorizationCode, GrantType::RefreshToken];
const METHODS: [AuthMethod; 2] = [AuthMethod::None, AuthMethod::ClientSecretBasic];

static SCOPES: LazyLock<Scopes> =
    LazyLock::new(|| Scopes::parse("openid email offline_access").expect("scopes"));

pub fn check(data: &[u8]) {
    let Ok(members) = strict_json::object(data) else { return };
    match registration::read(&members, &policy()) {
        Err(problems) => told(&problems),
        Ok(metadata) => match validation::validate(&metadata) {
            Err(problems) => told(&problems),
            Ok(()) => accepted(metadata),
        },
    }
}

pub fn policy() -> Policy<'static> {
    Policy {
        grant_types: &GRANTS,
        auth_methods: &METHODS,
        scopes: &SCOPES,
        detail_types: &[],
        default_auth_method: AuthMethod::ClientSecretBasic,
    }
}

/// A refusal has a reason, in characters that RFC 6749 section 5.2 allows.
pub fn told(problems: &[MetadataProblem]) {
    let text = validation::description(problems);
    assert!(!text.is_empty() && text.len() < 1_000, "{problems:?}");
    let allowed = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
    assert!(text.chars().all(allowed), "{text:?}");
}

fn accepted(metadata: ClientMetadata) {
    assert_eq!(metadata.consent, ConsentPolicy::Ask);
    assert_eq!(metadata.security_profile, SecurityProfile::Standard);
    assert!(metadata.audience.is_empty() && metadata.allowed_origins.is_empty());
    assert!(metadata.access_token_lifetime.is_none());
    assert!(metadata.grant_types.iter().all(|grant| GRANTS.contains(grant)));
    assert!(METHODS.contains(&metadata.token_endpoint_auth_method));
    assert!(SCOPES.covers(&metadata.scope));
    if metadata.token_endpoint_auth_method == AuthMethod::None {
        assert_eq!(metadata.pkce, PkcePolicy::Required, "public clients use PKCE");
    }
    lead_nowhere_dangerous(&metadata);
    let client = Client {
        id: ClientId::new("fuzzed"),
        metadata,
        origin: ClientOrigin::Dynamic,
        secret_hashes: Vec::new(),
        logo: None,
        disabled_at: None,
        token_version: 0,
        created_at: UnixTime(0),
        updated_at: UnixTime(0),
    };
    let told = registration::describe(&client);
    assert_eq!(registration::read(&told, &policy()), Ok(client.metadata));
}

/// Judged by a URL parser alone.
pub fn lead_nowhere_dangerous(metadata: &ClientMetadata) {
    let lists = [&metadata.redirect_uris, &metadata.post_logout_redirect_uris];
    for uri in lists.into_iter().flatten() {
        let url = Url::parse(uri).expect("a URL");
        assert!(url.fragment().is_none() && url.username().is_empty(), "{uri}");
        let loopback = matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
        match url.scheme() {
            "https" => {}
            "http" => assert!(loopback, "{uri}"),
            scheme => assert!(scheme.contains('.'), "{uri}"),
        }
    }
    let links = [
        &metadata.client_uri,
        &metadata.policy_uri,
        &metadata.tos_uri,
        &metadata.logo_uri,
        &metadata.initiate_login_uri,
        &metadata.frontchannel_logout_uri,
    ];
    for link in links.into_iter().flatten() {
        let url = Url::parse(link).expect("a URL");
        assert!(matches!(url.scheme(), "https" | "http"), "{link}");
    }
    for (field, uri) in validation::fetched(metadata) {
        assert_eq!(Url::parse(uri).expect("a URL").scheme(), "https", "{field}: {uri}");
    }
}
