//! Room where the database is. With PostgreSQL nothing is kept on this machine.

use super::Finding;
use crate::config::Config;

const MIB: u64 = 1024 * 1024;

/// Below this a checkpoint of the database may fail.
const LEAST: u64 = 100 * MIB;

/// Below this somebody should make room.
const LITTLE: u64 = 1024 * MIB;

pub(super) fn check(config: &Config) -> Option<Finding> {
    let file = config.database_file()?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| std::path::Path::new("."));
    if !folder.exists() {
        return None;
    }
    let name = "disk";
    let about = match rustix::fs::statvfs(folder) {
        Ok(about) => about,
        Err(fault) => {
            let text =
                format!("the disk of {} tells nothing about its room: {fault}", folder.display());
            return Some(Finding::warning(name, text));
        }
    };
    let free = about.f_bavail.saturating_mul(about.f_frsize);
    // Some file systems have no number of files.
    let files = (about.f_files > 0).then_some(about.f_favail);
    Some(judge(free, files, &folder.display().to_string()))
}

fn judge(free: u64, files: Option<u64>, folder: &str) -> Finding {
    let name = "disk";
    let found = format!("{} MiB are free at {folder}", free / MIB);
    if free < LEAST || files == Some(0) {
        let text = format!("{found}, and no more files fit soon; make room, or nobody can sign in");
        return Finding::failure(name, text);
    }
    if free < LITTLE {
        return Finding::warning(name, format!("{found}; make room"));
    }
    Finding::fine(name, found)
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    #[test]
    fn room_is_judged_by_bytes_and_files() {
        assert!(matches!(judge(2 * LITTLE, Some(9), "/").outcome, Outcome::Fine(_)));
        assert!(matches!(judge(2 * LITTLE, None, "/").outcome, Outcome::Fine(_)));
        assert!(matches!(judge(LITTLE - 1, Some(9), "/").outcome, Outcome::Warning(_)));
        assert!(matches!(judge(LEAST - 1, Some(9), "/").outcome, Outcome::Failure(_)));
        assert!(matches!(judge(2 * LITTLE, Some(0), "/").outcome, Outcome::Failure(_)));
    }
}
