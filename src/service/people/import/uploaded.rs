//! A file of people that an administrator has sent with the console: imported beside the requests, by the
//! same steps as at the command line, one file at a time. Every node can tell how far it is.

mod known;

use std::fs::File;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::known::Known;
use super::lines::{self, LinesError};
use super::{Duplicates, ImportError, Mode, News, Plan};
use crate::app::App;
use crate::clock::{Seconds, UnixTime};
use crate::crypto::secret;
use crate::protocol::rights::Right;
use crate::service::audit::Actor;
use crate::service::backup::nameless;
use crate::service::failure::Failure;
use crate::service::people::authority::{self, Barred};
use crate::store::StoreError;
use crate::store::ephemeral::uploads;
use crate::store::imports::ImportProgress;

/// How often it is told how far an import is.
const BEAT: Duration = Duration::from_secs(1);
/// From then on nobody is doing it any more who has not told for so long.
const SILENCE: Seconds = uploads::TURN;
/// Lines left out that are shown; more can be downloaded.
const SHOWN: usize = 20;
/// Lines left out that are kept; more are counted.
pub const MOST_REJECTS: usize = 1_000;
/// The most characters of a reason that are kept: it may repeat what stands in the file.
const LONGEST_REASON: usize = 300;

/// What is to be imported, and how.
#[derive(Debug)]
pub struct Order {
    pub file: File,
    /// How many bytes it has.
    pub length: u64,
    /// What it was called where it came from.
    pub name: String,
    pub duplicates: Duplicates,
    pub mode: Mode,
    /// Whether every e-mail address counts as verified, whatever the file says.
    pub trust_emails: bool,
    pub actor: Actor,
}

/// How far an import is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    pub id: String,
    /// What the file was called.
    pub name: String,
    pub mode: Mode,
    /// The bytes of the file, and up to where it is done.
    pub length: u64,
    pub position: u64,
    pub progress: ImportProgress,
    /// It was begun before, and goes on behind this line.
    pub resumed: Option<i64>,
    pub began_at: UnixTime,
    pub told_at: UnixTime,
    /// The first few lines that were left out.
    pub rejects: Vec<Reject>,
    /// How it has ended, if it has.
    pub ending: Option<Ending>,
}

/// A line that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reject {
    pub line: u64,
    pub reason: String,
}

/// How an import has ended. In every case but the first what it had added before stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    Done,
    /// Somebody is there already.
    Duplicate {
        line: u64,
        username: String,
    },
    /// A quote begins there that does not end.
    OpenQuote {
        line: u64,
    },
    /// The database was too busy, or away.
    Busy,
    /// The server was stopped.
    Stopped,
    /// Somebody else imports the same file.
    Overtaken,
    /// Whoever had begun it may import people no more.
    NotYours,
    /// What went wrong is in the log of the node.
    Failed,
}

/// How an import is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    Running,
    /// The node that did it has not told of it for a while.
    Lost,
    Ended,
}

