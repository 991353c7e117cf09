//! Pushed authorization requests (RFC 9126) of clients without a profile. The modules of the FAPI 2.0
//! plan about them are in `fapi2_par`.

use reqwest::Method;
use serde_json::json;

use crate::kit::checks::{assert_error_page, assert_success};
use crate::kit::fixtures::{ALICE, Bed, Callback, NONCE, STATE, Tokens, VERIFIER, walk};
use crate::kit::request::{Signer, request_uri};
use crate::support::browser_like::Page;
use crate::support::world::World;

fn secret_client(bed: &Bed) -> Signer {
    Signer::register(bed, "ES256", &json!({ "pkce": "required" }))
}

on_both_backends! {
    async fn a_pushed_request_is_taken_to_the_browser_and_answered(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let app = secret_client(bed);
        let browser = bed.world.browser();
        let uri = app.pushed(&[("scope", "openid email")]).await;
        let page = app.take(&browser, &uri, &[]).await;
        let code = assert_success(&Callback::of(&walk(page, &ALICE).await), &app.rp, STATE);
        let answer = app.rp.redeem_with(&code, &[("code_verifier", VERIFIER)]).await;
        let tokens = Tokens::of(&answer);
        assert_eq!(tokens.id_claims()["nonce"], NONCE);
        assert_eq!(tokens.json["scope"], "openid email");
        let document = browser.get("/.well-known/openid-configuration").await.json();
        assert_eq!(document["require_pushed_authorization_requests"], false);
        let endpoint = document["pushed_authorization_request_endpoint"].as_str().unwrap();
        assert!(endpoint.ends_with("/oauth2/par"));
        bed.assert_log_is_clean();
    }

    async fn of_two_pages_of_one_pushed_request_one_is_answered(
        backend: Backend
    ) {
        let bed = Bed::shared(backend).await;
        let (app, browser) = (secret_client(bed), bed.world.browser());
        let uri = app.pushed(&[]).await;
        let first = app.take(&browser, &uri, &[]).await;
        assert!(first.has_form("sign-in"), "{}", first.describe());
        let second = app.take(&browser, &uri, &[]).await;
        assert_success(&Callback::of(&walk(second, &ALICE).await), &app.rp, STATE);
        // The page that was loaded first is now about a request that has been answered.
        let late = Callback::of(&walk(first, &ALICE).await);
        crate::kit::checks::assert_error_callback(&late, &app.rp, "invalid_request", Some(STATE));
    }

    async fn a_pushed_request_is_used_up_by_yes_and_by_no(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (app, browser) = (secret_client(bed), bed.signed_in(&ALICE).await);
        let uri = app.pushed(&[]).await;
        let page = app.take(&browser, &uri, &[]).await;
        assert_success(&Callback::of(&page), &app.rp, STATE);
        for _ in 0..2 {
            assert_error_page(&app.take(&browser, &uri, &[]).await);
        }
        // Saying no is an answer, too.
        let asking = Signer::register(bed, "ES256", &json!({ "consent": "ask" }));
        let uri = asking.pushed(&[]).await;
        let page = asking.take(&browser, &uri, &[]).await;
        page.form("consent").press("decision", "deny").submit().await;
        assert_error_page(&asking.take(&browser, &uri, &[]).await);
    }

    async fn whoever_is_signing_in_when_a_pushed_request_expires_goes_on(backend: Backend) {
        let world = World::builder(backend);
        let world = world.env("DOORWARD_AUTHORIZATION__PUSHED_REQUEST_LIFETIME", "5");
        let bed = Bed::new(world.start().await, &[]).await;
        let (app, browser) = (secret_client(&bed), bed.world.browser());
        let uri = app.pushed(&[]).await;
        let page = app.take(&browser, &uri, &[]).await;
        tokio::time::sleep(std::time::Duration::from_millis(6_100)).await;
        assert_error_page(&app.take(&browser, &uri, &[]).await);
        // Whoever was already signing in is not thrown out.
        assert_success(&Callback::of(&walk(page, &ALICE).await), &app.rp, STATE);
    }

    async fn a_pushed_request_is_its_client_s_alone(
        backend: Backend
    ) {
        let bed = Bed::shared(backend).await;
        let (app, other) = (secret_client(bed), secret_client(bed));
        let browser = bed.signed_in(&ALICE).await;
        let uri = app.pushed(&[]).await;
        assert_error_page(&other.take(&browser, &uri, &[]).await);
        assert_error_page(&other.take(&browser, &format!("{uri}x"), &[]).await);
        let page = app.take(&browser, &uri, &[]).await;
        assert_success(&Callback::of(&page), &app.rp, STATE);
    }

    async fn only_an_authenticated_client_pushes_and_only_what_would_be_accepted(
        backend: Backend
    ) {
        let bed = Bed::shared(backend).await;
        let app = secret_client(bed);
        let fields = app.parameters(&[]);
        let mut wrong = app.rp.clone();
        wrong.secret = Some("wrong".to_owned());
        wrong.post("/oauth2/par", &fields).await.assert_oauth_error(401, "invalid_client");
        let pairs: Vec<_> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let bare = app.rp.bare().post("/oauth2/par", &pairs).await;
        bare.assert_oauth_error(401, "invalid_client");
        for (change, error) in [
            (("scope", "warp"), "invalid_scope"), (("prompt", "none login"), "invalid_request"),
            (("max_age", "soon"), "invalid_request"), (("claims", "x"), "invalid_request"),
            (("resource", "https://evil.test"), "invalid_target"),
            (("authorization_details", "[]"), "invalid_authorization_details"),
            (("response_mode", "web_message"), "invalid_request"),
            (("dpop_jkt", "short"), "invalid_request"),
        ] {
            app.push(&app.parameters(&[change])).await.assert_oauth_error(400, error);
        }
        // A public client pushes, too, and a script of its own origin may read the answer.
        let spa = bed.rp("spa");
        let request = spa.http.request(Method::POST, &spa.http.resolve("/oauth2/par"));
        let request = request.form(&spa.parameters(&[])).header("Origin", "https://spa.test");
        let page = spa.http.send(request).await;
        request_uri(&page);
        page.assert_header("access-control-allow-origin", "https://spa.test");
    }

    async fn a_second_click_on_the_same_button_is_answered_like_the_first(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let app = Signer::register(bed, "ES256", &json!({ "consent": "ask" }));
        let browser = bed.signed_in(&ALICE).await;
        let uri = app.pushed(&[]).await;
        let (page, other_tab) =
            (app.take(&browser, &uri, &[]).await, app.take(&browser, &uri, &[]).await);
        let allow = async |page: &Page| {
            page.form("consent").press("decision", "allow").submit().await
        };
        let first = assert_success(&Callback::of(&allow(&page).await), &app.rp, STATE);
        let second = assert_success(&Callback::of(&allow(&page).await), &app.rp, STATE);
        assert_ne!(first, second, "a code of its own, of which the browser shows the app one");
        Tokens::of(&app.rp.redeem_with(&second, &[("code_verifier", VERIFIER)]).await);
        // Another page for the same request comes too late.
        let late = Callback::of(&allow(&other_tab).await);
        crate::kit::checks::assert_error_callback(&late, &app.rp, "invalid_request", Some(STATE));
        assert_error_page(&app.take(&browser, &uri, &[]).await);
    }

    async fn nothing_secret_is_kept_of_a_pushed_request(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let app = Signer::register(bed, "ES256",
            &json!({ "token_endpoint_auth_method": "client_secret_post" }));
        let secret = app.rp.secret.clone().unwrap();
        let mut rp = app.rp.clone();
        rp.auth = crate::kit::fixtures::Auth::Post;
        let uri = request_uri(&rp.post("/oauth2/par", &app.parameters(&[])).await);
        // The page that carries the request on does not carry the secret in any form it shows.
        let page = app.take(&bed.world.browser(), &uri, &[]).await;
        assert!(page.has_form("sign-in") && !page.body.contains(&secret));
        bed.world.assert_log_is_clean(&[&secret, uri.rsplit(':').next().unwrap()]);
    }

    async fn a_server_may_want_every_request_pushed(backend: Backend) {
        let world = World::builder(backend);
        let world = world.env("DOORWARD_AUTHORIZATION__REQUIRE_PUSHED_REQUESTS", "true");
        let bed = Bed::new(world.start().await, &["trusted"]).await;
        let (app, browser) = (secret_client(&bed), bed.signed_in(&ALICE).await);
        let plain = bed.rp("trusted");
        let page = plain.authorize(&browser, &[]).await;
        crate::kit::checks::assert_client_error(&page, &plain, "invalid_request");
        let page = app.take(&browser, &app.pushed(&[]).await, &[]).await;
        assert_success(&Callback::of(&page), &app.rp, STATE);
        let document = browser.get("/.well-known/openid-configuration").await.json();
        assert_eq!(document["require_pushed_authorization_requests"], true);
    }

    async fn a_pushed_request_is_answered_once_however_many_ask_at_once(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (app, browser) = (secret_client(bed), bed.signed_in(&ALICE).await);
        let uri = app.pushed(&[]).await;
        let all = (0..20).map(|_| app.take(&browser, &uri, &[]));
        let pages = futures_util::future::join_all(all).await;
        let codes = pages.iter().filter(|page| {
            page.try_location().is_some() && Callback::of(page).get("code").is_some()
        });
        assert_eq!(codes.count(), 1);
    }
}
