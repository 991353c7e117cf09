//! Many sessions end at once: those of a person, in an app, from an address, or where all of these meet. The
//! console, the REST API and the command line come here.
//!
//! They end as they do one by one: apps that want to know are told, and what stays signed in without a
//! session goes on. It is done in batches, each a transaction of its own, so that nobody else waits for long;
//! who signs in while it runs may be overlooked. For one person and all that they have there is
//! [`super::everywhere`].

use std::net::IpAddr;

use super::{BY_PERSON, Ending, LiveSession, ended_by, ended_event};
use crate::app::App;
use crate::protocol::rights::{Reach, Right, Standing};
use crate::protocol::types::{ClientId, SessionId, UserId};
use crate::service::audit::{Actor, Caller, Event};
use crate::service::failure::Failure;
use crate::service::people::PeopleError;
use crate::service::people::authority::Authority;
use crate::service::revocation;
use crate::store::grants::Offline;
use crate::store::sessions::{self, Session, SessionFilter, Whose};
use crate::store::{Cursor, Tx, audit};

/// How many end at most before whoever asked hears of it and may go on.
pub const MOST: usize = 1_000;

/// How many end in one transaction.
const BATCH: i64 = 100;

/// Which sessions; with nothing said, all that are alive.
#[derive(Debug, Clone, Default)]
pub struct Chosen {
    pub user: Option<UserId>,
    /// The app that somebody is signed in to through them.
    pub client: Option<ClientId>,
    /// As [`address_of`] writes it.
    pub address: Option<String>,
    /// All but this one, such as that of the administrator who asks.
    pub except: Option<SessionId>,
}

impl Chosen {
    /// Whether nothing is said that would leave anybody out.
    #[must_use]
    pub fn is_everybody(&self) -> bool {
        self.user.is_none() && self.client.is_none() && self.address.is_none()
    }

    fn filter(&self, app: &App, of: Whose) -> SessionFilter {
        SessionFilter {
            user: self.user.clone(),
            client: self.client.clone(),
            address: self.address.clone(),
            except: self.except.clone(),
            of,
            live_at: Some(app.now()),
            after: None,
            limit: 0,
        }
    }
}

/// What has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    pub sessions: usize,
    /// Whether [`MOST`] is reached and there may be more.
    pub is_partial: bool,
}

/// An IP address as sessions have it; `None` when it is none.
#[must_use]
pub fn address_of(text: &str) -> Option<String> {
    let address: IpAddr = text.trim().parse().ok()?;
    Some(address.to_canonical().to_string())
}

/// One page of those that are alive, newest first.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn list(
    app: &App,
    (chosen, after): (&Chosen, Option<Cursor>),
    limit: i64,
) -> Result<Vec<Session>, Failure> {
    let filter = SessionFilter { after, limit, ..chosen.filter(app, Whose::Everybody) };
    Ok(sessions::list(&app.store.db, &filter).await?)
}

/// How many of them somebody may end who stands like this; counting stops at `most`.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn count(
    app: &App,
    (chosen, standing): (&Chosen, &Standing),
    most: i64,
) -> Result<i64, Failure> {
    let filter = SessionFilter { limit: most, ..chosen.filter(app, within(standing)) };
    Ok(sessions::count(&app.store.db, &filter).await?)
}

/// How many sessions these people are signed in with; counting stops at `most`.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn count_of(app: &App, people: &[UserId], most: i64) -> Result<i64, Failure> {
    Ok(sessions::count_of(&app.store.db, (people, app.now()), most).await?)
}

/// Whose sessions are theirs to end.
fn within(standing: &Standing) -> Whose {
    match Right::SessionsEndMany.reach(standing.role) {
        Reach::All => Whose::Everybody,
        Reach::Ordinary | Reach::Own | Reach::Nothing => Whose::Ordinary,
    }
}

/// Ends them, [`MOST`] at most. Those of people whom whoever asks may not sign out stay.
///
/// # Errors
/// [`PeopleError::Invalid`] when nothing is said that would leave anybody out, [`PeopleError::NotYours`], and
/// [`Failure`] when SQL does not take it; earlier batches have ended then.
pub async fn end(app: &App, chosen: &Chosen, who: (&Actor, &Caller)) -> Result<Ended, PeopleError> {
    if chosen.is_everybody() {
        let problem = "name a person, an app or an address".to_owned();
        return Err(PeopleError::Invalid { field: "sessions", problem });
    }
    let (mut ended, mut after) = (0, None);
    while ended < MOST {
        let batch = Box::pin(end_batch(app, (chosen, after), who)).await?;
        ended += batch.ended;
        after = match batch.next {
            None => {
                if ended == 0 {
                    // Somebody may have ended them a moment ago.
                    revocation::outlive_recent(app, app.now()).await;
                }
                return Ok(Ended { sessions: ended, is_partial: false });
            }
            next => next,
        };
    }
    Ok(Ended { sessions: ended, is_partial: true })
}

