//! The lines of one transaction: read and checked before it, then added a few statements at a time.

use std::collections::HashSet;

use super::lines::{Line, LinesError};
use super::record::{Candidate, Record};
use super::{ImportError, Plan};
use crate::app::App;
use crate::clock::UnixTime;
use crate::protocol::rights::Right;
use crate::protocol::types::UserId;
use crate::protocol::user::User;
use crate::service::audit::{Actor, Event};
use crate::service::people::authority::Authority;
use crate::store::users::{self, FirstPassword};
use crate::store::{Tx, audit, groups};

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
        let candidates: Vec<&Candidate> = self.candidates().collect();
        let (mut fates, mut added) = (Vec::with_capacity(candidates.len()), Vec::new());
        for run in runs(&candidates) {
            let people = run.iter().map(|candidate| &candidate.user);
            let unseen: Vec<&User> = people.filter(|user| !seen.has(user)).collect();
            let new = users::insert_untaken(&mut *tx, &unseen).await?;
            for candidate in run {
                let is_new = new.contains(&candidate.user.id);
                fates.push(if is_new { Fate::Added } else { Fate::Taken });
                added.extend(is_new.then_some(*candidate));
            }
        }
        complete(tx, &added, actor).await?;
        Ok(fates)
    }
}

/// What belongs to those who were added: their groups, their passwords, and the events.
async fn complete(tx: &mut Tx, added: &[&Candidate], actor: &Actor) -> Result<(), ImportError> {
    let people: Vec<&User> = added.iter().map(|candidate| &candidate.user).collect();
    groups::join_all(&mut *tx, &people).await?;
    let passwords = added.iter().filter_map(|Candidate { user, phc, .. }| {
        let phc = phc.as_deref()?;
        Some(FirstPassword { user_id: &user.id, phc, changed_at: user.created_at })
    });
    users::add_passwords(&mut *tx, &passwords.collect::<Vec<_>>()).await?;
    let events = people.iter().map(|user| {
        Event::success("user.created", actor, user.created_at)
            .user(&user.id)
            .detail("username", user.username.as_str())
            .detail("imported", true)
            .into_row()
    });
    audit::append_all(&mut *tx, &events.collect::<Vec<_>>()).await?;
    Ok(())
}

fn check(record: Record, plan: &Plan, now: UnixTime) -> Result<Candidate, String> {
    let mut candidate = record.check(now).map_err(|problem| problem.to_string())?;
    if plan.trust_emails {
        candidate.user.email_verified = candidate.user.email.is_some();
    }
    Ok(candidate)
}

/// Divides candidates, in their order, so that within a part no two have an id, a user name or an address
/// in common: of two that have, the second is added when it is known what became of the first.
fn runs<'r, 'c>(candidates: &'r [&'c Candidate]) -> Vec<&'r [&'c Candidate]> {
    let mut taken = Taken::default();
    let mut parts = Vec::new();
    let (mut begin, mut rest) = (0, candidates);
    for (place, candidate) in candidates.iter().enumerate() {
        if taken.has(&candidate.user)
            && let Some((part, behind)) = rest.split_at_checked(place - begin)
        {
            parts.push(part);
            (begin, rest, taken) = (place, behind, Taken::default());
        }
        taken.add(&candidate.user);
    }
    parts.push(rest);
    parts
}

/// What somebody has and nobody else may have.
#[derive(Debug, Default)]
pub(super) struct Taken {
    ids: HashSet<UserId>,
    /// User names and addresses: each may be given at a sign-in.
    logins: HashSet<String>,
}

impl Taken {
    /// Whether something of this person is taken.
    pub(super) fn has(&self, user: &User) -> bool {
        self.ids.contains(&user.id)
            || self.logins.contains(&user.username)
            || user.email.as_ref().is_some_and(|email| self.logins.contains(email))
    }

    /// Takes what this person has.
    pub(super) fn add(&mut self, user: &User) {
        self.ids.insert(user.id.clone());
        self.logins.insert(user.username.clone());
        self.logins.extend(user.email.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(text: &str) -> Candidate {
        serde_json::from_str::<Record>(text).unwrap().check(UnixTime(7)).unwrap()
    }

    #[test]
    fn whoever_has_something_in_common_with_one_before_is_in_the_next_part() {
        for (second, parts) in [
            (r#"{"username":"c"}"#, [3].as_slice()),
            (r#"{"username":"A"}"#, &[1, 2]),
            (r#"{"username":"x@example.test"}"#, &[1, 2]),
            (r#"{"username":"c","email":"X@example.test"}"#, &[1, 2]),
            (r#"{"username":"c","email":"C@example.test"}"#, &[3]),
            (r#"{"username":"c","id":"one"}"#, &[1, 2]),
        ] {
            let first = candidate(r#"{"username":"a","email":"x@example.test","id":"one"}"#);
            let (second, third) = (candidate(second), candidate(r#"{"username":"d"}"#));
            let all = [&first, &second, &third];
            let lengths: Vec<_> = runs(&all).iter().map(|part| part.len()).collect();
            assert_eq!(lengths, parts, "{:?}", second.user);
        }
    }

    #[test]
    fn somebody_whose_name_is_their_address_does_not_collide_with_themselves() {
        let own = candidate(r#"{"username":"a@example.test","email":"a@example.test"}"#);
        assert_eq!(runs(&[&own]).len(), 1);
        assert!(runs(&[]).iter().all(|part| part.is_empty()));
    }
}
