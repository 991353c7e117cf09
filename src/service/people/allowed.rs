//! Whether an administrator may do something with somebody, as far as it can be told before. The ways in ask
//! it here; the change itself asks once more inside its transaction ([`super::authority`]).

use super::authority;
use crate::app::App;
use crate::protocol::rights::{Person, Power, Right, Role, Standing};
use crate::protocol::user::User;
use crate::service::failure::Failure;

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

async fn power(app: &App, standing: &Standing, person: &User) -> Result<Power, Failure> {
    if standing.role == Role::GroupManager {
        return Ok(authority::power(&app.store.db, person).await?);
    }
    // To everybody else it makes no difference who looks after groups.
    Ok(if person.role.is_some() { Power::Role } else { Power::None })
}
