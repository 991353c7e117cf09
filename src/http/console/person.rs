//! `/admin/users/{id}`: one person, and what administrators do with them.

use super::desk::{Answer, Desk, Stop, name_of};
use super::seen::{self, Of, Thing};
use super::{
    connections, groups, new_groups, organisations, people as forms, roles, rows, step_up,
};
use crate::http::extract;
use crate::http::pages::admin::confirm::{Choice, Confirm};
use crate::http::pages::admin::profile_form::{HAS_PROFILE, ProfileForm};
use crate::http::pages::admin::user_forms::{NewGroups, UserForm};
use crate::http::pages::admin::users::{AppAccess, PasswordState, UserDetail, UserView};
use crate::http::pages::admin::{Section, Subject};
use crate::http::pages::{FieldError, Undo, When};
use crate::protocol::rights::Right;
use crate::protocol::types::ClientId;
use crate::protocol::user::{Profile, User};
use crate::service::authorize::consent;
use crate::service::clients::{self, Activity};
use crate::service::people::deletion::{self, GRACE_DAYS};
use crate::service::people::{self, Edit, PeopleError, RoleEdit, console_access};
use crate::service::session::everywhere::{self, Connections, Reach, Wanted};
use crate::service::sign_in::normalize_login;
use crate::service::{audit, session};
use crate::store::audit::AuditFilter;

/// How many of the newest events are shown.
const RECENT: i64 = 10;

pub(super) async fn show(desk: &Desk<'_>) -> Answer {
    let page = detail(desk, desk.person()?).await?;
    desk.show(&page)
}

async fn detail(desk: &Desk<'_>, user: &User) -> Result<UserDetail, Stop> {
    let site = desk.site();
    let live = session::list(site, (Some(&user.id), None), rows::ASKED).await?;
    let about = Some(user.id.to_string());
    let filter = AuditFilter { user_id: about, limit: RECENT, ..AuditFilter::default() };
    let recent =
        if desk.may(Right::AuditRead) { audit::list(site, &filter).await? } else { Vec::new() };
    let password = if people::has_password(site, &user.id).await? {
        PasswordState::Set
    } else {
        PasswordState::Missing
    };
    let mut console = desk.console(Section::People);
    if !desk.may_change(Right::PeopleWrite, user).await? {
        console.subject = Subject::ReadOnly;
    }
    let (connections, has_more_connections) = connections::of_person(desk, user).await?;
    Ok(UserDetail {
        chrome: desk.chrome(),
        console,
        user: view(user, password),
        seen: seen::mark(desk, &stored(desk, user)),
        form: stored(desk, user),
        errors: Vec::new(),
        sessions: rows::sessions(desk, live).await?,
        connections,
        has_more_connections,
        apps: apps(desk, user).await?,
        groups: groups::of_person(desk, user),
        organisations: organisations::of_person(desk, user).await?,
        roles: roles::of_person(desk, user).await?,
        recent: rows::events(desk, recent).await?,
    })
}

fn view(user: &User, password: PasswordState) -> UserView {
    UserView {
        id: user.id.to_string(),
        username: user.username.clone(),
        display: name_of(user).to_owned(),
        state: user.state().into(),
        delete_at: user.delete_at.map(When::at),
        created: When::at(user.created_at),
        updated: When::at(user.updated_at),
        password,
    }
}

fn stored(desk: &Desk<'_>, user: &User) -> UserForm {
    let mut groups = user.groups.clone();
    // Of what else they are in a group manager need not know.
    groups.retain(|group| desk.standing().covers(Right::GroupsRead, group));
    UserForm {
        username: user.username.clone(),
        name: user.name.clone().unwrap_or_default(),
        email: user.email.clone().unwrap_or_default(),
        email_verified: user.email_verified,
        groups: groups.join("\n"),
        new_groups: NewGroups::NotThere,
        role: user.role.map(|role| role.as_str().to_owned()).unwrap_or_default(),
        profile: ProfileForm::of(&user.profile),
    }
}

