//! Dynamic client registration (RFC 7591, OpenID Connect Registration): what a request asks for, as
//! far as the server lets strangers choose, and how the result is told.
//!
//! A stranger chooses among what the policy allows and never how far the server trusts the app:
//! consent, lifetimes, audiences and the like are not for it to say. Members that are not known are
//! ignored (RFC 7591 section 2), among them `client_name#de` and its like.

mod merge;

use serde_json::{Map, Value, json};

pub use merge::{changed_members, merge};

use crate::protocol::client::validation::MetadataProblem;
use crate::protocol::client::{
    AuthMethod, Client, ClientKind, ClientMetadata, GrantType, PkcePolicy, redirect_uri,
};
use crate::protocol::scope::Scopes;

/// The members of [`ClientMetadata`] that are taken as they come. `grant_types`,
/// `token_endpoint_auth_method`, `response_types` and `application_type` are read beside them.
const PLAIN: [&str; 50] = [
    "client_name",
    "redirect_uris",
    "post_logout_redirect_uris",
    "scope",
    "id_token_signed_response_alg",
    "default_max_age",
    "client_uri",
    "policy_uri",
    "tos_uri",
    "initiate_login_uri",
    "logo_uri",
    "contacts",
    "software_id",
    "software_version",
    "jwks",
    "jwks_uri",
    "token_endpoint_auth_signing_alg",
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
    "tls_client_certificate_bound_access_tokens",
    "dpop_bound_access_tokens",
    "request_uris",
    "request_object_signing_alg",
    "request_object_encryption_alg",
    "request_object_encryption_enc",
    "require_signed_request_object",
    "require_pushed_authorization_requests",
    "id_token_encrypted_response_alg",
    "id_token_encrypted_response_enc",
    "userinfo_signed_response_alg",
    "userinfo_encrypted_response_alg",
    "userinfo_encrypted_response_enc",
    "introspection_signed_response_alg",
    "introspection_encrypted_response_alg",
    "introspection_encrypted_response_enc",
    "authorization_signed_response_alg",
    "authorization_encrypted_response_alg",
    "authorization_encrypted_response_enc",
    "subject_type",
    "sector_identifier_uri",
    "default_acr_values",
    "require_auth_time",
    "authorization_details_types",
    "backchannel_logout_uri",
    "backchannel_logout_session_required",
    "frontchannel_logout_uri",
    "frontchannel_logout_session_required",
];

/// What the server lets a stranger have.
#[derive(Debug, Clone, Copy)]
pub struct Policy<'a> {
    pub grant_types: &'a [GrantType],
    pub auth_methods: &'a [AuthMethod],
    pub scopes: &'a Scopes,
    /// Types of authorization details (RFC 9396 section 2).
    pub detail_types: &'a [String],
    /// The method of an app that names none (RFC 7591 section 2).
    pub default_auth_method: AuthMethod,
}

type Members = Map<String, Value>;
type Problems = Vec<MetadataProblem>;

/// Reads the members of a request into metadata and cuts them to the policy. What is left still has
/// to pass [`crate::protocol::client::validation::validate`].
///
/// # Errors
/// The problems.
pub fn read(members: &Members, policy: &Policy<'_>) -> Result<ClientMetadata, Problems> {
    let mut problems = Vec::new();
    let mut metadata = plain_members(members, &mut problems);
    metadata.grant_types = grant_types(members, policy, &mut problems);
    metadata.token_endpoint_auth_method = auth_method(members, policy, &mut problems);
    metadata.scope = scope(members, policy, &mut problems);
    // Left out as scopes are; an app may well do without any.
    metadata.authorization_details_types.retain(|name| policy.detail_types.contains(name));
    check_response_types(members, &metadata, &mut problems);
    metadata.kind = kind(members, &metadata, &mut problems);
    if !metadata.kind.is_confidential() {
        metadata.pkce = PkcePolicy::Required;
    }
    metadata.client_name = String::from(metadata.client_name.trim());
    if metadata.client_name.is_empty() {
        metadata.client_name = nameless(&metadata);
    }
    if problems.is_empty() { Ok(metadata) } else { Err(problems) }
}

