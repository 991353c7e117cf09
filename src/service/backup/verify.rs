//! Whether a backup is whole, and whether its keys can be opened. Reads all of it and changes nothing.

use std::io::Read;

use serde_json::Value;

use super::archive::{Head, Piece, Reader, Summary};
use super::tally::{row, told};
use super::{BackupError, Stage, Tell};
use crate::crypto::seal::{MasterKey, Purpose, Sealer};
use crate::store::dump::{self, Table};

/// Where keys are that are sealed under the master key, by table and column, and for what. Without one of
/// them no server starts.
const SEALED: [(&str, &str, Purpose); 3] = [
    ("signing_keys", "sealed_private", Purpose::SigningKey),
    ("encryption_keys", "sealed_private", Purpose::EncryptionKey),
    ("kept_keys", "sealed", Purpose::KeptKey),
];

/// What a whole backup holds.
pub struct Contents {
    pub head: Head,
    pub summary: Summary,
    /// The master key, if the backup was made with it.
    pub master_key: Option<MasterKey>,
    sealed: Vec<(Purpose, String)>,
}

/// Whether a master key is the one of a backup, or two are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// It opens every key.
    All,
    /// It is another one, or one of two that it takes.
    NotAll,
    /// The backup has no keys; any master key will do.
    Nothing,
}

impl Contents {
    /// Whether this master key opens the keys of the backup, or these two while one is exchanged.
    pub fn opened_by(&self, opener: &Sealer) -> Opened {
        let opens = |(purpose, sealed): &(Purpose, String)| opener.open(*purpose, sealed).is_some();
        match self.sealed.as_slice() {
            [] => Opened::Nothing,
            sealed if sealed.iter().all(opens) => Opened::All,
            _ => Opened::NotAll,
        }
    }

    /// Whether there is nothing to open.
    pub fn opened_by_any(&self) -> bool {
        self.sealed.is_empty()
    }
}

impl std::fmt::Debug for Contents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contents").field("head", &self.head).finish_non_exhaustive()
    }
}

/// Reads a whole backup.
///
/// # Errors
/// [`BackupError`] if it is not whole, or of a version that this one does not know.
pub fn verify(input: impl Read, tell: Tell<'_>) -> Result<Contents, BackupError> {
    let mut archive = tar::Archive::new(input);
    let mut reader = Reader::begin(&mut archive)?;
    if let Some(unknown) = dump::unknown_migration(&reader.head.migrations) {
        return Err(BackupError::NewerBackup(unknown));
    }
    let (mut master_key, mut sealed, mut count) = (None, Vec::new(), 0);
    while let Some(piece) = reader.next()? {
        match piece {
            Piece::MasterKey(text) => master_key = Some(MasterKey::from_text(&text)?),
            Piece::Lines { table, text } => {
                let Some(table) = reader.head.tables.get(table) else { continue };
                for line in text.lines() {
                    let row = row(table, line)?;
                    sealed.extend(sealed_in(table, &row));
                    count += 1;
                    told((Stage::Checking, table), count, tell);
                }
            }
            Piece::Summary(summary) => {
                let head = reader.head.clone();
                return Ok(Contents { head, summary, master_key, sealed });
            }
        }
    }
    Err(BackupError::damaged("its end is missing"))
}

fn sealed_in(table: &Table, row: &[Value]) -> Option<(Purpose, String)> {
    let (_, sealed, purpose) = SEALED.into_iter().find(|(name, ..)| *name == table.name)?;
    let mut columns = table.columns.iter().zip(row);
    let (_, value) = columns.find(|(column, _)| column.name == sealed)?;
    Some((purpose, value.as_str()?.to_owned()))
}
