//! Apps that open the sign-in in a window of their own, and apps that post their request: what only a
//! browser knows to get wrong.

use std::time::Duration;

use url::Url;

use crate::driver::page_server::{Pages, serve};
use crate::driver::{Browser, Scheme, Script, Viewport};
use crate::fixtures::{PASSWORD, Person};
use crate::support::backends::Backend;
use crate::support::process::wait_until_async;
use crate::support::world::World;

const PAGES: Pages = &[
    // Opens the sign-in in a window and waits to hear from it.
    (
        "/app",
        "",
        "<!doctype html><html lang=en><link rel=icon href=data:,><title>App</title>\
         <button>Sign in</button><p id=said>nothing yet</p><script>\
         const to = new URLSearchParams(location.search).get('to');\
         let opened;\
         document.querySelector('button').onclick = () => {\
           opened = open(to, 'sign-in', 'popup,width=500,height=700');\
         };\
         addEventListener('message', (event) => {\
           document.getElementById('said').textContent =\
             `It says ${event.data}; closed: ${opened.closed}.`;\
         });</script>",
    ),
    // Where that window ends.
    (
        "/window",
        "",
        "<!doctype html><html lang=en><link rel=icon href=data:,><title>App</title>\
         <p id=end>no opener</p><script>\
         if (window.opener) {\
           const code = new URLSearchParams(location.search).has('code');\
           window.opener.postMessage(code ? 'signed in' : 'no code', location.origin);\
           document.getElementById('end').textContent = 'told the app';\
         }</script>",
    ),
    // Posts a request whose parameters are in its own address.
    (
        "/poster",
        "",
        "<!doctype html><html lang=en><link rel=icon href=data:,><title>App</title>\
         <form method=post><button>Sign in</button></form><script>\
         const form = document.querySelector('form');\
         for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {\
           if (name === 'op') { form.action = value; continue; }\
           const field = document.createElement('input');\
           Object.assign(field, { type: 'hidden', name, value });\
           form.append(field);\
         }</script>",
    ),
];

/// An app on another site than Doorward's.
struct App {
    address: String,
    issuer: String,
}

impl App {
    fn registered(world: &World) -> Self {
        let address = serve(PAGES);
        let callback = format!("{address}/window");
        let name = ["client", "create", "--name", "Harbour Mail", "--client-id", "mail"];
        let kind = ["--type", "spa", "--redirect-uri", &callback, "--skip-consent"];
        world.cli(&[&name[..], &kind].concat());
        Self { address, issuer: world.issuer.clone() }
    }

    fn endpoint(&self) -> String {
        format!("{}/oauth2/authorize", self.issuer)
    }

    fn request(&self, more: &[(&str, &str)]) -> String {
        let callback = format!("{}/window", self.address);
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", "mail")
            .append_pair("redirect_uri", &callback)
            .append_pair("scope", "openid")
            .append_pair("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
            .append_pair("code_challenge_method", "S256")
            .extend_pairs(more);
        query.finish()
    }

    /// Lets the app post this request from its own page.
    async fn post(&self, browser: &Browser, more: &[(&str, &str)]) {
        // Only the fragment may differ from the page before, which would load nothing.
        browser.open("about:blank").await;
        let op = self.endpoint();
        let op: String = url::form_urlencoded::byte_serialize(op.as_bytes()).collect();
        browser.open(&format!("{}/poster#op={op}&{}", self.address, self.request(more))).await;
        browser.click("button").await;
    }

    async fn wait_for_code(&self, browser: &Browser) {
        browser.wait_for_address(&format!("{}/window?code=", self.address)).await;
    }
}

async fn scene() -> (World, App, Browser) {
    let world = World::start(Backend::Embedded).await;
    Person("alice").exists(&world);
    let app = App::registered(&world);
    (world, app, Browser::new(Viewport::Desktop, Scheme::Light, Script::On).await)
}

#[tokio::test]
async fn an_app_hears_from_the_window_it_opened_for_the_sign_in() {
    let (_world, app, browser) = scene().await;
    let mut url = Url::parse(&format!("{}/app", app.address)).unwrap();
    let request = format!("{}?{}", app.endpoint(), app.request(&[("display", "popup")]));
    url.query_pairs_mut().append_pair("to", &request);
    browser.open(url.as_str()).await;
    browser.click("button").await;
    wait_until_async("the window", Duration::from_secs(20), async || {
        browser.driver().windows().await.is_ok_and(|windows| windows.len() == 2)
    })
    .await;
    browser.switch_to_tab(1).await;
    Person("alice").sign_in(&browser).await;
    browser.wait_for_text("told the app").await;
    browser.switch_to_tab(0).await;
    browser.wait_for_text("It says signed in; closed: false.").await;
    browser.quit().await;
}

#[tokio::test]
async fn a_request_that_another_site_posts_finds_the_person_signed_in_and_breaks_no_other_tab() {
    let (world, app, browser) = scene().await;
    browser.open(&format!("{}/login", app.issuer)).await;
    Person("alice").sign_in(&browser).await;
    browser.wait_for_address(&format!("{}/account", app.issuer)).await;
    // A form that is open in another tab while the app posts.
    let asking = format!("{}?{}", app.endpoint(), app.request(&[("prompt", "login")]));
    browser.open(&asking).await;
    browser.find("form#sign-in").await;
    browser.new_tab().await;
    app.post(&browser, &[]).await;
    app.wait_for_code(&browser).await;
    let long = format!(r#"{{"userinfo":{{"name":{{"value":"{}"}}}}}}"#, "x".repeat(7_000));
    app.post(&browser, &[("claims", &long), ("prompt", "none")]).await;
    app.wait_for_code(&browser).await;
    browser.switch_to_tab(0).await;
    browser.fill("password", PASSWORD).await;
    browser.submit("sign-in").await;
    app.wait_for_code(&browser).await;
    browser.quit().await;
    world.assert_log_is_clean(&[PASSWORD]);
}
