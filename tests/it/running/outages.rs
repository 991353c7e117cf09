//! What `docs/operations.md` says of a Redis that is full, of nodes that one store cannot be reached
//! from, of slow stores, of clocks that differ, and of a full disk.

use std::time::Duration;

use crate::kit::flow::{
    App, PASSWORD, PATIENCE, create_user, get, is_signed_in, sign_in, sign_out, submit_sign_in,
};
use crate::running::revocation_copy::{add_revocations, copy_number};
use crate::support::backends::Backend;
use crate::support::browser_like::Browser;
use crate::support::fault_proxy::{Fault, FaultProxy};
use crate::support::process::{Guarded, Signal, free_port, wait_until_async};
use crate::support::servers::Persistence;
use crate::support::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_redis_refuses_what_is_new_and_forgets_nothing_that_ended() {
    let builder = World::builder(Backend::Production).own_redis(Persistence::Snapshot);
    let mut world = builder.start().await;
    create_user(&world, "alice");
    let app = App::register(&world, "app", &[]);
    let (here, leaving) = (sign_in(&world, "alice").await, sign_in(&world, "alice").await);
    let (kept, dead) = (app.tokens(&here).await, app.tokens(&leaving).await);
    let stolen = leaving.copy();
    world.redis().set_config("maxmemory", "1");

    assert!(is_signed_in(&here).await);
    assert!(app.access_lives(&kept.access).await);
    let page = submit_sign_in(&world.browser(), "alice", "a-guess-that-cannot-be-counted").await;
    assert_eq!(page.status.as_u16(), 503, "{}", page.describe());
    let page = here.get(&app.authorize_path(&[])).await;
    assert_eq!(page.location_parameter("error").as_deref(), Some("temporarily_unavailable"));
    // The copy cannot be told of it, and so is not asked any more.
    assert!(sign_out(&leaving).await.status.as_u16() < 400);
    assert!(!app.access_lives(&dead.access).await);
    assert!(!is_signed_in(&stolen).await);
    let next = app.refresh(&kept.refresh).await.tokens();
    assert_eq!(get(&world.management_url("/readyz")).await.status, 200, "it answers");

    world.redis().set_config("maxmemory", "0");
    assert!(!app.access_lives(&dead.access).await);
    assert!(app.access_lives(&next.access).await);
    let page = submit_sign_in(&world.browser(), "alice", PASSWORD).await;
    assert_eq!(page.status.as_u16(), 303, "{}", page.describe());
    app.assert_dead(&dead).await;
}

/// A world on its own PostgreSQL and Redis, whose commands reach both, and one node that has to go
/// through proxies.
struct Cut {
    world: World,
    node: Guarded,
    base: String,
    management: String,
    postgres: FaultProxy,
    redis: FaultProxy,
}

impl Cut {
    async fn start() -> Self {
        let builder = World::builder(Backend::Production).own_postgres();
        let mut world = builder.own_redis(Persistence::Snapshot).start().await;
        let (to_postgres, to_redis) = (world.postgres().port(), world.redis().port());
        let postgres = FaultProxy::start(to_postgres).await;
        let redis = FaultProxy::start(to_redis).await;
        let (port, management) = (free_port(), free_port());
        let mut command = world.command(&["serve"]);
        let database = postgres.in_front_of(&world.database_url(), to_postgres);
        let fast = world.setting("DOORWARD_REDIS__URL").unwrap_or_default();
        command.env("DOORWARD_DATABASE__URL", database);
        command.env("DOORWARD_REDIS__URL", redis.in_front_of(fast, to_redis));
        command.env("DOORWARD_SERVER__LISTEN", format!("127.0.0.1:{port}"));
        command.env("DOORWARD_MANAGEMENT__LISTEN", format!("127.0.0.1:{management}"));
        let node = Guarded::start(&mut command, &world.path("cut.log"), Signal::Kill);
        let base = format!("http://localhost:{port}");
        let management = format!("http://127.0.0.1:{management}/readyz");
        let cut = Self { world, node, base, management, postgres, redis };
        cut.wait_until_node_ready().await;
        cut
    }

    async fn wait_until_node_ready(&self) {
        wait_until_async("the other node being ready", PATIENCE, async || {
            let answer = crate::kit::flow::http_client().get(&self.management).send().await;
            answer.is_ok_and(|answer| answer.status() == 200)
        })
        .await;
    }

