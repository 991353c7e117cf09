//! What processes cost: processor time and memory, as the kernel counts them in `/proc`.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

/// Processor time and memory at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    /// User and system time of all threads since the start.
    pub(crate) cpu: Duration,
    /// Resident memory in KiB.
    pub(crate) resident_kib: u64,
}

/// The cost of one process so far.
pub(crate) fn of(pid: u32) -> Cost {
    let Some(stat) = Stat::read(pid) else { return Cost::default() };
    Cost { cpu: stat.own, resident_kib: status_kib(pid, "VmRSS:").unwrap_or(0) }
}

/// The cost so far of every descendant of this process whose name is one of `names`, with what its
/// own finished children used.
pub(crate) fn of_descendants(names: &[&str]) -> Cost {
    let all: HashMap<u32, Stat> = Stat::read_all();
    let me = std::process::id();
    let descends = |mut pid: u32| {
        while let Some(stat) = all.get(&pid) {
            if stat.parent == me {
                return true;
            }
            pid = stat.parent;
        }
        false
    };
    let mut total = Cost::default();
    for (pid, stat) in all.iter().filter(|(_, stat)| names.contains(&stat.name.as_str())) {
        if descends(*pid) {
            total.cpu += stat.own + stat.children;
            total.resident_kib += status_kib(*pid, "VmRSS:").unwrap_or(0);
        }
    }
    total
}

/// How long a core has been busy since the machine started, for whomever (proc(5), `stat`).
pub(crate) fn core_busy(core: usize) -> Duration {
    let text = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let name = format!("cpu{core} ");
    let Some(line) = text.lines().find_map(|line| line.strip_prefix(&name)) else {
        return Duration::ZERO;
    };
    let fields: Vec<u64> = line.split_whitespace().filter_map(|f| f.parse().ok()).collect();
    // All but idle and waiting for disks; the guests at the end are counted in "user" already.
    let busy = fields.iter().enumerate().filter(|(index, _)| !matches!(index, 3 | 4 | 8..));
    from_ticks(busy.map(|(_, ticks)| ticks).sum())
}

/// One line of `/proc/<pid>/stat` (proc(5)).
struct Stat {
    name: String,
    parent: u32,
    own: Duration,
    children: Duration,
}

impl Stat {
    fn read(pid: u32) -> Option<Self> {
        let line = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name stands in brackets and may hold anything.
        let (head, tail) = line.rsplit_once(')')?;
        let name = head.split_once('(')?.1.to_owned();
        let fields: Vec<&str> = tail.split_whitespace().collect();
        let ticks = |index: usize| fields.get(index)?.parse::<u64>().ok();
        Some(Self {
            name,
            parent: fields.get(1)?.parse().ok()?,
            own: from_ticks(ticks(11)? + ticks(12)?),
            children: from_ticks(ticks(13)? + ticks(14)?),
        })
    }

    fn read_all() -> HashMap<u32, Self> {
        let entries = std::fs::read_dir("/proc").expect("a /proc");
        let pids = entries.flatten().filter_map(|e| e.file_name().to_str()?.parse().ok());
        pids.filter_map(|pid| Some((pid, Self::read(pid)?))).collect()
    }
}

fn from_ticks(ticks: u64) -> Duration {
    Duration::from_millis(ticks * 1000 / ticks_per_second())
}

/// The unit of times in `/proc`.
fn ticks_per_second() -> u64 {
    static TICKS: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
    *TICKS.get_or_init(|| {
        let output = std::process::Command::new("getconf").arg("CLK_TCK").output();
        let text = output.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned());
        text.ok().and_then(|text| text.parse().ok()).unwrap_or(100)
    })
}

fn status_kib(pid: u32, name: &str) -> Option<u64> {
    let path = Path::new("/proc").join(pid.to_string()).join("status");
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}
