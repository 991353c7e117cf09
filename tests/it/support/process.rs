//! Child processes, ports and directories that never outlive the test run.

use std::collections::HashSet;
use std::fs::File;
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a server may take to come up on a busy machine.
pub const START_LIMIT: Duration = Duration::from_mins(1);

/// A directory of our own, removed when dropped and, if the process dies first, by its watchdog.
pub struct Scratch {
    path: PathBuf,
    watchdog: Watchdog,
}

impl Scratch {
    /// An empty directory whose name contains `label`.
    pub fn new(label: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("doorward-test-{}-{count}-{label}", std::process::id());
        let path = std::env::temp_dir().join(name);
        // A leftover of an earlier process with our number: its watchdog was killed too.
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("make a scratch directory");
        // Programs that are just ending may still add files, so it comes back twice.
        let clean_up =
            format!("for pause in 0 1 3; do sleep $pause; rm -rf '{}'; done", path.display());
        Self { watchdog: Watchdog::new(&clean_up), path }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A path inside it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
        self.watchdog.let_run();
    }
}

/// A signal, by the name `kill` knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Ask to end.
    Terminate,
    /// PostgreSQL: end now, without waiting for sessions ("fast").
    Interrupt,
    /// PostgreSQL: end as in a crash ("immediate").
    Quit,
    /// Cannot be refused.
    Kill,
    /// Read the settings again.
    Hangup,
    /// Freeze.
    Stop,
    /// Thaw.
    Continue,
}

impl Signal {
    fn name(self) -> &'static str {
        match self {
            Self::Terminate => "TERM",
            Self::Interrupt => "INT",
            Self::Quit => "QUIT",
            Self::Kill => "KILL",
            Self::Hangup => "HUP",
            Self::Stop => "STOP",
            Self::Continue => "CONT",
        }
    }
}

/// A child process of one test: ended when dropped, and by its watchdog when the test process dies
/// without dropping anything.
pub struct Guarded {
    child: Child,
    watchdog: Watchdog,
}

impl Guarded {
    /// Starts `command` with its output going to `log`; `last_signal` is what ends it at the end.
    ///
    /// The child gets a process group of its own, so that a Ctrl-C meant for the test run reaches
    /// it through the watchdog, in order, and not as a stray signal.
    pub fn start(command: &mut Command, log: &Path, last_signal: Signal) -> Self {
        let out = File::options().create(true).append(true).open(log).expect("open the log file");
        let err = out.try_clone().expect("share the log file");
        let child = command
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("start {}: {error}", command.get_program().display()));
        let pid = child.id();
        let last = last_signal.name();
        // Frozen processes must be thawed to hear a signal. Ten seconds, then the hard way.
        let watchdog = Watchdog::new(&format!(
            "kill -CONT {pid} && kill -{last} {pid}
             i=0; while kill -0 {pid} && [ $i -lt 100 ]; do sleep 0.1; i=$((i+1)); done
             kill -KILL {pid}"
        ));
        Self { child, watchdog }
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal to this process and no other.
    pub fn signal(&self, signal: Signal) {
        send_signal(self.pid(), signal);
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("ask whether the child ended")
    }

    /// Sends `signal` and waits for the end; past `limit` it is killed.
    pub fn end(mut self, signal: Signal, limit: Duration) -> ExitStatus {
        self.end_in_place(signal, limit)
    }

    fn end_in_place(&mut self, signal: Signal, limit: Duration) -> ExitStatus {
        if let Some(status) = self.ended() {
            self.watchdog.call_off();
            return status;
        }
        self.signal(signal);
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.ended() {
                break status;
            }
            if start.elapsed() > limit {
                let _ = self.child.kill();
                break self.child.wait().expect("wait for the child");
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        self.watchdog.call_off();
        status
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.end_in_place(Signal::Kill, Duration::from_secs(5));
    }
}

fn send_signal(pid: u32, signal: Signal) {
    let status = Command::new("kill")
        .args([format!("-{}", signal.name()), pid.to_string()])
        .stderr(Stdio::null())
        .status();
    assert!(status.is_ok_and(|status| status.success()), "send {signal:?} to process {pid}");
}

/// A shell that waits on a pipe from us. The pipe closes when we die, however we die, and the shell
/// then runs its clean-up. A pipe needs no polling and cannot mistake a reused process id.
struct Watchdog {
    child: Child,
    pipe: Option<ChildStdin>,
}

impl Watchdog {
    fn new(clean_up: &str) -> Self {
        let script = format!("read -r word && exit 0\n{clean_up}");
        let mut child = Command::new("sh")
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("start a watchdog");
        let pipe = child.stdin.take();
        Self { child, pipe }
    }

    /// It cleans up now, as if we had died; nobody waits for it.
    fn let_run(&mut self) {
        self.pipe = None;
    }

    /// What it guards is gone: it ends without cleaning up.
    fn call_off(&mut self) {
        if let Some(mut pipe) = self.pipe.take() {
            let _ = pipe.write_all(b"done\n");
        }
        let _ = self.child.wait();
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        if self.pipe.is_some() {
            self.call_off();
        }
    }
}

/// A loopback port nobody listens on, handed out once in this process.
///
/// It lies below the range from which the system takes ports for outgoing connections, so that a
/// client of another test cannot take it between our look and the server's start.
pub fn free_port() -> u16 {
    static TAKEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);
    let mut guard = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    let taken = guard.get_or_insert_with(HashSet::new);
    // Different test processes begin at different places.
    let start = u64::from(std::process::id()) * 131 + taken.len() as u64 * 3;
    for step in 0..12_000 {
        let port = u16::try_from(20_000 + (start + step) % 12_000).expect("a port below 32000");
        if !taken.contains(&port) && is_free(port) {
            taken.insert(port);
            return port;
        }
    }
    panic!("no free port between 20000 and 32000")
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
        && TcpListener::bind((std::net::Ipv6Addr::LOCALHOST, port))
            .map_or_else(|error| error.kind() != std::io::ErrorKind::AddrInUse, |_| true)
}

/// Asks `ready` every few milliseconds until it says yes; panics with `what` past the limit.
pub fn wait_until(what: &str, limit: Duration, mut ready: impl FnMut() -> bool) {
    let start = Instant::now();
    while !ready() {
        assert!(start.elapsed() < limit, "{what} did not happen within {limit:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Like [`wait_until`] for questions that must be awaited.
pub async fn wait_until_async(what: &str, limit: Duration, mut ready: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !ready().await {
        assert!(start.elapsed() < limit, "{what} did not happen within {limit:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
