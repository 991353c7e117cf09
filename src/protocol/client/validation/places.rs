//! The URIs in client metadata: those a browser is sent to, those a browser loads, and those the
//! server itself asks.

use super::{MetadataProblem, Problems};
use crate::protocol::authorize::target;
use crate::protocol::client::redirect_uri::{self, RedirectUriError};
use crate::protocol::client::{AuthMethod, ClientKind, ClientMetadata, GrantType, subject};

/// Most URIs of one kind.
const MOST: usize = 100;

pub(super) fn redirect_uris(metadata: &ClientMetadata, problems: &mut Problems) {
    let lists = [
        ("redirect_uris", &metadata.redirect_uris),
        ("post_logout_redirect_uris", &metadata.post_logout_redirect_uris),
    ];
    for (field, uris) in lists {
        if uris.len() > MOST {
            problems.push(MetadataProblem::new(field, "has more than 100 entries"));
        }
        for uri in uris {
            if let Err(error) = redirect_uri::validate(uri, metadata.kind) {
                problems.push(MetadataProblem::of(field, uri, error.to_string()));
            }
        }
    }
    let needs_uri = metadata.grant_types.contains(&GrantType::AuthorizationCode);
    if needs_uri && metadata.redirect_uris.is_empty() {
        problems.push(MetadataProblem::new(
            "redirect_uris",
            "needs at least one entry for the authorization_code grant",
        ));
    }
}

pub(super) fn origins(metadata: &ClientMetadata, problems: &mut Problems) {
    let field = "allowed_origins";
    if metadata.allowed_origins.len() > MOST {
        problems.push(MetadataProblem::new(field, "has more than 100 entries"));
    }
    for origin in &metadata.allowed_origins {
        if origin_of(origin).as_deref() != Some(origin) {
            problems.push(MetadataProblem::of(
                field,
                origin,
                "is not an origin such as https://app.example.com",
            ));
        }
    }
}

/// Scheme, host and port, as browsers write them.
fn origin_of(uri: &str) -> Option<String> {
    Some(url::Url::parse(uri).ok()?.origin().ascii_serialization())
}

/// What people's browsers follow or load.
pub(super) fn links(metadata: &ClientMetadata, problems: &mut Problems) {
    let links = [
        ("client_uri", &metadata.client_uri),
        ("policy_uri", &metadata.policy_uri),
        ("tos_uri", &metadata.tos_uri),
        ("logo_uri", &metadata.logo_uri),
    ];
    for (field, link) in links {
        let Some(link) = link else { continue };
        // The same rules as for redirect URIs: https or loopback, nothing a browser would run.
        if let Err(error) = check_without_fragment(link) {
            problems.push(MetadataProblem::of(field, link, error.to_string()));
        }
    }
    // OpenID Connect Core section 4: https, also where the app is on loopback.
    if let Some(uri) = &metadata.initiate_login_uri
        && let Err(problem) = check_https(uri, Fragment::Refused)
    {
        problems.push(MetadataProblem::of("initiate_login_uri", uri, problem));
    }
}

/// Where the browser is sent to sign out of the app (Front-Channel Logout section 2): it must be at
/// home where the app is, or any page could be put into a frame of ours.
pub(super) fn logout(metadata: &ClientMetadata, problems: &mut Problems) {
    let field = "frontchannel_logout_uri";
    let Some(uri) = &metadata.frontchannel_logout_uri else { return };
    if let Err(error) = redirect_uri::validate(uri, ClientKind::Web) {
        problems.push(MetadataProblem::of(field, uri, error.to_string()));
        return;
    }
    let own = origin_of(uri);
    if !metadata.redirect_uris.iter().any(|redirect| origin_of(redirect) == own) {
        problems.push(MetadataProblem::of(
            field,
            uri,
            "must have the scheme, host and port of one of redirect_uris",
        ));
    }
}

