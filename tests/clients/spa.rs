//! A single-page app on oidc-client-ts, in real Chromium: a public client without a server, whose
//! requests cross origins.

use serde_json::Value;

use crate::apps::{App, Library, PASSWORD, account, rotate_keys};
use crate::driver::{Browser, Scheme, Script, Viewport};
use crate::journal::{Journal, Step};
use crate::support::process::{START_LIMIT, wait_until_async};
use crate::support::world::World;

struct Spa {
    app: App,
    /// Under the provider's host name, so that the frame that renews is not a third party's.
    address: String,
}

impl Spa {
    async fn open(world: &World) -> Self {
        let port = App::place();
        let address = format!("http://localhost:{port}");
        let metadata = world.path("spa.json");
        let more = serde_json::json!({
            "redirect_uris": [format!("{address}/callback"), format!("{address}/silent")],
            "post_logout_redirect_uris": [format!("{address}/bye")],
            "allowed_origins": [address],
        });
        std::fs::write(&metadata, more.to_string()).unwrap();
        let file = metadata.display().to_string();
        let command = ["client", "create", "--name", "Orchard", "--type", "spa"];
        let named = ["--client-id", "orchard", "--metadata", &file];
        world.cli(&[&command[..], &named].concat());
        let environment = [("ISSUER", world.issuer.as_str()), ("CLIENT_ID", "orchard")];
        Self { app: App::start(Library::OidcClientTs, port, &environment).await, address }
    }

    /// Presses a button of the app and waits for what it then shows.
    async fn press(&self, browser: &Browser, button: &str) -> Value {
        browser.click(&format!("#{button}")).await;
        self.shown(browser).await
    }

    /// What the app shows, once it shows something.
    async fn shown(&self, browser: &Browser) -> Value {
        let mut text = String::new();
        wait_until_async("the app showing something", START_LIMIT, async || {
            if !browser.address().await.starts_with(&self.address) {
                return false;
            }
            text = browser.find("#state").await.text().await.unwrap_or_default();
            !text.is_empty()
        })
        .await;
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}\n{}", self.app.log()))
    }

    async fn start_page(&self, browser: &Browser) {
        browser.open(&self.address).await;
    }
}

async fn fill_in(browser: &Browser, person: &str) {
    browser.fill("username", person).await;
    browser.fill("password", PASSWORD).await;
    browser.submit("sign-in").await;
}

async fn a_whole_session(world: &World) {
    let spa = Spa::open(world).await;
    account(world, "alice");
    let browser = Browser::new(Viewport::Desktop, Scheme::Light, Script::On).await;
    let mut journal = Journal::of("oidc-client-ts");

    spa.start_page(&browser).await;
    browser.click("#login").await;
    fill_in(&browser, "alice").await;
    browser.click("#consent button[value='allow']").await;
    let first = spa.shown(&browser).await;
    assert_eq!(first["email"], "alice@people.test", "from userinfo: {first}");
    journal.note(Step::SignIn);
    journal.note(Step::Userinfo);

    spa.start_page(&browser).await;
    let renewed = spa.press(&browser, "silent").await;
    assert_eq!(renewed["sub"], first["sub"], "{renewed}");
    assert_ne!(renewed["token"], first["token"]);
    journal.note(Step::SilentSignIn);
    spa.start_page(&browser).await;
    let refreshed = spa.press(&browser, "refresh").await;
    assert_eq!(refreshed["sub"], first["sub"], "{refreshed}");
    assert_ne!(refreshed["token"], renewed["token"]);
    journal.note(Step::Refresh);

    rotate_keys(world).await;
    spa.start_page(&browser).await;
    browser.click("#login").await;
    assert_eq!(spa.shown(&browser).await["sub"], first["sub"], "known without a form");
    spa.start_page(&browser).await;
    assert_eq!(spa.press(&browser, "refresh").await["sub"], first["sub"]);
    journal.note(Step::RotatedKey);

    spa.start_page(&browser).await;
    browser.click("#wrong").await;
    browser.wait_for_text("redirect").await;
    assert!(browser.address().await.starts_with(&world.issuer), "never sent to an unknown address");
    journal.note(Step::WrongRedirect);

    spa.start_page(&browser).await;
    browser.click("#logout").await;
    assert_eq!(spa.shown(&browser).await["bye"], true);
    spa.start_page(&browser).await;
    let gone = spa.press(&browser, "quiet").await;
    assert_eq!(gone["error"], "login_required", "{gone}");
    journal.note(Step::Logout);

    account(world, "bob");
    spa.start_page(&browser).await;
    browser.click("#login").await;
    fill_in(&browser, "bob").await;
    browser.click("#consent button[value='deny']").await;
    assert_eq!(spa.shown(&browser).await["error"], "access_denied");
    journal.note(Step::DeniedConsent);
    browser.quit().await;
    journal.assert_complete();
}

on_both_backends! {
    async fn oidc_client_ts_signs_in_renews_and_leaves(world: World) {
        a_whole_session(&world).await;
    }
}
