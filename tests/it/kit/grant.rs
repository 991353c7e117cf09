//! What the tests of devices, token exchange and foreign assertions share: the clients they need, in
//! the bed all tests share or in one of their own.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::kit::answers::Tokens;
use crate::kit::fixtures::{Auth, Bed, Person, REDIRECT, Rp, fill_in};
use crate::kit::flow::PATIENCE;
use crate::support::backends::Backend;
use crate::support::browser_like::{Browser, Page};
use crate::support::process::wait_until_async;
use crate::support::world::World;

pub const EXCHANGE_GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
pub const BEARER_GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
pub const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Clients beside those of a [`Bed`], by `client_id`, with their secrets.
#[derive(Default)]
pub struct Clients(BTreeMap<String, Option<String>>);

impl Clients {
    /// Registers a client by the command line; `metadata` is what the flags cannot say.
    pub fn register(&mut self, world: &World, id: &str, (kind, metadata): (&str, Value)) {
        let file = world.path(&format!("{id}.json"));
        std::fs::write(&file, metadata.to_string()).expect("write the metadata");
        let file = file.display().to_string();
        let mut arguments = vec!["client", "create", "--name", id, "--type", kind];
        arguments.extend(["--client-id", id, "--metadata", &file]);
        if kind == "web" {
            arguments.extend(["--redirect-uri", REDIRECT]);
        }
        let answer = world.cli(&arguments);
        self.0.insert(id.to_owned(), answer["client_secret"].as_str().map(ToOwned::to_owned));
    }

    /// The program of one of them.
    pub fn rp(&self, world: &World, id: &str) -> Rp {
        let secret = self.0.get(id).unwrap_or_else(|| panic!("`{id}` is not registered")).clone();
        let auth = if secret.is_some() { Auth::Basic } else { Auth::None };
        Rp { secret, auth, redirect_uri: REDIRECT.to_owned(), ..Rp::new(world, id) }
    }
}

/// The shared bed with the clients of these tests.
pub struct Kit {
    pub bed: &'static Bed,
    clients: Clients,
}

impl Kit {
    pub async fn shared(backend: Backend) -> &'static Self {
        static KITS: [OnceCell<Kit>; 2] = [OnceCell::const_new(), OnceCell::const_new()];
        let cell = &KITS[usize::from(backend == Backend::Production)];
        cell.get_or_init(async || {
            let bed = Bed::shared(backend).await;
            let mut clients = Clients::default();
            for (id, about) in catalogue() {
                clients.register(&bed.world, id, about);
            }
            Self { bed, clients }
        })
        .await
    }

    pub fn rp(&self, id: &str) -> Rp {
        self.clients.rp(&self.bed.world, id)
    }
}

fn catalogue() -> Vec<(&'static str, (&'static str, Value))> {
    let exchanges = |audience: &[&str], scope: &str| {
        let grants = ["client_credentials", EXCHANGE_GRANT];
        json!({ "grant_types": grants, "audience": audience, "scope": scope })
    };
    let web = |metadata: Value| ("web", metadata);
    vec![
        ("tv", ("device", json!({}))),
        ("tv-two", ("device", json!({}))),
        ("printer", web(json!({ "grant_types": [DEVICE_GRANT] }))),
        // The app people use, for whose API the gateway stands.
        (
            "shop",
            web(json!({ "audience": ["gateway", "shop"], "consent": "skip",
            "scope": "openid profile groups offline_access orders:read orders:write" })),
        ),
        (
            "shop-opaque",
            web(json!({ "audience": ["gateway"], "consent": "skip",
            "access_token_format": "opaque", "scope": "openid orders:read" })),
        ),
        (
            "gateway",
            (
                "machine",
                exchanges(
                    &["https://orders.test", "https://stock.test", "orders"],
                    "openid orders:read gateway:run offline_access",
                ),
            ),
        ),
        ("orders", ("machine", exchanges(&["stock"], "orders:read stock:read"))),
        ("stock", ("machine", exchanges(&[], "orders:read"))),
        (
            "sleeper",
            (
                "machine",
                json!({ "grant_types": [EXCHANGE_GRANT, "client_credentials"],
            "audience": ["gateway"], "scope": "orders:read", "access_token_lifetime": 60 }),
            ),
        ),
    ]
}

/// A device that has asked for its codes.
pub struct Device {
    pub rp: Rp,
    pub codes: Value,
}

impl Device {
    /// Asks for codes.
    pub async fn ask(rp: Rp, scope: &str) -> Self {
        let fields = [("scope".to_owned(), scope.to_owned())];
        let page = rp.post("/oauth2/device_authorization", &fields).await;
        page.assert_status(200).assert_header("cache-control", "no-store");
        Self { codes: page.json(), rp }
    }

    pub fn text(&self, name: &str) -> &str {
        self.codes[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.codes))
    }

    /// Asks whether the person has answered.
    pub async fn poll(&self) -> Page {
        self.poll_as(&self.rp).await
    }

    /// Somebody else asks with this device's code.
    pub async fn poll_as(&self, rp: &Rp) -> Page {
        let code = self.text("device_code");
        rp.token_request(&[("grant_type", DEVICE_GRANT), ("device_code", code)]).await
    }

    /// The question in a browser where somebody is signed in.
    pub async fn question(&self, browser: &Browser) -> Page {
        browser.get(self.text("verification_uri_complete")).await
    }

    /// The person answers.
    pub async fn answer(&self, browser: &Browser, decision: &str) -> Page {
        let question = self.question(browser).await;
        question.form("device-question").press("decision", decision).submit().await
    }

    /// The person allows it and the device gets its tokens.
    pub async fn tokens(&self, browser: &Browser) -> Tokens {
        let page = self.answer(browser, "allow").await;
        assert_eq!(page.status.as_u16(), 303, "{}", page.describe());
        Tokens::of(&self.poll().await)
    }
}

/// Signs in on a page that asks for it, and goes where that leads.
pub async fn sign_in_on(page: &Page, person: &Person) -> Page {
    fill_in(page, person).submit().await.follow().await
}

/// Asks until the answer is not "try again later".
pub async fn settled(mut ask: impl AsyncFnMut() -> Page) -> Page {
    let mut found = None;
    crate::support::process::wait_until_async(
        "an answer",
        crate::kit::flow::PATIENCE,
        async || {
            let page = ask().await;
            let ready = page.status != 503;
            found = Some(page);
            ready
        },
    )
    .await;
    found.expect("just found")
}

/// Enables a disabled client, and waits until the server has heard of both. A client's tokens die
/// before the server hears of the rest, so what it thinks must be seen to change twice: otherwise the
/// old state would pass for the new one.
pub async fn enable_again(world: &World, rp: &Rp) {
    is_answered(rp, 401).await;
    world.cli(&["client", "update", &rp.id, "--enable"]);
    is_answered(rp, 400).await;
}

/// Waits until the server has heard of everything that commands have done to clients so far.
pub async fn all_is_heard(world: &World, rp: &Rp) {
    is_answered(rp, 400).await;
    world.cli(&["client", "update", &rp.id, "--disable"]);
    enable_again(world, rp).await;
}

/// Waits until a request of the client, without a usable token, is refused in this way.
async fn is_answered(rp: &Rp, status: u16) {
    let fields = [("grant_type", "refresh_token"), ("refresh_token", "none")];
    wait_until_async("the server hearing of a client", PATIENCE, async || {
        rp.token_request(&fields).await.status == status
    })
    .await;
}
