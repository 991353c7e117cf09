//! The main job, in a browser: `doorward demo`, sign in to the first app, be known to the second
//! without a form, sign out of both.

use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};

use crate::driver::{Browser, Scheme, Script, Viewport};
use crate::support::process::{Guarded, START_LIMIT, Scratch, Signal, wait_until};
use crate::support::world::binary;

const LOOKS: [(Viewport, Scheme); 4] = [
    (Viewport::Desktop, Scheme::Light),
    (Viewport::Desktop, Scheme::Dark),
    (Viewport::Phone, Scheme::Light),
    (Viewport::Phone, Scheme::Dark),
];

/// A running `doorward demo`.
struct Demo {
    port: u16,
    _process: Guarded,
    // Declared last: the directory goes after the process that writes to it.
    _dir: Scratch,
}

impl Demo {
    fn start() -> Self {
        // Above the ports of other tests and below those the system takes for clients.
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let start = u16::try_from(std::process::id() % 240).unwrap() * 3;
        for _ in 0..50 {
            let step = NEXT.fetch_add(3, Ordering::Relaxed);
            if let Some(demo) = Self::try_start(32_000 + (start + step) % 720) {
                return demo;
            }
        }
        panic!("no three free ports in a row");
    }

    /// `None` when another program has one of the three ports.
    fn try_start(port: u16) -> Option<Self> {
        let dir = Scratch::new("demo");
        let log = dir.join("log");
        let mut command = Command::new(binary());
        command.args(["demo", "--port", &port.to_string()]);
        command.arg("--data-dir").arg(dir.join("data")).current_dir(dir.path());
        let mut process = Guarded::start(&mut command, &log, Signal::Terminate);
        let said = || std::fs::read_to_string(&log).unwrap_or_default();
        let mut ended = None;
        wait_until("the demo saying that it is ready", START_LIMIT, || {
            ended = process.ended();
            ended.is_some() || said().contains("The demo is ready")
        });
        if ended.is_some() {
            assert!(said().contains("is in use by another program"), "the demo ended: {}", said());
            return None;
        }
        Some(Self { port, _process: process, _dir: dir })
    }

    fn provider(&self) -> String {
        format!("http://localhost:{}/", self.port)
    }

    fn orchard(&self) -> String {
        format!("http://localhost:{}/", self.port + 1)
    }

    fn lighthouse(&self) -> String {
        format!("http://localhost:{}/", self.port + 2)
    }
}

#[tokio::test]
async fn one_sign_in_opens_both_apps_and_one_sign_out_closes_them() {
    walk_in_every_look(Script::On).await;
}

#[tokio::test]
async fn one_sign_in_opens_both_apps_without_javascript_too() {
    walk_in_every_look(Script::Off).await;
}

async fn walk_in_every_look(script: Script) {
    let demo = Demo::start();
    let browser = Browser::new(Viewport::Desktop, Scheme::Light, script).await;
    for (viewport, scheme) in LOOKS {
        browser.forget_everything().await;
        browser.look(viewport, scheme).await;
        Walk { demo: &demo, browser: &browser }.go().await;
    }
    browser.quit().await;
}

struct Walk<'a> {
    demo: &'a Demo,
    browser: &'a Browser,
}

