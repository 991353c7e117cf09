//! The response modes: `oidcc-formpost-basic-certification-test-plan`, query and fragment.

use std::collections::BTreeSet;

use data_encoding::BASE64URL_NOPAD;
use reqwest::Method;
use serde_json::json;

use crate::kit::checks::{
    assert_access_token_dead, assert_error_callback, assert_error_page, assert_id_token,
    assert_success,
};
use crate::kit::fixtures::{
    ALICE, Bed, CHALLENGE, Callback, NONCE, Rp, STATE, Tokens, VERIFIER, walk,
};
use crate::support::browser_like::Page;

const MODE: (&str, &str) = ("response_mode", "form_post");

/// The page that posts itself to the client: no redirect, nothing in any URL, and a policy that
/// does not keep a browser from sending it.
#[track_caller]
fn assert_form_post(page: &Page, target: &str) -> Callback {
    page.assert_status(200).assert_no_header("location").assert_page_headers();
    let policy = page.header("content-security-policy");
    assert!(!policy.contains("form-action"), "{policy}");
    assert!(policy.contains("script-src 'sha256-"), "{policy}");
    let form = page.form("form-post");
    assert_eq!((form.method.as_str(), form.action.as_str()), ("post", target));
    assert_eq!(form.action.query(), None);
    Callback::of(page)
}

