//! A database that a running server keeps busy refuses a batch now and then. It is done again after a
//! pause: it was kept whole or not at all.

use std::time::Duration;

use super::batch::Batch;
use super::{Import, ImportError, Mode, News};
use crate::service::failure::Failure;
use crate::service::people::PeopleError;
use crate::service::people::edits::Outcome;
use crate::store::{Db, StoreError, imports};

/// How long to wait before each further attempt. Each attempt waits for its turn as well.
const PAUSES: [Duration; 6] = [
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(8),
];

/// Does a batch, again if need be, and then tells what was left out.
pub(super) async fn batch(
    import: &mut Import<'_>,
    batch: Batch,
    tell: &mut dyn FnMut(News<'_>),
) -> Result<(), ImportError> {
    let (before, last) = (import.progress, batch.last);
    let mut pauses = PAUSES.into_iter();
    loop {
        let mut left_out = Vec::new();
        let mut hear = |news: News<'_>| {
            if let News::Rejected { line, reason } = news {
                left_out.push((line, reason.to_owned()));
            }
        };
        import.kept = false;
        let mut outcome = Box::pin(import.batch(batch.clone(), &mut hear)).await;
        if let (Err(ImportError::Busy(_)), true) = (&outcome, may_be_repeated(import))
            && let Some(pause) = pauses.next()
        {
            tokio::time::sleep(pause).await;
            // Nobody can say of a commit that was not answered whether it took place.
            outcome = match was_kept(import, last).await {
                Ok(false) => {
                    import.progress = before;
                    continue;
                }
                Ok(true) => Ok(()),
                Err(error) => Err(error.into()),
            };
        }
        for (line, reason) in &left_out {
            tell(News::Rejected { line: *line, reason });
        }
        return outcome;
    }
}

/// Changes somebody, again if need be: what an edit says is the same each time.
pub(super) async fn step(
    mut change: impl AsyncFnMut() -> Result<Outcome, PeopleError>,
) -> Result<Outcome, PeopleError> {
    for pause in PAUSES {
        match change().await {
            Err(PeopleError::Failure(Failure::Unavailable(_))) => tokio::time::sleep(pause).await,
            outcome => return outcome,
        }
    }
    change().await
}

/// Not when some of it was kept for sure, nor when the file cannot say whether it was. A dry run keeps
/// nothing that could be lost. SQLite itself says of every commit whether it took place.
fn may_be_repeated(import: &Import<'_>) -> bool {
    let is_known = import.plan.digest.is_some() || matches!(import.app.store.db, Db::Sqlite { .. });
    !import.kept && import.plan.mode == Mode::Write && is_known
}

/// Whether the file is known to have come to this line.
async fn was_kept(import: &Import<'_>, last: i64) -> Result<bool, StoreError> {
    let Some(digest) = &import.plan.digest else { return Ok(false) };
    let known = imports::progress(&import.app.store.db, digest).await?;
    Ok(known.is_some_and(|known| known.line >= last))
}
