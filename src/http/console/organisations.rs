//! `/admin/organisations`: organisations and the people in them.

use super::desk::{Answer, Desk, Stop, name_of};
use super::members::{nobody, row as row_of, somebody};
use super::named::{self, Loss};
use super::people::sentence;
use super::rows;
use super::seen::{self, Of, Thing};
use crate::http::pages::admin::confirm::Confirm;
use crate::http::pages::admin::members::WayOut;
use crate::http::pages::admin::organisations::{
    OrganisationDetail, OrganisationForm, OrganisationLink, OrganisationRow, OrganisationsList,
};
use crate::http::pages::admin::{Section, path_below};
use crate::http::pages::{FieldError, When};
use crate::protocol::rights::Right;
use crate::protocol::user::User;
use crate::service::organisations::{self, OrganisationEdit, OrganisationError, members};
use crate::service::people::PeopleError;
use crate::store::organisations::{Organisation, OrganisationFilter};

pub(super) async fn list(desk: &Desk<'_>) -> Answer {
    let page = found(desk, OrganisationForm::default()).await?;
    desk.show(&page)
}

async fn found(desk: &Desk<'_>, form: OrganisationForm) -> Result<OrganisationsList, Stop> {
    let q = desk.asked("q");
    let filter = OrganisationFilter {
        search: Some(q.clone()),
        after: desk.query.sole("after").map(str::to_owned),
        limit: desk.page_size().asked(),
    };
    let found = organisations::list(desk.site(), &filter).await?;
    let (found, paging) =
        rows::page(found, desk.page_size(), |organisation| organisation.name.clone());
    Ok(OrganisationsList {
        chrome: desk.chrome(),
        console: desk.console(Section::Organisations),
        q,
        rows: found.iter().map(|organisation| row(desk, organisation)).collect(),
        paging,
        form,
        errors: Vec::new(),
    })
}

fn row(desk: &Desk<'_>, organisation: &Organisation) -> OrganisationRow {
    OrganisationRow {
        id: organisation.id.to_string(),
        name: organisation.name.clone(),
        display_name: organisation.display_name.clone(),
        members: rows::counted(organisation.members),
        created: When::ago(organisation.created_at, desk.site().now()),
    }
}

fn read_form(desk: &Desk<'_>) -> OrganisationForm {
    OrganisationForm { name: desk.text("name"), display_name: desk.text("display_name") }
}

pub(super) async fn create(desk: &Desk<'_>) -> Answer {
    let form = read_form(desk);
    let named = (form.name.as_str(), form.display_name.as_str());
    match organisations::create(desk.site(), named, &desk.actor()).await {
        Ok(made) => desk.done(format!("{} is there.", made.display_name), &path(desk, &made)),
        Err(error) => {
            let errors = vec![field_error(desk, error, "name")?];
            let page = found(desk, form).await?;
            desk.show_again(&OrganisationsList { errors, ..page })
        }
    }
}

/// The organisation in the path.
async fn about(desk: &Desk<'_>) -> Result<Organisation, Stop> {
    organisations::find(desk.site(), &desk.id).await.map_err(stop)
}

pub(super) async fn show(desk: &Desk<'_>) -> Answer {
    let page = detail(desk, &about(desk).await?).await?;
    desk.show(&page)
}

async fn detail(desk: &Desk<'_>, about: &Organisation) -> Result<OrganisationDetail, Stop> {
    let place = (about, desk.query.sole("after"));
    let people = members::list(desk.site(), place, desk.page_size().asked()).await?;
    let (people, paging) = rows::page(people, desk.page_size(), |user| user.username.clone());
    let changeable = desk.changeable(Right::OrganisationsMembers, &people).await?;
    let member = |user: User| {
        let may_leave = changeable.contains(&user.id);
        row_of(user, if may_leave { WayOut::Asked } else { WayOut::Closed })
    };
    Ok(OrganisationDetail {
        chrome: desk.chrome(),
        console: desk.console(Section::Organisations),
        organisation: row(desk, about),
        seen: seen::mark(desk, &stored(about)),
        form: stored(about),
        errors: Vec::new(),
        members: people.into_iter().map(member).collect(),
        paging,
        member: String::new(),
    })
}

/// What the form shows of an organisation.
fn stored(organisation: &Organisation) -> OrganisationForm {
    OrganisationForm {
        name: organisation.name.clone(),
        display_name: organisation.display_name.clone(),
    }
}

/// Somebody else has changed it since the form was made.
async fn stale(desk: &Desk<'_>, now: &Organisation, form: OrganisationForm) -> Answer {
    let thing = Thing {
        name: &now.display_name,
        kinds: &["organisation.updated"],
        of: Of::Detail("organisation_id", now.id.as_str()),
    };
    let errors = seen::changed(desk, &thing, (&stored(now), &form)).await?;
    desk.show_again(&OrganisationDetail { form, errors, ..detail(desk, now).await? })
}

pub(super) async fn edit(desk: &Desk<'_>) -> Answer {
    let before = about(desk).await?;
    let form = read_form(desk);
    if !seen::is_of(desk, &stored(&before)) {
        return stale(desk, &before, form).await;
    }
    let edit = OrganisationEdit {
        name: Some(form.name.clone()),
        display_name: Some(form.display_name.clone()),
    };
    match organisations::update(desk.site(), &before, edit, &desk.actor()).await {
        Ok(saved) => desk.done(format!("{} is saved.", saved.display_name), &path(desk, &saved)),
        Err(OrganisationError::Changed) => stale(desk, &about(desk).await?, form).await,
        Err(error) => {
            let errors = vec![field_error(desk, error, "name")?];
            let page = detail(desk, &before).await?;
            desk.show_again(&OrganisationDetail { form, errors, ..page })
        }
    }
}