struct Batch {
    ended: usize,
    /// Where the next one begins; `None` behind the last.
    next: Option<Cursor>,
}

async fn end_batch(
    app: &App,
    (chosen, after): (&Chosen, Option<Cursor>),
    (actor, caller): (&Actor, &Caller),
) -> Result<Batch, PeopleError> {
    let now = app.now();
    let mut tx = app.store.begin().await?;
    let authority = Authority::of(&mut tx, actor, None).await?;
    authority.require(Right::SessionsEndMany)?;
    let of = match &authority {
        Authority::Unlimited => Whose::Everybody,
        Authority::Limited(standing) => within(standing),
    };
    let filter = SessionFilter { after, limit: BATCH, ..chosen.filter(app, of) };
    let found = sessions::list(&mut tx, &filter).await?;
    let is_full = i64::try_from(found.len()).is_ok_and(|count| count >= BATCH);
    let next = found.last().filter(|_| is_full).map(Session::cursor);
    let mut ended = Vec::new();
    for session in hold(&mut tx, &authority, found).await? {
        let session = LiveSession::of(session, now);
        if ended_by(actor, &session.user_id) != BY_PERSON {
            // Whoever had it may have been somebody else.
            sessions::disown(&mut tx, &session.id).await?;
        }
        let ending = Ending::write(app, &mut tx, (&session, Offline::Keep)).await?;
        let event = ended_event(app, &session, (actor, caller));
        audit::append(&mut tx, &event.into_row()).await?;
        ended.push((session, ending));
    }
    if ended.is_empty() {
        return Ok(Batch { ended: 0, next });
    }
    audit::append(&mut tx, &event(app, (chosen, ended.len()), (actor, caller)).into_row()).await?;
    let dead: Vec<_> = ended.iter().flat_map(|(session, ending)| ending.dead(session)).collect();
    // Last of all, since everybody's revocations wait for this one to commit.
    let pending = revocation::record(&mut tx, &dead, now).await?;
    tx.commit().await?;
    app.outbox_bell.notify_one();
    revocation::publish(app, pending).await;
    let count = ended.len();
    for (session, ending) in ended {
        if let Some(lasted) = ending.settle(app).await {
            app.metrics.session_ended(ended_by(actor, &session.user_id), lasted);
        }
    }
    Ok(Batch { ended: count, next })
}

/// Holds those that are still alive and of people who may be signed out, in the order in which everybody
/// holds several.
async fn hold(
    tx: &mut Tx,
    authority: &Authority,
    mut found: Vec<Session>,
) -> Result<Vec<Session>, PeopleError> {
    found.sort_by(|one, other| one.id.cmp(&other.id));
    let mut held = Vec::with_capacity(found.len());
    for session in found {
        match authority.change_by_id(tx, Right::SessionsEndMany, &session.user_id).await {
            Ok(()) if sessions::hold(tx, &session.id).await? => held.push(session),
            // It has ended meanwhile, or its person has just got a role.
            Ok(()) | Err(PeopleError::NotYours | PeopleError::NotFound) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(held)
}

fn event(
    app: &App,
    (chosen, sessions): (&Chosen, usize),
    (actor, caller): (&Actor, &Caller),
) -> Event {
    let mut event = Event::success("sessions.ended", actor, app.now()).caller(caller);
    if let Some(user) = &chosen.user {
        event = event.user(user);
    }
    if let Some(client) = &chosen.client {
        event = event.client(client);
    }
    if let Some(address) = &chosen.address {
        event = event.detail("from", address.as_str());
    }
    event.detail("sessions", sessions)
}

#[cfg(test)]
mod tests {
    use super::address_of;

    #[test]
    fn an_address_is_asked_for_as_sessions_have_it() {
        assert_eq!(address_of(" 192.0.2.7 ").as_deref(), Some("192.0.2.7"));
        assert_eq!(address_of("::ffff:192.0.2.7").as_deref(), Some("192.0.2.7"));
        assert_eq!(address_of("2001:DB8:0:0::1").as_deref(), Some("2001:db8::1"));
        for bad in ["", "192.0.2", "192.0.2.0/24", "wiki.example"] {
            assert_eq!(address_of(bad), None, "{bad}");
        }
    }
}
