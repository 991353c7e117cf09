//! Groups: made, listed, changed and deleted, who is in them, and who looks after them in the console. A
//! change reaches the apps with the next token or userinfo answer; nobody is signed out for it, but of
//! an app that is not for them any more ([`access`]).

mod moves;

use crate::app::App;
use crate::protocol::plain_text::is_disguised;
use crate::protocol::rights::Right;
use crate::protocol::types::UserId;
use crate::protocol::user::User;
use crate::service::api::ending::end_keys;
use crate::service::audit::{Actor, Event};
use crate::service::clients::access;
use crate::service::failure::Failure;
use crate::service::people::authority::{self, Authority, Barred};
use crate::service::people::group_version::{GroupVersion, ReadGroup};
use crate::service::people::{PeopleError, check_external_id, check_groups, told};
use crate::service::revocation::{self, Spread, Subject};
use crate::store::groups::{self, Group, GroupFilter};
use crate::store::{StoreError, audit, group_managers, users};

pub use moves::{change, change_all, change_all_if};

/// People taken out in one step when a group is deleted.
const BATCH: i64 = 200;

/// Longest description of a group, in characters.
pub const LONGEST_DESCRIPTION: usize = 300;

/// How many of those who look after a group are shown.
const MANAGERS_SHOWN: i64 = 100;

/// Whether somebody is in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Membership {
    In,
    Out,
}

/// Whether somebody looks after a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charge {
    Given,
    Taken,
}

/// What a change makes of a group; `None` leaves it as it is.
#[derive(Debug, Clone, Default)]
pub struct GroupEdit {
    pub name: Option<String>,
    /// Empty for none.
    pub description: Option<String>,
    /// What a directory calls it; empty for none.
    pub external_id: Option<String>,
}

