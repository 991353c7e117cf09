//! The pictures that apps name themselves (`logo_uri`, OpenID Connect Dynamic Client Registration section
//! 2). Browsers of people never load them from there: that would tell the app, or whoever it names, who is
//! about to sign in. With `registration.fetch_logos` Doorward fetches one once, through the guarded client,
//! and keeps what it has made of it; without, nobody asks for it. What an administrator has set stays.

use serde::{Deserialize, Serialize};

use super::{PictureError, begin, event, finish, remake, stored};
use crate::app::App;
use crate::outbound::{Accept, Fault};
use crate::protocol::client::{Client, ClientMetadata, ClientOrigin};
use crate::protocol::logout::frontchannel::plain_origin;
use crate::service::audit::Actor;
use crate::service::failure::Failure;
use crate::service::outbox::{self, Attempt};
use crate::store::outbox::Delivery;
use crate::store::pictures::{self as store, Owner};
use crate::store::{Tx, clients};

/// The kind of these deliveries in the outbox.
pub(crate) const KIND: &str = "logo";
/// Strangers name these addresses. So nobody is asked often, and nobody is told when it comes to nothing.
const MOST_TRIES: i64 = 3;

/// What is to be fetched.
#[derive(Debug, Serialize, Deserialize)]
struct Errand {
    logo_uri: String,
}

/// Forgets the picture that was fetched for an app if the app names another one than `before`, and puts
/// fetching that into the outbox if it is to be fetched, in the transaction that changes the app. Ring
/// [`App::outbox_bell`] after the commit.
///
/// # Errors
/// [`Failure`] when SQL does not take it.
pub(crate) async fn follow(
    app: &App,
    tx: &mut Tx,
    (client, before): (&Client, Option<&ClientMetadata>),
) -> Result<(), Failure> {
    let logo_uri = &client.metadata.logo_uri;
    if before.map(|before| &before.logo_uri) == Some(logo_uri) {
        return Ok(());
    }
    store::delete_fetched(tx, &client.id).await?;
    match logo_uri.clone().filter(|uri| fetches(app) && is_its_own(client, uri)) {
        Some(logo_uri) => {
            let errand = serde_json::to_value(Errand { logo_uri })?;
            outbox::add(app, tx, (KIND, Some(&client.id)), errand).await
        }
        None => Ok(()),
    }
}

/// Whether such pictures are fetched now.
fn fetches(app: &App) -> bool {
    app.settings().registration.fetch_logos
}

/// The picture of an app nobody has looked at comes from where its document lives, so that it can at least
/// not be somebody else's.
fn is_its_own(client: &Client, uri: &str) -> bool {
    let origin = |text: &str| url::Url::parse(text).ok().and_then(|url| plain_origin(&url));
    client.origin != ClientOrigin::Document || origin(uri) == origin(client.id.as_str())
}

/// Fetches the picture and keeps it.
///
/// # Errors
/// [`Failure`] when SQL does not take it now.
pub(crate) async fn send(app: &App, delivery: &Delivery) -> Result<Attempt, Failure> {
    let Errand { logo_uri } = serde_json::from_value(delivery.payload.clone())?;
    // It may have been switched off since, and is then not caught up on.
    let Some(id) = delivery.client_id.as_ref().filter(|_| fetches(app)) else {
        return Ok(Attempt::Obsolete);
    };
    let wants = |client: &Client| client.metadata.logo_uri.as_deref() == Some(logo_uri.as_str());
    if !clients::by_id(&app.store.db, id).await?.is_some_and(|client| wants(&client)) {
        return Ok(Attempt::Obsolete);
    }
    let again = |reason: String| {
        tracing::info!(client_id = id.as_str(), reason, "the logo of an app could not be fetched");
        if delivery.attempts < MOST_TRIES { Attempt::Failed(reason) } else { Attempt::Obsolete }
    };
    let sent = match app.outbound.get(&logo_uri, Accept::Picture).await {
        Ok(answer) if answer.status == 200 => answer.body,
        Ok(answer) => return Ok(again(format!("answered {}", answer.status))),
        Err(error) if error.fault == Fault::Busy => return Ok(Attempt::Busy),
        Err(error) => return Ok(again(error.to_string())),
    };
    let owner = Owner::Client(id.clone());
    match keep(app, &owner, (&logo_uri, sent)).await {
        Ok(()) => Ok(Attempt::Arrived),
        Err(PictureError::Failure(failure)) => Err(failure),
        // It will be no better the next time.
        Err(error) => {
            tracing::info!(client_id = id.as_str(), %error, "the logo of an app cannot be used");
            Ok(Attempt::Obsolete)
        }
    }
}

async fn keep(
    app: &App,
    owner: &Owner,
    (logo_uri, sent): (&str, Vec<u8>),
) -> Result<(), PictureError> {
    let picture = stored(app, &remake(app, owner, sent).await?);
    let mut tx = begin(app, owner, &Actor::System).await?;
    let Owner::Client(id) = owner else { return Ok(()) };
    // Held since: what is read now is so when this is kept.
    let client = clients::by_id(&mut tx, id).await?.ok_or(PictureError::NoClient)?;
    let is_obsolete = client.metadata.logo_uri.as_deref() != Some(logo_uri);
    // An administrator has chosen another one meanwhile.
    if is_obsolete || client.logo.is_some() {
        return Ok(());
    }
    store::put(&mut tx, owner, (&picture, Some(logo_uri))).await?;
    let event = event(app, owner, (super::Step::Set, &Actor::System));
    let event = event.detail("fingerprint", picture.fingerprint.as_str());
    finish(app, tx, (owner, event.detail("logo_uri", logo_uri))).await
}
