//! What an import leaves out: each entry is counted and, with `--rejects`, written to a file; the
//! first few are told on the terminal as well.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use serde_json::Value;

use super::exit::Failure;

/// Reasons told on the terminal; a file of rejects gets all of them.
const TOLD: u64 = 20;

/// Who hears of it.
pub(super) struct Rejects {
    file: Option<File>,
    count: u64,
    problem: Option<std::io::Error>,
}

/// What the terminal is to be told of one that was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Telling {
    /// The reason.
    Reason,
    /// That there are more, of which nobody is told.
    More,
    Nothing,
}

impl Rejects {
    /// Goes on behind what the file has already.
    ///
    /// # Errors
    /// [`Failure`] when the file cannot be opened.
    pub(super) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let open = |path: &Path| {
            let file = File::options().create(true).append(true).open(path);
            file.map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))
        };
        Ok(Self { file: path.map(open).transpose()?, count: 0, problem: None })
    }

    /// Counts one more, and writes its line.
    pub(super) fn add(&mut self, line: &Value) -> Telling {
        self.count += 1;
        if let Some(file) = &mut self.file
            && let Err(error) = writeln!(file, "{line}")
        {
            self.problem = Some(error);
        }
        match self.count {
            ..=TOLD => Telling::Reason,
            count if count == TOLD + 1 && self.file.is_none() => Telling::More,
            _ => Telling::Nothing,
        }
    }

    /// `imported` says who or what is imported all the same.
    ///
    /// # Errors
    /// [`Failure::Partial`] when a line could not be written.
    pub(super) fn finish(self, imported: &str) -> Result<(), Failure> {
        match self.problem {
            None => Ok(()),
            Some(error) => Err(Failure::Partial(format!(
                "{imported} is imported, but the file of rejects could not be written: {error}"
            ))),
        }
    }
}