/// Why a group could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum GroupError {
    #[error("there is no such group")]
    NotFound,
    #[error("there is a group with this name")]
    Taken,
    #[error("there is no such person")]
    NoPerson,
    /// Whoever has a role can do more than look after a group.
    #[error("somebody with a role in the console does not look after groups")]
    HasRole,
    #[error(transparent)]
    People(#[from] PeopleError),
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<Barred> for GroupError {
    fn from(barred: Barred) -> Self {
        match barred {
            Barred::NotYours => Self::People(PeopleError::NotYours),
            Barred::Failure(failure) => Self::Failure(failure),
        }
    }
}

impl From<StoreError> for GroupError {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}

/// Makes an empty group.
///
/// # Errors
/// [`GroupError::Taken`], or [`GroupError::People`] for a name or description that cannot be one.
pub async fn create(
    app: &App,
    (name, description): (&str, &str),
    actor: &Actor,
) -> Result<Group, GroupError> {
    create_called(app, (name, description, None), actor).await
}

/// As [`create`], with what a directory calls the group.
///
/// # Errors
/// As [`create`].
pub async fn create_called(
    app: &App,
    (name, description, external_id): (&str, &str, Option<String>),
    actor: &Actor,
) -> Result<Group, GroupError> {
    let (name, description) = (check_group(name)?, check_description(description)?);
    let external_id = check_external_id(external_id)?;
    let now = app.now();
    let mut tx = authority::begin(app, (actor, Right::GroupsWrite)).await?;
    if !groups::insert(&mut tx, &name, now).await? {
        return Err(GroupError::Taken);
    }
    if description.is_some() {
        groups::update(&mut tx, &name, (&name, description.as_deref())).await?;
    }
    if external_id.is_some() {
        groups::set_external_id(&mut tx, &name, external_id.as_deref()).await?;
    }
    let event = told::group_made(&name, (actor, now));
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    Ok(Group { name, description, members: 0, created_at: now })
}

fn check_group(name: &str) -> Result<String, PeopleError> {
    let names = check_groups(vec![name.to_owned()]).map_err(|error| match error {
        PeopleError::Invalid { problem, .. } => PeopleError::Invalid { field: "name", problem },
        other => other,
    })?;
    Ok(names.into_iter().next().unwrap_or_default())
}

pub(in crate::service) fn check_description(text: &str) -> Result<Option<String>, PeopleError> {
    let text = text.trim();
    if text.chars().count() > LONGEST_DESCRIPTION || is_disguised(text) {
        let problem = "use at most 300 ordinary characters";
        return Err(PeopleError::invalid("description", problem));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// Gives a group another name, another description, or both. People and those who look after it stay, and
/// none of them is touched: the time it takes does not depend on how many they are.
///
/// # Errors
/// [`GroupError`].
pub async fn update(
    app: &App,
    name: &str,
    edit: GroupEdit,
    actor: &Actor,
) -> Result<Group, GroupError> {
    let group = find(app, name).await?;
    update_from(app, (group, None), edit, actor).await?.ok_or(GroupError::NotFound)
}

/// As [`update`], if the group has in the moment of the change the description it has here; `None`, and
/// nothing changes, when somebody else has changed it since.
///
/// # Errors
/// [`GroupError`].
pub async fn update_if(
    app: &App,
    made_from: Group,
    edit: GroupEdit,
    actor: &Actor,
) -> Result<Option<Group>, GroupError> {
    let group = made_from.clone();
    update_from(app, (group, Some(GroupVersion::Shown(&made_from))), edit, actor).await
}

/// As [`update_if`] for what a directory has read, with who is in it.
///
/// # Errors
/// [`GroupError`].
pub async fn update_read(
    app: &App,
    made_from: &ReadGroup,
    edit: GroupEdit,
    actor: &Actor,
) -> Result<Option<Group>, GroupError> {
    let group = find(app, &made_from.group.name).await?;
    update_from(app, (group, Some(GroupVersion::Read(made_from))), edit, actor).await
}

async fn update_from(
    app: &App,
    (group, made_from): (Group, Option<GroupVersion<'_>>),
    edit: GroupEdit,
    actor: &Actor,
) -> Result<Option<Group>, GroupError> {
    let name = edit.name.as_deref().map_or_else(|| Ok(group.name.clone()), check_group)?;
    let described = edit.description.map(|text| check_description(&text)).transpose()?;
    let external_id = edit.external_id.map(|text| check_external_id(Some(text))).transpose()?;
    let is_renamed = name != group.name;
    let now = app.now();
    let mut tx = authority::begin(app, (actor, Right::GroupsWrite)).await?;
    if is_renamed {
        // Whoever is asked by the names of groups what they may do is through with it, or waits.
        users::hold_owners(&mut tx).await?;
    }
    let held = groups::hold(&mut tx, &group.name).await?;
    if let Some(made_from) = made_from {
        let is_same = match made_from {
            // Who is in it has no part in this change.
            GroupVersion::Shown(before) => held.as_ref() == Some(&before.description),
            GroupVersion::Read(_) => made_from.is_current(&mut tx).await?,
        };
        if !is_same {
            return Ok(None);
        }
    }
    // What the change says nothing of stays as it is now, not as it was before this one had its turn.
    let Some(described_now) = held else { return Err(GroupError::NotFound) };
    let description = described.unwrap_or(described_now);
    let changed = groups::update(&mut tx, &group.name, (&name, description.as_deref())).await;
    match changed {
        Ok(true) => {}
        Ok(false) => return Err(GroupError::NotFound),
        Err(StoreError::Conflict) => return Err(GroupError::Taken),
        Err(other) => return Err(other.into()),
    }
    let has_apps = is_renamed && access::follow_rename(&mut tx, (&group.name, &name)).await?;
    if let Some(external_id) = external_id {
        groups::set_external_id(&mut tx, &name, external_id.as_deref()).await?;
    }
    let mut event = Event::success("group.updated", actor, now).detail("group", name.as_str());
    if is_renamed {
        event = event.detail("name_before", group.name.as_str());
    }
    audit::append(&mut tx, &event.into_row()).await?;
    // What copies say of the people in it is old. However many they are: copies are held against the names
    // of groups as well.
    let old: &[_] = if is_renamed { &[Subject::GroupNames] } else { &[] };
    let pending = revocation::record(&mut tx, old, now).await?;
    tx.commit().await?;
    if has_apps {
        app.known.forget();
    }
    revocation::publish(app, pending).await;
    Ok(Some(Group { name, description, ..group }))
}

/// A page of groups, behind the one with this name.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn list(app: &App, after: Option<&str>, limit: i64) -> Result<Vec<Group>, Failure> {
    Ok(groups::list(&app.store.db, (after, limit)).await?)
}

/// A page of groups that a search finds.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn search(app: &App, filter: &GroupFilter) -> Result<Vec<Group>, Failure> {
    Ok(groups::search(&app.store.db, filter).await?)
}

/// A page of the people in a group, by username, behind `after`.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn members(
    app: &App,
    (name, after): (&str, Option<&str>),
    limit: i64,
) -> Result<Vec<User>, Failure> {
    Ok(users::of_group(&app.store.db, (name, after), limit).await?)
}

/// Ids and usernames of those who look after a group, by username; a hundred at most.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn managers(app: &App, name: &str) -> Result<Vec<(UserId, String)>, Failure> {
    Ok(group_managers::of_group(&app.store.db, (name, MANAGERS_SHOWN)).await?)
}

