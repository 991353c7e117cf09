//! `/scim/v2/Groups`: groups and who is in them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::call::{Answer, Call, Reply, Tagged};
use super::fault::Fault;
use crate::protocol::rights::Right;
use crate::protocol::scim::filter::Condition;
use crate::protocol::scim::group::{Draft, Members, too_many};
use crate::protocol::scim::render::{self, ShownGroup};
use crate::protocol::scim::{ErrorType, MOST_MEMBERS, Refusal};
use crate::protocol::types::UserId;
use crate::service::people::group_version::{GroupVersion, ReadGroup};
use crate::service::people::groups::{self, GroupEdit, Membership};
use crate::service::people::provisioning;
use crate::store::groups::{FoundGroup, GroupMatch, Member};

pub(super) async fn list(call: &Call<'_>) -> Answer {
    let start = call.query.start;
    let page = (start.saturating_sub(1), call.query.count);
    let (resources, total) = found(call, &call.query.conditions, page).await?;
    Ok(Reply::shown(render::list(&resources, total, start)))
}

/// At most so many of the groups that fit, without the first ones; and how many fit.
pub(super) async fn found(
    call: &Call<'_>,
    conditions: &[Condition],
    page: (i64, i64),
) -> Result<(Vec<Value>, i64), Fault> {
    let Some(mut wanted) = wanted(conditions)? else { return Ok((Vec::new(), 0)) };
    wanted.manager = call.caller.only_of().cloned();
    let (found, total) = provisioning::matching_groups(call.site, &wanted, page).await?;
    let mut resources = Vec::with_capacity(found.len());
    // All groups of a page together show no more people than one group does.
    let mut room = MOST_MEMBERS;
    for group in found {
        let with_members = group.members <= room;
        if with_members {
            room = room.saturating_sub(group.members);
        }
        let now = shown(call, &group, with_members).await?;
        resources.push(call.query.selection.applied(now.resource));
    }
    Ok((resources, total))
}

/// What groups are found by.
pub(super) const FOUND_BY: [&str; 3] = ["id", "displayname", "externalid"];

/// Which groups a filter is about; `None` when it contradicts itself.
fn wanted(conditions: &[Condition]) -> Result<Option<GroupMatch>, Refusal> {
    let mut wanted = GroupMatch::default();
    for condition in conditions {
        let text = condition.text()?.to_owned();
        let field = match condition.attribute.as_str() {
            "id" => &mut wanted.id,
            "displayname" => &mut wanted.name,
            "externalid" => &mut wanted.external_id,
            _ => {
                let detail = "Groups are found by displayName, externalId and id.";
                return Err(Refusal::new(ErrorType::InvalidFilter, detail));
            }
        };
        if field.as_ref().is_some_and(|before| *before != text) {
            return Ok(None);
        }
        *field = Some(text);
    }
    Ok(Some(wanted))
}

/// A group as it is shown. One with more people than [`MOST_MEMBERS`] is shown without them.
async fn shown(call: &Call<'_>, group: &FoundGroup, with_members: bool) -> Result<Tagged, Fault> {
    let members = if with_members { read_members(call, group).await? } else { None };
    Ok(rendered(call, group, members.as_deref()))
}

/// Those in a group, if they are asked for and are not too many.
async fn read_members(call: &Call<'_>, group: &FoundGroup) -> Result<Option<Vec<Member>>, Fault> {
    if !call.query.selection.has("members") || group.members > MOST_MEMBERS {
        return Ok(None);
    }
    Ok(Some(provisioning::members(call.site, &group.name, MOST_MEMBERS).await?))
}

fn rendered(call: &Call<'_>, group: &FoundGroup, members: Option<&[Member]>) -> Tagged {
    let named = |member: &Member| {
        let location = call.address("Users", member.id.as_str());
        (member.id.to_string(), member.username.clone(), location)
    };
    let members = members.map(|members| members.iter().map(named).collect::<Vec<_>>());
    let location = call.address("Groups", &group.id);
    let about = ShownGroup {
        id: &group.id,
        name: &group.name,
        external_id: group.external_id.as_deref(),
        created_at: group.created_at,
        location: &location,
    };
    let resource: Value = render::group(&about, members.as_deref());
    if members.is_some() { Tagged::of(resource) } else { Tagged { resource, tag: None } }
}

pub(super) async fn create(call: &Call<'_>) -> Answer {
    let draft = Draft::whole(&call.body)?;
    let name = draft.display_name.unwrap_or_default();
    let moved =
        Moved { come: draft.members.add.into_iter().map(UserId::new).collect(), go: vec![] };
    if !moved.come.is_empty() {
        call.require(Right::GroupsMembers, &name)?;
    }
    let moved = moved.checked(call, &name).await?;
    let new = (name.as_str(), "", draft.external_id);
    let group = groups::create_called(call.site, new, call.actor()).await?;
    moved.carried_out(call, (&group.name, None)).await?;
    let group = named(call, &group.name).await?;
    Ok(call.reply(shown(call, &group, true).await?).created())
}

/// The group with this name, as it is now.
async fn named(call: &Call<'_>, name: &str) -> Result<FoundGroup, Fault> {
    let wanted = GroupMatch { name: Some(name.to_owned()), ..GroupMatch::default() };
    let (found, _) = provisioning::matching_groups(call.site, &wanted, (0, 1)).await?;
    found.into_iter().next().ok_or_else(|| Fault::not_found("group"))
}

pub(super) async fn show(call: &Call<'_>) -> Answer {
    let group = call.group().await?;
    Ok(call.reply(shown(call, &group, true).await?))
}

