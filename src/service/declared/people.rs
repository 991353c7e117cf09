//! People as a file declares them: what has to change. There may be very many, so the database is asked about
//! a page of them at a time; `several` carries their changes out.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::{Value, json};

use super::DeclaredError;
use super::organisations::one_name;
use super::plan::{Action, Change, PAGE, Secrets, Work, activity, created};
use super::state::UserState;
use crate::app::App;
use crate::protocol::types::UserId;
use crate::protocol::user::User;
use crate::service::clients::Activity;
use crate::service::failure::Failure;
use crate::service::organisations::{MOST_PER_PERSON, OrganisationError};
use crate::service::people::edits::FileEdit;
use crate::service::people::{NewPerson, check_username};
use crate::store::managed::Declared;
use crate::store::{group_managers, organisations as rows, users};

/// What is there of what some entries are about.
pub(super) struct There<'a> {
    /// By their user names.
    people: HashMap<String, User>,
    /// The names of the organisations that each of them is in.
    memberships: HashMap<UserId, BTreeSet<String>>,
    /// Of the organisations that the entries name.
    organisations: HashSet<String>,
    /// Those of the same file.
    made: &'a BTreeSet<String>,
}

impl<'a> There<'a> {
    /// Reads it; `made` are the organisations of the same file.
    ///
    /// # Errors
    /// [`Failure`] when SQL does not answer.
    pub(super) async fn read(
        app: &App,
        page: &[UserState],
        made: &'a BTreeSet<String>,
    ) -> Result<Self, Failure> {
        let db = &app.store.db;
        // What cannot be a name is found when its entry comes.
        let usernames = page.iter().filter_map(|user| check_username(&user.username).ok());
        let found = users::by_usernames(db, &usernames.collect::<Vec<_>>()).await?;
        let mut there = Self {
            people: HashMap::new(),
            memberships: HashMap::new(),
            organisations: HashSet::new(),
            made,
        };
        if page.iter().any(|user| user.organisations.is_some()) {
            let ids: Vec<&UserId> = found.iter().map(|user| &user.id).collect();
            for (id, name) in rows::of_users(db, &ids).await? {
                there.memberships.entry(id).or_default().insert(name);
            }
        }
        let names = page.iter().flat_map(|user| user.organisations.iter().flatten());
        let names: BTreeSet<_> = names.filter_map(|name| one_name(name).ok()).collect();
        let names: Vec<String> = names.difference(made).cloned().collect();
        let organisations = rows::named(db, &names).await?.into_iter();
        there.organisations = organisations.map(|organisation| organisation.name).collect();
        there.people = found.into_iter().map(|user| (user.username.clone(), user)).collect();
        Ok(there)
    }

    fn has_organisation(&self, name: &str) -> bool {
        self.made.contains(name) || self.organisations.contains(name)
    }
}

/// The user name as it is stored.
///
/// # Errors
/// [`DeclaredError`] for a name that cannot be one.
pub(super) fn one_person(username: &str) -> Result<String, DeclaredError> {
    let name = check_username(username);
    name.map_err(|error| DeclaredError::of_people(&format!("user {username}"), error))
}