/// Lets somebody look after a group, or no longer; nothing happens if that is so already. Their console
/// opens, shows and closes with it.
///
/// # Errors
/// [`GroupError`].
pub async fn put_in_charge(
    app: &App,
    (group, id): (&str, &UserId),
    charge: Charge,
    actor: &Actor,
) -> Result<(), GroupError> {
    let group = find(app, group).await?;
    let now = app.now();
    let mut tx = app.store.begin().await?;
    let authority = Authority::of(&mut tx, actor, Some(id)).await?;
    authority.require(Right::GroupsDelegate)?;
    users::hold(&mut tx, id).await?;
    let person = users::by_id(&mut tx, id).await?.ok_or(GroupError::NoPerson)?;
    let who = (group.name.as_str(), id);
    let (event, changed) = match charge {
        Charge::Given if person.role.is_some() => return Err(GroupError::HasRole),
        Charge::Given => (
            Event::success("group.manager_added", actor, now),
            group_managers::add(&mut tx, who, now).await,
        ),
        Charge::Taken => (
            Event::success("group.manager_removed", actor, now),
            group_managers::remove(&mut tx, who).await,
        ),
    };
    let changed = changed.map_err(|error| match error {
        // Somebody has deleted it in this moment.
        StoreError::Conflict => GroupError::NotFound,
        other => other.into(),
    })?;
    if changed {
        let event = event.user(id).detail("group", group.name.as_str());
        audit::append(&mut tx, &event.into_row()).await?;
        // Who looks after nothing any more is no administrator.
        if person.role.is_none() && !group_managers::what_is_held(&mut tx, id).await?.manages {
            end_keys(&mut tx, id, (actor, now)).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}

/// The group with this name.
///
/// # Errors
/// [`GroupError::NotFound`] or a failure.
pub async fn find(app: &App, name: &str) -> Result<Group, GroupError> {
    groups::by_name(&app.store.db, name.trim()).await?.ok_or(GroupError::NotFound)
}

/// Deletes a group. Its people are taken out a few at a time, so that nobody waits for a large one; if that
/// is interrupted, the group is there with those who are left. An app that lets it in keeps its name, and
/// is not opened by this.
///
/// # Errors
/// [`GroupError::NotFound`] or a failure.
pub async fn delete(app: &App, name: &str, actor: &Actor) -> Result<Group, GroupError> {
    delete_from(app, (name, None), actor).await?.ok_or(GroupError::NotFound)
}

/// As [`delete`], if the group is when that begins what it is here; `None`, and nothing changes, when somebody
/// else has changed it since.
///
/// # Errors
/// As [`delete`].
pub async fn delete_if(
    app: &App,
    made_from: GroupVersion<'_>,
    actor: &Actor,
) -> Result<Option<Group>, GroupError> {
    delete_from(app, (made_from.name(), Some(made_from)), actor).await
}

async fn delete_from(
    app: &App,
    (name, mut made_from): (&str, Option<GroupVersion<'_>>),
    actor: &Actor,
) -> Result<Option<Group>, GroupError> {
    let group = find(app, name).await?;
    let (name, mut spread) = (group.name.as_str(), Spread::default());
    loop {
        let now = app.now();
        // Asked for every few: whoever loses their role meanwhile goes no further.
        let mut tx = authority::begin(app, (actor, Right::GroupsWrite)).await?;
        // As everywhere: all owners, then people.
        users::hold_owners(&mut tx).await?;
        if let Some(made_from) = made_from.take()
            && !made_from.is_current(&mut tx).await?
        {
            return Ok(None);
        }
        let mut members = groups::some_members(&mut tx, name, BATCH).await?;
        for id in &members {
            match groups::remove_member(&mut tx, (name, id), now).await {
                Ok(_) | Err(StoreError::Conflict) => {}
                Err(other) => return Err(other.into()),
            }
        }
        let is_last = i64::try_from(members.len()).unwrap_or(BATCH) < BATCH;
        if is_last {
            // Whoever joined meanwhile.
            members.extend(groups::remove_all(&mut tx, name).await?);
        }
        if is_last && groups::delete(&mut tx, name).await? {
            let event = Event::success("group.deleted", actor, now)
                .detail("group", name)
                .detail("members", group.members);
            audit::append(&mut tx, &event.into_row()).await?;
        }
        let mut ended = Vec::new();
        if access::is_a_key(&mut tx, name).await? {
            for id in &members {
                ended.extend(access::end_lost(app, &mut tx, (id, actor)).await?);
            }
        }
        let subjects = access::subjects(&members, &ended);
        if subjects.is_empty() {
            tx.commit().await?;
        } else {
            let pending = revocation::record(&mut tx, &subjects, now).await?;
            tx.commit().await?;
            app.outbox_bell.notify_one();
            spread = revocation::spread(app, pending).await;
        }
        if is_last {
            spread.outlive_copies().await;
            return Ok(Some(group));
        }
    }
}