/// The protected resources a client answers for. Only who proves who it is can ask about tokens.
pub(super) fn resources(metadata: &ClientMetadata, problems: &mut Problems) {
    let field = "protected_resources";
    let own = &metadata.protected_resources;
    if own.len() > MOST {
        problems.push(MetadataProblem::new(field, "has more than 100 entries"));
    }
    for resource in own {
        // The parser forgives blanks and line ends, which no token's audience has.
        let plain = resource.len() <= 500 && resource.bytes().all(|byte| byte.is_ascii_graphic());
        if !plain || !target::is_resource(resource) {
            let text = "is not an absolute URI without a fragment, of at most 500 characters";
            problems.push(MetadataProblem::of(field, resource, text));
        }
    }
    if !own.is_empty() && metadata.token_endpoint_auth_method == AuthMethod::None {
        let text = "is for services that authenticate; give this one a secret or a key first";
        problems.push(MetadataProblem::new(field, text));
    }
}

/// Whether a fragment may be part of a URI: that of a `request_uri` is the hash of the document
/// (OpenID Connect Core section 6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fragment {
    Allowed,
    Refused,
}

/// A URI in the metadata that the server asks, with the name of its member.
pub type Fetched<'a> = (&'static str, &'a str);

/// Every URI that the server itself will ask. Where they may lead is for the guard of outgoing
/// requests to say.
#[must_use]
pub fn fetched(metadata: &ClientMetadata) -> Vec<Fetched<'_>> {
    let single = [
        ("jwks_uri", &metadata.jwks_uri),
        ("sector_identifier_uri", &metadata.sector_identifier_uri),
        ("backchannel_logout_uri", &metadata.backchannel_logout_uri),
    ];
    let single = single.into_iter().filter_map(|(field, uri)| Some((field, uri.as_deref()?)));
    let many = metadata.request_uris.iter().map(|uri| ("request_uris", uri.as_str()));
    single.chain(many).collect()
}

pub(super) fn fetched_ones(metadata: &ClientMetadata, problems: &mut Problems) {
    if metadata.request_uris.len() > MOST {
        problems.push(MetadataProblem::new("request_uris", "has more than 100 entries"));
    }
    for (field, uri) in fetched(metadata) {
        let fragment = if field == "request_uris" { Fragment::Allowed } else { Fragment::Refused };
        if let Err(problem) = check_https(uri, fragment) {
            problems.push(MetadataProblem::of(field, uri, problem));
        }
    }
}

/// The rules of redirect URIs for what stands before a fragment, and its characters in it as well.
fn check_without_fragment(uri: &str) -> Result<(), RedirectUriError> {
    let (place, fragment) = uri.split_once('#').unwrap_or((uri, ""));
    redirect_uri::validate(place, ClientKind::Web)?;
    if uri.len() > 2000 {
        return Err(RedirectUriError::TooLong);
    }
    let plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'\\' | b'"' | b'<' | b'>' | b'#');
    if fragment.bytes().all(plain) { Ok(()) } else { Err(RedirectUriError::Characters) }
}

fn check_https(uri: &str, fragment: Fragment) -> Result<(), String> {
    let checked = match fragment {
        Fragment::Allowed => check_without_fragment(uri),
        Fragment::Refused => redirect_uri::validate(uri, ClientKind::Web),
    };
    checked.map_err(|error| error.to_string())?;
    // The parser writes schemes in lower case; `https` as others write it is https too.
    match url::Url::parse(uri) {
        Ok(url) if url.scheme() == "https" => Ok(()),
        _ => Err("must use https".to_owned()),
    }
}

/// Whether it is clear whom a pairwise `sub` is shared with (OpenID Connect Core section 8.1).
pub(super) fn sector(metadata: &ClientMetadata, problems: &mut Problems) {
    if subject::is_unclear(metadata) {
        problems.push(MetadataProblem::new(
            "sector_identifier_uri",
            "is needed, since redirect_uris are not all https at one host",
        ));
    }
}
