//! A client app as a process of its own, and what a person does in front of it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::support::browser_like::{Browser, Page};
use crate::support::process::{Guarded, START_LIMIT, Scratch, Signal, free_port, wait_until_async};
use crate::support::world::World;

/// Everybody's password.
pub const PASSWORD: &str = "opens-every-door-here";
/// Interpreters read many files when they start, and the machine may be busy.
const START: Duration = Duration::from_mins(1);

/// Which library the app is built on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    OpenidClient,
    Authlib,
    OidcClientTs,
    McpSdk,
}

impl Library {
    fn command(self) -> Command {
        match self {
            Self::OpenidClient | Self::Authlib => self.script("app"),
            Self::OidcClientTs => self.script("spa"),
            Self::McpSdk => self.script("mcp"),
        }
    }

    /// A script of this name where the library is installed.
    pub fn script(self, name: &str) -> Command {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
        let run = |program: PathBuf, script: PathBuf| {
            let mut command = Command::new(program);
            command.arg(script);
            command
        };
        match self {
            Self::OpenidClient | Self::OidcClientTs | Self::McpSdk => {
                run("node".into(), here.join(format!("node/{name}.mjs")))
            }
            Self::Authlib => {
                run(here.join("python/.venv/bin/python"), here.join(format!("python/{name}.py")))
            }
        }
    }
}

/// A running app.
pub struct App {
    /// Its address, without a slash at the end.
    pub address: String,
    // Ends before its directory goes.
    _process: Guarded,
    dir: Scratch,
}

impl App {
    /// Where the app will be, before it is: a client is registered with its addresses first.
    pub fn place() -> u16 {
        free_port()
    }

    /// The address of an app at this port.
    pub fn address_of(port: u16) -> String {
        format!("http://127.0.0.1:{port}")
    }

    /// Starts an app and waits until it answers.
    pub async fn start(library: Library, port: u16, environment: &[(&str, &str)]) -> Self {
        let dir = Scratch::new("app");
        let mut command = library.command();
        command.env("PORT", port.to_string()).envs(environment.iter().copied());
        let mut process = Guarded::start(&mut command, &dir.join("log"), Signal::Kill);
        let address = Self::address_of(port);
        let http = Browser::new(&address);
        wait_until_async("the app answering", START, async || {
            let log = std::fs::read_to_string(dir.join("log")).unwrap_or_default();
            assert!(process.ended().is_none(), "the app ended:\n{log}");
            http.try_send(http.request(reqwest::Method::GET, &http.resolve("/nothing")))
                .await
                .is_ok()
        })
        .await;
        Self { address, _process: process, dir }
    }

    /// What it wrote.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }

    /// Asks the app for one of its pages, in this person's browser, and does what every page on the
    /// way asks. The answer is the app's, or the first page that asks for something else.
    pub async fn visit(&self, visitor: &Visitor, path: &str) -> Page {
        let page = visitor.browser.get(&format!("{}{path}", self.address)).await;
        visitor.walk(page).await
    }

    /// Like [`visit`](Self::visit), for answers of the app that tell a success.
    pub async fn told(&self, visitor: &Visitor, path: &str) -> Value {
        let page = self.visit(visitor, path).await;
        assert_eq!(page.status, 200, "{}\n{}", page.describe(), self.log());
        page.json()
    }
}

async fn key_ids(world: &World) -> Vec<String> {
    let jwks = world.browser().get("/.well-known/jwks.json").await.json();
    let ids = jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].to_string());
    ids.collect()
}

/// The provider's keys are rotated; returns once the next ones are published.
pub async fn rotate_keys(world: &World) {
    let before = key_ids(world).await;
    world.cli(&["key", "rotate"]);
    wait_until_async("new keys being published", START_LIMIT, async || {
        key_ids(world).await.iter().any(|kid| !before.contains(kid))
    })
    .await;
}

/// What a person answers when asked for consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Allow,
    Deny,
}

/// Somebody with an account, in front of a browser.
pub struct Visitor {
    pub name: &'static str,
    pub browser: Browser,
    pub answer: Answer,
}

/// Makes an account.
pub fn account(world: &World, name: &str) {
    let email = format!("{name}@people.test");
    let known = ["user", "create", "--username", name, "--email", &email, "--name", name];
    world.cli_with_input(&[&known[..], &["--password-file", "-"]].concat(), PASSWORD);
}

impl Visitor {
    /// Makes the account and opens a browser.
    pub fn new(world: &World, name: &'static str, answer: Answer) -> Self {
        account(world, name);
        Self { name, browser: world.browser(), answer }
    }

    async fn walk(&self, page: Page) -> Page {
        let mut page = page.follow_all().await;
        for _ in 0..4 {
            let form = if page.has_form("sign-in") {
                page.form("sign-in").set("username", self.name).set("password", PASSWORD)
            } else if page.has_form("consent") {
                let value = if self.answer == Answer::Allow { "allow" } else { "deny" };
                page.form("consent").press("decision", value)
            } else if page.has_form("sign-out") {
                page.form("sign-out").press("decision", "logout")
            } else {
                return page;
            };
            page = form.submit().await.follow_all().await;
        }
        panic!("the forms never end: {}", page.describe())
    }
}
