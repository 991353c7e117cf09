//! Front-Channel Logout 1.0: the pages of apps that the browser loads when it signs out. And what
//! a logout token is no good for, and what signing out of one app leaves alone.

use serde_json::{Value, json};

use crate::kit::checks::assert_alive;
use crate::kit::fixtures::{AFTER_LOGOUT, Bed, payload, unique};
use crate::kit::flow::{App, PASSWORD, Tokens, claim, is_signed_in, sign_in, sign_out};
use crate::kit::grant::{Device, Kit};
use crate::kit::logout::{
    Told, assert_signed_out, register, sign_out_by_app, sign_out_by_app_with, somebody, token_of,
};
use crate::support::browser_like::{Browser, Page};
use crate::support::tls_peer::{Answer, TlsPeer};
use crate::support::world::World;

/// The redirect URIs of the apps here are at `https://rp.test`, so their frames are too.
const FRAME: &str = "https://rp.test/out?from=doorward";

fn app(world: &World, metadata: &Value) -> App {
    register(world, &unique("framed"), (metadata, &[]))
}

fn framed(world: &World) -> App {
    let session_required = "frontchannel_logout_session_required";
    app(world, &json!({ "frontchannel_logout_uri": FRAME, session_required: true }))
}

/// Checks a page that signs out of one app, and gives the address it goes on to.
#[track_caller]
fn assert_frame(page: &Page, world: &World, tokens: &Tokens) {
    page.assert_status(200).assert_no_header("location");
    let frames = page.attributes("iframe", "src");
    assert_eq!(frames.len(), 1, "{}", page.describe());
    let frame = url::Url::parse(&frames[0]).unwrap();
    assert!(frames[0].starts_with(FRAME), "{frames:?}");
    let pairs: Vec<(String, String)> = frame.query_pairs().into_owned().collect();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let sid = payload(&tokens.id)["sid"].as_str().unwrap().to_owned();
    let expected = [pair("from", "doorward"), pair("iss", &world.issuer), pair("sid", &sid)];
    assert_eq!(pairs, expected);
    // This origin and no other may be loaded.
    let policy = page.header("content-security-policy");
    let directives: Vec<_> = policy.split("; ").collect();
    assert!(directives.contains(&"frame-src https://rp.test"), "{policy}");
    assert!(directives.contains(&"frame-ancestors 'none'"), "{policy}");
}

/// Where the page goes on to: by a link, and without scripts by itself.
#[track_caller]
fn destination(page: &Page) -> String {
    let links = page.attributes("a[id='continue']", "href");
    assert_eq!(links.len(), 1, "{}", page.describe());
    let document =
        page.body.split_once("<noscript>").expect("a part for browsers without scripts").1;
    let refresh = document.split_once("</noscript>").unwrap().0;
    assert!(refresh.starts_with("<meta http-equiv=\"refresh\" content=\"4;url="), "{refresh}");
    assert_eq!(refresh.matches("url=").count(), 1 + links[0].matches("url=").count());
    links[0].clone()
}

async fn policy_of(browser: &Browser, path: &str) -> String {
    browser.get(path).await.header("content-security-policy").to_owned()
}