async fn apps(desk: &Desk<'_>, user: &User) -> Result<Vec<AppAccess>, Stop> {
    let mut apps = Vec::new();
    for given in consent::list(desk.site(), &user.id).await? {
        apps.push(AppAccess {
            name: app_name(desk, &given.client_id).await?,
            client_id: given.client_id.to_string(),
            scopes: given.scopes.to_string(),
            since: When::at(given.granted_at),
        });
    }
    Ok(apps)
}

pub(super) async fn edit(desk: &Desk<'_>) -> Answer {
    let user = desk.person()?;
    let mut typed = typed(desk, user);
    if !seen::is_of(desk, &stored(desk, user)) {
        return stale(desk, user, typed).await;
    }
    // The field is only there for owners who have just signed in; without it the role stays as it is.
    let role = if desk.form.has("role") && desk.may(Right::PeopleGrantRole) {
        forms::role_of(desk, &typed, user.role).map(RoleEdit::Set)
    } else {
        Ok(RoleEdit::Keep)
    };
    let read = role.and_then(|role| Ok((role, forms::groups_of(&typed, &user.groups)?)));
    let read = match guarded(desk, user, &typed).await? {
        Some(error) => Err(error),
        None => read,
    };
    let asked = match &read {
        Ok((_, groups)) => new_groups::question(desk, &mut typed, groups).await?,
        Err(_) => None,
    };
    let error = match (asked, read) {
        (Some(error), _) | (None, Err(error)) => error,
        (None, Ok((role, groups))) => {
            let edit = edit_of(user, &typed, (role, groups));
            match people::update_if(desk.site(), user, edit, &desk.actor()).await {
                Ok(Some(user)) => return desk.done(saved(desk, &user, &typed), &path(desk, &user)),
                Ok(None) => {
                    let now = desk.find_person(user.id.as_str()).await?;
                    return stale(desk, &now, typed).await;
                }
                Err(error) => forms::field_error(desk, error, &typed).await?,
            }
        }
    };
    let mut page = detail(desk, user).await?;
    (page.form, page.errors) = (typed, vec![error]);
    desk.show_again(&page)
}

/// What is said to who has not signed in lately where the form hands an account to who reads a mailbox:
/// by the word that it is theirs, which counts as proof of who somebody is, or as another address of
/// somebody who may use the console.
async fn guarded(
    desk: &Desk<'_>,
    user: &User,
    typed: &UserForm,
) -> Result<Option<FieldError>, Stop> {
    if step_up::is_in_time(desk) {
        return Ok(None);
    }
    if typed.email_verified && !user.email_verified {
        return Ok(Some(step_up::at("email_verified")));
    }
    let is_moved = !is_same_address(user, typed);
    if is_moved && console_access::standing(desk.site(), user).await?.is_some() {
        return Ok(Some(step_up::at("email")));
    }
    Ok(None)
}

/// The edit that a form asks for.
fn edit_of(user: &User, typed: &UserForm, (role, groups): (RoleEdit, Vec<String>)) -> Edit {
    Edit {
        name: Some(typed.name.clone()),
        email: Some(typed.email.clone()),
        // A box that was ticked already when the form was shown is about the address that was in it.
        email_verified: typed.email_verified
            && (!user.email_verified || is_same_address(user, typed)),
        groups,
        role,
        profile: Some(profile_of(user, typed)),
        directory: None,
    }
}

/// The same of a phone number and its box.
fn profile_of(user: &User, typed: &UserForm) -> Profile {
    let was_ticked = user.profile.phone_number_verified == Some(true);
    let is_kept = !was_ticked || is_same_number(user, typed);
    let profile = typed.profile.to_profile(&user.profile);
    let verified = profile.phone_number_verified.filter(|is_theirs| is_kept || !is_theirs);
    Profile { phone_number_verified: verified, ..profile }
}

