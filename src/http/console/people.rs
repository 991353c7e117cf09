//! `/admin/users`: the list of people, and making one.

use actix_web::http::StatusCode;

use super::desk::{Answer, Desk, Stop};
use super::{new_groups, rows, sorting, step_up};
use crate::http::pages::admin::Section;
use crate::http::pages::admin::paging::Paging;
use crate::http::pages::admin::profile_form::{PHONE_VERIFIED, ProfileForm};
use crate::http::pages::admin::sorting::Sort;
use crate::http::pages::admin::user_forms::{LinkOnce, NewGroups, UserCreate, UserForm};
use crate::http::pages::admin::users::{PeopleQuery, UserRow, UsersList};
use crate::http::pages::{FieldError, When};
use crate::protocol::profile_texts::{ProfileText, TEXTS};
use crate::protocol::rights::Right;
use crate::protocol::user::{AccountState, AdminRole, Profile, User};
use crate::service::failure::Failure;
use crate::service::figures;
use crate::service::people::links::{self, LinkError};
use crate::service::people::{self, NewPerson, PeopleError};
use crate::store::users::UserFilter;

/// What addresses once said in place of a state, of those who are deleted some day.
const LEAVING: &str = "deleted";

pub(super) async fn list(desk: &Desk<'_>) -> Answer {
    let asked = query(desk);
    let errors = unreadable(&asked);
    let sort = sorting::asked(desk);
    if !errors.is_empty() {
        return wrong(desk, asked, (errors, sort));
    }
    let filter = UserFilter {
        search: Some(asked.q.clone()),
        order: sorting::order(desk, sort),
        limit: desk.page_size().asked(),
        manager: desk.only_of(),
        role: AdminRole::from_name(&asked.role),
        state: AccountState::from_name(&asked.state),
    };
    let found = people::search(desk.site(), &filter).await?;
    let (found, paging) = rows::page(found, desk.page_size(), |user| {
        sorting::place(sort, &user.username, (user.created_at, user.id.as_str()))
    });
    let ids: Vec<_> = found.iter().map(|user| user.id.clone()).collect();
    let seen = figures::last_seen(desk.site(), &ids).await?;
    let now = desk.site().now();
    let row = |user: User| UserRow {
        last_seen: seen.get(&user.id).map(|at| When::ago(*at, now)),
        id: user.id.to_string(),
        state: user.state().into(),
        username: user.username,
        name: user.name,
        email: user.email,
        role: user.role.map(|role| role.as_str().to_owned()),
        added: When::ago(user.created_at, now),
    };
    desk.show(&UsersList {
        chrome: desk.chrome(),
        console: desk.console(Section::People),
        filter: asked,
        errors: Vec::new(),
        sort,
        rows: found.into_iter().map(row).collect(),
        paging,
        after: desk.query.sole("after").unwrap_or_default().to_owned(),
    })
}

/// What was asked for.
fn query(desk: &Desk<'_>) -> PeopleQuery {
    let mut asked =
        PeopleQuery { q: desk.asked("q"), role: desk.asked("role"), state: desk.asked("state") };
    if asked.state.is_empty() && desk.asked("show") == LEAVING {
        AccountState::ToBeDeleted.as_str().clone_into(&mut asked.state);
    }
    asked
}

/// What was asked for in words that mean nothing here.
fn unreadable(asked: &PeopleQuery) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if !asked.role.is_empty() && AdminRole::from_name(&asked.role).is_none() {
        let text = "Choose one of the roles in the list.".to_owned();
        errors.push(FieldError { field: "role", text });
    }
    if !asked.state.is_empty() && AccountState::from_name(&asked.state).is_none() {
        let text = "Choose one of the states in the list.".to_owned();
        errors.push(FieldError { field: "state", text });
    }
    errors
}

/// The list with what is wrong, and without people: whoever looks for owners must not take everybody for one.
fn wrong(desk: &Desk<'_>, filter: PeopleQuery, (errors, sort): (Vec<FieldError>, Sort)) -> Answer {
    let mut response = desk.show(&UsersList {
        chrome: desk.chrome(),
        console: desk.console(Section::People),
        filter,
        errors,
        sort,
        rows: Vec::new(),
        paging: Paging { size: desk.page_size(), next: None },
        after: String::new(),
    })?;
    *response.status_mut() = StatusCode::BAD_REQUEST;
    Ok(response)
}

