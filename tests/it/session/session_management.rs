//! Session Management 1.0, as far as it can be seen without a browser that runs scripts (that part
//! is in `tests/browser`), and third-party-initiated login (OpenID Connect Core section 4).

use serde_json::json;

use crate::kit::fixtures::{Bed, unique};
use crate::kit::flow::{
    Answer, App, PASSWORD, REDIRECT, SESSION_COOKIE, count, create_user, http_client, read,
    sign_in, sign_out,
};
use crate::kit::logout::{register, sign_out_by_app, somebody};
use crate::support::backends::Backend;
use crate::support::browser_like::{Browser, Page};
use crate::support::world::World;

/// The cookie that the check-session page reads.
const STATE_COOKIE: &str = "doorward_state";

/// What the check-session page says to an app at `origin`, computed as section 3.2 describes. That
/// the page itself says so is seen in `tests/browser`.
fn check(browser: &Browser, (client, origin): (&str, &str), session_state: &str) -> &'static str {
    let Some((hash, salt)) = session_state.split_once('.') else { return "error" };
    let states = browser.cookie(STATE_COOKIE).unwrap_or_default();
    let same =
        states.split('.').any(|state| sha256(&format!("{client} {origin} {state} {salt}")) == hash);
    if same { "unchanged" } else { "changed" }
}

fn sha256(text: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    data_encoding::BASE64URL_NOPAD.encode(digest.as_ref())
}

async fn answer(app: &App, browser: &Browser, extra: &[(&str, &str)]) -> Page {
    browser.get(&app.authorize_path(extra)).await
}

async fn session_state(app: &App, browser: &Browser) -> String {
    let page = answer(app, browser, &[]).await;
    page.location_parameter("session_state").unwrap_or_else(|| panic!("{}", page.describe()))
}

fn plain_app(world: &World) -> App {
    register(world, &unique("watcher"), (&json!({}), &[]))
}

