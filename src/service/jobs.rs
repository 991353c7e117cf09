//! The work beside the requests, as administrators see it: what waits in the outbox and why, and what
//! they may do about a message that does not arrive.

use crate::app::App;
use crate::protocol::rights::Right;
use crate::service::audit::{Actor, Event};
use crate::service::failure::Failure;
use crate::service::figures::{self, LATELY};
use crate::service::people::authority::{self, Barred};
use crate::service::pictures::fetched;
use crate::service::session::{backchannel_logout, farewell};
use crate::service::{mail, webhooks};
use crate::store::waiting::{self, Sought, Troubles, Waiting, WaitingFilter};
use crate::store::webhooks::deliveries::{self, State};
use crate::store::{StoreError, audit, outbox};

/// From so many tries on a message counts as stuck.
const STUCK: i64 = 3;
/// Counting stops here.
const MOST_COUNTED: i64 = 1_000;

/// Why nothing was done with a message.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// It has arrived, or was given up.
    #[error("this message waits no more")]
    Gone,
    #[error("your role does not allow this")]
    NotYours,
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<Barred> for JobError {
    fn from(barred: Barred) -> Self {
        match barred {
            Barred::NotYours => Self::NotYours,
            Barred::Failure(failure) => Self::Failure(failure),
        }
    }
}

impl From<StoreError> for JobError {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}

/// How a message that waits has fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// It has not been tried.
    New,
    /// It has been tried, and is tried again.
    Tried,
    /// It has been tried so often that somebody should look.
    Stuck,
}

impl JobState {
    pub const ALL: [Self; 3] = [Self::New, Self::Tried, Self::Stuck];

    /// The name for programs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Tried => "tried",
            Self::Stuck => "stuck",
        }
    }

    /// The state with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// The state of what was tried so often.
    #[must_use]
    pub fn of(attempts: i64) -> Self {
        match attempts {
            ..=0 => Self::New,
            STUCK.. => Self::Stuck,
            _ => Self::Tried,
        }
    }

    /// How often it was tried, at least and at most.
    fn attempts(self) -> (i64, i64) {
        match self {
            Self::New => (0, 0),
            Self::Tried => (1, STUCK - 1),
            Self::Stuck => (STUCK, i64::MAX),
        }
    }
}

/// What kind of message it is that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobTopic {
    /// Letters to people.
    Letters,
    /// News for webhooks.
    Webhooks,
    /// News of a sign-out for apps.
    Logouts,
    /// Logos of apps, to be fetched.
    Logos,
}

impl JobTopic {
    pub const ALL: [Self; 4] = [Self::Letters, Self::Webhooks, Self::Logouts, Self::Logos];

    /// The name for programs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Letters => "letters",
            Self::Webhooks => "webhooks",
            Self::Logouts => "logouts",
            Self::Logos => "logos",
        }
    }

    /// The topic with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.as_str() == name)
    }

    /// The kinds of messages it is about; the second may be the first.
    fn kinds(self) -> (&'static str, &'static str) {
        match self {
            Self::Letters => (mail::KIND, mail::KIND),
            Self::Webhooks => (webhooks::KIND, webhooks::KIND),
            Self::Logouts => (backchannel_logout::KIND, farewell::KIND),
            Self::Logos => (fetched::KIND, fetched::KIND),
        }
    }
}

/// Which messages are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct JobFilter<'a> {
    pub state: Option<JobState>,
    pub topic: Option<JobTopic>,
    /// The id that the last page ended with, or empty.
    pub after: &'a str,
}

/// A page of what waits, the oldest first.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn list(app: &App, filter: &JobFilter<'_>, limit: i64) -> Result<Vec<Waiting>, Failure> {
    let filter = WaitingFilter {
        attempts: filter.state.map(JobState::attempts),
        kinds: filter.topic.map(JobTopic::kinds),
        after: filter.after,
    };
    Ok(waiting::list(&app.store.db, &filter, limit).await?)
}

/// One message that waits.
///
/// # Errors
/// [`JobError`].
pub async fn get(app: &App, id: &str) -> Result<Waiting, JobError> {
    let found = waiting::by_id(&app.store.db, id).await?;
    found.ok_or(JobError::Gone)
}

/// What is not done that should be: messages that were tried several times, letters that were tried, letters that were
/// given up within a day, each counted to a thousand, and events of the audit log that wait to be sealed. With them how
/// many letters wait at all, at most one more than [`figures::MOST_COUNTED`].
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn troubles(app: &App) -> Result<Troubles, Failure> {
    let since = app.now().plus(-LATELY);
    let sought = Sought {
        letters: mail::KIND,
        attempts: STUCK,
        since,
        most: MOST_COUNTED,
        most_queued: figures::MOST_COUNTED + 1,
    };
    Ok(waiting::troubles(&app.store.db, &sought).await?)
}

/// How many letters to people wait.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn waiting_letters(app: &App) -> Result<i64, Failure> {
    Ok(outbox::count(&app.store.db, mail::KIND).await?)
}

/// Sends a message now and not when its turn comes. One that is on its way may be sent twice, under the
/// same id, by which its receiver tells.
///
/// # Errors
/// [`JobError`].
pub async fn try_now(app: &App, id: &str, actor: &Actor) -> Result<(), JobError> {
    let now = app.now();
    let mut tx = authority::begin(app, (actor, Right::JobsWrite)).await?;
    if !waiting::make_due(&mut tx, id, now).await? {
        return Err(JobError::Gone);
    }
    let event = Event::success("delivery.hurried", actor, now).detail("delivery", id);
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    app.outbox_bell.notify_one();
    Ok(())
}

/// Gives a message up: whoever it is for does not hear of it.
///
/// # Errors
/// [`JobError`].
pub async fn discard(app: &App, id: &str, actor: &Actor) -> Result<(), JobError> {
    let now = app.now();
    let mut tx = authority::begin(app, (actor, Right::JobsWrite)).await?;
    let gone = waiting::discard(&mut tx, id).await?.ok_or(JobError::Gone)?;
    if gone.kind == webhooks::KIND {
        // Its line in the log waits no more either, so that it can be sent again.
        deliveries::end(&mut tx, id, State::Dropped).await?;
    }
    let mut event = Event::failure("delivery.discarded", actor, now)
        .detail("delivery", id)
        .detail("kind", gone.kind.as_str())
        .detail("attempts", gone.attempts);
    if let Some(client) = &gone.client_id {
        event = event.client(client);
    }
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_tries_is_one_state() {
        for tries in 0..10 {
            let fits = |state: &JobState| {
                let (least, most) = state.attempts();
                (least..=most).contains(&tries)
            };
            let found: Vec<_> = JobState::ALL.into_iter().filter(fits).collect();
            assert_eq!(found, [JobState::of(tries)], "{tries}");
        }
        for state in JobState::ALL {
            assert_eq!(JobState::from_name(state.as_str()), Some(state));
        }
        for topic in JobTopic::ALL {
            assert_eq!(JobTopic::from_name(topic.as_str()), Some(topic));
        }
    }
}
