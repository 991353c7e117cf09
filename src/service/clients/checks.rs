//! Whether a client's metadata is good enough to keep, beyond what `protocol` can say: where its
//! URLs lead, whether its keys are keys, and whether the apps of a sector belong together.

use crate::app::App;
use crate::crypto::foreign::ForeignKeys;
use crate::outbound::Accept;
use crate::protocol::api;
use crate::protocol::client::validation::{self, MetadataProblem};
use crate::protocol::client::{AuthMethod, ClientMetadata};
use crate::protocol::jose::jwk_set;
use crate::protocol::types::{ContentEncryptionAlg, KeyEncryptionAlg, SigningAlg};
use crate::service::clients::certificate;

/// Who wrote the metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    Administrator,
    /// Whoever found the endpoint: none of its URLs may lead inside, not even those that only
    /// browsers follow.
    Stranger,
}

/// Checks everything that needs no request to another server. `before` is what the client has now:
/// an algorithm it already uses stays, even when it is no longer configured, since its keys are
/// still there.
///
/// # Errors
/// Every problem there is.
pub fn check(
    app: &App,
    metadata: &ClientMetadata,
    author: Author,
    before: Option<&ClientMetadata>,
) -> Result<(), Vec<MetadataProblem>> {
    let mut problems = validation::validate(metadata).err().unwrap_or_default();
    let mut urls = validation::fetched(metadata);
    if author == Author::Stranger {
        urls.extend(followed(metadata));
    }
    for (field, url) in urls {
        let named = problems.iter().any(|p| p.field == field && p.value.as_deref() == Some(url));
        if let (false, Err(problem)) = (named, app.outbound.vet(url)) {
            problems.push(MetadataProblem::of(field, url, problem.to_string()));
        }
    }
    let method = metadata.token_endpoint_auth_method;
    if before.is_none_or(|before| before.token_endpoint_auth_method != method) {
        problems.extend(certificate::problems(app, method));
    }
    let used = before.map(signing_algs).unwrap_or_default();
    let offered = &app.config.keys.algorithms;
    for (field, alg) in signing_algs(metadata) {
        if !offered.contains(&alg) && !used.contains(&(field, alg)) {
            problems.push(MetadataProblem::of(field, alg.as_str(), "has no key here"));
        }
    }
    problems.extend(own_encryption(app, metadata, before));
    problems.extend(own_name(app, metadata));
    if !problems.iter().any(|p| p.field == "jwks") {
        keys(metadata, &mut problems);
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// The metadata as it is stored once it has passed every check: of its keys nothing but keys, and of the
/// groups it lets in each once.
#[must_use]
pub fn kept(metadata: ClientMetadata) -> ClientMetadata {
    let mut allowed_groups = metadata.allowed_groups;
    if let Some(groups) = &mut allowed_groups {
        groups.sort();
        groups.dedup();
    }
    let jwks = metadata.jwks.as_ref().map(jwk_set::pruned);
    ClientMetadata { allowed_groups, jwks, ..metadata }
}

/// What the client encrypts to us needs a key of ours.
fn own_encryption(
    app: &App,
    metadata: &ClientMetadata,
    before: Option<&ClientMetadata>,
) -> Option<MetadataProblem> {
    let alg = metadata.request_object_encryption_alg?;
    let used = before.is_some_and(|before| before.request_object_encryption_alg == Some(alg));
    if used || app.config.keys.encryption_algorithms.contains(&alg) {
        return None;
    }
    let field = "request_object_encryption_alg";
    Some(MetadataProblem::of(field, alg.as_str(), "has no key here"))
}

/// Nobody answers for this server but itself.
fn own_name(app: &App, metadata: &ClientMetadata) -> Option<MetadataProblem> {
    let api = api::audience(app.issuer());
    let is_ours = |resource: &&String| {
        let resource = resource.trim_end_matches('/');
        resource == app.issuer() || resource == api
    };
    let ours = metadata.protected_resources.iter().find(is_ours)?;
    Some(MetadataProblem::of("protected_resources", ours, "is this server itself"))
}

/// Keys by value must be usable for what the client does with them; those at a URI are looked at
/// when they are needed.
fn keys(metadata: &ClientMetadata, problems: &mut Vec<MetadataProblem>) {
    let Some(jwks) = &metadata.jwks else { return };
    let keys = match ForeignKeys::from_set(jwks) {
        Ok(keys) => keys,
        Err(error) => return problems.push(MetadataProblem::new("jwks", error.to_string())),
    };
    if keys.is_empty() && metadata.token_endpoint_auth_method == AuthMethod::PrivateKeyJwt {
        let text = "has no key for signatures; private_key_jwt needs one of RSA, EC P-256, \
                    EC P-384 or Ed25519";
        problems.push(MetadataProblem::new("jwks", text));
    }
    for (field, alg) in encryption_algs(metadata) {
        if alg.is_some_and(|alg| !can_encrypt(&keys, alg)) {
            let problem = "needs a key of that kind with the use enc in jwks";
            problems.push(MetadataProblem::new(field, problem));
        }
    }
}

/// What we sign for the client, and with what.
fn signing_algs(metadata: &ClientMetadata) -> Vec<(&'static str, SigningAlg)> {
    let m = metadata;
    let optional = [
        ("userinfo_signed_response_alg", m.userinfo_signed_response_alg),
        ("introspection_signed_response_alg", m.introspection_signed_response_alg),
        ("authorization_signed_response_alg", m.authorization_signed_response_alg),
    ];
    let mut all = vec![
        ("id_token_signed_response_alg", m.id_token_signed_response_alg),
        ("access_token_alg", m.access_token_alg),
    ];
    all.extend(optional.into_iter().filter_map(|(field, alg)| Some((field, alg?))));
    all
}

/// Tried rather than looked at: the numbers in a JWK may be those of no key.
fn can_encrypt(keys: &ForeignKeys, alg: KeyEncryptionAlg) -> bool {
    keys.recipient(alg).is_some_and(|to| to.begin(ContentEncryptionAlg::default()).is_some())
}

/// What is encrypted to the client.
fn encryption_algs(metadata: &ClientMetadata) -> [(&'static str, Option<KeyEncryptionAlg>); 4] {
    let m = metadata;
    [
        ("id_token_encrypted_response_alg", m.id_token_encrypted_response_alg),
        ("userinfo_encrypted_response_alg", m.userinfo_encrypted_response_alg),
        ("introspection_encrypted_response_alg", m.introspection_encrypted_response_alg),
        ("authorization_encrypted_response_alg", m.authorization_encrypted_response_alg),
    ]
}

/// URLs that browsers follow or load.
fn followed(metadata: &ClientMetadata) -> Vec<validation::Fetched<'_>> {
    let links = [
        ("client_uri", &metadata.client_uri),
        ("policy_uri", &metadata.policy_uri),
        ("tos_uri", &metadata.tos_uri),
        ("logo_uri", &metadata.logo_uri),
        ("initiate_login_uri", &metadata.initiate_login_uri),
        ("frontchannel_logout_uri", &metadata.frontchannel_logout_uri),
    ];
    links.into_iter().filter_map(|(field, link)| Some((field, link.as_deref()?))).collect()
}

/// Fetches the sector's document and looks for every redirect URI in it (OpenID Connect Core
/// section 8.1): without that anybody could join a sector, and learn who its people are.
///
/// # Errors
/// The problem; it says the same whether the document is missing, unreadable or too large.
pub async fn sector(app: &App, metadata: &ClientMetadata) -> Result<(), MetadataProblem> {
    let Some(uri) = &metadata.sector_identifier_uri else { return Ok(()) };
    let problem = |text: String| MetadataProblem::of("sector_identifier_uri", uri, text);
    let answer =
        app.outbound.get(uri, Accept::Json).await.map_err(|error| problem(error.to_string()))?;
    let members: Option<Vec<String>> =
        answer.text().and_then(|text| serde_json::from_str(text).ok());
    let members =
        members.ok_or_else(|| problem("does not answer with a JSON list of URIs".into()))?;
    if metadata.redirect_uris.iter().all(|redirect| members.contains(redirect)) {
        return Ok(());
    }
    Err(problem("does not list every one of redirect_uris".into()))
}
