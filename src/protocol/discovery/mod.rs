//! The provider's metadata (OpenID Connect Discovery section 3, RFC 8414 section 2), computed from
//! what is enabled.

mod certificates;
pub mod path;
pub mod webfinger;

pub use certificates::Certificates;
use serde_json::{Map, Value, json};

use super::authorize::{PushedRequests, prompt_values};
use super::client::{AuthMethod, GrantType};
use super::scope::Scopes;
use super::sign_up::SignUp;
use super::types::{ContentEncryptionAlg, KeyEncryptionAlg, SigningAlg};
use crate::protocol::authorize::acr::Level;
use crate::protocol::authorize::authorization_details::DetailType;
use crate::protocol::authorize::reply::ResponseMode;
use crate::protocol::token::dpop;

/// What is enabled, as far as the metadata shows it.
#[derive(Debug, Clone, Copy)]
pub struct Offer<'a> {
    pub issuer: &'a str,
    /// What the provider signs with.
    pub signing: &'a [SigningAlg],
    /// What it has keys of its own for, so that others can encrypt to it.
    pub decryption: &'a [KeyEncryptionAlg],
    pub authorization_details: &'a [DetailType],
    pub pushed_requests: PushedRequests,
    pub sign_up: SignUp,
    pub registration: Registration,
    pub certificates: Certificates<'a>,
}

/// Which ways apps have to make themselves known.
#[derive(Debug, Clone, Copy)]
pub struct Registration {
    /// RFC 7591, openly or with an initial access token.
    pub endpoint: bool,
    /// Client ID metadata documents.
    pub metadata_documents: bool,
}

/// The metadata document.
#[must_use]
pub fn document(offer: &Offer<'_>) -> Value {
    let mut members = Map::new();
    for subject in [
        endpoints(offer),
        authorization(offer),
        request_objects(offer),
        authorization_details(offer),
        client_authentication(),
        tokens(offer),
        encryption(),
        sessions(offer),
        registration(offer),
    ] {
        // Each is an object, so nothing is lost here.
        if let Value::Object(subject) = subject {
            members.extend(subject);
        }
    }
    certificates::add(&mut members, offer.issuer, &offer.certificates);
    Value::Object(members)
}

fn endpoints(offer: &Offer<'_>) -> Value {
    json!({
        "issuer": offer.issuer,
        "authorization_endpoint": offer.at(path::AUTHORIZE),
        "pushed_authorization_request_endpoint": offer.at(path::PAR),
        "device_authorization_endpoint": offer.at(path::DEVICE_AUTHORIZATION),
        "token_endpoint": offer.at(path::TOKEN),
        "userinfo_endpoint": offer.at(path::USERINFO),
        "introspection_endpoint": offer.at(path::INTROSPECT),
        "revocation_endpoint": offer.at(path::REVOKE),
        "jwks_uri": offer.at(path::JWKS),
    })
}

/// What an authorization request may say, and how it is answered.
fn authorization(offer: &Offer<'_>) -> Value {
    json!({
        "response_types_supported": ["code"],
        "response_modes_supported": ResponseMode::names(),
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": prompt_values(offer.sign_up),
        "acr_values_supported": Level::supported(),
        "display_values_supported": ["page"],
        "ui_locales_supported": ["en"],
        "claims_parameter_supported": true,
        "authorization_response_iss_parameter_supported": true,
        "authorization_signing_alg_values_supported": offer.signing,
        "require_pushed_authorization_requests":
            offer.pushed_requests == PushedRequests::Required,
    })
}

/// Signed requests (RFC 9101 section 10.5).
fn request_objects(offer: &Offer<'_>) -> Value {
    let mut members = json!({
        "request_parameter_supported": true,
        "request_uri_parameter_supported": true,
        "require_request_uri_registration": true,
        "request_object_signing_alg_values_supported": SigningAlg::ALL,
    });
    // RFC 8414 section 3.2: a list without elements is left out.
    if !offer.decryption.is_empty()
        && let Value::Object(members) = &mut members
    {
        let prefix = "request_object_encryption";
        members.insert(format!("{prefix}_alg_values_supported"), json!(offer.decryption));
        let content = json!(ContentEncryptionAlg::ALL);
        members.insert(format!("{prefix}_enc_values_supported"), content);
    }
    members
}

/// RFC 9396 section 10.
fn authorization_details(offer: &Offer<'_>) -> Value {
    if offer.authorization_details.is_empty() {
        return json!({});
    }
    let types: Vec<&str> =
        offer.authorization_details.iter().map(|kind| kind.name.as_str()).collect();
    json!({ "authorization_details_types_supported": types })
}

fn client_authentication() -> Value {
    let methods = auth_methods();
    let confidential: Vec<&str> =
        methods.iter().copied().filter(|method| *method != AuthMethod::None.as_str()).collect();
    let algs = SigningAlg::ALL;
    json!({
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": algs,
        "introspection_endpoint_auth_methods_supported": confidential,
        "introspection_endpoint_auth_signing_alg_values_supported": algs,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": algs,
    })
}

