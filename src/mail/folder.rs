//! Letters as files of a directory, for development and tests: nobody gets them.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::make_private_dir;

/// A directory that takes letters. The first one makes it, if it is not there.
#[derive(Debug, Clone)]
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes one letter, whole or not at all, for nobody else to read. The same one once more takes the
    /// place of the first.
    ///
    /// # Errors
    /// What is in the way, in one line without the letter.
    pub(super) async fn put(
        &self,
        id: &str,
        letter: Vec<u8>,
        limit: Duration,
    ) -> Result<(), String> {
        let (folder, name) = (self.0.clone(), file_name(id));
        self.told(in_time(limit, move || write(&folder, &name, &letter)).await)
    }

    /// Whether a letter could be written. Leaves nothing behind.
    ///
    /// # Errors
    /// What is in the way, in one line.
    pub(super) async fn check(&self, limit: Duration) -> Result<(), String> {
        let folder = self.0.clone();
        self.told(in_time(limit, move || try_out(&folder)).await)
    }

    fn told(&self, done: Result<(), String>) -> Result<(), String> {
        // What is in the way comes first: the line may be cut.
        done.map_err(|fault| {
            format!("no letter can be written ({fault}) into {}", self.0.display())
        })
    }
}

/// Disks hold up whoever waits for them, so that a thread of its own does.
async fn in_time(
    limit: Duration,
    work: impl FnOnce() -> io::Result<()> + Send + 'static,
) -> Result<(), String> {
    match tokio::time::timeout(limit, tokio::task::spawn_blocking(work)).await {
        Ok(Ok(done)) => done.map_err(|fault| fault.to_string()),
        Ok(Err(fault)) => Err(fault.to_string()),
        Err(_) => Err("the disk took too long".to_owned()),
    }
}

fn write(folder: &Path, name: &str, letter: &[u8]) -> io::Result<()> {
    make_private_dir(folder)?;
    let mut builder = tempfile::Builder::new();
    // Under another name until it is whole. Only its owner may read it: that is how the crate makes files.
    let mut file = builder.prefix(".").suffix(".partial").tempfile_in(folder)?;
    file.write_all(letter)?;
    file.as_file().sync_all()?;
    file.persist(folder.join(name))?;
    Ok(())
}

fn try_out(folder: &Path) -> io::Result<()> {
    // What is not there yet is made in whatever is.
    let there = folder.ancestors().find(|part| part.exists()).unwrap_or(Path::new("."));
    tempfile::tempfile_in(there).map(drop)
}

/// Ids sort by time, and so do the files.
fn file_name(id: &str) -> String {
    let safe: String = id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    format!("{safe}.eml")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn a_letter_is_one_file_that_nobody_else_reads_however_often_it_is_written() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("all").join("letters");
        let folder = Folder::at(&path);
        folder.check(LIMIT).await.unwrap();
        assert!(!path.exists(), "looking makes nothing");
        for text in ["a first try", "the letter"] {
            folder.put("019a-../b", text.as_bytes().to_vec(), LIMIT).await.unwrap();
        }
        let names: Vec<_> =
            std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["019a-b.eml"]);
        let file = path.join("019a-b.eml");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "the letter");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&path), mode(&file)), (0o700, 0o600));
        }
    }

    #[tokio::test]
    async fn what_is_no_directory_takes_no_letter() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for path in [file.path().to_owned(), file.path().join("letters")] {
            let folder = Folder::at(&path);
            let fault = folder.check(LIMIT).await.unwrap_err();
            assert!(fault.starts_with("no letter can be written ("), "{fault}");
            let fault = folder.put("019a", b"a secret".to_vec(), LIMIT).await.unwrap_err();
            assert!(
                fault.contains(&path.display().to_string()) && !fault.contains("secret"),
                "{fault}"
            );
        }
    }
}
