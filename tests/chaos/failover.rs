//! The Redis that sentinels watch is lost under load, and its replica, which is behind, takes over.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::faults::{GRACE, hold_the_rows_to_it};
use crate::figures::{FROM_REDIS, Figures};
use crate::load::{LANES, Load};
use crate::rig::{PATIENCE, Rig};
use crate::support::process::wait_until_async;
use crate::support::redis_groups::WatchedPair;
use crate::support::redis_server::RedisProcess;

/// Sentinels choose no replica that has been without its master for longer than three seconds.
const CHOSEN_WITHIN: Duration = Duration::from_millis(2_500);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_ended_just_before_a_failover_stays_so() {
    let mut pair = WatchedPair::start();
    let mut rig = Rig::behind_sentinels(&[GRACE], &pair).await;
    let load = Load::start(&rig, rig.bases()).await;
    let mut figures = Figures::default();
    let lanes = futures_util::future::join_all(LANES.map(|lane| load.run(lane)));
    let faults = async {
        load.is_going_on().await;
        figures.usual(&mut rig, &load).await;
        load.prover.is_behind.store(true, Ordering::SeqCst);
        lose_what_ends(&pair, &load).await;
        let ended = load.history().newest_ended();
        pair.master.kill9();
        wait_until_async("the replica taking over", PATIENCE, async || {
            pair.has_failed_over() && pair.announces_replica()
        })
        .await;
        let what = "served after the sentinels name the replica";
        figures.recovers((what, FROM_REDIS), &mut rig, &load).await;
        for one in &ended {
            load.look_at(one, 0).await;
            load.look_at(one, 1).await;
        }
        assert!(pair.replica.key_count() > 0, "the successor is used");
        load.is_going_on().await;
        load.end();
    };
    tokio::join!(lanes, faults);
    rig.ready().await;
    load.hold_to_it().await;
    hold_the_rows_to_it(&rig, &load).await;
    figures.print();
    figures.hold_to_it();
}

/// Keeps from the replica what ends from now on, and lets somebody sign out.
async fn lose_what_ends(pair: &WatchedPair, load: &Load) {
    let marker = |redis: &RedisProcess| redis.query::<Option<String>>(&["GET", "dw:{rv}:marker"]);
    let before = load.counts();
    pair.replica.command(&["REPLICAOF", "127.0.0.1", "1"]);
    let began = Instant::now();
    wait_until_async("somebody signing out", CHOSEN_WITHIN, async || {
        let now = load.counts();
        now.sign_outs > before.sign_outs && now.revocations > before.revocations
    })
    .await;
    assert_ne!(marker(&pair.master), marker(&pair.replica), "the replica is not behind");
    assert!(began.elapsed() < CHOSEN_WITHIN, "the replica is too far behind to be chosen");
}
