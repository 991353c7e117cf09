//! Requests that pages of other sites make of this browser: browsers keep our cookies back from what
//! is posted, framed or loaded as a picture, and nobody may be taken for signed out because of it.

use reqwest::Method;
use serde_json::json;

use crate::kit::checks::assert_success;
use crate::kit::fixtures::{ALICE, Bed, Callback, Rp, STATE};
use crate::support::browser_like::{Browser, Page};

/// The cookie that scripts of apps watch, on a plain-http loopback issuer.
const STATE_COOKIE: &str = "doorward_state";

fn pairs(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// A form on another site, sent by this browser's person: without cookies, as they are `Lax`.
async fn posted_elsewhere(bed: &Bed, rp: &Rp, changes: &[(&str, &str)]) -> Page {
    let bare = bed.world.browser();
    let request = bare.request(Method::POST, &bare.resolve("/oauth2/authorize"));
    let request =
        request.header("Sec-Fetch-Site", "cross-site").header("Sec-Fetch-Mode", "navigate");
    bare.send(request.form(&rp.parameters(changes))).await
}

/// Something on another site's page that loads this address: only the state cookie comes along.
async fn loaded_elsewhere(browser: &Browser, address: &str, dest: &str) -> Page {
    let bare = Browser::new(browser.resolve("/").as_str());
    bare.plant_cookie(STATE_COOKIE, &browser.cookie(STATE_COOKIE).expect("a state"));
    let mode = if dest == "image" { "no-cors" } else { "navigate" };
    let request = bare.request(Method::GET, &bare.resolve(address));
    let request = request.header("Sec-Fetch-Site", "cross-site").header("Sec-Fetch-Mode", mode);
    bare.send(request.header("Sec-Fetch-Dest", dest)).await
}

on_both_backends! {
    async fn a_request_posted_by_another_site_comes_again_with_the_cookies(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("trusted"), bed.signed_in(&ALICE).await);
        for changes in [&[][..], &[("prompt", "none")], &[("state", "a b&c=d")]] {
            let page = posted_elsewhere(bed, &rp, changes).await;
            page.assert_status(303);
            assert!(page.set_cookies().is_empty(), "what binds this browser's pages stays");
            assert!(page.location().path().ends_with("/oauth2/authorize"), "{}", page.describe());
            let answer = browser.get(page.location().as_str()).await;
            let state = changes.iter().find(|(name, _)| *name == "state").map_or(STATE, |s| s.1);
            assert_success(&Callback::of(&answer), &rp, state);
        }
    }

    async fn a_long_one_comes_again_from_a_page_of_ours(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("trusted"), bed.signed_in(&ALICE).await);
        let long = json!({ "userinfo": { "name": { "value": "x".repeat(7_000) } } }).to_string();
        let page = posted_elsewhere(bed, &rp, &[("claims", &long)]).await;
        page.assert_status(200).assert_page_headers();
        assert!(page.set_cookies().is_empty());
        assert_eq!(page.texts("h1"), ["To the sign-in page"]);
        let form = page.form("form-post");
        assert_eq!(form.action.as_str(), format!("{}/oauth2/authorize", rp.issuer));
        assert!(form.pairs().contains(&("claims".to_owned(), long)));
        // From here the cookies are sent, and the request is answered at once.
        let fields = form.pairs();
        let request = browser.request(Method::POST, &form.action);
        let request = request.header("Sec-Fetch-Site", "same-origin").form(&fields);
        assert_success(&Callback::of(&browser.send(request).await), &rp, STATE);
    }

    async fn what_comes_with_cookies_or_says_nothing_is_answered_at_once(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("trusted"), bed.signed_in(&ALICE).await);
        let fields = rp.parameters(&[]);
        let page = browser.post("/oauth2/authorize", &pairs(&fields)).await;
        assert_success(&Callback::of(&page), &rp, STATE);
        for site in ["cross-site", "same-site", "same-origin"] {
            let request = browser.request(Method::POST, &browser.resolve("/oauth2/authorize"));
            let page = browser.send(request.header("Sec-Fetch-Site", site).form(&fields)).await;
            assert_success(&Callback::of(&page), &rp, STATE);
        }
        let first = bed.world.browser().post("/oauth2/authorize", &pairs(&fields)).await;
        assert!(first.has_form("sign-in"), "{}", first.describe());
    }

    async fn a_picture_on_another_site_makes_no_app_believe_in_a_sign_out(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("trusted"), bed.signed_in(&ALICE).await);
        let address = rp.authorize_url(&[("prompt", "none")]);
        for dest in ["image", "iframe", "script"] {
            let page = loaded_elsewhere(&browser, &address, dest).await;
            let touched = page.set_cookies().into_iter().find(|cookie| cookie.name == STATE_COOKIE);
            assert!(touched.is_none(), "{dest}: {touched:?}");
        }
        let page = posted_elsewhere(bed, &rp, &[("prompt", "none")]).await;
        assert!(page.set_cookies().is_empty());
        // A window that is opened brings every cookie there is; then none means none.
        let page = loaded_elsewhere(&browser, &address, "document").await;
        assert!(page.set_cookies().iter().any(|cookie| cookie.name == STATE_COOKIE));
    }

    async fn a_window_that_an_app_opens_for_a_sign_in_keeps_its_tie_to_the_app(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("fresh"), bed.signed_in(&ALICE).await);
        let consent = rp.authorize(&browser, &[("prompt", "consent")]).await;
        let sign_in = rp.authorize(&browser, &[("prompt", "login")]).await;
        let answer = rp.authorize(&browser, &[("prompt", "none"), ("scope", "nothing")]).await;
        let elsewhere = browser.get("/consent?flow=x").await;
        for page in [consent, sign_in, answer, elsewhere, browser.get("/login").await] {
            page.assert_header("cross-origin-opener-policy", "unsafe-none");
        }
        for path in ["/account", "/admin", "/oauth2/logout", "/device", "/loginx", "/"] {
            let page = browser.get(path).await;
            page.assert_header("cross-origin-opener-policy", "same-origin");
        }
    }
}
