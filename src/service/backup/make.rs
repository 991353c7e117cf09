//! A backup of a database, as of one moment, beside the servers that use it.

use std::io::Write;

use futures_util::StreamExt as _;

use super::archive::{Head, Summary, Writer};
use super::tally::{line, told};
use super::{BackupError, Stage, Tell};
use crate::clock::UnixTime;
use crate::crypto::seal::MasterKey;
use crate::store::Store;
use crate::store::dump::{self, Snapshot};

/// What goes into the file beside the database.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The master key, if it shall be in the file: then the file alone is enough to sign as this provider.
    pub master_key: Option<&'a MasterKey>,
    pub now: UnixTime,
}

/// Writes a backup; gives the output back when everything was handed to it.
///
/// # Errors
/// [`BackupError`]; what was written is of no use then, and cannot be taken for a backup.
pub async fn make<W: Write>(
    store: &Store,
    output: W,
    wanted: &Wanted<'_>,
    tell: Tell<'_>,
) -> Result<(W, Head, Summary), BackupError> {
    let mut snapshot = Snapshot::open(store).await?;
    let head = head_of(&snapshot, wanted.now)?;
    let at = u64::try_from(wanted.now.0).unwrap_or_default();
    let mut writer = Writer::begin(output, &head, at)?;
    if let Some(key) = wanted.master_key {
        writer.master_key(key.to_text().expose())?;
    }
    let mut count = 0;
    for table in &head.tables {
        let mut part = writer.table(&table.name);
        let mut rows = snapshot.rows(table);
        while let Some(row) = rows.next().await {
            part.add(&line(table, row?))?;
            count += 1;
            told((Stage::Reading, table), count, tell);
        }
        part.finish()?;
    }
    let (output, summary) = writer.finish()?;
    Ok((output, head, summary))
}

/// What a snapshot is, if this version knows all of it.
pub(super) fn head_of(snapshot: &Snapshot, now: UnixTime) -> Result<Head, BackupError> {
    if snapshot.migrations().is_empty() {
        return Err(BackupError::Nothing);
    }
    if let Some(unknown) = dump::unknown_migration(snapshot.migrations()) {
        return Err(BackupError::NewerDatabase(unknown));
    }
    Ok(Head::new(now.rfc3339(), snapshot.migrations(), snapshot.tables()))
}
