//! What strangers may choose, and what they are told.

use super::*;
use crate::protocol::client::tests::client;
use crate::protocol::client::{ConsentPolicy, SubjectType, validation};
use crate::protocol::types::SigningAlg;

const GRANTS: [GrantType; 2] = [GrantType::AuthorizationCode, GrantType::RefreshToken];
const METHODS: [AuthMethod; 2] = [AuthMethod::None, AuthMethod::ClientSecretBasic];

fn asked(request: &Value) -> Result<ClientMetadata, Vec<&'static str>> {
    let scopes = Scopes::parse("openid email offline_access").unwrap();
    let policy = Policy {
        grant_types: &GRANTS,
        auth_methods: &METHODS,
        scopes: &scopes,
        detail_types: &["payment_initiation".to_owned()],
        default_auth_method: AuthMethod::ClientSecretBasic,
    };
    read(request.as_object().unwrap(), &policy)
        .map_err(|problems| problems.into_iter().map(|problem| problem.field).collect())
}

fn web() -> Value {
    json!({ "client_name": "App", "redirect_uris": ["https://rp.test/cb"] })
}

fn with(name: &str, value: Value) -> Value {
    let mut request = web();
    request[name] = value;
    request
}

#[test]
fn a_small_request_gets_the_defaults_of_the_specification() {
    let metadata = asked(&web()).unwrap();
    assert_eq!(metadata.grant_types, [GrantType::AuthorizationCode]);
    assert_eq!(metadata.token_endpoint_auth_method, AuthMethod::ClientSecretBasic);
    assert_eq!(metadata.kind, ClientKind::Web);
    assert_eq!(metadata.scope.to_string(), "openid email offline_access");
    assert_eq!(metadata.id_token_signed_response_alg, SigningAlg::Rs256);
    assert_eq!(validation::validate(&metadata), Ok(()));
}

#[test]
fn what_only_administrators_decide_is_ignored() {
    let mut request = web();
    let ours = json!({
        "consent": "skip", "kind": "machine", "pkce": "optional", "audience": ["everything"],
        "protected_resources": ["https://api.test"],
        "claim_mappings": [{ "claim": "plan", "in": ["id_token"], "value": "gold" }],
        "protected_resources": ["https://api.test"], "allowed_groups": ["staff"],
        "access_token_lifetime": 3600, "claims_in": "id_token_too", "allowed_origins": ["https://x.test"],
        "access_token_format": "opaque", "revocation": "stateless", "security_profile": "standard", "disabled_at": 1,
        "client_name#de": "Anwendung", "nonsense": { "a": [1] },
    });
    request.as_object_mut().unwrap().extend(ours.as_object().unwrap().clone());
    assert_eq!(asked(&request), asked(&web()));
    assert_eq!(asked(&request).unwrap().consent, ConsentPolicy::Ask);
}

#[test]
fn types_of_details_are_cut_to_the_policy() {
    let types = |list: Value| {
        let request = with("authorization_details_types", list);
        asked(&request).unwrap().authorization_details_types
    };
    assert_eq!(types(json!(["payment_initiation", "admin"])), ["payment_initiation"]);
    assert!(types(json!(["admin"])).is_empty());
    assert!(asked(&web()).unwrap().authorization_details_types.is_empty());
}

#[test]
fn grants_and_scopes_are_cut_to_the_policy_unless_nothing_remains() {
    let metadata = asked(&with(
        "grant_types",
        json!(["implicit", "authorization_code", "client_credentials", "refresh_token"]),
    ));
    assert_eq!(metadata.unwrap().grant_types, GRANTS);
    let metadata = asked(&with("scope", json!("openid warp email")));
    assert_eq!(metadata.unwrap().scope.to_string(), "openid email");
    for (field, value) in [
        ("grant_types", json!(["implicit"])),
        ("grant_types", json!([])),
        ("scope", json!("warp")),
        ("scope", json!(["openid"])),
        ("response_types", json!(["token"])),
        ("token_endpoint_auth_method", json!("client_secret_post")),
        ("token_endpoint_auth_method", json!("client_secret")),
        ("token_endpoint_auth_method", json!("client_secret_jwt")),
        ("application_type", json!("toaster")),
    ] {
        assert_eq!(asked(&with(field, value.clone())), Err(vec![field]), "{field} {value}");
    }
    assert!(asked(&with("response_types", json!(["code", "id_token"]))).is_ok());
}