pub(super) async fn add_member(desk: &Desk<'_>) -> Answer {
    let (about, typed) = (about(desk).await?, desk.text("member"));
    let error = match somebody(desk, &typed).await? {
        None => nobody(desk, "member"),
        Some(user) => match members::add(desk.site(), (&about, &user.id), &desk.actor()).await {
            Ok(()) => {
                let text = format!("{} is in {} now.", name_of(&user), about.display_name);
                return desk.done(text, &path(desk, &about));
            }
            Err(error) => field_error(desk, error, "member")?,
        },
    };
    let page = detail(desk, &about).await?;
    desk.show_again(&OrganisationDetail { member: typed, errors: vec![error], ..page })
}

pub(super) async fn ask_remove_member(desk: &Desk<'_>) -> Answer {
    let about = about(desk).await?;
    let user = somebody(desk, &desk.asked("member")).await?.ok_or(Stop::NotFound)?;
    let (name, path) = (name_of(&user), path(desk, &about));
    desk.show(&Confirm {
        chrome: desk.chrome(),
        console: desk.console(Section::Organisations),
        heading: format!("Take {name} out of {}?", about.display_name),
        effects: vec![
            format!("Apps that {name} uses for {} are signed out of at once.", about.display_name),
            "The account stays.".to_owned(),
        ],
        action: format!("{path}/remove-member"),
        hidden: vec![("member".to_owned(), user.id.to_string())],
        choices: Vec::new(),
        button: format!("Take {name} out"),
        cancel: path,
    })
}

pub(super) async fn remove_member(desk: &Desk<'_>) -> Answer {
    let about = about(desk).await?;
    let user = somebody(desk, &desk.text("member")).await?.ok_or(Stop::NotFound)?;
    let who = (&about, &user.id);
    members::remove(desk.site(), who, &desk.actor()).await.map_err(stop)?;
    let text = format!("{} is in {} no more.", name_of(&user), about.display_name);
    desk.done(text, &path(desk, &about))
}

pub(super) async fn ask_delete(desk: &Desk<'_>) -> Answer {
    named::ask(desk, loss(desk, &about(desk).await?))
}

fn loss(desk: &Desk<'_>, about: &Organisation) -> Loss {
    Loss {
        section: Section::Organisations,
        named: about.display_name.clone(),
        word: about.name.clone(),
        effects: vec![
            format!("People in it: {}. Their accounts stay.", rows::counted(about.members)),
            "What apps were given for it ends at once.".to_owned(),
        ],
        instead: None,
        path: path(desk, about),
    }
}

pub(super) async fn delete(desk: &Desk<'_>) -> Answer {
    let about = about(desk).await?;
    if !named::is_typed(desk, &about.name) {
        return named::ask_again(desk, loss(desk, &about));
    }
    organisations::delete(desk.site(), &about, &desk.actor()).await.map_err(stop)?;
    let list = desk.site().path("/admin/organisations");
    desk.done(format!("{} is deleted.", about.display_name), &list)
}

/// Those a person is in, for their own page.
pub(super) async fn of_person(desk: &Desk<'_>, user: &User) -> Result<Vec<OrganisationLink>, Stop> {
    if !desk.may(Right::OrganisationsRead) {
        return Ok(Vec::new());
    }
    let all = members::of_user(desk.site(), &user.id).await?;
    let link =
        |one: Organisation| OrganisationLink { href: path(desk, &one), name: one.display_name };
    Ok(all.into_iter().map(link).collect())
}

/// What to say about a refusal that the form can mend, and at which field.
fn field_error(
    desk: &Desk<'_>,
    error: OrganisationError,
    field: &'static str,
) -> Result<FieldError, Stop> {
    let text = match error {
        OrganisationError::Taken => {
            "There is an organisation with this name. Choose another.".to_owned()
        }
        OrganisationError::Full => {
            "This person is in 50 organisations, which is the most. Take them out of one first."
                .to_owned()
        }
        OrganisationError::NoPerson => return Ok(nobody(desk, field)),
        OrganisationError::People(PeopleError::Invalid { field: "display_name", problem }) => {
            return Ok(FieldError { field: "display_name", text: sentence(&problem) });
        }
        OrganisationError::People(PeopleError::Invalid { problem, .. }) => sentence(&problem),
        other => return Err(stop(other)),
    };
    Ok(FieldError { field, text })
}

/// An error that no form can mend.
fn stop(error: OrganisationError) -> Stop {
    match error {
        OrganisationError::Failure(failure) => Stop::Failure(failure),
        OrganisationError::People(error) => error.into(),
        OrganisationError::NotFound
        | OrganisationError::NoPerson
        | OrganisationError::Taken
        | OrganisationError::Changed
        | OrganisationError::Full => Stop::NotFound,
    }
}

/// The address of its page, which stays when it gets another name.
fn path(desk: &Desk<'_>, about: &Organisation) -> String {
    path_below(&desk.site().base, "/admin/organisations/", about.id.as_str())
}
