//! A running Doorward, alone with its own data, and the command line beside it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::backends::Backend;
use super::browser_like::Browser;
use super::past::{self, Past};
use super::process::{Guarded, START_LIMIT, Scratch, Signal, free_port, wait_until_async};
use super::servers::{
    Durability, Persistence, PostgresProcess, PrivatePostgres, PrivateRedis, RedisProcess,
};

/// What a world is made of; [`World::start`] takes it as it comes.
pub struct WorldBuilder {
    backend: Backend,
    environment: Vec<(String, String)>,
    own_redis: Option<Persistence>,
    own_postgres: bool,
    config_file: Option<String>,
}

impl WorldBuilder {
    /// Adds or replaces a setting, by its environment name (`DOORWARD_SESSION__IDLE`).
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Puts this text into a `doorward.toml` that every command reads.
    #[must_use]
    pub fn config_file(mut self, toml: &str) -> Self {
        self.config_file = Some(toml.to_owned());
        self
    }

    /// Gives the world a Redis it may kill, flush and restore ([`World::redis`]).
    #[must_use]
    pub fn own_redis(mut self, persistence: Persistence) -> Self {
        self.own_redis = Some(persistence);
        self
    }

    /// Gives the world a PostgreSQL it may stop and restart ([`World::postgres`]).
    #[must_use]
    pub fn own_postgres(mut self) -> Self {
        self.own_postgres = true;
        self
    }

    /// Prepares everything and does not start the server: for tests of the command line and of
    /// refused starts.
    pub async fn prepare(self) -> World {
        self.assemble(Past::None).await
    }

    async fn assemble(self, past: Past) -> World {
        let dir = Scratch::new("world");
        let port = free_port();
        let mut world = World {
            backend: self.backend,
            issuer: format!("http://localhost:{port}"),
            port,
            management_port: free_port(),
            environment: Vec::new(),
            process: None,
            redis: None,
            postgres: None,
            dir,
        };
        world.environment = world.base_environment();
        if let Some(toml) = &self.config_file {
            let path = world.dir.join("doorward.toml");
            std::fs::write(&path, toml).expect("write the configuration file");
            world.set("DOORWARD_CONFIG", &path.display().to_string());
        }
        if self.backend == Backend::Production {
            world.use_production(self.own_redis, self.own_postgres, past).await;
        } else if past == Past::Started {
            past::copy_embedded(&world.data_dir()).await;
        }
        for (name, value) in &self.environment {
            world.set(name, value);
        }
        world
    }

    /// Prepares everything and starts the server; returns when it is ready. The server finds the
    /// keys of an earlier start, unless the settings say something about keys.
    pub async fn start(self) -> World {
        let of_keys = self.environment.iter().any(|(name, _)| past::is_of_keys(name));
        let past = if of_keys || self.own_postgres || self.config_file.is_some() {
            Past::None
        } else {
            Past::Started
        };
        let mut world = self.assemble(past).await;
        world.start_server().await;
        world
    }
}

/// One Doorward.
pub struct World {
    /// Where it keeps its data.
    pub backend: Backend,
    /// Its issuer, `http://localhost:PORT`.
    pub issuer: String,
    /// Its public port.
    pub port: u16,
    /// The port of `/metrics`, `/livez` and `/readyz`.
    pub management_port: u16,
    environment: Vec<(String, String)>,
    process: Option<Guarded>,
    redis: Option<RedisProcess>,
    postgres: Option<PostgresProcess>,
    // Declared last: the directory goes after the processes that write to it.
    dir: Scratch,
}

impl World {
    /// A running Doorward with default settings.
    pub async fn start(backend: Backend) -> Self {
        Self::builder(backend).start().await
    }

    /// A Doorward to be shaped before it starts.
    pub fn builder(backend: Backend) -> WorldBuilder {
        WorldBuilder {
            backend,
            environment: Vec::new(),
            own_redis: None,
            own_postgres: false,
            config_file: None,
        }
    }

    /// The full address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }

