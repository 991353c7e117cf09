//! Deleting apps.

use super::{ClientError, get, told};
use crate::app::App;
use crate::protocol::client::Client;
use crate::protocol::rights::Right;
use crate::protocol::types::ClientId;
use crate::service::audit::Actor;
use crate::service::people::authority;
use crate::service::revocation::{self, Subject};
use crate::service::trusted_issuers;
use crate::store::clients;
use crate::store::sessions::session_data;
use crate::store::{audit, consents, grants, pairs, sync};

/// Deletes a client and everything issued to it.
///
/// # Errors
/// [`ClientError`].
pub async fn delete(app: &App, id: &ClientId, actor: &Actor) -> Result<(), ClientError> {
    let client = get(app, id).await?;
    delete_from(app, (&client, false), actor).await?;
    Ok(())
}

/// As [`delete`], if the client is in the moment of the deletion what it is here; `false`, and nothing changes, when
/// somebody else has changed it since.
///
/// # Errors
/// [`ClientError`].
pub async fn delete_if(app: &App, made_from: &Client, actor: &Actor) -> Result<bool, ClientError> {
    delete_from(app, (made_from, true), actor).await
}

async fn delete_from(
    app: &App,
    (client, is_conditional): (&Client, bool),
    actor: &Actor,
) -> Result<bool, ClientError> {
    let (id, now) = (&client.id, app.now());
    let mut tx = authority::begin_over_services(app, (actor, Right::ClientsWrite)).await?;
    if is_conditional && clients::hold(&mut tx, id).await?.as_ref() != Some(client) {
        return Ok(false);
    }
    let version = clients::raise_token_version(&mut tx, id).await?;
    // Before the rows go with the client's: whoever adds something to them at this moment is waited for
    // while they need not wait for the client.
    pairs::hold_deleted_of_client(&mut tx, id).await?;
    let consents = consents::delete_for_client(&mut tx, id).await?;
    let grants = grants::revoke_for_client(&mut tx, id, now).await?.len();
    session_data::forget_client(&mut tx, id).await?;
    clients::delete(&mut tx, id).await?;
    trusted_issuers::forget_client(&mut tx, id, (actor, now)).await?;
    // After what goes with the client: everybody's revocations wait for this one to commit.
    let ended = [Subject::Client(id, version), Subject::RolesOf(id)];
    let pending = revocation::record(&mut tx, &ended, now).await?;
    let event = told::deleted(client, &told::Ended { consents, grants }, (actor, now));
    audit::append(&mut tx, &event.into_row()).await?;
    sync::bump_catalog(&mut tx).await?;
    tx.commit().await?;
    app.known.forget();
    revocation::publish(app, pending).await;
    Ok(true)
}
