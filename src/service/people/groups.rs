//! Groups: made, listed and deleted, and who is in them. A change reaches the apps with the next token or
//! userinfo answer; nobody is signed out for it.

use crate::app::App;
use crate::protocol::types::UserId;
use crate::service::audit::{Actor, Event};
use crate::service::failure::Failure;
use crate::service::people::{PeopleError, check_groups};
use crate::service::revocation::{self, Subject};
use crate::store::groups::{self, Group};
use crate::store::{StoreError, audit, users};

/// People taken out in one transaction when a group is deleted.
const BATCH: i64 = 200;

/// Whether somebody is in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Membership {
    In,
    Out,
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
    #[error(transparent)]
    Name(#[from] PeopleError),
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StoreError> for GroupError {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}

/// Makes an empty group.
///
/// # Errors
/// [`GroupError::Taken`], or [`GroupError::Name`] for a name that cannot be one.
pub async fn create(app: &App, name: &str, actor: &Actor) -> Result<Group, GroupError> {
    let names = check_groups(vec![name.to_owned()])?;
    let name = names.into_iter().next().unwrap_or_default();
    let now = app.now();
    let mut tx = app.store.begin().await?;
    if !groups::insert(&mut tx, &name, now).await? {
        return Err(GroupError::Taken);
    }
    let event = Event::success("group.created", actor, now).detail("group", name.as_str());
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    Ok(Group { name, members: 0, created_at: now })
}

/// A page of groups, behind the one with this name.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn list(app: &App, after: Option<&str>, limit: i64) -> Result<Vec<Group>, Failure> {
    Ok(groups::list(&app.store.db, (after, limit)).await?)
}

/// The group with this name.
///
/// # Errors
/// [`GroupError::NotFound`] or a failure.
pub async fn find(app: &App, name: &str) -> Result<Group, GroupError> {
    groups::by_name(&app.store.db, name.trim()).await?.ok_or(GroupError::NotFound)
}

/// Takes somebody into a group or out of it; nothing happens if that is so already.
///
/// # Errors
/// [`GroupError::NotFound`] or [`GroupError::NoPerson`].
pub async fn change(
    app: &App,
    (group, id): (&str, &UserId),
    membership: Membership,
    actor: &Actor,
) -> Result<(), GroupError> {
    let group = find(app, group).await?;
    let now = app.now();
    let mut tx = app.store.begin().await?;
    let who = (group.name.as_str(), id);
    let (event, changed) = match membership {
        Membership::In => (
            Event::success("group.member_added", actor, now),
            groups::add_member(&mut tx, who, now).await,
        ),
        Membership::Out => (
            Event::success("group.member_removed", actor, now),
            groups::remove_member(&mut tx, who, now).await,
        ),
    };
    let changed = changed.map_err(|error| match error {
        // The group was there a moment ago, so it is mostly the person who is not.
        StoreError::Conflict => GroupError::NoPerson,
        other => other.into(),
    })?;
    if !changed {
        return Ok(());
    }
    let event = event.user(id).detail("group", group.name.as_str());
    audit::append(&mut tx, &event.into_row()).await?;
    let pending = revocation::record(&mut tx, &[Subject::Facts(id)], now).await?;
    tx.commit().await?;
    revocation::publish(app, pending).await;
    Ok(())
}

/// Deletes a group. Its people are taken out a few at a time, so that nobody waits for a large one; if that
/// is interrupted, the group is there with those who are left.
///
/// # Errors
/// [`GroupError::NotFound`] or a failure.
pub async fn delete(app: &App, name: &str, actor: &Actor) -> Result<Group, GroupError> {
    let group = find(app, name).await?;
    let name = group.name.as_str();
    loop {
        let now = app.now();
        let mut tx = app.store.begin().await?;
        // As everywhere: all owners, then people.
        users::hold_owners(&mut tx).await?;
        let mut members = groups::members(&mut tx, (name, BATCH)).await?;
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
        let facts: Vec<_> = members.iter().map(Subject::Facts).collect();
        if facts.is_empty() {
            tx.commit().await?;
        } else {
            let pending = revocation::record(&mut tx, &facts, now).await?;
            tx.commit().await?;
            revocation::publish(app, pending).await;
        }
        if is_last {
            return Ok(group);
        }
    }
}
