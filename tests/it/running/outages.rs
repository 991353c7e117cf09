//! What `docs/operations.md` says of a Redis that is full, of nodes that one store cannot be reached
//! from, of slow stores, of clocks that differ, and of a full disk.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use crate::kit::cut::CutNode;
use crate::kit::flow::{
    App, PASSWORD, PATIENCE, create_user, get, is_signed_in, sign_in, sign_out, submit_sign_in,
};
use crate::running::revocation_copy::{add_revocations, copy_number};
use crate::support::backends::Backend;
use crate::support::browser_like::Browser;
use crate::support::fault_proxy::Fault;
use crate::support::process::wait_until_async;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_cut_off_from_redis_hears_of_endings_from_sql() {
    let mut world = CutNode::world().await;
    let cut = CutNode::start(&mut world).await;
    create_user(&world, "alice");
    let app = App::register(&world, "app", &[]);
    let there = app.at_address(cut.base.clone());
    let (here, leaving) = (sign_in(&world, "alice").await, sign_in(&world, "alice").await);
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
        cut.wait_until_ready().await;
    }
    // What the cut-off node ends is heard of as well, though its copy never was.
    cut.redis.set(Fault::BlackHole);
    assert_eq!(there.revoke(&kept.refresh).await.status, 200);
    app.wait_until_access_dead(&kept.access).await;
    cut.redis.set(Fault::None);
    cut.wait_until_ready().await;
    there.assert_dead(&kept).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_cut_off_from_postgres_acknowledges_nothing_and_hears_of_endings_from_redis() {
    let mut world = CutNode::world().await;
    let mut cut = CutNode::start(&mut world).await;
    create_user(&world, "alice");
    let app = App::register(&world, "app", &[]);
    let there = app.at_address(cut.base.clone());
    let (here, leaving) = (sign_in(&world, "alice").await, sign_in(&world, "alice").await);
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
        cut.wait_until_ready().await;
    }
    cut.postgres.set(Fault::BlackHole);
    sign_out(&leaving).await;
    let said = there.introspect(&dead.access).await;
    assert!(said.status == 503 || said.text == r#"{"active":false}"#, "{said:?}");
    // Without a copy that is complete nothing is said, until the other node has made it again.
    for _ in 0..5 {
        world.redis().flush();
        for _ in 0..5 {
            let said = there.introspect(&dead.access).await;
            assert!(said.json()["active"] != true, "a guess: {said:?}");
        }
    }
    cut.postgres.set(Fault::None);
    cut.wait_until_ready().await;
    there.assert_alive(&kept).await;
    there.assert_dead(&dead).await;
    assert!(cut.ended().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_is_silent_is_waited_for_by_few() {
    let mut world = CutNode::world().await;
    let mut cut = CutNode::start(&mut world).await;
    create_user(&world, "alice");
    let app = App::register(&world, "app", &[]);
    let there = app.at_address(cut.base.clone());
    let kept = app.tokens(&sign_in(&world, "alice").await).await;
    there.assert_alive(&kept).await;
    let asked = async || {
        let began = Instant::now();
        (there.refresh(&kept.refresh).await, began.elapsed())
    };
    for _ in 0..2 {
        cut.postgres.set(Fault::BlackHole);
        wait_until_async("the node noticing", PATIENCE, async || {
            let (said, waited) = asked().await;
            said.status == 503 && waited < Duration::from_millis(300)
        })
        .await;
        let answers = join_all((0..50).map(|_| asked())).await;
        for (said, _) in &answers {
            assert_eq!(said.status, 503, "never a guess: {said:?}");
            assert!(said.headers.contains_key("retry-after"), "{said:?}");
        }
        let waiting = answers.iter().filter(|(_, waited)| *waited > Duration::from_millis(900));
        assert!(waiting.count() <= 2, "one asks whether it is there, the others are told at once");
        cut.postgres.set(Fault::None);
        let back = Instant::now();
        while get(&cut.management).await.status != 200 {
            assert!(back.elapsed() < Duration::from_secs(2), "it answers again");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    assert!(there.refresh(&kept.refresh).await.status == 200, "nothing was spent by asking");
    assert!(cut.ended().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_stores_make_answers_slow_and_never_wrong() {
    let mut world = CutNode::world().await;
    let cut = CutNode::start(&mut world).await;
    create_user(&world, "alice");
    let app = App::register(&world, "app", &[]);
    let there = app.at_address(cut.base.clone());
    let here = sign_in(&world, "alice").await;
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
    let mut world = CutNode::world().await;
    let cut = CutNode::start(&mut world).await;
    let app = App::register(&world, "app", &[]);
    let there = app.at_address(cut.base.clone());
    assert_eq!(there.introspect("x").await.status, 200);
    // The other node would make the copy in a moment.
    world.stop();
    add_revocations(&world, 60_000).await;
    cut.redis.set(Fault::Delay(Duration::from_millis(60)));
    world.redis().flush();
    let world = &mut world;
    wait_until_async("the copy being begun", PATIENCE, async || world.redis().key_count() > 1_000)
        .await;
    world.cli(&["client", "rotate-secret", "app"]);
    wait_until_async("the old secret being refused", PATIENCE, async || {
        there.introspect("x").await.status == 401
    })
    .await;
    assert_eq!(copy_number(world), None, "the copy was complete before");
}
