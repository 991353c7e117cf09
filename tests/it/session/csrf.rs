//! Requests forged on other sites (security catalogue, rows 75 and 76).

use std::collections::BTreeSet;

use reqwest::Method;

use crate::kit::checks::assert_client_error;
use crate::kit::fixtures::{ALICE, BOB, Bed, Callback, MALLORY, Rp};
use crate::kit::flow::count;
use crate::running::malformed::ROUTES;
use crate::support::browser_like::{Browser, Page};
use crate::support::world::World;

/// What takes more than GET and reads no cookie, or decides nothing by it.
const WITHOUT_A_FORM: [&str; 11] = [
    // These ask: what is decided is decided by a form. What they do is in `cross_site` and below.
    "/oauth2/authorize",
    "/oauth2/logout",
    "/login/again",
    // Programs say with every request who they are.
    "/oauth2/token",
    "/oauth2/userinfo",
    "/oauth2/introspect",
    "/oauth2/revoke",
    "/oauth2/par",
    "/oauth2/device_authorization",
    "/oauth2/register",
    "/oauth2/register/conf-basic",
];

/// Where no route reads a cookie, and the console, whose forms are tried in a folder of their own.
const ELSEWHERE: [&str; 4] = ["/admin", "/api/", "/scim/", "/gateway/"];

/// What a form that counts would change.
const STATE: [&str; 5] = [
    "select count(*) from sessions where revoked_at is null",
    "select count(*) from sessions where organisation_id is not null",
    "select count(*) from passwords where temporary_until is not null",
    "select count(*) from consents",
    "select count(*) from users",
];

async fn state(world: &World) -> Vec<i64> {
    let mut found = Vec::new();
    for query in STATE {
        found.push(count(world, query).await);
    }
    found
}

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
        ("/login/account".into(), pairs(&[("account", "another")])),
        ("/login/organisation".into(), pairs(&[("organisation", "x")])),
        ("/login/password".into(), pairs(&[("password", "nine paper herons fold at dusk")])),
        ("/login/not-me".into(), pairs(&[("token", "x"), ("others", "on")])),
        ("/account/sign-out".into(), pairs(&[("reach", "everywhere"), ("connections", "on")])),
    ]
}