on_both_backends! {
    async fn a_code_travels_in_a_form_that_posts_itself(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        let page = walk(rp.authorize(&browser, &[MODE]).await, &ALICE).await;
        let callback = assert_form_post(&page, &rp.redirect_uri);
        let code = assert_success(&callback, &rp, STATE);
        Tokens::of(&rp.redeem(&code).await);
        // Signed in already: at once, and for prompt=none as well.
        for changes in [&[MODE][..], &[MODE, ("prompt", "none")]] {
            let page = rp.authorize(&browser, changes).await;
            assert_success(&assert_form_post(&page, &rp.redirect_uri), &rp, STATE);
            // The app by its name, not by the host of its address.
            assert_eq!(page.texts("h1"), ["Back to conf-basic"]);
        }
        bed.assert_log_is_clean();
    }

    async fn oidcc_formpost_basic_plan(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        let profile = ["name", "given_name", "family_name", "middle_name", "nickname",
            "preferred_username", "profile", "picture", "website", "gender", "birthdate", "zoneinfo",
            "locale", "updated_at"];
        let (email, phone) = (["email", "email_verified"], ["phone_number", "phone_number_verified"]);
        let all = [&profile[..], &email, &phone, &["address"]].concat();
        let mut since = None;
        // Each with what userinfo has to say beside the sub.
        for (change, expected) in [
            (("extra", "foobar"), &[][..]), (("nonce", ""), &[]), (("scope", "openid profile"), &profile),
            (("scope", "openid email"), &email), (("scope", "openid address"), &["address"]),
            (("scope", "openid phone"), &phone), (("scope", "phone address email profile openid"), &all),
            (("display", "page"), &[]), (("display", "popup"), &[]), (("max_age", "10000"), &[]),
            (("login_hint", "buffy@host"), &[]), (("ui_locales", "se"), &[]),
            (("claims_locales", "se"), &[]), (("acr_values", "1 2"), &[]), (("prompt", "none"), &[]),
            (("claims", r#"{"userinfo":{"name":{"essential":true}}}"#), &["name"]),
        ] {
            let page = walk(rp.authorize(&browser, &[MODE, change]).await, &ALICE).await;
            let code = assert_success(&assert_form_post(&page, &rp.redirect_uri), &rp, STATE);
            let tokens = Tokens::of(&rp.redeem(&code).await);
            let claims = tokens.id_claims();
            let nonce = (change.0 != "nonce").then_some(NONCE);
            assert_eq!(claims.get("nonce").map(|nonce| nonce.as_str().unwrap()), nonce, "{change:?}");
            // One sign-in began it all, and nothing here asks for another.
            assert_eq!(claims["auth_time"], *since.get_or_insert(claims["auth_time"].clone()), "{change:?}");
            assert!(claims["auth_time"].is_i64(), "{change:?}: {claims}");
            let told = rp.userinfo(&tokens.access).await.assert_status(200).json();
            assert_eq!(told["sub"], claims["sub"]);
            let keys: BTreeSet<_> = told.as_object().unwrap().keys().map(String::as_str).collect();
            let expected: BTreeSet<_> = expected.iter().copied().chain(["sub"]).collect();
            assert_eq!(keys, expected, "{change:?}");
        }
        let parameters = rp.parameters(&[MODE]);
        let fields: Vec<_> = parameters.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let page = walk(browser.post("/oauth2/authorize", &fields).await, &ALICE).await;
        assert_success(&assert_form_post(&page, &rp.redirect_uri), &rp, STATE);
        let elsewhere = format!("{}/elsewhere", rp.redirect_uri);
        let changes = [MODE, ("redirect_uri", elsewhere.as_str())];
        assert_error_page(&rp.authorize(&browser, &changes).await);
    }

    async fn oidcc_formpost_what_the_code_gives(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let browser = bed.world.browser();
        let code = async |rp: &Rp, changes: &[(&str, &str)]| {
            let page = rp.authorize(&browser, &[&[MODE][..], changes].concat()).await;
            let page = walk(page, &ALICE).await;
            assert_success(&assert_form_post(&page, &rp.redirect_uri), rp, STATE)
        };
        let rp = bed.rp("conf-basic");
        let all = [("scope", "openid offline_access"), ("prompt", "consent")];
        let spent = code(&rp, &all).await;
        let tokens = Tokens::of(&rp.redeem(&spent).await);
        let id_token = tokens.id.clone().unwrap();
        let claims = assert_id_token(&rp, &id_token, jsonwebtoken::Algorithm::RS256).await;
        for request in [
            rp.http.request(Method::POST, &rp.http.resolve("/oauth2/userinfo")).bearer_auth(&tokens.access),
            rp.http.request(Method::POST, &rp.http.resolve("/oauth2/userinfo"))
                .form(&[("access_token", tokens.access.as_str())]),
        ] {
            let page = rp.http.send(request).await;
            assert_eq!(page.assert_status(200).json()["sub"], claims["sub"]);
        }
        Tokens::of(&rp.refresh(tokens.refresh()).await);
        let hint = [("prompt", "none"), ("id_token_hint", id_token.as_str())];
        let again = Tokens::of(&rp.redeem(&code(&rp, &hint).await).await).id_claims();
        assert_eq!((&again["sub"], &again["auth_time"]), (&claims["sub"], &claims["auth_time"]));
        rp.redeem(&spent).await.assert_oauth_error(400, "invalid_grant");
        assert_access_token_dead(&rp, &tokens.access).await;
        let pkce = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
        let with_pkce = code(&rp, &pkce).await;
        Tokens::of(&rp.redeem_with(&with_pkce, &[("code_verifier", VERIFIER)]).await);
        let by_post = bed.rp("conf-post");
        Tokens::of(&by_post.redeem(&code(&by_post, &[]).await).await);
    }

    async fn oidcc_formpost_prompt_login_and_max_age(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        let answered = async |page: Page| {
            let callback = assert_form_post(&page, &rp.redirect_uri);
            let code = assert_success(&callback, &rp, STATE);
            Tokens::of(&rp.redeem(&code).await).id_claims()
        };
        let page = walk(rp.authorize(&browser, &[MODE, ("max_age", "15000")]).await, &ALICE).await;
        let first = answered(page).await;
        for change in [("prompt", "login"), ("max_age", "1")] {
            tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
            let page = rp.authorize(&browser, &[MODE, change]).await.follow_within().await;
            assert!(page.has_form("sign-in"), "{change:?}: {}", page.describe());
            let again = answered(walk(page, &ALICE).await).await;
            assert_eq!(again["sub"], first["sub"]);
            let time = |claims: &serde_json::Value| claims["auth_time"].as_i64().unwrap();
            assert!(time(&again) > time(&first) + 1, "{change:?}: {again} after {first}");
        }
    }

    async fn oidcc_formpost_prompt_none_not_logged_in(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        let state = "0123456789abcdef".repeat(8);
        let changes = [MODE, ("prompt", "none"), ("state", state.as_str())];
        let page = rp.authorize(&browser, &changes).await;
        let callback = assert_form_post(&page, &rp.redirect_uri);
        assert_error_callback(&callback, &rp, "login_required", Some(state.as_str()));
    }

    async fn errors_travel_by_form_post_too(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("fresh"), bed.world.browser());
        let part = |json: serde_json::Value| BASE64URL_NOPAD.encode(json.to_string().as_bytes());
        let claims = json!({ "iss": rp.id, "aud": rp.issuer, "scope": "openid" });
        let unsigned = format!("{}.{}.", part(json!({ "alg": "none" })), part(claims));
        for (change, error) in [
            (("prompt", "none"), "login_required"), (("response_type", ""), "invalid_request"),
            (("response_type", "token"), "unsupported_response_type"),
            (("scope", "warp"), "invalid_scope"), (("max_age", "x"), "invalid_request"),
            (("request", "x"), "invalid_request_object"), (("request", &unsigned), "invalid_request_object"),
            (("request_uri", "https://rp.test/request.jwt"), "invalid_request_uri"),
        ] {
            let page = rp.authorize(&browser, &[MODE, change]).await;
            let callback = assert_form_post(&page, &rp.redirect_uri);
            assert_error_callback(&callback, &rp, error, Some(STATE));
        }
        let alices = bed.signed_in(&ALICE).await;
        let page = rp.authorize(&alices, &[MODE, ("prompt", "consent")]).await;
        let answer = page.form("consent").press("decision", "deny").submit().await;
        let callback = assert_form_post(&answer.follow_within().await, &rp.redirect_uri);
        assert_error_callback(&callback, &rp, "access_denied", Some(STATE));
    }

    async fn a_hostile_state_is_inert_in_the_form(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        for state in [
            "\"><script>alert(1)</script>", "'><img src=x onerror=alert(1)>", "</form><form>",
            "&quot;&gt;&lt;b&gt;", "a\r\nSet-Cookie: x=1", "\u{202e}\u{0}x", "{{7*7}}${7*7}",
        ] {
            let changes = [MODE, ("prompt", "none"), ("state", state)];
            let page = rp.authorize(&browser, &changes).await;
            let callback = assert_form_post(&page, &rp.redirect_uri);
            // What HTML itself changes on the way: NUL, and line ends as forms write them.
            let expected = state.replace('\0', "\u{fffd}");
            let got = callback.get("state").unwrap().replace("\r\n", "\n");
            assert_eq!(got, expected.replace("\r\n", "\n"));
            assert_eq!(page.texts("form").len(), 1, "{}", page.body);
            assert!(!page.has("img[onerror]") && !page.has("b"), "{}", page.body);
        }
    }

    async fn the_registered_uri_is_checked_before_the_mode(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("conf-basic");
        let changes = [MODE, ("redirect_uri", "https://evil.test/")];
        let page = rp.authorize(&bed.world.browser(), &changes).await;
        assert_error_page(&page);
        assert!(!page.has_form("form-post"));
    }

    async fn query_and_fragment_are_where_they_should_be(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        rp.code(&browser, &ALICE, &[]).await;
        for (mode, silent) in [("query", "code"), ("fragment", "code")] {
            let page = rp.authorize(&browser, &[("response_mode", mode)]).await;
            let location = page.location();
            assert_eq!(location.query().is_some(), mode == "query", "{location}");
            assert_eq!(location.fragment().is_some(), mode == "fragment", "{location}");
            assert!(Callback::of(&page).get(silent).is_some());
        }
    }
}