/// What is given out, and what is in it.
fn tokens(offer: &Offer<'_>) -> Value {
    let algs = offer.signing;
    json!({
        "grant_types_supported": GrantType::ALL.map(GrantType::as_str),
        "scopes_supported": Scopes::STANDARD,
        "subject_types_supported": ["public", "pairwise"],
        "claim_types_supported": ["normal"],
        "claims_supported": CLAIMS,
        "id_token_signing_alg_values_supported": algs,
        "userinfo_signing_alg_values_supported": algs,
        "introspection_signing_alg_values_supported": algs,
        "dpop_signing_alg_values_supported": dpop::ALGS,
    })
}

/// Answers encrypted to the client's key, which needs no key of the provider's.
fn encryption() -> Value {
    let mut members = Map::new();
    for answer in ["id_token", "userinfo", "introspection", "authorization"] {
        let name = |kind: &str| format!("{answer}_encryption_{kind}_values_supported");
        members.insert(name("alg"), json!(KeyEncryptionAlg::ALL));
        members.insert(name("enc"), json!(ContentEncryptionAlg::ALL));
    }
    Value::Object(members)
}

/// The logout family and session management.
fn sessions(offer: &Offer<'_>) -> Value {
    json!({
        "end_session_endpoint": offer.at(path::LOGOUT),
        "check_session_iframe": offer.at(path::CHECK_SESSION),
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "frontchannel_logout_supported": true,
        "frontchannel_logout_session_supported": true,
    })
}

fn registration(offer: &Offer<'_>) -> Value {
    let mut members = Map::new();
    if offer.registration.endpoint {
        members.insert("registration_endpoint".to_owned(), offer.at(path::REGISTER).into());
    }
    if offer.registration.metadata_documents {
        members.insert("client_id_metadata_document_supported".to_owned(), true.into());
    }
    Value::Object(members)
}

impl Offer<'_> {
    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }
}

/// How clients may authenticate, by the registered names.
fn auth_methods() -> Vec<&'static str> {
    let offered =
        |method: &AuthMethod| *method != AuthMethod::ClientSecret && !method.uses_certificate();
    AuthMethod::ALL.into_iter().filter(offered).map(AuthMethod::as_str).collect()
}

const CLAIMS: &[&str] = &[
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
    "roles",
    "org_id",
    "org_name",
];

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://op.test/sso";
    const PLAIN: Offer<'_> = Offer {
        issuer: ISSUER,
        signing: &SigningAlg::ALL,
        decryption: &KeyEncryptionAlg::ALL,
        authorization_details: &[],
        pushed_requests: PushedRequests::Offered,
        sign_up: SignUp::Off,
        registration: Registration { endpoint: false, metadata_documents: false },
        certificates: Certificates { methods: &[], base_url: None },
    };

    #[test]
    fn every_endpoint_is_below_the_issuer_and_rs256_is_offered() {
        let document = document(&PLAIN);
        for (name, value) in document.as_object().unwrap() {
            if name.ends_with("_endpoint") || name == "jwks_uri" {
                assert!(value.as_str().unwrap().starts_with("https://op.test/sso/"), "{name}");
            }
        }
        let algs = document["id_token_signing_alg_values_supported"].as_array().unwrap();
        assert!(algs.contains(&json!("RS256")));
        assert_eq!(document["request_uri_parameter_supported"], true);
    }

    #[test]
    fn what_is_off_is_not_announced() {
        let off = document(&Offer { decryption: &[], ..PLAIN });
        for name in [
            "registration_endpoint",
            "client_id_metadata_document_supported",
            "authorization_details_types_supported",
            "request_object_encryption_alg_values_supported",
            "request_object_encryption_enc_values_supported",
            "tls_client_certificate_bound_access_tokens",
            "mtls_endpoint_aliases",
        ] {
            assert!(off.get(name).is_none(), "{name}");
        }
        let creates = |document: &Value| {
            let prompts = document["prompt_values_supported"].as_array().unwrap();
            prompts.contains(&json!("create"))
        };
        assert!(!creates(&off));
        assert_eq!(off["require_pushed_authorization_requests"], false);
        let registration = Registration { endpoint: true, metadata_documents: true };
        let on = document(&Offer {
            registration,
            pushed_requests: PushedRequests::Required,
            sign_up: SignUp::Open,
            decryption: &KeyEncryptionAlg::ALL[..1],
            ..PLAIN
        });
        assert_eq!(on["registration_endpoint"], "https://op.test/sso/oauth2/register");
        assert_eq!(on["client_id_metadata_document_supported"], true);
        assert!(creates(&on));
        assert_eq!(on["require_pushed_authorization_requests"], true);
        let list = &on["request_object_encryption_alg_values_supported"];
        assert_eq!(list.as_array().map(Vec::len), Some(1));
    }

    #[test]
    fn certificates_are_announced_where_they_are_asked_for() {
        let certificates = Certificates {
            methods: &[AuthMethod::TlsClientAuth, AuthMethod::SelfSignedTlsClientAuth],
            base_url: Some("https://mtls.op.test"),
        };
        let document = document(&Offer { certificates, ..PLAIN });
        for name in ["token", "introspection", "revocation"] {
            let list = &document[format!("{name}_endpoint_auth_methods_supported")];
            assert!(list.as_array().unwrap().contains(&json!("tls_client_auth")), "{list}");
        }
        let aliases = &document["mtls_endpoint_aliases"];
        assert_eq!(aliases["token_endpoint"], "https://mtls.op.test/oauth2/token");
        assert!(aliases.get("authorization_endpoint").is_none());
    }
}
