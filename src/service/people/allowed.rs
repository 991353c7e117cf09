//! Whether an administrator may do something with somebody, as far as it can be told before. The ways in ask
//! it here; the change itself asks once more inside its transaction ([`super::authority`]).

use std::collections::{HashMap, HashSet};

use super::authority;
use crate::app::App;
use crate::protocol::rights::{Person, Power, Right, Role, Standing};
use crate::protocol::types::UserId;
use crate::protocol::user::User;
use crate::service::failure::Failure;
use crate::store::figures;

/// Whether they may do this with this person.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn may_change(
    app: &App,
    standing: &Standing,
    right: Right,
    person: &User,
) -> Result<bool, Failure> {
    let power = power(app, standing, person).await?;
    Ok(standing.may_change(right, &Person { power, groups: &person.groups }))
}

/// Whether they may take this person into the group, or out of it.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn may_move(
    app: &App,
    standing: &Standing,
    group: &str,
    person: &User,
) -> Result<bool, Failure> {
    let power = power(app, standing, person).await?;
    Ok(standing.may_move(group, &Person { power, groups: &person.groups }))
}

/// With whom of these people they may do this.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn changeable(
    app: &App,
    standing: &Standing,
    right: Right,
    people: &[User],
) -> Result<HashSet<UserId>, Failure> {
    whom(app, standing, people, |person| standing.may_change(right, person)).await
}

/// Whom of these people they may take into the group, or out of it.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn movable(
    app: &App,
    standing: &Standing,
    group: &str,
    people: &[User],
) -> Result<HashSet<UserId>, Failure> {
    whom(app, standing, people, |person| standing.may_move(group, person)).await
}

/// Whom of these people they may do something with, all asked about at once.
async fn whom(
    app: &App,
    standing: &Standing,
    people: &[User],
    may: impl Fn(&Person<'_>) -> bool,
) -> Result<HashSet<UserId>, Failure> {
    let mut beyond = HashMap::new();
    if standing.role == Role::GroupManager {
        let ids: Vec<_> = people.iter().map(|person| person.id.clone()).collect();
        beyond = figures::holds(&app.store.db, &ids).await?.into_iter().collect();
    }
    let power = |person: &User| match person.role {
        Some(_) => Power::Role,
        None => beyond.get(&person.id).map_or(Power::None, |holds| authority::power_of(*holds)),
    };
    let is_theirs = |person: &&User| may(&Person { power: power(person), groups: &person.groups });
    Ok(people.iter().filter(is_theirs).map(|person| person.id.clone()).collect())
}

async fn power(app: &App, standing: &Standing, person: &User) -> Result<Power, Failure> {
    if standing.role == Role::GroupManager {
        return Ok(authority::power(&app.store.db, person).await?);
    }
    // To everybody else it makes no difference who looks after groups.
    Ok(if person.role.is_some() { Power::Role } else { Power::None })
}