/// Reads each member by itself, so that every wrong one is named.
fn plain_members(members: &Members, problems: &mut Problems) -> ClientMetadata {
    let mut good = Map::new();
    for name in PLAIN {
        let Some(value) = given(members, name) else { continue };
        let alone = Map::from_iter([(name.to_owned(), value.clone())]);
        match serde_json::from_value::<ClientMetadata>(Value::Object(alone)) {
            Ok(_) => {
                good.insert(name.to_owned(), value.clone());
            }
            Err(_) => problems.push(MetadataProblem::new(
                name,
                "has the wrong type, or a value that is not offered here",
            )),
        }
    }
    serde_json::from_value(Value::Object(good)).unwrap_or_default()
}

/// A member; one that is null counts as left out.
fn given<'a>(members: &'a Members, name: &str) -> Option<&'a Value> {
    members.get(name).filter(|value| !value.is_null())
}

/// A member that is a list of texts.
fn texts<'a>(
    members: &'a Members,
    name: &'static str,
    problems: &mut Problems,
) -> Option<Vec<&'a str>> {
    let list = given(members, name)?.as_array();
    let texts = list.and_then(|list| list.iter().map(Value::as_str).collect());
    if texts.is_none() {
        problems.push(MetadataProblem::new(name, "must be a list of texts"));
    }
    texts
}

/// The grant types asked for that the policy allows; the others are left out, as RFC 7591 section 2
/// lets the server do, unless none remains.
fn grant_types(members: &Members, policy: &Policy<'_>, problems: &mut Problems) -> Vec<GrantType> {
    let field = "grant_types";
    // The default of section 2.
    let asked = texts(members, field, problems).unwrap_or(vec!["authorization_code"]);
    let mut allowed = Vec::new();
    for grant in asked.into_iter().filter_map(GrantType::from_name) {
        if policy.grant_types.contains(&grant) && !allowed.contains(&grant) {
            allowed.push(grant);
        }
    }
    if allowed.is_empty() {
        let text = "has none that is offered to apps that register themselves";
        problems.push(MetadataProblem::new(field, text));
    }
    allowed
}

fn auth_method(members: &Members, policy: &Policy<'_>, problems: &mut Problems) -> AuthMethod {
    let field = "token_endpoint_auth_method";
    let Some(asked) = given(members, field) else { return policy.default_auth_method };
    let name = asked.as_str().unwrap_or_default();
    // Basic or post, whichever comes, is a courtesy to administrators and no registered name.
    let method = AuthMethod::from_name(name).filter(|method| *method != AuthMethod::ClientSecret);
    match method {
        Some(method) if policy.auth_methods.contains(&method) => return method,
        None if name == "client_secret_jwt" => problems.push(MetadataProblem::new(
            field,
            "client_secret_jwt is not offered, because only hashes of secrets are kept; \
             use private_key_jwt",
        )),
        _ => problems
            .push(MetadataProblem::new(field, "is not offered to apps that register themselves")),
    }
    policy.default_auth_method
}

/// The scopes asked for that the policy allows, or all of those.
fn scope(members: &Members, policy: &Policy<'_>, problems: &mut Problems) -> Scopes {
    let Some(asked) = given(members, "scope") else { return policy.scopes.clone() };
    let asked = asked.as_str().and_then(Scopes::parse);
    let text = match asked.map(|asked| (asked.is_empty(), asked.intersection(policy.scopes))) {
        Some((false, allowed)) if allowed.is_empty() => {
            "has none that is offered to apps that register themselves"
        }
        Some((_, allowed)) => return allowed,
        None => "must be a text of scopes with spaces between them",
    };
    problems.push(MetadataProblem::new("scope", text));
    Scopes::default()
}

/// Code is the only response type (RFC 9700 section 2.1.2). Others beside it are left out.
fn check_response_types(members: &Members, metadata: &ClientMetadata, problems: &mut Problems) {
    let field = "response_types";
    let Some(asked) = texts(members, field, problems) else { return };
    let needed = metadata.grant_types.contains(&GrantType::AuthorizationCode);
    if needed && !asked.is_empty() && !asked.contains(&"code") {
        let text = "must contain code, the only response type there is";
        problems.push(MetadataProblem::new(field, text));
    }
}

