//! Changes of people that follow each other, hundreds in one transaction: people may be very many. Each has the
//! audit events that it has by itself. One that cannot be stops a transaction; those before it are carried out
//! then without it, and it is left to the use case of its own, which says why.

use std::collections::{BTreeSet, HashMap, VecDeque};

use super::plan::{Change, Work};
use crate::app::App;
use crate::clock::UnixTime;
use crate::protocol::types::{GrantId, UserId};
use crate::protocol::user::User;
use crate::service::audit::{Actor, Event};
use crate::service::clients::{Activity, access};
use crate::service::failure::Failure;
use crate::service::organisations::members;
use crate::service::people::authority::Authority;
use crate::service::people::edits::{self, FileEdit};
use crate::service::people::newcomers::{self, Newcomer, Taken};
use crate::service::people::{self, NewPerson, PeopleError, told};
use crate::service::revocation::{self, Spread};
use crate::store::organisations::{self, Named};
use crate::store::{StoreError, Tx, groups, managed, pairs, users};

/// Changes in one transaction.
const CHANGES: usize = 512;

/// Edits of people who are there already: each takes several statements, and meanwhile these people wait for
/// whatever changes them.
const EDITS: usize = 128;

static ACTOR: Actor = Actor::CommandLine;

/// A change that has been prepared.
enum Step<'a> {
    Make {
        user: Box<User>,
        phc: Option<String>,
    },
    Change {
        id: &'a UserId,
        edit: Option<FileEdit>,
        is_enabled: bool,
    },
    Join {
        user: UserId,
        /// Not made by a step before this one.
        is_there: bool,
        organisations: &'a BTreeSet<String>,
    },
}

/// Why nothing of a transaction is kept.
enum Stop {
    /// The step at this place cannot be; the first one where nobody knows which it is.
    At(usize),
    Failure(Failure),
}

impl Stop {
    fn at(place: usize) -> impl Fn(PeopleError) -> Self {
        move |error| match error {
            PeopleError::Failure(failure) => Self::Failure(failure),
            _ => Self::At(place),
        }
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => Self::At(0),
            other => Self::Failure(other.into()),
        }
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// Carries out as many of the first changes as go together, and says how many that were: none where the first
/// one is to be done by itself. What they revoke is to be waited for before it is acknowledged.
///
/// # Errors
/// [`Failure`]; nothing was done then.
pub(super) async fn carry_out(
    app: &App,
    changes: &VecDeque<Change>,
) -> Result<(usize, Spread), Failure> {
    // Before the transaction: on SQLite others write while passwords are hashed.
    let steps = prepare(app, changes).await;
    let mut count = steps.len();
    while let Some(steps) = steps.get(..count).filter(|steps| !steps.is_empty()) {
        match Box::pin(attempt(app, steps)).await {
            Ok(spread) => return Ok((count, spread)),
            Err(Stop::At(place)) => count = place,
            Err(Stop::Failure(failure)) => return Err(failure),
        }
    }
    Ok((0, Spread::default()))
}

/// The first changes that can be done together.
async fn prepare<'a>(app: &App, changes: &'a VecDeque<Change>) -> Vec<Step<'a>> {
    let (mut steps, mut edits, mut made) = (Vec::new(), 0, HashMap::new());
    for change in changes.iter().take(CHANGES) {
        let step = match &change.work {
            Work::CreateUser(new, activity) => {
                let disabled = *activity == Some(Activity::Disabled);
                let new = NewPerson { disabled, ..NewPerson::clone(new) };
                let Ok((user, phc)) = people::prepare(app, new).await else { break };
                made.insert(change.name.as_str(), user.id.clone());
                Step::Make { user: Box::new(user), phc }
            }
            // Whatever somebody has who is disabled ends, and that is a transaction of its own.
            Work::UpdateUser(id, edit, activity)
                if *activity != Some(Activity::Disabled) && edits < EDITS =>
            {
                edits += 1;
                let edit = edit.as_deref().cloned().map(FileEdit::checked).transpose();
                let (Ok(edit), is_enabled) = (edit, activity.is_some()) else { break };
                Step::Change { id, edit, is_enabled }
            }
            Work::SetOrganisations(organisations, joiner) => {
                let new = made.get(change.name.as_str());
                let Some(user) = new.or(joiner.as_ref()).cloned() else { break };
                Step::Join { user, is_there: new.is_none(), organisations }
            }
            _ => break,
        };
        steps.push(step);
    }
    steps
}

