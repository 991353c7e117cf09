//! Who takes part in the protocol tests: the people and the clients. What a client's program does is in
//! `rp`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use doorward::store::{DatabaseSettings, Store, users};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

pub use crate::kit::answers::{Callback, Tokens, jose_header, payload};
pub use crate::kit::rp::{Auth, Rp, changed};
use crate::support::backends::Backend;
use crate::support::browser_like::{Browser, Page};
use crate::support::tls_peer::{TlsPeer, reachable};
use crate::support::world::World;

/// Where the ordinary clients are answered.
pub const REDIRECT: &str = "https://rp.test/cb";
/// Where they are sent after signing out.
pub const AFTER_LOGOUT: &str = "https://rp.test/post_logout_redirect";
/// The `state` of requests that set none.
pub const STATE: &str = "af0ifjsldkj";
/// The `nonce` of requests that set none.
pub const NONCE: &str = "n-0S6_WzA2Mj";
/// The example pair of RFC 7636 appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// Every scope there is.
pub const ALL_SCOPES: &str = "openid profile email phone address groups offline_access";

/// The setting by which a server knows types of authorization details.
pub const DETAIL_TYPES: (&str, &str) = (
    "DOORWARD_AUTHORIZATION__DETAIL_TYPES",
    "payment_initiation: instructedAmount creditorName,account_information",
);

/// Somebody with an account.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    pub username: &'static str,
    pub email: &'static str,
    pub name: &'static str,
    pub password: &'static str,
}

/// Has a value for every standard claim.
pub const ALICE: Person = Person {
    username: "alice",
    email: "alice@people.test",
    name: "Alice Liddell",
    password: "violet tractor hums at noon",
};
pub const BOB: Person = Person {
    username: "bob",
    email: "bob@people.test",
    name: "Bob",
    password: "seven quiet lanterns drift",
};
pub const MALLORY: Person = Person {
    username: "mallory",
    email: "mallory@people.test",
    name: "Mallory",
    password: "paper submarine under glass",
};

/// The arguments for one algorithm for ID tokens and access tokens.
macro_rules! both_algs {
    ($alg:literal) => {
        ["--id-token-alg", $alg, "--access-token-alg", $alg]
    };
}

/// The clients of the tests, by `client_id`: type, redirect URI, further arguments, metadata.
fn catalogue(id: &str) -> (&'static str, &'static str, &'static [&'static str], Value) {
    match id {
        "conf-basic" | "second" | "fresh" => {
            ("web", REDIRECT, &["--auth-method", "client_secret_basic"], Value::Null)
        }
        "conf-post" => ("web", REDIRECT, &["--auth-method", "client_secret_post"], Value::Null),
        "spa" => ("spa", "https://spa.test/cb", &[], Value::Null),
        "native" => {
            ("native", "http://127.0.0.1/cb", &["--redirect-uri", "http://[::1]/cb"], Value::Null)
        }
        "rs" => ("machine", "", &[], Value::Null),
        "evil" => ("web", "https://evil.test/cb", &[], Value::Null),
        "opaque" => ("web", REDIRECT, &["--access-token-format", "opaque"], Value::Null),
        "rs256" => ("web", REDIRECT, &["--id-token-alg", "RS256"], Value::Null),
        "es256" => ("web", REDIRECT, &both_algs!("ES256"), Value::Null),
        "eddsa" => ("web", REDIRECT, &both_algs!("EdDSA"), Value::Null),
        "ps256" => ("web", REDIRECT, &both_algs!("PS256"), Value::Null),
        "es384" => ("web", REDIRECT, &both_algs!("ES384"), Value::Null),
        "trusted" => ("web", REDIRECT, &["--skip-consent"], Value::Null),
        "dpop-web" => ("web", REDIRECT, &[], json!({ "dpop_bound_access_tokens": true })),
        "strict" => ("web", REDIRECT, &[], json!({ "pkce": "required" })),
        "with-audience" => ("web", REDIRECT, &[], json!({ "audience": ["rs"] })),
        "no-refresh" => ("web", REDIRECT, &["--grant-type", "authorization_code"], Value::Null),
        "daemon" => ("machine", "", &["--scope", "api:read", "--scope", "api:write"], Value::Null),
        "with-query" => ("web", "https://rp.test/cb?fixed=1", &[], Value::Null),
        "two-uris" => ("web", REDIRECT, &["--redirect-uri", "https://rp.test/other"], Value::Null),
        "rich" => {
            ("web", REDIRECT, &["--scope", "openid", "--scope", "email", "--scope", "api"], rich())
        }
        "two-scopes" => ("web", REDIRECT, &["--scope", "openid", "--scope", "email"], Value::Null),
        "jarm-es256" => {
            ("web", REDIRECT, &[], json!({ "authorization_signed_response_alg": "ES256" }))
        }
        other => panic!("no client `{other}` in the catalogue"),
    }
}

