//! The roles of an app as a file declares them: every one of the app, with everybody who has it. Others
//! are deleted, and taken from others.

use std::collections::BTreeSet;

use serde_json::json;

use super::DeclaredError;
use super::named::Made;
use super::plan::{Action, Change, Work, one_group};
use super::state::{ClientState, RoleState};
use crate::app::App;
use crate::protocol::app_roles::{MOST_ROLES, is_role_name};
use crate::protocol::types::ClientId;
use crate::service::audit::Actor;
use crate::service::clients::roles::{self, Giving, Holder, RoleError};
use crate::service::failure::Failure;
use crate::service::people;
use crate::store::managed::Declared;

/// Rows read at once.
const PAGE: i64 = 500;

/// The roles an app has, by name, with everybody who has them.
pub(super) async fn of_app(app: &App, client: &ClientId) -> Result<Vec<RoleState>, Failure> {
    let mut all = Vec::new();
    for role in roles::list(app, client).await? {
        let which = (client, role.name.as_str());
        let mut users: Vec<String> = Vec::new();
        loop {
            let after = users.last().map(String::as_str);
            let page = roles::people(app, which, (after, PAGE)).await?;
            if page.is_empty() {
                break;
            }
            users.extend(page.into_iter().map(|(_, username)| username));
        }
        let mut groups: Vec<String> = Vec::new();
        loop {
            let after = groups.last().map(String::as_str);
            let page = roles::groups_with(app, which, (after, PAGE)).await?;
            if page.is_empty() {
                break;
            }
            groups.extend(page);
        }
        all.push(sorted(RoleState {
            name: role.name,
            description: role.description,
            users,
            groups,
        }));
    }
    Ok(all)
}

/// In the order in which they are compared.
fn sorted(mut role: RoleState) -> RoleState {
    for names in [&mut role.users, &mut role.groups] {
        names.sort();
        names.dedup();
    }
    role
}

/// What has to change for the roles of an app to be as the file says; nothing if it does not say. Whoever is
/// to have one has to be there, or be of the same file.
pub(super) async fn plan(
    app: &App,
    (entry, made): (&str, &Made),
    state: &ClientState,
) -> Result<Option<Change>, DeclaredError> {
    let Some(wanted) = &state.roles else { return Ok(None) };
    let mut names = BTreeSet::new();
    let mut after = Vec::with_capacity(wanted.len());
    for role in wanted {
        if !is_role_name(&role.name) {
            return Err(DeclaredError::entry(
                entry,
                format!("{:?} is no name of a role", role.name),
            ));
        }
        if !names.insert(&role.name) {
            return Err(DeclaredError::entry(entry, format!("has the role {} twice", role.name)));
        }
        after.push(holders(app, (entry, made), role).await?);
    }
    if after.len() > MOST_ROLES {
        return Err(DeclaredError::entry(entry, RoleError::TooMany));
    }
    after.sort_by(|one, other| one.name.cmp(&other.name));
    let before = of_app(app, &ClientId::new(&state.client_id)).await?;
    let fields = vec![("roles".to_owned(), json!(before), json!(after))];
    let (what, name) = (Declared::Client, state.client_id.clone());
    let is_new = before != after;
    let change = Change { what, name, action: Action::Update, fields, work: Work::SetRoles(after) };
    Ok(is_new.then_some(change))
}

/// A role with everybody who is to have it as they are stored.
async fn holders(
    app: &App,
    (entry, made): (&str, &Made),
    role: &RoleState,
) -> Result<RoleState, DeclaredError> {
    let missing = |what: &str, name: &str| {
        DeclaredError::entry(entry, format!("the role {}: there is no {what} {name}", role.name))
    };
    let users: Result<Vec<_>, _> =
        role.users.iter().map(|name| people::check_username(name)).collect();
    let users = users.map_err(|error| DeclaredError::of_people(entry, error))?;
    if let Some(username) = made.missing_person(app, &users).await? {
        return Err(missing("person", username));
    }
    let groups: Result<Vec<_>, _> = role.groups.iter().map(|name| one_group(name)).collect();
    let groups = groups?;
    for group in &groups {
        if !made.has_group(app, group).await? {
            return Err(missing("group", group));
        }
    }
    let description = role.description.as_deref().map_or(Ok(None), roles::check_description);
    let description = description.map_err(|error| DeclaredError::entry(entry, error))?;
    Ok(sorted(RoleState { name: role.name.clone(), description, users, groups }))
}

/// Makes the roles of an app these, each change by its use case.
pub(super) async fn carry_out(
    app: &App,
    (entry, client): (&str, &ClientId),
    wanted: Vec<RoleState>,
) -> Result<(), DeclaredError> {
    let actor = &Actor::CommandLine;
    let of_roles = |error| match error {
        RoleError::Failure(failure) => DeclaredError::Failure(failure),
        other => DeclaredError::entry(entry, other),
    };
    let before = of_app(app, client).await?;
    for old in before.iter().filter(|old| wanted.iter().all(|role| role.name != old.name)) {
        roles::delete(app, (client, &old.name), actor).await.map_err(of_roles)?;
    }
    for role in wanted {
        let which = (client, role.name.as_str());
        let description = role.description.as_deref().unwrap_or_default();
        let old = before.iter().find(|old| old.name == role.name).cloned();
        if old.is_some() {
            roles::describe(app, which, description, actor).await.map_err(of_roles)?;
        } else {
            let what = (role.name.as_str(), description);
            roles::create(app, client, what, actor).await.map_err(of_roles)?;
        }
        let old = old.unwrap_or_default();
        for (giving, name) in differences(&old.users, &role.users) {
            let person = people::find(app, name).await;
            let person =
                person.map_err(|error| DeclaredError::entry(entry, format!("{name}: {error}")))?;
            let holder = Holder::Person(&person.id);
            roles::change(app, which, (holder, giving), actor).await.map_err(of_roles)?;
        }
        for (giving, name) in differences(&old.groups, &role.groups) {
            let holder = Holder::Group(name);
            roles::change(app, which, (holder, giving), actor).await.map_err(of_roles)?;
        }
    }
    Ok(())
}

/// Who has to get it and who has to lose it.
fn differences<'a>(before: &'a [String], after: &'a [String]) -> Vec<(Giving, &'a str)> {
    let old: BTreeSet<&str> = before.iter().map(String::as_str).collect();
    let new: BTreeSet<&str> = after.iter().map(String::as_str).collect();
    let given = new.difference(&old).map(|name| (Giving::Given, *name));
    let taken = old.difference(&new).map(|name| (Giving::Taken, *name));
    given.chain(taken).collect()
}
