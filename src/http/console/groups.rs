//! `/admin/groups`: groups, the people in them, and those who look after them.

use super::desk::{Answer, Desk, Stop, name_of};
use super::members::{self, nobody, somebody};
use super::named::{self, Loss};
use super::people::sentence;
use super::seen::{self, Of, Thing};
use super::{roles, rows};
use crate::http::pages::admin::confirm::Confirm;
use crate::http::pages::admin::groups::{GroupDetail, GroupForm, GroupRow, GroupsList, ManagerRow};
use crate::http::pages::admin::members::WayOut;
use crate::http::pages::admin::users::GroupLink;
use crate::http::pages::admin::{Section, path_below};
use crate::http::pages::{FieldError, Undo, When};
use crate::protocol::rights::Right;
use crate::protocol::types::UserId;
use crate::protocol::user::User;
use crate::service::people::PeopleError;
use crate::service::people::groups::{self, Charge, GroupEdit, GroupError, Membership};
use crate::store::groups::{Group, GroupFilter};

pub(super) async fn list(desk: &Desk<'_>) -> Answer {
    let page = found(desk, GroupForm::default()).await?;
    desk.show(&page)
}

async fn found(desk: &Desk<'_>, form: GroupForm) -> Result<GroupsList, Stop> {
    let q = desk.asked("q");
    let filter = GroupFilter {
        search: Some(q.clone()),
        manager: desk.only_of(),
        after: desk.query.sole("after").map(str::to_owned),
        limit: desk.page_size().asked(),
    };
    let found = groups::search(desk.site(), &filter).await?;
    let (found, paging) = rows::page(found, desk.page_size(), |group| group.name.clone());
    Ok(GroupsList {
        chrome: desk.chrome(),
        console: desk.console(Section::Groups),
        q,
        rows: found.iter().map(|group| row(desk, group)).collect(),
        paging,
        form,
        errors: Vec::new(),
    })
}

fn row(desk: &Desk<'_>, group: &Group) -> GroupRow {
    GroupRow {
        name: group.name.clone(),
        description: group.description.clone(),
        members: rows::counted(group.members),
        created: When::ago(group.created_at, desk.site().now()),
    }
}

fn read_form(desk: &Desk<'_>) -> GroupForm {
    GroupForm { name: desk.text("name"), description: desk.text("description") }
}

pub(super) async fn create(desk: &Desk<'_>) -> Answer {
    let form = read_form(desk);
    match groups::create(desk.site(), (&form.name, &form.description), &desk.actor()).await {
        Ok(made) => desk.done(format!("{} is there.", made.name), &path(desk, &made.name)),
        Err(error) => {
            let errors = vec![field_error(error, "name", &form.name)?];
            let page = found(desk, form).await?;
            desk.show_again(&GroupsList { errors, ..page })
        }
    }
}

pub(super) async fn show(desk: &Desk<'_>) -> Answer {
    let page = detail(desk, desk.group()?).await?;
    desk.show(&page)
}

async fn detail(desk: &Desk<'_>, group: &Group) -> Result<GroupDetail, Stop> {
    let place = (group.name.as_str(), desk.query.sole("after"));
    let people = groups::members(desk.site(), place, desk.page_size().asked()).await?;
    let (people, paging) = rows::page(people, desk.page_size(), |user| user.username.clone());
    let movable = desk.movable(&group.name, &people).await?;
    let member = |user: User| {
        let may_leave = movable.contains(&user.id);
        members::row(user, if may_leave { WayOut::AtOnce } else { WayOut::Closed })
    };
    let managers = groups::managers(desk.site(), &group.name).await?;
    let manager = |(id, username): (UserId, String)| ManagerRow { id: id.to_string(), username };
    Ok(GroupDetail {
        chrome: desk.chrome(),
        console: desk.console(Section::Groups),
        group: row(desk, group),
        seen: seen::mark(desk, &stored(group)),
        form: stored(group),
        errors: Vec::new(),
        members: people.into_iter().map(member).collect(),
        paging,
        managers: managers.into_iter().map(manager).collect(),
        roles: roles::of_group(desk, &group.name).await?,
        member: String::new(),
        manager: String::new(),
    })
}

