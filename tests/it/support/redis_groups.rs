//! Several Redis servers that belong together: a cluster, and a pair that sentinels watch.

use std::process::Command;

use super::process::{Guarded, START_LIMIT, Scratch, Signal, free_port, wait_until};
use super::redis_server::{Persistence, RedisProcess};

/// Three masters, each with a third of the slots.
pub struct RedisCluster {
    pub shards: Vec<RedisProcess>,
    /// None, or one of each master, in no particular order.
    pub replicas: Vec<RedisProcess>,
}

impl RedisCluster {
    /// A cluster of masters that has formed.
    pub fn start() -> Self {
        Self::form(3)
    }

    /// A cluster that has formed, with a replica of each master that is in step.
    pub fn start_with_replicas() -> Self {
        let cluster = Self::form(6);
        wait_until("the replicas following", START_LIMIT, || {
            cluster.replicas.iter().all(|replica| replication(replica).1.is_some())
        });
        cluster
    }

    fn form(servers: usize) -> Self {
        let mut shards: Vec<RedisProcess> = (0..servers)
            .map(|_| {
                let bus = free_port().to_string();
                let mut arguments = vec!["--cluster-enabled", "yes", "--cluster-port", &bus];
                if servers > 3 {
                    // How long a master may be silent before its replica takes over, in milliseconds.
                    arguments.extend(["--cluster-node-timeout", "3000"]);
                }
                RedisProcess::start_with(Persistence::Snapshot, &arguments)
            })
            .collect();
        let replicas = shards.split_off(3);
        let cluster = Self { shards, replicas };
        let mut create = Command::new("redis-cli");
        let each = (servers / 3 - 1).to_string();
        create.args(["--cluster", "create"]).args(cluster.hosts());
        create.args(["--cluster-replicas", &each, "--cluster-yes"]);
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

    /// Waits until each server says that all slots are served.
    pub fn wait_until_whole(&self) {
        wait_until("the cluster being whole", START_LIMIT, || {
            self.shards.iter().chain(&self.replicas).all(|server| {
                let info = server.try_query::<String>(&["CLUSTER", "INFO"]);
                info.is_ok_and(|info| info.contains("cluster_state:ok"))
            })
        });
    }

    /// Kills a master and waits until its replica has taken its place.
    pub fn fail_over(&mut self, shard: usize) {
        let port = self.shards[shard].port();
        let of = |replica: &RedisProcess| replication(replica).1 == Some(port);
        let heir = self.replicas.iter().position(of).expect("a replica of this master");
        self.shards[shard].kill9();
        wait_until("the replica taking over", START_LIMIT, || {
            replication(&self.replicas[heir]).0 == "master"
        });
    }

    fn hosts(&self) -> Vec<String> {
        let servers = self.shards.iter().chain(&self.replicas);
        servers.map(|server| format!("127.0.0.1:{}", server.port())).collect()
    }
}

/// The role of a server, and the port of the master that it is in step with.
fn replication(server: &RedisProcess) -> (String, Option<u16>) {
    let info = server.try_query::<String>(&["INFO", "replication"]).unwrap_or_default();
    let value = |name: &str| {
        let line = info.lines().find_map(|line| line.strip_prefix(name));
        line.map(str::trim).unwrap_or_default().to_owned()
    };
    let is_up = value("master_link_status:") == "up";
    (value("role:"), is_up.then(|| value("master_port:").parse().ok()).flatten())
}

/// A master, its replica, and the sentinels that make the replica master when the master is gone.
pub struct WatchedPair {
    pub master: RedisProcess,
    pub replica: RedisProcess,
    sentinels: Vec<Sentinel>,
}

/// One that watches.
struct Sentinel {
    process: Guarded,
    port: u16,
    // Declared last: the directory goes after the process that writes to it.
    _dir: Scratch,
}

impl WatchedPair {
    /// A pair that is in step, with one sentinel.
    pub fn start() -> Self {
        Self::start_with(1)
    }

    /// The same with so many sentinels, which know each other. Most of them have to agree.
    pub fn start_with(sentinels: usize) -> Self {
        let master = RedisProcess::start(Persistence::Snapshot);
        let of = master.port().to_string();
        let follow = ["--replicaof", "127.0.0.1", &of];
        let replica = RedisProcess::start_with(Persistence::Snapshot, &follow);
        wait_until("the replica following", START_LIMIT, || {
            replica.query::<String>(&["INFO", "replication"]).contains("master_link_status:up")
        });
        let quorum = sentinels / 2 + 1;
        let others = sentinels - 1;
        let sentinels = (0..sentinels).map(|_| Sentinel::start(&of, quorum)).collect();
        let pair = Self { master, replica, sentinels };
        wait_until("the sentinels seeing the replica and each other", START_LIMIT, || {
            let sees = |what, count| move |one: &Sentinel| one.seen(what) == count;
            pair.sentinels.iter().all(sees("REPLICAS", 1))
                && pair.sentinels.iter().all(sees("SENTINELS", others))
        });
        pair
    }

    /// The address for `redis.url`.
    pub fn url(&self) -> String {
        let hosts = self.sentinels.iter().map(|one| format!("127.0.0.1:{}", one.port));
        format!("redis+sentinel://{}/main/0", hosts.collect::<Vec<_>>().join(","))
    }

    /// Freezes a sentinel: it takes connections and never answers.
    pub fn hang(&self, sentinel: usize) {
        self.sentinels[sentinel].process.signal(Signal::Stop);
    }

    /// Ends a [`hang`](Self::hang).
    pub fn thaw(&self, sentinel: usize) {
        self.sentinels[sentinel].process.signal(Signal::Continue);
    }

    /// Whether the sentinels say that the replica is the master. It has become that a moment before.
    pub fn announces_replica(&self) -> bool {
        let port = self.replica.port().to_string();
        self.sentinels.iter().all(|one| {
            let told = one.ask::<Vec<String>>("GET-MASTER-ADDR-BY-NAME");
            told.is_ok_and(|address| address.last() == Some(&port))
        })
    }

    /// Whether the replica has become the master.
    pub fn has_failed_over(&self) -> bool {
        let role = self.replica.try_query::<String>(&["INFO", "replication"]);
        role.is_ok_and(|role| role.contains("role:master"))
    }
}

impl Sentinel {
    fn start(master: &str, quorum: usize) -> Self {
        let (dir, port) = (Scratch::new("sentinel"), free_port());
        let settings = format!(
            "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor main 127.0.0.1 {master} {quorum}\n\
             sentinel down-after-milliseconds main 300\nsentinel failover-timeout main 2000\n",
            dir.path().display()
        );
        std::fs::write(dir.join("sentinel.conf"), settings).expect("write the settings");
        let mut command = Command::new("redis-server");
        command.arg(dir.join("sentinel.conf")).arg("--sentinel");
        let process = Guarded::start(&mut command, &dir.join("log"), Signal::Kill);
        Self { process, port, _dir: dir }
    }

    /// How many of something it knows.
    fn seen(&self, what: &str) -> usize {
        self.ask::<Vec<redis::Value>>(what).map_or(0, |found| found.len())
    }

    /// Asks it something about the master.
    fn ask<T: redis::FromRedisValue>(&self, what: &str) -> redis::RedisResult<T> {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}", self.port))?;
        let mut connection = client.get_connection()?;
        redis::cmd("SENTINEL").arg(what).arg("main").query(&mut connection)
    }
}
