//! A backup as a file to send: made whole before anything of it leaves.

use std::fs::File;
use std::io::{BufWriter, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use super::{BackupError, Summary, Wanted, make};
use crate::app::App;
use crate::clock::UnixTime;
use crate::service::audit::{Actor, Event};
use crate::store::{Store, audit};

/// Makes a backup, without the master key, in a file that has no name and is gone when it is
/// closed. Gives it, at its beginning, and how many bytes it has.
///
/// # Errors
/// [`BackupError`]; there is no file then.
pub async fn download(app: &Arc<App>, actor: &Actor) -> Result<(File, u64), BackupError> {
    let (app, actor) = (Arc::clone(app), actor.clone());
    let runtime = tokio::runtime::Handle::current();
    // Rows are written to the disk as they come, which is nothing for the threads that answer.
    let making = tokio::task::spawn_blocking(move || {
        runtime.block_on(Box::pin(async {
            let file = nameless(&app.config.data_dir)?;
            let wanted = Wanted { master_key: None, now: app.now() };
            let output = BufWriter::new(file);
            let (output, _, summary) =
                Box::pin(make(&app.store, output, &wanted, &mut |_| {})).await?;
            let mut file = output.into_inner().map_err(std::io::IntoInnerError::into_error)?;
            let bytes = file.stream_position()?;
            file.seek(SeekFrom::Start(0))?;
            note(&app.store, (&summary, app.now()), &actor).await?;
            Ok((file, bytes))
        }))
    });
    making.await.map_err(std::io::Error::other)?
}

/// A file without a name, which nobody else can open and which is gone when it is closed, however that
/// comes. Where the database is a file, there is room for another one; without such a directory it is in the
/// system's own for what is temporary.
pub(in crate::service) fn nameless(data_dir: &Path) -> std::io::Result<File> {
    if data_dir.is_dir() { tempfile::tempfile_in(data_dir) } else { tempfile::tempfile() }
}

/// Writes down that there is a backup.
///
/// # Errors
/// [`BackupError::Store`] when SQL does not take it.
pub async fn note(
    store: &Store,
    (summary, now): (&Summary, UnixTime),
    actor: &Actor,
) -> Result<(), BackupError> {
    let event = Event::success("backup.made", actor, now).detail("rows", summary.rows());
    Ok(audit::append(&store.db, &event.into_row()).await?)
}