pub(super) fn new(desk: &Desk<'_>) -> Answer {
    desk.show(&blank(desk))
}

fn blank(desk: &Desk<'_>) -> UserCreate {
    // A group manager of one group need not type it.
    let own = desk.standing().groups.iter().next().filter(|_| desk.standing().groups.len() == 1);
    UserCreate {
        chrome: desk.chrome(),
        console: desk.console(Section::People),
        form: UserForm { groups: own.cloned().unwrap_or_default(), ..UserForm::default() },
        errors: Vec::new(),
    }
}

pub(super) async fn create(desk: &Desk<'_>) -> Answer {
    let mut form = read_form(desk);
    let read = vouched(desk, &form)
        .and_then(|()| role_of(desk, &form, None))
        .and_then(|role| Ok((role, groups_of(&form, &[])?)));
    let (role, groups) = match read {
        Ok(read) => read,
        Err(error) => {
            return desk.show_again(&UserCreate { form, errors: vec![error], ..blank(desk) });
        }
    };
    if let Some(error) = new_groups::question(desk, &mut form, &groups).await? {
        return desk.show_again(&UserCreate { form, errors: vec![error], ..blank(desk) });
    }
    let person = NewPerson {
        username: form.username.clone(),
        name: Some(form.name.clone()),
        email: Some(form.email.clone()),
        email_verified: form.email_verified,
        profile: form.profile.to_profile(&Profile::default()),
        groups,
        role,
        ..NewPerson::default()
    };
    match people::create(desk.site(), person, &desk.actor()).await {
        Ok(user) => link_once(desk, &user).await,
        Err(error) => {
            let error = field_error(desk, error, &form).await?;
            desk.show_again(&UserCreate { form, errors: vec![error], ..blank(desk) })
        }
    }
}

/// That the address of somebody new is theirs counts as proof of who they are: as in the form of who is there
/// already, it is said by who has signed in lately.
fn vouched(desk: &Desk<'_>, form: &UserForm) -> Result<(), FieldError> {
    let is_said = form.email_verified && desk.may(Right::PeopleVouch);
    if is_said && !step_up::is_in_time(desk) { Err(step_up::at("email_verified")) } else { Ok(()) }
}

/// Makes a link to choose a password and shows it this once.
pub(super) async fn link_once(desk: &Desk<'_>, user: &User) -> Answer {
    let link = links::create_reset_link(desk.site(), &user.id, &desk.actor()).await;
    let url = match link {
        Ok(url) => url,
        Err(LinkError::Failure(failure)) => return Err(Stop::Failure(failure)),
        Err(LinkError::People(error)) => return Err(error.into()),
        Err(LinkError::Spent | LinkError::AlreadySetUp) => return Err(Stop::NotFound),
    };
    desk.show(&LinkOnce {
        chrome: desk.chrome(),
        console: desk.console(Section::People),
        user_id: user.id.to_string(),
        username: user.username.clone(),
        url,
        expires: When::at(desk.site().now().plus(links::LIFETIME)),
    })
}

/// What was typed into the form of a person.
pub(super) fn read_form(desk: &Desk<'_>) -> UserForm {
    UserForm {
        username: desk.text("username"),
        name: desk.text("name"),
        email: desk.text("email"),
        email_verified: desk.form.has("email_verified"),
        groups: desk.text("groups"),
        new_groups: if desk.form.has(new_groups::MAKE_GROUPS) {
            NewGroups::Made
        } else {
            NewGroups::NotThere
        },
        role: desk.text("role"),
        profile: ProfileForm::read(|text| desk.text(text.name()), desk.form.has(PHONE_VERIFIED)),
    }
}

/// What the form sends for no role. A field without a value would count as one that is not there.
const NO_ROLE: &str = "none";

/// The role that was chosen in place of the one that the person has.
pub(super) fn role_of(
    desk: &Desk<'_>,
    form: &UserForm,
    before: Option<AdminRole>,
) -> Result<Option<AdminRole>, FieldError> {
    let chosen = chosen_role(form)?;
    if chosen == before || step_up::is_in_time(desk) {
        Ok(chosen)
    } else {
        Err(step_up::at("role"))
    }
}

