//! Discovery and the key set: the `oidcc-config-certification-test-plan`, RFC 8414 and what
//! certification checks of every key set.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::kit::fixtures::{ALICE, ALL_SCOPES, Bed, STATE};
use crate::support::world::World;

const REL: &str = "http://openid.net/specs/connect/1.0/issuer";

fn texts(document: &Value, name: &str) -> Vec<String> {
    let list = document[name].as_array().unwrap_or_else(|| panic!("no list `{name}`"));
    list.iter().map(|value| value.as_str().expect("text").to_owned()).collect()
}

on_both_backends! {
    async fn oidcc_discovery_endpoint_verification(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let browser = bed.world.browser();
        let page = browser.get("/.well-known/openid-configuration").await;
        page.assert_status(200).assert_header("cache-control", "public, max-age=300");
        page.assert_header("access-control-allow-origin", "*").assert_common_headers();
        assert!(page.header("content-type").starts_with("application/json"));
        let document = page.json();
        assert_eq!(document["issuer"], Value::from(bed.world.issuer.clone()));
        for name in [
            "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri",
            "end_session_endpoint", "introspection_endpoint", "revocation_endpoint",
            "check_session_iframe",
        ] {
            let address = document[name].as_str().unwrap_or_else(|| panic!("no {name}"));
            assert!(address.starts_with(&format!("{}/", bed.world.issuer)), "{name}: {address}");
        }
        assert_eq!(texts(&document, "response_types_supported"), ["code"]);
        assert!(texts(&document, "subject_types_supported").contains(&"public".to_owned()));
        let algorithms = texts(&document, "id_token_signing_alg_values_supported");
        assert!(algorithms.contains(&"RS256".to_owned()) && !algorithms.contains(&"none".to_owned()));
        assert!(texts(&document, "scopes_supported").contains(&"openid".to_owned()));
        assert_eq!(texts(&document, "code_challenge_methods_supported"), ["S256"]);
        assert!(texts(&document, "grant_types_supported").contains(&"refresh_token".to_owned()));
        assert!(texts(&document, "response_modes_supported").contains(&"form_post".to_owned()));
        assert_eq!(document["request_uri_parameter_supported"], true);
        assert_eq!(document["request_parameter_supported"], true);
        assert_eq!(document["require_request_uri_registration"], true);
        assert_eq!(document["authorization_response_iss_parameter_supported"], true);
        for locale in texts(&document, "ui_locales_supported") {
            assert!(locale.split('-').all(|part| (1..=8).contains(&part.len())), "{locale}");
        }
        let other = browser.get("/.well-known/oauth-authorization-server").await;
        assert_eq!(other.json(), document);
    }

    /// RFC 8414 section 2 and OpenID Connect Discovery section 3: what is a list is one, of texts, never
    /// empty, and every address is under the issuer, so https where that is.
    async fn every_member_has_the_type_that_the_standards_give_it(backend: Backend) {
        let mut world = World::builder(backend).prepare().await;
        world.set("DOORWARD_ISSUER", "https://id.example.test");
        world.start_server().await;
        let address = format!("http://127.0.0.1:{}/.well-known/openid-configuration", world.port);
        let document: Value = reqwest::get(&address).await.unwrap().json().await.unwrap();
        assert_eq!(document["issuer"], "https://id.example.test");
        for (name, value) in document.as_object().unwrap() {
            let is_address = name.ends_with("_endpoint") || name.ends_with("_iframe") || name.ends_with("_uri");
            if is_address {
                let address = value.as_str().unwrap_or_else(|| panic!("{name} is no text"));
                assert!(address.starts_with("https://id.example.test/"), "{name}: {address}");
            } else if name.ends_with("_supported") && !value.is_boolean() {
                let list = texts(&document, name);
                assert!(!list.is_empty(), "{name} is empty and should be left out");
                let distinct: BTreeSet<_> = list.iter().collect();
                assert_eq!(distinct.len(), list.len(), "{name} repeats itself");
            }
        }
        for name in [
            "scopes_supported", "response_types_supported", "response_modes_supported",
            "grant_types_supported", "token_endpoint_auth_methods_supported",
            "token_endpoint_auth_signing_alg_values_supported", "ui_locales_supported",
            "revocation_endpoint_auth_methods_supported", "introspection_endpoint_auth_methods_supported",
            "code_challenge_methods_supported", "subject_types_supported", "acr_values_supported",
            "id_token_signing_alg_values_supported", "userinfo_signing_alg_values_supported",
            "request_object_signing_alg_values_supported", "display_values_supported",
            "claim_types_supported", "claims_supported", "dpop_signing_alg_values_supported",
            "prompt_values_supported", "authorization_signing_alg_values_supported",
        ] {
            texts(&document, name);
        }
        for name in [
            "claims_parameter_supported", "request_parameter_supported", "request_uri_parameter_supported",
            "require_request_uri_registration", "authorization_response_iss_parameter_supported",
            "require_pushed_authorization_requests", "backchannel_logout_supported",
            "backchannel_logout_session_supported", "frontchannel_logout_supported",
            "frontchannel_logout_session_supported",
        ] {
            assert!(document[name].is_boolean(), "{name}: {}", document[name]);
        }
    }

    async fn every_address_of_a_person_leads_here_whether_it_exists_or_not(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let browser = bed.world.browser();
        let ask = async |fields: &[(&str, &str)]| {
            let query = serde_urlencoded::to_string(fields).unwrap();
            let page = browser.get(&format!("/.well-known/webfinger?{query}")).await;
            page.assert_header("access-control-allow-origin", "*").assert_common_headers();
            page.assert_no_header("access-control-allow-credentials");
            page
        };
        let links = json!([{ "rel": REL, "href": bed.world.issuer }]);
        for resource in [
            "acct:alice@people.test", "acct:nobody@people.test", "acct:x@elsewhere.test",
            "https://people.test/alice", "acct:%22%3Cscript%3E@people.test",
        ] {
            let page = ask(&[("resource", resource), ("rel", REL)]).await;
            page.assert_status(200).assert_header("content-type", "application/jrd+json");
            assert_eq!(page.json(), json!({ "subject": resource, "links": links }));
            assert_eq!(ask(&[("resource", resource)]).await.json()["links"], links);
            let other = ask(&[("resource", resource), ("rel", "http://webfinger.net/rel/avatar")]).await;
            assert_eq!(other.assert_status(200).json()["links"], json!([]));
        }
        let one = ("resource", "acct:alice@people.test");
        for bad in [&[][..], &[("rel", REL)], &[("resource", "")], &[("resource", "alice")], &[one, one]] {
            ask(bad).await.assert_status(400);
        }
        ask(&[("resource", "mailto:alice@people.test")]).await.assert_status(404);
    }

    async fn every_claim_that_userinfo_gives_is_announced(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("conf-basic");
        let browser = bed.world.browser();
        let tokens = rp.tokens(&browser, &ALICE, &[("scope", ALL_SCOPES)]).await;
        let given = rp.userinfo(&tokens.access).await.json();
        let document = browser.get("/.well-known/openid-configuration").await.json();
        let announced: BTreeSet<_> = texts(&document, "claims_supported").into_iter().collect();
        for name in given.as_object().unwrap().keys() {
            assert!(announced.contains(name), "`{name}` is missing from claims_supported");
        }
    }

    async fn keys_are_public_and_each_has_its_own_kid(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let page = bed.world.browser().get("/.well-known/jwks.json").await;
        page.assert_status(200).assert_header("cache-control", "public, max-age=300");
        page.assert_header("access-control-allow-origin", "*");
        let keys = page.json()["keys"].as_array().cloned().unwrap();
        let kids: BTreeSet<_> = keys.iter().map(|key| key["kid"].as_str().unwrap()).collect();
        assert_eq!(kids.len(), keys.len(), "{}", page.body);
        for key in &keys {
            for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
                assert!(key.get(private).is_none(), "`{private}` in the key set");
            }
            assert!(["sig", "enc"].contains(&key["use"].as_str().unwrap()));
            assert!(["RSA", "EC", "OKP"].contains(&key["kty"].as_str().unwrap()));
        }
        for algorithm in ["RS256", "ES256", "EdDSA", "PS256", "ES384", "RSA-OAEP-256", "ECDH-ES"] {
            assert!(keys.iter().any(|key| key["alg"] == algorithm), "no {algorithm} key");
        }
    }

    async fn an_issuer_with_a_path_has_everything_below_it(backend: Backend) {
        let mut world = World::builder(backend).prepare().await;
        world.issuer = format!("{}/sso", world.issuer);
        let issuer = world.issuer.clone();
        world.set("DOORWARD_ISSUER", &issuer);
        world.start_server().await;
        let bed = Bed::new(world, &["conf-basic"]).await;
        let browser = bed.world.browser();
        let document = browser.get("/sso/.well-known/openid-configuration").await.json();
        assert_eq!(document["issuer"], Value::from(issuer.clone()));
        for name in ["openid-configuration", "oauth-authorization-server"] {
            for address in [format!("/.well-known/{name}/sso"), format!("/sso/.well-known/{name}")] {
                let page = browser.get(&address).await;
                page.assert_status(200).assert_header("access-control-allow-origin", "*");
                assert_eq!(page.json(), document, "{address}");
            }
        }
        // WebFinger knows no paths: a client asks at the root of the host.
        for address in ["/.well-known/webfinger", "/sso/.well-known/webfinger"] {
            let page = browser.get(&format!("{address}?resource=acct:alice@people.test")).await;
            assert_eq!(page.assert_status(200).json()["links"][0]["href"], Value::from(issuer.clone()));
        }
        let rp = bed.rp("conf-basic");
        let callback = rp.ask(&browser, &ALICE, &[]).await;
        let code = crate::kit::checks::assert_success(&callback, &rp, STATE);
        let tokens = crate::kit::fixtures::Tokens::of(&rp.redeem(&code).await);
        assert_eq!(tokens.id_claims()["iss"], Value::from(issuer));
        bed.assert_log_is_clean();
    }
}
