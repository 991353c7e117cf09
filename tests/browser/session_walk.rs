//! What happens inside an app's own page: it asks the unseen check-session page whether the session
//! has changed, and its sign-out page is loaded when the browser signs out at Doorward.

use serde_json::json;
use url::Url;

use crate::driver::page_server::{Pages, serve};
use crate::driver::{Browser, Scheme, Script, Viewport};
use crate::fixtures::{PASSWORD, Person};
use crate::support::backends::Backend;
use crate::support::world::World;

const PAGES: Pages = &[
    (
        "/callback",
        "",
        "<!doctype html><html lang=en><link rel=icon href=data:,><title>App</title><p>Welcome",
    ),
    // Section 3.1: asks the frame named in the address, and shows what it says.
    (
        "/watch",
        "",
        "<!doctype html><html lang=en><link rel=icon href=data:,><title>App</title>\
         <p id=answer>no answer yet</p><script>\
         const asked = new URLSearchParams(location.search);\
         const frame = document.createElement('iframe');\
         frame.src = asked.get('op');\
         frame.onload = () =>\
           frame.contentWindow.postMessage(asked.get('message'), new URL(frame.src).origin);\
         addEventListener('message', (event) => {\
           document.getElementById('answer').textContent =\
             event.origin === new URL(frame.src).origin ? `It is ${event.data}.` : 'a forgery';\
         });\
         document.body.append(frame);</script>",
    ),
    // Notes which session it was asked to end.
    (
        "/out",
        "",
        "<!doctype html><title>Out</title><script>\
         document.cookie = `ended=${new URLSearchParams(location.search).get('sid')}; path=/`;\
         try { top.location = 'https://evil.test/'; } catch {}</script>",
    ),
    (
        "/signed-out",
        "",
        "<!doctype html><html lang=en><link rel=icon href=data:,><title>App</title><p>Bye <b></b>\
         <script>document.querySelector('b').textContent = document.cookie;</script>",
    ),
];

/// An app on another port of the same host, so that the browser treats both as one site; the
/// cookie crosses sites over https only.
struct App {
    address: String,
    issuer: String,
}

impl App {
    fn registered(world: &World) -> Self {
        let address = serve(PAGES).replace("127.0.0.1", "localhost");
        let file = world.path("watcher.json");
        let metadata = json!({ "frontchannel_logout_uri": format!("{address}/out") });
        std::fs::write(&file, metadata.to_string()).unwrap();
        let (callback, bye) = (format!("{address}/callback"), format!("{address}/signed-out"));
        world.cli(&[
            "client",
            "create",
            "--name",
            "Harbour Mail",
            "--type",
            "spa",
            "--client-id",
            "mail",
            "--redirect-uri",
            &callback,
            "--post-logout-redirect-uri",
            &bye,
            "--skip-consent",
            "--metadata",
            &file.display().to_string(),
        ]);
        Self { address, issuer: world.issuer.clone() }
    }

    /// Signs in, if need be with a form; gives what to ask the check-session page.
    async fn sign_in(&self, browser: &Browser) -> String {
        let mut url = Url::parse(&format!("{}/oauth2/authorize", self.issuer)).unwrap();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", "mail")
            .append_pair("redirect_uri", &format!("{}/callback", self.address))
            .append_pair("scope", "openid")
            .append_pair("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
            .append_pair("code_challenge_method", "S256");
        browser.open(url.as_str()).await;
        Person("alice").sign_in(browser).await;
        browser.wait_for_address(&format!("{}/callback?", self.address)).await;
        let answer = Url::parse(&browser.address().await).unwrap();
        let value = |name: &str| {
            let mut pairs = answer.query_pairs();
            pairs.find(|(known, _)| known == name).expect(name).1.into_owned()
        };
        self.redeem(&value("code")).await;
        format!("mail {}", value("session_state"))
    }

    async fn redeem(&self, code: &str) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let redirect = format!("{}/callback", self.address);
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &redirect),
            ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            ("client_id", "mail"),
        ];
        let answer = client.post(format!("{}/oauth2/token", self.issuer)).form(&form).send().await;
        assert!(answer.unwrap().status().is_success());
    }

    /// Lets a page of the app, at this address, ask the check-session page.
    async fn ask_at(&self, browser: &Browser, (address, message): (&str, &str)) -> String {
        let mut url = Url::parse(&format!("{address}/watch")).unwrap();
        url.query_pairs_mut()
            .append_pair("op", &format!("{}/oauth2/check_session", self.issuer))
            .append_pair("message", message);
        browser.open(url.as_str()).await;
        browser.wait_for_text("It is ").await;
        browser.find("#answer").await.text().await.unwrap()
    }

    async fn ask(&self, browser: &Browser, message: &str) -> String {
        self.ask_at(browser, (&self.address, message)).await
    }

    /// Starts a sign-out from the app and confirms it.
    async fn sign_out(&self, browser: &Browser) {
        let bye = format!("{}/signed-out", self.address);
        let mut url = Url::parse(&format!("{}/oauth2/logout", self.issuer)).unwrap();
        url.query_pairs_mut()
            .append_pair("client_id", "mail")
            .append_pair("post_logout_redirect_uri", &bye)
            .append_pair("state", "\"><script>");
        browser.open(url.as_str()).await;
        browser.click("button[value='logout']").await;
    }
}

