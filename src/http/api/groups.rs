//! `/api/v1/groups`: groups, who is in them and who looks after them.

use serde_json::Value;

use super::call::Call;
use super::fault::Fault;
use super::reply::{Answer, Reply};
use super::sent;
use super::table::Further;
use super::views::{GroupChange, GroupView, Manager, NewGroup, UserView};
use crate::service::people::group_version::GroupVersion;
use crate::service::people::groups::{self, Charge, GroupEdit, Membership};
use crate::store::groups::{Group, GroupFilter};

pub(super) async fn list(call: &Call<'_>) -> Answer {
    let limit = sent::limit(&call.query)?;
    let filter = GroupFilter {
        search: call.query.sole("search").map(str::to_owned),
        manager: call.caller.only_of().cloned(),
        after: sent::cursor(&call.query)?,
        limit: limit + 1,
    };
    let found = groups::search(call.site, &filter).await?;
    let row = |group: Group| {
        let place = group.name.clone();
        (GroupView::from(group), place)
    };
    call.page(found.into_iter().map(row).collect(), limit)
}

pub(super) async fn create(call: &Call<'_>) -> Answer {
    let new: NewGroup = sent::parsed(&call.body)?;
    let described = (new.name.as_str(), new.description.as_deref().unwrap_or_default());
    let group = groups::create(call.site, described, call.actor()).await?;
    let location = call.address(&["groups", &group.name]);
    Ok(Reply::created(GroupView::from(group), location)?.tagged())
}

pub(super) fn show(call: &Call<'_>) -> Answer {
    Ok(Reply::shown(GroupView::from(call.group()?.clone()))?.tagged())
}

pub(super) async fn patch(call: &Call<'_>) -> Answer {
    let group = call.group()?;
    call.made_from(GroupView::from(group.clone()))?;
    let change: GroupChange = sent::parsed(&call.body)?;
    let (no_name, no_description) =
        (is_null(&call.body, "name"), is_null(&call.body, "description"));
    if no_name {
        return Err(Fault::field("name", "a group has a name"));
    }
    let description = change.description.or_else(|| no_description.then(String::new));
    let edit = GroupEdit { name: change.name, description, ..GroupEdit::default() };
    let edited = groups::update_if(call.site, group.clone(), edit, call.actor()).await?;
    let edited = edited.ok_or_else(Fault::changed)?;
    Ok(Reply::shown(GroupView::from(edited))?.tagged())
}

fn is_null(body: &Value, member: &str) -> bool {
    body.get(member).is_some_and(Value::is_null)
}

pub(super) async fn delete(call: &Call<'_>) -> Answer {
    let group = call.group()?;
    let is_said = call.made_from_if_said(GroupView::from(group.clone()))?;
    if is_said {
        let deleted =
            groups::delete_if(call.site, GroupVersion::Shown(group), call.actor()).await?;
        deleted.ok_or_else(Fault::changed)?;
    } else {
        groups::delete(call.site, &group.name, call.actor()).await?;
    }
    Reply::done()
}

pub(super) async fn members(call: &Call<'_>) -> Answer {
    let limit = sent::limit(&call.query)?;
    let after = sent::cursor(&call.query)?;
    let which = (call.group()?.name.as_str(), after.as_deref());
    let found = groups::members(call.site, which, limit + 1).await?;
    let standing = &call.caller.standing;
    let rows = found.iter().map(|user| (UserView::of(user, standing), user.username.clone()));
    call.page(rows.collect(), limit)
}

pub(super) async fn member(call: &Call<'_>, membership: Membership) -> Answer {
    let who = (call.group()?.name.as_str(), &call.person()?.id);
    groups::change(call.site, who, membership, call.actor()).await?;
    Reply::done()
}

pub(super) async fn managers(call: &Call<'_>) -> Answer {
    let found = groups::managers(call.site, &call.group()?.name).await?;
    let row = |(id, username): (crate::protocol::types::UserId, String)| {
        (Manager { id: id.to_string(), username: username.clone() }, username)
    };
    call.page(found.into_iter().map(row).collect(), i64::MAX)
}

/// Whoever looks after a group may use the console, so it takes the scope to say who may.
pub(super) async fn manager(call: &Call<'_>, charge: Charge) -> Answer {
    call.needs_for(Further::Role)?;
    let who = (call.group()?.name.as_str(), &call.person()?.id);
    groups::put_in_charge(call.site, who, charge, call.actor()).await?;
    Reply::done()
}