/// What the form shows of a group.
fn stored(group: &Group) -> GroupForm {
    GroupForm {
        name: group.name.clone(),
        description: group.description.clone().unwrap_or_default(),
    }
}

/// Somebody else has changed it since the form was made.
async fn stale(desk: &Desk<'_>, now: &Group, form: GroupForm) -> Answer {
    let kinds = &["group.updated"];
    let thing = Thing { name: &now.name, kinds, of: Of::Detail("group", &now.name) };
    let errors = seen::changed(desk, &thing, (&stored(now), &form)).await?;
    desk.show_again(&GroupDetail { form, errors, ..detail(desk, now).await? })
}

pub(super) async fn edit(desk: &Desk<'_>) -> Answer {
    let group = desk.group()?;
    let form = read_form(desk);
    if !seen::is_of(desk, &stored(group)) {
        return stale(desk, group, form).await;
    }
    let edit = GroupEdit {
        name: Some(form.name.clone()),
        description: Some(form.description.clone()),
        ..GroupEdit::default()
    };
    match groups::update_if(desk.site(), group.clone(), edit, &desk.actor()).await {
        Ok(None) => {
            let now = groups::find(desk.site(), &group.name).await.map_err(stop)?;
            stale(desk, &now, form).await
        }
        Ok(Some(saved)) => desk.done(format!("{} is saved.", saved.name), &path(desk, &saved.name)),
        Err(error) => {
            let errors = vec![field_error(error, "name", &form.name)?];
            let page = detail(desk, group).await?;
            desk.show_again(&GroupDetail { form, errors, ..page })
        }
    }
}

pub(super) async fn add_member(desk: &Desk<'_>) -> Answer {
    let (group, typed) = (desk.group()?, desk.text("member"));
    let Some(user) = somebody(desk, &typed).await? else {
        let page = detail(desk, group).await?;
        let errors = vec![nobody(desk, "member")];
        return desk.show_again(&GroupDetail { member: typed, errors, ..page });
    };
    let who = (group.name.as_str(), &user.id);
    groups::change(desk.site(), who, Membership::In, &desk.actor()).await.map_err(stop)?;
    let text = format!("{} is in {} now.", name_of(&user), group.name);
    desk.done(text, &path(desk, &group.name))
}

pub(super) async fn remove_member(desk: &Desk<'_>) -> Answer {
    let group = desk.group()?;
    let user = somebody(desk, &desk.text("member")).await?.ok_or(Stop::NotFound)?;
    let who = (group.name.as_str(), &user.id);
    groups::change(desk.site(), who, Membership::Out, &desk.actor()).await.map_err(stop)?;
    let text = format!("{} is in {} no more.", name_of(&user), group.name);
    let to = path(desk, &group.name);
    let undo = moving(&to, "add-member", &user);
    desk.done_undoably(text, &to, undo)
}

pub(super) async fn add_manager(desk: &Desk<'_>) -> Answer {
    let (group, typed) = (desk.group()?, desk.text("manager"));
    let error = match somebody(desk, &typed).await? {
        None => nobody(desk, "manager"),
        Some(user) => {
            let who = (group.name.as_str(), &user.id);
            match groups::put_in_charge(desk.site(), who, Charge::Given, &desk.actor()).await {
                Ok(()) => {
                    let text = format!("{} looks after {} now.", name_of(&user), group.name);
                    return desk.done(text, &path(desk, &group.name));
                }
                Err(error) => field_error(error, "manager", &typed)?,
            }
        }
    };
    let page = detail(desk, group).await?;
    desk.show_again(&GroupDetail { manager: typed, errors: vec![error], ..page })
}

