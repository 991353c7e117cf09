//! A backup into a database, and what that ends. See `docs/decisions/0017-what-a-restore-ends.md`.

use std::io::Read;

use super::archive::{Piece, Reader};
use super::tally::{self, compare, told};
use super::{BackupError, Contents, Stage, Tell};
use crate::clock::UnixTime;
use crate::service::audit::{Actor, Event};
use crate::store::dump::aftermath::{self, Ended};
use crate::store::dump::{Before, Refill, Row};
use crate::store::{Store, audit};

/// What becomes of who was signed in when the backup was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sessions {
    /// Nobody can tell which of them have ended since: all do.
    Ended,
    /// They live again, and so does whatever was ended since.
    Kept,
}

/// How a backup is put back.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub before: Before,
    pub sessions: Sessions,
    pub now: UnixTime,
}

/// Puts a verified backup into a database that nobody uses, all of it or nothing.
///
/// # Errors
/// [`BackupError`]; the database is as it was.
pub async fn put_back(
    store: Store,
    (input, contents): (impl Read, &Contents),
    plan: &Plan,
    tell: Tell<'_>,
) -> Result<Ended, BackupError> {
    let mut refill = Refill::begin(store, plan.before, &contents.head.migrations).await?;
    if refill.tables() != contents.head.tables {
        return Err(BackupError::damaged("its tables are not those of its version"));
    }
    fill(&mut refill, (input, contents), tell).await?;
    let mut count = 0;
    for (table, wanted) in contents.head.tables.iter().zip(&contents.summary.tables) {
        compare((table, refill.rows(table)), wanted, (count, tell)).await?;
        count += wanted.rows;
    }
    let tx = refill.complete().await?;
    let ended = match plan.sessions {
        Sessions::Ended => aftermath::end_everything(tx, plan.now).await?,
        Sessions::Kept => Ended::default(),
    };
    aftermath::begin_epoch(tx, plan.now).await?;
    let event = Event::success("database.restored", &Actor::CommandLine, plan.now)
        .detail("made_at", contents.head.made_at.as_str())
        .detail("version", contents.head.version.as_str())
        .detail("sessions", if plan.sessions == Sessions::Ended { "ended" } else { "kept" });
    audit::append(tx, &event.into_row()).await?;
    refill.commit().await?;
    Ok(ended)
}

/// Adds every row. The file is read a second time and may be another one by now.
async fn fill(
    refill: &mut Refill,
    (input, contents): (impl Read, &Contents),
    tell: Tell<'_>,
) -> Result<(), BackupError> {
    let changed = || BackupError::damaged("it was changed while it was read");
    let mut archive = tar::Archive::new(input);
    let mut reader = Reader::begin(&mut archive)?;
    let mut count = 0;
    while let Some(piece) = reader.next()? {
        match piece {
            Piece::MasterKey(_) => {}
            Piece::Lines { table, text } => {
                let table = contents.head.tables.get(table).ok_or_else(changed)?;
                let rows: Vec<Row> =
                    text.lines().map(|line| tally::row(table, line)).collect::<Result<_, _>>()?;
                for some in rows.chunks(AT_ONCE) {
                    refill.add(table, some).await?;
                    count += u64::try_from(some.len()).unwrap_or_default();
                    told((Stage::Writing, table), count, tell);
                }
            }
            Piece::Summary(summary) if summary == contents.summary => return Ok(()),
            Piece::Summary(_) => break,
        }
    }
    Err(changed())
}

/// Rows handed over at once.
const AT_ONCE: usize = 512;