#[tokio::test]
async fn an_app_s_page_notices_that_the_session_has_changed() {
    let world = World::start(Backend::Embedded).await;
    Person("alice").exists(&world);
    let app = App::registered(&world);
    let browser = Browser::new(Viewport::Desktop, Scheme::Light, Script::On).await;
    let message = app.sign_in(&browser).await;
    assert_eq!(app.ask(&browser, &message).await, "It is unchanged.");
    assert!(browser.complaints().await.is_empty(), "nothing was blocked");
    for junk in ["", "mail", "mail x", "mail x.y z", "a b c.d"] {
        assert_eq!(app.ask(&browser, junk).await, "It is error.", "{junk:?}");
    }
    // Another site cannot use what the app was given.
    let elsewhere = app.address.replace("localhost", "127.0.0.1");
    assert_eq!(app.ask_at(&browser, (&elsewhere, &message)).await, "It is changed.");
    let other_app = message.replace("mail ", "another ");
    assert_eq!(app.ask(&browser, &other_app).await, "It is changed.");
    app.sign_out(&browser).await;
    browser.wait_for_address(&format!("{}/signed-out?", app.address)).await;
    assert_eq!(app.ask(&browser, &message).await, "It is changed.");
    browser.quit().await;
    world.assert_log_is_clean(&[PASSWORD]);
}

#[tokio::test]
async fn the_browser_signs_out_of_the_apps_on_its_way_out() {
    let world = World::start(Backend::Embedded).await;
    Person("alice").exists(&world);
    let app = App::registered(&world);
    let browser = Browser::new(Viewport::Desktop, Scheme::Light, Script::On).await;
    app.sign_in(&browser).await;
    app.sign_out(&browser).await;
    browser.wait_for_address(&format!("{}/signed-out?state=", app.address)).await;
    // The frame was loaded, could keep a cookie, and could not take the window with it.
    let text = browser.text().await;
    let ended = text.split("ended=").nth(1).unwrap_or_else(|| panic!("no trace of /out: {text}"));
    assert_eq!(ended.split([';', ' ']).next().unwrap().len(), 36, "the id of a session: {text}");
    let address = Url::parse(&browser.address().await).unwrap();
    assert!(address.query_pairs().any(|(name, value)| name == "state" && value == "\"><script>"));
    browser.quit().await;
}

#[tokio::test]
async fn the_way_out_needs_no_javascript() {
    let world = World::start(Backend::Embedded).await;
    Person("alice").exists(&world);
    let app = App::registered(&world);
    let browser = Browser::new(Viewport::Phone, Scheme::Dark, Script::Off).await;
    app.sign_in(&browser).await;
    app.sign_out(&browser).await;
    browser.wait_for_text("You are signed out").await;
    browser.inspect_this_look("signing-out").await;
    browser.wait_for_address(&format!("{}/signed-out?state=", app.address)).await;
    browser.quit().await;
}

#[tokio::test]
async fn a_form_that_is_sent_twice_signs_in_once() {
    let world = World::start(Backend::Embedded).await;
    Person("alice").exists(&world);
    let browser = Browser::new(Viewport::Desktop, Scheme::Light, Script::On).await;
    browser.open(&world.url("/login")).await;
    browser.fill("username", "alice").await;
    browser.fill("password", PASSWORD).await;
    // The second press comes while the password is looked at, after the first one is on its way.
    let twice = "const button = document.querySelector('#sign-in button:not([type=button])');\
                 button.click(); setTimeout(() => button.click(), 30);";
    browser.driver().execute(twice, Vec::new()).await.expect("two presses");
    browser.wait_for_text("alice").await;
    browser.open(&world.url("/account")).await;
    browser.wait_for_text("Your username is alice").await;
    let sessions = world.cli(&["session", "list", "--user", "alice"]);
    assert_eq!(sessions["items"].as_array().map(Vec::len), Some(1), "{sessions}");
    browser.quit().await;
}
