//! The fast copy of what was revoked: it gets complete and stays so whatever goes on, and where it may
//! have forgotten something it is not believed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::kit::fixtures::ALICE;
use crate::kit::flow::{App, PATIENCE, SecondNode, Tokens, count, execute, is_signed_in, sign_out};
use crate::kit::gateway::{self, Question, WIKI};
use crate::support::backends::Backend;
use crate::support::process::wait_until_async;
use crate::support::servers::Persistence;
use crate::support::world::World;

/// The number of the newest revocation that the copy knows, once it is complete.
pub fn copy_number(world: &mut World) -> Option<i64> {
    let marker: Option<String> = world.redis().query(&["GET", "dw:{rv}:marker"]);
    marker?.parse().ok()
}

/// Adds revocations of grants that nobody has, as if they had been made here.
pub async fn add_revocations(world: &World, how_many: i64) {
    let until = jsonwebtoken::get_current_timestamp() + 3_000;
    let many = format!(
        "insert into revocations (kind, subject, version, revoked_at, expires_at) \
         select 'grant', 'gone-' || n, 0, 1, {until} from generate_series(1, {how_many}) n"
    );
    execute(world, &many).await;
}

/// An app that acts for itself.
fn machine(world: &World) -> App {
    let flags = ["--type", "machine", "--client-id", "m", "--grant-type", "client_credentials"];
    let made = world.cli(&[&["client", "create", "--name", "m"], &flags[..]].concat());
    App::known(world, "m", made["client_secret"].as_str().expect("a secret"))
}

/// Redis drops tombstones while the marker stays, as it may with any policy but `noeviction`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_evicts_brings_nothing_back_that_ended() {
    let builder = gateway::builder(Backend::Production).own_redis(Persistence::Snapshot);
    let mut world = builder.start().await;
    gateway::add_people(&world);
    let jwt = App::register(&world, "jwt", &[]);
    let opaque = App::register(&world, "opaque", &["--access-token-format", "opaque"]);
    let (here, _) = gateway::visitor(&world, &ALICE).await;
    let (leaving, entrance) = gateway::visitor(&world, &ALICE).await;
    let (kept, stolen) = (jwt.tokens(&here).await, leaving.copy());
    let dead: [(&App, Tokens); 2] =
        [(&jwt, jwt.tokens(&leaving).await), (&opaque, opaque.tokens(&leaving).await)];
    for (app, tokens) in &dead {
        app.assert_alive(tokens).await;
    }
    assert!(is_signed_in(&stolen).await);
    assert_eq!(Question::about(&world, WIKI, "/page").cookie(&entrance).status().await, 200);
    sign_out(&leaving).await;
    assert_eq!(copy_number(&mut world), Some(revocations(&world).await));

    // While it runs, without a new connection.
    world.redis().set_config("maxmemory-policy", "allkeys-lru");
    wait_until_async("the policy being noticed", PATIENCE, async || {
        world.log().contains("Redis may evict")
    })
    .await;
    for _ in 0..5 {
        let tombstones: Vec<String> = world.redis().query(&["KEYS", "dw:{rv}:*"]);
        for key in tombstones.iter().filter(|key| !key.ends_with(":marker")) {
            world.redis().command(&["DEL", key]);
        }
        let newest = revocations(&world).await.to_string();
        world.redis().command(&["SET", "dw:{rv}:marker", &newest]);
        for (app, tokens) in &dead {
            assert!(!app.access_lives(&tokens.access).await, "an evicted revocation");
        }
        assert!(!is_signed_in(&stolen).await);
        let asked = Question::about(&world, WIKI, "/page").cookie(&entrance);
        assert_ne!(asked.status().await, 200, "at the gateway");
        assert!(jwt.access_lives(&kept.access).await);
    }

    world.redis().set_config("maxmemory-policy", "noeviction");
    made_again(&mut world).await;
    for (app, tokens) in &dead {
        app.assert_dead(tokens).await;
    }
    assert!(!is_signed_in(&stolen).await);
    jwt.assert_alive(&kept).await;
}

/// Redis forgets by the clock of its machine. Set ahead, it takes tombstones away whose tokens still count.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_whose_clock_is_set_ahead_brings_nothing_back_that_ended() {
    let builder = gateway::builder(Backend::Production).own_redis(Persistence::Snapshot);
    let mut world = builder.start().await;
    gateway::add_people(&world);
    let app = App::register(&world, "app", &[]);
    let (here, _) = gateway::visitor(&world, &ALICE).await;
    let kept = app.tokens(&here).await;
    for ahead in [50, 400, 7_200] {
        let (leaving, entrance) = gateway::visitor(&world, &ALICE).await;
        let (dead, stolen) = (app.tokens(&leaving).await, leaving.copy());
        app.assert_alive(&dead).await;
        sign_out(&leaving).await;
        pass(&mut world, ahead * 1_000);
        for stone in stones_of_sessions(&mut world) {
            let left: i64 = world.redis().query(&["PTTL", &stone]);
            assert!(ahead > 60 || left > 3_600_000, "{left} ms, and the marker stays");
        }
        app.assert_dead(&dead).await;
        assert!(!is_signed_in(&stolen).await);
        let asked = Question::about(&world, WIKI, "/page").cookie(&entrance);
        assert_ne!(asked.status().await, 200, "at the gateway");
        app.assert_alive(&kept).await;
        made_again(&mut world).await;
        app.assert_dead(&dead).await;
    }
}

