//! Whom and what the entries of a file name: what a file makes may be named before it is there, and what is
//! named does not go.

use std::collections::{BTreeSet, HashSet};

use super::DeclaredError;
use super::organisations::one_name;
use super::people::one_person;
use super::plan::one_group;
use super::state::State;
use crate::app::App;
use crate::service::failure::Failure;
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

    /// Whether the file has an entry for somebody, by their user name as it is stored.
    pub(super) fn makes_person(&self, username: &str) -> bool {
        self.people.contains(username)
    }

    /// The first of these people who is not there and will not be; user names are as they are stored.
    ///
    /// # Errors
    /// [`Failure`] when SQL does not answer.
    pub(super) async fn missing_person<'n>(
        &self,
        app: &App,
        usernames: &'n [String],
    ) -> Result<Option<&'n String>, Failure> {
        let others = usernames.iter().filter(|name| !self.makes_person(name));
        let others: Vec<String> = others.cloned().collect();
        let there = users::by_usernames(&app.store.db, &others).await?;
        let there: HashSet<String> = there.into_iter().map(|user| user.username).collect();
        Ok(usernames.iter().find(|name| !self.makes_person(name) && !there.contains(*name)))
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
