//! The modules of `oidcc-rp-initiated-logout-certification-test-plan`, each as a test of the same
//! name, and signing out at Doorward itself.

use doorward::clock::Clock;
use doorward::crypto::seal::Purpose;
use doorward::service::session::logout;
use serde_json::json;

use crate::kit::checks::{assert_client_error, assert_dead};
use crate::kit::fixtures::{AFTER_LOGOUT, ALICE, BOB, Bed, Callback, Rp, Tokens};
use crate::kit::flow::execute;
use crate::kit::node::node;
use crate::support::backends::Backend;
use crate::support::browser_like::{Browser, Page};
use crate::support::servers::Persistence;
use crate::support::world::World;

fn state() -> String {
    "~0123456789abcde".repeat(8)
}

/// A person signed in to `conf-basic`.
async fn signed_in(bed: &Bed) -> (Rp, Browser, Tokens) {
    let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
    let tokens = rp.tokens(&browser, &ALICE, &[]).await;
    (rp, browser, tokens)
}

async fn end_session(browser: &Browser, parameters: &[(&str, &str)]) -> Page {
    let query = serde_urlencoded::to_string(parameters).unwrap();
    browser.get(&format!("/oauth2/logout?{query}")).await
}

async fn assert_signed_out(rp: &Rp, browser: &Browser) {
    let page = rp.authorize(browser, &[("prompt", "none")]).await;
    assert_client_error(&page, rp, "login_required");
}

async fn assert_signed_in(rp: &Rp, browser: &Browser) {
    Callback::of(&rp.authorize(browser, &[("prompt", "none")]).await).code();
}

/// Neither redirected nor signed out: an error page or the question.
async fn assert_nothing_happened(rp: &Rp, browser: &Browser, page: &Page) {
    page.assert_no_header("location").assert_page_headers();
    assert!(page.status.as_u16() == 400 || page.has_form("sign-out"), "{}", page.describe());
    assert_signed_in(rp, browser).await;
}

/// A good request with one parameter changed.
async fn with(browser: &Browser, tokens: &Tokens, change: (&str, &str)) -> Page {
    let hint = tokens.id.clone().unwrap();
    let state = state();
    let good = [
        ("id_token_hint", hint.as_str()),
        ("post_logout_redirect_uri", AFTER_LOGOUT),
        ("state", &state),
    ];
    let changed: Vec<_> = good
        .into_iter()
        .map(|(name, value)| if name == change.0 { change } else { (name, value) })
        .filter(|(_, value)| !value.is_empty())
        .collect();
    end_session(browser, &changed).await
}

/// A request that names no app leads to the question, and the answer to our own page.
async fn asks_and_stays_here(backend: Backend, parameters: &[(&str, &str)]) {
    let bed = Bed::shared(backend).await;
    let (rp, browser, tokens) = signed_in(bed).await;
    let page = end_session(&browser, parameters).await;
    assert_nothing_happened(&rp, &browser, &page).await;
    let answer = page.form("sign-out").press("decision", "logout").submit().await;
    let last = answer.follow_within().await;
    last.assert_status(200).assert_no_header("location");
    assert!(last.text().contains("signed out"), "{}", last.text());
    assert_signed_out(&rp, &browser).await;
    assert_dead(&rp, &tokens).await;
}

