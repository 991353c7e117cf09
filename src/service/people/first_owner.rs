//! The first owner, made by whoever starts the server for the first time: as with the link of `links`, there
//! is one, however many nodes start at once.

use super::{NewPerson, PeopleError, insert, prepare};
use crate::app::App;
use crate::protocol::user::{AdminRole, User};
use crate::service::audit::{Actor, Event};
use crate::service::failure::Failure;
use crate::store::clients::ClientFilter;
use crate::store::users::{self, UserFilter};
use crate::store::{audit, clients, sync};

/// Whether there is nobody yet.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn nobody_is_here(app: &App) -> Result<bool, Failure> {
    let filter = UserFilter { limit: 1, ..UserFilter::default() };
    Ok(users::list(&app.store.db, &filter).await?.is_empty())
}

/// Whether there is no app yet.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn nothing_is_here(app: &App) -> Result<bool, Failure> {
    let filter = ClientFilter { limit: 1, ..ClientFilter::default() };
    Ok(clients::list(&app.store.db, &filter).await?.is_empty())
}

/// An owner whose name and password were checked, and who is not there yet.
pub struct Candidate {
    user: User,
    phc: Option<String>,
}

/// Checks everything about the first owner and hashes the password; writes nothing.
///
/// # Errors
/// [`PeopleError`].
pub async fn check(app: &App, person: NewPerson) -> Result<Candidate, PeopleError> {
    // Nobody else is here to vouch for the address, and apps refuse administrators without.
    let person = NewPerson { role: Some(AdminRole::Owner), email_verified: true, ..person };
    let (user, phc) = prepare(app, person).await?;
    Ok(Candidate { user, phc })
}

/// Makes the first owner, unless somebody is there by now: then nothing happens, and the answer is `None`.
///
/// # Errors
/// [`PeopleError`].
pub async fn make(app: &App, candidate: Candidate) -> Result<Option<User>, PeopleError> {
    let Candidate { user, phc } = candidate;
    let mut tx = app.store.begin().await?;
    // The row that every node has: whoever starts at the same time waits here, and finds the owner then.
    sync::bump_catalog(&mut tx).await?;
    let filter = UserFilter { limit: 1, ..UserFilter::default() };
    if !users::list(&mut tx, &filter).await?.is_empty() {
        return Ok(None);
    }
    insert(&mut tx, &user, phc.as_deref()).await?;
    let now = user.created_at;
    for event in [
        Event::success("user.created", &Actor::System, now),
        Event::success("setup.completed", &Actor::System, now).detail("by", "environment"),
    ] {
        let event = event.user(&user.id).detail("username", user.username.as_str());
        audit::append(&mut tx, &event.into_row()).await?;
    }
    tx.commit().await?;
    Ok(Some(user))
}
