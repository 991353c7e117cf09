//! How things stand, for the first page of the console, and what lists show beside their rows.

use std::collections::HashMap;

use crate::app::App;
use crate::clock::{Seconds, UnixTime};
use crate::protocol::types::UserId;
use crate::service::failure::Failure;
use crate::store::{figures, sessions};

pub use crate::store::figures::MOST_COUNTED;

/// The time that "lately" covers, in seconds.
pub const LATELY: Seconds = 86_400;

/// The numbers of the overview. All stop one above [`MOST_COUNTED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    pub people: i64,
    pub apps: i64,
    pub live_sessions: i64,
    /// Sessions begun in the last day.
    pub sign_ins: i64,
    /// Sign-ins refused in the last day.
    pub failed_sign_ins: i64,
}

/// Counts everything.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn overview(app: &App) -> Result<Figures, Failure> {
    let (db, now) = (&app.store.db, app.now());
    let since = now.plus(-LATELY);
    Ok(Figures {
        people: figures::count_users(db).await?,
        apps: figures::count_clients(db).await?,
        live_sessions: sessions::count_live(db, now, MOST_COUNTED).await?,
        sign_ins: figures::count_events(db, "session.created", since).await?,
        failed_sign_ins: figures::count_events(db, "sign_in.failed", since).await?,
    })
}

/// The usernames of some people, as far as they still exist.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn usernames(app: &App, people: &[UserId]) -> Result<HashMap<UserId, String>, Failure> {
    Ok(figures::usernames(&app.store.db, people).await?.into_iter().collect())
}

/// When some people's sessions were last used, for those who have any.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn last_seen(app: &App, people: &[UserId]) -> Result<HashMap<UserId, UnixTime>, Failure> {
    Ok(figures::last_seen(&app.store.db, people).await?.into_iter().collect())
}
