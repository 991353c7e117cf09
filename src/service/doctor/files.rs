//! Who may read what holds secrets.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::Finding;
use crate::config::Config;

/// Others than the owner and its group: read and write.
const OTHERS: u32 = 0o006;

pub(super) fn check(config: &Config) -> Finding {
    let name = "files";
    let files = config.private_files();
    let open: Vec<String> = files
        .iter()
        // A directory that others cannot enter closes what is in it.
        .filter(|path| is_open(path) && path.parent().is_none_or(may_be_entered))
        .map(|path| path.display().to_string())
        .collect();
    if open.is_empty() {
        return Finding::fine(name, "nobody else on this machine can read what holds secrets");
    }
    let text = format!("everyone on this machine can read {0}; run: chmod o= {0}", open.join(" "));
    Finding::warning(name, text)
}

fn is_open(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|about| about.permissions().mode() & OTHERS != 0)
}

fn may_be_entered(directory: &Path) -> bool {
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    std::fs::metadata(directory).is_ok_and(|about| about.permissions().mode() & 0o001 != 0)
}
