//! What is refused, and that everything is refused at once.

use super::*;
use crate::protocol::client::SubjectType;
use crate::protocol::types::{ContentEncryptionAlg, KeyEncryptionAlg};

fn web() -> ClientMetadata {
    ClientMetadata {
        client_name: "App".into(),
        redirect_uris: vec!["https://rp.test/cb".into()],
        ..ClientMetadata::for_kind(ClientKind::Web)
    }
}

#[test]
fn a_plain_web_app_is_valid() {
    assert_eq!(validate(&web()), Ok(()));
}

#[test]
fn every_problem_is_reported_at_once() {
    let bad = ClientMetadata {
        client_name: String::new(),
        redirect_uris: vec!["javascript:alert(1)".into(), "http://rp.test".into()],
        policy_uri: Some("javascript:alert(1)".into()),
        access_token_lifetime: Some(86_400),
        ..web()
    };
    let problems = validate(&bad).unwrap_err();
    assert_eq!(problems.len(), 5, "{problems:?}");
    assert_eq!(problems[1].code(), "invalid_redirect_uri");
    assert_eq!(problems[0].code(), "invalid_client_metadata");
}

#[test]
fn a_name_cannot_disguise_itself() {
    for bad in ["Bank\u{202e}live", "Goo\u{200b}gle", "Bank\u{2028}", "\u{85}Bank", "Bank\n"] {
        let bad = ClientMetadata { client_name: bad.into(), ..web() };
        assert_eq!(validate(&bad).unwrap_err()[0].field, "client_name");
    }
    // What is stored is what is counted.
    let padded = ClientMetadata { client_name: format!("App{}", " ".repeat(98)), ..web() };
    assert_eq!(validate(&padded).unwrap_err()[0].field, "client_name");
}

#[test]
fn public_kinds_start_without_a_secret_and_with_pkce() {
    for kind in [ClientKind::Spa, ClientKind::Native, ClientKind::Device] {
        let start = ClientMetadata::for_kind(kind);
        assert_eq!(start.token_endpoint_auth_method, AuthMethod::None);
        assert_eq!(start.pkce, PkcePolicy::Required);
    }
}

#[test]
fn an_origin_is_scheme_host_and_port_only() {
    let with = |origin: &str| ClientMetadata { allowed_origins: vec![origin.into()], ..web() };
    assert!(validate(&with("https://app.test")).is_ok());
    for bad in ["https://app.test/", "*", "null", "app.test", "https://app.test/x"] {
        assert!(validate(&with(bad)).is_err(), "{bad}");
    }
}

#[test]
fn a_protected_resource_is_an_absolute_uri_of_a_service_that_authenticates() {
    let with = |resources: &[&str]| ClientMetadata {
        protected_resources: resources.iter().map(|one| (*one).to_owned()).collect(),
        ..web()
    };
    assert!(validate(&with(&["https://api.test/v1", "urn:example:api", "mcp://api"])).is_ok());
    let long = format!("https://api.test/{}", "x".repeat(500));
    for bad in [
        "",
        "api",
        "/v1",
        "//api.test",
        "https://api.test/#x",
        "https://api.test/ x",
        "urn:a\n",
        &long,
    ] {
        assert!(validate(&with(&["https://api.test", bad])).is_err(), "{bad}");
    }
    let public =
        ClientMetadata { token_endpoint_auth_method: AuthMethod::None, ..with(&["urn:api"]) };
    assert_eq!(validate(&public).unwrap_err()[0].field, "protected_resources");
}