fn is_same_number(user: &User, typed: &UserForm) -> bool {
    let number = typed.profile.to_profile(&user.profile).phone_number;
    number.as_deref().map(str::trim) == user.profile.phone_number.as_deref()
}

fn is_same_address(user: &User, typed: &UserForm) -> bool {
    normalize_login(&typed.email) == user.email.as_deref().unwrap_or_default()
}

/// What is said of somebody who is saved, and is like this now.
fn saved(desk: &Desk<'_>, user: &User, typed: &UserForm) -> String {
    let (is_ticked, now) = (typed.profile.phone_number_verified, &user.profile);
    let is_number_lost = is_ticked && now.phone_number_verified != Some(true);
    let is_address_lost = typed.email_verified && !user.email_verified;
    let boxes = [
        ("e-mail address", is_address_lost && user.email.is_some()),
        ("phone number", is_number_lost && now.phone_number.is_some()),
    ];
    let lost = boxes.into_iter().filter(|(_, is_lost)| *is_lost && desk.may(Right::PeopleVouch));
    let lost = lost.map(|(what, _)| {
        format!(" The new {what} is not marked as theirs: tick its box and save again if it is.")
    });
    format!("{} is saved.{}", name_of(user), lost.collect::<Vec<_>>().concat())
}

/// What was typed. What the form does not ask stays as it is.
fn typed(desk: &Desk<'_>, user: &User) -> UserForm {
    let (mut typed, stored) = (forms::read_form(desk), stored(desk, user));
    if !desk.form.has("role") {
        typed.role = stored.role;
    }
    // A page that an older version made has no such section.
    if !desk.form.has(HAS_PROFILE) {
        typed.profile = stored.profile.clone();
    }
    if !desk.may(Right::PeopleVouch) {
        typed.email_verified = stored.email_verified;
        typed.profile.phone_number_verified = stored.profile.phone_number_verified;
    }
    typed
}

/// Somebody else has changed them since the form was made.
async fn stale(desk: &Desk<'_>, now: &User, mut form: UserForm) -> Answer {
    let thing = Thing {
        name: name_of(now),
        kinds: &["user.updated", "group.member_added", "group.member_removed"],
        of: Of::Person(now.id.as_str()),
    };
    let errors = seen::changed(desk, &thing, (&stored(desk, now), &form)).await?;
    // A tick may be what was stored of another address, or of another number.
    form.email_verified = form.email_verified && is_same_address(now, &form);
    let is_theirs = form.profile.phone_number_verified && is_same_number(now, &form);
    form.profile.phone_number_verified = is_theirs;
    let mut page = detail(desk, now).await?;
    (page.form, page.errors) = (form, errors);
    desk.show_again(&page)
}

pub(super) async fn enable(desk: &Desk<'_>) -> Answer {
    let user = desk.person()?;
    let changed =
        people::set_activity(desk.site(), &user.id, Activity::Enabled, &desk.actor()).await;
    let text = format!("{} can sign in again.", name_of(user));
    changed_to(desk, changed, (&text, &path(desk, user)), user)
}

pub(super) async fn ask_disable(desk: &Desk<'_>) -> Answer {
    let user = desk.person()?;
    let effects = vec![
        ends(desk, user).await?,
        "They cannot sign in until you enable the account again. Nothing is deleted.".to_owned(),
    ];
    ask(desk, user, ("Disable", "disable"), effects)
}

pub(super) async fn disable(desk: &Desk<'_>) -> Answer {
    let user = desk.person()?;
    let changed =
        people::set_activity(desk.site(), &user.id, Activity::Disabled, &desk.actor()).await;
    if changed.is_ok() {
        let text = format!("{} is disabled and signed out everywhere.", name_of(user));
        let to = path(desk, user);
        let undo = Undo { path: format!("{to}/enable"), fields: Vec::new() };
        return desk.done_undoably(text, &to, undo);
    }
    changed_to(desk, changed, ("", &path(desk, user)), user)
}

