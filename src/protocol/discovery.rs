//! The provider's metadata (OpenID Connect Discovery section 3, RFC 8414 section 2), computed from
//! what is enabled.

use serde_json::{Map, Value, json};

use super::acr::Level;
use super::authorization_details::DetailType;
use super::authorize::{PROMPT_VALUES, PushedRequests};
use super::client::{AuthMethod, GrantType};
use super::dpop;
use super::reply::ResponseMode;
use super::scope::Scopes;
use super::types::{ContentEncryptionAlg, KeyEncryptionAlg, SigningAlg};

/// Where each endpoint is, below the issuer. The only list of protocol paths; the URL map of the
/// HTTP layer is built from it.
pub mod path {
    pub const AUTHORIZE: &str = "/oauth2/authorize";
    pub const TOKEN: &str = "/oauth2/token";
    pub const PAR: &str = "/oauth2/par";
    pub const USERINFO: &str = "/oauth2/userinfo";
    pub const DEVICE_AUTHORIZATION: &str = "/oauth2/device_authorization";
    pub const INTROSPECT: &str = "/oauth2/introspect";
    pub const REVOKE: &str = "/oauth2/revoke";
    pub const LOGOUT: &str = "/oauth2/logout";
    /// Where people let devices in: `verification_uri` (RFC 8628 section 3.2).
    pub const DEVICE: &str = "/device";
    pub const CHECK_SESSION: &str = "/oauth2/check_session";
    pub const REGISTER: &str = "/oauth2/register";
    pub const JWKS: &str = "/.well-known/jwks.json";
    pub const OPENID_CONFIGURATION: &str = "/.well-known/openid-configuration";
    pub const AUTHORIZATION_SERVER: &str = "/.well-known/oauth-authorization-server";
}

/// The metadata document of an issuer that signs with these algorithms.
#[must_use]
#[expect(clippy::too_many_lines, reason = "one line for every member")]
pub fn document(issuer: &str, algs: &[SigningAlg]) -> Value {
    let at = |path: &str| format!("{issuer}{path}");
    let algs: Vec<&str> = algs.iter().map(|alg| alg.as_str()).collect();
    let methods = auth_methods();
    let confidential: Vec<&str> =
        methods.iter().copied().filter(|method| *method != AuthMethod::None.as_str()).collect();
    let assertion_algs = SigningAlg::ALL.map(SigningAlg::as_str);
    json!({
        "issuer": issuer,
        "authorization_endpoint": at(path::AUTHORIZE),
        "token_endpoint": at(path::TOKEN),
        "userinfo_endpoint": at(path::USERINFO),
        "jwks_uri": at(path::JWKS),
        "device_authorization_endpoint": at(path::DEVICE_AUTHORIZATION),
        "introspection_endpoint": at(path::INTROSPECT),
        "revocation_endpoint": at(path::REVOKE),
        "end_session_endpoint": at(path::LOGOUT),
        "check_session_iframe": at(path::CHECK_SESSION),
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "frontchannel_logout_supported": true,
        "frontchannel_logout_session_supported": true,
        "scopes_supported": Scopes::STANDARD,
        "response_types_supported": ["code"],
        "response_modes_supported": ResponseMode::names(),
        "grant_types_supported": GrantType::ALL.map(GrantType::as_str),
        "subject_types_supported": ["public", "pairwise"],
        "id_token_signing_alg_values_supported": algs,
        "userinfo_signing_alg_values_supported": algs,
        "introspection_signing_alg_values_supported": algs,
        "id_token_encryption_alg_values_supported": KeyEncryptionAlg::ALL,
        "id_token_encryption_enc_values_supported": ContentEncryptionAlg::ALL,
        "userinfo_encryption_alg_values_supported": KeyEncryptionAlg::ALL,
        "userinfo_encryption_enc_values_supported": ContentEncryptionAlg::ALL,
        "introspection_encryption_alg_values_supported": KeyEncryptionAlg::ALL,
        "introspection_encryption_enc_values_supported": ContentEncryptionAlg::ALL,
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": assertion_algs,
        "introspection_endpoint_auth_methods_supported": confidential,
        "introspection_endpoint_auth_signing_alg_values_supported": assertion_algs,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": assertion_algs,
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": PROMPT_VALUES,
        "acr_values_supported": Level::supported(),
        "display_values_supported": ["page", "popup", "touch"],
        "claim_types_supported": ["normal"],
        "claims_supported": CLAIMS,
        "ui_locales_supported": ["en"],
        "claims_parameter_supported": true,
        "pushed_authorization_request_endpoint": at(path::PAR),
        "request_parameter_supported": true,
        "request_uri_parameter_supported": true,
        "require_request_uri_registration": true,
        "request_object_signing_alg_values_supported": SigningAlg::ALL,
        "authorization_signing_alg_values_supported": algs,
        "authorization_encryption_alg_values_supported": KeyEncryptionAlg::ALL,
        "authorization_encryption_enc_values_supported": ContentEncryptionAlg::ALL,
        "authorization_response_iss_parameter_supported": true,
        "dpop_signing_alg_values_supported": dpop::ALGS.map(SigningAlg::as_str),
    })
}

