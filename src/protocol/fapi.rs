//! The FAPI 2.0 profiles: what a client whose `security_profile` is one of them may not register
//! ([`metadata`]), and what its authorization requests must look like ([`check_request`]). Clauses
//! beginning with SP are of the FAPI 2.0 Security Profile, those with MS of FAPI 2.0 Message Signing.
//!
//! Where a rule is a switch that other clients have as well, the profile is one more reason for it:
//! [`Client::requires_pkce`], [`Client::requires_pushed_requests`] and
//! [`Client::requires_signed_requests`]; tokens are bound in [`crate::protocol::token::sender_constraint`], client
//! assertions judged in [`crate::protocol::client::assertion`].

use super::authorize::reply::ResponseMode;
use super::client::{AuthMethod, Client, ClientKind, ClientMetadata, SecurityProfile};
use super::error::OAuthError;
use super::params::Params;
use super::types::SigningAlg;
use crate::clock::Seconds;
use crate::protocol::client::validation::MetadataProblem;

/// The least time for which a refresh token that was exchanged still gets the same answer.
const REFRESH_GRACE: Seconds = 60;

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

/// Whether this client may sign something with this algorithm (SP 5.4.1).
#[must_use]
pub fn allows(client: &Client, alg: SigningAlg) -> bool {
    !client.metadata.security_profile.is_fapi() || alg.is_fapi()
}

/// For how long a refresh token that this client has exchanged still gets the same answer, where
/// other clients have the time `configured` (SP 5.3.2.1 rule 9: a lost answer must not cost the
/// person a new sign-in).
#[must_use]
pub fn refresh_grace(client: &Client, configured: Seconds) -> Seconds {
    if client.metadata.security_profile.is_fapi() {
        return longest_refresh_grace(configured);
    }
    configured
}

/// The longest time for which any client's exchanged refresh token still gets the same answer; what
/// that answer needs has to be kept for so long.
#[must_use]
pub fn longest_refresh_grace(configured: Seconds) -> Seconds {
    configured.max(REFRESH_GRACE)
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
    let mode = params.get("response_mode")?;
    if profile == SecurityProfile::Fapi2MessageSigning && !is_signed(mode) {
        return Err(OAuthError::invalid_request("response_mode must be jwt for this client."));
    }
    Ok(())
}

/// Whether an answer to this request, even an error, may go to the client: one that takes signed answers
/// only gets no other (MS 5.4.1).
#[must_use]
pub fn may_be_answered(client: &Client, params: &Params) -> bool {
    client.metadata.security_profile != SecurityProfile::Fapi2MessageSigning
        || is_signed(params.sole("response_mode"))
}

/// Whether the answer travels in a JWT. An unknown mode is answered in the query, so a name that only
/// looks like a mode with a JWT is none.
fn is_signed(mode: Option<&str>) -> bool {
    mode.and_then(ResponseMode::from_name).is_some_and(ResponseMode::is_jwt)
}

#[cfg(test)]
mod tests {
    use super::super::client::tests::client;
    use super::*;
    use crate::protocol::client::validation::validate;

    fn good(security_profile: SecurityProfile) -> ClientMetadata {
        ClientMetadata {
            client_name: "Bank".into(),
            token_endpoint_auth_method: AuthMethod::PrivateKeyJwt,
            jwks_uri: Some("https://rp.test/jwks".into()),
            redirect_uris: vec!["https://rp.test/cb".into()],
            id_token_signed_response_alg: SigningAlg::Ps256,
            access_token_alg: SigningAlg::Es256,
            authorization_signed_response_alg: Some(SigningAlg::Ps256),
            security_profile,
            ..ClientMetadata::default()
        }
    }

