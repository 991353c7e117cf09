//! Private PostgreSQL and Redis servers on loopback, one per test that asks for one.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

const POSTGRES_BIN: &str = "/usr/lib/postgresql/15/bin";

/// A directory that disappears with its owner.
pub(crate) struct TempDir(pub(crate) PathBuf);

impl TempDir {
    pub(crate) fn new(name: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("doorward-{name}-{}-{next}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A process that is told to end when its owner is dropped.
struct Server {
    child: Child,
    farewell: &'static str,
}

impl Server {
    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        Command::new("kill").args([name, &pid]).status().unwrap();
    }

    /// The same for it and the processes that it has started.
    fn signal_all(&self, name: &str) {
        self.signal(name);
        let pid = self.child.id().to_string();
        let output = Command::new("ps").args(["-o", "pid=", "--ppid", &pid]).output().unwrap();
        let children = String::from_utf8_lossy(&output.stdout).into_owned();
        let children: Vec<_> = children.split_whitespace().collect();
        if !children.is_empty() {
            Command::new("kill").arg(name).args(children).status().unwrap();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.signal_all("-CONT");
        self.signal(self.farewell);
        let _ = self.child.wait();
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn wait_for(port: u16) {
    let patience = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < patience, "no server on port {port}");
        std::thread::sleep(Duration::from_millis(30));
    }
}

/// A PostgreSQL server with one empty database.
pub(crate) struct Postgres {
    server: Option<Server>,
    port: u16,
    dir: TempDir,
}

impl Postgres {
    pub(crate) fn start() -> Self {
        let dir = TempDir::new("postgres");
        let run = |command: &mut Command| {
            let output = command.output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        };
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(&dir.0));
        }
        run(as_postgres("initdb")
            .args(["-U", "doorward", "-A", "trust", "-N", "-E", "UTF8", "-D"])
            .arg(&dir.0));
        let mut postgres = Self { server: None, port: free_port(), dir };
        postgres.resume();
        run(as_postgres("createdb")
            .args(["-h", "127.0.0.1", "-U", "doorward", "-p"])
            .args([&postgres.port.to_string(), "doorward"]));
        postgres
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://doorward@127.0.0.1:{}/doorward", self.port)
    }

    /// The address of another database, empty.
    pub(crate) fn fresh_url(&self) -> String {
        self.sql("create database fresh");
        format!("postgres://doorward@127.0.0.1:{}/fresh", self.port)
    }

    /// Stops the server at once, as a crash would.
    pub(crate) fn stop(&mut self) {
        self.server = None;
    }

    /// Starts it again on the same data and port.
    pub(crate) fn resume(&mut self) {
        let child = as_postgres("postgres")
            .arg("-D")
            .arg(&self.dir.0)
            .args(["-p", &self.port.to_string(), "-c", "listen_addresses=127.0.0.1"])
            .args(["-c", &format!("unix_socket_directories={}", self.dir.0.display())])
            .args(["-c", "fsync=off", "-c", "max_connections=200"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.server = Some(Server { child, farewell: "-QUIT" });
        wait_for(self.port);
        self.wait_until_ready();
    }

    fn wait_until_ready(&self) {
        let patience = Instant::now() + Duration::from_secs(20);
        let port = self.port.to_string();
        while !Command::new(Path::new(POSTGRES_BIN).join("pg_isready"))
            .args(["-q", "-h", "127.0.0.1", "-U", "doorward", "-p", &port])
            .status()
            .unwrap()
            .success()
        {
            assert!(Instant::now() < patience, "PostgreSQL does not become ready");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Stops it in its tracks: connections stay open and nothing answers.
    pub(crate) fn freeze(&self) {
        self.server.as_ref().unwrap().signal_all("-STOP");
    }

    pub(crate) fn thaw(&self) {
        self.server.as_ref().unwrap().signal_all("-CONT");
    }

    /// Ends every connection to the database, as an administrator would.
    pub(crate) fn terminate_backends(&self) {
        self.sql(
            "select pg_terminate_backend(pid) from pg_stat_activity \
             where datname = 'doorward' and pid <> pg_backend_pid()",
        );
    }

    /// Runs a statement as a bystander.
    pub(crate) fn sql(&self, sql: &str) -> String {
        let output = Command::new(Path::new(POSTGRES_BIN).join("psql"))
            .args(["-q", "-A", "-t", "-h", "127.0.0.1", "-U", "doorward", "-d", "doorward", "-p"])
            .args([&self.port.to_string(), "-c", sql])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    output.stdout.starts_with(b"0\n")
}

/// PostgreSQL refuses to run as root. `setpriv` becomes the program, so that its process id is the
/// server's.
fn as_postgres(program: &str) -> Command {
    let program = Path::new(POSTGRES_BIN).join(program);
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(program);
    command.current_dir("/");
    command
}

/// A Redis server without persistence.
pub(crate) struct Redis {
    server: Option<Server>,
    port: u16,
    dir: TempDir,
    arguments: Vec<String>,
}

impl Redis {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// With more of Redis' own arguments.
    pub(crate) fn with(arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|&a| a.to_owned()).collect();
        let dir = TempDir::new("redis");
        let mut redis = Self { server: None, port: free_port(), dir, arguments };
        redis.resume();
        redis
    }

    /// A sentinel with this configuration.
    pub(crate) fn sentinel(lines: &[&str]) -> Self {
        let dir = TempDir::new("sentinel");
        let file = dir.0.join("sentinel.conf");
        fs::write(&file, lines.join("\n")).unwrap();
        let port = free_port();
        let child = Command::new("redis-server")
            .arg(&file)
            .args(["--sentinel", "--port", &port.to_string(), "--bind", "127.0.0.1", "--dir"])
            .arg(&dir.0)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_for(port);
        let server = Some(Server { child, farewell: "-KILL" });
        Self { server, port, dir, arguments: Vec::new() }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn stop(&mut self) {
        self.server = None;
    }

    pub(crate) fn resume(&mut self) {
        let child = Command::new("redis-server")
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .args(["--appendonly", "no", "--maxmemory-policy", "noeviction", "--dir"])
            .arg(&self.dir.0)
            .args(&self.arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.server = Some(Server { child, farewell: "-KILL" });
        wait_for(self.port);
    }

    /// Stops it in its tracks: connections stay open and nothing answers.
    pub(crate) fn pause(&self) {
        self.server.as_ref().unwrap().signal("-STOP");
    }

    pub(crate) fn unpause(&self) {
        self.server.as_ref().unwrap().signal("-CONT");
    }

    /// Runs `redis-cli` against it.
    pub(crate) fn cli(&self, arguments: &[&str]) -> String {
        let output = Command::new("redis-cli")
            .args(["-p", &self.port.to_string()])
            .args(arguments)
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}
