//! The FAPI 2.0 profiles: what a client whose `security_profile` is one of them may not register
//! ([`metadata`]), and what its authorization requests must look like ([`check_request`]). Clauses
//! beginning with SP are of the FAPI 2.0 Security Profile, those with MS of FAPI 2.0 Message Signing.
//!
//! Where a rule is a switch that other clients have as well, the profile is one more reason for it:
//! [`Client::requires_pkce`], [`Client::requires_pushed_requests`] and
//! [`Client::requires_signed_requests`]; tokens are bound in [`super::sender_constraint`], client
//! assertions judged in [`super::client_assertion`].

use super::client::{AuthMethod, Client, ClientKind, ClientMetadata, SecurityProfile};
use super::client_metadata::MetadataProblem;
use super::error::OAuthError;
use super::params::Params;
use super::types::SigningAlg;
use crate::clock::Seconds;

/// The least time for which a refresh token that was exchanged still gets the same answer (SP
/// 5.3.2.1 rule 9: a lost answer must not cost the person a new sign-in).
pub const REFRESH_GRACE: Seconds = 60;

/// What of a client's metadata contradicts its profile; nothing for a client without one.
pub fn metadata(metadata: &ClientMetadata, problems: &mut Vec<MetadataProblem>) {
    if !metadata.security_profile.is_fapi() {
        return;
    }
    let ladder: [fn(&ClientMetadata, &mut Vec<MetadataProblem>); 4] = [
        // SP 5.3.2.1 rules 3 and 6.
        authentication,
        // SP 5.3.2.2 rule 8.
        redirect_uris,
        // SP 5.4.1.
        algorithms,
        // MS 5.4.1.
        signed_answers,
    ];
    for check in ladder {
        check(metadata, problems);
    }
}

fn authentication(metadata: &ClientMetadata, problems: &mut Vec<MetadataProblem>) {
    let method = metadata.token_endpoint_auth_method;
    if !matches!(
        method,
        AuthMethod::PrivateKeyJwt | AuthMethod::TlsClientAuth | AuthMethod::SelfSignedTlsClientAuth
    ) {
        problems.push(MetadataProblem::new(
            "token_endpoint_auth_method",
            "must be private_key_jwt, tls_client_auth or self_signed_tls_client_auth under the \
             FAPI profile",
        ));
    }
}

fn redirect_uris(metadata: &ClientMetadata, problems: &mut Vec<MetadataProblem>) {
    // A native app's loopback address never leaves the device.
    if metadata.kind == ClientKind::Native {
        return;
    }
    let plain = |uri: &&String| !uri.starts_with("https:");
    problems.extend(metadata.redirect_uris.iter().filter(plain).map(|uri| {
        MetadataProblem::of("redirect_uris", uri, "must be an https address under the FAPI profile")
    }));
}

fn algorithms(metadata: &ClientMetadata, problems: &mut Vec<MetadataProblem>) {
    let m = metadata;
    let named = [
        ("id_token_signed_response_alg", Some(m.id_token_signed_response_alg)),
        ("access_token_alg", Some(m.access_token_alg)),
        ("token_endpoint_auth_signing_alg", m.token_endpoint_auth_signing_alg),
        ("request_object_signing_alg", m.request_object_signing_alg),
        ("userinfo_signed_response_alg", m.userinfo_signed_response_alg),
        ("introspection_signed_response_alg", m.introspection_signed_response_alg),
        ("authorization_signed_response_alg", m.authorization_signed_response_alg),
    ];
    for (field, alg) in named {
        if alg.is_some_and(|alg| !alg.is_fapi()) {
            let text = "must be PS256, ES256 or EdDSA under the FAPI profile";
            problems.push(MetadataProblem::new(field, text));
        }
    }
}

fn signed_answers(metadata: &ClientMetadata, problems: &mut Vec<MetadataProblem>) {
    let signs = metadata.security_profile == SecurityProfile::Fapi2MessageSigning;
    if signs && metadata.authorization_signed_response_alg.is_none() {
        problems.push(MetadataProblem::new(
            "authorization_signed_response_alg",
            "must be PS256, ES256 or EdDSA under the FAPI message signing profile",
        ));
    }
}

/// The algorithms of the profile's signatures, or all of `algs` for a client without one.
#[must_use]
pub fn allowed_algorithms(client: &Client, algs: &[SigningAlg]) -> Vec<SigningAlg> {
    let fapi = client.metadata.security_profile.is_fapi();
    algs.iter().copied().filter(|alg| !fapi || alg.is_fapi()).collect()
}

/// What the profile adds to the rules of an authorization request. That it is pushed, signed and
/// brings a `code_challenge` is checked where other clients' switches for it are.
///
/// # Errors
/// `invalid_request`.
pub fn check_request(client: &Client, params: &Params) -> Result<(), OAuthError> {
    let profile = client.metadata.security_profile;
    if !profile.is_fapi() {
        return Ok(());
    }
    // SP 5.3.2.2 rule 6.
    if params.get("redirect_uri")?.is_none() {
        return Err(OAuthError::invalid_request("redirect_uri is missing."));
    }
    // MS 5.4.1: the answer is signed as well.
    let mode = params.get("response_mode")?.unwrap_or_default();
    if profile == SecurityProfile::Fapi2MessageSigning && !mode.ends_with("jwt") {
        return Err(OAuthError::invalid_request("response_mode must be jwt for this client."));
    }
    Ok(())
}
