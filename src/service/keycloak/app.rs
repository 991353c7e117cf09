//! A client of a realm as an app.

use super::realm::KeycloakClient;
use crate::crypto::secret::Secret;
use crate::protocol::client::{
    AuthMethod, ClientKind, ClientMetadata, ConsentPolicy, GrantType, PkcePolicy,
};
use crate::protocol::types::ClientId;
use crate::service::clients::NewClient;

/// The app, or why there is none.
pub(super) fn new_client(client: &KeycloakClient) -> Result<NewClient, String> {
    let refuse = |why: &str| Err(why.to_owned());
    if client.protocol.as_deref().is_some_and(|protocol| protocol != "openid-connect") {
        return refuse("it does not speak OpenID Connect");
    }
    if client.bearer_only {
        return refuse("it only takes tokens and asks for none: it needs no app here");
    }
    if client.enabled == Some(false) {
        return refuse("it is disabled");
    }
    let signs_in = client.standard_flow_enabled.unwrap_or(true);
    if !signs_in && !client.service_accounts_enabled {
        return refuse("it uses neither the authorization code nor client credentials");
    }
    if client.redirect_uris.iter().any(|uri| uri.contains('*')) {
        return refuse("a redirect URI has a pattern; name each address that people return to");
    }
    let kind = match (signs_in, client.public_client) {
        (false, _) => ClientKind::Machine,
        (true, true) if client.redirect_uris.iter().all(|uri| uri.starts_with("http")) => {
            ClientKind::Spa
        }
        (true, true) => ClientKind::Native,
        (true, false) => ClientKind::Web,
    };
    let usual = ClientMetadata::for_kind(kind);
    let mut grant_types = usual.grant_types.clone();
    if client.service_accounts_enabled && !grant_types.contains(&GrantType::ClientCredentials) {
        grant_types.push(GrantType::ClientCredentials);
    }
    let token_endpoint_auth_method = auth_method(client)?;
    let name = client.name.as_deref().filter(|name| !name.is_empty() && !name.starts_with("${"));
    let metadata = ClientMetadata {
        client_name: name.unwrap_or(&client.client_id).to_owned(),
        grant_types,
        post_logout_redirect_uris: after_logout(client),
        redirect_uris: if signs_in { client.redirect_uris.clone() } else { Vec::new() },
        allowed_origins: if kind == ClientKind::Spa { origins(client) } else { Vec::new() },
        consent: match (client.consent_required, kind) {
            (true, _) => ConsentPolicy::Ask,
            (false, _) => ConsentPolicy::Skip,
        },
        pkce: match client.attribute("pkce.code.challenge.method") {
            Some(_) => PkcePolicy::Required,
            None => usual.pkce,
        },
        token_endpoint_auth_method,
        ..usual
    };
    let secret = match (token_endpoint_auth_method.uses_secret(), client.secret.as_deref()) {
        (false, _) => None,
        (true, Some(secret)) if !secret.is_empty() && !secret.chars().all(|c| c == '*') => {
            Some(Secret::from_text(secret.to_owned()))
        }
        (true, _) => return refuse("its secret is not in the file: export it with kc.sh export"),
    };
    Ok(NewClient { id: Some(ClientId::new(&client.client_id)), metadata, secret })
}

fn auth_method(client: &KeycloakClient) -> Result<AuthMethod, String> {
    match client.client_authenticator_type.as_deref() {
        _ if client.public_client => Ok(AuthMethod::None),
        None | Some("client-secret") => Ok(AuthMethod::ClientSecret),
        Some(other) => Err(format!("it authenticates by {other}: register it by hand")),
    }
}

/// Addresses with `##` between them; `+` stands for those of sign-in.
fn after_logout(client: &KeycloakClient) -> Vec<String> {
    let listed = client.attribute("post.logout.redirect.uris").unwrap_or_default();
    let mut uris = Vec::new();
    for uri in listed.split("##").filter(|uri| !uri.is_empty()) {
        match uri {
            "+" => uris.extend(client.redirect_uris.iter().cloned()),
            pattern if pattern.contains('*') => {}
            uri => uris.push(uri.to_owned()),
        }
    }
    uris.sort();
    uris.dedup();
    uris
}

/// Origins that scripts may ask from; `+` stands for those of the redirect URIs.
fn origins(client: &KeycloakClient) -> Vec<String> {
    let mut origins = Vec::new();
    for origin in client.web_origins.iter().filter(|origin| *origin != "*") {
        if origin == "+" {
            let urls = client.redirect_uris.iter().filter_map(|uri| url::Url::parse(uri).ok());
            origins.extend(urls.map(|url| url.origin().ascii_serialization()));
        } else {
            origins.push(origin.trim_end_matches('/').to_owned());
        }
    }
    origins.sort();
    origins.dedup();
    origins
}