    /// The full address of a path on the management listener.
    pub fn management_url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.management_port)
    }

    /// A browser nobody used yet.
    pub fn browser(&self) -> Browser {
        Browser::new(&self.issuer)
    }

    /// The directory of this world, for files of the test.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Writes a file of this name; gives its path.
    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).expect("write a file");
        path.display().to_string()
    }

    /// The data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// The address of the database, for a test that looks into it.
    pub fn database_url(&self) -> String {
        let set = self.setting("DOORWARD_DATABASE__URL").map(ToOwned::to_owned);
        set.unwrap_or_else(|| format!("sqlite:{}", self.data_dir().join("doorward.db").display()))
    }

    /// A setting this world's processes get, by its environment name.
    pub fn setting(&self, name: &str) -> Option<&str> {
        let mut found = self.environment.iter().filter(|(known, _)| known == name);
        found.next_back().map(|(_, value)| value.as_str())
    }

    /// Every setting this world's processes get, by its environment name.
    pub fn settings(&self) -> impl Iterator<Item = (&str, &str)> {
        self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Adds or replaces a setting for the processes started from here on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Takes a setting away from the processes started from here on.
    pub fn unset(&mut self, name: &str) {
        self.environment.retain(|(known, _)| known != name);
    }

    /// The Redis of [`WorldBuilder::own_redis`].
    pub fn redis(&mut self) -> &mut RedisProcess {
        self.redis.as_mut().expect("a world built with own_redis on the production backend")
    }

    /// The PostgreSQL of [`WorldBuilder::own_postgres`].
    pub fn postgres(&mut self) -> &mut PostgresProcess {
        self.postgres.as_mut().expect("a world built with own_postgres on the production backend")
    }

    /// Starts the server and waits until it is ready. Panics, showing the log, when it ends first.
    pub async fn start_server(&mut self) {
        self.spawn_server();
        let client = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .build()
            .expect("an HTTP client");
        let ready = self.management_url("/readyz");
        let mut starts = 1;
        wait_until_async("Doorward getting ready", START_LIMIT, async || {
            if let Some(ended) = self.process.as_mut().and_then(Guarded::ended) {
                // A busy database may take too long for it; whatever runs it starts it again.
                let was_slow = self.log().contains("error: unavailable: no answer in time");
                assert!(was_slow && starts < 3, "doorward ended with {ended:?}:\n{}", self.log());
                starts += 1;
                self.spawn_server();
            }
            client.get(&ready).send().await.is_ok_and(|answer| answer.status().is_success())
        })
        .await;
    }

    /// Starts the server and does not wait.
    pub fn spawn_server(&mut self) {
        let log = self.log_path();
        let mut command = self.command(&["serve"]);
        self.process = Some(Guarded::start(&mut command, &log, Signal::Kill));
    }

    /// The process id of the running server.
    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("a running server").pid()
    }

    /// Whether the server still runs.
    pub fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| process.ended().is_none())
    }

    /// Ends the server without a chance to save anything.
    pub fn kill9(&mut self) {
        let process = self.process.take().expect("a running server");
        process.end(Signal::Kill, Duration::from_secs(5));
    }

    /// Asks the server to end (SIGTERM) and waits, at most forty seconds.
    pub fn stop(&mut self) -> ExitStatus {
        let process = self.process.take().expect("a running server");
        process.end(Signal::Terminate, Duration::from_secs(40))
    }

    /// Ends it if it runs, by SIGTERM, and starts it again.
    pub async fn restart(&mut self) {
        if self.process.is_some() {
            self.stop();
        }
        self.start_server().await;
    }

    /// Sends a signal to the server.
    pub fn signal(&self, signal: Signal) {
        self.process.as_ref().expect("a running server").signal(signal);
    }

    /// Everything the servers of this world wrote so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Checks what no log may hold: a panic, or any of these secrets.
    #[track_caller]
    pub fn assert_log_is_clean(&self, secrets: &[&str]) {
        let log = self.log();
        assert!(!log.contains("panicked at"), "the server panicked:\n{log}");
        for secret in secrets {
            assert!(!log.contains(secret), "the log tells the secret `{secret}`");
        }
    }

    /// Runs a command with `--format json` beside the server and gives its document. Panics,
    /// showing the messages, when it fails.
    pub fn cli(&self, arguments: &[&str]) -> Value {
        self.cli_with_input(arguments, "")
    }

    /// Like [`cli`](Self::cli) with text on standard input, for `--password-file -`.
    pub fn cli_with_input(&self, arguments: &[&str], input: &str) -> Value {
        // Commands make no database; the server does, if it was started.
        let path = self.database_url();
        if path.strip_prefix("sqlite:").is_some_and(|path| !Path::new(path).exists()) {
            assert!(self.run(&["db", "migrate"]).status.success(), "no database could be made");
        }
        let output = self.run_with_input(&[&["--format", "json"], arguments].concat(), input);
        let (out, messages) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "doorward {arguments:?}: {}\n{messages}", output.status);
        if out.trim().is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{arguments:?}: {error}\n{out}"))
    }

    /// Runs a command as it is and gives everything it left.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.run_with_input(arguments, "")
    }

    /// Like [`run`](Self::run) with text on standard input.
    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("start the command");
        let mut stdin = child.stdin.take().expect("a pipe");
        // A command that does not read its input may have closed it.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        child.wait_with_output().expect("wait for the command")
    }

    /// The binary with these arguments in this world's environment, and nothing of ours.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
        command.args(arguments).env_clear().current_dir(self.dir.path());
        for name in ["PATH", "HOME", "TMPDIR", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    fn log_path(&self) -> PathBuf {
        self.dir.join("doorward.log")
    }

    fn base_environment(&self) -> Vec<(String, String)> {
        [
            ("DOORWARD_ISSUER", self.issuer.clone()),
            ("DOORWARD_DATA_DIR", self.data_dir().display().to_string()),
            ("DOORWARD_SERVER__LISTEN", format!("127.0.0.1:{}", self.port)),
            ("DOORWARD_MANAGEMENT__LISTEN", format!("127.0.0.1:{}", self.management_port)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    async fn use_production(
        &mut self,
        own_redis: Option<Persistence>,
        own_postgres: bool,
        past: Past,
    ) {
        self.set("DOORWARD_SECRETS__MASTER_KEY", past::master_key());
        self.redis = own_redis.map(RedisProcess::start);
        let redis = self.redis.as_ref().map_or_else(PrivateRedis::fresh, RedisProcess::url);
        self.set("DOORWARD_REDIS__URL", &redis);
        let database = if own_postgres {
            let server = PostgresProcess::start(Durability::Fsync).await;
            let url = server.create_database().await;
            self.postgres = Some(server);
            url
        } else if past == Past::Started {
            PrivatePostgres::database_made_by("started", async |url| {
                self.set("DOORWARD_DATABASE__URL", &url);
                self.start_server().await;
                self.stop();
                let _ = std::fs::remove_file(self.log_path());
            })
            .await
        } else {
            PrivatePostgres::database_made_by("migrated", async |url| self.migrate(&url)).await
        };
        self.set("DOORWARD_DATABASE__URL", &database);
    }

    fn migrate(&self, url: &str) {
        let mut command = self.command(&["db", "migrate"]);
        let output = command.env("DOORWARD_DATABASE__URL", url).output().expect("run db migrate");
        assert!(output.status.success(), "db migrate failed:\n{}", text(&output.stderr));
    }
}

/// The path of the binary under test.
pub fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_doorward"))
}

/// A master key: 32 random bytes in base64.
pub fn random_key() -> String {
    use std::io::Read;
    let mut bytes = [0; 32];
    let mut source = std::fs::File::open("/dev/urandom").expect("a source of randomness");
    source.read_exact(&mut bytes).expect("32 random bytes");
    data_encoding::BASE64.encode(&bytes)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
