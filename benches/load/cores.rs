//! Which core does what: Doorward has one to itself, the driver another, and PostgreSQL and Redis
//! whatever is left, or the driver's.
//!
//! Processes inherit the cores of the thread that starts them. So the driver moves to where a
//! process shall be, starts it, and moves back.

use std::process::Command;

/// The core that is Doorward's.
pub(crate) const SERVER_CORE: usize = 0;

/// The division of this machine.
#[derive(Debug, Clone)]
pub(crate) struct Cores {
    count: usize,
}

/// Who wants to run.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Role {
    Server,
    Driver,
    Stores,
}

impl Cores {
    /// Looks at the machine. Needs two cores and `taskset`.
    pub(crate) fn look() -> Self {
        let count = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        assert!(count >= 2, "the benchmark needs two cores, one for the server and one for itself");
        Self { count }
    }

    /// Moves this thread, and what it starts from here on.
    pub(crate) fn go(&self, role: Role) {
        let list = match role {
            Role::Server => SERVER_CORE.to_string(),
            Role::Stores if self.count > 2 => format!("2-{}", self.count - 1),
            Role::Driver | Role::Stores => "1".to_owned(),
        };
        let output = Command::new("taskset")
            .args(["--cpu-list", "--pid", &list, &std::process::id().to_string()])
            .output()
            .expect("run taskset (package util-linux)");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
