//! Who is in a group: each move in a transaction of its own.

use super::{GroupError, Membership, find};
use crate::app::App;
use crate::protocol::types::UserId;
use crate::service::audit::Actor;
use crate::service::clients::access;
use crate::service::people::authority::Authority;
use crate::service::people::group_version::{GroupVersion, ReadGroup};
use crate::service::people::told;
use crate::service::revocation::{self, Spread};
use crate::store::groups;
use crate::store::{StoreError, audit, users};

/// Takes somebody into a group or out of it; nothing happens if that is so already.
///
/// # Errors
/// [`GroupError::NotFound`], [`GroupError::NoPerson`], or in [`GroupError::People`] that it is not theirs to do.
pub async fn change(
    app: &App,
    (group, id): (&str, &UserId),
    membership: Membership,
    actor: &Actor,
) -> Result<(), GroupError> {
    let group = find(app, group).await?;
    let spread = move_one(app, ((&group.name, id), None), membership, actor).await?;
    spread.unwrap_or_default().outlive_copies().await;
    Ok(())
}

/// As [`change`] for many, one after the other: at the first who cannot be moved it stops, and those before
/// stay where they are now.
///
/// # Errors
/// As [`change`].
pub async fn change_all(
    app: &App,
    (group, ids): (&str, &[UserId]),
    membership: Membership,
    actor: &Actor,
) -> Result<(), GroupError> {
    let group = find(app, group).await?;
    move_all(app, ((&group.name, ids), None), membership, actor).await?;
    Ok(())
}

/// As [`change_all`], if the group is in the moment of the first move what a directory has read; `false`, and
/// nobody is moved, when somebody else has changed it since.
///
/// # Errors
/// As [`change`].
pub async fn change_all_if(
    app: &App,
    (made_from, ids): (&ReadGroup, &[UserId]),
    membership: Membership,
    actor: &Actor,
) -> Result<bool, GroupError> {
    let who = (made_from.group.name.as_str(), ids);
    move_all(app, (who, Some(made_from)), membership, actor).await
}

async fn move_all(
    app: &App,
    ((group, ids), mut made_from): ((&str, &[UserId]), Option<&ReadGroup>),
    membership: Membership,
    actor: &Actor,
) -> Result<bool, GroupError> {
    let (mut spread, mut outcome) = (Spread::default(), Ok(true));
    for id in ids {
        // What the first move has changed, the next ones find changed.
        match move_one(app, ((group, id), made_from.take()), membership, actor).await {
            Ok(Some(moved)) => spread = moved.or(spread),
            Ok(None) => {
                outcome = Ok(false);
                break;
            }
            Err(error) => {
                outcome = Err(error);
                break;
            }
        }
    }
    spread.outlive_copies().await;
    outcome
}

/// Moves one person; `None`, and they stay where they are, where the group is not what the move was made from.
async fn move_one(
    app: &App,
    (who, made_from): ((&str, &UserId), Option<&ReadGroup>),
    membership: Membership,
    actor: &Actor,
) -> Result<Option<Spread>, GroupError> {
    let (group, id) = who;
    let now = app.now();
    let mut tx = app.store.begin().await?;
    let authority = Authority::of(&mut tx, actor, Some(id)).await?;
    authority.regroup(&mut tx, group, id).await?;
    if let Some(made_from) = made_from {
        // The group behind the people, as everywhere.
        users::hold(&mut tx, id).await?;
        groups::hold(&mut tx, group).await?;
        if !GroupVersion::Read(made_from).is_current(&mut tx).await? {
            return Ok(None);
        }
    }
    let changed = match membership {
        Membership::In => groups::add_member(&mut tx, who, now).await,
        Membership::Out => groups::remove_member(&mut tx, who, now).await,
    };
    let changed = changed.map_err(|error| match error {
        // The group was there a moment ago, so it is mostly the person who is not.
        StoreError::Conflict => GroupError::NoPerson,
        other => other.into(),
    })?;
    if !changed {
        drop(tx);
        return Ok(Some(match membership {
            Membership::In => Spread::default(),
            // Who took them out may still be waiting for it to be final.
            Membership::Out => revocation::spread_recent(app).await,
        }));
    }
    let event = told::membership(membership, who, (actor, now));
    audit::append(&mut tx, &event.into_row()).await?;
    let ended = match membership {
        Membership::In => Vec::new(),
        Membership::Out => access::end_lost(app, &mut tx, (id, actor)).await?,
    };
    let pending = revocation::record(&mut tx, &access::subjects([id], &ended), now).await?;
    tx.commit().await?;
    app.outbox_bell.notify_one();
    Ok(Some(revocation::spread(app, pending).await))
}
