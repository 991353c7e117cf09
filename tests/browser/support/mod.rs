//! Chromium under our control, alone with an empty profile, gone when the test ends.

// Not every helper is used by today's tests.
#![allow(dead_code)]

mod accessibility;
mod downloads;
pub mod inspect;
pub mod page_server;

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use thirtyfour::{
    BrowserLogEntry, By, ChromiumLikeCapabilities, DesiredCapabilities, Key, LoggingPrefsLogLevel,
    WebDriver, WebElement,
};

use crate::support::process::{Guarded, START_LIMIT, Scratch, Signal, free_port, wait_until_async};

/// The size of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewport {
    /// 390 × 844, with touch.
    Phone,
    /// 1280 × 900.
    Desktop,
}

/// What the person prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// Whether pages may run JavaScript.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// They may.
    On,
    /// They may not; this driver still can.
    Off,
}

/// How long a page may take to show something.
const WAIT: Duration = Duration::from_secs(20);

/// One browser with an empty profile. Tabs share its cookies.
pub struct Browser {
    driver: WebDriver,
    viewport: Cell<Viewport>,
    scheme: Cell<Scheme>,
    script: Script,
    // Declared in this order: chromedriver ends before its directory goes.
    _chromedriver: Guarded,
    dir: Scratch,
}

impl Browser {
    /// Starts chromedriver and, through it, Chromium.
    pub async fn new(viewport: Viewport, scheme: Scheme, script: Script) -> Self {
        let dir = Scratch::new("browser");
        let port = free_port();
        let chromedriver = start_chromedriver(port, dir.path()).await;
        let address = format!("http://127.0.0.1:{port}");
        let driver = WebDriver::new(address, capabilities(dir.path())).await;
        let driver = driver.unwrap_or_else(|error| {
            let log = std::fs::read_to_string(dir.join("log")).unwrap_or_default();
            panic!("Chromium did not start: {error}\n{log}")
        });
        let browser = Self {
            driver,
            viewport: Cell::new(viewport),
            scheme: Cell::new(scheme),
            script,
            _chromedriver: chromedriver,
            dir,
        };
        browser.takes_files().await;
        browser.set_up_tab().await;
        browser
    }

    /// The driver itself, for what has no helper here.
    pub fn driver(&self) -> &WebDriver {
        &self.driver
    }

    /// The directory of its profile.
    pub fn profile(&self) -> String {
        self.dir.join("profile").display().to_string()
    }

    /// Shows this tab, and those opened later, in another size and scheme. The page stays.
    pub async fn look(&self, viewport: Viewport, scheme: Scheme) {
        self.viewport.set(viewport);
        self.scheme.set(scheme);
        self.set_up_tab().await;
    }

    /// The size in use.
    pub fn viewport(&self) -> Viewport {
        self.viewport.get()
    }

    /// The scheme in use.
    pub fn scheme(&self) -> Scheme {
        self.scheme.get()
    }

    /// Whether pages may run scripts.
    pub fn script(&self) -> Script {
        self.script
    }

    /// Becomes a browser nobody used yet.
    pub async fn forget_everything(&self) {
        self.devtools("Network.clearBrowserCookies", json!({})).await;
        self.open("about:blank").await;
    }

    /// Opens an address and waits until it is loaded.
    pub async fn open(&self, address: &str) {
        let done = self.driver.goto(address).await;
        done.unwrap_or_else(|error| panic!("open {address}: {error}\n{}", self.last_words()));
    }

