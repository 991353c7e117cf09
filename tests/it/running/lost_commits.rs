//! A database that has lost its last commits, as when a standby that had not received them takes over: what
//! ends after that is over everywhere once it is acknowledged, although SQL gives out numbers again that
//! the nodes and Redis know already.

use crate::kit::fixtures::{ALICE, BOB};
use crate::kit::flow::{
    App, PATIENCE, SESSION_COOKIE, SecondNode, Tokens, count, create_user, execute, sign_out,
};
use crate::kit::gateway::{Question, WIKI, add_people, builder, visitor};
use crate::running::audit_log::sealed;
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
    // Gone where a server has noticed already and is about to copy anew.
    let known: Option<i64> = world.redis().query(&["GET", "dw:{rv}:marker"]);
    let known = known.unwrap_or_default();
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

/// Takes away what was sealed after this number, as a database does that has lost it: the head of then is back.
async fn lose_the_end(world: &World, last: i64) {
    let (begin, off, on) = match world.backend {
        Backend::Embedded => (
            "begin immediate",
            "drop trigger audit_events_kept; drop trigger audit_chain_kept",
            "select 1",
        ),
        Backend::Production => (
            "begin",
            "alter table audit_events disable trigger audit_events_kept; \
             alter table audit_chain disable trigger audit_chain_kept",
            "alter table audit_events enable trigger audit_events_kept; \
             alter table audit_chain enable trigger audit_chain_kept",
        ),
    };
    let ending = format!(
        "{begin}; {off}; \
         delete from audit_events where id in (select event_id from audit_chain where seq > {last}); \
         delete from audit_chain where seq > {last}; \
         delete from audit_marks where name = 'head'; \
         insert into audit_marks select * from kept_head; {on}; commit"
    );
    execute(world, &ending).await;
}

on_both_backends! {
    async fn an_audit_log_that_lost_its_end_waits_and_goes_on_after_restarts(world: World) {
        let mut world = world;
        create_user(&world, "alice");
        sealed(&world).await;
        execute(&world, "create table kept_head as select * from audit_marks where name = 'head'")
            .await;
        let kept = count(&world, "select seq from kept_head").await;
        for name in ["bob", "carol", "dave"] {
            create_user(&world, name);
        }
        let report = sealed(&world).await;
        let (newest, hash) = (report["last"].as_i64().unwrap(), report["hash"].as_str().unwrap());
        assert!(newest >= kept + 3, "{report}");
        let anchor = format!("{newest}:{hash}");
        lose_the_end(&world, kept).await;
        create_user(&world, "erin");
        wait_until_async("the servers saying so", PATIENCE, async || {
            world.log().contains(&format!("the audit chain was cut back, number {newest} was"))
        })
        .await;
        let report = world.cli(&["audit", "verify"]);
        assert_eq!((&report["intact"], &report["last"]), (&true.into(), &kept.into()), "{report}");
        assert_eq!(report["waiting"]["count"], 1, "{report}");
        let noted = world.run(&["audit", "verify", "--anchor", &anchor]);
        assert_eq!(noted.status.code(), Some(1), "who noted the head knows of the gap");

        world.restart().await;
        let report = sealed(&world).await;
        // Erin's account, and the link for setting up that a start makes.
        assert_eq!((&report["intact"], &report["last"]), (&true.into(), &(kept + 2).into()), "{report}");
        // What happens from here on has its place as before.
        create_user(&world, "frank");
        let report = sealed(&world).await;
        assert_eq!((&report["intact"], &report["last"]), (&true.into(), &(kept + 3).into()), "{report}");
    }
}