pub(super) async fn remove_manager(desk: &Desk<'_>) -> Answer {
    let group = desk.group()?;
    let user = somebody(desk, &desk.text("manager")).await?.ok_or(Stop::NotFound)?;
    let who = (group.name.as_str(), &user.id);
    groups::put_in_charge(desk.site(), who, Charge::Taken, &desk.actor()).await.map_err(stop)?;
    let text = format!("{} looks after {} no more.", name_of(&user), group.name);
    desk.done(text, &path(desk, &group.name))
}

pub(super) fn ask_delete(desk: &Desk<'_>) -> Answer {
    let group = desk.group()?;
    if group.members > 0 {
        return named::ask(desk, loss(desk, group));
    }
    let path = path(desk, &group.name);
    desk.show(&Confirm {
        chrome: desk.chrome(),
        console: desk.console(Section::Groups),
        heading: format!("Delete {}?", group.name),
        effects: vec!["Nobody is in it.".to_owned(), "It cannot be undone.".to_owned()],
        action: format!("{path}/delete"),
        hidden: Vec::new(),
        choices: Vec::new(),
        button: format!("Delete {}", group.name),
        cancel: path,
    })
}

/// What the people in a group lose with it.
fn loss(desk: &Desk<'_>, group: &Group) -> Loss {
    let people = match group.members {
        1 => "One person is in it; the account stays.".to_owned(),
        n => format!("{} people are in it; their accounts stay.", rows::counted(n)),
    };
    Loss {
        section: Section::Groups,
        named: group.name.clone(),
        word: group.name.clone(),
        effects: vec![
            people,
            "What apps let them do because of it they may do no more.".to_owned(),
        ],
        instead: None,
        path: path(desk, &group.name),
    }
}

pub(super) async fn delete(desk: &Desk<'_>) -> Answer {
    let group = desk.group()?;
    if group.members > 0 && !named::is_typed(desk, &group.name) {
        return named::ask_again(desk, loss(desk, group));
    }
    let deleted = groups::delete(desk.site(), &group.name, &desk.actor()).await.map_err(stop)?;
    desk.done(format!("{} is deleted.", deleted.name), &desk.site().path("/admin/groups"))
}

/// The form that moves somebody back.
fn moving(group: &str, step: &str, user: &User) -> Undo {
    let fields = vec![("member".to_owned(), user.id.to_string())];
    Undo { path: format!("{group}/{step}"), fields }
}

/// What to say about a refusal that the form can mend, and at which field.
fn field_error(error: GroupError, field: &'static str, typed: &str) -> Result<FieldError, Stop> {
    let text = match error {
        GroupError::Taken => {
            format!("There is a group “{}”. Choose another name.", typed.trim())
        }
        GroupError::HasRole => "Whoever has a role in the console can do more already.".to_owned(),
        GroupError::NoPerson => "Nobody has this username or e-mail address.".to_owned(),
        GroupError::People(PeopleError::Invalid { field: "description", problem }) => {
            return Ok(FieldError { field: "description", text: sentence(&problem) });
        }
        GroupError::People(PeopleError::Invalid { problem, .. }) => sentence(&problem),
        other => return Err(stop(other)),
    };
    Ok(FieldError { field, text })
}

/// An error that no form can mend.
fn stop(error: GroupError) -> Stop {
    match error {
        GroupError::Failure(failure) => Stop::Failure(failure),
        GroupError::People(error) => error.into(),
        GroupError::NotFound | GroupError::NoPerson | GroupError::Taken | GroupError::HasRole => {
            Stop::NotFound
        }
    }
}

/// Those a person is in, as far as this administrator sees them, for their own page.
pub(super) fn of_person(desk: &Desk<'_>, user: &User) -> Vec<GroupLink> {
    let seen = user.groups.iter().filter(|group| desk.standing().covers(Right::GroupsRead, group));
    seen.map(|name| GroupLink { href: path(desk, name), name: name.clone() }).collect()
}

/// The address of a group's page.
fn path(desk: &Desk<'_>, name: &str) -> String {
    path_below(&desk.site().base, "/admin/groups/", name)
}