pub(super) async fn replace(call: &Call<'_>) -> Answer {
    let draft = Draft::whole(&call.body)?;
    changed(call, draft).await
}

pub(super) async fn patch(call: &Call<'_>) -> Answer {
    let draft = Draft::change(&call.body)?;
    changed(call, draft).await
}

async fn changed(call: &Call<'_>, draft: Draft) -> Answer {
    let group = call.group().await?;
    // The first transaction of the change looks at it once more.
    let mut made_from = conditional(call, &group).await?;
    let name = draft.display_name.map(|name| name.trim().to_owned());
    let edit = GroupEdit {
        name: name.filter(|name| *name != group.name),
        description: None,
        external_id: draft
            .external_id
            .filter(|id| id.as_str() != group.external_id.as_deref().unwrap_or_default()),
    };
    let moved = Moved::of(call, (&group, draft.members)).await?;
    let moved = moved.checked(call, &group.name).await?;
    let mut name = group.name;
    if edit.name.is_some() || edit.external_id.is_some() {
        call.require(Right::GroupsWrite, &name)?;
        let updated = match made_from.take() {
            Some(read) => groups::update_read(call.site, &read, edit, call.actor()).await?,
            None => Some(groups::update(call.site, &name, edit, call.actor()).await?),
        };
        name = updated.ok_or_else(Fault::changed)?.name;
    }
    moved.carried_out(call, (&name, made_from.as_ref())).await?;
    let group = named(call, &name).await?;
    Ok(call.reply(shown(call, &group, true).await?))
}

/// Who comes into a group and who leaves it.
#[derive(Debug, Default)]
struct Moved {
    come: Vec<UserId>,
    go: Vec<UserId>,
}

impl Moved {
    /// What is different from who is in the group now.
    async fn of(call: &Call<'_>, (group, said): (&FoundGroup, Members)) -> Result<Self, Fault> {
        let Members { only, add, remove } = said;
        if !only {
            let ids = |ids: BTreeSet<String>| ids.into_iter().map(UserId::new).collect();
            return Ok(Self { come: ids(add), go: ids(remove) });
        }
        let most = usize::try_from(MOST_MEMBERS).unwrap_or(usize::MAX);
        let now = provisioning::members(call.site, &group.name, MOST_MEMBERS.saturating_add(1));
        let now = now.await?;
        if now.len() > most {
            return Err(too_many().into());
        }
        let now: BTreeSet<String> = now.into_iter().map(|member| member.id.to_string()).collect();
        let moved = Self {
            come: add.difference(&now).map(UserId::new).collect(),
            go: now.difference(&add).map(UserId::new).collect(),
        };
        if moved.come.len().saturating_add(moved.go.len()) > most {
            return Err(too_many().into());
        }
        Ok(moved)
    }

    /// Checks everybody before anybody is moved. Whoever is to leave and is not there has left.
    async fn checked(mut self, call: &Call<'_>, group: &str) -> Result<Self, Fault> {
        let mut gone = Vec::new();
        for (id, membership) in self.everybody() {
            match (call.may_move(group, id).await?, membership) {
                (Some(true), _) => {}
                (None, Membership::Out) => gone.push(id.clone()),
                (Some(false), _) => {
                    let detail = "Your role does not allow this with everybody who is named.";
                    return Err(Fault::forbidden(detail));
                }
                (None, Membership::In) => {
                    let id: String = id.as_str().chars().take(60).collect();
                    return Err(Fault::value(format!(
                        "members: there is nobody with the id {id}."
                    )));
                }
            }
        }
        self.go.retain(|id| !gone.contains(id));
        Ok(self)
    }

    fn everybody(&self) -> impl Iterator<Item = (&UserId, Membership)> {
        let come = self.come.iter().map(|id| (id, Membership::In));
        come.chain(self.go.iter().map(|id| (id, Membership::Out)))
    }

    async fn carried_out(
        &self,
        call: &Call<'_>,
        (group, mut made_from): (&str, Option<&ReadGroup>),
    ) -> Result<(), Fault> {
        for (ids, membership) in [(&self.come, Membership::In), (&self.go, Membership::Out)] {
            if ids.is_empty() {
                continue;
            }
            let (site, actor) = (call.site, call.actor());
            match made_from.take() {
                None => groups::change_all(site, (group, ids), membership, actor).await?,
                Some(read) => {
                    if !groups::change_all_if(site, (read, ids), membership, actor).await? {
                        return Err(Fault::changed());
                    }
                }
            }
        }
        Ok(())
    }
}

/// Checks what the request says its change was made from, against the whole group, and gives what that is. `None`
/// where it says nothing, or where the members are not shown: then no version fits, and `*` does.
async fn conditional(call: &Call<'_>, group: &FoundGroup) -> Result<Option<ReadGroup>, Fault> {
    if !call.is_conditional() {
        return Ok(None);
    }
    let members = read_members(call, group).await?;
    call.made_from(&rendered(call, group, members.as_deref()))?;
    Ok(members.map(|members| ReadGroup { group: group.clone(), members }))
}

pub(super) async fn delete(call: &Call<'_>) -> Answer {
    let group = call.group().await?;
    match conditional(call, &group).await? {
        None => groups::delete(call.site, &group.name, call.actor()).await?,
        Some(read) => {
            let deleted = groups::delete_if(call.site, GroupVersion::Read(&read), call.actor());
            deleted.await?.ok_or_else(Fault::changed)?
        }
    };
    Ok(Reply::done())
}
