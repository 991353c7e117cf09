//! A file that a command makes: it must not exist, and only its owner may read it.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use super::exit::Failure;

/// A new file.
pub struct NewFile(File);

impl NewFile {
    /// Makes it.
    pub fn create(path: &Path) -> Result<Self, Failure> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path).map(Self).map_err(|error| {
            Failure::Failed(format!("the file {} could not be made: {error}", path.display()))
        })
    }

    /// Writes on.
    pub fn write(&mut self, text: &str) -> Result<(), Failure> {
        Ok(self.0.write_all(text.as_bytes())?)
    }

    /// Returns once everything is on the disk.
    pub fn finish(self) -> Result<(), Failure> {
        Ok(self.0.sync_all()?)
    }
}
