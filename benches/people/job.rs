//! A command, run to its end or killed on its way.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::world::{World, random_key};

/// How often it is looked how much memory a command has.
const LOOK: Duration = Duration::from_millis(20);

/// What a command took, and what it said.
pub(crate) struct Done {
    pub(crate) took: Duration,
    pub(crate) peak_mib: u64,
    /// What the command itself used of the processors.
    pub(crate) processor_seconds: f64,
    pub(crate) said: Value,
}

/// Runs a command to its end, which must be a good one.
pub(crate) fn run(world: &World, arguments: &[&str]) -> Done {
    let began = Instant::now();
    let mut child = start(world, arguments, "said");
    let (mut peak_kib, mut used) = (0, 0.0_f64);
    while child.try_wait().expect("its state").is_none() {
        peak_kib = resident(child.id()).unwrap_or(0).max(peak_kib);
        used = processor_seconds(child.id()).max(used);
        std::thread::sleep(LOOK);
    }
    let (took, status) = (began.elapsed(), child.wait().expect("its end"));
    let messages = std::fs::read_to_string(world.path("said.messages")).unwrap_or_default();
    assert!(status.success(), "{arguments:?}: {messages}");
    let said = std::fs::read_to_string(world.path("said")).expect("what it said");
    Done {
        took,
        peak_mib: peak_kib / 1024,
        processor_seconds: used,
        said: serde_json::from_str(&said).unwrap_or(Value::Null),
    }
}

/// Starts a command and kills it somewhere on its way of which the length is known. Says whether it was
/// still on it; if not, it has come to a good end.
pub(crate) fn kill(world: &World, arguments: &[&str], length: Duration) -> bool {
    let mut child = start(world, arguments, "killed");
    std::thread::sleep(length.mul_f64(somewhere()));
    let was_alive = child.try_wait().expect("its state").is_none();
    child.kill().expect("kill it");
    let status = child.wait().expect("its end");
    assert!(was_alive || status.success(), "{arguments:?}: {status}");
    was_alive
}

fn start(world: &World, arguments: &[&str], output: &str) -> Child {
    let to = |name: String| Stdio::from(std::fs::File::create(world.path(&name)).expect("a file"));
    let mut command: Command = world.command(&[&["--format", "json"], arguments].concat());
    command.stdin(Stdio::null());
    command.stdout(to(output.to_owned())).stderr(to(format!("{output}.messages")));
    command.spawn().expect("start the command")
}

/// Between a twentieth and nineteen twentieths.
fn somewhere() -> f64 {
    let byte = random_key().bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
    0.05 + 0.9 * f64::from(byte) / 256.0
}

/// In KiB.
fn resident(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// What a process has used of the processors so far; 0 when it is gone.
pub(crate) fn processor_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // Behind the name, which may have spaces: the eleventh and twelfth are ticks for itself and in the kernel.
    let behind_name = stat.rsplit_once(')').map_or("", |(_, behind)| behind);
    let ticks =
        behind_name.split_whitespace().skip(11).take(2).filter_map(|text| text.parse::<f64>().ok());
    // Linux counts a hundred a second on every machine of today.
    ticks.sum::<f64>() / 100.0
}
