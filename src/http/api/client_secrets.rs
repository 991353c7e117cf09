//! `/api/v1/clients/{client_id}/secrets`: the secrets of an app, of which it may have two, so that a new
//! one can be put into it before the old one ends.

use schemars::JsonSchema;
use serde::Serialize;

use super::call::Call;
use super::clients::{named, within_own_scopes};
use super::fault::Fault;
use super::reply::{Answer, Reply};
use crate::service::clients::{ClientError, secrets};

/// A secret that works. What it is, nobody can say any more.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Secret")]
pub(super) struct SecretView {
    /// By which the secrets of an app are told apart. It says nothing of the secret.
    pub id: String,
}

/// A secret that is shown this once.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct NewSecret {
    pub id: String,
    pub client_secret: String,
}

pub(super) async fn list(call: &Call<'_>) -> Answer {
    let marks = secrets::marks(&named(call).await?);
    let rows = marks.into_iter().map(|id| (SecretView { id: id.clone() }, id));
    call.page(rows.collect(), i64::MAX)
}

pub(super) async fn add(call: &Call<'_>) -> Answer {
    let client = named(call).await?;
    within_own_scopes(call, &client.metadata)?;
    let made = secrets::add(call.site, &client.id, call.actor()).await?;
    let id = secrets::marks(&made.client).into_iter().next().unwrap_or_default();
    let location = call.address(&["clients", made.client.id.as_str(), "secrets", &id]);
    let client_secret = made.secret.map(|secret| secret.expose().to_owned()).unwrap_or_default();
    Reply::created(NewSecret { id, client_secret }, location)
}

pub(super) async fn remove(call: &Call<'_>) -> Answer {
    let client = named(call).await?;
    let id = call.part("secret")?;
    match secrets::retire(call.site, &client.id, &id, call.actor()).await {
        Err(ClientError::NotFound) => Err(Fault::not_found("secret")),
        other => {
            other?;
            Reply::done()
        }
    }
}
