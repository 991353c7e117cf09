//! Redis as a cluster and behind sentinels.

use std::time::{Duration, Instant};

use doorward::clock::Clock;
use doorward::store::ephemeral::Ephemeral;

use super::fast::{Passing, ephemeral_conforms};
use super::servers::{Redis, free_port};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_redis_cluster_conforms() {
    let nodes: Vec<Redis> = (0..3)
        .map(|_| {
            let bus = free_port().to_string();
            Redis::with(&["--cluster-enabled", "yes", "--cluster-port", &bus])
        })
        .collect();
    let hosts: Vec<String> = nodes.iter().map(|n| format!("127.0.0.1:{}", n.port())).collect();
    let mut create = vec!["--cluster", "create"];
    create.extend(hosts.iter().map(String::as_str));
    create.extend(["--cluster-yes"]);
    let told = nodes[0].cli(&create);
    assert!(told.contains("All 16384 slots covered"), "{told}");
    let patience = Instant::now() + Duration::from_secs(10);
    while nodes.iter().any(|n| !n.cli(&["cluster", "info"]).contains("cluster_state:ok")) {
        assert!(Instant::now() < patience, "the cluster does not form");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let url = format!("redis+cluster://{}", hosts.join(","));
    let store = Ephemeral::connect(Some(&url), Clock::System).await.unwrap();
    assert_eq!(store.eviction_policy().await.as_deref(), Some("noeviction"));
    ephemeral_conforms(store, Passing::Really).await;
    let used = nodes.iter().filter(|n| n.cli(&["dbsize"]) != "0").count();
    assert_eq!(used, 3, "the keys are spread");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_successor_that_sentinels_choose_is_found() {
    let mut master = Redis::start();
    let master_port = master.port().to_string();
    let replica = Redis::with(&["--replicaof", "127.0.0.1", &master_port]);
    let patience = Instant::now() + Duration::from_secs(10);
    while !replica.cli(&["info", "replication"]).contains("master_link_status:up") {
        assert!(Instant::now() < patience, "the replica does not follow");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let sentinel = Redis::sentinel(&[
        &format!("sentinel monitor main 127.0.0.1 {master_port} 1"),
        "sentinel down-after-milliseconds main 300",
        "sentinel failover-timeout main 2000",
    ]);
    while !sentinel.cli(&["sentinel", "replicas", "main"]).contains("127.0.0.1") {
        assert!(Instant::now() < patience, "the sentinel does not see the replica");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let url = format!("redis+sentinel://127.0.0.1:{}/main/0", sentinel.port());
    let store = Ephemeral::connect(Some(&url), Clock::System).await.unwrap();
    store.put("k", "v", 60).await.unwrap();
    assert_eq!(store.get("k").await.unwrap().as_deref(), Some("v"));
    master.stop();
    let patience = Instant::now() + Duration::from_secs(30);
    while store.put("k", "w", 60).await.is_err() {
        assert!(Instant::now() < patience, "the successor is not found");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(replica.cli(&["get", "dw:k"]), "w");
}
