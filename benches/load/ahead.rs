//! Half load is measured ahead of whatever else the machine runs. A daemon that takes one hundredth of a core
//! makes more than one request in a hundred late, since each counts from when it was due; and which daemons
//! there are has nothing to do with the server.

use std::process::{Command, Stdio};

/// The server and this process, with real-time priority for as long as this lives. They must leave their
/// cores idle at times, as they do at half load: the system takes them away from those who do not.
pub(crate) struct Ahead {
    processes: [u32; 2],
}

impl Ahead {
    /// `None` where the machine does not allow it: that takes root, or the capability `CAP_SYS_NICE`.
    pub(crate) fn of(server: u32) -> Option<Self> {
        // Dropping it sets back what was done of it.
        let ahead = Self { processes: [server, std::process::id()] };
        ahead.all("--fifo", "1").then_some(ahead)
    }

    fn all(&self, policy: &str, priority: &str) -> bool {
        let set = |pid: &u32| {
            Command::new("chrt")
                .args([policy, "--all-tasks", "--pid", priority, &pid.to_string()])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
        };
        self.processes.iter().all(set)
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.all("--other", "0");
    }
}
