//! The whole server on Redis behind sentinels and on a Redis Cluster, with real failures of both.

use std::time::{Duration, Instant};

use crate::kit::flow::{
    App, PATIENCE, Tokens, create_user, get, is_signed_in, sign_in, sign_out, submit_sign_in,
};
use crate::support::backends::Backend;
use crate::support::browser_like::Browser;
use crate::support::process::wait_until_async;
use crate::support::redis_groups::{RedisCluster, WatchedPair};
use crate::support::world::World;

/// A person who stays, one who left, and what both were given.
struct People {
    here: Browser,
    left: Browser,
    kept: Tokens,
    dead: Vec<Tokens>,
}

async fn world_on(redis: &str) -> World {
    World::builder(Backend::Production).env("DOORWARD_REDIS__URL", redis).start().await
}

impl People {
    /// Several lineages end, so that their tombstones would fall on every shard if they were spread.
    async fn come_and_go(world: &World, app: &App) -> Self {
        create_user(world, "alice");
        let (here, left) = (sign_in(world, "alice").await, sign_in(world, "alice").await);
        let (kept, last) = (app.tokens(&here).await, app.tokens(&left).await);
        let mut dead = Vec::new();
        for _ in 0..6 {
            dead.push(app.tokens(&here).await);
        }
        for tokens in &dead {
            app.revoke(&tokens.refresh).await;
        }
        dead.push(last);
        let stolen = left.copy();
        sign_out(&left).await;
        Self { here, left: stolen, kept, dead }
    }

    /// What holds whatever happens to Redis: what ended is never taken for alive.
    async fn hold_fast(&self, app: &App) {
        for tokens in &self.dead {
            let userinfo = app.userinfo(&tokens.access).await;
            assert!([401, 503].contains(&userinfo.status), "a dead token counts: {userinfo:?}");
        }
        let page = self.left.get("/account").await;
        assert!([303, 503].contains(&page.status.as_u16()), "{}", page.describe());
    }

    /// What holds once all is well.
    async fn are_served(&self, world: &World, app: &App) {
        wait_until_async("being ready again", PATIENCE, async || {
            self.hold_fast(app).await;
            get(&world.management_url("/readyz")).await.status == 200
        })
        .await;
        assert!(is_signed_in(&self.here).await);
        app.assert_alive(&self.kept).await;
        for tokens in &self.dead {
            app.assert_dead(tokens).await;
        }
        // A connection that is being made anew at this moment is answered with "come back".
        wait_until_async("somebody signing in", PATIENCE, async || {
            let browser = world.browser();
            let page = submit_sign_in(&browser, "alice", crate::kit::flow::PASSWORD).await;
            page.status.as_u16() == 303
        })
        .await;
        let more = app.tokens(&self.here).await;
        app.revoke(&more.refresh).await;
        app.assert_dead(&more).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_that_sentinels_make_signs_nobody_out_and_revives_nothing() {
    let mut pair = WatchedPair::start();
    let world = world_on(&pair.url()).await;
    let app = App::register(&world, "app", &[]);
    let mut people = People::come_and_go(&world, &app).await;
    let code = app.code(&people.here).await;
    // The replica loses its master and hears nothing more, so that it is behind when it takes over.
    pair.replica.command(&["REPLICAOF", "127.0.0.1", "1"]);
    let spent = app.redeem(&code).await.tokens();
    let late = app.tokens(&people.here).await;
    app.revoke(&late.refresh).await;
    people.dead.push(late);
    pair.master.kill9();
    people.hold_fast(&app).await;
    assert!(is_signed_in(&people.here).await, "read from SQL");
    wait_until_async("the replica taking over", PATIENCE, async || pair.has_failed_over()).await;
    people.are_served(&world, &app).await;
    app.redeem(&code).await.assert_error(400, "invalid_grant");
    app.assert_dead(&spent).await;
    assert!(pair.replica.key_count() > 0, "the successor is used");
}

/// Of three sentinels the first one takes connections and never answers, from before the start on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sentinel_that_hangs_is_passed_over() {
    let mut pair = WatchedPair::start_with(3);
    pair.hang(0);
    let world = world_on(&pair.url()).await;
    let app = App::register(&world, "app", &[]);
    let people = People::come_and_go(&world, &app).await;
    people.are_served(&world, &app).await;
    pair.master.kill9();
    people.hold_fast(&app).await;
    assert!(is_signed_in(&people.here).await, "read from SQL");
    wait_until_async("the replica taking over", PATIENCE, async || pair.has_failed_over()).await;
    people.are_served(&world, &app).await;
    assert!(pair.replica.key_count() > 0, "the successor is used");
}

/// All sentinels hang: who the master is was known, and is not forgotten. Once it has to be asked again
/// it is as if Redis were away, and nobody waits for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinels_that_all_hang_are_not_waited_for() {
    let mut pair = WatchedPair::start();
    let world = world_on(&pair.url()).await;
    let app = App::register(&world, "app", &[]);
    let people = People::come_and_go(&world, &app).await;
    pair.hang(0);
    people.are_served(&world, &app).await;
    pair.master.restart();
    people.hold_fast(&app).await;
    for _ in 0..5 {
        assert!(is_signed_in(&people.here).await, "read from SQL");
        people.hold_fast(&app).await;
    }
    pair.thaw(0);
    people.are_served(&world, &app).await;
}

