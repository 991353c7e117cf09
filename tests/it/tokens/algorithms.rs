//! Each client's own algorithms, and the key set others verify with: what it holds, and that it
//! need not be sent twice.

use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::checks::{assert_id_token, key_set};
use crate::kit::fixtures::{ALICE, Bed, Rp, jose_header};
use crate::kit::flow::{App, PATIENCE};
use crate::support::browser_like::Page;
use crate::support::process::wait_until_async;
use crate::support::world::World;

/// A client for each algorithm, which signs its ID tokens and its access tokens.
const EACH: [(&str, Algorithm); 5] = [
    ("conf-basic", Algorithm::RS256),
    ("es256", Algorithm::ES256),
    ("eddsa", Algorithm::EdDSA),
    ("ps256", Algorithm::PS256),
    ("es384", Algorithm::ES384),
];
const DOCUMENTS: [&str; 3] = [
    "/.well-known/jwks.json",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
];

/// Verifies an access token as a resource server does that knows only the key set.
async fn assert_access_token(rp: &Rp, token: &str, algorithm: Algorithm) {
    let header = jsonwebtoken::decode_header(token).expect("a JOSE header");
    assert_eq!((header.alg, header.typ.as_deref()), (algorithm, Some("at+jwt")));
    let keys = key_set(rp).await;
    let key = keys.find(&header.kid.expect("a kid")).expect("the key in the key set");
    let mut validation = Validation::new(algorithm);
    validation.set_audience(&[&rp.id]);
    validation.set_issuer(&[&rp.issuer]);
    let key = DecodingKey::from_jwk(key).expect("a public key");
    let claims = jsonwebtoken::decode::<Value>(token, &key, &validation).expect("a valid token");
    assert_eq!(claims.claims["client_id"], rp.id.as_str());
}

async fn ask_again(world: &World, path: &str, tag: &str) -> Page {
    let browser = world.browser();
    let request = browser.request(Method::GET, &browser.resolve(path));
    browser.send(request.header("If-None-Match", tag)).await
}

on_both_backends! {
    async fn each_client_s_algorithm_signs_its_id_and_access_tokens(backend: Backend) {
        let bed = Bed::shared(backend).await;
        for (client, algorithm) in EACH {
            let rp = bed.rp(client);
            let tokens = rp.tokens(&bed.world.browser(), &ALICE, &[]).await;
            assert_id_token(&rp, tokens.id.as_deref().unwrap(), algorithm).await;
            assert_access_token(&rp, &tokens.access, algorithm).await;
            rp.userinfo(&tokens.access).await.assert_status(200);
            assert_eq!(rp.introspect(&tokens.access).await["active"], true, "{client}");
            let again = crate::kit::fixtures::Tokens::of(&rp.refresh(tokens.refresh()).await);
            assert_access_token(&rp, &again.access, algorithm).await;
        }
    }

    async fn rs256_signs_id_tokens_where_nothing_else_is_registered(backend: Backend) {
        let bed = Bed::shared(backend).await;
        // Registered with the algorithm said, and with none said.
        for client in ["rs256", "conf-basic"] {
            let rp = bed.rp(client);
            let tokens = rp.tokens(&bed.world.browser(), &ALICE, &[]).await;
            let id_token = tokens.id.as_deref().unwrap();
            assert_id_token(&rp, id_token, Algorithm::RS256).await;
            assert!(jose_header(id_token)["kid"].is_string());
        }
    }

    async fn every_kid_is_the_thumbprint_of_its_key(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let set = bed.world.browser().get("/.well-known/jwks.json").await.json();
        for key in set["keys"].as_array().unwrap() {
            // The thumbprint is that of the bare key (RFC 7638 section 3).
            let mut bare = key.clone();
            for name in ["alg", "use", "kid"] {
                bare.as_object_mut().unwrap().remove(name);
            }
            let jwk: Jwk = serde_json::from_value(bare).unwrap();
            assert_eq!(key["kid"], jwk.thumbprint(ThumbprintHash::SHA256).unwrap(), "{key}");
        }
    }

    async fn a_document_somebody_has_already_is_not_sent_again(backend: Backend) {
        let bed = Bed::shared(backend).await;
        for path in DOCUMENTS {
            let page = bed.world.browser().get(path).await;
            let tag = page.header("etag").to_owned();
            assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 20, "{tag}");
            for known in [&tag, &format!("W/{tag}"), &format!("\"other\", {tag}"), "*"] {
                let again = ask_again(&bed.world, path, known).await;
                again.assert_status(304).assert_header("etag", &tag);
                again.assert_header("cache-control", "public, max-age=300");
                again.assert_header("access-control-allow-origin", "*").assert_common_headers();
                assert_eq!(again.body, "", "{path}");
            }
            for other in ["", "\"\"", "\"other\"", tag.trim_matches('"'), "W/", "\u{e9}", ","] {
                let again = ask_again(&bed.world, path, other).await;
                again.assert_status(200).assert_header("etag", &tag);
                assert_eq!(again.body, page.body, "{path} {other}");
            }
        }
    }

    async fn a_rotation_changes_the_tag_of_the_key_set(world: World) {
        let path = DOCUMENTS[0];
        let before = world.browser().get(path).await;
        let tag = before.header("etag").to_owned();
        world.cli(&["key", "rotate", "--alg", "EdDSA"]);
        wait_until_async("the new key set", PATIENCE, async || {
            let page = ask_again(&world, path, &tag).await;
            page.status == 200 && page.header("etag") != tag && page.body != before.body
        })
        .await;
    }

    async fn an_algorithm_without_a_key_is_refused_when_a_client_names_it(backend: Backend) {
        let builder = World::builder(backend).config_file("[keys]\nalgorithms = [\"RS256\"]\n");
        let world = builder.start().await;
        let jwks = world.browser().get(DOCUMENTS[0]).await.json();
        let signing = |key: &&Value| key["use"] == "sig";
        assert_eq!(jwks["keys"].as_array().unwrap().iter().filter(signing).count(), 2);
        App::register(&world, "plain", &[]);
        for (member, value) in [
            ("id_token_signed_response_alg", "ES256"),
            ("access_token_alg", "EdDSA"),
            ("userinfo_signed_response_alg", "PS256"),
            ("introspection_signed_response_alg", "ES384"),
        ] {
            let file = world.path("metadata.json");
            std::fs::write(&file, json!({ (member): value }).to_string()).unwrap();
            let file = file.display().to_string();
            let fixed = ["client", "update", "plain", "--redirect-uri", "https://rp.test/cb"];
            let output = world.run(&[&fixed[..], &["--name", "Plain", "--metadata", &file]].concat());
            assert!(!output.status.success(), "{member}");
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(text.contains(member) && text.contains("has no key here"), "{text}");
        }
    }
}