/// What the settings of this server add.
#[must_use]
pub fn authorization_members(types: &[DetailType], pushed: PushedRequests) -> Vec<(String, Value)> {
    let mut members = Vec::new();
    // RFC 8414 section 3.2: a list without elements is left out.
    if !types.is_empty() {
        let names: Vec<&str> = types.iter().map(|kind| kind.name.as_str()).collect();
        members.push(("authorization_details_types_supported".to_owned(), json!(names)));
    }
    let required = pushed == PushedRequests::Required;
    members.push(("require_pushed_authorization_requests".to_owned(), json!(required)));
    members
}

/// How apps may encrypt request objects to this server, which has a key for each of these; nothing
/// where it has none (RFC 8414 section 3.2: a list without elements is left out).
#[must_use]
pub fn encryption_members(algs: &[KeyEncryptionAlg]) -> Vec<(String, Value)> {
    if algs.is_empty() {
        return Vec::new();
    }
    let member = |name: &str, value| (format!("request_object_encryption_{name}"), value);
    vec![
        member("alg_values_supported", json!(algs)),
        member("enc_values_supported", json!(ContentEncryptionAlg::ALL)),
    ]
}

/// What of RFC 8705 is on.
#[derive(Debug, Clone, Copy)]
pub struct Certificates<'a> {
    /// The methods that take a certificate, if they are offered.
    pub methods: &'a [AuthMethod],
    /// Where clients with a certificate go, if that is another place than for everybody else.
    pub base_url: Option<&'a str>,
}

/// Adds what clients with certificates have to know (RFC 8705 sections 2, 3.3 and 5).
pub fn add_certificates(document: &mut Value, issuer: &str, certificates: &Certificates<'_>) {
    let Some(members) = document.as_object_mut() else { return };
    if certificates.methods.is_empty() {
        return;
    }
    for (name, list) in members.iter_mut() {
        if name.ends_with("_endpoint_auth_methods_supported")
            && let Some(list) = list.as_array_mut()
        {
            list.extend(certificates.methods.iter().map(|method| json!(method.as_str())));
        }
    }
    members.insert("tls_client_certificate_bound_access_tokens".to_owned(), json!(true));
    let Some(base_url) = certificates.base_url else { return };
    let aliases: Map<String, Value> = members
        .iter()
        .filter(|(name, _)| ALIASED.contains(&name.as_str()))
        .filter_map(|(name, url)| {
            let path = url.as_str()?.strip_prefix(issuer)?;
            Some((name.clone(), json!(format!("{base_url}{path}"))))
        })
        .collect();
    members.insert("mtls_endpoint_aliases".to_owned(), aliases.into());
}

/// The endpoints that programs and not browsers call, and at which a certificate says something.
const ALIASED: [&str; 7] = [
    "token_endpoint",
    "revocation_endpoint",
    "introspection_endpoint",
    "userinfo_endpoint",
    "pushed_authorization_request_endpoint",
    "device_authorization_endpoint",
    "registration_endpoint",
];

/// How clients may authenticate, by the registered names.
fn auth_methods() -> Vec<&'static str> {
    let offered =
        |method: &AuthMethod| *method != AuthMethod::ClientSecret && !method.uses_certificate();
    AuthMethod::ALL.into_iter().filter(offered).map(AuthMethod::as_str).collect()
}

const CLAIMS: [&str; 30] = [
    "sub",
    "iss",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "sid",
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "updated_at",
    "email",
    "email_verified",
    "phone_number",
    "phone_number_verified",
    "address",
    "groups",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_is_below_the_issuer_and_rs256_is_offered() {
        let document = document("https://op.test/sso", &SigningAlg::ALL);
        for (name, value) in document.as_object().unwrap() {
            if name.ends_with("_endpoint") || name == "jwks_uri" {
                assert!(value.as_str().unwrap().starts_with("https://op.test/sso/"), "{name}");
            }
        }
        assert!(
            document["id_token_signing_alg_values_supported"]
                .as_array()
                .unwrap()
                .contains(&json!("RS256"))
        );
        assert_eq!(document["request_uri_parameter_supported"], true);
    }

    #[test]
    fn only_the_encryption_there_are_keys_for_is_announced() {
        assert_eq!(encryption_members(&[]), []);
        let members = Value::from(Map::from_iter(encryption_members(&[KeyEncryptionAlg::EcdhEs])));
        assert_eq!(members["request_object_encryption_alg_values_supported"], json!(["ECDH-ES"]));
        let encs = &members["request_object_encryption_enc_values_supported"];
        assert!(encs.as_array().unwrap().contains(&json!("A256GCM")));
    }

    #[test]
    fn certificates_are_announced_where_they_are_asked_for() {
        let issuer = "https://op.test/sso";
        let plain = document(issuer, &SigningAlg::ALL);
        let mut same = plain.clone();
        add_certificates(&mut same, issuer, &Certificates { methods: &[], base_url: None });
        assert_eq!(same, plain);
        let methods = &[AuthMethod::TlsClientAuth, AuthMethod::SelfSignedTlsClientAuth];
        let base_url = Some("https://mtls.op.test");
        let mut document = plain;
        add_certificates(&mut document, issuer, &Certificates { methods, base_url });
        for name in ["token", "introspection", "revocation"] {
            let list = &document[format!("{name}_endpoint_auth_methods_supported")];
            assert!(list.as_array().unwrap().contains(&json!("tls_client_auth")), "{list}");
        }
        let aliases = &document["mtls_endpoint_aliases"];
        assert_eq!(aliases["token_endpoint"], "https://mtls.op.test/oauth2/token");
        assert!(aliases.get("authorization_endpoint").is_none());
    }
}
