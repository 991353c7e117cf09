//! Telling an app that has been disabled that everybody has signed out of it (Back-Channel Logout 1.0).
//!
//! An app may have very many people. So the change itself leaves one delivery, and whoever takes that from
//! the outbox puts a logout token for each session into it, a page at a time, and no more than the app takes
//! in a while. Where it stops, or its node dies, the next one goes on.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::clock::UnixTime;
use crate::protocol::client::Client;
use crate::protocol::types::ClientId;
use crate::service::failure::Failure;
use crate::service::outbox::{self, Attempt};
use crate::service::session::backchannel_logout;
use crate::store::Tx;
use crate::store::outbox::{self as outbox_rows, Delivery};
use crate::store::sessions::session_clients;

/// The kind of these deliveries in the outbox.
pub(crate) const KIND: &str = "backchannel_farewell";

/// Sessions of one page, whose logout tokens are written in one transaction.
const PAGE: i64 = 200;
/// With more messages than this waiting for the app, no page is added: what cannot be sent soon is as well
/// off in the table of sessions, and an outbox of a few thousand rows is quick for everybody else.
const MOST_WAITING: i64 = 2_000;
/// How long one turn goes on: well below the time after which another node takes over.
const TURN: Duration = Duration::from_secs(20);

/// How far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Farewell {
    /// When the app was disabled. What had ended before was told before.
    since: UnixTime,
    /// The session that was told last; empty in the beginning.
    after: String,
}

/// Puts the delivery into the outbox, in the transaction that disables the app. Ring
/// [`App::outbox_bell`] after the commit.
///
/// # Errors
/// [`Failure`] when SQL does not take it; the app is not disabled then either.
pub(crate) async fn enqueue(app: &App, tx: &mut Tx, client: &Client) -> Result<(), Failure> {
    if client.metadata.backchannel_logout_uri.is_none() {
        return Ok(());
    }
    let begun = Farewell { since: app.now(), after: String::new() };
    outbox::add(app, tx, (KIND, Some(&client.id)), serde_json::to_value(begun)?).await
}

/// Puts the logout tokens into the outbox, as far as there is room for them. Each page is worth as much time
/// as the delivery had in the beginning, so it is given up when the app has taken nothing for so long.
///
/// # Errors
/// [`Failure`] when SQL does not take them now; what was written stays written.
pub(crate) async fn send(app: &App, delivery: &Delivery) -> Result<Attempt, Failure> {
    let mut farewell: Farewell = serde_json::from_value(delivery.payload.clone())?;
    let Some(client) = &delivery.client_id else { return Ok(Attempt::Obsolete) };
    let began = Instant::now();
    let mut attempt = Attempt::Busy;
    while began.elapsed() < TURN && has_room(app, client).await? {
        let mut tx = app.store.begin().await?;
        let (since, now) = (farewell.since, app.now());
        let place = (client, farewell.after.as_str());
        let page = session_clients::sessions_of_client(&mut tx, place, (since, now), PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(Attempt::Arrived) };
        last.as_str().clone_into(&mut farewell.after);
        for (session, user) in &page {
            backchannel_logout::add(app, &mut tx, (user, session), client).await?;
        }
        let state = serde_json::to_value(&farewell)?;
        let expires_at = now.plus(app.config.outbox.give_up_after);
        if !outbox_rows::progress(&mut tx, delivery, (&state, expires_at)).await? {
            // Another node has taken over and goes on from where this page began.
            return Ok(Attempt::Obsolete);
        }
        tx.commit().await?;
        app.outbox_bell.notify_one();
        attempt = Attempt::Partly;
    }
    Ok(attempt)
}

/// Whether few enough messages wait for the app that a page may join them.
async fn has_room(app: &App, client: &ClientId) -> Result<bool, Failure> {
    let of_client = (backchannel_logout::KIND, client);
    let waiting = outbox_rows::count_for(&app.store.db, of_client, MOST_WAITING + 1).await?;
    Ok(waiting <= MOST_WAITING)
}