/// Does all of it or nothing. Rows are held in the order of `docs/architecture.md`.
async fn attempt(app: &App, steps: &[Step<'_>]) -> Result<Spread, Stop> {
    let now = app.now();
    let mut tx = app.store.begin().await?;
    let before = hold(&mut tx, steps).await?;
    let made = make_groups(&mut tx, (steps, &before), now).await?;
    make_people(&mut tx, steps).await?;
    let after = change(&mut tx, (steps, &before), now).await?;
    let joined = join(&mut tx, steps, now).await?;
    let made = made.iter().map(|group| told::group_made(group, (&ACTOR, now)));
    let events = made.chain(events(steps, (&before, &after, &joined), now)).collect();
    told::write(&mut tx, events).await?;
    let ended = end_lost(app, &mut tx, (&before, &after)).await?;
    let subjects = access::subjects(after.keys().chain(&joined.told), &ended);
    let pending = revocation::record(&mut tx, &subjects, now).await?;
    tx.commit().await?;
    app.outbox_bell.notify_one();
    Ok(revocation::spread(app, pending).await)
}

/// Those who are there and are changed, as they are; nobody else changes them before the transaction is over.
async fn hold(tx: &mut Tx, steps: &[Step<'_>]) -> Result<HashMap<UserId, User>, Stop> {
    let ids = steps.iter().filter_map(|step| match step {
        Step::Change { id, .. } => Some(*id),
        Step::Join { user, is_there: true, .. } => Some(user),
        Step::Make { .. } | Step::Join { .. } => None,
    });
    let ids: BTreeSet<&UserId> = ids.collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<&UserId> = ids.into_iter().collect();
    users::hold_owners(&mut *tx).await?;
    users::hold_all(tx, &ids).await?;
    let ids: Vec<UserId> = ids.into_iter().cloned().collect();
    let found = users::by_ids(tx, &ids).await?;
    Ok(found.into_iter().map(|user| (user.id.clone(), user)).collect())
}

/// All groups first and in one order: of two who do this at once none waits for the other in a circle. Gives those
/// that were not there.
async fn make_groups(
    tx: &mut Tx,
    (steps, before): (&[Step<'_>], &HashMap<UserId, User>),
    now: UnixTime,
) -> Result<Vec<String>, Stop> {
    let groups = steps.iter().filter_map(|step| match step {
        Step::Make { user, .. } => Some(&user.groups),
        Step::Change { id, edit: Some(edit), .. } => {
            let (before, groups) = (before.get(*id)?, edit.groups.as_ref()?);
            (before.groups != *groups).then_some(groups)
        }
        Step::Change { .. } | Step::Join { .. } => None,
    });
    // A list, not what makes one: it is held while others are waited for.
    let groups: Vec<&String> = groups.flatten().collect();
    Ok(groups::make(tx, groups.into_iter(), now).await?)
}

/// Makes the accounts, and marks them as made from a file.
async fn make_people(tx: &mut Tx, steps: &[Step<'_>]) -> Result<(), Stop> {
    let (mut places, mut new) = (Vec::new(), Vec::new());
    for (place, step) in steps.iter().enumerate() {
        if let Step::Make { user, phc } = step {
            places.push(place);
            new.push(Newcomer { user, phc: phc.as_deref() });
        }
    }
    let outcomes = newcomers::add(tx, (&new, &Taken::default())).await?;
    if let Some((place, _)) = places.into_iter().zip(outcomes).find(|(_, is_new)| !is_new) {
        return Err(Stop::At(place));
    }
    let usernames: Vec<_> = new.iter().map(|newcomer| newcomer.user.username.as_str()).collect();
    Ok(managed::mark_people(tx, &usernames).await?)
}

/// Writes the edits, and gives those who were edited as they are then; enables who is to be.
async fn change(
    tx: &mut Tx,
    (steps, before): (&[Step<'_>], &HashMap<UserId, User>),
    now: UnixTime,
) -> Result<HashMap<UserId, User>, Stop> {
    let authority = Authority::of(tx, &ACTOR, None).await.map_err(Stop::at(0))?;
    let mut after = HashMap::new();
    for (place, step) in steps.iter().enumerate() {
        let Step::Change { id, edit, is_enabled } = step else { continue };
        let before = before.get(*id).ok_or(Stop::At(place))?;
        if let Some(edit) = edit.clone() {
            // What the file leaves out is as it is now, not as it was for the plan. The groups are there.
            let written = edits::put(tx, (&authority, now), (before, edit.over(before))).await;
            let (user, _) = written.map_err(Stop::at(place))?;
            after.insert((*id).clone(), user);
        }
        if *is_enabled {
            users::set_disabled(&mut *tx, id, None, now).await?;
        }
    }
    Ok(after)
}

/// Who has come into which organisations.
struct Joined {
    /// By the place of the step.
    by: HashMap<usize, Vec<Named>>,
    /// Of whom something is old now.
    told: Vec<UserId>,
}

/// Takes people into organisations. The plan has seen to it that nobody comes into too many.
async fn join(tx: &mut Tx, steps: &[Step<'_>], now: UnixTime) -> Result<Joined, Stop> {
    let (mut names, mut there) = (BTreeSet::new(), Vec::new());
    for step in steps {
        if let Step::Join { user, is_there, organisations } = step {
            names.extend(organisations.iter().cloned());
            there.extend(is_there.then_some(user));
        }
    }
    let names: Vec<String> = names.into_iter().collect();
    let found = organisations::named(&mut *tx, &names).await?;
    let found: HashMap<&str, &Named> = found.iter().map(|one| (one.name.as_str(), one)).collect();
    let mut before: HashMap<UserId, BTreeSet<String>> = HashMap::new();
    for (user, name) in organisations::of_users(&mut *tx, &there).await? {
        before.entry(user).or_default().insert(name);
    }
    let mut by = HashMap::new();
    for (place, step) in steps.iter().enumerate() {
        let Step::Join { user, organisations, .. } = step else { continue };
        let before = before.remove(user).unwrap_or_default();
        if !before.is_subset(organisations) {
            // Somebody has taken them into another one since the plan.
            return Err(Stop::At(place));
        }
        let new = organisations.difference(&before);
        let new = new.map(|name| found.get(name.as_str()).map(|one| Named::clone(one)));
        by.insert(place, new.collect::<Option<Vec<_>>>().ok_or(Stop::At(place))?);
    }
    let places = steps.iter().enumerate().flat_map(|(place, step)| {
        let new = by.get(&place).into_iter().flatten();
        new.filter_map(move |one| match step {
            Step::Join { user, .. } => Some((&one.id, user)),
            Step::Make { .. } | Step::Change { .. } => None,
        })
    });
    let places: Vec<_> = places.collect();
    let told = members::add_all(tx, (&places, &there), now).await?;
    Ok(Joined { by, told })
}

/// What single commands would tell, in the order of the steps.
fn events(
    steps: &[Step<'_>],
    (before, after, joined): (&HashMap<UserId, User>, &HashMap<UserId, User>, &Joined),
    now: UnixTime,
) -> Vec<Event> {
    let mut events = Vec::with_capacity(steps.len());
    for (place, step) in steps.iter().enumerate() {
        match step {
            Step::Make { user, .. } => events.extend(told::creation((user, &[]), &ACTOR)),
            Step::Change { id, is_enabled, .. } => {
                let Some(old) = before.get(*id) else { continue };
                if let Some(new) = after.get(*id) {
                    events.extend(told::edit((old, new), &[], (&ACTOR, now)));
                }
                events.extend(is_enabled.then(|| told::enabled(old, (&ACTOR, now))));
            }
            Step::Join { user, .. } => {
                let organisations = joined.by.get(&place).into_iter().flatten();
                events.extend(organisations.map(|Named { name, id, .. }| {
                    members::joined((name, id), user, (&ACTOR, now))
                }));
            }
        }
    }
    events
}

/// Ends what those have with apps whose groups let them in there no more, and gives the grants.
async fn end_lost(
    app: &App,
    tx: &mut Tx,
    (before, after): (&HashMap<UserId, User>, &HashMap<UserId, User>),
) -> Result<Vec<GrantId>, Stop> {
    let moved = after
        .values()
        .filter(|user| before.get(&user.id).is_some_and(|before| before.groups != user.groups));
    let mut moved: Vec<&UserId> = moved.map(|user| &user.id).collect();
    moved.sort();
    // Kind by kind, not person by person: whoever ends an app holds what everybody has with it.
    pairs::hold_ended_of_users(tx, &moved).await?;
    let mut ended = Vec::new();
    for id in moved {
        ended.extend(access::end_lost(app, tx, (id, &ACTOR)).await?);
    }
    Ok(ended)
}
