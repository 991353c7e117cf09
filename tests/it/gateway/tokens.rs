//! Access tokens at the gateway, and the assertion that the app behind can verify by itself.

use serde_json::Value;

use crate::kit::dpop::{self, Key, bound_tokens};
use crate::kit::fixtures::{ALICE, Auth, REDIRECT, Rp, jose_header, payload};
use crate::kit::flow::{App, PATIENCE, create_user, get, sign_in};
use crate::kit::gateway::{Question, STAFF, WIKI, builder, gateway, visitor};
use crate::support::process::wait_until_async;
use crate::support::world::World;

/// An app whose tokens are for [`WIKI`].
fn app_for(world: &World, id: &str, (audience, flags): (&str, &[&str])) -> App {
    let file = world.path(&format!("{id}.json"));
    std::fs::write(&file, serde_json::json!({ "audience": [audience] }).to_string())
        .expect("write");
    let file = file.display().to_string();
    App::register(world, id, &[&["--metadata", file.as_str()], flags].concat())
}

async fn with_token(world: &World, host: &str, token: &str) -> u16 {
    let question = Question::about(world, host, "/").bearer(token).with("accept", "*/*");
    question.status().await
}

on_both_backends! {
    async fn a_token_for_the_app_passes_and_one_for_anybody_else_does_not(backend: Backend) {
        let world = builder(backend).start().await;
        create_user(&world, "carol");
        let browser = sign_in(&world, "carol").await;
        let own = format!("http://{WIKI}");
        for (id, format) in [("jwt-app", "jwt"), ("opaque-app", "opaque")] {
            let app = app_for(&world, id, (&own, &["--access-token-format", format]));
            let tokens = app.tokens(&browser).await;
            let question = Question::about(&world, WIKI, "/x").bearer(&tokens.access);
            let answer = question.with("accept", "*/*").ask().await;
            assert_eq!((answer.status, answer.header("x-user-name")), (200, "carol"), "{format}");
            assert!(!answer.header("x-session-id").is_empty());
            assert_eq!(with_token(&world, STAFF, &tokens.access).await, 403, "no rule for that path");
            let staff = Question::about(&world, STAFF, "/staff").bearer(&tokens.access);
            assert_eq!(staff.status().await, 401, "another app's audience");
            for other in [&tokens.id, &tokens.refresh] {
                assert_eq!(with_token(&world, WIKI, other).await, 401);
            }
        }
        let stranger = App::register(&world, "stranger", &[]);
        let tokens = stranger.tokens(&browser).await;
        assert_eq!(with_token(&world, WIKI, &tokens.access).await, 401);
        let answer = Question::about(&world, WIKI, "/").bearer(&tokens.access).ask().await;
        assert!(answer.header("www-authenticate").contains("invalid_token"), "{answer:?}");
        assert_eq!(answer.header("location"), "", "a program is not sent to a page");
    }

    async fn a_revoked_token_is_dead_at_the_next_request(backend: Backend) {
        let world = builder(backend).start().await;
        create_user(&world, "carol");
        let browser = sign_in(&world, "carol").await;
        let own = format!("http://{WIKI}");
        for (id, format) in [("jwt-app", "jwt"), ("opaque-app", "opaque")] {
            let app = app_for(&world, id, (&own, &["--access-token-format", format]));
            let tokens = app.tokens(&browser).await;
            for _ in 0..2 {
                assert_eq!(with_token(&world, WIKI, &tokens.access).await, 200);
            }
            assert_eq!(app.revoke(&tokens.access).await.status, 200);
            assert_eq!(with_token(&world, WIKI, &tokens.access).await, 401, "{format}");
            let next = app.tokens(&browser).await;
            assert_eq!(with_token(&world, WIKI, &next.access).await, 200);
            world.cli(&["client", "update", id, "--disable"]);
            wait_until_async("the disabled app's token dying", PATIENCE, async || {
                with_token(&world, WIKI, &next.access).await == 401
            })
            .await;
        }
    }

    async fn a_bad_token_is_not_made_up_for_by_a_good_cookie(backend: Backend) {
        let world = gateway(backend).await;
        let (_, cookie) = visitor(&world, &ALICE).await;
        let good = || Question::about(&world, WIKI, "/").cookie(&cookie);
        for token in ["", "x", "a.b.c", "A.B", cookie.as_str()] {
            assert_eq!(good().bearer(token).status().await, 401, "{token}");
        }
        let doubled = good().and("authorization", "Bearer x").and("authorization", "Basic eDp5");
        assert_eq!(doubled.status().await, 401);
        let basic = good().with("authorization", "Basic eDp5");
        assert_eq!(basic.status().await, 200, "what the app and the browser have between them");
    }

    async fn a_service_on_its_own_is_nobody(backend: Backend) {
        let world = builder(backend).start().await;
        let flags = ["--grant-type", "client_credentials"];
        let service = app_for(&world, "service", (&format!("http://{WIKI}"), &flags));
        let token = service.client_credentials().await.tokens().access;
        assert_eq!(payload(&token)["aud"], format!("http://{WIKI}"));
        assert_eq!(with_token(&world, WIKI, &token).await, 401);
    }

    async fn a_bound_token_is_no_bearer_token_here_either(backend: Backend) {
        let world = gateway(backend).await;
        let app = app_for(&world, "for-wiki", (&format!("http://{WIKI}"), &[]));
        let rp = Rp {
            secret: Some(app.secret),
            auth: Auth::Basic,
            redirect_uri: REDIRECT.to_owned(),
            ..Rp::new(&world, "for-wiki")
        };
        let key = Key::new();
        let code = rp.code(&world.browser(), &ALICE, &[]).await;
        let bound = bound_tokens(&dpop::redeem(&rp, &code, Some(&key)).await, &key);
        let unbound = rp.tokens(&world.browser(), &ALICE, &[]).await;
        assert_eq!(with_token(&world, WIKI, &unbound.access).await, 200);
        assert_eq!(with_token(&world, WIKI, &bound.access).await, 401);
        let proof = key.proof_for_token("GET", &format!("http://{WIKI}/"), &bound.access);
        let question = Question::about(&world, WIKI, "/").with("dpop", &proof);
        let scheme = format!("DPoP {}", bound.access);
        assert_eq!(question.with("authorization", &scheme).status().await, 401);
    }

    async fn the_assertion_is_verified_with_the_published_keys_and_good_for_nothing_here(
        backend: Backend
    ) {
        let world = gateway(backend).await;
        let (_, cookie) = visitor(&world, &ALICE).await;
        let answer = Question::about(&world, WIKI, "/").cookie(&cookie).ask().await;
        let assertion = answer.header("x-doorward-assertion").to_owned();
        let header = jose_header(&assertion);
        assert_eq!((&header["alg"], &header["typ"]), (&"ES256".into(), &"gateway-assertion+jwt".into()));
        let claims = verified(&world, &assertion).await;
        assert_eq!(claims["iss"], world.issuer.as_str());
        assert_eq!(claims["aud"], WIKI);
        assert_eq!(claims["sub"], answer.header("x-user-id"));
        assert_eq!(claims["sid"], answer.header("x-session-id"));
        assert_eq!((&claims["email"], &claims["groups"]), (&ALICE.email.into(), &serde_json::json!(["climbers", "staff"])));
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);
        let staff = Question::about(&world, STAFF, "/staff").cookie(&cookie).ask().await;
        assert_eq!(payload(staff.header("x-doorward-assertion"))["aud"], STAFF);
        assert_eq!(with_token(&world, WIKI, &assertion).await, 401);
        assert_eq!(Question::about(&world, WIKI, "/").cookie(&assertion).status().await, 401);
        let app = App::register(&world, "rp", &[]);
        assert_eq!(app.userinfo(&assertion).await.status, 401);
        assert_eq!(app.introspect(&assertion).await.text, r#"{"active":false}"#);
        let hint = format!("/oauth2/logout?id_token_hint={assertion}");
        world.browser().get(&hint).await.assert_status(400);
    }
}

/// The claims of an assertion whose signature fits a key of the published set.
async fn verified(world: &World, assertion: &str) -> Value {
    use aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED;
    use aws_lc_rs::signature::UnparsedPublicKey;
    use data_encoding::BASE64URL_NOPAD;
    let keys = get(&world.url("/.well-known/jwks.json")).await.json();
    let kid = jose_header(assertion)["kid"].clone();
    let keys = keys["keys"].as_array().expect("keys").clone();
    let key = keys.into_iter().find(|key| key["kid"] == kid).expect("the key it names");
    let part = |name: &str| BASE64URL_NOPAD.decode(key[name].as_str().unwrap().as_bytes()).unwrap();
    let point = [vec![4], part("x"), part("y")].concat();
    let (signed, signature) = assertion.rsplit_once('.').expect("a signature");
    let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).expect("base64url");
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
        .verify(signed.as_bytes(), &signature)
        .expect("a right signature");
    payload(assertion)
}
