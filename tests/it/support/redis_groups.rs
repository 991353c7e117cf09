//! Several Redis servers that belong together: a cluster, and a pair that a sentinel watches.

use std::process::Command;

use super::process::{Guarded, START_LIMIT, Scratch, Signal, free_port, wait_until};
use super::redis_server::{Persistence, RedisProcess};

/// Three masters without replicas, each with a third of the slots.
pub struct RedisCluster {
    pub shards: Vec<RedisProcess>,
}

impl RedisCluster {
    /// A cluster that has formed.
    pub fn start() -> Self {
        let shards: Vec<RedisProcess> = (0..3)
            .map(|_| {
                let bus = free_port().to_string();
                let arguments = ["--cluster-enabled", "yes", "--cluster-port", &bus];
                RedisProcess::start_with(Persistence::Snapshot, &arguments)
            })
            .collect();
        let cluster = Self { shards };
        let mut create = Command::new("redis-cli");
        create.args(["--cluster", "create"]).args(cluster.hosts()).arg("--cluster-yes");
        let told = create.output().expect("run redis-cli");
        let told = String::from_utf8_lossy(&told.stdout);
        assert!(told.contains("All 16384 slots covered"), "{told}");
        cluster.wait_until_whole();
        cluster
    }

    /// The address for `redis.url`.
    pub fn url(&self) -> String {
        format!("redis+cluster://{}", self.hosts().join(","))
    }

    /// Waits until each shard says that all slots are served.
    pub fn wait_until_whole(&self) {
        wait_until("the cluster being whole", START_LIMIT, || {
            self.shards.iter().all(|shard| {
                let info = shard.try_query::<String>(&["CLUSTER", "INFO"]);
                info.is_ok_and(|info| info.contains("cluster_state:ok"))
            })
        });
    }

    fn hosts(&self) -> Vec<String> {
        self.shards.iter().map(|shard| format!("127.0.0.1:{}", shard.port())).collect()
    }
}

/// A master, its replica, and the sentinel that makes the replica master when the master is gone.
pub struct WatchedPair {
    pub master: RedisProcess,
    pub replica: RedisProcess,
    _sentinel: Guarded,
    port: u16,
    // Declared last: the directory goes after the process that writes to it.
    _dir: Scratch,
}

impl WatchedPair {
    /// A pair that is in step.
    pub fn start() -> Self {
        let master = RedisProcess::start(Persistence::Snapshot);
        let of = master.port().to_string();
        let follow = ["--replicaof", "127.0.0.1", &of];
        let replica = RedisProcess::start_with(Persistence::Snapshot, &follow);
        wait_until("the replica following", START_LIMIT, || {
            replica.query::<String>(&["INFO", "replication"]).contains("master_link_status:up")
        });
        let (dir, port) = (Scratch::new("sentinel"), free_port());
        let settings = format!(
            "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor main 127.0.0.1 {of} 1\n\
             sentinel down-after-milliseconds main 300\nsentinel failover-timeout main 2000\n",
            dir.path().display()
        );
        std::fs::write(dir.join("sentinel.conf"), settings).expect("write the settings");
        let mut command = Command::new("redis-server");
        command.arg(dir.join("sentinel.conf")).arg("--sentinel");
        let sentinel = Guarded::start(&mut command, &dir.join("log"), Signal::Kill);
        let pair = Self { master, replica, _sentinel: sentinel, port, _dir: dir };
        wait_until("the sentinel seeing the replica", START_LIMIT, || pair.replicas_seen() == 1);
        pair
    }

    /// The address for `redis.url`.
    pub fn url(&self) -> String {
        format!("redis+sentinel://127.0.0.1:{}/main/0", self.port)
    }

    /// Whether the replica has become the master.
    pub fn has_failed_over(&self) -> bool {
        let role = self.replica.try_query::<String>(&["INFO", "replication"]);
        role.is_ok_and(|role| role.contains("role:master"))
    }

    fn replicas_seen(&self) -> usize {
        let asked = redis::Client::open(format!("redis://127.0.0.1:{}", self.port))
            .and_then(|client| client.get_connection())
            .and_then(|mut connection| {
                redis::cmd("SENTINEL")
                    .arg("REPLICAS")
                    .arg("main")
                    .query::<Vec<redis::Value>>(&mut connection)
            });
        asked.map_or(0, |replicas| replicas.len())
    }
}
