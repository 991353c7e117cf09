//! A database that has lost its last commits, as when a standby that had not received them takes over: what
//! ends after that is over everywhere once it is acknowledged, although SQL gives out numbers again that
//! the nodes and Redis know already.

use crate::kit::fixtures::{ALICE, BOB};
use crate::kit::flow::{
    App, PATIENCE, SESSION_COOKIE, SecondNode, Tokens, count, execute, sign_out,
};
use crate::kit::gateway::{Question, WIKI, add_people, builder, visitor};
use crate::support::backends::Backend;
use crate::support::browser_like::Browser;
use crate::support::process::wait_until_async;
use crate::support::servers::Persistence;
use crate::support::world::World;

/// Somebody who is signed in, and what proves it.
struct Guest {
    browser: Browser,
    cookie: String,
    app: App,
    tokens: Tokens,
}

/// The ways in which something ends.
#[derive(Clone, Copy, Debug)]
enum End {
    SignOut,
    Revocation,
    Sessions,
    DisabledApp,
    DisabledPerson,
}

impl Guest {
    async fn arrive(world: &World, app: &App) -> Self {
        let (browser, cookie) = visitor(world, &ALICE).await;
        let tokens = app.tokens(&browser).await;
        Self { browser, cookie, app: app.clone(), tokens }
    }

    /// What a node says to what they have: to the two tokens' questions, and to the two cookies.
    async fn is_let_in(&self, world: &World, base: &str) -> ([bool; 2], [bool; 2]) {
        let app = self.app.at_address(base.to_owned());
        let told = app.introspect(&self.tokens.access).await.text.contains(r#""active":true"#);
        let userinfo = app.userinfo(&self.tokens.access).await.status == 200;
        let there = Browser::new(base);
        there
            .plant_cookie(SESSION_COOKIE, &self.browser.cookie(SESSION_COOKIE).unwrap_or_default());
        let door = Question::about(world, WIKI, "/").at(base).cookie(&self.cookie);
        let home = there.get("/account").await.status == 200;
        ([told, userinfo], [door.status().await == 200, home])
    }

    /// Ends it at the first node.
    async fn end(&self, world: &World, end: End) {
        match end {
            End::SignOut => assert!(sign_out(&self.browser).await.status.as_u16() < 400),
            End::Revocation => {
                assert_eq!(self.app.revoke(&self.tokens.refresh).await.status, 200);
            }
            End::Sessions => drop(world.cli(&["session", "revoke", "--user", "alice"])),
            End::DisabledApp => drop(world.cli(&["client", "update", "left", "--disable"])),
            End::DisabledPerson => drop(world.cli(&["user", "disable", "alice"])),
        }
    }
}

/// The counters of a moment.
async fn counters(world: &World) -> (i64, i64) {
    let catalog = count(world, "select catalog from sync_state").await;
    (catalog, count(world, "select revocations from sync_state").await)
}

/// Lets the nodes and the copy know more than SQL does afterwards.
async fn lose_commits(world: &mut World, app: &App, number: usize) {
    let (catalog, revocations) = counters(world).await;
    let (bob, _) = visitor(world, &BOB).await;
    for _ in 0..4 {
        let tokens = app.tokens(&bob).await;
        assert_eq!(app.revoke(&tokens.refresh).await.status, 200);
    }
    App::register(world, &format!("lost-{number}"), &[]);
    let newest = counters(world).await.1;
    assert!(newest >= revocations + 4);
    wait_until_async("the copy knowing it", PATIENCE, async || {
        let marker: Option<String> = world.redis().query(&["GET", "dw:{rv}:marker"]);
        marker.and_then(|text| text.parse::<i64>().ok()) >= Some(newest)
    })
    .await;
    let past = format!(
        "begin; update sync_state set catalog = {catalog}, revocations = {revocations}; \
         delete from revocations where number > {revocations}; commit"
    );
    execute(world, &past).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ends_after_the_database_has_lost_commits_is_over_everywhere() {
    let stores = builder(Backend::Production).own_postgres().own_redis(Persistence::Snapshot);
    let mut world = stores.start().await;
    add_people(&world);
    let app = App::register(&world, "app", &[]);
    let left = App::register(&world, "left", &[]);
    let mut node = SecondNode::spawn(&world);
    node.ready().await;
    let bases = [world.issuer.clone(), node.base()];
    let ends =
        [End::SignOut, End::Revocation, End::Sessions, End::DisabledApp, End::DisabledPerson];
    for (number, end) in ends.into_iter().enumerate() {
        let of = if matches!(end, End::DisabledApp) { &left } else { &app };
        let guest = Guest::arrive(&world, of).await;
        for base in &bases {
            let here = guest.is_let_in(&world, base).await;
            assert_eq!(here, ([true; 2], [true; 2]), "{end:?} at {base}");
        }
        lose_commits(&mut world, &app, number).await;
        guest.end(&world, end).await;
        for base in bases.iter().chain(&bases) {
            let (tokens, cookies) = guest.is_let_in(&world, base).await;
            assert_eq!(tokens, [false; 2], "{end:?} at {base}");
            if !matches!(end, End::Revocation | End::DisabledApp) {
                assert_eq!(cookies, [false; 2], "{end:?} at {base}");
            }
        }
    }
    assert!(world.log().contains("has lost commits"), "{}", world.log());
}

/// Nobody ends anything: SQL is above what anybody knew, all the same, and the copy is complete again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_that_went_back_are_raised_above_all_that_is_known() {
    let stores = builder(Backend::Production).own_postgres().own_redis(Persistence::Snapshot);
    let mut world = stores.start().await;
    add_people(&world);
    let app = App::register(&world, "app", &[]);
    lose_commits(&mut world, &app, 0).await;
    let known: String = world.redis().query(&["GET", "dw:{rv}:marker"]);
    let known: i64 = known.parse().unwrap_or_default();
    let world = &mut world;
    wait_until_async("the counters being raised", PATIENCE, async || {
        counters(world).await.1 > known
    })
    .await;
    wait_until_async("the copy being complete", PATIENCE, async || {
        let newest = counters(world).await.1.to_string();
        let marker: Option<String> = world.redis().query(&["GET", "dw:{rv}:marker"]);
        marker == Some(newest)
    })
    .await;
    // A server that was started anew may have lost something, too.
    let before = counters(world).await;
    world.postgres().restart().await;
    wait_until_async("the counters being raised", PATIENCE, async || {
        let after = counters(world).await;
        after.0 > before.0 && after.1 > before.1
    })
    .await;
    let guest = Guest::arrive(world, &app).await;
    let base = world.issuer.clone();
    assert_eq!(guest.is_let_in(world, &base).await, ([true; 2], [true; 2]));
}