    /// What chromedriver and Chromium printed last: a crash, for example.
    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(self.dir.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    /// Opens an empty tab and goes on there.
    pub async fn new_tab(&self) {
        let tab = self.driver.new_tab().await.expect("open a tab");
        self.driver.switch_to_window(tab).await.expect("switch to the tab");
        self.set_up_tab().await;
    }

    /// Goes on in the tab with this number, counted from 0 in the order of opening.
    pub async fn switch_to_tab(&self, number: usize) {
        let tabs = self.driver.windows().await.expect("the tabs");
        let tab = tabs.get(number).expect("a tab of this number").clone();
        self.driver.switch_to_window(tab).await.expect("switch to the tab");
    }

    /// The back button.
    pub async fn back(&self) {
        self.driver.back().await.expect("go back");
    }

    /// Loads the page again.
    pub async fn reload(&self) {
        self.driver.refresh().await.expect("reload");
    }

    /// The address shown.
    pub async fn address(&self) -> String {
        self.driver.current_url().await.expect("the address").to_string()
    }

    /// The page's title.
    pub async fn title(&self) -> String {
        self.driver.title().await.expect("the title")
    }

    /// The text a person sees.
    pub async fn text(&self) -> String {
        self.find("body").await.text().await.expect("the page's text")
    }

    /// Whether an element is there now.
    pub async fn has(&self, css: &str) -> bool {
        self.driver.find(By::Css(css)).await.is_ok()
    }

    /// The element, waiting until it is there. Panics with the page's text when it never is.
    pub async fn find(&self, css: &str) -> WebElement {
        let start = std::time::Instant::now();
        loop {
            if let Ok(element) = self.driver.find(By::Css(css)).await {
                return element;
            }
            if start.elapsed() > WAIT {
                let source = self.driver.source().await.unwrap_or_default();
                panic!("no `{css}` at {}:\n{source}", self.address().await);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until no such element is there.
    pub async fn wait_until_gone(&self, css: &str) {
        wait_until_async(&format!("`{css}` going"), WAIT, async || !self.has(css).await).await;
    }

    /// Waits until the address begins with this.
    pub async fn wait_for_address(&self, start: &str) {
        wait_until_async(&format!("an address like {start}"), WAIT, async || {
            self.address().await.starts_with(start)
        })
        .await;
    }

    /// Whether this text is on the page now; not while one page takes the place of another.
    pub async fn shows(&self, text: &str) -> bool {
        let Ok(body) = self.driver.find(By::Css("body")).await else { return false };
        body.text().await.unwrap_or_default().contains(text)
    }

    /// Waits until the page shows this text.
    pub async fn wait_for_text(&self, text: &str) {
        wait_until_async(&format!("the text `{text}`"), WAIT, async || self.shows(text).await)
            .await;
    }

    /// Empties the field of this name and types into it.
    pub async fn fill(&self, name: &str, value: &str) {
        let field = self.find(&format!("[name='{name}']")).await;
        field.clear().await.expect("empty the field");
        field.send_keys(value).await.expect("type into the field");
    }

    /// What is typed into the field of this name, if there is one now.
    pub async fn value(&self, name: &str) -> Option<String> {
        let field = self.driver.find(By::Css(format!("[name='{name}']").as_str())).await.ok()?;
        field.prop("value").await.ok()?
    }

    /// Clicks the element.
    pub async fn click(&self, css: &str) {
        let element = self.find(css).await;
        element.click().await.unwrap_or_else(|error| panic!("click `{css}`: {error}"));
    }

    /// Clicks the link or button with this text.
    pub async fn click_text(&self, text: &str) {
        let path = format!("//*[self::a or self::button][normalize-space()='{text}']");
        let element = self.driver.find(By::XPath(path.as_str())).await;
        let element = element.unwrap_or_else(|error| panic!("no link or button `{text}`: {error}"));
        element.click().await.unwrap_or_else(|error| panic!("click `{text}`: {error}"));
    }

    /// Presses the first submit button of the form with this id.
    pub async fn submit(&self, form: &str) {
        self.click(&format!("form#{form} button[type='submit'], form#{form} button:not([type])"))
            .await;
    }

    /// Sends the Tab key, as someone without a mouse does, and gives the `id`, `name` or text of
    /// what has the focus then.
    pub async fn tab_key(&self) -> String {
        let focused = self.driver.active_element().await.expect("an element with the focus");
        focused.send_keys(Key::Tab).await.expect("press Tab");
        let focused = self.driver.active_element().await.expect("an element with the focus");
        for name in ["id", "name"] {
            if let Ok(Some(value)) = focused.attr(name).await
                && !value.is_empty()
            {
                return value;
            }
        }
        focused.text().await.unwrap_or_default()
    }

    /// Saves the whole page, beyond the window's edge too, as
    /// `target/screenshots/NAME-VIEWPORT-SCHEME[-noscript].png`.
    pub async fn screenshot(&self, name: &str) -> PathBuf {
        let whole = json!({"captureBeyondViewport": true, "optimizeForSpeed": true});
        let answer = self.devtools("Page.captureScreenshot", whole).await;
        let data = answer["data"].as_str().expect("a picture");
        let bytes = data_encoding::BASE64.decode(data.as_bytes()).expect("base64");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
        std::fs::create_dir_all(&folder).expect("make the folder");
        let path = folder.join(format!("{name}-{}.png", self.label()));
        std::fs::write(&path, bytes).expect("save the picture");
        path
    }

    /// What the browser's console holds since the last call.
    pub async fn console(&self) -> Vec<BrowserLogEntry> {
        self.driver.browser_log().await.expect("the console")
    }

    /// Content security policy violations since the last look at the console.
    pub async fn policy_violations(&self) -> Vec<String> {
        let entries = self.console().await.into_iter();
        let messages = entries.map(|entry| entry.message);
        messages.filter(|message| message.contains("Content Security Policy")).collect()
    }

    /// Sends one DevTools command to the tab.
    pub async fn devtools(&self, method: &str, parameters: Value) -> Value {
        let answer = self.driver.cdp().send_raw(method, parameters).await;
        answer.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// Closes the browser in order. Dropping it ends it too, less politely.
    pub async fn quit(self) {
        let _ = self.driver.clone().quit().await;
    }

    /// `phone-dark`, `desktop-light-noscript`…
    fn label(&self) -> String {
        let viewport = if self.viewport.get() == Viewport::Phone { "phone" } else { "desktop" };
        let scheme = if self.scheme.get() == Scheme::Dark { "dark" } else { "light" };
        let script = if self.script == Script::Off { "-noscript" } else { "" };
        format!("{viewport}-{scheme}{script}")
    }

    /// Size, scheme and script belong to a tab, not to the browser.
    async fn set_up_tab(&self) {
        let (width, height, mobile) = match self.viewport.get() {
            Viewport::Phone => (390, 844, true),
            Viewport::Desktop => (1280, 900, false),
        };
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile
        });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
        let scheme = if self.scheme.get() == Scheme::Dark { "dark" } else { "light" };
        let features = json!({"features": [
            {"name": "prefers-color-scheme", "value": scheme},
            // Or clicks would miss what is still sliding into place.
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]});
        self.devtools("Emulation.setEmulatedMedia", features).await;
        let off = json!({"value": self.script == Script::Off});
        self.devtools("Emulation.setScriptExecutionDisabled", off).await;
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Without this the driver would block the thread to say goodbye. Chromium ends by itself
        // when chromedriver, the other end of its pipe, is gone.
        let _ = self.driver.clone().leak();
    }
}

async fn start_chromedriver(port: u16, dir: &Path) -> Guarded {
    let mut command = Command::new("chromedriver");
    command.arg(format!("--port={port}")).arg("--enable-chrome-logs");
    // Nothing of the person running the tests is read or written.
    command.env("HOME", dir).env("XDG_CONFIG_HOME", dir).env("XDG_CACHE_HOME", dir);
    let process = Guarded::start(&mut command, &dir.join("log"), Signal::Terminate);
    let client = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
    let status = format!("http://127.0.0.1:{port}/status");
    wait_until_async("chromedriver answering", START_LIMIT, async || {
        client.get(&status).send().await.is_ok_and(|answer| answer.status().is_success())
    })
    .await;
    process
}

fn capabilities(dir: &Path) -> thirtyfour::ChromeCapabilities {
    let mut wanted = DesiredCapabilities::chrome();
    let profile = format!("--user-data-dir={}", dir.join("profile").display());
    for argument in [
        "--headless",
        // Chromium's own sandbox cannot be set up by root or in most containers.
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        // The pipe ends with chromedriver, and Chromium with the pipe.
        "--remote-debugging-pipe",
        "--window-size=1280,900",
        "--lang=en-GB",
        &profile,
    ] {
        wanted.add_arg(argument).expect("an argument");
    }
    wanted.set_browser_log_level(LoggingPrefsLogLevel::All).expect("console collection");
    wanted
}
