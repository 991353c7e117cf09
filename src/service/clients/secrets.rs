//! Two live secrets of one app, so that a new one can be put into it before the old one ends: add one,
//! configure the app, retire the other (RFC 9700 asks for secrets that can be renewed; this is how
//! nobody is signed out by it).

use super::{ClientError, WithSecret};
use crate::app::App;
use crate::crypto::secret::Secret;
use crate::protocol::client::{Client, ClientOrigin};
use crate::protocol::rights::Right;
use crate::protocol::types::ClientId;
use crate::service::audit::{Actor, Event};
use crate::service::people::authority;
use crate::service::revocation::{self, Spread};
use crate::store::{Tx, audit, clients, sync};

/// Most secrets of one app.
const MOST: usize = 2;
/// So many letters of a secret's hash tell the two of an app apart.
const MARK: usize = 8;

/// By which people tell the secrets of an app apart. It says nothing of the secret.
#[must_use]
pub fn mark(hash: &str) -> String {
    hash.chars().filter(char::is_ascii_alphanumeric).take(MARK).collect()
}

/// The marks of the live secrets, newest first.
#[must_use]
pub fn marks(client: &Client) -> Vec<String> {
    client.secret_hashes.iter().map(|hash| mark(hash)).collect()
}

/// Gives an app one more secret; the one it has goes on working.
///
/// # Errors
/// [`ClientError::TooManySecrets`] when it has two, [`ClientError::NoSecret`], or another of
/// [`ClientError`].
pub async fn add(app: &App, id: &ClientId, actor: &Actor) -> Result<WithSecret, ClientError> {
    let secret = Secret::generate();
    let mut tx = authority::begin(app, (actor, Right::ClientsSecret)).await?;
    let mut client = held(&mut tx, id).await?;
    if client.secret_hashes.len() >= MOST {
        return Err(ClientError::TooManySecrets);
    }
    client.secret_hashes.insert(0, secret.hash().as_str().to_owned());
    let added = mark(secret.hash().as_str());
    let event = Event::success("client.secret_added", actor, app.now());
    // Nothing ends: the app is told its new secret at once.
    let _ = keep(app, (tx, &client), event.detail("secret", added)).await?;
    Ok(WithSecret { client, secret: Some(secret) })
}

/// Ends the secret with this mark: no node takes it any more when this comes back.
///
/// # Errors
/// [`ClientError::LastSecret`] when the app has no other, [`ClientError::NotFound`] when it has none
/// with this mark, or another of [`ClientError`].
pub async fn retire(
    app: &App,
    id: &ClientId,
    marked: &str,
    actor: &Actor,
) -> Result<(), ClientError> {
    let mut tx = authority::begin(app, (actor, Right::ClientsSecret)).await?;
    let mut client = held(&mut tx, id).await?;
    let before = client.secret_hashes.len();
    client.secret_hashes.retain(|hash| mark(hash) != marked);
    if client.secret_hashes.len() == before {
        return Err(ClientError::NotFound);
    }
    if client.secret_hashes.is_empty() {
        return Err(ClientError::LastSecret);
    }
    let event = Event::success("client.secret_retired", actor, app.now());
    keep(app, (tx, &client), event.detail("secret", marked)).await?.outlive_copies().await;
    Ok(())
}

/// The app as nobody else can change it meanwhile.
async fn held(tx: &mut Tx, id: &ClientId) -> Result<Client, ClientError> {
    let client = clients::hold(tx, id).await?.ok_or(ClientError::NotFound)?;
    if !client.uses_secret() || client.origin == ClientOrigin::Document {
        return Err(ClientError::NoSecret);
    }
    Ok(client)
}

async fn keep(
    app: &App,
    (mut tx, client): (Tx, &Client),
    event: Event,
) -> Result<Spread, ClientError> {
    clients::set_secret_hashes(&mut tx, &client.id, &client.secret_hashes, app.now()).await?;
    audit::append(&mut tx, &event.client(&client.id).into_row()).await?;
    sync::bump_catalog(&mut tx).await?;
    tx.commit().await?;
    app.known.forget();
    Ok(revocation::spread_catalogue(app))
}