#[test]
fn every_member_of_the_wrong_type_is_named() {
    let mut request = Map::new();
    for name in PLAIN {
        // No member is a number below zero.
        request.insert(name.to_owned(), json!({ "a": -1 }));
    }
    request.remove("jwks");
    let fields = asked(&Value::Object(request)).unwrap_err();
    // `scope` is refused by its type and once more as text.
    assert_eq!(fields.len(), PLAIN.len(), "{fields:?}");
    for bad in ["none", "HS256", "rs256"] {
        let field = "id_token_signed_response_alg";
        assert_eq!(asked(&with(field, json!(bad))), Err(vec![field]));
    }
}

#[test]
fn null_counts_as_left_out() {
    let mut request = web();
    for name in PLAIN.iter().chain(&["grant_types", "response_types", "application_type"]) {
        if request.get(*name).is_none() {
            request[*name] = Value::Null;
        }
    }
    assert_eq!(asked(&request), asked(&web()));
}

#[test]
fn the_kind_follows_from_the_whole_request() {
    let kind = |request: Value| asked(&request).unwrap().kind;
    let public = |uris: Value| json!({ "redirect_uris": uris, "token_endpoint_auth_method": "none", "client_name": "x" });
    assert_eq!(kind(public(json!(["https://spa.test/cb"]))), ClientKind::Spa);
    assert_eq!(kind(public(json!(["http://127.0.0.1/cb"]))), ClientKind::Native);
    assert_eq!(kind(public(json!(["com.example.app:/cb"]))), ClientKind::Native);
    assert_eq!(kind(with("application_type", json!("native"))), ClientKind::Native);
    assert_eq!(kind(with("application_type", json!("web"))), ClientKind::Web);
    let public_metadata = asked(&public(json!(["https://spa.test/cb"]))).unwrap();
    assert_eq!(public_metadata.pkce, PkcePolicy::Required);
}

#[test]
fn an_app_without_a_name_is_called_by_its_host() {
    let mut request = web();
    request.as_object_mut().unwrap().remove("client_name");
    assert_eq!(asked(&request).unwrap().client_name, "rp.test");
    // Whoever has taken a scheme of their own may write any host behind it.
    let native = json!({ "redirect_uris": ["com.evil.app://bank.test/cb"],
        "application_type": "native", "token_endpoint_auth_method": "none" });
    assert_eq!(asked(&native).unwrap().client_name, "An app without a name");
}

#[test]
fn white_space_around_a_name_is_not_part_of_it() {
    for padded in [" App ", "\u{85}\u{2028}App\n", "\u{3000}App\t"] {
        assert_eq!(asked(&with("client_name", json!(padded))).unwrap().client_name, "App");
    }
    let long = format!("{}App", "\u{85}".repeat(30_000));
    assert_eq!(asked(&with("client_name", json!(long))).unwrap().client_name, "App");
    for blank in ["", " ", "\u{85}\n"] {
        assert_eq!(asked(&with("client_name", json!(blank))).unwrap().client_name, "rp.test");
    }
}

#[test]
fn what_is_told_can_be_sent_back_unchanged() {
    let mut client = client();
    client.metadata = asked(&with("subject_type", json!("pairwise"))).unwrap();
    assert_eq!(client.metadata.subject_type, SubjectType::Pairwise);
    let told = describe(&client);
    assert_eq!(told["response_types"], json!(["code"]));
    assert_eq!(told["application_type"], "web");
    assert_eq!(told["scope"], "openid email offline_access");
    assert!(!told.contains_key("consent") && !told.contains_key("contacts"));
    assert_eq!(asked(&Value::Object(told)), Ok(client.metadata));
}

#[test]
fn people_are_asked_again_when_an_app_looks_different() {
    let before = asked(&web()).unwrap();
    let renamed = asked(&with("client_name", json!("Your bank"))).unwrap();
    let moved = asked(&with("redirect_uris", json!(["https://evil.test/cb"]))).unwrap();
    assert!(looks_the_same(&before, &before));
    assert!(!looks_the_same(&before, &renamed) && !looks_the_same(&before, &moved));
    for (name, value) in [
        ("post_logout_redirect_uris", json!(["https://evil.test/"])),
        ("initiate_login_uri", json!("https://rp.test/login")),
        ("subject_type", json!("pairwise")),
        ("application_type", json!("native")),
    ] {
        assert!(!looks_the_same(&before, &asked(&with(name, value)).unwrap()), "{name}");
    }
}