    /// The same browser at the node behind the proxies.
    fn there(&self, browser: &Browser) -> Browser {
        let other = Browser::new(&self.base);
        for name in [crate::kit::flow::SESSION_COOKIE, "doorward_browser"] {
            other.plant_cookie(name, &browser.cookie(name).unwrap_or_default());
        }
        other
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_cut_off_from_redis_hears_of_endings_from_sql() {
    let cut = Cut::start().await;
    create_user(&cut.world, "alice");
    let app = App::register(&cut.world, "app", &[]);
    let there = app.at_address(cut.base.clone());
    let (here, leaving) = (sign_in(&cut.world, "alice").await, sign_in(&cut.world, "alice").await);
    let (kept, dead) = (app.tokens(&here).await, app.tokens(&leaving).await);
    let stolen = cut.there(&leaving);
    for fault in [Fault::Reset, Fault::Cut, Fault::BlackHole] {
        cut.redis.set(fault);
        wait_until_async("the node noticing", PATIENCE, async || {
            get(&cut.management).await.status == 503
        })
        .await;
        assert!(there.access_lives(&kept.access).await, "{fault:?}");
        assert!(is_signed_in(&cut.there(&here)).await, "{fault:?}");
        let page = submit_sign_in(&Browser::new(&cut.base), "alice", PASSWORD).await;
        assert_eq!(page.status.as_u16(), 503, "{fault:?}: {}", page.describe());
        if fault == Fault::BlackHole {
            sign_out(&leaving).await;
            there.wait_until_access_dead(&dead.access).await;
            assert!(!is_signed_in(&stolen).await);
        }
        cut.redis.set(Fault::None);
        cut.wait_until_node_ready().await;
    }
    // What the cut-off node ends is heard of as well, though its copy never was.
    cut.redis.set(Fault::BlackHole);
    assert_eq!(there.revoke(&kept.refresh).await.status, 200);
    app.wait_until_access_dead(&kept.access).await;
    cut.redis.set(Fault::None);
    cut.wait_until_node_ready().await;
    there.assert_dead(&kept).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_cut_off_from_postgres_acknowledges_nothing_and_hears_of_endings_from_redis() {
    let mut cut = Cut::start().await;
    create_user(&cut.world, "alice");
    let app = App::register(&cut.world, "app", &[]);
    let there = app.at_address(cut.base.clone());
    let (here, leaving) = (sign_in(&cut.world, "alice").await, sign_in(&cut.world, "alice").await);
    let (kept, dead) = (app.tokens(&here).await, app.tokens(&leaving).await);
    // The node has seen the app, so that it can tell who asks without SQL.
    there.assert_alive(&kept).await;
    for fault in [Fault::Reset, Fault::Cut, Fault::BlackHole] {
        cut.postgres.set(fault);
        wait_until_async("the node noticing", PATIENCE, async || {
            get(&cut.management).await.status == 503
        })
        .await;
        assert_eq!(there.revoke(&kept.refresh).await.status, 503, "{fault:?}");
        assert_eq!(there.refresh(&kept.refresh).await.status, 503, "{fault:?}");
        cut.postgres.set(Fault::None);
        cut.wait_until_node_ready().await;
    }
    cut.postgres.set(Fault::BlackHole);
    sign_out(&leaving).await;
    let said = there.introspect(&dead.access).await;
    assert!(said.status == 503 || said.text == r#"{"active":false}"#, "{said:?}");
    // Without a copy that is complete nothing is said, until the other node has made it again.
    for _ in 0..5 {
        cut.world.redis().flush();
        for _ in 0..5 {
            let said = there.introspect(&dead.access).await;
            assert!(said.json()["active"] != true, "a guess: {said:?}");
        }
    }
    cut.postgres.set(Fault::None);
    cut.wait_until_node_ready().await;
    there.assert_alive(&kept).await;
    there.assert_dead(&dead).await;
    assert!(cut.node.ended().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_stores_make_answers_slow_and_never_wrong() {
    let cut = Cut::start().await;
    create_user(&cut.world, "alice");
    let app = App::register(&cut.world, "app", &[]);
    let there = app.at_address(cut.base.clone());
    let here = sign_in(&cut.world, "alice").await;
    let dead = app.tokens(&here).await;
    cut.redis.set(Fault::Delay(Duration::from_millis(60)));
    cut.postgres.set(Fault::Delay(Duration::from_millis(20)));
    let browser = Browser::new(&cut.base);
    let page = submit_sign_in(&browser, "alice", PASSWORD).await;
    assert_eq!(page.status.as_u16(), 303, "{}", page.describe());
    let tokens = there.tokens(&browser).await;
    there.assert_alive(&tokens).await;
    app.revoke(&dead.refresh).await;
    there.wait_until_dead(&dead).await;
    assert_eq!(get(&cut.management).await.status, 200);
}

/// A large copy over a slow connection takes its time, and nothing else waits for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_secret_is_heard_of_while_a_large_copy_is_made_over_a_slow_redis() {
    let mut cut = Cut::start().await;
    let app = App::register(&cut.world, "app", &[]);
    let there = app.at_address(cut.base.clone());
    assert_eq!(there.introspect("x").await.status, 200);
    // The other node would make the copy in a moment.
    cut.world.stop();
    add_revocations(&cut.world, 60_000).await;
    cut.redis.set(Fault::Delay(Duration::from_millis(60)));
    cut.world.redis().flush();
    let world = &mut cut.world;
    wait_until_async("the copy being begun", PATIENCE, async || world.redis().key_count() > 1_000)
        .await;
    world.cli(&["client", "rotate-secret", "app"]);
    wait_until_async("the old secret being refused", PATIENCE, async || {
        there.introspect("x").await.status == 401
    })
    .await;
    assert_eq!(copy_number(world), None, "the copy was complete before");
}