on_both_backends! {
    async fn oidcc_frontchannel_logout_discovery_endpoint_verification(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let page = bed.world.browser().get("/.well-known/openid-configuration").await;
        let document = page.json();
        assert_eq!(document["frontchannel_logout_supported"], true);
        assert_eq!(document["frontchannel_logout_session_supported"], true);
        assert!(document["end_session_endpoint"].is_string());
    }

    async fn oidcc_frontchannel_rp_initiated_logout(backend: Backend) {
        let world = &Bed::shared(backend).await.world;
        let app = framed(world);
        let (_, browser) = somebody(world).await;
        let tokens = app.tokens(&browser).await;
        let page = sign_out_by_app(&browser, &tokens).await;
        assert_frame(&page, world, &tokens);
        page.assert_page_headers();
        assert_eq!(destination(&page), format!("{AFTER_LOGOUT}?state=state-4711"));
        assert!(page.header("clear-site-data").contains("storage"));
        assert!(!is_signed_in(&browser).await);
        assert_signed_out(&app, &browser).await;
        app.assert_dead(&tokens).await;
        // Loading it again, there is nothing left to sign out of.
        let again = sign_out_by_app(&browser, &tokens).await;
        assert_eq!(again.location().as_str(), format!("{AFTER_LOGOUT}?state=state-4711"));
    }

    async fn signing_out_at_doorward_loads_the_apps_pages_too_and_stays(backend: Backend) {
        let world = &Bed::shared(backend).await.world;
        let (app, plain) = (framed(world), app(world, &json!({})));
        let (name, browser) = somebody(world).await;
        let tokens = app.tokens(&browser).await;
        plain.tokens(&browser).await;
        let other = sign_in(world, &name).await;
        plain.tokens(&other).await;
        let page = sign_out(&browser).await;
        assert_frame(&page, world, &tokens);
        assert!(page.text().contains("You are signed out") && !page.body.contains("http-equiv"));
        // The other session never was at the app with a page.
        let page = sign_out(&other).await;
        assert!(!page.has("iframe"), "{}", page.describe());
        assert!(!page.header("content-security-policy").contains("frame-src"));
    }

    async fn no_other_page_loads_anything_of_an_app(backend: Backend) {
        let world = &Bed::shared(backend).await.world;
        let app = framed(world);
        let (_, browser) = somebody(world).await;
        app.tokens(&browser).await;
        for path in ["/account", "/logout", "/login?next=admin"] {
            let policy = policy_of(&browser, path).await;
            assert!(policy.contains("default-src 'none'") && !policy.contains("frame-src"));
        }
    }

    async fn nobody_else_can_make_the_browser_load_the_pages_that_sign_out(backend: Backend) {
        let world = &Bed::shared(backend).await.world;
        let app = framed(world);
        let (_, browser) = somebody(world).await;
        let tokens = app.tokens(&browser).await;
        let (_, stranger) = somebody(world).await;
        let of_stranger = app.tokens(&stranger).await;
        let page = browser.get("/logout").await;
        let forged = page.form("sign-out").press("decision", "logout").forge("csrf", "x");
        for answer in [
            forged.submit().await,
            browser.post("/logout", &[("decision", "logout")]).await,
            sign_out_by_app(&browser, &of_stranger).await,
            browser.get("/oauth2/logout").await,
            browser.get(&format!("/oauth2/logout?id_token_hint={}", tokens.access)).await,
        ] {
            assert!(!answer.has("iframe"), "{}", answer.describe());
            assert!(is_signed_in(&browser).await);
        }
        app.assert_alive(&tokens).await;
    }

    async fn a_hostile_state_is_inert_on_the_way_out(backend: Backend) {
        let world = &Bed::shared(backend).await.world;
        let app = framed(world);
        for state in [
            "\"><script>alert(1)</script>", "'><img src=x onerror=alert(1)>", "javascript:alert(1)",
            "0;url=https://evil.test", "&quot;&#x3c;", "\u{202e}txt", "</noscript><p id=pwned>",
        ] {
            let (_, browser) = somebody(world).await;
            let tokens = app.tokens(&browser).await;
            let page = sign_out_by_app_with(&browser, &tokens, state).await;
            let target = url::Url::parse(&destination(&page)).unwrap();
            assert_eq!(target.host_str(), Some("rp.test"), "{state}");
            let pairs: Vec<_> = target.query_pairs().into_owned().collect();
            assert_eq!(pairs, [("state".to_owned(), state.to_owned())]);
            assert!(!page.has("img[src=x]") && !page.has("#pwned"), "{}", page.body);
            assert_eq!(page.attributes("script", "src").len(), 1, "ours alone");
            assert!(page.texts("script").concat().is_empty(), "{}", page.body);
        }
    }

    async fn a_logout_token_is_good_for_nothing_else(backend: Backend) {
        let world = &Bed::shared(backend).await.world;
        let told = Told::register(world, &[]);
        let (name, browser) = somebody(world).await;
        told.app.tokens(&browser).await;
        sign_out(&browser).await;
        let token = token_of(&told.hears(1).await[0]);
        // Not an access token.
        assert_eq!(told.app.userinfo(&token).await.status, 401);
        let answer = told.app.introspect(&token).await;
        assert_eq!(answer.text, r#"{"active":false}"#);
        // Not a refresh token, nor a code.
        told.app.refresh(&token).await.assert_error(400, "invalid_grant");
        told.app.redeem(&token).await.assert_error(400, "invalid_grant");
        // Not a hint, neither on the way in nor out.
        let browser = sign_in(world, &name).await;
        let hint = [("prompt", "none"), ("id_token_hint", token.as_str())];
        let page = browser.get(&told.app.authorize_path(&hint)).await;
        assert_eq!(page.location_parameter("error").as_deref(), Some("invalid_request"));
        let page = browser.get(&format!("/oauth2/logout?id_token_hint={token}")).await;
        page.assert_status(400);
        assert!(is_signed_in(&browser).await);
    }

    async fn signing_out_of_one_app_leaves_a_device_let_in_from_that_session_alone(
        backend: Backend
    ) {
        let kit = Kit::shared(backend).await;
        let world = &kit.bed.world;
        let told = Told::register(world, &[]);
        let (_, browser) = somebody(world).await;
        let tokens = told.app.tokens(&browser).await;
        let device = Device::ask(kit.rp("tv"), "openid offline_access").await;
        let on_device = device.tokens(&browser).await;
        let brief = Device::ask(kit.rp("tv-two"), "openid").await;
        let on_brief = brief.tokens(&browser).await;
        sign_out_by_app(&browser, &tokens).await.assert_status(303);
        told.app.assert_dead(&tokens).await;
        told.hears(1).await;
        for (device, tokens) in [(device, on_device), (brief, on_brief)] {
            assert_alive(&device.rp, &tokens.access).await;
            let next = device.rp.refresh(tokens.refresh()).await;
            assert_alive(&device.rp, &crate::kit::answers::Tokens::of(&next).access).await;
        }
    }

    async fn a_pairwise_client_is_told_of_the_person_and_session_it_knows(backend: Backend) {
        let world = &Bed::shared(backend).await.world;
        let path = format!("/{}/out", unique("pairwise"));
        TlsPeer::shared().serve(&path, Answer::status(200));
        let app = app(world, &json!({
            "subject_type": "pairwise", "backchannel_logout_uri": TlsPeer::shared().url(&path),
            "frontchannel_logout_uri": FRAME,
        }));
        let open = framed(world);
        let (_, browser) = somebody(world).await;
        let (tokens, public) = (app.tokens(&browser).await, open.tokens(&browser).await);
        let (mine, other) = (payload(&tokens.id), payload(&public.id));
        assert!(mine["sub"] != other["sub"] && mine["sid"] != other["sid"]);
        let page = sign_out_by_app(&browser, &tokens).await;
        let token = payload(&token_of(&TlsPeer::shared().wait_for(&path, 1).await[0]));
        assert_eq!((&token["sub"], &token["sid"]), (&mine["sub"], &mine["sid"]));
        let frames = page.attributes("iframe", "src").join(" ");
        for claims in [mine, other] {
            assert!(frames.contains(claims["sid"].as_str().unwrap()), "{frames}");
        }
    }

    async fn signing_out_of_one_app_leaves_offline_grants_and_other_sessions_alone(
        backend: Backend
    ) {
        let world = &Bed::shared(backend).await.world;
        let told = Told::register(world, &[]);
        let other = app(world, &json!({}));
        let (name, browser) = somebody(world).await;
        let tokens = told.app.tokens(&browser).await;
        let beside = other.tokens(&browser).await;
        let offline = consented(&other, &browser).await;
        let elsewhere = sign_in(world, &name).await;
        let unrelated = told.app.tokens(&elsewhere).await;
        sign_out_by_app(&browser, &tokens).await.assert_status(303);
        // The session and what lives only in it, at every app.
        told.app.assert_dead(&tokens).await;
        other.assert_dead(&beside).await;
        // What the person allowed for longer, and their other devices.
        other.assert_alive(&offline).await;
        other.assert_alive(&other.refresh(&offline.refresh).await.tokens()).await;
        told.app.assert_alive(&unrelated).await;
        assert!(is_signed_in(&elsewhere).await);
        let sent = told.hears(1).await;
        assert_eq!(claim(&token_of(&sent[0]), "sid"), claim(&tokens.id, "sid"));
        told.settled(world).await;
        assert_eq!(told.heard().len(), 1);
        world.assert_log_is_clean(&[PASSWORD]);
    }
}

/// Tokens with `offline_access`, which takes a consent.
async fn consented(app: &App, browser: &Browser) -> Tokens {
    let extra = [("scope", "openid offline_access"), ("prompt", "consent")];
    let page = browser.get(&app.authorize_path(&extra)).await;
    let page = if page.has_form("consent") {
        page.form("consent").press("decision", "allow").submit().await.follow_within().await
    } else {
        page
    };
    app.redeem(&page.location_parameter("code").expect("a code")).await.tokens()
}
