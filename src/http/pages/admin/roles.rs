//! The roles of an app: the list with the form that adds one, and one role with those who have it.

use askama::Template;

use super::paging::{PageLinks, Paging};
use super::{Console, Section, path_below, seen_sample};
use crate::http::pages::chrome::Chrome;
use crate::http::pages::filters;
use crate::http::pages::sample::words;
use crate::http::pages::views::{FieldError, error_of};

/// `GET /admin/clients/{id}/roles`. Form `role`: POST the same address with the fields of [`RoleForm`].
#[derive(Debug, Template)]
#[template(path = "admin/roles.html")]
pub struct RolesList {
    pub chrome: Chrome,
    pub console: Console,
    pub app: RoleApp,
    pub rows: Vec<RoleRow>,
    pub form: RoleForm,
    /// Fields: `name`, `description`.
    pub errors: Vec<FieldError>,
}

/// The app whose roles these are.
#[derive(Debug, Clone)]
pub struct RoleApp {
    pub id: String,
    pub name: String,
}

impl RoleApp {
    fn path(&self, base: &str) -> String {
        path_below(base, "/admin/clients/", &self.id)
    }

    /// The page of one of its roles.
    fn role(&self, base: &str, role: &str) -> String {
        let role: String = url::form_urlencoded::byte_serialize(role.as_bytes()).collect();
        format!("{}/roles?role={role}", self.path(base))
    }
}

/// One line of the list.
#[derive(Debug, Clone)]
pub struct RoleRow {
    pub name: String,
    pub description: Option<String>,
    /// How many people have it by themselves, in digits.
    pub people: String,
    /// How many groups give it, in digits.
    pub groups: String,
}

/// What the form holds. The fields are named like the members.
#[derive(Debug, Clone, Default)]
pub struct RoleForm {
    pub name: String,
    pub description: String,
}

/// The roles that somebody, or a group, has in one app, as other pages show them.
#[derive(Debug, Clone)]
pub struct RolesInApp {
    pub client_id: String,
    /// The app's name.
    pub app: String,
    /// Names of roles, separated by commas.
    pub roles: String,
}

impl RolesInApp {
    pub(super) fn sample() -> Vec<Self> {
        vec![Self {
            client_id: words("orchard-wiki"),
            app: words("Orchard Wiki"),
            roles: words("editor, reader"),
        }]
    }
}

impl RolesList {
    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    #[must_use]
    pub fn sample() -> Self {
        let row = |name: &str, description: Option<&str>, people: &str| RoleRow {
            name: words(name),
            description: description.map(words),
            people: people.to_owned(),
            groups: "1".to_owned(),
        };
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Apps),
            app: RoleApp { id: words("orchard-wiki"), name: words("Orchard Wiki") },
            rows: vec![row("editor", Some("May change every page."), "12"), row("a/b", None, "0")],
            form: RoleForm::default(),
            errors: Vec::new(),
        }
    }

    /// Before the app has a role, and after a name that cannot be one.
    #[must_use]
    pub fn sample_wrong() -> Self {
        let text = words("Use 1 to 40 letters without accents.");
        Self {
            rows: Vec::new(),
            form: RoleForm { name: words("Éditeur"), description: words("Writes.") },
            errors: vec![FieldError { field: "name", text }],
            ..Self::sample()
        }
    }
}

/// `GET /admin/clients/{id}/roles?role=&after=`. Forms, each with `app_role`: `describe` POST
/// `…/roles/edit` with `seen` and `description`; `give-person` POST `…/roles/give` with `person`, `give-group` the same
/// with `group`; for each who has it POST `…/roles/take`. Link to a [`super::confirm::Confirm`] page:
/// `GET …/roles/delete?role=`.
#[derive(Debug, Template)]
#[template(path = "admin/role.html")]
pub struct RoleDetail {
    pub chrome: Chrome,
    pub console: Console,
    pub app: RoleApp,
    pub role: RoleRow,
    /// What the form was made from; goes along as `seen`.
    pub seen: String,
    /// What the field of the description holds.
    pub description: String,
    /// Fields: `description`, `person`, `group`.
    pub errors: Vec<FieldError>,
    pub people: Vec<RolePerson>,
    pub paging: Paging,
    /// Names; a hundred at most.
    pub groups: Vec<String>,
    /// What was typed where somebody is to get it.
    pub person: String,
    pub group: String,
}

/// Somebody who has the role by themselves.
#[derive(Debug, Clone)]
pub struct RolePerson {
    pub id: String,
    pub username: String,
}

impl RoleDetail {
    fn pages(&self) -> PageLinks {
        self.paging.links(&[("role", &self.role.name)])
    }

    /// The question whether to delete it.
    fn deletion(&self) -> String {
        let page = self.app.role(&self.chrome.base, &self.role.name);
        page.replacen("/roles?", "/roles/delete?", 1)
    }

    fn group_path(&self, group: &str) -> String {
        path_below(&self.chrome.base, "/admin/groups/", group)
    }

    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    #[must_use]
    pub fn sample() -> Self {
        let RolesList { chrome, console, app, mut rows, .. } = RolesList::sample();
        let person = |username: &str| RolePerson {
            id: words(&format!("5f0c1f0e-{username}")),
            username: words(username),
        };
        Self {
            chrome,
            console,
            app,
            role: rows.remove(0),
            seen: seen_sample(),
            description: words("May change every page."),
            errors: Vec::new(),
            people: vec![person("ada"), person("noor")],
            paging: Paging::before(words("noor")),
            groups: vec![words("team/wiki editors")],
            person: String::new(),
            group: String::new(),
        }
    }

    /// A role nobody has, and a name nobody has.
    #[must_use]
    pub fn sample_wrong() -> Self {
        let text = words("Nobody has this username or e-mail address.");
        Self {
            people: Vec::new(),
            paging: Paging::default(),
            groups: Vec::new(),
            person: words("kathrine"),
            errors: vec![FieldError { field: "person", text }],
            ..Self::sample()
        }
    }
}