/// What Redis does when so many milliseconds have passed by its clock: in one step, as that is.
fn pass(world: &mut World, milliseconds: i64) {
    let script = "for _, key in ipairs(redis.call('KEYS', '*')) do \
                  local left = redis.call('PTTL', key) \
                  if left > 0 then redis.call('PEXPIRE', key, left - ARGV[1]) end end";
    world.redis().command(&["EVAL", script, "0", &milliseconds.to_string()]);
}

/// Waits until the copy knows all that was revoked, with a tombstone of a session in it.
async fn made_again(world: &mut World) {
    let newest = revocations(world).await;
    wait_until_async("the copy being made again", PATIENCE, async || {
        copy_number(world) == Some(newest) && !stones_of_sessions(world).is_empty()
    })
    .await;
}

fn stones_of_sessions(world: &mut World) -> Vec<String> {
    world.redis().query(&["KEYS", "dw:{rv}:session:*"])
}

async fn revocations(world: &World) -> i64 {
    count(world, "select revocations from sync_state").await
}

/// How often the node that writes this log has begun to make the whole copy again.
fn copies(log: &str) -> usize {
    log.matches("copying the revocation set").count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_copy_of_two_nodes_gets_complete_and_stays_so_while_more_is_revoked() {
    let builder = World::builder(Backend::Production).own_redis(Persistence::Snapshot);
    let mut world = builder.start().await;
    let machine = machine(&world);
    add_revocations(&world, 20_000).await;
    let mut second = SecondNode::spawn(&world);
    second.ready().await;
    let nodes = [machine.clone(), machine.at(&second)];
    // One for each node, so that their revocations overtake each other.
    let stop = Arc::new(AtomicBool::new(false));
    let steady = nodes.map(|app| {
        let stop = Arc::clone(&stop);
        tokio::spawn(async move {
            let mut ended = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let tokens = app.client_credentials().await.tokens();
                assert_eq!(app.revoke(&tokens.access).await.status, 200);
                ended.push(tokens.access);
            }
            ended
        })
    });
    world.redis().flush();
    let world = &mut world;
    wait_until_async("the copy being complete", PATIENCE, async || {
        world.redis().key_count() > 20_000 && copy_number(world).is_some()
    })
    .await;
    // From here on what is revoked is only ever added.
    let second_log = world.path(&format!("node-{}.log", second.port));
    let logs = || [world.log(), std::fs::read_to_string(&second_log).unwrap_or_default()];
    let before = logs().map(|log| copies(&log));
    for _ in 0..20 {
        let newest = revocations(world).await + 10;
        wait_until_async("going on", PATIENCE, async || revocations(world).await >= newest).await;
        wait_until_async("the copy knowing it", PATIENCE, async || {
            copy_number(world).expect("it is not made again") >= newest
        })
        .await;
    }
    let logs = [world.log(), std::fs::read_to_string(&second_log).unwrap_or_default()];
    assert_eq!(logs.map(|log| copies(&log)), before, "made again for nothing");
    stop.store(true, Ordering::Relaxed);
    for (app, ended) in [machine.clone(), machine.at(&second)].iter().zip(steady) {
        for access in ended.await.expect("a client that goes on").iter().rev().take(20) {
            assert_eq!(app.introspect(access).await.json()["active"], false);
        }
    }
}

/// Made again by a command, it would not be believed meanwhile, and there are many commands.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_ends_nothing_leaves_the_copy_alone() {
    let builder = World::builder(Backend::Production).own_redis(Persistence::Snapshot);
    let mut world = builder.start().await;
    let machine = machine(&world);
    let tokens = machine.client_credentials().await.tokens();
    assert_eq!(machine.revoke(&tokens.access).await.status, 200);
    let ended = crate::kit::flow::claim(&tokens.access, "grant");
    let stone = format!("dw:{{rv}}:grant:{ended}");
    assert_eq!(world.redis().query::<i64>(&["DEL", &stone]), 1);
    world.cli(&["user", "list"]);
    assert_eq!(world.redis().query::<i64>(&["EXISTS", &stone]), 0, "it was made again");
}

/// What a command ends is not known to the store in a server's process, which catches up with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_has_published_is_added_and_not_all_copied_again() {
    let builder = World::builder(Backend::Production).own_redis(Persistence::Snapshot);
    let mut world = builder.start().await;
    let machine = machine(&world);
    let tokens = machine.client_credentials().await.tokens();
    let before = copies(&world.log());
    // As by a node that died between its commit and the copy.
    let ended = crate::kit::flow::claim(&tokens.access, "grant");
    let newest = revocations(&world).await + 1;
    let until = jsonwebtoken::get_current_timestamp() + 3_000;
    let record = format!(
        "begin; update sync_state set revocations = {newest}; \
         insert into revocations (kind, subject, version, revoked_at, expires_at, number) \
         values ('grant', '{ended}', 0, 1, {until}, {newest}); commit"
    );
    execute(&world, &record).await;
    let world = &mut world;
    wait_until_async("the copy knowing it", PATIENCE, async || copy_number(world) == Some(newest))
        .await;
    assert_eq!(copies(&world.log()), before, "only what was missing");
    // A number that nobody can account for, as of a node of an older version.
    execute(world, "update sync_state set revocations = revocations + 1").await;
    wait_until_async("the copy being made again", PATIENCE, async || {
        copy_number(world) == Some(newest + 1)
    })
    .await;
    assert_eq!(copies(&world.log()), before + 1);
    let found: i64 = world.redis().query(&["EXISTS", &format!("dw:{{rv}}:grant:{ended}")]);
    assert_eq!(found, 1);
}
