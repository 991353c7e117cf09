//! Several nodes that start at the same moment on a database with nothing in it: each makes what is missing, one
//! of them wins, and none has anything to complain of.

use std::time::Duration;

use crate::kit::audit::events;
use crate::kit::flow::{PATIENCE, SecondNode, count};
use crate::support::backends::Backend;
use crate::support::process::wait_until_async;
use crate::support::world::World;

const NODES: usize = 4;
const ROUNDS: usize = 3;

async fn start_together() {
    let world = World::builder(Backend::Production).own_postgres().prepare().await;
    let mut nodes: Vec<_> = (0..NODES).map(|_| SecondNode::spawn(&world)).collect();
    for node in &mut nodes {
        node.ready().await;
    }
    wait_until_async("every event being sealed", PATIENCE, async || {
        let waiting = count(&world, "select count(*) from audit_unsealed").await;
        waiting == 0 && count(&world, "select count(*) from audit_chain").await > 0
    })
    .await;
    // What each does every second has been done by all of them.
    tokio::time::sleep(Duration::from_secs(2)).await;
    for node in &nodes {
        let log = node.log();
        let is_bad = |line: &&str| {
            [r#""level":"warn""#, r#""level":"error""#].iter().any(|level| line.contains(level))
        };
        let bad: Vec<_> = log.lines().filter(is_bad).collect();
        assert!(bad.is_empty(), "{}", bad.join("\n"));
    }
    let mut made = 0;
    for (table, states) in [("signing_keys", "'active', 'next'"), ("encryption_keys", "'active'")] {
        let all = count(&world, &format!("select count(*) from {table}")).await;
        let fresh = format!("select count(*) from {table} where state in ({states})");
        assert!(all > 0 && count(&world, &fresh).await == all, "a key in {table} was replaced");
        made += all;
    }
    assert_eq!(
        (events(&world, "key.created").await, events(&world, "key.rotated").await),
        (made, 0)
    );
    world.cli(&["audit", "verify"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_nodes_that_start_at_once_on_an_empty_database_complain_of_nothing() {
    for _ in 0..ROUNDS {
        start_together().await;
    }
}
