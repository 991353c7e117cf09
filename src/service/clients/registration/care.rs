//! What an administrator does about apps that registered themselves: setting members that the app
//! cannot change any more, taking its registration access token away. And their removal when nobody
//! has ever used them.

use crate::app::App;
use crate::clock::{Seconds, UnixTime};
use crate::protocol::client::{Client, ClientMetadata, ClientOrigin, registration};
use crate::protocol::rights::Right;
use crate::protocol::types::ClientId;
use crate::service::audit::{Actor, Event};
use crate::service::clients::{self as client_cases, ClientError, told};
use crate::service::failure::Failure;
use crate::service::people::authority;
use crate::store::clients::{self, documents, registrations};
use crate::store::{StoreError, Tx, audit, sync};

/// How long the document of a client without grants may go unread before the client is forgotten.
const UNREAD: Seconds = 90 * 86_400;

/// How long an app that registered itself is left alone when others need its place.
const UNTOUCHED: Seconds = 86_400;
/// However few places there are, this many may go to one network or host.
const SMALLEST_SHARE: u32 = 20;

/// Of so many places, those that one network or one host may take.
pub(crate) fn share_of(places: u32) -> i64 {
    i64::from((places / 10).max(SMALLEST_SHARE))
}

/// Removes one app that nobody has ever used, for another that comes; `false` if there is none.
pub(super) async fn make_room(app: &App, tx: &mut Tx) -> Result<bool, StoreError> {
    let now = app.now();
    let unused = (ClientOrigin::Dynamic, now.plus(-UNTOUCHED));
    let removed = clients::delete_unused(&mut *tx, unused, 1).await?;
    record_removal(tx, &removed, now).await?;
    Ok(!removed.is_empty())
}

/// The same for an app that a document describes: one that holds no grant, and whose document nobody
/// has asked for during a week.
pub(crate) async fn make_room_for_document(app: &App, tx: &mut Tx) -> Result<bool, StoreError> {
    let now = app.now();
    let removed = documents::delete_unused(&mut *tx, now.plus(-7 * UNTOUCHED), 1).await?;
    record_removal(tx, &removed, now).await?;
    Ok(!removed.is_empty())
}

/// Notes what an administrator has changed of an app that registered itself, in the transaction that
/// changes it.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn note_set(
    tx: &mut Tx,
    client: &Client,
    before: &ClientMetadata,
) -> Result<(), StoreError> {
    if client.origin != ClientOrigin::Dynamic {
        return Ok(());
    }
    let Some(known) = registrations::of(&mut *tx, &client.id).await? else { return Ok(()) };
    let mut set = known.set_by_administrator;
    set.extend(registration::changed_members(before, &client.metadata));
    registrations::note_set_by_administrator(tx, &client.id, &set).await.map(drop)
}

/// Takes the registration access token away from an app: nobody can change or delete it over the
/// network any more, or give it another secret. Where that was done before, nothing more is.
///
/// # Errors
/// [`ClientError::NotSelfRegistered`] for a client that never had one, or another [`ClientError`].
pub async fn revoke_token(app: &App, id: &ClientId, actor: &Actor) -> Result<Client, ClientError> {
    let client = client_cases::get(app, id).await?;
    let now = app.now();
    let mut tx = authority::begin(app, (actor, Right::ClientsWrite)).await?;
    registrations::of(&mut tx, id).await?.ok_or(ClientError::NotSelfRegistered)?;
    if !registrations::take_token_away(&mut tx, id).await? {
        return Ok(client);
    }
    let event = Event::success("client.registration_revoked", actor, now).client(id);
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    Ok(client)
}

/// Removes clients that came by themselves and that nobody has used until this time, at most `most` of each kind.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub(crate) async fn remove_unused(app: &App, now: UnixTime, most: i64) -> Result<(), Failure> {
    let mut tx = app.store.begin().await?;
    let mut removed = documents::delete_unused(&mut tx, now.plus(-UNREAD), most).await?;
    let settings = &app.config.registration;
    let unused = (ClientOrigin::Dynamic, now.plus(-settings.unused_lifetime));
    removed.extend(clients::delete_unused(&mut tx, unused, most).await?);
    if removed.is_empty() {
        return Ok(());
    }
    record_removal(&mut tx, &removed, now).await?;
    sync::bump_catalog(&mut tx).await?;
    tx.commit().await?;
    app.known.forget();
    tracing::info!(removed = removed.len(), "removed apps that nobody uses");
    Ok(())
}

async fn record_removal(
    tx: &mut Tx,
    removed: &[(ClientId, String)],
    now: UnixTime,
) -> Result<(), StoreError> {
    for (id, name) in removed {
        let event = told::deleted_called((id, name), (&Actor::System, now));
        let event = event.detail("reason", "unused");
        audit::append(&mut *tx, &event.into_row()).await?;
    }
    Ok(())
}
