//! Many people at once, from a file: in batches, each of which is there whole or not at all, together with
//! how far the file has come. Whoever starts an interrupted import again goes on behind the last person
//! that was added.
//!
//! | module | what it does |
//! |---|---|
//! | `batch` | the lines of one transaction, and how those who are new are added |
//! | `lines` | reads CSV and NDJSON, a line at a time |
//! | `patience` | does a batch again that a busy database has refused |
//! | `present` | what becomes of those who are there already |
//! | `record` | what a line may say, and whether that can be kept |
//! | `uploaded` | a file that an administrator sent with the console, done beside the requests |

mod batch;
pub mod lines;
mod patience;
mod present;
pub mod record;
pub mod uploaded;

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::clock::Seconds;
use crate::protocol::rights::Right;
use crate::protocol::user::User;
use crate::service::audit::Actor;
use crate::service::failure::Failure;
use crate::service::people::authority::Authority;
use crate::service::people::edits::Outcome;
use crate::service::people::newcomers::Taken;
use crate::service::people::{PeopleError, told};
use crate::store::imports::{self, ImportProgress};
use crate::store::{Sql, StoreError, Tx, groups};

use batch::{Batch, Fate};
use lines::{Line, LinesError};
use record::Candidate;

/// How long an interrupted import can be taken up again.
const MEMORY: Seconds = 30 * 86_400;

/// What happens to a person who is there already: with this id, user name or e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duplicates {
    /// The import stops; the batches before stay.
    Fail,
    /// They stay as they are.
    Skip,
    /// Name, e-mail address, groups and whether they are disabled become what the file says, where it
    /// says something; the password, the profile and the right to use the console stay.
    Update,
}

/// Whether anything is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    Write,
    /// Everything is tried and nothing kept.
    DryRun,
}

/// How an import is done.
#[derive(Debug, Clone)]
pub struct Plan {
    pub duplicates: Duplicates,
    pub mode: Mode,
    /// Whether every e-mail address counts as verified, whatever the file says.
    pub trust_emails: bool,
    /// The SHA-256 of the file, by which an interrupted import is known; `None` when it cannot be read
    /// twice.
    pub digest: Option<String>,
    /// In whose name. What an administrator may not do by hand, no file does for them.
    pub actor: Actor,
}

/// What is told while an import goes on.
#[derive(Debug)]
pub enum News<'a> {
    /// An import of this file was interrupted: it goes on behind this line.
    Resumed(&'a ImportProgress),
    /// A line was left out.
    Rejected { line: u64, reason: &'a str },
    /// A batch is through; the second figure is where in the file it ends, in bytes.
    Batch(&'a ImportProgress, u64),
}

/// Why an import stopped.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Lines(#[from] LinesError),
    #[error(
        "line {line}: {username} is there already; choose what happens to such people with --duplicates skip or update"
    )]
    Duplicate { line: u64, username: String },
    #[error(
        "the server is busy ({0}): start the same command again, it goes on where it stopped in the file"
    )]
    Busy(String),
    /// Somebody else imports the same file, and is further.
    #[error(
        "the same file is being imported from somewhere else: start this again when that is through, if anybody is missing"
    )]
    Overtaken,
    /// Whoever asked may not import people, or may no more.
    #[error("this is not yours to do")]
    NotYours,
    #[error(transparent)]
    Failure(Failure),
}

impl From<Failure> for ImportError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unavailable(reason) => Self::Busy(reason),
            failure @ Failure::Internal(_) => Self::Failure(failure),
        }
    }
}

impl From<StoreError> for ImportError {
    fn from(error: StoreError) -> Self {
        Failure::from(error).into()
    }
}

/// Adds the people of `lines`, and says what became of them.
///
/// # Errors
/// [`ImportError`]; every batch before stays.
pub async fn run(
    app: &App,
    lines: &mut dyn Iterator<Item = Result<Line, LinesError>>,
    plan: &Plan,
    tell: &mut dyn FnMut(News<'_>),
) -> Result<ImportProgress, ImportError> {
    let before = match &plan.digest {
        Some(digest) => imports::progress(&app.store.db, digest).await?,
        None => None,
    };
    if let Some(before) = &before {
        tell(News::Resumed(before));
    }
    let (progress, seen) = (before.unwrap_or_default(), Taken::default());
    let mut import = Import { app, plan, progress, seen, kept: false };
    let done = import.progress.line;
    let mut lines = lines.filter(|line| line.as_ref().map_or(true, |line| line.number() > done));
    // Between two transactions, not beside one: on SQLite others write while this reads.
    while let Some(batch) = Batch::read(app, plan, &mut lines)? {
        let end = batch.end;
        let outcome = Box::pin(patience::batch(&mut import, batch, tell)).await;
        // Whoever is there for good is told of, also when those to be changed could not all be.
        if outcome.is_ok() || import.kept {
            tell(News::Batch(&import.progress, end));
        }
        outcome?;
    }
    if let (Some(digest), Mode::Write) = (&plan.digest, plan.mode) {
        imports::forget(&app.store.db, digest).await?;
    }
    Ok(import.progress)
}

/// Forgets how far an interrupted import has come: it starts from the first line again.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn forget(app: &App, digest: &str) -> Result<(), Failure> {
    Ok(imports::forget(&app.store.db, digest).await?)
}

