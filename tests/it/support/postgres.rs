//! A PostgreSQL server of our own, started on a free loopback port and an empty data directory.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::process::{Guarded, START_LIMIT, Scratch, Signal, free_port, wait_until_async};

/// Whether a commit waits for the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// As in production; what every test that crashes something needs.
    Fsync,
    /// Faster; a crash of the machine may lose data, a crash of a process does not.
    NoFsync,
}

/// One server. A test that stops, restarts or breaks it starts its own; the others share one
/// (see [`super::servers::PrivatePostgres`]).
pub struct PostgresProcess {
    process: Option<Guarded>,
    port: u16,
    durability: Durability,
    // Declared last: the directory goes after the process that writes to it.
    dir: Scratch,
}

impl PostgresProcess {
    /// A fresh, running server.
    pub async fn start(durability: Durability) -> Self {
        let dir = Scratch::new("postgres");
        copy_cluster(&dir);
        let mut server = Self { process: None, port: free_port(), durability, dir };
        server.launch().await;
        server
    }

    /// The address of the database `name` on this server.
    pub fn url(&self, name: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{name}", self.port)
    }

    /// An empty database with a name no other call gets; gives its address.
    pub async fn create_database(&self) -> String {
        self.create_database_from("template0").await
    }

    /// A copy of the database `template`, to which nobody may be connected meanwhile.
    pub async fn create_database_from(&self, template: &str) -> String {
        use std::sync::atomic::{AtomicU32, Ordering};
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        self.execute(&format!("create database {name} template {template}")).await;
        self.url(&name)
    }

    /// Ends the server and keeps its data.
    pub fn stop(&mut self) {
        self.end(Signal::Interrupt);
    }

    /// Ends the server as a crash would; it recovers from its log at the next start.
    pub fn crash(&mut self) {
        self.end(Signal::Quit);
    }

    /// Ends the main process with a signal that cannot be refused. What it had started sees that it is
    /// gone and ends, which is waited for: they hold memory that the next start must not find in use.
    pub async fn kill9(&mut self) {
        self.end(Signal::Kill);
        let data = self.dir.join("data");
        wait_until_async("the last process of PostgreSQL ending", START_LIMIT, async || {
            !someone_works_in(&data)
        })
        .await;
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts it again, on the same port and data.
    pub async fn restart(&mut self) {
        self.stop();
        self.launch().await;
    }

    /// A copy of the data of this moment. The server must have ended: nothing may write to it meanwhile.
    pub fn save_data(&self) -> PathBuf {
        assert!(self.process.is_none(), "a running server has data that is not on its disk");
        let copy = self.dir.join("copy");
        copy_directory(&self.dir.join("data"), &copy);
        copy
    }

    /// Puts an older copy in the place of the data: what was committed since is lost. The server must have
    /// ended.
    pub fn put_back(&self, copy: &Path) {
        assert!(self.process.is_none(), "the server still works on its data");
        copy_directory(copy, &self.dir.join("data"));
    }

    /// Ends every other session on the server; gives how many there were.
    pub async fn terminate_backends(&self) -> i64 {
        let mut connection = self.connect().await;
        let sql = "select count(pg_terminate_backend(pid)) from pg_stat_activity \
                   where backend_type = 'client backend' and pid <> pg_backend_pid()";
        sqlx::query_scalar(sql).fetch_one(&mut connection).await.expect("end the sessions")
    }

    /// From now on new transactions may only read, or may write again.
    pub async fn set_read_only(&self, setting: ReadOnly) {
        let value = if setting == ReadOnly::On { "on" } else { "off" };
        self.execute(&format!("alter system set default_transaction_read_only = {value}")).await;
        self.execute("select pg_reload_conf()").await;
    }

    /// What the server wrote to its log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }

    /// Runs one statement in the maintenance database.
    pub async fn execute(&self, sql: &str) {
        let mut connection = self.connect().await;
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
            .execute(&mut connection)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        let _ = connection.close().await;
    }

    async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url("postgres")).await.expect("connect to the private server")
    }

    fn end(&mut self, signal: Signal) {
        if let Some(process) = self.process.take() {
            process.end(signal, Duration::from_secs(20));
        }
    }

    async fn launch(&mut self) {
        self.process =
            Some(Guarded::start(&mut self.command(), &self.dir.join("log"), Signal::Quit));
        let url = self.url("postgres");
        wait_until_async("PostgreSQL accepting connections", START_LIMIT, async || {
            let ended = self.process.as_mut().is_none_or(|process| process.ended().is_some());
            assert!(!ended, "PostgreSQL ended at start:\n{}", self.log());
            PgConnection::connect(&url).await.is_ok()
        })
        .await;
    }

    fn command(&self) -> Command {
        let mut command = as_server_account(&binary("postgres"));
        command.arg("-D").arg(self.dir.join("data")).arg("-p").arg(self.port.to_string());
        let fsync = if self.durability == Durability::Fsync { "on" } else { "off" };
        for setting in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=300",
            "shared_buffers=64MB",
            "wal_level=minimal",
            "max_wal_senders=0",
            "log_min_messages=warning",
            &format!("fsync={fsync}"),
        ] {
            command.arg("-c").arg(setting);
        }
        command
    }
}

