//! `/api/v1/clients/{client_id}/roles`: the roles of an app, and who has them.

use serde_json::Value;

use super::call::Call;
use super::clients::named;
use super::fault::Fault;
use super::reply::{Answer, Reply};
use super::sent;
use super::views::roles::{NewRole, RoleChange, RoleGroup, RoleHolder, RoleView};
use crate::protocol::types::{ClientId, UserId};
use crate::service::clients::roles::{self, Giving, Holder};
use crate::store::clients::roles::ClientRole;

/// App and name of the role in the path.
fn which(call: &Call<'_>) -> Result<(ClientId, String), Fault> {
    Ok((ClientId::new(call.id.as_str()), call.part("role")?))
}

/// The role in the path.
async fn found(call: &Call<'_>) -> Result<ClientRole, Fault> {
    let client = named(call).await?;
    Ok(roles::find(call.site, (&client.id, &call.part("role")?)).await?)
}

pub(super) async fn list(call: &Call<'_>) -> Answer {
    let client = named(call).await?;
    let found = roles::list(call.site, &client.id).await?;
    let row = |role: ClientRole| {
        let place = role.name.clone();
        (RoleView::from(role), place)
    };
    call.page(found.into_iter().map(row).collect(), i64::MAX)
}

pub(super) async fn create(call: &Call<'_>) -> Answer {
    let new: NewRole = sent::parsed(&call.body)?;
    let client = named(call).await?;
    let what = (new.name.as_str(), new.description.as_deref().unwrap_or_default());
    let role = roles::create(call.site, &client.id, what, call.actor()).await?;
    let location = call.address(&["clients", client.id.as_str(), "roles", &role.name]);
    Ok(Reply::created(RoleView::from(role), location)?.tagged())
}

pub(super) async fn show(call: &Call<'_>) -> Answer {
    Ok(Reply::shown(RoleView::from(found(call).await?))?.tagged())
}

pub(super) async fn patch(call: &Call<'_>) -> Answer {
    let role = found(call).await?;
    call.made_from(RoleView::from(role.clone()))?;
    let change: RoleChange = sent::parsed(&call.body)?;
    let is_null = call.body.get("description").is_some_and(Value::is_null);
    let Some(description) = change.description.or_else(|| is_null.then(String::new)) else {
        return Ok(Reply::shown(RoleView::from(role))?.tagged());
    };
    let changed = roles::describe_if(call.site, &role, &description, call.actor()).await?;
    let changed = changed.ok_or_else(Fault::changed)?;
    Ok(Reply::shown(RoleView::from(changed))?.tagged())
}

pub(super) async fn delete(call: &Call<'_>) -> Answer {
    let role = found(call).await?;
    let is_said = call.made_from_if_said(RoleView::from(role.clone()))?;
    if is_said {
        let deleted = roles::delete_if(call.site, &role, call.actor()).await?;
        deleted.ok_or_else(Fault::changed)?;
    } else {
        roles::delete(call.site, (&role.client_id, &role.name), call.actor()).await?;
    }
    Reply::done()
}

pub(super) async fn people(call: &Call<'_>) -> Answer {
    let (limit, after) = (sent::limit(&call.query)?, sent::cursor(&call.query)?);
    let role = found(call).await?;
    let page = (after.as_deref(), limit + 1);
    let all = roles::people(call.site, (&role.client_id, &role.name), page).await?;
    let row = |(id, username): (UserId, String)| {
        (RoleHolder { id: id.to_string(), username: username.clone() }, username)
    };
    call.page(all.into_iter().map(row).collect(), limit)
}

pub(super) async fn groups(call: &Call<'_>) -> Answer {
    let (limit, after) = (sent::limit(&call.query)?, sent::cursor(&call.query)?);
    let role = found(call).await?;
    let page = (after.as_deref(), limit + 1);
    let all = roles::groups_with(call.site, (&role.client_id, &role.name), page).await?;
    let rows = all.into_iter().map(|name| (RoleGroup { name: name.clone() }, name));
    call.page(rows.collect(), limit)
}

pub(super) async fn person(call: &Call<'_>, giving: Giving) -> Answer {
    let (client, name) = which(call)?;
    let holder = Holder::Person(&call.person()?.id);
    roles::change(call.site, (&client, &name), (holder, giving), call.actor()).await?;
    Reply::done()
}

pub(super) async fn group(call: &Call<'_>, giving: Giving) -> Answer {
    let (client, name) = which(call)?;
    let group = call.part("group")?;
    let what = (Holder::Group(&group), giving);
    roles::change(call.site, (&client, &name), what, call.actor()).await?;
    Reply::done()
}
