//! A Redis server of one test, which may kill it, freeze it, empty it or bring back an old snapshot.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::process::{Guarded, START_LIMIT, Scratch, Signal, free_port, wait_until};

/// What the server keeps on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    /// Only what [`RedisProcess::save_snapshot`] saves, as a stock server between two snapshots.
    Snapshot,
    /// Every write, as the compose file sets up.
    AppendOnly,
}

/// One server.
pub struct RedisProcess {
    process: Option<Guarded>,
    port: u16,
    persistence: Persistence,
    arguments: Vec<String>,
    snapshots: u32,
    // Declared last: the directory goes after the process that writes to it.
    dir: Scratch,
}

/// A copy of the server's data at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot(PathBuf);

impl RedisProcess {
    /// A fresh, running server with `maxmemory-policy noeviction` and 10 000 logical databases.
    pub fn start(persistence: Persistence) -> Self {
        Self::start_with(persistence, &[])
    }

    /// The same with more of Redis' own arguments.
    pub fn start_with(persistence: Persistence, arguments: &[&str]) -> Self {
        let (port, dir) = (free_port(), Scratch::new("redis"));
        let arguments = arguments.iter().map(|&word| word.to_owned()).collect();
        let mut server = Self { process: None, port, persistence, arguments, snapshots: 0, dir };
        server.launch();
        server
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of its first database.
    pub fn url(&self) -> String {
        self.url_of(0)
    }

    /// The address of one logical database.
    pub fn url_of(&self, database: u32) -> String {
        format!("redis://127.0.0.1:{}/{database}", self.port)
    }

    /// Ends the server without a chance to save anything.
    pub fn kill9(&mut self) {
        self.end(Signal::Kill);
    }

    /// Ends the server in order, saving nothing more.
    pub fn stop(&mut self) {
        self.end(Signal::Terminate);
    }

    /// Starts it again (after ending it, if it still runs) on the same port and files.
    pub fn restart(&mut self) {
        self.kill9();
        self.launch();
    }

    /// Freezes the server: connections stay open and nothing answers.
    pub fn pause(&self) {
        self.process.as_ref().expect("a running server").signal(Signal::Stop);
    }

    /// Ends a [`pause`](Self::pause).
    pub fn resume(&self) {
        self.process.as_ref().expect("a running server").signal(Signal::Continue);
    }

    /// Saves the data of this moment. Needs [`Persistence::Snapshot`].
    pub fn save_snapshot(&mut self) -> Snapshot {
        assert_eq!(self.persistence, Persistence::Snapshot, "the log would win over the snapshot");
        self.command(&["SAVE"]);
        self.snapshots += 1;
        let copy = self.dir.join(&format!("snapshot-{}.rdb", self.snapshots));
        std::fs::copy(self.dir.join("dump.rdb"), &copy).expect("copy the snapshot");
        Snapshot(copy)
    }

    /// Kills the server and starts it on an older snapshot, as after a failover to a stale copy.
    pub fn restore_snapshot(&mut self, snapshot: &Snapshot) {
        self.kill9();
        std::fs::copy(&snapshot.0, self.dir.join("dump.rdb")).expect("put the snapshot back");
        self.launch();
    }

    /// Empties every database.
    pub fn flush(&self) {
        self.command(&["FLUSHALL"]);
    }

    /// How many keys the first database holds.
    pub fn key_count(&self) -> usize {
        self.query(&["DBSIZE"])
    }

    /// Changes a setting of the running server.
    pub fn set_config(&self, name: &str, value: &str) {
        self.command(&["CONFIG", "SET", name, value]);
    }

    /// Runs one command and throws its answer away.
    pub fn command(&self, words: &[&str]) {
        let _: redis::Value = self.query(words);
    }

    /// Runs one command in the first database.
    pub fn query<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        self.try_query(words).unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// Like [`query`](Self::query) for a server that may be busy or gone.
    pub fn try_query<T: redis::FromRedisValue>(&self, words: &[&str]) -> redis::RedisResult<T> {
        let mut connection =
            redis::Client::open(self.url())?.get_connection_with_timeout(Duration::from_secs(2))?;
        connection.set_read_timeout(Some(Duration::from_secs(5)))?;
        let mut command = redis::Cmd::new();
        for word in words {
            command.arg(word);
        }
        command.query(&mut connection)
    }

    fn end(&mut self, signal: Signal) {
        if let Some(process) = self.process.take() {
            process.end(signal, Duration::from_secs(10));
        }
    }

    fn launch(&mut self) {
        let append_only = if self.persistence == Persistence::AppendOnly { "yes" } else { "no" };
        let mut command = Command::new("redis-server");
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"]);
        command.arg("--dir").arg(self.dir.path());
        command.args(["--save", "", "--appendonly", append_only, "--databases", "10000"]);
        command.args(["--maxmemory-policy", "noeviction", "--daemonize", "no"]);
        command.args(&self.arguments);
        let log = self.dir.join("log");
        self.process = Some(Guarded::start(&mut command, &log, Signal::Kill));
        wait_until("Redis answering", START_LIMIT, || {
            let ended = self.process.as_mut().is_none_or(|process| process.ended().is_some());
            let text = || std::fs::read_to_string(&log).unwrap_or_default();
            assert!(!ended, "Redis ended at start:\n{}", text());
            // A server that is still loading its data answers with an error.
            self.try_query::<String>(&["PING"]).is_ok_and(|answer| answer == "PONG")
        });
    }
}