/// See [`PostgresProcess::set_read_only`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadOnly {
    /// Writes fail.
    On,
    /// Back to normal.
    Off,
}

/// Copies the data directory that `initdb` made once in this process: initdb costs seconds.
fn copy_cluster(dir: &Scratch) {
    static CLUSTER: OnceLock<Scratch> = OnceLock::new();
    let made = CLUSTER.get_or_init(|| {
        let dir = Scratch::new("initdb");
        give_to_server_account(dir.path());
        let mut command = as_server_account(&binary("initdb"));
        command.args(["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        command.args(["--username=postgres", "--no-instructions"]);
        command.arg("-D").arg(dir.join("data"));
        run(&mut command);
        dir
    });
    give_to_server_account(dir.path());
    copy_directory(&made.join("data"), &dir.join("data"));
}

/// Copies a directory to the place of whatever is there.
fn copy_directory(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    run(Command::new("cp").arg("-a").arg(from).arg(to));
}

/// Whether a process has this directory as its working directory, as all of PostgreSQL's do.
fn someone_works_in(directory: &Path) -> bool {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|entry| std::fs::read_link(entry.path().join("cwd")).ok())
        .any(|at| at == directory)
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().expect("start a helper program");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed:\n{errors}");
}

/// PostgreSQL refuses to run as root, so root runs it as `postgres`; anyone else as themselves.
fn as_server_account(program: &Path) -> Command {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new(program);
    command.current_dir("/").env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    if let Some((user, group)) = server_account() {
        command.uid(user).gid(group);
    }
    command
}

fn give_to_server_account(path: &Path) {
    if let Some((user, group)) = server_account() {
        std::os::unix::fs::chown(path, Some(user), Some(group)).expect("hand over the directory");
    }
}

/// User and group of `postgres` when we are root, else nothing.
fn server_account() -> Option<(u32, u32)> {
    static ACCOUNT: OnceLock<Option<(u32, u32)>> = OnceLock::new();
    *ACCOUNT.get_or_init(|| {
        let is_root = id(&["-u"]) == Some(0);
        is_root.then(|| {
            let user = id(&["-u", "postgres"]).expect("a user `postgres`: run scripts/test-setup");
            (user, id(&["-g", "postgres"]).expect("the group of `postgres`"))
        })
    })
}

fn id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).stderr(Stdio::null()).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// The newest installed server's program, else the one on PATH.
fn binary(name: &str) -> PathBuf {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            let path = entry.path().join("bin").join(name);
            path.exists().then_some((version, path))
        })
        .collect();
    found.sort();
    found.pop().map_or_else(|| PathBuf::from(name), |(_, path)| path)
}
