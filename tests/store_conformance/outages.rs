//! Servers that go away and come back.

use std::time::{Duration, Instant};

use doorward::clock::Clock;
use doorward::store::ephemeral::Ephemeral;
use doorward::store::{DatabaseSettings, Store, StoreError, sync, users};
use futures_util::future::join_all;

use super::fixtures::user;
use super::servers::{Postgres, Redis};

/// The promise to every caller.
const ANSWER: Duration = Duration::from_secs(2);

async fn ready_postgres(server: &Postgres) -> Store {
    let store = Store::connect(&DatabaseSettings::new(server.url())).await.unwrap();
    store.migrate().await.unwrap();
    store
}

fn is_unavailable<T>(outcome: &Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Unavailable(_)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn terminated_backends_cost_one_answer_and_are_replaced() {
    let server = Postgres::start();
    let store = ready_postgres(&server).await;
    let warm: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.begin().await.unwrap() })
        })
        .collect();
    let mut open = Vec::new();
    for task in warm {
        open.push(task.await.unwrap());
    }
    drop(open);
    tokio::time::sleep(Duration::from_millis(300)).await;

    server.terminate_backends();
    let mut failures = 0;
    for _ in 0..20 {
        match sync::read(&store.db).await {
            Ok(_) => {}
            Err(StoreError::Unavailable(_)) => failures += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(failures <= 1, "{failures} answers were lost");
    server.terminate_backends();
    let mut tx = store.begin().await.unwrap();
    users::insert(&mut tx, &user("zoe")).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stopped_postgres_is_an_outage_and_is_used_again_when_it_returns() {
    let mut server = Postgres::start();
    let store = ready_postgres(&server).await;
    let mut tx = store.begin().await.unwrap();
    users::insert(&mut tx, &user("lost")).await.unwrap();
    server.stop();
    assert!(is_unavailable(&tx.commit().await));
    for _ in 0..3 {
        let began = Instant::now();
        assert!(is_unavailable(&sync::read(&store.db).await));
        assert!(began.elapsed() < ANSWER, "{:?}", began.elapsed());
    }
    server.resume();
    let back = Instant::now();
    while sync::read(&store.db).await.is_err() {
        assert!(back.elapsed() < ANSWER);
    }
    assert_eq!(users::by_login(&store.db, "lost").await.unwrap(), None, "nothing half done");
    // a read-only server refuses writes as an outage and still reads
    server.sql("alter database doorward set default_transaction_read_only = on");
    server.terminate_backends();
    let _ = sync::read(&store.db).await;
    assert!(is_unavailable(&sync::bump_catalog(&store.db).await));
    assert!(sync::read(&store.db).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_frozen_postgres_is_waited_for_by_one_and_used_again_when_it_thaws() {
    let server = Postgres::start();
    let store = ready_postgres(&server).await;
    for _ in 0..2 {
        server.freeze();
        // The first one waits in vain, the second one asks whether it is there.
        for _ in 0..2 {
            let began = Instant::now();
            assert!(is_unavailable(&sync::read(&store.db).await));
            assert!(began.elapsed() < ANSWER, "{:?}", began.elapsed());
        }
        let asked = join_all((0..50).map(|n| {
            let store = &store;
            async move {
                let began = Instant::now();
                let refused = if n % 2 == 0 {
                    is_unavailable(&sync::read(&store.db).await)
                } else {
                    is_unavailable(&store.begin().await)
                };
                assert!(refused);
                began.elapsed()
            }
        }))
        .await;
        let waiting = asked.iter().filter(|waited| **waited > Duration::from_millis(500)).count();
        assert!(waiting <= 1, "{asked:?}");
        server.thaw();
        let back = Instant::now();
        while sync::read(&store.db).await.is_err() {
            assert!(back.elapsed() < ANSWER);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    // A row that somebody holds for too long keeps nobody else out.
    let mut tx = store.begin().await.unwrap();
    sync::bump_catalog(&mut tx).await.unwrap();
    assert!(is_unavailable(&sync::bump_catalog(&store.db).await));
    for _ in 0..20 {
        assert!(sync::read(&store.db).await.is_ok());
    }
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lock_that_is_held_for_too_long_is_an_outage() {
    let server = Postgres::start();
    let store = ready_postgres(&server).await;
    let mut tx = store.begin().await.unwrap();
    sync::bump_catalog(&mut tx).await.unwrap();
    let began = Instant::now();
    assert!(is_unavailable(&sync::bump_catalog(&store.db).await));
    assert!(began.elapsed() < Duration::from_millis(2_500));
    tx.commit().await.unwrap();
    sync::bump_catalog(&store.db).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_write_beside_an_open_sqlite_transaction_waits_and_then_is_an_outage() {
    let (store, _dir) = super::sqlite().await;
    store.migrate().await.unwrap();
    let mut tx = store.begin().await.unwrap();
    sync::bump_catalog(&mut tx).await.unwrap();
    assert!(sync::read(&store.db).await.is_ok(), "readers never wait");
    // Writers queue, which takes longer than a store that does not answer may.
    assert!(is_unavailable(&sync::bump_catalog(&store.db).await));
    tx.commit().await.unwrap();
    assert_eq!(sync::bump_catalog(&store.db).await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stopped_redis_fails_fast_and_is_used_again_when_it_returns() {
    let mut server = Redis::start();
    let store = Ephemeral::connect(Some(&server.url()), Clock::System).await.unwrap();
    store.put("k", "v", 60).await.unwrap();
    server.stop();
    for _ in 0..5 {
        let began = Instant::now();
        assert!(is_unavailable(&store.put("k", "v", 60).await));
        assert!(began.elapsed() < ANSWER, "{:?}", began.elapsed());
    }
    let began = Instant::now();
    assert!(is_unavailable(&store.ping().await));
    assert!(began.elapsed() < Duration::from_millis(50), "it knows without asking");
    server.resume();
    back_within_a_second(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_restarted_redis_costs_a_read_nothing() {
    let mut server = Redis::start();
    let store = Ephemeral::connect(Some(&server.url()), Clock::System).await.unwrap();
    store.put("k", "v", 60).await.unwrap();
    server.stop();
    server.resume();
    assert_eq!(store.get("k").await, Ok(None), "forgotten, but answered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_paused_redis_fails_within_two_seconds_and_then_at_once() {
    let server = Redis::start();
    let store = Ephemeral::connect(Some(&server.url()), Clock::System).await.unwrap();
    server.pause();
    let began = Instant::now();
    assert!(is_unavailable(&store.increment("n", 60).await));
    assert!(began.elapsed() < ANSWER, "{:?}", began.elapsed());
    let began = Instant::now();
    for _ in 0..10 {
        assert!(is_unavailable(&store.get("n").await));
    }
    assert!(began.elapsed() < Duration::from_millis(200));
    server.unpause();
    back_within_a_second(&store).await;
}

async fn back_within_a_second(store: &Ephemeral) {
    let back = Instant::now();
    while store.put("k", "again", 60).await.is_err() {
        assert!(back.elapsed() < Duration::from_secs(1), "still away");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(store.get("k").await.unwrap().as_deref(), Some("again"));
}

#[tokio::test]
async fn a_redis_that_is_not_there_at_start_is_refused_in_one_line() {
    let began = Instant::now();
    let url = "redis://:hush@127.0.0.1:1/0";
    let line = Ephemeral::connect(Some(url), Clock::System).await.unwrap_err().to_string();
    assert!(began.elapsed() < Duration::from_secs(4));
    assert!(!line.contains("hush") && !line.contains('\n'), "{line}");
}

#[tokio::test]
async fn a_redis_that_may_evict_is_noticed() {
    let server = Redis::with(&["--maxmemory-policy", "allkeys-lru"]);
    let store = Ephemeral::connect(Some(&server.url()), Clock::System).await.unwrap();
    assert_eq!(store.eviction_policy().await.as_deref(), Some("allkeys-lru"));
    assert!(store.may_evict(), "from the start");
    server.cli(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    let deadline = Instant::now() + Duration::from_secs(20);
    while store.may_evict() {
        assert!(Instant::now() < deadline, "not asked again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
