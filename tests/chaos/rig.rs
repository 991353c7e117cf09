//! The servers, the nodes, and the proxies between them.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::flow::http_client;
use crate::support::backends::Backend;
use crate::support::fault_proxy::{Fault, FaultProxy};
use crate::support::process::{Guarded, Signal, free_port};
use crate::support::redis_groups::WatchedPair;
use crate::support::servers::Persistence;
use crate::support::world::{World, WorldBuilder};

/// How long anything may take before the test gives up; far longer than what is promised, so that a
/// busy machine fails nothing.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What is shown of a log after a failure.
const LAST_LINES: usize = 60;

/// One node and what it reaches its stores through.
pub struct Node {
    pub port: u16,
    pub postgres: FaultProxy,
    pub redis: FaultProxy,
    management_port: u16,
    stores: [u16; 2],
    process: Option<Guarded>,
    log: PathBuf,
}

/// Two nodes on one PostgreSQL and one Redis. The world's own server never runs; its commands go to
/// the stores directly.
pub struct Rig {
    pub world: World,
    pub nodes: [Node; 2],
}

/// Whoever reads of a failure wants to know what the nodes said of it.
impl Drop for Rig {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        for node in &self.nodes {
            let log = std::fs::read_to_string(&node.log).unwrap_or_default();
            let mut last: Vec<&str> = log.lines().rev().take(LAST_LINES).collect();
            last.reverse();
            eprintln!("the last lines of node {}:\n{}", node.port, last.join("\n"));
        }
    }
}

impl Rig {
    /// Everything, running and ready.
    pub async fn start(settings: &[(&str, &str)]) -> Self {
        let mut world = builder(settings).own_redis(Persistence::Snapshot).prepare().await;
        let stores = [world.postgres().port(), world.redis().port()];
        Self::on(world, stores).await
    }

    /// The same with a Redis that sentinels watch. They tell the nodes where it is, so nothing can stand
    /// between.
    pub async fn behind_sentinels(settings: &[(&str, &str)], pair: &WatchedPair) -> Self {
        let builder = builder(settings).env("DOORWARD_REDIS__URL", &pair.url());
        let mut world = builder.prepare().await;
        let stores = [world.postgres().port(), pair.master.port()];
        Self::on(world, stores).await
    }

    async fn on(world: World, stores: [u16; 2]) -> Self {
        let mut nodes = [Node::new(&world, stores).await, Node::new(&world, stores).await];
        for node in &mut nodes {
            node.start(&world).await;
        }
        Self { world, nodes }
    }

    /// Where the nodes are.
    pub fn bases(&self) -> [String; 2] {
        [self.nodes[0].base(), self.nodes[1].base()]
    }

    /// Waits until both nodes are ready.
    pub async fn ready(&mut self) {
        for node in &mut self.nodes {
            node.ready().await;
        }
    }

    /// Kills a node; gives how long its successor took to be ready.
    pub async fn kill_node(&mut self, number: usize) -> Duration {
        self.nodes[number].end(Signal::Kill);
        let began = Instant::now();
        self.nodes[number].start(&self.world).await;
        began.elapsed()
    }

    /// Kills Redis, which forgets what came after its last snapshot, and starts it after a while.
    /// Returns with its first answer.
    pub async fn kill_redis(&mut self, away: Duration) {
        self.world.redis().kill9();
        tokio::time::sleep(away).await;
        tokio::task::block_in_place(|| self.world.redis().restart());
    }

    /// Kills PostgreSQL and starts it after a while. Returns with the first connection it takes.
    pub async fn kill_postgres(&mut self, away: Duration) {
        self.world.postgres().kill9().await;
        tokio::time::sleep(away).await;
        self.world.postgres().restart().await;
    }

    /// How often a node has written this.
    pub fn told(&self, words: &str) -> usize {
        let log = |node: &Node| std::fs::read_to_string(&node.log).unwrap_or_default();
        self.nodes.iter().map(|node| log(node).matches(words).count()).sum()
    }

    /// Checks what no node may have written.
    pub fn assert_logs_are_clean(&self, secrets: &[&str]) {
        for node in &self.nodes {
            let log = std::fs::read_to_string(&node.log).unwrap_or_default();
            assert!(!log.contains("panicked at"), "a node panicked:\n{log}");
            for secret in secrets {
                assert!(!log.contains(secret), "the log tells the secret `{secret}`");
            }
        }
    }

