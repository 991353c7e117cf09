//! What a person has let in for longer: devices, and apps that hold a refresh token. Each is ended by
//! itself; nothing else that the person is signed in to notices. The account page, the console, the REST API and the
//! command line all come here.

use std::sync::Arc;

use crate::app::App;
use crate::clock::UnixTime;
use crate::protocol::client::Client;
use crate::protocol::rights::Right;
use crate::protocol::scope::Scopes;
use crate::protocol::types::{GrantId, UserId};
use crate::service::audit::{Actor, Caller, Event};
use crate::service::clients;
use crate::service::failure::Failure;
use crate::service::people::PeopleError;
use crate::service::people::authority::Authority;
use crate::service::revocation;
use crate::service::token::lineage;
use crate::store::Cursor;
use crate::store::grants::refresh_families::{self, RefreshFamily};
use crate::store::grants::{self, Grant};

/// Something that stays signed in by itself.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Its id, too.
    pub grant: GrantId,
    pub client: Arc<Client>,
    pub bound: Bound,
    pub scopes: Scopes,
    pub since: UnixTime,
    /// When its refresh token was last used; when it was made, if never.
    pub last_used: UnixTime,
}

impl Connection {
    fn new((family, grant): (RefreshFamily, Grant), client: Arc<Client>) -> Self {
        let bound = match (&grant.session_id, grant.offline) {
            (None, _) => Bound::Device,
            (Some(_), true) => Bound::Offline,
            (Some(_), false) => Bound::Session,
        };
        Self {
            grant: grant.id,
            client,
            bound,
            scopes: grant.scopes,
            since: grant.created_at,
            last_used: family.rotated_at.unwrap_or(family.created_at),
        }
    }

    /// Its place in the list.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.since, id: self.grant.to_string() }
    }
}

/// What it stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// It was let in with a code, on a screen of its own.
    Device,
    /// It outlives the browser's session (`offline_access`).
    Offline,
    /// It ends with the browser's session.
    Session,
}

impl Bound {
    pub const ALL: [Self; 3] = [Self::Device, Self::Offline, Self::Session];

    /// The name for programs; stays the same.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Offline => "offline",
            Self::Session => "session",
        }
    }
}

/// A page of what the person has let in and what can still get tokens, the newest first. What belongs to an app that
/// is disabled is not among it.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn list(
    app: &App,
    (user, after): (&UserId, Option<Cursor>),
    limit: i64,
) -> Result<Vec<Connection>, Failure> {
    let mut connections: Vec<Connection> = Vec::new();
    let mut place = after;
    loop {
        let missing = limit - i64::try_from(connections.len()).unwrap_or(limit);
        let (db, from) = (&app.store.db, (user, place.take()));
        let rows = refresh_families::living_of_user(db, from, app.now(), missing).await?;
        // A page with a gap is filled: a short one says that nothing comes behind it.
        place = rows.last().map(|(_, grant)| cursor(grant));
        let count = rows.len();
        let found = of_rows(app, rows).await?;
        let has_gap = found.len() < count;
        connections.extend(found);
        if !has_gap {
            return Ok(connections);
        }
    }
}

/// The same, what outlives their sessions before what ends with one of them: for lists that show the first of them
/// alone.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn foremost(app: &App, user: &UserId, limit: i64) -> Result<Vec<Connection>, Failure> {
    let db = &app.store.db;
    of_rows(app, refresh_families::foremost_of_user(db, user, app.now(), limit).await?).await
}

async fn of_rows(app: &App, rows: Vec<(RefreshFamily, Grant)>) -> Result<Vec<Connection>, Failure> {
    let mut connections = Vec::new();
    for (family, grant) in rows {
        // One that goes at this moment takes what belongs to it along.
        if let Some(client) = clients::find(app, &grant.client_id).await? {
            connections.push(Connection::new((family, grant), client));
        }
    }
    Ok(connections)
}

fn cursor(grant: &Grant) -> Cursor {
    Cursor { at: grant.created_at, id: grant.id.to_string() }
}

/// What has become of one that was to end. It is believed nowhere any more in each case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Ended,
    HadEnded,
    /// The person has none of this id, and has had none for long.
    None,
}

/// Ends one of this person. Whoever may sign the person out may do it for them.
///
/// # Errors
/// [`PeopleError::NotYours`], [`PeopleError::NotFound`], and [`Failure`] when SQL does not take it; it lives on then
/// and the caller must say so.
pub async fn end(
    app: &App,
    (id, owner): (&GrantId, &UserId),
    (actor, caller): (&Actor, &Caller),
) -> Result<Outcome, PeopleError> {
    // Looked at first, so that nobody makes others wait for their turn to write with ids of nothing.
    let Some(grant) = grants::by_id(&app.store.db, id).await? else {
        // It may have gone a moment ago, with its app.
        revocation::outlive_recent(app, app.now()).await;
        return Ok(Outcome::None);
    };
    if grant.user_id != *owner {
        return Ok(Outcome::None);
    }
    if let Some(ended_at) = grant.revoked_at {
        revocation::outlive_recent(app, ended_at).await;
        return Ok(Outcome::HadEnded);
    }
    let now = app.now();
    let mut tx = app.store.begin().await?;
    let authority = Authority::of(&mut tx, actor, Some(owner)).await?;
    authority.change_by_id(&mut tx, Right::SessionsEnd, owner).await?;
    let event = Event::success("connection.ended", actor, now)
        .user(owner)
        .client(&grant.client_id)
        .detail("connection", id.as_str())
        .caller(caller);
    let Some(pending) = lineage::end_in(app, &mut tx, id, event).await? else {
        drop(tx);
        // Somebody was faster, and may still be waiting for it to be over everywhere.
        revocation::outlive_recent(app, now).await;
        return Ok(Outcome::HadEnded);
    };
    lineage::commit_end(app, tx, pending).await?;
    Ok(Outcome::Ended)
}