impl Walk<'_> {
    async fn go(&self) {
        self.sign_in_at_the_first_app().await;
        self.open_the_second_app().await;
        self.use_the_tokens().await;
        self.sign_out().await;
        self.be_asked_again_at_the_second_app().await;
    }

    async fn sign_in_at_the_first_app(&self) {
        let browser = self.browser;
        browser.open(&self.demo.orchard()).await;
        browser.wait_for_text("You are not signed in here").await;
        browser.inspect_this_look("demo-1-first-app").await;
        browser.click("#sign-in").await;
        browser.wait_for_address(&self.demo.provider()).await;
        browser.wait_for_text("to go on to Orchard").await;
        assert_eq!(browser.has("button.reveal").await, browser.script() == Script::On);
        browser.inspect_this_look("demo-2-sign-in").await;
        browser.fill("username", "alice").await;
        browser.fill("password", "alice-opens-doors").await;
        browser.submit("sign-in").await;
        browser.wait_for_address(&self.demo.orchard()).await;
        browser.wait_for_text("You are Alice").await;
        let text = browser.text().await;
        for decoded in ["You signed in at Doorward", "RS256", "auth_time", "alice@example.com"] {
            assert!(text.contains(decoded), "`{decoded}` is not on the page:\n{text}");
        }
        assert!(text.contains(self.demo.provider().trim_end_matches('/')), "the issuer");
        browser.inspect_this_look("demo-3-first-app-signed-in").await;
        self.inspect_everything_opened().await;
    }

    /// The same page with every explanation unfolded.
    async fn inspect_everything_opened(&self) {
        let browser = self.browser;
        let unfold = "document.querySelectorAll('details').forEach(d => { d.open = true })";
        browser.driver().execute(unfold, Vec::<serde_json::Value>::new()).await.unwrap();
        browser.wait_for_text("at+jwt").await;
        browser.inspect_this_look("demo-4-first-app-every-detail").await;
    }

    async fn open_the_second_app(&self) {
        let browser = self.browser;
        browser.click("#open-peer").await;
        // No form in between: nothing but this click leads from one app to the other.
        browser.wait_for_address(&self.demo.lighthouse()).await;
        browser.wait_for_text("You are Alice").await;
        let text = browser.text().await;
        assert!(text.contains("No form was needed"), "{text}");
        assert!(text.contains("ES256") && text.contains("opaque"), "{text}");
        browser.inspect_this_look("demo-5-second-app-signed-in").await;
    }

    async fn use_the_tokens(&self) {
        let browser = self.browser;
        browser.open(&self.demo.orchard()).await;
        let before = browser.find("#tokens table").await.text().await.unwrap();
        browser.click_text("Refresh tokens").await;
        browser.wait_for_text("all tokens below are new").await;
        let after = browser.find("#tokens table").await.text().await.unwrap();
        for token in ["access_token", "refresh_token"] {
            let value = |table: &str| line_of(table, token);
            assert_ne!(value(&before), value(&after), "the {token} stayed the same");
        }
        browser.inspect_this_look("demo-6-tokens-refreshed").await;
        browser.click_text("Call userinfo again").await;
        browser.wait_for_text("Doorward was asked about you again").await;
        browser.click("#userinfo summary").await;
        browser.wait_for_text("\"preferred_username\": \"alice\"").await;
        browser.inspect_this_look("demo-7-userinfo-called").await;
    }

    async fn sign_out(&self) {
        let browser = self.browser;
        browser.submit("sign-out").await;
        browser.wait_for_address(&format!("{}signed-out", self.demo.orchard())).await;
        browser.wait_for_text("You are signed out").await;
        browser.inspect_this_look("demo-8-signed-out").await;
    }

    async fn be_asked_again_at_the_second_app(&self) {
        let browser = self.browser;
        browser.click("#open-peer").await;
        browser.wait_for_address(&self.demo.lighthouse()).await;
        browser.wait_for_text("has let you go too").await;
        browser.inspect_this_look("demo-9-second-app-ended").await;
        browser.open(&format!("{}login?prompt=none", self.demo.lighthouse())).await;
        browser.wait_for_text("You are not signed in at Doorward").await;
        browser.inspect_this_look("demo-10-silent-check").await;
        browser.open(&self.demo.lighthouse()).await;
        browser.click("#sign-in").await;
        browser.wait_for_address(&self.demo.provider()).await;
        browser.find("form#sign-in [name='password']").await;
    }
}

/// What stands in the row of this name: the row's text up to the next one's name.
fn line_of(table: &str, name: &str) -> String {
    let names = ["received", "renewed", "scope", "access_token", "expires", "refresh_token"];
    let lines = table.lines().map(str::trim).skip_while(|line| !line.starts_with(name));
    let rest: Vec<_> = lines.skip(1).take_while(|line| !names.contains(line)).collect();
    assert!(!rest.is_empty(), "no `{name}` in\n{table}");
    rest.join("\n")
}
