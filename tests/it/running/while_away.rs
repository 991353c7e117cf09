//! What works while a store is away, and after Redis was emptied: the rows of the first table in
//! `docs/operations.md` under "When something is away" that no test of one failure holds.

use std::time::Duration;

use url::Url;

use crate::kit::console::{self, Admin};
use crate::kit::flow::{Answer, App, PATIENCE, create_user, get, is_signed_in, sign_in};
use crate::kit::gateway::{COOKIE, WIKI, builder, start_path};
use crate::support::backends::Backend;
use crate::support::browser_like::{Browser, Page};
use crate::support::process::wait_until_async;
use crate::support::servers::Persistence;
use crate::support::world::World;

/// Whoever asks. All of them have been there before, so that whatever is remembered is.
struct Askers {
    /// Signed in, and not yet let in to an app behind the gateway.
    visitor: Browser,
    owner: Admin,
    /// Apps that act for themselves, with tokens of either kind.
    jwt: App,
    opaque: App,
    /// One that pushes its requests.
    web: App,
}

impl Askers {
    async fn of(world: &World) -> Self {
        create_user(world, "carol");
        let machine = |id: &str, format: &str| {
            let flags = ["--grant-type", "client_credentials", "--access-token-format", format];
            App::register(world, id, &flags)
        };
        let askers = Self {
            visitor: sign_in(world, "carol").await,
            owner: console::admin(world, "owner").await,
            jwt: machine("jwt", "jwt"),
            opaque: machine("opaque", "opaque"),
            web: App::register(world, "web", &[]),
        };
        askers.all_is_well(world).await;
        askers
    }

    /// Goes to an app behind the gateway, in a browser that was never there.
    async fn enter(&self) -> (Page, Browser) {
        let browser = self.visitor.copy();
        let page = browser.get(&start_path(&format!("http://{WIKI}/"))).await;
        (page, browser)
    }

    async fn push(&self) -> Answer {
        let asked = Url::parse(&self.web.authorize_path(&[])).expect("an address");
        let fields: Vec<(String, String)> = asked.query_pairs().into_owned().collect();
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.web.try_post("/oauth2/par", &fields).await.expect("an answer")
    }

    async fn console(&self) -> Page {
        self.owner.browser.get("/admin").await
    }

    /// Everything but the console, which asks for a sign-in after Redis was emptied.
    async fn all_but_the_console_is_well(&self, world: &World) {
        let (page, browser) = self.enter().await;
        page.assert_status(303).assert_header("location", &format!("http://{WIKI}/"));
        assert!(browser.cookie(COOKIE).is_some(), "{}", page.describe());
        for app in [&self.jwt, &self.opaque] {
            let answer = app.client_credentials().await;
            assert_eq!(answer.status, 200, "{}: {answer:?}", app.id);
        }
        let pushed = self.push().await;
        assert_eq!(pushed.status, 201, "{pushed:?}");
        public_documents_are_there(world).await;
    }

    async fn all_is_well(&self, world: &World) {
        self.all_but_the_console_is_well(world).await;
        self.console().await.assert_status(200);
    }

    /// Nobody gets a new cookie for the gateway, nobody looks into the console, and no request is pushed.
    async fn what_needs_both_stores_is_refused(&self) {
        let (page, browser) = self.enter().await;
        assert_later(&page);
        assert_eq!(browser.cookie(COOKIE), None, "{}", page.describe());
        assert_later(&self.console().await);
        assert_answered_later(&self.push().await);
    }
}

/// What apps read to know this provider needs no store.
async fn public_documents_are_there(world: &World) {
    let document = get(&world.url("/.well-known/openid-configuration")).await;
    assert_eq!(document.status, 200, "{document:?}");
    assert_eq!(document.json()["issuer"], world.issuer.as_str());
    let keys = get(&world.url("/.well-known/jwks.json")).await;
    assert_eq!(keys.status, 200, "{keys:?}");
    let count = keys.json()["keys"].as_array().map(Vec::len).unwrap_or_default();
    assert!(count > 0, "{keys:?}");
}

