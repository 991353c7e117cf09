//! The modules of the certification plan `oidcc-basic-certification-test-plan`, each as a test of
//! the same name. The names of people, clients and helpers are in [`crate::kit::fixtures`].

use std::time::Duration;

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use crate::kit::checks::{
    assert_access_token_dead, assert_client_error, assert_client_error_with_state,
    assert_error_page, assert_id_token, assert_success,
};
use crate::kit::fixtures::{ALICE, BOB, Bed, Callback, NONCE, STATE, Tokens, VERIFIER, walk};

/// The suite's errors and logouts carry states of this length.
fn long_state() -> String {
    "0123456789abcdef".repeat(8)
}

async fn a_second() {
    tokio::time::sleep(Duration::from_millis(1100)).await;
}

on_both_backends! {
    async fn oidcc_server(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        let callback = rp.ask(&browser, &ALICE, &[]).await;
        let code = assert_success(&callback, &rp, STATE);
        let tokens = Tokens::of(&rp.redeem(&code).await);
        let id_token = tokens.id.as_deref().expect("an ID token");
        let claims = assert_id_token(&rp, id_token, Algorithm::RS256).await;
        assert_eq!(claims["nonce"], NONCE);
        assert_eq!(claims["aud"], "conf-basic");
        // Core section 3.1.3.6: the left half of SHA-256, as the token is signed with RS256.
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, tokens.access.as_bytes());
        let half = data_encoding::BASE64URL_NOPAD.encode(&hash.as_ref()[..16]);
        assert_eq!(claims["at_hash"], Value::from(half));
        assert!(tokens.access.len() >= 43);
        bed.assert_log_is_clean();
    }

    async fn oidcc_response_type_missing(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("conf-basic");
        let page = rp.authorize(&bed.world.browser(), &[("response_type", "")]).await;
        assert_client_error(&page, &rp, "invalid_request");
    }

    async fn oidcc_idtoken_signature(backend: Backend) {
        let bed = Bed::shared(backend).await;
        for (client, algorithm) in [
            ("conf-basic", Algorithm::RS256), ("es256", Algorithm::ES256),
            ("eddsa", Algorithm::EdDSA), ("ps256", Algorithm::PS256),
            ("es384", Algorithm::ES384),
        ] {
            let rp = bed.rp(client);
            let tokens = rp.tokens(&bed.world.browser(), &ALICE, &[]).await;
            assert_id_token(&rp, tokens.id.as_deref().unwrap(), algorithm).await;
        }
    }

    async fn oidcc_ensure_request_without_nonce_succeeds_for_code_flow(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("conf-basic");
        let tokens = rp.tokens(&bed.world.browser(), &ALICE, &[("nonce", "")]).await;
        assert!(tokens.id_claims().get("nonce").is_none());
    }

    async fn a_long_nonce_comes_back_as_it_was_sent(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("conf-basic");
        let nonce = format!("{}+/=&%20\"", "n".repeat(384));
        let tokens = rp.tokens(&bed.world.browser(), &ALICE, &[("nonce", &nonce)]).await;
        assert_eq!(tokens.id_claims()["nonce"], nonce);
    }

    async fn oidcc_alternate_happy_flow(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("conf-basic");
        let mut pairs = rp.parameters(&[("scope", "phone address email profile openid")]);
        pairs.reverse();
        let query = serde_urlencoded::to_string(&pairs).unwrap();
        let page = bed.world.browser().get(&format!("/oauth2/authorize?{query}")).await;
        let callback = Callback::of(&walk(page, &ALICE).await);
        assert_success(&callback, &rp, STATE);
    }

    async fn oidcc_prompt_login(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        let first = rp.tokens(&browser, &ALICE, &[]).await.id_claims();
        a_second().await;
        let page = rp.authorize(&browser, &[("prompt", "login")]).await;
        assert!(page.has_form("sign-in"), "{}", page.describe());
        let code = Callback::of(&walk(page, &ALICE).await).code();
        let second = Tokens::of(&rp.redeem(&code).await).id_claims();
        assert_eq!(first["sub"], second["sub"]);
        assert!(second["auth_time"].as_i64() > first["auth_time"].as_i64(), "{first} {second}");
    }

    async fn oidcc_prompt_none_not_logged_in(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("conf-basic");
        let changes = [("prompt", "none"), ("state", &long_state())];
        let page = rp.authorize(&bed.world.browser(), &changes).await;
        assert_client_error_with_state(&page, &rp, "login_required", Some(&long_state()));
    }

    async fn oidcc_prompt_none_logged_in(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        let first = rp.tokens(&browser, &ALICE, &[]).await.id_claims();
        a_second().await;
        let page = rp.authorize(&browser, &[("prompt", "none")]).await;
        let code = assert_success(&Callback::of(&page), &rp, STATE);
        let second = Tokens::of(&rp.redeem(&code).await).id_claims();
        assert_eq!((&first["sub"], &first["auth_time"]), (&second["sub"], &second["auth_time"]));
    }

    async fn oidcc_max_age_1(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        let first = rp.tokens(&browser, &ALICE, &[]).await.id_claims();
        tokio::time::sleep(Duration::from_millis(2100)).await;
        let silent = rp.authorize(&browser, &[("max_age", "1"), ("prompt", "none")]).await;
        assert_client_error(&silent, &rp, "login_required");
        let page = rp.authorize(&browser, &[("max_age", "1")]).await;
        assert!(page.has_form("sign-in"), "{}", page.describe());
        let code = Callback::of(&walk(page, &ALICE).await).code();
        let second = Tokens::of(&rp.redeem(&code).await).id_claims();
        assert!(second["auth_time"].as_i64() > first["auth_time"].as_i64(), "{first} {second}");
    }

    async fn oidcc_max_age_10000(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        let first = rp.tokens(&browser, &ALICE, &[("max_age", "15000")]).await.id_claims();
        a_second().await;
        let page = rp.authorize(&browser, &[("max_age", "10000")]).await;
        let code = assert_success(&Callback::of(&page), &rp, STATE);
        let second = Tokens::of(&rp.redeem(&code).await).id_claims();
        assert!(first["auth_time"].is_i64());
        assert_eq!(first["auth_time"], second["auth_time"]);
    }

    async fn oidcc_id_token_hint(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        let tokens = rp.tokens(&browser, &ALICE, &[]).await;
        let hint = tokens.id.clone().unwrap();
        let changes = [("prompt", "none"), ("id_token_hint", hint.as_str())];
        let code = Callback::of(&rp.authorize(&browser, &changes).await).code();
        let (first, second) = (tokens.id_claims(), Tokens::of(&rp.redeem(&code).await).id_claims());
        assert_eq!((&first["sub"], &first["auth_time"]), (&second["sub"], &second["auth_time"]));
        // The hint of another person never gets this person's code.
        let bobs = bed.world.browser();
        rp.tokens(&bobs, &BOB, &[]).await;
        assert_client_error(&rp.authorize(&bobs, &changes).await, &rp, "login_required");
    }

    async fn oidcc_codereuse(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("conf-basic");
        let code = rp.code(&bed.world.browser(), &ALICE, &[]).await;
        let tokens = Tokens::of(&rp.redeem(&code).await);
        rp.redeem(&code).await.assert_oauth_error(400, "invalid_grant");
        assert_access_token_dead(&rp, &tokens.access).await;
    }

    async fn oidcc_ensure_registered_redirect_uri(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("conf-basic");
        let other = format!("{}/k3Jx9", rp.redirect_uri);
        let page = rp.authorize(&bed.world.browser(), &[("redirect_uri", &other)]).await;
        assert_error_page(&page);
    }

    async fn oidcc_ensure_post_request_succeeds(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        let url = browser.resolve("/oauth2/authorize");
        let request = browser.request(reqwest::Method::POST, &url).form(&rp.parameters(&[]));
        // The request comes from the client's site, as in a browser.
        let request = request.header("Sec-Fetch-Site", "cross-site");
        let page = browser.send(request.header("Origin", "https://rp.test")).await;
        let callback = Callback::of(&walk(page, &ALICE).await);
        assert_success(&callback, &rp, STATE);
    }

    async fn oidcc_server_client_secret_post(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("conf-post");
        let tokens = rp.tokens(&bed.world.browser(), &ALICE, &[]).await;
        assert_id_token(&rp, tokens.id.as_deref().unwrap(), Algorithm::RS256).await;
    }

    async fn the_registration_parameter_is_refused_by_name(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("conf-basic");
        let page = rp.authorize(&bed.world.browser(), &[("registration", "{}")]).await;
        assert_client_error(&page, &rp, "registration_not_supported");
    }

    async fn oidcc_refresh_token(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (first, second) = (bed.rp("conf-basic"), bed.rp("second"));
        let changes = [("scope", "openid offline_access"), ("prompt", "consent")];
        let tokens = first.tokens(&bed.world.browser(), &ALICE, &changes).await;
        let other = second.tokens(&bed.world.browser(), &ALICE, &changes).await;
        a_second().await;
        let with_scope = [("scope", "openid offline_access")];
        let refreshed = Tokens::of(&first.refresh_with(tokens.refresh(), &with_scope).await);
        assert_refreshed(&tokens, &refreshed);
        first.userinfo(&refreshed.access).await.assert_status(200);
        let others = Tokens::of(&second.refresh(other.refresh()).await);
        assert_refreshed(&other, &others);
        // Client 1 with the refresh token of client 2.
        first.refresh(others.refresh()).await.assert_oauth_error(400, "invalid_grant");
        Tokens::of(&second.refresh(others.refresh()).await);
    }

    async fn oidcc_ensure_request_with_valid_pkce_succeeds(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        let pkce = [
            ("code_challenge", crate::kit::fixtures::CHALLENGE), ("code_challenge_method", "S256"),
        ];
        let code = rp.code(&browser, &ALICE, &pkce).await;
        Tokens::of(&rp.redeem_with(&code, &[("code_verifier", VERIFIER)]).await);
    }

    /// oidcc-codereuse-30seconds, with a code of five seconds so that nobody waits for thirty.
    async fn oidcc_codereuse_30seconds(backend: Backend) {
        let builder = crate::support::world::World::builder(backend);
        let builder = builder.env("DOORWARD_TOKENS__AUTHORIZATION_CODE_LIFETIME", "5");
        let bed = Bed::new(builder.start().await, &["conf-basic"]).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        let code = rp.code(&browser, &ALICE, &[]).await;
        let late = rp.code(&browser, &ALICE, &[]).await;
        let tokens = Tokens::of(&rp.redeem(&code).await);
        tokio::time::sleep(Duration::from_millis(6100)).await;
        rp.redeem(&code).await.assert_oauth_error(400, "invalid_grant");
        assert_access_token_dead(&rp, &tokens.access).await;
        // A code that expired unused is refused as well.
        rp.redeem(&late).await.assert_oauth_error(400, "invalid_grant");
        bed.assert_log_is_clean();
    }
}

#[track_caller]
fn assert_refreshed(before: &Tokens, after: &Tokens) {
    assert_ne!(before.access, after.access);
    assert_ne!(before.refresh(), after.refresh());
    // The suite takes an answer without an ID token as well; Doorward promises one.
    let (old, new) = (before.id_claims(), after.id_claims());
    for same in ["iss", "sub", "aud", "auth_time", "azp"] {
        assert_eq!(old.get(same), new.get(same), "{same}");
    }
    assert_ne!(old["iat"], new["iat"]);
    assert!(new.get("nonce").is_none_or(|nonce| *nonce == json!(NONCE)));
}