fn chosen_role(form: &UserForm) -> Result<Option<AdminRole>, FieldError> {
    match form.role.as_str() {
        "" | NO_ROLE => Ok(None),
        name => match AdminRole::from_name(name) {
            Some(role) => Ok(Some(role)),
            None => Err(FieldError { field: "role", text: "Choose one of the roles.".to_owned() }),
        },
    }
}

/// The groups that were typed, one a line. A comma is part of a name only if the person is in that group
/// already: mostly it is two names in one line.
pub(super) fn groups_of(form: &UserForm, before: &[String]) -> Result<Vec<String>, FieldError> {
    let names = form.groups.lines().map(str::trim).filter(|name| !name.is_empty());
    let names: Vec<_> = names.map(str::to_owned).collect();
    match names.iter().find(|name| name.contains(',') && !before.contains(name)) {
        Some(name) => {
            let text = format!("Write one group a line, not “{name}”.");
            Err(FieldError { field: "groups", text })
        }
        None => Ok(names),
    }
}

/// What to say about a refusal, and at which field.
pub(super) async fn field_error(
    desk: &Desk<'_>,
    error: PeopleError,
    form: &UserForm,
) -> Result<FieldError, Stop> {
    Ok(match error {
        // Only what becomes of the groups is left to be refused to somebody who may change people.
        PeopleError::NotYours if desk.only_of().is_some() => FieldError {
            field: "groups",
            text: "Choose among the groups you look after, and at least one.".to_owned(),
        },
        PeopleError::Failure(_) | PeopleError::NotFound | PeopleError::NotYours => {
            return Err(error.into());
        }
        PeopleError::Taken => taken(desk, form).await?,
        PeopleError::Invalid { field, problem } => {
            FieldError { field: known_field(field), text: sentence(&problem) }
        }
        PeopleError::LastOwner => FieldError {
            field: "role",
            text: "This is the last owner. Make somebody else an owner first.".to_owned(),
        },
        PeopleError::Password(refusal) => {
            FieldError { field: "username", text: sentence(&refusal.to_string()) }
        }
    })
}

fn known_field(field: &str) -> &'static str {
    match field {
        "username" => "username",
        "email" => "email",
        "groups" => "groups",
        other => TEXTS.iter().find(|text| text.path == other).map_or("name", ProfileText::name),
    }
}

async fn taken(desk: &Desk<'_>, form: &UserForm) -> Result<FieldError, Failure> {
    // When editing there is no user name in the form.
    let by_name = !form.username.is_empty()
        && match people::find(desk.site(), &form.username).await {
            Ok(_) => true,
            Err(PeopleError::Failure(failure)) => return Err(failure),
            Err(_) => false,
        };
    let (field, value, what) = if by_name {
        ("username", &form.username, "Choose another username.")
    } else {
        ("email", &form.email, "Somebody else signs in with it.")
    };
    Ok(FieldError { field, text: format!("“{}” is taken. {what}", value.trim()) })
}

/// A problem as a sentence: with a capital letter and a full stop.
pub(super) fn sentence(problem: &str) -> String {
    let mut letters = problem.chars();
    let Some(first) = letters.next() else { return String::new() };
    let end = if problem.ends_with('.') { "" } else { "." };
    format!("{}{}{end}", first.to_uppercase(), letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_one_a_line_and_empty_ones_do_not_count() {
        let of = |text: &str, before: &[String]| {
            groups_of(&UserForm { groups: text.into(), ..UserForm::default() }, before)
        };
        assert_eq!(of(" staff\r\n\r\nwiki editors \n", &[]).unwrap(), ["staff", "wiki editors"]);
        assert!(of("", &[]).unwrap().is_empty());
        let before = ["R&D, board".to_owned()];
        assert_eq!(of("R&D, board", &before).unwrap(), before);
        assert_eq!(of("staff, wiki", &before).unwrap_err().field, "groups");
    }

    #[test]
    fn a_role_that_does_not_exist_is_refused() {
        let with = |role: &str| chosen_role(&UserForm { role: role.into(), ..UserForm::default() });
        assert_eq!(with("").unwrap(), None);
        assert_eq!(with("operator").unwrap(), Some(AdminRole::Operator));
        assert_eq!(with("root").unwrap_err().field, "role");
    }

    #[test]
    fn problems_become_sentences() {
        assert_eq!(sentence("use 1 to 100 letters"), "Use 1 to 100 letters.");
        assert_eq!(sentence("Done."), "Done.");
        assert_eq!(sentence(""), "");
    }
}
