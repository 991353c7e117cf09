//! Back-Channel Logout 1.0: telling the apps of a session, server to server, that it has ended.
//!
//! [`enqueue`] runs in the transaction that ends the session; [`send`] runs later, as often as it
//! takes. The logout token is made when it is sent, so that it is fresh and signed with the key of
//! that moment.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::app::App;
use crate::outbound::Fault;
use crate::protocol::client::Client;
use crate::protocol::logout::logout_token::{self, LogoutTokenFacts};
use crate::protocol::types::{ClientId, SessionId, UserId};
use crate::service::audit::Event;
use crate::service::clients;
use crate::service::failure::{EndpointError, Failure};
use crate::service::outbox::{self, Attempt};
use crate::service::token::envelope::{Content, Envelope};
use crate::service::token::subject;
use crate::store::outbox::Delivery;
use crate::store::sessions::session_clients;
use crate::store::{Tx, clients as client_rows};

/// The kind of these deliveries in the outbox.
pub(crate) const KIND: &str = "backchannel_logout";

/// What a delivery remembers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Notice {
    user_id: UserId,
    session_id: SessionId,
}

/// Puts a logout token for each app of these ended sessions into the outbox. Call it after the
/// sessions were revoked in `tx`, which waits for sign-ins under way, and ring
/// [`App::outbox_bell`] after the commit.
///
/// # Errors
/// [`Failure`] when SQL does not take it; the sessions are not ended then either.
pub(crate) async fn enqueue(
    app: &App,
    tx: &mut Tx,
    user: &UserId,
    sessions: impl IntoIterator<Item = &SessionId>,
) -> Result<(), Failure> {
    for session in sessions {
        let clients = session_clients::of_session(&mut *tx, session).await?;
        enqueue_to(app, tx, (user, session), &clients).await?;
    }
    Ok(())
}

/// Like [`enqueue`] where the caller knows the apps of the session.
///
/// # Errors
/// [`Failure`] when SQL does not take it.
pub(super) async fn enqueue_to(
    app: &App,
    tx: &mut Tx,
    (user, session): (&UserId, &SessionId),
    clients: &[ClientId],
) -> Result<(), Failure> {
    for client in clients {
        if wants_to_know(app, tx, client).await? {
            add(app, tx, (user, session), client).await?;
        }
    }
    Ok(())
}

/// Like [`enqueue`] for one app, in whose eyes all living sessions of a person end: they have taken
/// back what they allowed it.
///
/// # Errors
/// [`Failure`] when SQL does not take it.
pub(crate) async fn enqueue_for_app(
    app: &App,
    tx: &mut Tx,
    (user, client): (&UserId, &ClientId),
) -> Result<(), Failure> {
    if !wants_to_know(app, tx, client).await? {
        return Ok(());
    }
    for session in session_clients::living_sessions(&mut *tx, (user, client), app.now()).await? {
        add(app, tx, (user, &session), client).await?;
    }
    Ok(())
}

/// Puts one logout token into the outbox.
///
/// # Errors
/// [`Failure`] when SQL does not take it.
pub(super) async fn add(
    app: &App,
    tx: &mut Tx,
    (user, session): (&UserId, &SessionId),
    client: &ClientId,
) -> Result<(), Failure> {
    let notice = Notice { user_id: user.clone(), session_id: session.clone() };
    outbox::add(app, tx, (KIND, Some(client)), serde_json::to_value(notice)?).await
}

/// Whether an app is to be told of sessions that end now. One that is disabled was told of all of them
/// when it was ([`super::farewell`]).
///
/// Read inside the transaction: asking for a second connection while holding one could wait for
/// ever when everybody does it.
async fn wants_to_know(app: &App, tx: &mut Tx, id: &ClientId) -> Result<bool, Failure> {
    let wants = |client: &Client| {
        client.metadata.backchannel_logout_uri.is_some() && client.disabled_at.is_none()
    };
    if let Some(client) = app.known.client(id) {
        return Ok(wants(&client));
    }
    Ok(client_rows::by_id(&mut *tx, id).await?.is_some_and(|client| wants(&client)))
}

/// Makes the logout token and posts it (section 2.5).
///
/// # Errors
/// [`Failure`] when the token cannot be made now.
pub(crate) async fn send(app: &App, delivery: &Delivery) -> Result<Attempt, Failure> {
    let notice: Notice = serde_json::from_value(delivery.payload.clone())?;
    let Some(id) = &delivery.client_id else { return Ok(Attempt::Obsolete) };
    // Deleted, or another client that took the name since: nobody to tell. One that was disabled may
    // still have people signed in, and hears that they are out.
    let client =
        clients::find(app, id).await?.filter(|client| client.created_at <= delivery.created_at);
    let Some(client) = client else { return Ok(Attempt::Obsolete) };
    let Some(uri) = &client.metadata.backchannel_logout_uri else { return Ok(Attempt::Obsolete) };
    let token = match token(app, (&client, &notice), &delivery.id).await {
        Ok(token) => token,
        // A client that wants encryption without a key to encrypt to may yet get one.
        Err(EndpointError::OAuth(error)) => return Ok(Attempt::Failed(error.to_string())),
        Err(EndpointError::Failure(failure)) => return Err(failure),
    };
    let attempt = match app.outbound.post_form(uri, &[("logout_token", &token)]).await {
        // Section 2.8 asks for 200; frameworks answer 204 to a handler that returns nothing.
        Ok(200..=299) => Attempt::Arrived,
        // The one that says that the request cannot be carried out. Another may be a proxy's while the app is
        // replaced by its next version.
        Ok(status @ 400) => Attempt::Refused(format!("answered {status}")),
        Ok(status) => Attempt::Failed(format!("answered {status}")),
        Err(error) if error.fault == Fault::Busy => Attempt::Busy,
        Err(error) if matches!(error.fault, Fault::Refused(_)) => {
            Attempt::Refused(error.to_string())
        }
        Err(error) => Attempt::Failed(error.to_string()),
    };
    Ok(attempt)
}

/// Signed, and if need be encrypted, as the client's ID tokens are (section 2.4).
async fn token(
    app: &App,
    (client, notice): (&Client, &Notice),
    jti: &str,
) -> Result<String, EndpointError> {
    let claims = logout_token::claims(&LogoutTokenFacts {
        issuer: app.issuer(),
        client: &client.id,
        subject: &subject::sub(app, client, &notice.user_id)?,
        session: &subject::sid(app, client, &notice.session_id)?,
        jti,
        now: app.now(),
    });
    let token = Envelope::prepare(app, client, Content::LogoutToken).await?.close(app, &claims)?;
    app.metrics.token_issued("logout_token");
    Ok(token)
}

/// Adds whom a delivery speaks of to an event about it.
pub(crate) fn describe(event: Event, payload: &Value) -> Event {
    match serde_json::from_value::<Notice>(payload.clone()) {
        Ok(notice) => event.user(&notice.user_id).session(&notice.session_id),
        Err(_) => event,
    }
}
