//! The provider's metadata (OpenID Connect Discovery section 3, RFC 8414 section 2), computed from
//! what is enabled.

use serde_json::{Value, json};

use super::claims::ACR_PASSWORD;
use super::client::{AuthMethod, GrantType};
use super::dpop;
use super::reply::ResponseMode;
use super::scope::Scopes;
use super::types::SigningAlg;

/// Where each endpoint is, below the issuer. The only list of protocol paths; the URL map of the
/// HTTP layer is built from it.
pub mod path {
    pub const AUTHORIZE: &str = "/oauth2/authorize";
    pub const TOKEN: &str = "/oauth2/token";
    pub const USERINFO: &str = "/oauth2/userinfo";
    pub const DEVICE_AUTHORIZATION: &str = "/oauth2/device_authorization";
    pub const INTROSPECT: &str = "/oauth2/introspect";
    pub const REVOKE: &str = "/oauth2/revoke";
    pub const LOGOUT: &str = "/oauth2/logout";
    /// Where people let devices in: `verification_uri` (RFC 8628 section 3.2).
    pub const DEVICE: &str = "/device";
    pub const CHECK_SESSION: &str = "/oauth2/check_session";
    pub const JWKS: &str = "/.well-known/jwks.json";
    pub const OPENID_CONFIGURATION: &str = "/.well-known/openid-configuration";
    pub const AUTHORIZATION_SERVER: &str = "/.well-known/oauth-authorization-server";
}

/// The metadata document of an issuer that signs with these algorithms.
#[must_use]
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
        "response_modes_supported": ResponseMode::ALL.map(ResponseMode::as_str),
        "grant_types_supported": GrantType::ALL.map(GrantType::as_str),
        "subject_types_supported": ["public", "pairwise"],
        "id_token_signing_alg_values_supported": algs,
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": assertion_algs,
        "introspection_endpoint_auth_methods_supported": confidential,
        "introspection_endpoint_auth_signing_alg_values_supported": assertion_algs,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": assertion_algs,
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "acr_values_supported": [ACR_PASSWORD],
        "display_values_supported": ["page", "popup", "touch"],
        "claim_types_supported": ["normal"],
        "claims_supported": CLAIMS,
        "ui_locales_supported": ["en"],
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        // The default of this member is true, so leaving it out would promise too much.
        "request_uri_parameter_supported": false,
        "authorization_response_iss_parameter_supported": true,
        "dpop_signing_alg_values_supported": dpop::ALGS.map(SigningAlg::as_str),
    })
}

/// How clients may authenticate, by the registered names.
fn auth_methods() -> Vec<&'static str> {
    let offered = |method: &AuthMethod| *method != AuthMethod::ClientSecret;
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
        assert_eq!(document["request_uri_parameter_supported"], false);
    }
}