    /// A command line beside the nodes that can be used while the rig is being broken.
    pub fn commands(&self) -> Commands {
        let like = self.world.command(&["version"]);
        let own = |(name, value): (&std::ffi::OsStr, Option<&std::ffi::OsStr>)| {
            Some((name.to_owned(), value?.to_owned()))
        };
        Commands { environment: like.get_envs().filter_map(own).collect() }
    }
}

fn builder(settings: &[(&str, &str)]) -> WorldBuilder {
    let mut builder = World::builder(Backend::Production).own_postgres();
    builder = builder.config_file(crate::more::SETTINGS);
    for (name, value) in settings {
        builder = builder.env(name, value);
    }
    builder
}

/// See [`Rig::commands`].
#[derive(Clone)]
pub struct Commands {
    environment: Vec<(std::ffi::OsString, std::ffi::OsString)>,
}

impl Commands {
    /// Runs a command; whether it says that it was done.
    pub async fn run(&self, words: &[&str]) -> bool {
        let mut command = Command::new(crate::support::world::binary());
        command.args(words).env_clear().envs(self.environment.iter().map(|(n, v)| (n, v)));
        let ended = tokio::task::spawn_blocking(move || command.output()).await.expect("a thread");
        ended.expect("run a command").status.success()
    }
}

impl Node {
    async fn new(world: &World, stores: [u16; 2]) -> Self {
        let port = free_port();
        Self {
            port,
            postgres: FaultProxy::start(stores[0]).await,
            redis: FaultProxy::start(stores[1]).await,
            stores,
            management_port: free_port(),
            process: None,
            log: world.path(&format!("node-{port}.log")),
        }
    }

    /// Its own address; the issuer is another, as behind a proxy.
    pub fn base(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Ends it by this signal and waits until it has ended.
    pub fn end(&mut self, signal: Signal) {
        let process = self.process.take().expect("a running node");
        let status = tokio::task::block_in_place(|| process.end(signal, Duration::from_secs(40)));
        if signal == Signal::Terminate {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            assert!(status.success(), "it did not stop in order: {status}\n{log}");
        }
    }

    /// Breaks, or mends, what is between the node and both stores.
    pub fn set(&self, postgres: Fault, redis: Fault) {
        self.postgres.set(postgres);
        self.redis.set(redis);
    }

    /// Starts it, for the first time or after it was ended, and waits until it is ready.
    pub async fn start(&mut self, world: &World) {
        self.spawn(world);
        self.ready().await;
    }

    fn spawn(&mut self, world: &World) {
        let [postgres, redis] = self.stores;
        let database = self.postgres.in_front_of(&world.database_url(), postgres);
        let fast = world.setting("DOORWARD_REDIS__URL").unwrap_or_default();
        let mut command = world.command(&["serve"]);
        command.env("DOORWARD_DATABASE__URL", database);
        if fast.starts_with("redis://") {
            command.env("DOORWARD_REDIS__URL", self.redis.in_front_of(fast, redis));
        }
        command.env("DOORWARD_SERVER__LISTEN", format!("127.0.0.1:{}", self.port));
        command.env("DOORWARD_MANAGEMENT__LISTEN", format!("127.0.0.1:{}", self.management_port));
        self.process = Some(Guarded::start(&mut command, &self.log, Signal::Kill));
    }

    /// What it says when asked whether it is ready; none without an answer.
    pub async fn says(&self) -> Option<u16> {
        let address = format!("http://127.0.0.1:{}/readyz", self.management_port);
        let answer = http_client().get(&address).send().await.ok()?;
        Some(answer.status().as_u16())
    }

    async fn ready(&mut self) {
        let began = Instant::now();
        while self.says().await != Some(200) {
            let ended = self.process.as_mut().and_then(Guarded::ended);
            let log = || std::fs::read_to_string(&self.log).unwrap_or_default();
            assert!(ended.is_none(), "a node ended with {ended:?}:\n{}", log());
            assert!(began.elapsed() < PATIENCE, "a node does not get ready:\n{}", log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
