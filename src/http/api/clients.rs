//! `/api/v1/clients`: apps. One that has scopes of this API itself is another way in, so nobody makes or
//! changes one that could do more here than they can.

use super::call::Call;
use super::fault::Fault;
use super::reply::{Answer, Reply};
use super::views::apps::{ClientChange, ClientView, ClientWithSecret, NewClient};
use super::{metadata_change, sent};
use crate::http::programs::CallError;
use crate::protocol::api;
use crate::protocol::client::{Client, ClientMetadata};
use crate::protocol::types::ClientId;
use crate::service::clients::registration::care;
use crate::service::clients::{self, Activity, WithSecret, refresh};
use crate::store::clients::ClientFilter;
use crate::store::order::Order;

pub(super) async fn list(call: &Call<'_>) -> Answer {
    let limit = sent::limit(&call.query)?;
    let filter = ClientFilter {
        search: call.query.sole("search").map(str::to_owned),
        order: Order::after(sent::cursor(&call.query)?),
        limit: limit + 1,
    };
    let found = clients::search(call.site, &filter).await?;
    let rows = found.iter().map(|client| (ClientView::from(client), client.id.to_string()));
    call.page(rows.collect(), limit)
}

/// The client in the path.
pub(super) async fn named(call: &Call<'_>) -> Result<Client, Fault> {
    Ok(clients::get(call.site, &ClientId::new(call.id.as_str())).await?)
}

/// Whoever has an app's secret, or says how it proves itself, can do what the app can.
pub(super) fn within_own_scopes(call: &Call<'_>, metadata: &ClientMetadata) -> Result<(), Fault> {
    match api::of_client(&metadata.scope).find(|scope| !call.caller.has(*scope)) {
        None => Ok(()),
        Some(missing) => Err(CallError::Scope(missing).into()),
    }
}

pub(super) async fn create(call: &Call<'_>) -> Answer {
    let new: NewClient = sent::parsed(&call.body)?;
    let sent = call.body.get("metadata");
    let kind = metadata_change::kind(ClientMetadata::default().kind, sent)?;
    let metadata = metadata_change::merged(ClientMetadata::for_kind(kind), sent)?;
    within_own_scopes(call, &metadata)?;
    let metadata = api::for_the_api(metadata, call.site.config.issuer.as_str());
    let new = clients::NewClient { id: new.client_id.map(ClientId::new), metadata, secret: None };
    let made = clients::create(call.site, new, call.actor()).await?;
    let location = call.address(&["clients", made.client.id.as_str()]);
    Reply::created(with_secret(&made), location)
}

fn with_secret(made: &WithSecret) -> ClientWithSecret {
    ClientWithSecret {
        client: ClientView::from(&made.client),
        client_secret: made.secret.as_ref().map(|secret| secret.expose().to_owned()),
    }
}

pub(super) async fn show(call: &Call<'_>) -> Answer {
    Ok(Reply::shown(ClientView::from(&named(call).await?))?.tagged())
}

pub(super) async fn patch(call: &Call<'_>) -> Answer {
    let client = named(call).await?;
    within_own_scopes(call, &client.metadata)?;
    call.made_from(ClientView::from(&client))?;
    // Read for itself first, so that what does not exist is refused by name.
    let _: ClientChange = sent::parsed(&call.body)?;
    let metadata = metadata_change::merged(client.metadata.clone(), call.body.get("metadata"))?;
    within_own_scopes(call, &metadata)?;
    let changed = clients::update_if(call.site, client, metadata, call.actor()).await?;
    let changed = changed.ok_or_else(Fault::changed)?;
    Ok(Reply::shown(ClientView::from(&changed))?.tagged())
}

pub(super) async fn delete(call: &Call<'_>) -> Answer {
    let client = named(call).await?;
    let is_said = call.made_from_if_said(ClientView::from(&client))?;
    if !is_said {
        clients::delete(call.site, &client.id, call.actor()).await?;
    } else if !clients::delete_if(call.site, &client, call.actor()).await? {
        return Err(Fault::changed());
    }
    Reply::done()
}

pub(super) async fn set_activity(call: &Call<'_>, activity: Activity) -> Answer {
    let client = named(call).await?;
    if activity == Activity::Enabled {
        within_own_scopes(call, &client.metadata)?;
    }
    clients::set_activity(call.site, &client.id, activity, call.actor()).await?;
    Reply::done()
}

/// Has the document of an app read again.
pub(super) async fn refresh(call: &Call<'_>) -> Answer {
    let refreshed = refresh::refresh(call.site, &named(call).await?.id, call.actor()).await?;
    Reply::shown(ClientView::from(&refreshed.client))
}

/// Takes the token away with which an app that registered itself can change or delete itself.
pub(super) async fn revoke_registration(call: &Call<'_>) -> Answer {
    care::revoke_token(call.site, &named(call).await?.id, call.actor()).await?;
    Reply::done()
}

pub(super) async fn new_secret(call: &Call<'_>) -> Answer {
    let client = named(call).await?;
    within_own_scopes(call, &client.metadata)?;
    let made = clients::rotate_secret(call.site, &client.id, None, call.actor()).await?;
    Reply::shown(with_secret(&made))
}