/// A client of two APIs that may ask for authorization details.
fn rich() -> Value {
    json!({ "audience": ["https://api.rp.test/a", "https://api.rp.test/b"],
        "authorization_details_types": ["payment_initiation", "account_information", "unknown"],
        "default_acr_values": ["aal1"] })
}

#[derive(Clone)]
struct Registered {
    secret: Option<String>,
    auth: Auth,
    redirect_uri: String,
}

/// A running Doorward with people and clients.
pub struct Bed {
    pub world: World,
    clients: BTreeMap<String, Registered>,
}

/// The clients of the shared bed.
const SHARED: [&str; 22] = [
    "conf-basic",
    "second",
    "fresh",
    "conf-post",
    "spa",
    "native",
    "rs",
    "evil",
    "opaque",
    "rs256",
    "es256",
    "eddsa",
    "ps256",
    "es384",
    "trusted",
    "strict",
    "with-audience",
    "no-refresh",
    "daemon",
    "rich",
    "two-scopes",
    "jarm-es256",
];

impl Bed {
    /// The bed that all tests of this process share which only read, or change nothing but their
    /// own browser's session. Starting a Doorward for each of them would take minutes.
    pub async fn shared(backend: Backend) -> &'static Self {
        static BEDS: [OnceCell<Bed>; 2] = [OnceCell::const_new(), OnceCell::const_new()];
        let cell = &BEDS[usize::from(backend == Backend::Production)];
        let builder = || World::builder(backend).env(DETAIL_TYPES.0, DETAIL_TYPES.1);
        let world = || reachable(builder(), &[TlsPeer::shared()]);
        cell.get_or_init(async || Self::new(world().start().await, &SHARED).await).await
    }

    /// Registers alice, bob and these clients in a world.
    pub async fn new(world: World, clients: &[&str]) -> Self {
        let mut bed = Self { world, clients: BTreeMap::new() };
        bed.add_person(&ALICE, &["--group", "staff", "--group", "climbers"]);
        bed.add_person(&BOB, &[]);
        bed.give_alice_every_claim().await;
        for id in clients {
            bed.add_client(id);
        }
        bed
    }

    /// A world of its own with these clients, for a test that changes people, clients or limits.
    pub async fn own(backend: Backend, clients: &[&str]) -> Self {
        Self::new(World::start(backend).await, clients).await
    }

    /// Makes an account through the command line.
    pub fn add_person(&self, person: &Person, more: &[&str]) -> Value {
        let known = ["user", "create", "--username", person.username, "--email", person.email];
        let more = [&["--name", person.name, "--password-file", "-", "--email-verified"], more];
        self.world.cli_with_input(&[&known, more.concat().as_slice()].concat(), person.password)
    }

    /// Registers a client of the catalogue through the command line.
    pub fn add_client(&mut self, id: &str) {
        let (kind, redirect_uri, more, metadata) = catalogue(id);
        let mut arguments = vec!["client", "create", "--name", id, "--type", kind];
        arguments.extend(["--client-id", id]);
        if !redirect_uri.is_empty() {
            arguments.extend(["--redirect-uri", redirect_uri]);
            arguments.extend(["--post-logout-redirect-uri", AFTER_LOGOUT]);
        }
        arguments.extend(more);
        let file = self.world.path(&format!("{id}.json"));
        let file_name = file.display().to_string();
        if !metadata.is_null() {
            std::fs::write(&file, metadata.to_string()).expect("write the metadata");
            arguments.extend(["--metadata", &file_name]);
        }
        let answer = self.world.cli(&arguments);
        let secret = answer["client_secret"].as_str().map(ToOwned::to_owned);
        let auth = match (&secret, more) {
            (None, _) => Auth::None,
            (Some(_), ["--auth-method", "client_secret_post"]) => Auth::Post,
            (Some(_), _) => Auth::Basic,
        };
        let redirect_uri = redirect_uri.to_owned();
        self.clients.insert(id.to_owned(), Registered { secret, auth, redirect_uri });
    }

    /// The program of a registered client.
    pub fn rp(&self, id: &str) -> Rp {
        let known = self.clients.get(id).unwrap_or_else(|| panic!("`{id}` is not registered"));
        Rp {
            secret: known.secret.clone(),
            auth: known.auth,
            redirect_uri: known.redirect_uri.clone(),
            ..Rp::new(&self.world, id)
        }
    }

    /// A browser in which this person has signed in at Doorward itself.
    pub async fn signed_in(&self, person: &Person) -> Browser {
        let browser = self.world.browser();
        let page = browser.get("/login").await;
        let answer = fill_in(&page, person).submit().await;
        assert_eq!(answer.status.as_u16(), 303, "{}", answer.describe());
        browser
    }

    /// The database, for a look at what was or was not written.
    pub async fn store(&self) -> Store {
        let settings = DatabaseSettings::new(self.world.database_url());
        Store::connect(&settings).await.expect("the database of the world")
    }

    /// How many audit events of this kind there are.
    pub async fn audit_count(&self, kind: &str) -> usize {
        use doorward::store::audit::AuditFilter;
        use doorward::store::audit::list;
        let filter =
            AuditFilter { kind: Some(kind.to_owned()), limit: 1000, ..AuditFilter::default() };
        let store = self.store().await;
        let events = list(&store.db, &filter).await.expect("the audit events");
        store.db.close().await;
        events.len()
    }

    /// Checks at the end of a test that nothing leaked into the log and nothing panicked.
    #[track_caller]
    pub fn assert_log_is_clean(&self) {
        let mut secrets = vec![ALICE.password, BOB.password, MALLORY.password];
        secrets.extend(self.clients.values().filter_map(|client| client.secret.as_deref()));
        self.world.assert_log_is_clean(&secrets);
    }

    async fn give_alice_every_claim(&self) {
        let store = self.store().await;
        let mut alice =
            users::by_login(&store.db, ALICE.username).await.expect("a query").expect("alice");
        alice.profile = serde_json::from_value(json!({
            "given_name": "Alice", "family_name": "Liddell", "middle_name": "Pleasance",
            "nickname": "Al", "profile": "https://people.test/alice",
            "picture": "https://people.test/alice.png", "website": "https://alice.test",
            "gender": "female", "birthdate": "1852-05-04", "zoneinfo": "Europe/London",
            "locale": "en-GB", "phone_number": "+44 1865 000000", "phone_number_verified": true,
            "address": { "formatted": "Christ Church\nOxford", "street_address": "Christ Church",
                "locality": "Oxford", "region": "Oxfordshire", "postal_code": "OX1 1DP",
                "country": "GB" },
        }))
        .expect("a profile");
        users::update(&store.db, &alice).await.expect("store the profile");
        store.db.close().await;
    }
}

/// The sign-in form filled in by this person.
pub fn fill_in(page: &Page, person: &Person) -> crate::support::form::Form {
    page.form("sign-in").set("username", person.username).set("password", person.password)
}

/// Does what each page asks until the browser would leave for the client, or a page is reached that
/// asks for something else.
pub async fn walk(page: Page, person: &Person) -> Page {
    let mut page = page.follow_within().await;
    for _ in 0..4 {
        let form = if page.has_form("sign-in") {
            fill_in(&page, person)
        } else if page.has_form("consent") {
            page.form("consent").press("decision", "allow")
        } else {
            return page;
        };
        page = form.submit().await.follow_within().await;
    }
    panic!("the forms never end: {}", page.describe())
}

/// A text no other call in this process gives.
pub fn unique(label: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{label}-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}