on_both_backends! {
    async fn the_question_is_good_for_as_long_as_any_form(backend: Backend) {
        let world = World::builder(backend).prepare().await;
        let clock = Clock::manual(Clock::System.now());
        let app = node(&world, &clock).await;
        let then = json!({ "redirect": AFTER_LOGOUT, "client_name": null, "client_uri": null });
        let asked = json!({ "then": then, "at": clock.now() }).to_string();
        let sealed = app.sealer.seal(Purpose::Flow, asked.as_bytes());
        clock.advance(600);
        assert!(logout::open_next(&app, &sealed).is_some_and(|next| next.redirect.is_some()));
        // The place may not be the app's any more by then.
        clock.advance(1);
        assert_eq!(logout::open_next(&app, &sealed), None);
        app.store.db.close().await;
    }

    async fn oidcc_rp_initiated_logout_discovery_endpoint_verification(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let page = bed.world.browser().get("/.well-known/openid-configuration").await;
        let endpoint = format!("{}/oauth2/logout", bed.world.issuer);
        assert_eq!(page.json()["end_session_endpoint"], endpoint);
    }

    async fn oidcc_rp_initiated_logout(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser, tokens) = signed_in(bed).await;
        let page = with(&browser, &tokens, ("", "")).await;
        page.assert_status(303);
        let location = page.location();
        let pairs: Vec<_> = location.query_pairs().into_owned().collect();
        assert_eq!(pairs, [("state".to_owned(), state())]);
        assert!(location.as_str().starts_with(&format!("{AFTER_LOGOUT}?")));
        assert!(page.header("clear-site-data").contains("\"storage\""));
        assert_signed_out(&rp, &browser).await;
        assert_dead(&rp, &tokens).await;
        bed.assert_log_is_clean();
    }

    async fn oidcc_rp_initiated_logout_no_state(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser, tokens) = signed_in(bed).await;
        let page = with(&browser, &tokens, ("state", "")).await;
        assert_eq!(page.location().as_str(), AFTER_LOGOUT);
        assert_signed_out(&rp, &browser).await;
    }

    async fn an_app_may_ask_for_a_sign_out_by_post(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser, tokens) = signed_in(bed).await;
        let hint = tokens.id.clone().unwrap();
        let fields = [
            ("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", AFTER_LOGOUT),
            ("state", "s"), ("client_id", "conf-basic"),
        ];
        let page = browser.post("/oauth2/logout", &fields).await;
        assert_eq!(page.location().as_str(), format!("{AFTER_LOGOUT}?state=s"));
        assert_signed_out(&rp, &browser).await;
    }

    async fn oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser, tokens) = signed_in(bed).await;
        for uri in [
            "https://evil.test/", "https://rp.test/post_logout_redirect/", "https://rp.test/cb",
            "https://rp.test.evil.test/post_logout_redirect", "javascript:alert(1)", "/", "//x",
            "https://rp.test/post_logout_redirect#x", "HTTPS://rp.test/post_logout_redirect",
        ] {
            let page = with(&browser, &tokens, ("post_logout_redirect_uri", uri)).await;
            assert_nothing_happened(&rp, &browser, &page).await;
        }
    }

    async fn oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser, tokens) = signed_in(bed).await;
        let uri = format!("{AFTER_LOGOUT}?foo=bar");
        let page = with(&browser, &tokens, ("post_logout_redirect_uri", &uri)).await;
        assert_nothing_happened(&rp, &browser, &page).await;
    }

    async fn oidcc_rp_initiated_logout_modified_id_token_hint(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser, tokens) = signed_in(bed).await;
        let hint = tokens.id.clone().unwrap();
        let (_, rest) = hint.split_once('.').unwrap();
        let (claims, _) = rest.split_once('.').unwrap();
        // alg none.
        for bad in [format!("eyJhbGciOiJub25lIn0.{claims}."), format!("{hint}x")] {
            let page = with(&browser, &tokens, ("id_token_hint", &bad)).await;
            assert_nothing_happened(&rp, &browser, &page).await;
        }
    }

    async fn oidcc_rp_initiated_logout_bad_id_token_hint(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser, tokens) = signed_in(bed).await;
        let hint = tokens.id.clone().unwrap();
        for bad in [
            crate::kit::forge::signed_by_a_stranger(&hint), tokens.access.clone(), "x".into(), "..".into(),
        ] {
            let page = with(&browser, &tokens, ("id_token_hint", &bad)).await;
            assert_nothing_happened(&rp, &browser, &page).await;
        }
    }

    async fn oidcc_rp_initiated_logout_no_id_token_hint(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser, tokens) = signed_in(bed).await;
        let page = with(&browser, &tokens, ("id_token_hint", "")).await;
        assert_nothing_happened(&rp, &browser, &page).await;
        // With client_id the person is asked, and then the app gets its browser back.
        let query = [("client_id", "conf-basic"), ("post_logout_redirect_uri", AFTER_LOGOUT)];
        let page = end_session(&browser, &query).await;
        assert_nothing_happened(&rp, &browser, &page).await;
        let answer = page.form("sign-out").press("decision", "logout").submit().await;
        assert_eq!(answer.location().as_str(), AFTER_LOGOUT);
        assert_signed_out(&rp, &browser).await;
    }

    async fn oidcc_rp_initiated_logout_no_params(backend: Backend) {
        asks_and_stays_here(backend, &[]).await;
    }

    async fn oidcc_rp_initiated_logout_only_state(backend: Backend) {
        asks_and_stays_here(backend, &[("state", "s")]).await;
    }

    async fn oidcc_rp_initiated_logout_no_post_logout_redirect_uri(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser, tokens) = signed_in(bed).await;
        let page = with(&browser, &tokens, ("post_logout_redirect_uri", "")).await;
        page.assert_no_header("location").assert_status(200);
        assert!(page.text().contains("signed out"), "{}", page.text());
        assert_signed_out(&rp, &browser).await;
    }

    async fn the_hint_of_another_person_or_session_asks_first(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser, _) = signed_in(bed).await;
        let bobs = bed.world.browser();
        let bob = rp.tokens(&bobs, &BOB, &[]).await;
        let (_, _, elsewhere) = signed_in(bed).await;
        for tokens in [bob, elsewhere] {
            let page = with(&browser, &tokens, ("", "")).await;
            assert!(page.has_form("sign-out"), "{}", page.describe());
            assert_nothing_happened(&rp, &browser, &page).await;
        }
        assert_signed_in(&rp, &bobs).await;
    }

    async fn a_hint_and_a_client_id_must_agree(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser, tokens) = signed_in(bed).await;
        let hint = tokens.id.as_deref().unwrap();
        let pairs = [("id_token_hint", hint), ("client_id", "evil")];
        let page = end_session(&browser, &pairs).await;
        assert_nothing_happened(&rp, &browser, &page).await;
        let twice = format!("/oauth2/logout?id_token_hint={hint}&id_token_hint={hint}");
        assert_nothing_happened(&rp, &browser, &browser.get(&twice).await).await;
    }

    async fn the_person_may_stay_signed_in(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser, _) = signed_in(bed).await;
        let page = browser.get("/logout").await;
        assert!(page.text().contains("conf-basic"), "the apps are named: {}", page.text());
        let answer = page.form("sign-out").press("decision", "stay").submit().await;
        answer.assert_status(303);
        assert_signed_in(&rp, &browser).await;
    }

    async fn a_session_that_was_left_alone_ends_with_all_that_apps_still_refresh(backend: Backend) {
        let world = World::builder(backend).own_redis(Persistence::Snapshot).start().await;
        let mut bed = Bed::new(world, &["conf-basic", "opaque"]).await;
        for way in ["sign-out of the app", "command"] {
            let (rp, browser, first) = signed_in(&bed).await;
            let other = bed.rp("opaque");
            let kept = other.tokens(&browser, &ALICE, &[]).await;
            bed.world.kill9();
            execute(&bed.world, "update sessions set last_seen_at = last_seen_at - idle_seconds - 60").await;
            if backend == Backend::Production {
                bed.world.redis().flush();
            }
            bed.world.start_server().await;
            assert_signed_out(&rp, &browser).await;
            let tokens = Tokens::of(&rp.refresh(first.refresh()).await);
            let listed = bed.world.cli(&["session", "list", "--user", "alice"]);
            assert_eq!(listed["items"].as_array().map(Vec::len), Some(1), "{listed}");
            if way == "command" {
                bed.world.cli(&["session", "revoke", "--client", "conf-basic", "--yes"]);
            } else {
                with(&browser, &first, ("", "")).await.assert_status(303);
            }
            assert_dead(&rp, &tokens).await;
            assert_dead(&other, &kept).await;
            let listed = bed.world.cli(&["session", "list", "--user", "alice"]);
            assert_eq!(listed["items"].as_array().map(Vec::len), Some(0), "{way}: {listed}");
        }
    }

    async fn signing_out_ends_every_app_of_the_session_and_no_other_session(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (first, browser, tokens) = signed_in(bed).await;
        let (_, other_browser, other) = signed_in(bed).await;
        let second = bed.rp("opaque");
        let more = second.tokens(&browser, &ALICE, &[]).await;
        let stolen = browser.copy();
        with(&browser, &tokens, ("", "")).await.assert_status(303);
        assert_dead(&first, &tokens).await;
        assert_dead(&second, &more).await;
        // The cookie an attacker copied before is worth nothing now.
        assert_signed_out(&first, &stolen).await;
        assert_signed_in(&first, &other_browser).await;
        crate::kit::checks::assert_alive(&first, &other.access).await;
        // Being signed out already is no error.
        with(&browser, &tokens, ("", "")).await.assert_status(303);
    }
}