#[test]
fn what_the_server_asks_is_https_and_what_browsers_follow_may_be_loopback() {
    let fetched = |uri: &str| ClientMetadata {
        backchannel_logout_uri: Some(uri.into()),
        jwks_uri: Some(uri.into()),
        request_uris: vec![format!("{uri}#hash")],
        ..web()
    };
    assert_eq!(validate(&fetched("https://rp.test/x")), Ok(()));
    for bad in ["http://localhost/x", "file:///x", "gopher://rp.test", "//rp.test", "rp.test/x"] {
        let problems = validate(&fetched(bad)).unwrap_err();
        assert_eq!(problems.len(), 3, "{bad}: {problems:?}");
    }
    let fragment = ClientMetadata { jwks_uri: Some("https://rp.test/x#y".into()), ..web() };
    assert!(validate(&fragment).is_err());
    let link = |uri: &str| ClientMetadata { logo_uri: Some(uri.into()), ..web() };
    assert_eq!(validate(&link("http://localhost:8081/logo.png")), Ok(()));
    for bad in ["javascript:alert(1)", "data:image/png,x", "http://rp.test/logo.png"] {
        assert!(validate(&link(bad)).is_err(), "{bad}");
    }
}

#[test]
fn a_fragment_hides_nothing_that_stands_before_it() {
    for bad in [
        "javascript:alert(1)#",
        "http://evil.test/#",
        "https://bank@evil.test/#",
        "https://*.evil.test/#x",
        "data:text/html,x#y",
        "https://rp.test/#a#b",
        "https://rp.test/#\"x",
    ] {
        let link = ClientMetadata { policy_uri: Some(bad.into()), ..web() };
        assert_eq!(validate(&link).unwrap_err()[0].field, "policy_uri", "{bad}");
        let fetched = ClientMetadata { request_uris: vec![bad.into()], ..web() };
        assert_eq!(validate(&fetched).unwrap_err()[0].field, "request_uris", "{bad}");
    }
    let good = ClientMetadata { policy_uri: Some("https://rp.test/p#privacy".into()), ..web() };
    assert_eq!(validate(&good), Ok(()));
}

#[test]
fn an_app_starts_a_sign_in_for_others_at_an_https_address_only() {
    let with = |uri: &str| ClientMetadata { initiate_login_uri: Some(uri.into()), ..web() };
    assert_eq!(validate(&with("https://rp.test/login?x=1")), Ok(()));
    for bad in ["http://rp.test/", "http://localhost/", "https://rp.test/#x", "javascript:x", "x"] {
        let problems = validate(&with(bad)).unwrap_err();
        assert_eq!(problems[0].field, "initiate_login_uri", "{bad}");
    }
}

#[test]
fn a_frame_of_the_sign_out_page_is_at_home_where_the_app_is() {
    let with = |uri: &str| ClientMetadata { frontchannel_logout_uri: Some(uri.into()), ..web() };
    assert_eq!(validate(&with("https://rp.test/out?x=1")), Ok(()));
    for bad in ["https://evil.test/out", "https://rp.test:8443/out", "https://rp.test/out#x"] {
        assert!(validate(&with(bad)).is_err(), "{bad}");
    }
}

#[test]
fn a_pairwise_client_with_several_hosts_needs_a_sector_document() {
    let mut metadata = ClientMetadata {
        subject_type: SubjectType::Pairwise,
        redirect_uris: vec!["https://a.test/".into(), "https://b.test/".into()],
        ..web()
    };
    assert_eq!(validate(&metadata).unwrap_err()[0].field, "sector_identifier_uri");
    metadata.sector_identifier_uri = Some("https://a.test/sector.json".into());
    assert_eq!(validate(&metadata), Ok(()));
    // Whoever listens on a loopback address would get the name that the host knows people by.
    for mixed in ["http://127.0.0.1/cb", "com.example.app:/cb", "com.example.app://a.test/cb"] {
        let mut metadata = ClientMetadata {
            kind: ClientKind::Native,
            subject_type: SubjectType::Pairwise,
            redirect_uris: vec!["https://a.test/".into(), mixed.into()],
            ..web()
        };
        assert_eq!(validate(&metadata).unwrap_err()[0].field, "sector_identifier_uri", "{mixed}");
        metadata.redirect_uris.remove(0);
        assert_eq!(validate(&metadata), Ok(()), "{mixed}");
    }
}

