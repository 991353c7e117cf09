//! `/admin/clients/{id}/roles`: the roles of an app, and who has them. Which role a form is about is its
//! field `app_role`: one called `role` would be about the right to use the console.

use std::collections::BTreeMap;

use super::desk::{Answer, Desk, Stop, name_of};
use super::people::sentence;
use super::seen::{self, Of, Thing};
use super::{apps, rows};
use crate::http::pages::admin::Section;
use crate::http::pages::admin::confirm::Confirm;
use crate::http::pages::admin::roles::{
    RoleApp, RoleDetail, RoleForm, RolePerson, RoleRow, RolesInApp, RolesList,
};
use crate::http::pages::{FieldError, Undo};
use crate::protocol::client::Client;
use crate::protocol::types::{ClientId, UserId};
use crate::protocol::user::User;
use crate::service::clients;
use crate::service::clients::roles::{self, Giving, Holder, RoleError};
use crate::store::clients::roles::ClientRole;

/// How many groups are shown that give a role.
const GROUPS_SHOWN: i64 = 100;

/// How many roles of a group are shown on its page.
const OF_GROUP_SHOWN: i64 = 200;

/// Every role of an app, or the one that is asked for.
pub(super) async fn show(desk: &Desk<'_>) -> Answer {
    let client = apps::client(desk).await?;
    let Some(name) = desk.query.sole("role") else {
        let page = list(desk, &client).await?;
        return desk.show(&page);
    };
    let role = find(desk, &client, name).await?;
    let page = detail(desk, &client, &role).await?;
    desk.show(&page)
}

async fn find(desk: &Desk<'_>, client: &Client, name: &str) -> Result<ClientRole, Stop> {
    roles::find(desk.site(), (&client.id, name)).await.map_err(stop)
}

/// The role that a form is about.
async fn of_form(desk: &Desk<'_>, client: &Client) -> Result<ClientRole, Stop> {
    find(desk, client, &desk.text("app_role")).await
}

async fn list(desk: &Desk<'_>, client: &Client) -> Result<RolesList, Stop> {
    let found = roles::list(desk.site(), &client.id).await?;
    Ok(RolesList {
        chrome: desk.chrome(),
        console: desk.console(Section::Apps),
        app: view(client),
        rows: found.into_iter().map(row).collect(),
        form: RoleForm::default(),
        errors: Vec::new(),
    })
}

fn view(client: &Client) -> RoleApp {
    RoleApp { id: client.id.to_string(), name: client.metadata.client_name.clone() }
}

fn row(role: ClientRole) -> RoleRow {
    RoleRow {
        name: role.name,
        description: role.description,
        people: role.people.to_string(),
        groups: role.groups.to_string(),
    }
}

async fn detail(desk: &Desk<'_>, client: &Client, role: &ClientRole) -> Result<RoleDetail, Stop> {
    let which = (&client.id, role.name.as_str());
    let place = (desk.query.sole("after"), desk.page_size().asked());
    let people = roles::people(desk.site(), which, place).await?;
    let (people, paging) = rows::page(people, desk.page_size(), |(_, username)| username.clone());
    let person = |(id, username): (UserId, String)| RolePerson { id: id.to_string(), username };
    Ok(RoleDetail {
        chrome: desk.chrome(),
        console: desk.console(Section::Apps),
        app: view(client),
        seen: seen::mark(desk, &stored(role)),
        description: role.description.clone().unwrap_or_default(),
        role: row(role.clone()),
        errors: Vec::new(),
        people: people.into_iter().map(person).collect(),
        paging,
        groups: roles::groups_with(desk.site(), which, (None, GROUPS_SHOWN)).await?,
        person: String::new(),
        group: String::new(),
    })
}

pub(super) async fn create(desk: &Desk<'_>) -> Answer {
    let client = apps::client(desk).await?;
    let form = RoleForm { name: desk.text("name"), description: desk.text("description") };
    let what = (form.name.as_str(), form.description.as_str());
    match roles::create(desk.site(), &client.id, what, &desk.actor()).await {
        Ok(role) => desk.done(format!("{} is there.", role.name), &path(desk, &client, &role.name)),
        Err(error) => {
            let errors = vec![field_error(error, "name")?];
            let page = list(desk, &client).await?;
            desk.show_again(&RolesList { form, errors, ..page })
        }
    }
}

