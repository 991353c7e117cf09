//! DPoP (RFC 9449): what is bound to a key, and who may use it (security catalogue, row 129).

use serde_json::json;

use crate::kit::dpop::{
    Key, assert_resource_error, bed, bound_tokens, changed, claims, endpoint, own_token, post,
    redeem, refresh, token, userinfo, userinfo_with,
};
use crate::kit::fixtures::{ALICE, Bed, Tokens};
use crate::kit::flow::PATIENCE;
use crate::support::backends::Backend;
use crate::support::browser_like::Page;
use crate::support::process::wait_until_async;
use crate::support::servers::Persistence;
use crate::support::world::World;

fn nonce_of(page: &Page) -> String {
    let nonce = page.header("dpop-nonce");
    assert!(nonce.len() >= 22, "no nonce: {}", page.describe());
    nonce.to_owned()
}

on_both_backends! {
    async fn tokens_of_a_public_client_are_bound_to_the_key_of_its_proof(backend: Backend) {
        let bed = bed(backend).await;
        let (rp, browser, key) = (bed.rp("spa"), bed.signed_in(&ALICE).await, Key::new());
        let code = rp.code(&browser, &ALICE, &[]).await;
        let tokens = bound_tokens(&redeem(&rp, &code, Some(&key)).await, &key);
        let page = userinfo_with(&rp, &tokens.access, &key).await;
        page.assert_status(200).assert_no_header("dpop-nonce");
        assert_eq!(page.json()["sub"], tokens.id_claims()["sub"]);
        // As a bearer token it is worth nothing, nor with another key.
        for scheme in ["Bearer", "bearer"] {
            let page = userinfo(&rp, &format!("{scheme} {}", tokens.access), &[]).await;
            assert_resource_error(&page, "invalid_token");
        }
        let page = userinfo_with(&rp, &tokens.access, &Key::new()).await;
        assert_resource_error(&page, "invalid_token");
        let page = userinfo(&rp, &format!("DPoP {}", tokens.access), &[]).await;
        assert_resource_error(&page, "invalid_dpop_proof");
        bed.assert_log_is_clean();
    }

    async fn a_public_client_s_bound_refresh_token_needs_its_own_key(backend: Backend) {
        let bed = bed(backend).await;
        let (rp, browser, key) = (bed.rp("spa"), bed.signed_in(&ALICE).await, Key::of("EdDSA"));
        let code = rp.code(&browser, &ALICE, &[]).await;
        let first = bound_tokens(&redeem(&rp, &code, Some(&key)).await, &key);
        refresh(&rp, first.refresh(), None).await.assert_oauth_error(400, "invalid_request");
        let thief = Key::of("EdDSA");
        refresh(&rp, first.refresh(), Some(&thief)).await.assert_oauth_error(400, "invalid_grant");
        let second = bound_tokens(&refresh(&rp, first.refresh(), Some(&key)).await, &key);
        // Within the grace the same key gets the same successor, and no other key anything.
        let again = bound_tokens(&refresh(&rp, first.refresh(), Some(&key)).await, &key);
        assert_eq!((again.refresh(), &again.access), (second.refresh(), &second.access));
        refresh(&rp, first.refresh(), Some(&thief)).await.assert_oauth_error(400, "invalid_grant");
        refresh(&rp, first.refresh(), None).await.assert_oauth_error(400, "invalid_request");
        // Nor does a thief without the key end the family by using an old token again.
        let third = bound_tokens(&refresh(&rp, second.refresh(), Some(&key)).await, &key);
        refresh(&rp, first.refresh(), Some(&thief)).await.assert_oauth_error(400, "invalid_grant");
        userinfo_with(&rp, &third.access, &key).await.assert_status(200);
        // Its owner using it again does: the token was copied.
        refresh(&rp, first.refresh(), Some(&key)).await.assert_oauth_error(400, "invalid_grant");
        let page = userinfo_with(&rp, &third.access, &key).await;
        assert_resource_error(&page, "invalid_token");
    }

    async fn a_confidential_client_may_change_its_key_when_it_refreshes(backend: Backend) {
        let bed = bed(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.signed_in(&ALICE).await);
        let (old, new) = (Key::new(), Key::of("PS256"));
        let code = rp.code(&browser, &ALICE, &[]).await;
        let first = bound_tokens(&redeem(&rp, &code, Some(&old)).await, &old);
        let second = bound_tokens(&refresh(&rp, first.refresh(), Some(&new)).await, &new);
        userinfo_with(&rp, &second.access, &new).await.assert_status(200);
        let page = userinfo_with(&rp, &second.access, &old).await;
        assert_resource_error(&page, "invalid_token");
        // The successor of the grace belongs to the key that got it.
        for other in [Some(&old), None] {
            let page = refresh(&rp, first.refresh(), other).await;
            page.assert_oauth_error(400, "invalid_grant");
        }
        bound_tokens(&refresh(&rp, second.refresh(), Some(&new)).await, &new);
    }

    async fn a_client_registered_for_bound_tokens_gets_no_bearer_tokens(backend: Backend) {
        let bed = bed(backend).await;
        let (rp, browser, key) = (bed.rp("dpop-web"), bed.signed_in(&ALICE).await, Key::new());
        let code = rp.code(&browser, &ALICE, &[]).await;
        redeem(&rp, &code, None).await.assert_oauth_error(400, "invalid_request");
        let tokens = bound_tokens(&redeem(&rp, &code, Some(&key)).await, &key);
        refresh(&rp, tokens.refresh(), None).await.assert_oauth_error(400, "invalid_request");
        own_token(&bed.rp("daemon"), None).await.assert_status(200);
    }

    async fn dpop_jkt_binds_the_code_to_the_key(backend: Backend) {
        let bed = bed(backend).await;
        let (browser, key) = (bed.signed_in(&ALICE).await, Key::new());
        for id in ["spa", "conf-basic"] {
            let rp = bed.rp(id);
            let code = rp.code(&browser, &ALICE, &[("dpop_jkt", &key.jkt())]).await;
            redeem(&rp, &code, None).await.assert_oauth_error(400, "invalid_request");
            let page = redeem(&rp, &code, Some(&Key::new())).await;
            page.assert_oauth_error(400, "invalid_grant");
            bound_tokens(&redeem(&rp, &code, Some(&key)).await, &key);
        }
        let rp = bed.rp("conf-basic");
        let page = rp.authorize(&browser, &[("dpop_jkt", "no thumbprint")]).await;
        crate::kit::checks::assert_client_error(&page, &rp, "invalid_request");
    }

    async fn opaque_tokens_and_those_of_services_are_bound_as_well(backend: Backend) {
        let bed = bed(backend).await;
        let (rp, browser, key) = (bed.rp("opaque"), bed.signed_in(&ALICE).await, Key::of("ES384"));
        let code = rp.code(&browser, &ALICE, &[]).await;
        let tokens = bound_tokens(&redeem(&rp, &code, Some(&key)).await, &key);
        userinfo_with(&rp, &tokens.access, &key).await.assert_status(200);
        assert_resource_error(&rp.userinfo(&tokens.access).await, "invalid_token");
        let daemon = bed.rp("daemon");
        let own = bound_tokens(&own_token(&daemon, Some(&key)).await, &key);
        for (asker, token) in [(&rp, &tokens.access), (&daemon, &own.access)] {
            let told = asker.introspect(token).await;
            assert_eq!(told["active"], true);
            assert_eq!(told["token_type"], "DPoP");
            assert_eq!(told["cnf"], json!({ "jkt": key.jkt() }));
        }
        let unbound = Tokens::of(&own_token(&daemon, None).await);
        let told = daemon.introspect(&unbound.access).await;
        assert_eq!((&told["token_type"], told.get("cnf")), (&json!("Bearer"), None));
    }

    async fn a_bearer_token_gains_no_key_by_being_sent_with_one(backend: Backend) {
        let bed = bed(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.signed_in(&ALICE).await);
        let tokens = rp.tokens(&browser, &ALICE, &[]).await;
        let page = userinfo_with(&rp, &tokens.access, &Key::new()).await;
        assert_resource_error(&page, "invalid_token");
        rp.userinfo(&tokens.access).await.assert_status(200);
    }

    async fn a_bound_token_in_the_body_is_refused(backend: Backend) {
        let bed = bed(backend).await;
        let (rp, browser, key) = (bed.rp("spa"), bed.signed_in(&ALICE).await, Key::new());
        let code = rp.code(&browser, &ALICE, &[]).await;
        let tokens = bound_tokens(&redeem(&rp, &code, Some(&key)).await, &key);
        let url = endpoint(&rp, "/oauth2/userinfo");
        let proof = key.proof_for_token("POST", &url, &tokens.access);
        let fields = [("access_token".to_owned(), tokens.access.clone())];
        let page = post(&crate::kit::fixtures::Rp { id: String::new(), ..rp.clone() },
            "/oauth2/userinfo", &fields, &[proof]).await;
        assert_resource_error(&page, "invalid_token");
        let request = rp.http.request(reqwest::Method::POST, &rp.http.resolve(&url));
        let proof = key.proof_for_token("POST", &url, &tokens.access);
        let request = request.header("DPoP", proof);
        let request = request.header("Authorization", format!("DPoP {}", tokens.access));
        rp.http.send(request).await.assert_status(200);
    }

    async fn where_a_nonce_is_demanded_it_is_handed_out_and_then_suffices(backend: Backend) {
        let world = World::builder(backend).env("DOORWARD_TOKENS__DPOP_NONCE", "required");
        let bed = Bed::new(world.start().await, &["conf-basic", "spa"]).await;
        let (rp, browser, key) = (bed.rp("spa"), bed.signed_in(&ALICE).await, Key::new());
        let code = rp.code(&browser, &ALICE, &[]).await;
        let challenged = redeem(&rp, &code, Some(&key)).await;
        challenged.assert_oauth_error(400, "use_dpop_nonce");
        let nonce = nonce_of(&challenged);
        let token_url = endpoint(&rp, "/oauth2/token");
        let with = |method: &str, url: &str, more: &[(&str, serde_json::Value)]| {
            key.proof_with(&[], &changed(claims(method, url), more))
        };
        let fields = rp.redeem_fields(&code, &[]);
        for invented in ["x", "", &nonce[..42], &format!("{nonce}A")] {
            let proof = with("POST", &token_url, &[("nonce", json!(invented))]);
            let page = post(&rp, "/oauth2/token", &fields, &[proof]).await;
            page.assert_oauth_error(400, "use_dpop_nonce");
            nonce_of(&page);
        }
        let proof = with("POST", &token_url, &[("nonce", json!(nonce))]);
        let page = post(&rp, "/oauth2/token", &fields, &[proof]).await;
        let tokens = bound_tokens(&page, &key);
        let page = userinfo_with(&rp, &tokens.access, &key).await;
        assert_resource_error(&page, "use_dpop_nonce");
        let hash = doorward::crypto::secret::SecretHash::of(&tokens.access).as_str().to_owned();
        let more = [("nonce", json!(nonce_of(&page))), ("ath", json!(hash))];
        let proof = with("GET", &endpoint(&rp, "/oauth2/userinfo"), &more);
        let page = userinfo(&rp, &format!("dpop {}", tokens.access), &[proof]).await;
        page.assert_status(200);
        // Who sends no proof at all is not concerned.
        let plain = bed.rp("conf-basic").tokens(&browser, &ALICE, &[]).await;
        bed.rp("conf-basic").userinfo(&plain.access).await.assert_status(200);
    }

    async fn while_nobody_can_say_whether_a_proof_is_new_none_counts(backend: Backend) {
        // The memory of the embedded store cannot go away.
        if backend == Backend::Embedded {
            return;
        }
        let world = World::builder(backend).own_redis(Persistence::Snapshot).start().await;
        let mut bed = Bed::new(world, &["daemon"]).await;
        let (rp, key) = (bed.rp("daemon"), Key::new());
        own_token(&rp, Some(&key)).await.assert_status(200);
        bed.world.redis().stop();
        own_token(&rp, Some(&key)).await.assert_status(503);
        own_token(&rp, None).await.assert_status(200);
        bed.world.redis().restart();
        wait_until_async("proofs counting again", PATIENCE, async || {
            own_token(&rp, Some(&key)).await.status.as_u16() == 200
        }).await;
    }

    async fn scripts_see_challenges_and_nonces(backend: Backend) {
        let bed = bed(backend).await;
        let (rp, browser, key) = (bed.rp("spa"), bed.signed_in(&ALICE).await, Key::new());
        let code = rp.code(&browser, &ALICE, &[]).await;
        let tokens = bound_tokens(&redeem(&rp, &code, Some(&key)).await, &key);
        let url = rp.http.resolve("/oauth2/userinfo");
        let preflight = rp.http.request(reqwest::Method::OPTIONS, &url);
        let page = rp.http.send(preflight.header("Origin", "https://spa.test")).await;
        assert!(page.header("access-control-allow-headers").contains("dpop"));
        let stale = claims("GET", url.as_str());
        let proof = key.proof_with(&[], &changed(stale, &[("nonce", json!("of yesterday"))]));
        for origin in ["https://spa.test", "https://evil.test"] {
            let request = rp.http.request(reqwest::Method::GET, &url).header("Origin", origin);
            let request = request.header("Authorization", format!("DPoP {}", tokens.access));
            let page = rp.http.send(request.header("DPoP", &proof)).await;
            page.assert_status(401);
            let readable = page.header("access-control-allow-origin") == origin;
            assert_eq!(readable, origin == "https://spa.test");
            if readable {
                let exposed = page.header("access-control-expose-headers");
                assert_eq!(exposed, "WWW-Authenticate, DPoP-Nonce");
            }
        }
        let body = [("grant_type", "refresh_token"), ("refresh_token", "x"), ("client_id", "spa")];
        let request = rp.http.request(reqwest::Method::POST, &rp.http.resolve("/oauth2/token"));
        let page = rp.http.send(request.header("Origin", "https://spa.test").form(&body)).await;
        page.assert_header("access-control-expose-headers", "WWW-Authenticate, DPoP-Nonce");
    }

    async fn the_metadata_names_the_algorithms_of_proofs(backend: Backend) {
        let bed = bed(backend).await;
        let page = bed.world.browser().get("/.well-known/openid-configuration").await;
        let algs = &page.json()["dpop_signing_alg_values_supported"];
        assert_eq!(algs, &json!(["ES256", "EdDSA", "PS256", "ES384"]));
        let daemon = bed.rp("daemon");
        for alg in ["ES256", "EdDSA", "PS256", "ES384"] {
            let key = Key::of(alg);
            bound_tokens(&token(&daemon, &[("grant_type", "client_credentials")], Some(&key)).await, &key);
        }
    }
}