pub(super) async fn reset_link(desk: &Desk<'_>) -> Answer {
    let user = desk.person()?;
    if user.disabled_at.is_some() {
        let text = "This account is disabled, so its link would not work. Enable it first.";
        return desk.refused(text, &path(desk, user));
    }
    forms::link_once(desk, user).await
}

pub(super) async fn ask_sign_out(desk: &Desk<'_>) -> Answer {
    let user = desk.person()?;
    let live = session::list(desk.site(), (Some(&user.id), None), rows::ASKED).await?.len();
    let effects = vec![
        format!("{}.", devices(live)),
        "Apps are told. The account stays as it is: they can sign in again at once.".to_owned(),
    ];
    let connections = Choice {
        name: "connections",
        label: "End devices and apps that stay signed in by themselves, too",
    };
    let page = question(desk, user, ("Sign out", "sign-out"), effects);
    desk.show(&Confirm { choices: vec![connections], ..page })
}

pub(super) async fn sign_out(desk: &Desk<'_>) -> Answer {
    let user = desk.person()?;
    let connections =
        if desk.form.has("connections") { Connections::End } else { Connections::Keep };
    let wanted = Wanted { user: &user.id, reach: Reach::Everywhere, connections };
    let caller = extract::caller(desk.site(), desk.visit.request);
    let ended = everywhere::sign_out(desk.site(), &wanted, (&desk.actor(), &caller)).await?;
    if ended.is_none() {
        return Err(Stop::NotFound);
    }
    desk.done(format!("{} is signed out everywhere.", name_of(user)), &path(desk, user))
}

pub(super) async fn ask_remove_app(desk: &Desk<'_>) -> Answer {
    let user = desk.person()?;
    let id = ClientId::new(desk.asked("client_id"));
    if !consent::list(desk.site(), &user.id).await?.iter().any(|given| given.client_id == id) {
        return desk.refused("That app is not among theirs.", &path(desk, user));
    }
    let name = app_name(desk, &id).await?;
    let effects = vec![
        format!("{name} loses what it holds for them, and is told that they have signed out."),
        "It asks them for consent again when they next sign in to it. They stay signed in elsewhere."
            .to_owned(),
    ];
    let page = question(desk, user, ("Remove", "remove-app"), effects);
    desk.show(&Confirm {
        heading: format!("Remove {name} from the apps of {}?", user.username),
        button: format!("Remove {name}"),
        hidden: vec![("client_id".to_owned(), id.to_string())],
        ..page
    })
}

pub(super) async fn remove_app(desk: &Desk<'_>) -> Answer {
    let user = desk.person()?;
    let id = ClientId::new(desk.text("client_id"));
    let name = app_name(desk, &id).await?;
    let caller = extract::caller(desk.site(), desk.visit.request);
    let who = (&desk.actor(), &caller);
    if consent::withdraw(desk.site(), (&user.id, &id), who).await? {
        desk.done(format!("{name} is removed from their apps."), &path(desk, user))
    } else {
        desk.refused("That app was not among theirs any more.", &path(desk, user))
    }
}

/// What an app is called, if it is still there.
async fn app_name(desk: &Desk<'_>, id: &ClientId) -> Result<String, Stop> {
    let client = clients::find(desk.site(), id).await?;
    Ok(client.map_or_else(|| id.to_string(), |client| client.metadata.client_name.clone()))
}

pub(super) async fn ask_delete(desk: &Desk<'_>) -> Answer {
    let user = desk.person()?;
    if let Some(delete_at) = user.delete_at {
        let effects = vec![
            format!("It is removed on {} anyway.", When::at(delete_at).text),
            "Removing it now cannot be undone. Entries in the audit log stay.".to_owned(),
        ];
        let page = question(desk, user, ("Delete", "delete"), effects);
        let hidden = vec![("now".to_owned(), "on".to_owned())];
        return desk.show(&Confirm { hidden, ..page });
    }
    let effects = vec![
        ends(desk, user).await?,
        format!("The account is disabled. You can bring it back for {GRACE_DAYS} days."),
        "Then it is removed for good, with its groups and consents. Entries in the audit log stay."
            .to_owned(),
    ];
    let at_once = Choice { name: "now", label: "Remove it at once. That cannot be undone" };
    let page = question(desk, user, ("Delete", "delete"), effects);
    desk.show(&Confirm { choices: vec![at_once], ..page })
}

