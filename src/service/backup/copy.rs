//! From one database straight into another, for a move between SQLite and PostgreSQL. Nothing ends by it.

use super::archive::Summary;
use super::make::head_of;
use super::tally::{Tally, compare, heap, line, told};
use super::{BackupError, Stage, Tell};
use crate::clock::UnixTime;
use crate::service::audit::{Actor, Event};
use crate::store::dump::{Before, Refill, Snapshot, aftermath};
use crate::store::{Store, audit};

/// Rows that are in memory at once.
const AT_ONCE: usize = 512;

/// Copies everything as of one moment, compares what arrived by counts and hashes, and keeps it only if
/// it is the same.
///
/// # Errors
/// [`BackupError`]; the database copied to is as it was.
pub async fn copy(
    from: &Store,
    (to, before): (Store, Before),
    now: UnixTime,
    tell: Tell<'_>,
) -> Result<Summary, BackupError> {
    let mut snapshot = Snapshot::open(from).await?;
    let head = head_of(&snapshot, now)?;
    let mut refill = Refill::begin(to, before, &head.migrations).await?;
    if refill.tables() != head.tables {
        return Err(BackupError::Damaged("the tables are not those of this version".to_owned()));
    }
    let (mut tables, mut count) = (Vec::with_capacity(head.tables.len()), 0);
    for table in &head.tables {
        let (mut tally, mut rows) = (Tally::default(), snapshot.rows(table));
        loop {
            let some = heap(&mut rows, AT_ONCE).await?;
            if some.is_empty() {
                break;
            }
            refill.add(table, &some).await?;
            count += u64::try_from(some.len()).unwrap_or_default();
            for row in some {
                tally.add(&line(table, row));
            }
            told((Stage::Writing, table), count, tell);
        }
        tables.push(tally.summary(&table.name));
    }
    let mut compared = 0;
    for (table, wanted) in head.tables.iter().zip(&tables) {
        compare((table, refill.rows(table)), wanted, (compared, tell)).await?;
        compared += wanted.rows;
    }
    let tx = refill.complete().await?;
    aftermath::begin_epoch(tx, now).await?;
    let event = Event::success("database.copied", &Actor::CommandLine, now);
    audit::append(tx, &event.into_row()).await?;
    refill.commit().await?;
    Ok(Summary { entries: Vec::new(), tables })
}