/// The pages of a sign-in, left open in a browser in which alice is signed in: where the form of each goes,
/// and its flow. A form without one would be refused for that alone.
async fn open_pages(bed: &Bed, browser: &Browser) -> [(&'static str, String); 5] {
    let trusted = bed.rp("trusted");
    let consent = bed.rp("conf-basic").authorize(browser, &[("prompt", "consent")]).await;
    let organisation = trusted.authorize(browser, &[("scope", "openid org")]).await;
    let account = trusted.authorize(browser, &[("prompt", "select_account")]).await;
    let sign_in = account.form("choose-account").press("account", "another").submit().await;
    let given = bed.world.cli(&["user", "set-password", MALLORY.username, "--temporary"]);
    let temporary = given["temporary_password"].as_str().expect("a temporary password");
    let form = sign_in.form("sign-in").set("username", MALLORY.username);
    let password = form.set("password", temporary).submit().await;
    let flow = |page: &Page, form: &str| page.form(form).value("flow").expect("a flow").to_owned();
    [
        ("/login", flow(&sign_in, "sign-in")),
        ("/login/account", flow(&account, "choose-account")),
        ("/login/organisation", flow(&organisation, "choose-organisation")),
        ("/login/password", flow(&password, "choose-password")),
        ("/consent", flow(&consent, "consent")),
    ]
}

/// Whether the server takes anything here but what only looks: by what it says to a method that it does
/// not know.
async fn takes_changes(browser: &Browser, path: &str) -> bool {
    let refused = browser.send(browser.request(Method::PATCH, &browser.resolve(path))).await;
    let status = refused.status.as_u16();
    assert!(matches!(status, 400 | 404 | 405), "PATCH is taken: {}", refused.describe());
    let mut allowed = refused.header("allow").split(',').map(str::trim);
    allowed.any(|method| !["", "GET", "HEAD", "OPTIONS"].contains(&method))
}

on_both_backends! {
    async fn forms_from_elsewhere_change_nothing(backend: Backend) {
        let bed = Bed::own(backend, &["trusted", "conf-basic"]).await;
        bed.add_person(&MALLORY, &[]);
        for name in ["acme", "birch"] {
            bed.world.cli(&["organisation", "create", name, "--display-name", name]);
            bed.world.cli(&["organisation", "add", name, ALICE.username]);
        }
        let rp = bed.rp("trusted");
        let browser = bed.signed_in(&ALICE).await;
        let tokens = rp.tokens(&browser, &ALICE, &[]).await;
        let session = tokens.id_claims()["sid"].as_str().unwrap().to_owned();
        let foreign = bed.signed_in(&BOB).await.get("/logout").await;
        let foreign = foreign.form("sign-out").value("csrf").unwrap().to_owned();
        let strange = bed.world.browser().get("/login").await;
        let strange = strange.form("sign-in").value("csrf").unwrap().to_owned();
        let flows = open_pages(&bed, &browser).await;
        let before = state(&bed.world).await;
        for (path, mut fields) in mutating_routes(&session) {
            let url = browser.resolve(&path);
            let flow = flows.iter().find(|(known, _)| *known == path);
            fields.extend(flow.map(|(_, flow)| ("flow".to_owned(), flow.clone())));
            for csrf in [None, Some(""), Some("x"), Some(foreign.as_str()), Some(strange.as_str())] {
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
        assert_eq!(state(&bed.world).await, before, "{STATE:?}");
        assert!(is_signed_in(&rp, &browser).await);
        bed.assert_log_is_clean();
    }

    async fn every_route_that_takes_changes_is_tried_with_forms_from_elsewhere(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let browser = bed.world.browser();
        let mut changing = BTreeSet::new();
        for path in ROUTES {
            if !ELSEWHERE.iter().any(|start| path.starts_with(start)) && takes_changes(&browser, path).await {
                changing.insert((*path).to_owned());
            }
        }
        let tried = mutating_routes("x").into_iter().map(|(path, _)| path);
        let known: BTreeSet<_> = tried.chain(WITHOUT_A_FORM.map(str::to_owned)).collect();
        assert_eq!(changing, known, "what the server takes, and what is known to this file");
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
        let asked = rp.authorize(&browser, &[("prompt", "login")]).await;
        let flow = asked.form("sign-in").value("flow").expect("a flow").to_owned();
        let again = format!("/login/again?flow={flow}");
        for path in [
            "/logout".to_owned(), format!("/logout?{query}"), "/oauth2/logout".into(),
            "/oauth2/logout?client_id=trusted".into(), end, "/consent?decision=allow".into(),
            "/login?username=bob&password=x".into(), "/".into(), "/account".into(),
            format!("{again}&as=another"), format!("{again}&as=new"), format!("{again}&as=known"), again,
        ] {
            for method in [Method::GET, Method::HEAD] {
                let request = browser.request(method.clone(), &browser.resolve(&path));
                let page = browser.send(request).await;
                assert!(page.status.as_u16() < 500, "{method} {path}: {}", page.describe());
                assert!(is_signed_in(&rp, &browser).await, "{method} {path} signed out");
            }
        }
        // Starting over by a form is no more than by the link, and from elsewhere it is nothing.
        let (url, fields) = (browser.resolve("/login/again"), [("flow", flow.as_str()), ("as", "another")]);
        let started = browser.request(Method::POST, &url).form(&fields);
        let refused = browser.send(started.header("Origin", "https://evil.test")).await;
        refused.assert_status(400);
        let started = browser.request(Method::POST, &url).form(&fields);
        let chooser = browser.send(started.header("Origin", &rp.issuer)).await;
        assert!(chooser.status.as_u16() < 400, "{}", chooser.describe());
        assert!(is_signed_in(&rp, &browser).await);
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
