//! Groups as a file declares them, and who looks after them: their export, plan and changes. Who is in a
//! group is told by people.

use std::collections::{BTreeSet, HashMap};

use serde_json::json;

use super::DeclaredError;
use super::named::Made;
use super::plan::{Action, Change, Work, created, one_group};
use super::state::GroupState;
use crate::app::App;
use crate::protocol::user::User;
use crate::service::audit::Actor;
use crate::service::failure::Failure;
use crate::service::people::groups::{self, Charge, GroupEdit, GroupError};
use crate::service::people::{self, check_username};
use crate::store::managed::Declared;
use crate::store::{group_managers, groups as rows, users};

/// Rows read at once.
const PAGE: i64 = 500;

/// More than look after any group.
const MOST_MANAGERS: i64 = 100_000;

/// Every group, by name, with those who look after it.
pub(super) async fn here(app: &App) -> Result<Vec<GroupState>, Failure> {
    let mut found: Vec<GroupState> = Vec::new();
    loop {
        let after = found.last().map(|group| group.name.clone());
        let page = groups::list(app, after.as_deref(), PAGE).await?;
        if page.is_empty() {
            return Ok(found);
        }
        for group in page {
            let managers = managers(app, &group.name).await?;
            found.push(GroupState {
                managers: (!managers.is_empty()).then(|| managers.into_iter().collect()),
                name: group.name,
                description: group.description,
            });
        }
    }
}

/// The usernames of those who look after a group.
async fn managers(app: &App, name: &str) -> Result<BTreeSet<String>, Failure> {
    let all = group_managers::of_group(&app.store.db, (name, MOST_MANAGERS)).await?;
    Ok(all.into_iter().map(|(_, username)| username).collect())
}

/// The description of each group that is there and that these entries are about, by name.
pub(super) async fn there(
    app: &App,
    page: &[GroupState],
) -> Result<HashMap<String, Option<String>>, Failure> {
    let names = page.iter().filter_map(|group| one_group(&group.name).ok());
    let found = rows::descriptions_of(&app.store.db, &names.collect::<Vec<_>>()).await?;
    Ok(found.into_iter().collect())
}

/// What has to change for a group to be as the file says; `name` is as it is stored, and `there` as [`there`]
/// gives it.
pub(super) fn plan(
    there: &HashMap<String, Option<String>>,
    (entry, name): (&str, String),
    state: &GroupState,
) -> Result<Option<Change>, DeclaredError> {
    let wanted = state.description.as_deref().map(groups::check_description).transpose();
    let wanted = wanted.map_err(|error| DeclaredError::of_people(entry, error))?;
    let what = Declared::Group;
    let Some(before) = there.get(&name) else {
        let work = Work::CreateGroup(wanted.flatten().unwrap_or_default());
        return Ok(Some(created(what, name, work)));
    };
    let wanted = wanted.filter(|wanted| wanted != before);
    Ok(wanted.map(|wanted| Change {
        what,
        name,
        action: Action::Update,
        fields: vec![("description".to_owned(), json!(before), json!(wanted))],
        work: Work::UpdateGroup(wanted.unwrap_or_default()),
    }))
}

/// What has to change for these people to look after the group, and nobody else; nothing if the file does not
/// say. Each of them has to be there, or be of the same file, and have no role in the console.
pub(super) async fn plan_managers(
    app: &App,
    made: &Made,
    state: &GroupState,
) -> Result<Option<Change>, DeclaredError> {
    let Some(wanted) = &state.managers else { return Ok(None) };
    let name = one_group(&state.name)?;
    let entry = format!("group {name}");
    let known: Vec<_> = wanted.iter().filter_map(|name| check_username(name).ok()).collect();
    let there = users::by_usernames(&app.store.db, &known).await?;
    let there: HashMap<&str, &User> =
        there.iter().map(|user| (user.username.as_str(), user)).collect();
    let mut after = BTreeSet::new();
    for username in wanted {
        let username = check_username(username);
        let username = username.map_err(|error| DeclaredError::of_people(&entry, error))?;
        let user = there.get(username.as_str());
        if user.is_none() && !made.makes_person(&username) {
            let problem = format!("managers: there is no person {username}");
            return Err(DeclaredError::entry(&entry, problem));
        }
        if user.is_some_and(|user| user.role.is_some()) {
            let problem = format!("{username}: {}", GroupError::HasRole);
            return Err(DeclaredError::entry(&entry, problem));
        }
        after.insert(username);
    }
    let before = managers(app, &name).await?;
    let is_new = before != after;
    let fields = vec![("managers".to_owned(), json!(before), json!(after))];
    let (what, work) = (Declared::Group, Work::SetManagers(after));
    Ok(is_new.then_some(Change { what, name, action: Action::Update, fields, work }))
}

/// Carries out the change of a group.
pub(super) async fn carry_out(
    app: &App,
    (entry, name): (&str, &str),
    work: Work,
) -> Result<(), DeclaredError> {
    let actor = &Actor::CommandLine;
    let changed = match work {
        Work::CreateGroup(description) => {
            groups::create(app, (name, &description), actor).await.map(drop)
        }
        Work::UpdateGroup(description) => {
            let edit = GroupEdit { description: Some(description), ..GroupEdit::default() };
            groups::update(app, name, edit, actor).await.map(drop)
        }
        Work::SetManagers(wanted) => return set_managers(app, (entry, name), &wanted).await,
        _ => groups::delete(app, name, actor).await.map(drop),
    };
    changed.map_err(|error| DeclaredError::of_groups(entry, error))
}

async fn set_managers(
    app: &App,
    (entry, name): (&str, &str),
    wanted: &BTreeSet<String>,
) -> Result<(), DeclaredError> {
    let before = managers(app, name).await?;
    let taken = before.difference(wanted).map(|username| (username, Charge::Taken));
    let given = wanted.difference(&before).map(|username| (username, Charge::Given));
    for (username, charge) in taken.chain(given) {
        let person = people::find(app, username).await;
        let person = person.map_err(|error| DeclaredError::of_people(entry, error))?;
        let changed = groups::put_in_charge(app, (name, &person.id), charge, &Actor::CommandLine);
        changed.await.map_err(|error| DeclaredError::of_groups(entry, error))?;
    }
    Ok(())
}