/// A page that says to try again, and when.
#[track_caller]
fn assert_later(page: &Page) {
    page.assert_status(503);
    assert!(!page.header("retry-after").is_empty(), "{}", page.describe());
}

/// The same for a program.
#[track_caller]
fn assert_answered_later(answer: &Answer) {
    answer.assert_error(503, "temporarily_unavailable");
    assert!(answer.headers.contains_key("retry-after"), "{answer:?}");
}

async fn readiness_says(world: &World, status: u16) {
    let address = world.management_url("/readyz");
    wait_until_async(&format!("{address} saying {status}"), PATIENCE, async || {
        get(&address).await.status == status
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_counted_or_kept_in_redis_waits_for_it_and_the_rest_goes_on() {
    let mut world = builder(Backend::Production).own_redis(Persistence::Snapshot).start().await;
    let askers = Askers::of(&world).await;
    world.redis().kill9();
    askers.what_needs_both_stores_is_refused().await;
    assert_answered_later(&askers.opaque.client_credentials().await);
    assert_eq!(askers.jwt.client_credentials().await.status, 200, "it says everything itself");
    public_documents_are_there(&world).await;
    assert!(is_signed_in(&askers.visitor).await, "known from SQL");

    // It comes back with nothing in it.
    world.redis().restart();
    readiness_says(&world, 200).await;
    askers.all_but_the_console_is_well(&world).await;
    let page = askers.console().await;
    page.assert_status(303);
    assert_eq!(page.location().path(), "/login", "{}", page.describe());
    console::enter(&world, &askers.owner.username).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_postgres_nobody_is_let_in_anywhere_and_apps_still_read_what_is_public() {
    let builder = builder(Backend::Production).own_redis(Persistence::Snapshot);
    let mut world = builder.own_postgres().start().await;
    let askers = Askers::of(&world).await;
    world.postgres().stop();
    readiness_says(&world, 503).await;
    // What was heard from it a tenth of a second ago may still be believed.
    tokio::time::sleep(Duration::from_millis(300)).await;
    askers.what_needs_both_stores_is_refused().await;
    for app in [&askers.jwt, &askers.opaque] {
        assert_answered_later(&app.client_credentials().await);
    }
    public_documents_are_there(&world).await;

    world.postgres().restart().await;
    readiness_says(&world, 200).await;
    // A connection of before may cost one answer.
    wait_until_async("apps getting tokens again", PATIENCE, async || {
        askers.jwt.client_credentials().await.status == 200
    })
    .await;
    askers.all_is_well(&world).await;
}

/// Keys of copies of sessions.
fn copies(world: &mut World) -> Vec<String> {
    world.redis().query(&["KEYS", "dw:session:*"])
}

/// Truth is in SQL; the copy that makes reading it cheap comes back with the first who is read from there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_s_copy_that_was_flushed_is_made_again_by_the_next_visit() {
    let builder = World::builder(Backend::Production).own_redis(Persistence::Snapshot);
    let mut world = builder.start().await;
    create_user(&world, "alice");
    assert_eq!(copies(&mut world), Vec::<String>::new(), "there is no session yet");
    let browser = sign_in(&world, "alice").await;
    for flushes in 0..3 {
        if flushes > 0 {
            world.redis().flush();
        }
        assert!(is_signed_in(&browser).await);
        // Within the second in which the process itself remembers it, nobody asks Redis.
        let world = &mut world;
        wait_until_async("the copy being there", PATIENCE, async || {
            assert!(is_signed_in(&browser).await);
            !copies(world).is_empty()
        })
        .await;
        let keys = copies(world);
        assert_eq!(keys.len(), 1, "{keys:?}");
        let left: i64 = world.redis().query(&["TTL", &keys[0]]);
        assert!(
            (1..=3_600).contains(&left),
            "a copy for an hour at most, and this one for {left} s"
        );
    }
}
