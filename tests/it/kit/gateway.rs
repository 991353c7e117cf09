//! Not tests: a Doorward with apps behind its gateway, and what a proxy asks it.
//!
//! The apps are hosts of this machine and need not run: a test that plays the proxy only describes
//! requests to them.

use doorward::crypto::secret::Secret;

use crate::kit::fixtures::{ALICE, BOB, Person, fill_in};
use crate::kit::flow::{Answer, http_client, read};
use crate::support::backends::Backend;
use crate::support::browser_like::{Browser, Page};
use crate::support::world::{World, WorldBuilder};

/// Open to whoever has signed in, but for the board's corner, a public one, and one nobody gets into.
pub const WIKI: &str = "localhost:1001";
/// For the staff.
pub const STAFF: &str = "localhost:1002";
/// The cookie on a plain-http loopback issuer.
pub const COOKIE: &str = "doorward_gateway";

/// Every header an app is told something in.
pub const TOLD: [&str; 7] = [
    "x-user-id",
    "x-user-email",
    "x-user-name",
    "x-user-groups",
    "x-user-roles",
    "x-org-id",
    "x-session-id",
];

/// The rules of [`WIKI`] and [`STAFF`], for hosts of the test's choice.
pub fn settings(wiki: &str, staff: &str) -> String {
    format!(
        r#"
[server]
trusted_proxies = ["127.0.0.1"]

[gateway]
enabled = true

[[gateway.apps]]
host = "{wiki}"
rules = [
    {{ path = "/public", allow = ["public"] }},
    {{ path = "/board", allow = ["group:board", "user:bob"] }},
    {{ path = "/owners", allow = ["role:owner"] }},
    {{ path = "/strong", allow = ["signed-in"], acr = "aal2" }},
    {{ path = "/nobody", allow = [] }},
    {{ path = "/", allow = ["signed-in"] }},
]

[[gateway.apps]]
host = "{staff}"
rules = [{{ path = "/staff", allow = ["group:staff"] }}]
"#
    )
}

/// A Doorward with both apps, to be shaped before it starts.
pub fn builder(backend: Backend) -> WorldBuilder {
    World::builder(backend).config_file(&settings(WIKI, STAFF))
}

/// A running one, with alice (staff and climbers) and bob.
pub async fn gateway(backend: Backend) -> World {
    let world = builder(backend).start().await;
    add_people(&world);
    world
}

/// Makes alice and bob.
pub fn add_people(world: &World) {
    add_person(world, &ALICE, &["--email-verified", "--group", "staff", "--group", "climbers"]);
    add_person(world, &BOB, &[]);
}

fn add_person(world: &World, person: &Person, more: &[&str]) {
    let known = ["user", "create", "--username", person.username, "--email", person.email];
    let name = ["--name", person.name, "--password-file", "-"];
    world.cli_with_input(&[&known[..], &name, more].concat(), person.password);
}

/// The page on the way to an app.
pub fn start_path(back_to: &str) -> String {
    let query = serde_urlencoded::to_string([("rd", back_to)]).expect("a query");
    format!("/gateway/start?{query}")
}

/// Signs this person in on the way to a page of an app; gives the answer that leads to the app.
pub async fn enter(browser: &Browser, person: &Person, back_to: &str) -> Page {
    let page = browser.get(&start_path(back_to)).await;
    let posted = fill_in(&page, person).submit().await;
    posted.assert_status(303);
    let back = posted.follow().await;
    back.assert_status(303).assert_header("location", back_to);
    back
}

/// A browser with this person's cookie for the apps, and the cookie.
pub async fn visitor(world: &World, person: &Person) -> (Browser, String) {
    let browser = world.browser();
    enter(&browser, person, &format!("http://{WIKI}/")).await;
    let cookie = browser.cookie(COOKIE).expect("the gateway's cookie");
    (browser, cookie)
}

/// What a proxy asks. Headers replace those of the same name; an empty value removes one.
pub struct Question<'a> {
    base: &'a str,
    path: &'a str,
    headers: Vec<(String, String)>,
}

impl<'a> Question<'a> {
    /// About a GET by a browser.
    pub fn about(world: &'a World, host: &str, target: &str) -> Self {
        let headers = [
            ("x-forwarded-proto", "http"),
            ("x-forwarded-host", host),
            ("x-forwarded-uri", target),
            ("x-forwarded-method", "GET"),
            ("accept", "text/html"),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Self { base: &world.issuer, path: "/gateway/verify", headers }
    }

    /// At another node.
    #[must_use]
    pub fn at(mut self, base: &'a str) -> Self {
        self.base = base;
        self
    }

    /// At another address.
    #[must_use]
    pub fn path(mut self, path: &'a str) -> Self {
        self.path = path;
        self
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.and(name, value)
    }

    /// Adds a header beside those of its name.
    #[must_use]
    pub fn and(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self
    }

    #[must_use]
    pub fn cookie(self, value: &str) -> Self {
        self.with("cookie", &format!("{COOKIE}={value}"))
    }

    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.with("authorization", &format!("Bearer {token}"))
    }

    pub async fn ask(self) -> Answer {
        let mut request = http_client().get(format!("{}{}", self.base, self.path));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let answer = read(request).await.expect("an answer");
        assert_eq!(answer.header("cache-control"), "no-store", "{answer:?}");
        if answer.status == 200 {
            for name in TOLD.into_iter().chain(["x-doorward-assertion", "x-request-id"]) {
                assert!(answer.headers.contains_key(name), "no {name} in {answer:?}");
            }
        } else {
            for name in TOLD.into_iter().chain(["x-doorward-assertion"]) {
                assert!(!answer.headers.contains_key(name), "{name} in {answer:?}");
            }
        }
        answer
    }

    pub async fn status(self) -> u16 {
        self.ask().await.status
    }
}

impl Answer {
    /// A header's value, empty when absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// The value of a cookie that nobody was given.
pub fn unknown_cookie() -> String {
    Secret::generate().expose().to_owned()
}