pub(super) async fn delete(desk: &Desk<'_>) -> Answer {
    let user = desk.person()?;
    let list = desk.site().path("/admin/users");
    if desk.form.has("now") {
        let deleted = deletion::delete(desk.site(), &user.id, &desk.actor()).await;
        let text = format!("{} is deleted.", name_of(user));
        return changed_to(desk, deleted, (&text, &list), user);
    }
    match deletion::delete_later(desk.site(), &user.id, &desk.actor()).await {
        Ok(_) => {
            let text = format!("{} is deleted in {GRACE_DAYS} days.", name_of(user));
            let undo = Undo { path: format!("{}/enable", path(desk, user)), fields: Vec::new() };
            desk.done_undoably(text, &list, undo)
        }
        Err(error) => changed_to(desk, Err(error), ("", &list), user),
    }
}

/// Leads on after a change, or says why there was none.
fn changed_to(
    desk: &Desk<'_>,
    result: Result<(), PeopleError>,
    (text, to): (&str, &str),
    user: &User,
) -> Answer {
    match result {
        Ok(()) => desk.done(text, to),
        Err(stop @ (PeopleError::Failure(_) | PeopleError::NotFound | PeopleError::NotYours)) => {
            Err(stop.into())
        }
        Err(PeopleError::LastOwner) => {
            let text = "This is the last owner. Make somebody else an owner first.";
            desk.refused(text, &path(desk, user))
        }
        Err(
            other @ (PeopleError::Taken | PeopleError::Invalid { .. } | PeopleError::Password(_)),
        ) => desk.refused(forms::sentence(&other.to_string()), &path(desk, user)),
    }
}

/// What ends together with the account's right to sign in.
pub(super) async fn ends(desk: &Desk<'_>, user: &User) -> Result<String, Stop> {
    let live = session::list(desk.site(), (Some(&user.id), None), rows::ASKED).await?.len();
    let apps = consent::list(desk.site(), &user.id).await?.len();
    let devices = devices(live);
    let access = match apps {
        0 => String::new(),
        1 => ", and ends the access of 1 app".to_owned(),
        n => format!(", and ends the access of {n} apps"),
    };
    Ok(format!("{devices}{access}."))
}

/// What becomes of so many sessions of theirs.
fn devices(live: usize) -> String {
    match live {
        0 => "They are not signed in anywhere at the moment".to_owned(),
        1 => "This signs them out of 1 device".to_owned(),
        n if n > rows::PAGE => format!("This signs them out of more than {} devices", rows::PAGE),
        n => format!("This signs them out of {n} devices"),
    }
}

fn ask(desk: &Desk<'_>, user: &User, step: (&str, &str), effects: Vec<String>) -> Answer {
    desk.show(&question(desk, user, step, effects))
}

pub(super) fn question(
    desk: &Desk<'_>,
    user: &User,
    (verb, step): (&str, &str),
    effects: Vec<String>,
) -> Confirm {
    let path = path(desk, user);
    Confirm {
        chrome: desk.chrome(),
        console: desk.console(Section::People),
        heading: format!("{verb} {}?", user.username),
        effects,
        action: format!("{path}/{step}"),
        hidden: Vec::new(),
        choices: Vec::new(),
        button: format!("{verb} {}", user.username),
        cancel: path,
    }
}

/// The address of a person's page. Their ids are made here and need no encoding.
pub(super) fn path(desk: &Desk<'_>, user: &User) -> String {
    desk.site().path(&format!("/admin/users/{}", user.id))
}