/// What has to change for somebody to be as the file says, apart from their organisations; `username` is as
/// it is stored.
pub(super) fn plan(
    there: &There<'_>,
    (entry, username): (&str, &str),
    (user, secrets): (&UserState, Secrets<'_>),
) -> Result<Option<Change>, DeclaredError> {
    let said = FileEdit {
        name: user.name.clone(),
        email: user.email.clone(),
        email_verified: user.email_verified,
        groups: user.groups.clone(),
    };
    let said = said.checked().map_err(|error| DeclaredError::of_people(entry, error))?;
    if said.email_verified == Some(true) && said.email.is_none() {
        // Otherwise it would be said of whatever address they have by then, which may be one that they have
        // only given themselves.
        let problem = "email_verified says that an address is theirs: name it as email, too";
        return Err(DeclaredError::entry(entry, problem));
    }
    if let Some(before) = there.people.get(username) {
        return Ok(changed(before, said, user.disabled));
    }
    let password = user.password_file.as_deref().map(secrets).transpose();
    let new = NewPerson {
        username: username.to_owned(),
        email_verified: said.email_verified.unwrap_or_default(),
        email: said.email,
        name: said.name,
        groups: said.groups.unwrap_or_default(),
        password: password.map_err(|problem| DeclaredError::entry(entry, problem))?,
        ..NewPerson::default()
    };
    let activity = (user.disabled == Some(true)).then_some(Activity::Disabled);
    let work = Work::CreateUser(Box::new(new), activity);
    Ok(Some(created(Declared::User, username.to_owned(), work)))
}

fn changed(before: &User, said: FileEdit, disabled: Option<bool>) -> Option<Change> {
    let after = said.clone().over(before);
    let mut fields = Vec::new();
    let mut differs = |name: &str, before: Value, after: Value| {
        if before != after {
            fields.push((name.to_owned(), before, after));
        }
    };
    differs("name", json!(before.name), json!(after.name));
    differs("email", json!(before.email), json!(after.email));
    differs("email_verified", json!(before.email_verified), json!(after.email_verified));
    differs("groups", json!(before.groups), json!(after.groups));
    let has_edit = !fields.is_empty();
    let activity = activity(before.disabled_at.is_some(), disabled, &mut fields);
    if fields.is_empty() {
        return None;
    }
    // Not what comes of it now: until it is carried out somebody may change what the file leaves out.
    let edit = has_edit.then(|| Box::new(said));
    let (what, name) = (Declared::User, before.username.clone());
    let work = Work::UpdateUser(before.id.clone(), edit, activity);
    Some(Change { what, name, action: Action::Update, fields, work })
}

/// What has to change for somebody to be in these organisations and in no other.
pub(super) fn plan_organisations(
    there: &There<'_>,
    (entry, username): (&str, &str),
    state: &UserState,
) -> Result<Option<Change>, DeclaredError> {
    let Some(wanted) = &state.organisations else { return Ok(None) };
    let mut after: BTreeSet<String> = BTreeSet::new();
    for name in wanted {
        let name = one_name(name)?;
        if !there.has_organisation(&name) {
            let problem = format!("there is no organisation {name}");
            return Err(DeclaredError::entry(entry, problem));
        }
        after.insert(name);
    }
    if i64::try_from(after.len()).unwrap_or(i64::MAX) > MOST_PER_PERSON {
        return Err(DeclaredError::entry(entry, OrganisationError::Full));
    }
    let user = there.people.get(username);
    let before = user.and_then(|user| there.memberships.get(&user.id));
    let before = before.cloned().unwrap_or_default();
    if before == after {
        return Ok(None);
    }
    let joiner = user.filter(|_| before.is_subset(&after)).map(|user| user.id.clone());
    let fields = vec![("organisations".to_owned(), json!(before), json!(after))];
    let (what, name) = (Declared::User, username.to_owned());
    let work = Work::SetOrganisations(after, joiner);
    Ok(Some(Change { what, name, action: Action::Update, fields, work }))
}

/// The deletion of each of these people, unless they are gone or to be deleted already. Whoever may use the
/// console is no file's to delete.
pub(super) async fn prune(app: &App, usernames: &[String]) -> Result<Vec<Change>, DeclaredError> {
    let db = &app.store.db;
    let mut changes = Vec::with_capacity(usernames.len());
    for page in usernames.chunks(PAGE) {
        let found = users::by_usernames(db, page).await?;
        let ids: Vec<&UserId> = found.iter().map(|user| &user.id).collect();
        let managers = group_managers::managers_among(db, &ids).await?;
        let found: HashMap<&str, &User> =
            found.iter().map(|user| (user.username.as_str(), user)).collect();
        for name in page {
            let user = found.get(name.as_str()).filter(|user| user.delete_at.is_none());
            let Some(user) = user else { continue };
            without_power(user, managers.contains(&user.id))?;
            let work = Work::DeleteUser(user.id.clone());
            let (what, name, action) = (Declared::User, name.clone(), Action::Delete);
            changes.push(Change { what, name, action, fields: Vec::new(), work });
        }
    }
    Ok(changes)
}

/// # Errors
/// [`DeclaredError`] for somebody who has a role or manages a group.
pub(super) async fn may_go(app: &App, user: &User) -> Result<(), DeclaredError> {
    let manages = group_managers::what_is_held(&app.store.db, &user.id).await?.manages;
    without_power(user, manages)
}

fn without_power(user: &User, manages: bool) -> Result<(), DeclaredError> {
    if user.role.is_none() && !manages {
        return Ok(());
    }
    let problem = "may use the console, and nobody who may is deleted by a file: name them in it, or take \
                   the role and the groups they manage away first";
    Err(DeclaredError::entry(&format!("user {}", user.username), problem))
}
