//! Whether a client's metadata is good enough to keep, beyond what `protocol` can say: where its
//! URLs lead, whether its keys are keys, and whether the apps of a sector belong together.

use crate::app::App;
use crate::crypto::foreign::ForeignKeys;
use crate::outbound::Accept;
use crate::protocol::client::{AuthMethod, ClientMetadata};
use crate::protocol::client_metadata::{self, MetadataProblem};
use crate::protocol::types::SigningAlg;

/// Who wrote the metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    Administrator,
    /// Whoever found the endpoint: none of its URLs may lead inside, not even those that only
    /// browsers follow.
    Stranger,
}

/// Checks everything that needs no request to another server.
///
/// # Errors
/// Every problem there is.
pub fn check(
    app: &App,
    metadata: &ClientMetadata,
    author: Author,
) -> Result<(), Vec<MetadataProblem>> {
    let mut problems = client_metadata::validate(metadata).err().unwrap_or_default();
    let mut urls = client_metadata::fetched(metadata);
    if author == Author::Stranger {
        urls.extend(followed(metadata));
        problems.extend(algorithms(app, metadata));
    }
    for (field, url) in urls {
        let named = problems.iter().any(|p| p.field == field && p.value.as_deref() == Some(url));
        if let (false, Err(problem)) = (named, app.outbound.vet(url)) {
            problems.push(MetadataProblem::of(field, url, problem.to_string()));
        }
    }
    if !problems.iter().any(|p| p.field == "jwks") {
        problems.extend(keys(metadata));
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// Keys by value must be usable for what the client does with them.
fn keys(metadata: &ClientMetadata) -> Option<MetadataProblem> {
    let signs = metadata.token_endpoint_auth_method == AuthMethod::PrivateKeyJwt;
    let text = match ForeignKeys::from_set(metadata.jwks.as_ref()?) {
        Err(error) => error.to_string(),
        Ok(keys) if keys.is_empty() && signs => "has no key for signatures; private_key_jwt needs \
            one of RSA, EC P-256, EC P-384 or Ed25519"
            .to_owned(),
        Ok(_) => return None,
    };
    Some(MetadataProblem::new("jwks", text))
}

/// URLs that browsers follow or load.
fn followed(metadata: &ClientMetadata) -> Vec<client_metadata::Fetched<'_>> {
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

/// Signatures can be promised only with algorithms there are keys for.
fn algorithms(app: &App, metadata: &ClientMetadata) -> Vec<MetadataProblem> {
    let chosen: [(&'static str, Option<SigningAlg>); 4] = [
        ("id_token_signed_response_alg", Some(metadata.id_token_signed_response_alg)),
        ("userinfo_signed_response_alg", metadata.userinfo_signed_response_alg),
        ("introspection_signed_response_alg", metadata.introspection_signed_response_alg),
        ("authorization_signed_response_alg", metadata.authorization_signed_response_alg),
    ];
    let offered = &app.config.keys.algorithms;
    let missing = |alg: Option<SigningAlg>| alg.is_some_and(|alg| !offered.contains(&alg));
    let problem = |field| MetadataProblem::new(field, "names an algorithm that is not offered");
    chosen.into_iter().filter(|(_, alg)| missing(*alg)).map(|(field, _)| problem(field)).collect()
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
