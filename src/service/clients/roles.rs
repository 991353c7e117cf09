//! The roles of an app: made, described and deleted, given to people and groups and taken from them.
//! A change reaches the app with the next token or userinfo answer, and at the gateway at once; nobody
//! is signed out for it.

use crate::app::App;
use crate::protocol::app_roles::{MOST_ROLES, is_role_name};
use crate::protocol::plain_text::is_disguised;
use crate::protocol::rights::Right;
use crate::protocol::types::{ClientId, UserId};
use crate::service::audit::{Actor, Event};
use crate::service::failure::Failure;
use crate::service::people::PeopleError;
use crate::service::people::authority::Authority;
use crate::service::revocation::{self, Subject};
use crate::store::clients::roles::{self, ClientRole};
use crate::store::{StoreError, audit, clients, groups, users};

/// Longest description of a role, in characters.
pub const LONGEST_DESCRIPTION: usize = 300;

/// Why a role could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    #[error("there is no client with this client_id")]
    NoApp,
    #[error("the app has no such role")]
    NotFound,
    #[error("the app has a role with this name")]
    Taken,
    #[error("an app has at most {MOST_ROLES} roles, so that tokens stay small")]
    TooMany,
    #[error("there is no such person")]
    NoPerson,
    #[error("there is no such group")]
    NoGroup,
    #[error("{field}: {problem}")]
    Invalid { field: &'static str, problem: &'static str },
    #[error(transparent)]
    People(#[from] PeopleError),
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StoreError> for RoleError {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}

/// Who is to have a role.
#[derive(Debug, Clone, Copy)]
pub enum Holder<'a> {
    Person(&'a UserId),
    /// Everybody in the group with this name.
    Group(&'a str),
}

/// Whether somebody gets a role or loses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Giving {
    Given,
    Taken,
}

/// Makes a role that nobody has.
///
/// # Errors
/// [`RoleError`].
pub async fn create(
    app: &App,
    client: &ClientId,
    (name, description): (&str, &str),
    actor: &Actor,
) -> Result<ClientRole, RoleError> {
    let (name, description) = (check_name(name)?, check_description(description)?);
    let now = app.now();
    let mut tx = app.store.begin().await?;
    Authority::of(&mut tx, actor, None).await?.require(Right::RolesWrite)?;
    // Whoever adds another one waits, so that both are counted.
    clients::hold(&mut tx, client).await?.ok_or(RoleError::NoApp)?;
    let role = ClientRole {
        client_id: client.clone(),
        name,
        description,
        people: 0,
        groups: 0,
        created_at: now,
    };
    if !roles::insert(&mut tx, &role).await? {
        return Err(RoleError::Taken);
    }
    if roles::list(&mut tx, client).await?.len() > MOST_ROLES {
        return Err(RoleError::TooMany);
    }
    let event = event("role.created", (actor, client), &role.name, now);
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    Ok(role)
}

fn check_name(name: &str) -> Result<String, RoleError> {
    let name = name.trim();
    if is_role_name(name) {
        return Ok(name.to_owned());
    }
    let problem = "use 1 to 40 letters without accents, digits or the characters - _ . : /";
    Err(RoleError::Invalid { field: "name", problem })
}

/// A description as it is stored; `None` for an empty one.
pub(in crate::service) fn check_description(text: &str) -> Result<Option<String>, RoleError> {
    let text = text.trim();
    if text.chars().count() > LONGEST_DESCRIPTION || is_disguised(text) {
        let problem = "use at most 300 ordinary characters";
        return Err(RoleError::Invalid { field: "description", problem });
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

fn event(
    kind: &'static str,
    (actor, client): (&Actor, &ClientId),
    role: &str,
    now: crate::clock::UnixTime,
) -> Event {
    Event::success(kind, actor, now).client(client).detail("role", role)
}

/// Gives a role another description; empty for none. Nothing happens if it has that already.
///
/// # Errors
/// [`RoleError`].
pub async fn describe(
    app: &App,
    (client, name): (&ClientId, &str),
    description: &str,
    actor: &Actor,
) -> Result<ClientRole, RoleError> {
    let change = (description, actor);
    describe_from(app, (client, name), None, change).await?.ok_or(RoleError::NotFound)
}

/// As [`describe`], if the description is in the moment of the change what it is here; `None`, and nothing
/// changes, when somebody else has changed it since.
///
/// # Errors
/// [`RoleError`].
pub async fn describe_if(
    app: &App,
    made_from: &ClientRole,
    description: &str,
    actor: &Actor,
) -> Result<Option<ClientRole>, RoleError> {
    let role = (&made_from.client_id, made_from.name.as_str());
    describe_from(app, role, Some(made_from), (description, actor)).await
}

async fn describe_from(
    app: &App,
    (client, name): (&ClientId, &str),
    made_from: Option<&ClientRole>,
    (description, actor): (&str, &Actor),
) -> Result<Option<ClientRole>, RoleError> {
    let description = check_description(description)?;
    let now = app.now();
    let mut tx = app.store.begin().await?;
    Authority::of(&mut tx, actor, None).await?.require(Right::RolesWrite)?;
    // Of two who describe it the second sees what the first has written.
    clients::hold(&mut tx, client).await?.ok_or(RoleError::NoApp)?;
    let before = roles::find(&mut tx, (client, name)).await?.ok_or(RoleError::NotFound)?;
    if made_from.is_some_and(|made_from| made_from.description != before.description) {
        return Ok(None);
    }
    if before.description == description {
        return Ok(Some(before));
    }
    if !roles::describe(&mut tx, (client, name), description.as_deref()).await? {
        return Err(RoleError::NotFound);
    }
    let event = event("role.updated", (actor, client), name, now);
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    Ok(Some(ClientRole { description, ..before }))
}

/// Deletes a role; whoever had it has it no more.
///
/// # Errors
/// [`RoleError`].
pub async fn delete(
    app: &App,
    role: (&ClientId, &str),
    actor: &Actor,
) -> Result<ClientRole, RoleError> {
    delete_from(app, (role, None), actor).await?.ok_or(RoleError::NotFound)
}

/// As [`delete`], if the role is in the moment of the deletion what it is here; `None`, and nothing changes, when
/// somebody else has changed it since, or who has it.
///
/// # Errors
/// [`RoleError`].
pub async fn delete_if(
    app: &App,
    made_from: &ClientRole,
    actor: &Actor,
) -> Result<Option<ClientRole>, RoleError> {
    let role = (&made_from.client_id, made_from.name.as_str());
    delete_from(app, (role, Some(made_from)), actor).await
}

async fn delete_from(
    app: &App,
    ((client, name), made_from): ((&ClientId, &str), Option<&ClientRole>),
    actor: &Actor,
) -> Result<Option<ClientRole>, RoleError> {
    let now = app.now();
    let mut tx = app.store.begin().await?;
    Authority::of(&mut tx, actor, None).await?.require(Right::RolesWrite)?;
    clients::hold(&mut tx, client).await?.ok_or(RoleError::NoApp)?;
    let role = roles::find(&mut tx, (client, name)).await?.ok_or(RoleError::NotFound)?;
    if made_from.is_some_and(|made_from| *made_from != role) {
        return Ok(None);
    }
    roles::delete(&mut tx, (client, name)).await?;
    let event = event("role.deleted", (actor, client), name, now)
        .detail("people", role.people)
        .detail("groups", role.groups);
    audit::append(&mut tx, &event.into_row()).await?;
    let pending = revocation::record(&mut tx, &[Subject::RolesOf(client)], now).await?;
    tx.commit().await?;
    revocation::publish(app, pending).await;
    Ok(Some(role))
}

/// Gives a role to somebody, or takes it away; nothing happens if that is so already.
///
/// # Errors
/// [`RoleError`]; [`PeopleError::NotYours`] in it where the actor may not change this person, or is in the
/// group: nobody raises themselves.
pub async fn change(
    app: &App,
    (client, name): (&ClientId, &str),
    (holder, giving): (Holder<'_>, Giving),
    actor: &Actor,
) -> Result<(), RoleError> {
    let now = app.now();
    let role = (client, name);
    let mut tx = app.store.begin().await?;
    let (missing, changed) = match holder {
        Holder::Person(id) => {
            let authority = Authority::of(&mut tx, actor, Some(id)).await?;
            users::hold(&mut tx, id).await?;
            let person = users::by_id(&mut tx, id).await?.ok_or(RoleError::NoPerson)?;
            authority.change(&mut tx, Right::RolesGive, &person).await?;
            let changed = match giving {
                Giving::Given => roles::give_person(&mut tx, role, id).await,
                Giving::Taken => roles::take_from_person(&mut tx, role, id).await,
            };
            (RoleError::NoPerson, changed)
        }
        Holder::Group(group) => {
            let authority = Authority::of(&mut tx, actor, None).await?;
            authority.give_to_group(&mut tx, (actor, group)).await?;
            let there = groups::by_name(&mut tx, group).await?;
            there.ok_or(RoleError::NoGroup)?;
            let changed = match giving {
                Giving::Given => roles::give_group(&mut tx, role, group).await,
                Giving::Taken => roles::take_from_group(&mut tx, role, group).await,
            };
            (RoleError::NoGroup, changed)
        }
    };
    let changed = match changed {
        Ok(changed) => changed,
        // One of the two is not there. The transaction is lost with it.
        Err(StoreError::Conflict) => {
            drop(tx);
            find(app, role).await?;
            return Err(missing);
        }
        Err(other) => return Err(other.into()),
    };
    if !changed {
        drop(tx);
        find(app, role).await?;
        if giving == Giving::Taken {
            // Who took it may still be waiting for it to be final.
            revocation::outlive_recent(app, now).await;
        }
        return Ok(());
    }
    let kind = match giving {
        Giving::Given => "role.given",
        Giving::Taken => "role.taken",
    };
    let event = event(kind, (actor, client), name, now);
    let (event, subject) = match holder {
        Holder::Person(id) => (event.user(id), Subject::Facts(id)),
        // However many are in it: copies are held against the app as well.
        Holder::Group(group) => (event.detail("group", group), Subject::RolesOf(client)),
    };
    audit::append(&mut tx, &event.into_row()).await?;
    let pending = revocation::record(&mut tx, &[subject], now).await?;
    tx.commit().await?;
    revocation::publish(app, pending).await;
    Ok(())
}

/// Every role of an app, by name.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn list(app: &App, client: &ClientId) -> Result<Vec<ClientRole>, Failure> {
    Ok(roles::list(&app.store.db, client).await?)
}

/// One role of an app.
///
/// # Errors
/// [`RoleError::NotFound`] or a failure.
pub async fn find(app: &App, role: (&ClientId, &str)) -> Result<ClientRole, RoleError> {
    roles::find(&app.store.db, role).await?.ok_or(RoleError::NotFound)
}

/// A page of those who have a role by themselves: ids and usernames, by username, behind `after`.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn people(
    app: &App,
    role: (&ClientId, &str),
    page: (Option<&str>, i64),
) -> Result<Vec<(UserId, String)>, Failure> {
    Ok(roles::people(&app.store.db, role, page).await?)
}

/// A page of the groups that have a role, by name, behind `after`.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn groups_with(
    app: &App,
    role: (&ClientId, &str),
    page: (Option<&str>, i64),
) -> Result<Vec<String>, Failure> {
    Ok(roles::groups(&app.store.db, role, page).await?)
}

/// The roles a group gives to those in it, each with its app; at most `limit`.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn of_group(
    app: &App,
    group: &str,
    limit: i64,
) -> Result<Vec<(ClientId, String)>, Failure> {
    Ok(roles::of_group(&app.store.db, (group, limit)).await?)
}