/// Each master in turn is killed, and the cluster makes its replica master.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_whose_replicas_take_over_revives_nothing() {
    let mut cluster = RedisCluster::start_with_replicas();
    let world = world_on(&cluster.url()).await;
    let app = App::register(&world, "app", &[]);
    let mut people = People::come_and_go(&world, &app).await;
    people.are_served(&world, &app).await;
    for shard in 0..cluster.shards.len() {
        // What is revoked at the last moment may never get to the replica.
        let late = app.tokens(&people.here).await;
        app.revoke(&late.refresh).await;
        people.dead.push(late);
        tokio::task::block_in_place(|| cluster.fail_over(shard));
        people.hold_fast(&app).await;
        people.are_served(&world, &app).await;
    }
    // They come back as replicas of those that took their places.
    for shard in &mut cluster.shards {
        shard.restart();
    }
    cluster.wait_until_whole();
    people.are_served(&world, &app).await;
}

/// Each shard in turn loses all it had. A copy of the revocation set of which a third is gone must
/// not pass for complete.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_loses_one_shard_after_the_other_revives_nothing() {
    let mut cluster = RedisCluster::start();
    let world = world_on(&cluster.url()).await;
    let app = App::register(&world, "app", &[]);
    let people = People::come_and_go(&world, &app).await;
    people.are_served(&world, &app).await;
    for shard in 0..cluster.shards.len() {
        cluster.shards[shard].kill9();
        people.hold_fast(&app).await;
        cluster.shards[shard].restart();
        cluster.wait_until_whole();
        people.are_served(&world, &app).await;
    }
}

/// While Redis is away nobody waits for it more than once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_redis_is_waited_for_once_and_then_left_alone() {
    let builder = World::builder(Backend::Production)
        .own_redis(crate::support::servers::Persistence::Snapshot);
    let mut world = builder.start().await;
    create_user(&world, "alice");
    let app = App::register(&world, "app", &[]);
    let here = sign_in(&world, "alice").await;
    let tokens = app.tokens(&here).await;
    world.redis().pause();
    app.userinfo(&tokens.access).await;
    let began = Instant::now();
    for _ in 0..20 {
        assert_eq!(app.userinfo(&tokens.access).await.status, 200, "answered from SQL");
        assert!(is_signed_in(&here).await);
    }
    let each = began.elapsed() / 40;
    assert!(each < Duration::from_millis(400), "{each:?} for each answer: Redis was waited for");
    world.redis().resume();
}
