//! Sessions as people and administrators see them: whose each is, and what was signed in to through it.

use std::collections::BTreeMap;

use crate::app::App;
use crate::protocol::types::SessionId;
use crate::service::failure::Failure;
use crate::service::{clients, figures};
use crate::store::sessions::{Session, session_clients};

/// A session with the names of what it is about.
#[derive(Debug, Clone)]
pub struct Sighting {
    pub session: Session,
    /// Empty when the person was deleted this very moment.
    pub username: String,
    /// The names of the apps signed in to through it, in alphabetical order.
    pub apps: Vec<String>,
}

/// Finds the names behind a page of sessions, a few statements for all of them.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn of(app: &App, sessions: Vec<Session>) -> Result<Vec<Sighting>, Failure> {
    let mut people: Vec<_> = sessions.iter().map(|session| session.user_id.clone()).collect();
    people.sort();
    people.dedup();
    let usernames = figures::usernames(app, &people).await?;
    let mut apps = apps_of(app, &sessions).await?;
    let sighting = |session: Session| Sighting {
        username: usernames.get(&session.user_id).cloned().unwrap_or_default(),
        apps: apps.remove(&session.id).unwrap_or_default(),
        session,
    };
    Ok(sessions.into_iter().map(sighting).collect())
}

async fn apps_of(
    app: &App,
    sessions: &[Session],
) -> Result<BTreeMap<SessionId, Vec<String>>, Failure> {
    let ids: Vec<_> = sessions.iter().map(|session| session.id.clone()).collect();
    let mut apps = BTreeMap::<_, Vec<_>>::new();
    for (session, client) in session_clients::of_sessions(&app.store.db, &ids).await? {
        let Some(client) = clients::find(app, &client).await? else { continue };
        apps.entry(session).or_default().push(client.metadata.client_name.clone());
    }
    for names in apps.values_mut() {
        names.sort();
    }
    Ok(apps)
}
