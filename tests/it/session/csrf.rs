//! Requests forged on other sites (security catalogue, rows 75 and 76).

use reqwest::Method;

use crate::kit::checks::assert_client_error;
use crate::kit::fixtures::{ALICE, BOB, Bed, Callback, Rp};
use crate::support::browser_like::{Browser, Page};

async fn is_signed_in(rp: &Rp, browser: &Browser) -> bool {
    let page = rp.authorize(browser, &[("prompt", "none")]).await;
    Callback::of(&page).get("code").is_some()
}

/// The fields of the sign-out form, the way its button sends them.
fn sign_out_fields(page: &Page) -> Vec<(String, String)> {
    page.form("sign-out").press("decision", "logout").pairs()
}

/// Every route that changes something for the person whose cookies come along.
fn mutating_routes(session: &str) -> Vec<(String, Vec<(String, String)>)> {
    let pairs = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect::<Vec<_>>()
    };
    vec![
        ("/login".into(), pairs(&[("username", "alice"), ("password", ALICE.password)])),
        ("/consent".into(), pairs(&[("decision", "allow")])),
        ("/device".into(), pairs(&[("user_code", "BCDF-GHJK"), ("decision", "allow")])),
        ("/logout".into(), pairs(&[("decision", "logout")])),
        (format!("/account/sessions/{session}/end"), Vec::new()),
        ("/account/allowed/end".into(), pairs(&[("client_id", "trusted")])),
        ("/account/organisations".into(), pairs(&[("organisation", "x")])),
        ("/account/connections/x/end".into(), Vec::new()),
        ("/setup".into(), pairs(&[("username", "x"), ("password", "x"), ("token", "x")])),
        ("/login/create".into(), pairs(&[("username", "x"), ("password", "x")])),
        ("/login/reset".into(), pairs(&[("token", "x"), ("password", "x")])),
    ]
}

on_both_backends! {
    async fn forms_from_elsewhere_change_nothing(backend: Backend) {
        let bed = Bed::own(backend, &["trusted"]).await;
        let rp = bed.rp("trusted");
        let browser = bed.signed_in(&ALICE).await;
        let tokens = rp.tokens(&browser, &ALICE, &[]).await;
        let session = tokens.id_claims()["sid"].as_str().unwrap().to_owned();
        let foreign = bed.signed_in(&BOB).await.get("/logout").await;
        let foreign = foreign.form("sign-out").value("csrf").unwrap().to_owned();
        for (path, fields) in mutating_routes(&session) {
            let url = browser.resolve(&path);
            for csrf in [None, Some(""), Some("x"), Some(foreign.as_str())] {
                let mut fields = fields.clone();
                fields.extend(csrf.map(|csrf| ("csrf".to_owned(), csrf.to_owned())));
                let request = browser.request(Method::POST, &url).form(&fields);
                let page = browser.send(request).await;
                assert_eq!(page.status.as_u16(), 403, "{path} {csrf:?}: {}", page.describe());
                let request = browser.request(Method::POST, &url).form(&fields);
                let page = browser.send(request.header("Origin", "https://evil.test")).await;
                assert_eq!(page.status.as_u16(), 403, "{path}: {}", page.describe());
            }
            for kind in ["text/plain", "application/json", "multipart/form-data; boundary=x", ""] {
                let request = browser.request(Method::POST, &url).header("Content-Type", kind);
                let page = browser.send(request.body("{\"decision\":\"logout\"}")).await;
                let refused = matches!(page.status.as_u16(), 400 | 403 | 415);
                assert!(refused, "{path} {kind}: {}", page.describe());
            }
        }
        assert!(is_signed_in(&rp, &browser).await);
        bed.assert_log_is_clean();
    }

    async fn a_good_form_sent_from_another_site_is_refused(backend: Backend) {
        let bed = Bed::own(backend, &["trusted"]).await;
        let rp = bed.rp("trusted");
        let browser = bed.signed_in(&ALICE).await;
        let page = browser.get("/logout").await;
        let url = browser.resolve("/logout");
        let fields = sign_out_fields(&page);
        for (name, value) in [
            ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Site", "same-site"),
            ("Origin", "https://evil.test"), ("Origin", "null"),
            ("Origin", "http://localhost:1"), ("Origin", "http://localhost.evil.test"),
        ] {
            let request = browser.request(Method::POST, &url).form(&fields).header(name, value);
            let answer = browser.send(request).await;
            assert_eq!(answer.status.as_u16(), 403, "{name} {value}: {}", answer.describe());
            assert!(is_signed_in(&rp, &browser).await, "{name} {value}");
        }
        // The token is bound to the session: in the next one the old page is worth nothing.
        browser.get("/logout").await.form("sign-out").press("decision", "logout").submit().await;
        let again = browser.get("/login").await;
        crate::kit::fixtures::fill_in(&again, &ALICE).submit().await.assert_status(303);
        let request = browser.request(Method::POST, &url).form(&fields);
        let request = request.header("Sec-Fetch-Site", "same-origin");
        assert_eq!(browser.send(request).await.status.as_u16(), 403);
        assert!(is_signed_in(&rp, &browser).await);
        bed.assert_log_is_clean();
    }

    async fn looking_changes_nothing(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("trusted");
        let browser = bed.signed_in(&ALICE).await;
        let session = rp.tokens(&browser, &ALICE, &[]).await.id_claims()["sid"].clone();
        let end = format!("/account/sessions/{}/end", session.as_str().unwrap());
        let page = browser.get("/logout").await;
        let query = serde_urlencoded::to_string(sign_out_fields(&page)).unwrap();
        for path in [
            "/logout".to_owned(), format!("/logout?{query}"), "/oauth2/logout".into(),
            "/oauth2/logout?client_id=trusted".into(), end, "/consent?decision=allow".into(),
            "/login?username=bob&password=x".into(), "/".into(), "/account".into(),
        ] {
            for method in [Method::GET, Method::HEAD] {
                let request = browser.request(method.clone(), &browser.resolve(&path));
                let page = browser.send(request).await;
                assert!(page.status.as_u16() < 500, "{method} {path}: {}", page.describe());
                assert!(is_signed_in(&rp, &browser).await, "{method} {path} signed out");
            }
        }
    }

    async fn nobody_ends_the_session_of_another_person(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("trusted");
        let alices = bed.signed_in(&ALICE).await;
        let session = rp.tokens(&alices, &ALICE, &[]).await.id_claims()["sid"].clone();
        let path = format!("/account/sessions/{}/end", session.as_str().unwrap());
        let bobs = bed.signed_in(&BOB).await;
        let account = bobs.get("/account").await;
        let csrf = account.attributes("input[name='csrf']", "value").remove(0);
        let page = bobs.post(&path, &[("csrf", &csrf)]).await;
        assert!(matches!(page.status.as_u16(), 403 | 404), "{}", page.describe());
        assert!(is_signed_in(&rp, &alices).await);
        // Her own other browser's session she may end.
        let here = bed.signed_in(&ALICE).await;
        let account = here.get("/account").await;
        let csrf = account.attributes("input[name='csrf']", "value").remove(0);
        here.post(&path, &[("csrf", &csrf)]).await.assert_status(303);
        let page = rp.authorize(&alices, &[("prompt", "none")]).await;
        assert_client_error(&page, &rp, "login_required");
    }
}