/// What kind of program asks. `application_type` (OpenID Connect Registration section 2) has two
/// values and a default that many native apps leave standing, so the rest of the request counts too.
fn kind(members: &Members, metadata: &ClientMetadata, problems: &mut Problems) -> ClientKind {
    let field = "application_type";
    let public = metadata.token_endpoint_auth_method == AuthMethod::None;
    let own = |uri: &String| {
        let scheme = uri.split(':').next().unwrap_or_default();
        redirect_uri::is_loopback(uri) || !matches!(scheme, "https" | "http")
    };
    let on_device = !metadata.redirect_uris.is_empty() && metadata.redirect_uris.iter().all(own);
    match given(members, field).map(Value::as_str) {
        Some(Some("native")) => return ClientKind::Native,
        None if public && on_device => return ClientKind::Native,
        None | Some(Some("web")) => {}
        Some(_) => problems.push(MetadataProblem::new(field, "must be web or native")),
    }
    let with_code = metadata.grant_types.contains(&GrantType::AuthorizationCode);
    match (public, with_code) {
        (true, true) => ClientKind::Spa,
        (true, false) => ClientKind::Device,
        (false, _) if metadata.grant_types == [GrantType::ClientCredentials] => ClientKind::Machine,
        (false, _) => ClientKind::Web,
    }
}

/// What an app without a name is called: by the web site it sends people to, which it cannot invent.
fn nameless(metadata: &ClientMetadata) -> String {
    let host = metadata.redirect_uris.iter().find_map(|uri| redirect_uri::https_host(uri));
    host.filter(|host| host.len() <= 100).unwrap_or_else(|| "An app without a name".to_owned())
}

/// The client's metadata as RFC 7591 section 3.2.1 tells it: what was registered, which may be less
/// than was asked for, without members that hold nothing.
#[must_use]
pub fn describe(client: &Client) -> Members {
    let metadata = &client.metadata;
    let Value::Object(mut all) = json!(metadata) else { return Map::new() };
    let mut told = Map::new();
    for name in PLAIN {
        let value = all.remove(name).filter(|value| *value != json!([]));
        told.extend(value.map(|value| (name.to_owned(), value)));
    }
    let code = metadata.grant_types.contains(&GrantType::AuthorizationCode);
    let native = matches!(metadata.kind, ClientKind::Native | ClientKind::Device);
    let mut tell = |name: &str, value: Value| told.insert(name.to_owned(), value);
    tell("client_id", json!(client.id));
    tell("client_id_issued_at", json!(client.created_at));
    tell("redirect_uris", json!(metadata.redirect_uris));
    tell("scope", Value::from(metadata.scope.to_string()));
    tell("grant_types", json!(metadata.grant_types));
    tell("response_types", if code { json!(["code"]) } else { json!([]) });
    tell("token_endpoint_auth_method", json!(metadata.token_endpoint_auth_method));
    tell("application_type", Value::from(if native { "native" } else { "web" }));
    told
}

/// Whether two versions of an app look the same to the people who allowed it: its name, where it
/// sends them, what it shows them, and whether it knows them by the name that others know. If not,
/// they are asked again.
#[must_use]
pub fn looks_the_same(before: &ClientMetadata, after: &ClientMetadata) -> bool {
    before.client_name == after.client_name
        && before.kind == after.kind
        && before.redirect_uris == after.redirect_uris
        && before.post_logout_redirect_uris == after.post_logout_redirect_uris
        && before.initiate_login_uri == after.initiate_login_uri
        && before.subject_type == after.subject_type
        && before.sector_identifier_uri == after.sector_identifier_uri
        && before.client_uri == after.client_uri
        && before.logo_uri == after.logo_uri
        && before.policy_uri == after.policy_uri
        && before.tos_uri == after.tos_uri
}

/// The members of a management request that only the server sets (RFC 7592 section 2.2).
pub const SERVER_ONLY: [&str; 4] = [
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
];

#[cfg(test)]
mod tests;