on_both_backends! {
    async fn oidcc_session_management_discovery_endpoint_verification(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let page = bed.world.browser().get("/.well-known/openid-configuration").await;
        let document = page.json();
        let iframe = format!("{}/oauth2/check_session", bed.world.issuer);
        assert_eq!(document["check_session_iframe"], iframe);
        assert!(document["end_session_endpoint"].is_string());
    }

    async fn oidcc_session_management_rp_initiated_logout(backend: Backend) {
        let world = &Bed::shared(backend).await.world;
        let app = plain_app(world);
        let (_, browser) = somebody(world).await;
        let tokens = app.tokens(&browser).await;
        let state = session_state(&app, &browser).await;
        let me = (app.id.as_str(), "https://rp.test");
        assert_eq!(check(&browser, me, &state), "unchanged");
        assert_eq!(check(&browser, (me.0, "https://evil.test"), &state), "changed");
        assert_eq!(check(&browser, ("another", me.1), &state), "changed");
        let page = sign_out_by_app(&browser, &tokens).await;
        assert!(page.location().as_str().starts_with(crate::kit::fixtures::AFTER_LOGOUT));
        assert_eq!(browser.cookie(STATE_COOKIE), None);
        assert_eq!(check(&browser, me, &state), "changed");
        // An error answer tells nothing of it, and nobody signed in is no state to watch.
        let page = answer(&app, &browser, &[("prompt", "none")]).await;
        assert_eq!(page.location_parameter("error").as_deref(), Some("login_required"));
        assert_eq!(page.location_parameter("session_state"), None);
    }

    async fn the_state_follows_the_session_and_tells_nothing_of_it(backend: Backend) {
        let world = &Bed::shared(backend).await.world;
        let app = plain_app(world);
        let (name, browser) = somebody(world).await;
        let me = (app.id.as_str(), "https://rp.test");
        let state = session_state(&app, &browser).await;
        let cookie = browser.cookie(STATE_COOKIE).expect("a state");
        assert_ne!(session_state(&app, &browser).await, state, "the salt is new every time");
        // Confirming the password renews the session's cookie and is no change to the apps.
        let secret = browser.cookie(SESSION_COOKIE);
        let page = answer(&app, &browser, &[("prompt", "login")]).await;
        page.form("sign-in").set("password", PASSWORD).submit().await.assert_status(303);
        assert_ne!(browser.cookie(SESSION_COOKIE), secret);
        assert_eq!(browser.cookie(STATE_COOKIE).as_deref(), Some(cookie.as_str()));
        assert_eq!(check(&browser, me, &state), "unchanged");
        // Somebody else is one.
        let other = unique("another");
        create_user(world, &other);
        let page = answer(&app, &browser, &[("prompt", "login")]).await;
        let form = page.form("sign-in").forge("username", &other).set("password", PASSWORD);
        form.submit().await.assert_status(303);
        assert_eq!(check(&browser, me, &state), "changed");
        // A new session of the same person, too.
        let again = sign_in(world, &name).await;
        assert_ne!(again.cookie(STATE_COOKIE), Some(cookie));
        // It opens no session.
        let thief = world.browser();
        thief.plant_cookie(SESSION_COOKIE, &again.cookie(STATE_COOKIE).unwrap());
        thief.get("/account").await.assert_status(303);
    }

    async fn two_people_in_one_browser_do_not_seem_to_take_turns(backend: Backend) {
        let world = &Bed::shared(backend).await.world;
        let app = plain_app(world);
        let me = (app.id.as_str(), "https://rp.test");
        let (_, browser) = somebody(world).await;
        let tokens = app.tokens(&browser).await;
        let first = session_state(&app, &browser).await;
        let second = unique("second");
        create_user(world, &second);
        let page = answer(&app, &browser, &[("prompt", "select_account")]).await;
        let page = page.form("choose-account").press("account", "another").submit().await;
        let page = page.follow_within().await;
        let form = page.form("sign-in").set("username", &second).set("password", PASSWORD);
        let back = form.submit().await.follow_within().await;
        let second = back.location_parameter("session_state").expect("a state");
        for state in [&first, &second] {
            assert_eq!(check(&browser, me, state), "unchanged");
        }
        // The app signs its own person out, and nobody else.
        sign_out_by_app(&browser, &tokens).await.assert_status(303);
        assert_eq!(check(&browser, me, &first), "changed");
        assert_eq!(check(&browser, me, &second), "unchanged");
        sign_out(&browser).await;
        assert_eq!(check(&browser, me, &second), "changed");
    }

    async fn a_session_that_ended_elsewhere_is_noticed_at_the_next_visit(backend: Backend) {
        let world = &Bed::shared(backend).await.world;
        let app = plain_app(world);
        let (name, browser) = somebody(world).await;
        let state = session_state(&app, &browser).await;
        // A browser that lost the state, or had none before an upgrade, gets it back.
        browser.cookies(|jar| jar.plant(&browser.resolve("/"), STATE_COOKIE, "x"));
        answer(&app, &browser, &[]).await.assert_status(303);
        let me = (app.id.as_str(), "https://rp.test");
        assert_eq!(check(&browser, me, &state), "unchanged");
        world.cli_with_input(
            &["user", "set-password", &name, "--password-file", "-"], "another-fine-9-word-phrase");
        crate::support::process::wait_until_async(
            "the session being gone", crate::kit::flow::PATIENCE,
            async || !crate::kit::flow::is_signed_in(&browser).await).await;
        answer(&app, &browser, &[("prompt", "none")]).await.assert_status(303);
        assert_eq!(browser.cookie(STATE_COOKIE), None);
        assert_eq!(check(&browser, me, &state), "changed");
    }

    async fn session_state_is_for_sign_ins_of_apps_with_pages(backend: Backend) {
        let world = &Bed::shared(backend).await.world;
        let app = plain_app(world);
        let (_, browser) = somebody(world).await;
        let page = answer(&app, &browser, &[("scope", "profile")]).await;
        assert!(page.location_parameter("code").is_some(), "{}", page.describe());
        assert_eq!(page.location_parameter("session_state"), None);
        let page = answer(&app, &browser, &[("response_mode", "form_post")]).await;
        assert!(page.has("form input[name=session_state]"), "{}", page.body);
        let page = answer(&app, &browser, &[("response_mode", "fragment")]).await;
        assert!(page.location().fragment().is_some_and(|f| f.contains("session_state=")));
    }

    async fn any_site_may_frame_the_check_session_page_and_no_other(backend: Backend) {
        let world = &Bed::shared(backend).await.world;
        let browser = world.browser();
        let page = browser.get("/oauth2/check_session").await;
        page.assert_status(200).assert_common_headers().assert_no_header("x-frame-options");
        page.assert_header("content-type", "text/html; charset=utf-8");
        page.assert_header("cross-origin-resource-policy", "cross-origin");
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
        assert!(policy.ends_with("; frame-ancestors *") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(page.attributes("html", "data-cookie"), [STATE_COOKIE]);
        assert!(page.set_cookies().is_empty());
        // It is the same for everybody, so that nothing of a person can be in it.
        let (_, signed_in) = somebody(world).await;
        assert_eq!(signed_in.get("/oauth2/check_session").await.body, page.body);
        for path in ["/login", "/logout", "/account", "/oauth2/logout", "/oauth2/check_session/x"] {
            signed_in.get(path).await.assert_header("x-frame-options", "DENY");
        }
    }

    async fn the_account_page_starts_a_sign_in_at_the_app(backend: Backend) {
        let world = &open_registration(backend).await;
        let uri = "https://rp.test/login?x=1";
        let made = register_over_network(world, uri).await;
        assert_eq!(made.status, 201, "{made:?}");
        let made = made.json();
        assert_eq!(made["initiate_login_uri"], uri);
        let address = made["registration_client_uri"].as_str().expect("an address");
        let token = made["registration_access_token"].as_str().expect("a token");
        let shown = read(http_client().get(address).bearer_auth(token)).await.unwrap();
        assert_eq!((shown.status, &shown.json()["initiate_login_uri"]), (200, &json!(uri)));
        let metadata = json!({ "initiate_login_uri": uri, "client_uri": "https://rp.test/home" });
        let app = register(world, &unique("initiates"), (&metadata, &[]));
        let (name, browser) = somebody(world).await;
        app.tokens(&browser).await;
        // The account page starts a sign-in there.
        let page = browser.get("/account").await;
        let links = page.attributes("ul.launcher a", "href");
        assert_eq!(links.len(), 1, "{}", page.describe());
        let link = url::Url::parse(&links[0]).unwrap();
        let pairs: Vec<_> = link.query_pairs().into_owned().collect();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(pairs, [
            pair("x", "1"), pair("iss", &world.issuer), pair("login_hint", &name),
            pair("target_link_uri", "https://rp.test/home"),
        ]);
        // What an app makes of it: a request with the hint, answered without a question.
        let hint = [("login_hint", name.as_str())];
        assert!(answer(&app, &browser, &hint).await.location_parameter("code").is_some());
    }

    async fn an_address_that_starts_sign_ins_without_https_is_not_registered(backend: Backend) {
        let world = open_registration(backend).await;
        for uri in ["http://rp.test/login", "http://localhost/login", "javascript:alert(1)"] {
            let refused = register_over_network(&world, uri).await;
            assert_eq!(refused.status, 400, "{refused:?}");
            assert_eq!(refused.error().as_deref(), Some("invalid_client_metadata"));
            let file = world.path(&unique("nohttps"));
            std::fs::write(&file, json!({ "initiate_login_uri": uri }).to_string()).unwrap();
            let file = file.display().to_string();
            let refused = world.run(&[
                "client", "create", "--name", "x", "--type", "web", "--redirect-uri", REDIRECT,
                "--metadata", &file,
            ]);
            assert!(!refused.status.success());
            let message = String::from_utf8_lossy(&refused.stderr).into_owned();
            assert!(message.contains("initiate_login_uri"), "{message}");
        }
        assert_eq!(count(&world, "select count(*) from clients").await, 0);
    }
}

async fn open_registration(backend: Backend) -> World {
    World::builder(backend).env("DOORWARD_REGISTRATION__MODE", "open").start().await
}

async fn register_over_network(world: &World, initiate_login_uri: &str) -> Answer {
    let metadata = json!({
        "redirect_uris": [REDIRECT], "client_name": "Initiates",
        "initiate_login_uri": initiate_login_uri,
    });
    let request = http_client().post(world.url("/oauth2/register")).json(&metadata);
    read(request).await.expect("an answer")
}
