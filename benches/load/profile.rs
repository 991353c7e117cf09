//! Records where the server spends its time, with `perf`, if that was asked for.

use std::process::{Child, Command, Stdio};

use crate::options::Options;

/// A record that grows until this is dropped.
pub(crate) struct Recorder(Child);

/// Starts recording into `target/bench/<line>.perf`.
pub(crate) fn start(frequency: &str, pid: u32, line: &str) -> Recorder {
    let name: String =
        line.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let folder = Options::folder();
    std::fs::create_dir_all(&folder).expect("make target/bench");
    let child = Command::new("perf")
        .args(["record", "--quiet", "-F", frequency, "-p", &pid.to_string(), "-o"])
        .arg(folder.join(format!("{name}.perf")))
        .stdout(Stdio::null())
        .spawn()
        .expect("start perf");
    Recorder(child)
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // perf finishes its file when interrupted.
        let _ = Command::new("kill").args(["-INT", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}
