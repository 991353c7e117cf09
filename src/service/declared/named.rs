//! Whom and what the entries of a file name: what a file makes may be named before it is there, and what is
//! named does not go.

use std::collections::BTreeSet;

use super::DeclaredError;
use super::organisations::one_name;
use super::plan::one_group;
use super::state::State;
use crate::app::App;
use crate::service::failure::Failure;
use crate::service::people;
use crate::store::managed::Declared;
use crate::store::{groups, users};

/// The people and groups that are there once a file is carried out, whether or not they are now.
pub(super) struct Made {
    people: BTreeSet<String>,
    groups: BTreeSet<String>,
}

impl Made {
    /// Those a file has entries for, and the groups that are made with its people.
    ///
    /// # Errors
    /// [`DeclaredError`] for a name that cannot be one.
    pub(super) fn by(state: &State) -> Result<Self, DeclaredError> {
        let own = state.groups.iter().map(|group| &group.name);
        let with_people = state.users.iter().flat_map(|user| user.groups.iter().flatten());
        let groups: Result<_, _> = own.chain(with_people).map(|name| one_group(name)).collect();
        let people: Result<_, _> =
            state.users.iter().map(|user| one_person(&user.username)).collect();
        Ok(Self { people: people?, groups: groups? })
    }

    /// Whether somebody is there, or will be; by their user name as it is stored.
    ///
    /// # Errors
    /// [`Failure`] when SQL does not answer.
    pub(super) async fn has_person(&self, app: &App, username: &str) -> Result<bool, Failure> {
        if self.people.contains(username) {
            return Ok(true);
        }
        let there = users::by_login(&app.store.db, username).await?;
        Ok(there.is_some_and(|there| there.username == username))
    }

    /// Whether a group is there, or will be.
    ///
    /// # Errors
    /// [`Failure`] when SQL does not answer.
    pub(super) async fn has_group(&self, app: &App, name: &str) -> Result<bool, Failure> {
        Ok(self.groups.contains(name) || groups::by_name(&app.store.db, name).await?.is_some())
    }
}

/// What people and roles in the file name. A group is made with its people, and nothing of it goes while the
/// file needs it.
pub(super) fn needed(state: &State) -> Result<Vec<(Declared, String)>, DeclaredError> {
    let mut needed = Vec::new();
    let roles = || state.clients.iter().flat_map(|client| client.roles.iter().flatten());
    let of_people = state.users.iter().flat_map(|user| user.groups.iter().flatten());
    for group in of_people.chain(roles().flat_map(|role| &role.groups)) {
        needed.push((Declared::Group, one_group(group)?));
    }
    for name in state.users.iter().flat_map(|user| user.organisations.iter().flatten()) {
        needed.push((Declared::Organisation, one_name(name)?));
    }
    let managers = state.groups.iter().flat_map(|group| group.managers.iter().flatten());
    for username in roles().flat_map(|role| &role.users).chain(managers) {
        needed.push((Declared::User, one_person(username)?));
    }
    Ok(needed)
}

fn one_person(username: &str) -> Result<String, DeclaredError> {
    let name = people::check_username(username);
    name.map_err(|error| DeclaredError::of_people(&format!("user {username}"), error))
}
