//! The lines of one transaction: read and checked before it, then added a few statements at a time.

use super::lines::{Line, LinesError};
use super::record::{Candidate, Record};
use super::{ImportError, Plan};
use crate::app::App;
use crate::clock::UnixTime;
use crate::protocol::rights::Right;
use crate::service::audit::{Actor, Event};
use crate::service::people::authority::Authority;
use crate::service::people::newcomers::{self, Newcomer, Taken};
use crate::store::{Tx, audit, users};

/// Lines in one transaction.
const LINES: usize = 1000;
/// A batch ends with the line that makes it longer than this, in bytes.
const LONGEST: u64 = 8 * 1024 * 1024;
/// Why somebody new is left out whose id the file names.
const ID_NOT_YOURS: &str =
    "id: nobody is known by it, and only an owner may say which id somebody new has; leave it out";

/// What became of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Added,
    /// Somebody with their id, user name or address is there, or before them in the file.
    Taken,
}

/// Lines for one transaction.
#[derive(Debug, Clone)]
pub(super) struct Batch {
    /// The number of each line with who may be added, or why nobody.
    pub(super) lines: Vec<(u64, Result<Candidate, String>)>,
    /// The number of the last of them.
    pub(super) last: i64,
    /// Where in the file they end.
    pub(super) end: u64,
}

impl Batch {
    /// Reads and checks the next lines; `None` behind the last one.
    pub(super) fn read(
        app: &App,
        plan: &Plan,
        lines: &mut dyn Iterator<Item = Result<Line, LinesError>>,
    ) -> Result<Option<Self>, LinesError> {
        let mut batch = Self { lines: Vec::new(), last: 0, end: 0 };
        let mut first_end = None;
        for line in lines.take(LINES) {
            let line = line?;
            let first_end = *first_end.get_or_insert(line.end);
            (batch.last, batch.end) = (line.number(), line.end);
            let checked = line.record.and_then(|record| check(record, plan, app.now()));
            batch.lines.push((line.number, checked));
            if batch.end.saturating_sub(first_end) > LONGEST {
                break;
            }
        }
        Ok(Some(batch).filter(|batch| !batch.lines.is_empty()))
    }

    /// Leaves out whom the one who asks may not add, and takes back what they may not say of somebody.
    pub(super) async fn vet(
        &mut self,
        tx: &mut Tx,
        authority: &Authority,
    ) -> Result<(), ImportError> {
        let (names_ids, vouches) = (authority.may_name_ids(), authority.may(Right::PeopleVouch));
        for (_, checked) in &mut self.lines {
            let Ok(candidate) = checked else { continue };
            candidate.user.email_verified &= vouches;
            let mut problem =
                authority.let_in(&candidate.user).err().map(|error| error.to_string());
            if let (false, Some(id)) = (names_ids, &candidate.said.id)
                && users::by_id(&mut *tx, id).await?.is_none()
            {
                problem = Some(ID_NOT_YOURS.to_owned());
            }
            if let Some(problem) = problem {
                *checked = Err(problem);
            }
        }
        Ok(())
    }

    /// Those who may be added.
    pub(super) fn candidates(&self) -> impl Iterator<Item = &Candidate> {
        self.lines.iter().filter_map(|(_, checked)| checked.as_ref().ok())
    }

    /// Adds everybody who is neither in the database nor among `seen`, and says what became of each
    /// candidate. Their groups are there.
    pub(super) async fn add(
        &self,
        tx: &mut Tx,
        (seen, actor): (&Taken, &Actor),
    ) -> Result<Vec<Fate>, ImportError> {
        let people = self.candidates().map(|Candidate { user, phc, .. }| {
            let phc = phc.as_deref();
            Newcomer { user, phc }
        });
        let people: Vec<_> = people.collect();
        let outcomes = newcomers::add(&mut *tx, (&people, seen)).await?;
        let added = people.iter().zip(&outcomes).filter(|(_, is_new)| **is_new);
        let events = added.map(|(Newcomer { user, .. }, _)| {
            Event::success("user.created", actor, user.created_at)
                .user(&user.id)
                .detail("username", user.username.as_str())
                .detail("imported", true)
                .into_row()
        });
        audit::append_all(&mut *tx, &events.collect::<Vec<_>>()).await?;
        let fate = |is_new| if is_new { Fate::Added } else { Fate::Taken };
        Ok(outcomes.into_iter().map(fate).collect())
    }
}

fn check(record: Record, plan: &Plan, now: UnixTime) -> Result<Candidate, String> {
    let mut candidate = record.check(now).map_err(|problem| problem.to_string())?;
    if plan.trust_emails {
        candidate.user.email_verified = candidate.user.email.is_some();
    }
    Ok(candidate)
}