#[test]
fn keys_are_public_in_one_place_and_there_where_something_is_encrypted() {
    let keys = serde_json::json!({ "keys": [] });
    let both = ClientMetadata {
        jwks: Some(keys.clone()),
        jwks_uri: Some("https://rp.test/jwks".into()),
        ..web()
    };
    assert_eq!(validate(&both).unwrap_err()[0].field, "jwks");
    for bad in [serde_json::json!([]), serde_json::json!({ "keys": {} }), "x".into()] {
        assert!(validate(&ClientMetadata { jwks: Some(bad), ..web() }).is_err());
    }
    let nul = serde_json::json!({ "keys": [], "x": "\0" });
    let nul = ClientMetadata { jwks: Some(nul), ..web() };
    assert_eq!(validate(&nul).unwrap_err()[0].field, "jwks", "PostgreSQL keeps no U+0000");
    let mut encrypted =
        ClientMetadata { id_token_encrypted_response_alg: Some(KeyEncryptionAlg::EcdhEs), ..web() };
    assert_eq!(validate(&encrypted).unwrap_err()[0].field, "id_token_encrypted_response_alg");
    encrypted.jwks = Some(keys);
    assert_eq!(validate(&encrypted), Ok(()));
    let lonely = ClientMetadata {
        userinfo_encrypted_response_enc: Some(ContentEncryptionAlg::A128Gcm),
        ..web()
    };
    assert_eq!(validate(&lonely).unwrap_err()[0].field, "userinfo_encrypted_response_enc");
}

#[test]
fn one_member_names_the_subject_of_a_certificate() {
    let two = ClientMetadata {
        tls_client_auth_san_dns: Some("rp.test".into()),
        tls_client_auth_san_ip: Some("192.0.2.1".into()),
        ..web()
    };
    assert_eq!(validate(&two).unwrap_err().len(), 1);
    let bad = ClientMetadata { tls_client_auth_san_ip: Some("rp.test".into()), ..web() };
    assert_eq!(validate(&bad).unwrap_err()[0].field, "tls_client_auth_san_ip");
}

#[test]
fn texts_are_single_lines_of_a_sane_length() {
    for bad in ["", " ", "a\nb", "a\u{202e}b", &"x".repeat(256)] {
        for metadata in [
            ClientMetadata { contacts: vec![bad.into()], ..web() },
            ClientMetadata { software_id: Some(bad.into()), ..web() },
            ClientMetadata { default_acr_values: vec![bad.into()], ..web() },
        ] {
            assert!(validate(&metadata).is_err(), "{bad:?}");
        }
    }
    let spaced = ClientMetadata { default_acr_values: vec!["a b".into()], ..web() };
    assert!(validate(&spaced).is_err());
    let scopes = ClientMetadata { scope: Scopes::from_tokens(["a b"]), ..web() };
    assert_eq!(validate(&scopes).unwrap_err()[0].field, "scope");
}

#[test]
fn a_problem_repeats_its_value_only_for_those_who_may_see_it() {
    let bad = ClientMetadata { redirect_uris: vec!["javascript:alert(1)".into()], ..web() };
    let problem = &validate(&bad).unwrap_err()[0];
    assert!(!problem.problem.contains("javascript"), "{problem}");
    assert!(problem.to_string().contains("javascript"), "{problem}");
}

#[test]
fn methods_with_keys_or_certificates_need_what_they_are_checked_against() {
    let with = |method| ClientMetadata { token_endpoint_auth_method: method, ..web() };
    for method in [AuthMethod::PrivateKeyJwt, AuthMethod::SelfSignedTlsClientAuth] {
        assert_eq!(validate(&with(method)).unwrap_err()[0].field, "jwks", "{method:?}");
        let good = ClientMetadata { jwks_uri: Some("https://rp.test/jwks".into()), ..with(method) };
        assert_eq!(validate(&good), Ok(()));
    }
    let tls = with(AuthMethod::TlsClientAuth);
    assert!(validate(&tls).is_err(), "without a subject");
    let named = ClientMetadata { tls_client_auth_san_dns: Some("rp.test".into()), ..tls };
    assert_eq!(validate(&named), Ok(()));
}