    fn fields(metadata: &ClientMetadata) -> Vec<&'static str> {
        let problems = validate(metadata).err().unwrap_or_default();
        problems.iter().map(|problem| problem.field).collect()
    }

    #[test]
    fn what_the_profile_forbids_cannot_be_registered_under_it() {
        type Change = fn(&mut ClientMetadata);
        let changes: [(&str, Change); 9] = [
            ("token_endpoint_auth_method", |m| {
                m.token_endpoint_auth_method = AuthMethod::ClientSecretBasic;
            }),
            ("token_endpoint_auth_method", |m| m.token_endpoint_auth_method = AuthMethod::None),
            ("redirect_uris", |m| m.redirect_uris.push("http://localhost/cb".into())),
            ("id_token_signed_response_alg", |m| {
                m.id_token_signed_response_alg = SigningAlg::Rs256;
            }),
            ("access_token_alg", |m| m.access_token_alg = SigningAlg::Es384),
            ("token_endpoint_auth_signing_alg", |m| {
                m.token_endpoint_auth_signing_alg = Some(SigningAlg::Rs256);
            }),
            ("request_object_signing_alg", |m| {
                m.request_object_signing_alg = Some(SigningAlg::Rs256);
            }),
            ("userinfo_signed_response_alg", |m| {
                m.userinfo_signed_response_alg = Some(SigningAlg::Rs256);
            }),
            ("authorization_signed_response_alg", |m| {
                m.authorization_signed_response_alg = Some(SigningAlg::Rs256);
            }),
        ];
        for profile in [SecurityProfile::Fapi2Security, SecurityProfile::Fapi2MessageSigning] {
            assert_eq!(fields(&good(profile)), Vec::<&str>::new());
            for (field, change) in changes {
                let mut bad = good(profile);
                change(&mut bad);
                assert_eq!(fields(&bad), [field]);
                bad.security_profile = SecurityProfile::Standard;
                assert_eq!(fields(&bad), Vec::<&str>::new(), "{field} is free without a profile");
            }
        }
    }

    #[test]
    fn message_signing_signs_the_answers_as_well() {
        let mut bad = good(SecurityProfile::Fapi2MessageSigning);
        bad.authorization_signed_response_alg = None;
        assert_eq!(fields(&bad), ["authorization_signed_response_alg"]);
        bad.security_profile = SecurityProfile::Fapi2Security;
        assert_eq!(fields(&bad), Vec::<&str>::new());
        let mut signing = client();
        signing.metadata.security_profile = SecurityProfile::Fapi2MessageSigning;
        let ask = |query: &str| check_request(&signing, &Params::parse(query.as_bytes()).unwrap());
        assert!(ask("redirect_uri=x").is_err());
        for unsigned in ["query", "xjwt", "foo.jwt", "JWT", ".jwt", "query.jwt "] {
            let query = format!("redirect_uri=x&response_mode={}", unsigned.replace(' ', "+"));
            assert!(ask(&query).is_err(), "{unsigned}");
            let params = Params::parse(query.as_bytes()).unwrap();
            assert!(!may_be_answered(&signing, &params), "{unsigned}");
        }
        assert!(ask("redirect_uri=x&response_mode=jwt").is_ok());
        assert!(ask("redirect_uri=x&response_mode=form_post.jwt").is_ok());
    }

    #[test]
    fn one_setting_turns_the_duties_on() {
        let mut fapi = client();
        assert!(!fapi.requires_pkce() && !fapi.requires_pushed_requests());
        assert!(!fapi.requires_signed_requests() && allows(&fapi, SigningAlg::Rs256));
        fapi.metadata.security_profile = SecurityProfile::Fapi2Security;
        assert!(fapi.requires_pkce() && fapi.requires_pushed_requests());
        assert!(!fapi.requires_signed_requests());
        assert!(!allows(&fapi, SigningAlg::Rs256) && !allows(&fapi, SigningAlg::Es384));
        assert!(check_request(&fapi, &Params::default()).is_err());
        assert!(check_request(&client(), &Params::default()).is_ok());
        assert_eq!((refresh_grace(&fapi, 0), refresh_grace(&client(), 0)), (60, 0));
        assert_eq!(refresh_grace(&fapi, 90), 90);
        assert_eq!((longest_refresh_grace(0), longest_refresh_grace(90)), (60, 90));
        fapi.metadata.security_profile = SecurityProfile::Fapi2MessageSigning;
        assert!(fapi.requires_pushed_requests() && fapi.requires_signed_requests());
    }
}