/// Why an import was not begun.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    #[error("your role does not allow this")]
    NotYours,
    /// Another one is not through yet.
    #[error("another import is running")]
    Taken,
    #[error("the server is stopping")]
    Stopping,
    /// There are zero bytes in it, as in a sheet of a spreadsheet program, or in UTF-16.
    #[error("this is neither CSV nor NDJSON in UTF-8; save it as one of them and send that")]
    NotText,
    #[error(transparent)]
    Unusable(#[from] LinesError),
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<Barred> for UploadError {
    fn from(barred: Barred) -> Self {
        match barred {
            Barred::NotYours => Self::NotYours,
            Barred::Failure(failure) => Self::Failure(failure),
        }
    }
}

impl From<StoreError> for UploadError {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}

impl Upload {
    fn new(order: &Order, now: UnixTime) -> Self {
        Self {
            id: secret::opaque_id(),
            name: order.name.clone(),
            mode: order.mode,
            length: order.length,
            position: 0,
            progress: ImportProgress::default(),
            resumed: None,
            began_at: now,
            told_at: now,
            rejects: Vec::new(),
            ending: None,
        }
    }

    /// How it is doing now.
    #[must_use]
    pub fn doing(&self, now: UnixTime) -> Doing {
        match self.ending {
            Some(_) => Doing::Ended,
            None if now.since(self.told_at) > SILENCE => Doing::Lost,
            None => Doing::Running,
        }
    }

    /// Lines in a second, since it was begun; `None` while there is nothing to tell.
    #[must_use]
    pub fn rate(&self) -> Option<i64> {
        let lines = self.progress.line.saturating_sub(self.resumed.unwrap_or_default());
        lines.checked_div(self.told_at.since(self.began_at)).filter(|rate| *rate > 0)
    }
}

/// A file for what is being sent: without a name, and gone when it is closed, however that comes.
///
/// # Errors
/// When there is no room for one.
pub fn room(app: &App) -> std::io::Result<File> {
    nameless(&app.config.data_dir)
}

/// The import that was begun last, within a day.
///
/// # Errors
/// [`Failure`] when the store does not answer.
pub async fn newest(app: &App) -> Result<Option<Upload>, Failure> {
    Ok(uploads::get(&app.ephemeral).await?)
}

/// What the newest import has left out, up to [`MOST_REJECTS`].
///
/// # Errors
/// [`Failure`] when the store does not answer.
pub async fn rejects(app: &App) -> Result<Vec<Reject>, Failure> {
    Ok(uploads::rejects(&app.ephemeral).await?.unwrap_or_default())
}

/// Looks at what was sent and begins to import it; what becomes of it, [`newest`] tells.
///
/// # Errors
/// [`UploadError`]; nothing was begun then.
pub async fn begin(app: &Arc<App>, order: Order) -> Result<(), UploadError> {
    // Nothing is written: each batch asks again.
    drop(authority::begin(app, (&order.actor, Right::PeopleImport)).await?);
    let looked_at = tokio::task::spawn_blocking(move || Known::of(order));
    let broken = |error: tokio::task::JoinError| Failure::Internal(error.to_string());
    let known = looked_at.await.map_err(broken)??;
    if app.errands.is_over() {
        return Err(UploadError::Stopping);
    }
    let mut upload = Upload::new(&known.order, app.now());
    if !uploads::take_turn(&app.ephemeral, &upload.id).await? {
        return Err(UploadError::Taken);
    }
    let begun = hand_over(app, known, &upload).await;
    if let Err(reason) = &begun {
        let is_stopping = matches!(reason, UploadError::Stopping);
        upload.ending = Some(if is_stopping { Ending::Stopped } else { Ending::Failed });
        if let Err(error) = uploads::put(&app.ephemeral, &upload).await {
            tracing::warn!(%error, "that an import was not begun cannot be told");
        }
        give_back(app, &upload.id).await;
    }
    begun
}

/// Tells of an import whose turn it is, and has it done.
async fn hand_over(app: &Arc<App>, known: Known, upload: &Upload) -> Result<(), UploadError> {
    uploads::put_rejects(&app.ephemeral, &Vec::<Reject>::new()).await?;
    uploads::put(&app.ephemeral, upload).await?;
    let work = carry_out(Arc::clone(app), known, State::new(upload.clone()));
    if app.errands.hand_over(Box::pin(work)) { Ok(()) } else { Err(UploadError::Stopping) }
}

/// Gives the turn back.
async fn give_back(app: &App, id: &str) {
    if let Err(error) = uploads::end_turn(&app.ephemeral, id).await {
        let seconds = uploads::TURN;
        tracing::warn!(%error, seconds, "the next import from the console has to wait");
    }
}

/// What is known of an import by the node that does it.
struct State {
    upload: Upload,
    rejects: Vec<Reject>,
    /// How many of them others can see.
    told: usize,
    /// The turn was lost, and is another's by now.
    is_overtaken: bool,
}

/// Imports a file off the threads that answer, and tells how far it is until it is through.
async fn carry_out(app: Arc<App>, known: Known, state: State) {
    let state = Arc::new(Mutex::new(state));
    let runtime = tokio::runtime::Handle::current();
    let mut work = {
        let (app, state) = (Arc::clone(&app), Arc::clone(&state));
        tokio::task::spawn_blocking(move || runtime.block_on(Box::pin(import(&app, known, &state))))
    };
    let ending = loop {
        match tokio::time::timeout(BEAT, &mut work).await {
            Ok(Ok(ending)) => break ending,
            Ok(Err(error)) => {
                tracing::error!(%error, "an import from the console broke off");
                break Ending::Failed;
            }
            Err(_) => tell(&app, &state).await,
        }
    };
    locked(&state).upload.ending = Some(ending);
    tell(&app, &state).await;
    let id = locked(&state).upload.id.clone();
    give_back(&app, &id).await;
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps the turn and tells how far it is. Nobody but the page about it needs that. Where the fast store was away for
/// so long that somebody else has begun, this one comes to an end, and the page is about the other one.
async fn tell(app: &App, state: &Mutex<State>) {
    let id = locked(state).upload.id.clone();
    match uploads::keep_turn(&app.ephemeral, &id).await {
        Ok(true) => {}
        Ok(false) => {
            if !std::mem::replace(&mut locked(state).is_overtaken, true) {
                tracing::warn!(
                    "another import from the console has begun meanwhile; this one stops"
                );
            }
            return;
        }
        Err(error) => {
            tracing::warn!(%error, "an import from the console cannot keep its turn");
            return;
        }
    }
    let (upload, rejects) = {
        let mut state = locked(state);
        state.upload.told_at = app.now();
        let news = state.rejects.len() > state.told;
        state.told = state.rejects.len();
        (state.upload.clone(), news.then(|| state.rejects.clone()))
    };
    let told = async {
        if let Some(rejects) = rejects {
            uploads::put_rejects(&app.ephemeral, &rejects).await?;
        }
        uploads::put(&app.ephemeral, &upload).await
    };
    if let Err(error) = told.await {
        tracing::warn!(%error, "how far an import from the console is cannot be told");
    }
}

async fn import(app: &App, known: Known, state: &Mutex<State>) -> Ending {
    let Known { order, layout, digest } = known;
    let plan = Plan {
        duplicates: order.duplicates,
        mode: order.mode,
        trust_emails: order.trust_emails,
        // What a dry run did is not there to go on from.
        digest: Some(digest).filter(|_| order.mode == Mode::Write),
        actor: order.actor,
    };
    let lines = match lines::read(&order.file, layout) {
        Ok(lines) => lines,
        Err(error) => return ending(&error.into()),
    };
    // A batch that is not read to its end is not begun.
    let is_over = || app.errands.is_over() || locked(state).is_overtaken;
    let mut lines = lines.map(|line| if is_over() { Err(LinesError::Stopping) } else { line });
    let mut hear = |news: News<'_>| locked(state).hear(&news);
    match Box::pin(super::run(app, &mut lines, &plan, &mut hear)).await {
        Ok(progress) => {
            let mut state = locked(state);
            (state.upload.progress, state.upload.position) = (progress, order.length);
            Ending::Done
        }
        Err(error) => ending(&error),
    }
}

fn ending(error: &ImportError) -> Ending {
    match error {
        ImportError::Lines(LinesError::OpenQuote { line }) => Ending::OpenQuote { line: *line },
        ImportError::Lines(LinesError::Stopping) => Ending::Stopped,
        ImportError::Duplicate { line, username } => {
            Ending::Duplicate { line: *line, username: username.clone() }
        }
        ImportError::NotYours => Ending::NotYours,
        ImportError::Overtaken => Ending::Overtaken,
        ImportError::Busy(_) => {
            tracing::warn!(%error, "an import from the console has stopped");
            Ending::Busy
        }
        ImportError::Lines(LinesError::Io(_) | LinesError::Titles(_)) | ImportError::Failure(_) => {
            tracing::error!(%error, "an import from the console has stopped");
            Ending::Failed
        }
    }
}

impl State {
    fn new(upload: Upload) -> Self {
        Self { upload, rejects: Vec::new(), told: 0, is_overtaken: false }
    }

    fn hear(&mut self, news: &News<'_>) {
        match news {
            News::Resumed(before) => {
                self.upload.resumed = Some(before.line);
                self.upload.progress = **before;
            }
            News::Batch(progress, position) => {
                (self.upload.progress, self.upload.position) = (**progress, *position);
            }
            News::Rejected { line, reason } if self.rejects.len() < MOST_REJECTS => {
                let reason = reason.chars().take(LONGEST_REASON).collect();
                let reject = Reject { line: *line, reason };
                if self.upload.rejects.len() < SHOWN {
                    self.upload.rejects.push(reject.clone());
                }
                self.rejects.push(reject);
            }
            News::Rejected { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upload() -> Upload {
        Upload {
            id: "id".to_owned(),
            name: "people.csv".to_owned(),
            mode: Mode::Write,
            length: 100,
            position: 0,
            progress: ImportProgress::default(),
            resumed: None,
            began_at: UnixTime(100),
            told_at: UnixTime(100),
            rejects: Vec::new(),
            ending: None,
        }
    }

    #[test]
    fn whoever_is_silent_for_long_is_doing_nothing() {
        let mut upload = upload();
        assert_eq!(upload.doing(UnixTime(100 + SILENCE)), Doing::Running);
        assert_eq!(upload.doing(UnixTime(101 + SILENCE)), Doing::Lost);
        upload.ending = Some(Ending::Done);
        assert_eq!(upload.doing(UnixTime(999)), Doing::Ended);
    }

    #[test]
    fn the_rate_is_of_this_start_alone() {
        let mut upload = upload();
        upload.progress.line = 5_000;
        assert_eq!(upload.rate(), None, "no time has passed");
        upload.told_at = UnixTime(102);
        assert_eq!(upload.rate(), Some(2_500));
        upload.resumed = Some(4_000);
        assert_eq!(upload.rate(), Some(500));
    }

    #[test]
    fn so_many_reasons_are_kept_and_none_without_end() {
        let mut state = State::new(upload());
        let reason = "é".repeat(2 * LONGEST_REASON);
        for line in 1..=2 * MOST_REJECTS as u64 {
            state.hear(&News::Rejected { line, reason: &reason });
        }
        assert_eq!((state.upload.rejects.len(), state.rejects.len()), (SHOWN, MOST_REJECTS));
        assert_eq!(state.rejects[0].reason.chars().count(), LONGEST_REASON);
    }
}