pub(super) async fn edit(desk: &Desk<'_>) -> Answer {
    let client = apps::client(desk).await?;
    let (role, description) = (of_form(desk, &client).await?, desk.text("description"));
    if !seen::is_of(desk, &stored(&role)) {
        return stale(desk, (&client, &role), description).await;
    }
    match roles::describe_if(desk.site(), &role, &description, &desk.actor()).await {
        Ok(Some(role)) => {
            desk.done(format!("{} is saved.", role.name), &path(desk, &client, &role.name))
        }
        Ok(None) => {
            let now = find(desk, &client, &role.name).await?;
            stale(desk, (&client, &now), description).await
        }
        Err(error) => {
            let errors = vec![field_error(error, "description")?];
            let page = detail(desk, &client, &role).await?;
            desk.show_again(&RoleDetail { description, errors, ..page })
        }
    }
}

/// What the form shows of a role.
fn stored(role: &ClientRole) -> RoleForm {
    let description = role.description.clone().unwrap_or_default();
    RoleForm { name: role.name.clone(), description }
}

/// Somebody else has changed it since the form was made.
async fn stale(
    desk: &Desk<'_>,
    (client, now): (&Client, &ClientRole),
    description: String,
) -> Answer {
    let of = Of::InApp(client.id.as_str(), ("role", &now.name));
    let thing = Thing { name: &now.name, kinds: &["role.updated"], of };
    let typed = RoleForm { name: now.name.clone(), description };
    let errors = seen::changed(desk, &thing, (&stored(now), &typed)).await?;
    let page = detail(desk, client, now).await?;
    desk.show_again(&RoleDetail { description: typed.description, errors, ..page })
}

pub(super) async fn give(desk: &Desk<'_>) -> Answer {
    let client = apps::client(desk).await?;
    let role = of_form(desk, &client).await?;
    if desk.form.has("group") {
        return give_group(desk, &client, &role).await;
    }
    let typed = desk.text("person");
    let Some(user) = somebody(desk, &typed).await? else {
        let text = "Nobody has this username or e-mail address.".to_owned();
        let page = detail(desk, &client, &role).await?;
        let errors = vec![FieldError { field: "person", text }];
        return desk.show_again(&RoleDetail { person: typed, errors, ..page });
    };
    change(desk, &role, (Holder::Person(&user.id), Giving::Given)).await.map_err(stop)?;
    let text =
        format!("{} is {} in {} now.", name_of(&user), role.name, client.metadata.client_name);
    desk.done(text, &path(desk, &client, &role.name))
}

async fn give_group(desk: &Desk<'_>, client: &Client, role: &ClientRole) -> Answer {
    let typed = desk.text("group");
    let name = typed.trim();
    match change(desk, role, (Holder::Group(name), Giving::Given)).await {
        Ok(()) => {
            let text = format!("Everybody in {name} is {} now.", role.name);
            desk.done(text, &path(desk, client, &role.name))
        }
        Err(RoleError::NoGroup) => {
            let text = "There is no group with this name.".to_owned();
            let page = detail(desk, client, role).await?;
            let errors = vec![FieldError { field: "group", text }];
            desk.show_again(&RoleDetail { group: typed, errors, ..page })
        }
        Err(error) => Err(stop(error)),
    }
}

