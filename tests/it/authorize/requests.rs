//! The authorization endpoint under attack (security catalogue, part A), and what each demand of a
//! client leads to.

use crate::kit::checks::{
    assert_client_error, assert_client_error_with_state, assert_error_page, assert_success,
};
use crate::kit::fixtures::{ALICE, Bed, Callback, REDIRECT, STATE, walk};
use crate::kit::flow::PATIENCE;
use crate::support::process::wait_until_async;

on_both_backends! {
    async fn an_unknown_empty_disabled_or_deleted_client_gets_a_page(backend: Backend) {
        let mut bed = Bed::own(backend, &["conf-basic", "fresh", "second"]).await;
        let browser = bed.world.browser();
        let rp = bed.rp("conf-basic");
        for id in ["", "nobody", "<script>alert(1)</script>", "conf-basic\u{0}", "CONF-BASIC"] {
            let page = rp.authorize(&browser, &[("client_id", id)]).await;
            assert_error_page(&page);
            assert!(!page.body.contains("<script>alert"), "{}", page.body);
        }
        bed.world.cli(&["client", "update", "fresh", "--disable"]);
        bed.world.cli(&["--yes", "client", "delete", "second"]);
        for id in ["fresh", "second"] {
            wait_until_async("the page", PATIENCE, async || {
                bed.rp(id).authorize(&browser, &[]).await.status == 400
            })
            .await;
            assert_error_page(&bed.rp(id).authorize(&browser, &[]).await);
        }
        assert!(bed.world.is_running());
        bed.assert_log_is_clean();
    }

    async fn a_parameter_sent_twice_is_refused(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        for name in ["client_id", "redirect_uri"] {
            let twice = rp.parameters(&[]).into_iter().find(|(known, _)| known == name).unwrap();
            let query = serde_urlencoded::to_string([twice]).unwrap();
            let page = browser.get(&format!("{}&{query}", rp.authorize_url(&[]))).await;
            // RFC 6749 section 4.1.2.1: a redirect is for requests whose client is certain.
            assert!(page.try_location().is_none_or(|to| to.as_str().starts_with(REDIRECT)));
            assert!(!page.has_form("sign-in"), "{name}");
            assert_error_page(&page);
        }
        for (name, value) in [
            ("response_type", "code"), ("scope", "openid"), ("nonce", "n"), ("prompt", "login"),
            ("max_age", "1"), ("code_challenge", crate::kit::fixtures::CHALLENGE),
            ("code_challenge_method", "S256"), ("id_token_hint", "x"), ("login_hint", "x"),
            ("response_mode", "query"),
        ] {
            let once = rp.authorize_url(&[(name, value)]);
            let page = browser.get(&format!("{once}&{name}={value}")).await;
            assert_client_error(&page, &rp, "invalid_request");
        }
        // A state that came twice cannot be echoed.
        let page = browser.get(&format!("{}&state=other", rp.authorize_url(&[]))).await;
        assert_client_error_with_state(&page, &rp, "invalid_request", None);
    }

    async fn every_response_type_but_code_is_refused(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("conf-basic");
        // A person who is signed in and has consented: nothing else stands in the way.
        let browser = bed.world.browser();
        rp.code(&browser, &ALICE, &[]).await;
        let junk = "x".repeat(2048);
        for bad in ["token", "id_token token", "id_token", "code token", "none", "CODE", &junk] {
            let page = rp.authorize(&browser, &[("response_type", bad)]).await;
            assert_client_error(&page, &rp, "unsupported_response_type");
            assert!(!page.header("location").contains("token="), "{}", page.describe());
        }
    }

    async fn prompt_none_never_shows_a_page(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let browser = bed.world.browser();
        let rp = bed.rp("fresh");
        let silent = [("prompt", "none")];
        assert_client_error(&rp.authorize(&browser, &silent).await, &rp, "login_required");
        // bob never allowed this app.
        let bobs = bed.signed_in(&crate::kit::fixtures::BOB).await;
        let page = rp.authorize(&bobs, &silent).await;
        assert_client_error(&page, &rp, "consent_required");
        for combined in ["none login", "none consent", "login none", "none select_account"] {
            for browser in [&browser, &bobs] {
                let page = rp.authorize(browser, &[("prompt", combined)]).await;
                assert_client_error(&page, &rp, "invalid_request");
            }
        }
        let page = rp.authorize(&browser, &[("prompt", "unknown")]).await;
        assert_client_error(&page, &rp, "invalid_request");
    }

    async fn the_person_may_say_no(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("fresh");
        let browser = bed.signed_in(&ALICE).await;
        let page = rp.authorize(&browser, &[("prompt", "consent")]).await;
        let answer = page.form("consent").press("decision", "deny").submit().await;
        assert_client_error(&answer.follow_within().await, &rp, "access_denied");
        // Refusing once is no answer for good: the question comes again.
        assert!(rp.authorize(&browser, &[("prompt", "consent")]).await.has_form("consent"));
    }

    async fn consent_is_remembered_for_each_scope(backend: Backend) {
        let bed = Bed::own(backend, &["conf-basic", "trusted"]).await;
        let rp = bed.rp("conf-basic");
        let browser = bed.signed_in(&ALICE).await;
        assert!(rp.authorize(&browser, &[]).await.has_form("consent"));
        rp.code(&browser, &ALICE, &[]).await;
        assert_success(&Callback::of(&rp.authorize(&browser, &[]).await), &rp, STATE);
        let more = [("scope", "openid email")];
        let page = rp.authorize(&browser, &more).await;
        assert!(page.has_form("consent"), "{}", page.describe());
        let silent = [("scope", "openid email"), ("prompt", "none")];
        assert_client_error(&rp.authorize(&browser, &silent).await, &rp, "consent_required");
        rp.code(&browser, &ALICE, &more).await;
        for scope in ["openid", "openid email", "email openid"] {
            let page = rp.authorize(&browser, &[("scope", scope)]).await;
            assert_success(&Callback::of(&page), &rp, STATE);
        }
        // An app of the organisation itself asks nobody.
        let own = bed.rp("trusted");
        assert_success(&Callback::of(&own.authorize(&browser, &[]).await), &own, STATE);
    }

    async fn an_app_signs_a_person_in_whom_another_app_has_signed_in_without_a_form(
        backend: Backend
    ) {
        let bed = Bed::shared(backend).await;
        let (first, second) = (bed.rp("conf-basic"), bed.rp("trusted"));
        let browser = bed.world.browser();
        let here = first.tokens(&browser, &ALICE, &[]).await.id_claims();
        let page = second.authorize(&browser, &[]).await;
        let code = assert_success(&Callback::of(&page), &second, STATE);
        let there = crate::kit::fixtures::Tokens::of(&second.redeem(&code).await).id_claims();
        for same in ["sub", "auth_time", "sid"] {
            assert_eq!(here[same], there[same], "{same}");
        }
    }

    async fn scopes_that_are_unknown_or_not_allowed_are_left_out(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        let tokens = rp.tokens(&browser, &ALICE, &[("scope", "openid warp api:read")]).await;
        assert_eq!(tokens.json["scope"], "openid");
        for scope in ["warp", "openid \"x", "openid \u{e9}", "openid\u{9}email"] {
            let page = rp.authorize(&browser, &[("scope", scope)]).await;
            assert_client_error(&page, &rp, "invalid_scope");
        }
        let page = rp.authorize(&browser, &[("scope", "")]).await;
        assert_client_error(&page, &rp, "invalid_scope");
        let daemon = rp.authorize(&browser, &[("client_id", "daemon")]).await;
        assert_error_page(&daemon);
    }

    async fn max_age_and_response_mode_take_only_what_they_may(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        for bad in ["-1", "1.5", "soon", "99999999999999999999", "0x10", " 1"] {
            let page = rp.authorize(&browser, &[("max_age", bad)]).await;
            assert_client_error(&page, &rp, "invalid_request");
        }
        for bad in ["web_message", "jwt.query", "QUERY", "query fragment"] {
            let page = rp.authorize(&browser, &[("response_mode", bad)]).await;
            assert_client_error(&page, &rp, "invalid_request");
        }
        // Zero asks for a sign-in now, even of somebody who signed in a moment ago, and once.
        let signed_in = bed.signed_in(&ALICE).await;
        let page = rp.authorize(&signed_in, &[("max_age", "0")]).await;
        assert!(page.has_form("sign-in"), "{}", page.describe());
        assert_success(&Callback::of(&walk(page, &ALICE).await), &rp, STATE);
    }

    async fn a_flow_survives_the_back_button_and_other_tabs(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (one, two) = (bed.rp("conf-basic"), bed.rp("trusted"));
        let browser = bed.world.browser();
        let first = one.authorize(&browser, &[("state", "first")]).await;
        let second = two.authorize(&browser, &[("state", "second")]).await;
        assert_success(&Callback::of(&walk(second.clone(), &ALICE).await), &two, "second");
        assert_success(&Callback::of(&walk(first, &ALICE).await), &one, "first");
        // Back to the form of the first sign-in: it still leads to its app.
        assert_success(&Callback::of(&walk(second, &ALICE).await), &two, "second");
    }
}