struct Import<'a> {
    app: &'a App,
    plan: &'a Plan,
    progress: ImportProgress,
    /// In a dry run nothing stays to collide with, so it is remembered who would be there.
    seen: Taken,
    /// Whether everybody new in this batch is there for good, whatever becomes of those to be changed.
    kept: bool,
}

impl Import<'_> {
    async fn batch(
        &mut self,
        mut batch: Batch,
        tell: &mut dyn FnMut(News<'_>),
    ) -> Result<(), ImportError> {
        let (before, mut there_already) = (self.progress.line, Vec::new());
        let mut tx = self.app.store.begin().await?;
        let authority = self.authority(&mut tx).await?;
        batch.vet(&mut tx, &authority).await?;
        // All groups first and in one order: two imports at once must not wait for each other.
        let groups = batch.candidates().flat_map(|candidate| &candidate.user.groups);
        let now = self.app.now();
        let made = groups::make(&mut tx, groups, now).await?;
        let by = (&self.plan.actor, now);
        let made = made.iter().map(|group| told::group_made(group, by)).collect();
        told::write(&mut tx, made).await?;
        let mut fates = batch.add(&mut tx, (&self.seen, &self.plan.actor)).await?.into_iter();
        self.progress.line = batch.last;
        for (line, checked) in batch.lines {
            let candidate = match checked {
                Ok(candidate) => candidate,
                Err(reason) => {
                    self.progress.rejected += 1;
                    tell(News::Rejected { line, reason: &reason });
                    continue;
                }
            };
            match (fates.next(), self.plan.duplicates) {
                (Some(Fate::Added), _) => self.added(&candidate.user),
                (_, Duplicates::Fail) => {
                    let username = candidate.user.username;
                    return Err(ImportError::Duplicate { line, username });
                }
                (_, Duplicates::Skip) => self.progress.skipped += 1,
                (_, Duplicates::Update) => there_already.push((line, candidate)),
            }
        }
        match self.plan.mode {
            Mode::DryRun => drop(tx),
            Mode::Write if there_already.is_empty() => {
                self.save(&mut tx, before).await?;
                tx.commit().await?;
                return Ok(());
            }
            Mode::Write => {
                tx.commit().await?;
                self.kept = true;
            }
        }
        self.update(there_already, tell).await?;
        // Afterwards: whoever comes back to this batch finds everybody there, and changes them again.
        match self.plan.mode {
            Mode::DryRun => Ok(()),
            Mode::Write => self.save(&self.app.store.db, before).await,
        }
    }

    /// Changes those who are there already, each for themselves.
    async fn update(
        &mut self,
        there_already: Vec<(u64, Candidate)>,
        tell: &mut dyn FnMut(News<'_>),
    ) -> Result<(), ImportError> {
        let (app, plan) = (self.app, self.plan);
        for (line, candidate) in there_already {
            let change = async || present::update(app, plan, candidate.clone()).await;
            match patience::step(change).await {
                Ok(Outcome::Changed) => self.progress.updated += 1,
                Ok(Outcome::Same) => self.progress.skipped += 1,
                Err(PeopleError::Failure(failure)) => return Err(failure.into()),
                Err(problem) => {
                    self.progress.rejected += 1;
                    tell(News::Rejected { line, reason: &problem.to_string() });
                }
            }
        }
        Ok(())
    }

    /// How far the word goes of whoever this is done for, as of this batch.
    async fn authority(&self, tx: &mut Tx) -> Result<Authority, ImportError> {
        let authority = Authority::of(tx, &self.plan.actor, None).await.map_err(refused)?;
        authority.require(Right::PeopleImport).map_err(refused)?;
        Ok(authority)
    }

    fn added(&mut self, user: &User) {
        self.progress.created += 1;
        if self.plan.mode == Mode::DryRun {
            self.seen.add(user);
        }
    }

    /// Keeps how far the file is, which was at line `before`. Whoever imports it at the same time gets no further.
    async fn save<'a>(&self, sql: impl Sql<'a>, before: i64) -> Result<(), ImportError> {
        let Some(digest) = &self.plan.digest else { return Ok(()) };
        let expires_at = self.app.now().plus(MEMORY);
        if imports::save(sql, digest, (before, &self.progress), expires_at).await? {
            Ok(())
        } else {
            Err(ImportError::Overtaken)
        }
    }
}

fn refused(error: PeopleError) -> ImportError {
    match error {
        PeopleError::Failure(failure) => failure.into(),
        _ => ImportError::NotYours,
    }
}