async fn change(
    desk: &Desk<'_>,
    role: &ClientRole,
    what: (Holder<'_>, Giving),
) -> Result<(), RoleError> {
    let role = (&role.client_id, role.name.as_str());
    roles::change(desk.site(), role, what, &desk.actor()).await
}

pub(super) async fn take(desk: &Desk<'_>) -> Answer {
    let client = apps::client(desk).await?;
    let role = of_form(desk, &client).await?;
    let (text, holder) = if desk.form.has("group") {
        let name = desk.text("group");
        change(desk, &role, (Holder::Group(&name), Giving::Taken)).await.map_err(stop)?;
        (format!("Nobody is {} by {name} any more.", role.name), ("group", name))
    } else {
        let user = somebody(desk, &desk.text("person")).await?.ok_or(Stop::NotFound)?;
        change(desk, &role, (Holder::Person(&user.id), Giving::Taken)).await.map_err(stop)?;
        (format!("{} is {} no more.", name_of(&user), role.name), ("person", user.id.to_string()))
    };
    let undo = giving_back(desk, (&client, &role.name), holder);
    desk.done_undoably(text, &path(desk, &client, &role.name), undo)
}

/// The form that gives a role back to whom it was taken from.
fn giving_back(
    desk: &Desk<'_>,
    (client, role): (&Client, &str),
    (field, holder): (&str, String),
) -> Undo {
    let fields = vec![("app_role".to_owned(), role.to_owned()), (field.to_owned(), holder)];
    Undo { path: format!("{}/roles/give", apps::path(desk, client)), fields }
}

async fn somebody(desk: &Desk<'_>, typed: &str) -> Result<Option<User>, Stop> {
    match desk.find_person(typed.trim()).await {
        Ok(user) => Ok(Some(user)),
        Err(Stop::NotFound) => Ok(None),
        Err(other) => Err(other),
    }
}

pub(super) async fn ask_delete(desk: &Desk<'_>) -> Answer {
    let client = apps::client(desk).await?;
    let role = find(desk, &client, &desk.asked("role")).await?;
    let app = &client.metadata.client_name;
    desk.show(&Confirm {
        chrome: desk.chrome(),
        console: desk.console(Section::Apps),
        heading: format!("Delete {}?", role.name),
        effects: vec![
            format!("Whoever is {} in {app} is it no more.", role.name),
            "The app hears of it with the next token.".to_owned(),
            "It cannot be undone.".to_owned(),
        ],
        action: format!("{}/roles/delete", apps::path(desk, &client)),
        hidden: vec![("app_role".to_owned(), role.name.clone())],
        choices: Vec::new(),
        button: format!("Delete {}", role.name),
        cancel: path(desk, &client, &role.name),
    })
}

pub(super) async fn delete(desk: &Desk<'_>) -> Answer {
    let client = apps::client(desk).await?;
    let name = desk.text("app_role");
    let which = (&client.id, name.as_str());
    let role = roles::delete(desk.site(), which, &desk.actor()).await.map_err(stop)?;
    let back = format!("{}/roles", apps::path(desk, &client));
    desk.done(format!("{} is deleted.", role.name), &back)
}

/// What somebody may be in apps, for their page.
pub(super) async fn of_person(desk: &Desk<'_>, user: &User) -> Result<Vec<RolesInApp>, Stop> {
    let mut all = Vec::new();
    for (client, names) in user.app_roles.iter() {
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        all.push(in_app(desk, client, &names).await?);
    }
    Ok(all)
}

/// What a group lets people be in apps, for its page.
pub(super) async fn of_group(desk: &Desk<'_>, group: &str) -> Result<Vec<RolesInApp>, Stop> {
    let found = roles::of_group(desk.site(), group, OF_GROUP_SHOWN).await?;
    let mut apps: BTreeMap<ClientId, Vec<String>> = BTreeMap::new();
    for (client, role) in found {
        apps.entry(client).or_default().push(role);
    }
    let mut all = Vec::new();
    for (client, names) in apps {
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        all.push(in_app(desk, &client, &names).await?);
    }
    Ok(all)
}

async fn in_app(desk: &Desk<'_>, id: &ClientId, names: &[&str]) -> Result<RolesInApp, Stop> {
    let client = clients::find(desk.site(), id).await?;
    Ok(RolesInApp {
        app: client.map_or_else(|| id.to_string(), |found| found.metadata.client_name.clone()),
        client_id: id.to_string(),
        roles: names.join(", "),
    })
}

/// What to say about a refusal that the form can mend, and at which field.
fn field_error(error: RoleError, field: &'static str) -> Result<FieldError, Stop> {
    Ok(match error {
        RoleError::Invalid { field, problem } => FieldError { field, text: sentence(problem) },
        RoleError::Taken | RoleError::TooMany => {
            FieldError { field, text: sentence(&error.to_string()) }
        }
        other => return Err(stop(other)),
    })
}

/// An error that no form can mend.
fn stop(error: RoleError) -> Stop {
    match error {
        RoleError::Failure(failure) => Stop::Failure(failure),
        RoleError::People(error) => error.into(),
        RoleError::NoApp
        | RoleError::NotFound
        | RoleError::Taken
        | RoleError::TooMany
        | RoleError::NoPerson
        | RoleError::NoGroup
        | RoleError::Invalid { .. } => Stop::NotFound,
    }
}

/// The address of a role's page.
fn path(desk: &Desk<'_>, client: &Client, role: &str) -> String {
    let role: String = url::form_urlencoded::byte_serialize(role.as_bytes()).collect();
    format!("{}/roles?role={role}", apps::path(desk, client))
}
