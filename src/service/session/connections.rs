//! What a person has let in for longer: devices, and apps that hold a refresh token. Each is ended by
//! itself; nothing else that the person is signed in to notices.

use std::sync::Arc;

use crate::app::App;
use crate::clock::UnixTime;
use crate::protocol::client::Client;
use crate::protocol::types::{GrantId, UserId};
use crate::service::audit::{Actor, Caller, Event};
use crate::service::clients;
use crate::service::failure::Failure;
use crate::service::revocation;
use crate::service::token::lineage;
use crate::store::grants::{self, refresh_families};

/// More than these are not listed, the newest first.
const MOST: i64 = 100;

/// Something that stays signed in by itself.
#[derive(Debug, Clone)]
pub struct Connection {
    pub grant: GrantId,
    pub client: Arc<Client>,
    pub bound: Bound,
    pub since: UnixTime,
    /// When its refresh token was last used; when it was made, if never.
    pub last_used: UnixTime,
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

/// What the person has let in and what can still get tokens.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn list(app: &App, user: &UserId) -> Result<Vec<Connection>, Failure> {
    let families = refresh_families::living_of_user(&app.store.db, user, app.now(), MOST).await?;
    let mut connections = Vec::new();
    for (family, grant) in families {
        let client = clients::find(app, &grant.client_id).await?;
        let Some(client) = client.filter(|client| client.disabled_at.is_none()) else { continue };
        let bound = match (&grant.session_id, grant.offline) {
            (None, _) => Bound::Device,
            (Some(_), true) => Bound::Offline,
            (Some(_), false) => Bound::Session,
        };
        connections.push(Connection {
            grant: grant.id,
            client,
            bound,
            since: grant.created_at,
            last_used: family.rotated_at.unwrap_or(family.created_at),
        });
    }
    Ok(connections)
}

/// Ends one of this very person; `false` when they have none of this id that is alive.
///
/// # Errors
/// [`Failure`] when SQL does not take it; it lives on then and the caller must say so.
pub async fn end_own(
    app: &App,
    (id, owner): (&GrantId, &UserId),
    caller: &Caller,
) -> Result<bool, Failure> {
    let grant = grants::by_id(&app.store.db, id).await?;
    let Some(grant) = grant.filter(|g| g.user_id == *owner) else { return Ok(false) };
    if let Some(ended_at) = grant.revoked_at {
        revocation::outlive_recent(app, ended_at).await;
        return Ok(false);
    }
    let event = Event::success("connection.ended", &Actor::User(owner.clone()), app.now())
        .user(owner)
        .client(&grant.client_id)
        .caller(caller);
    lineage::end(app, &grant.id, event).await?;
    Ok(true)
}
