//! Groups: the list with the form that adds one, and one group with the people in it.

use askama::Template;

use super::members::{MemberRow, WayOut};
use super::paging::{PageLinks, Paging};
use super::roles::RolesInApp;
use super::{Console, Section, path_below, seen_sample};
use crate::http::pages::chrome::Chrome;
use crate::http::pages::filters;
use crate::http::pages::sample::words;
use crate::http::pages::views::{FieldError, When, error_of};
use crate::protocol::rights::Role;

/// `GET /admin/groups?q=&after=`. Form `group`: POST `/admin/groups` with the fields of [`GroupForm`].
#[derive(Debug, Template)]
#[template(path = "admin/groups.html")]
pub struct GroupsList {
    pub chrome: Chrome,
    pub console: Console,
    /// The start of a name; empty for every group.
    pub q: String,
    pub rows: Vec<GroupRow>,
    pub paging: Paging,
    pub form: GroupForm,
    /// Fields: `name`, `description`.
    pub errors: Vec<FieldError>,
}

/// One line of the list.
#[derive(Debug, Clone)]
pub struct GroupRow {
    pub name: String,
    pub description: Option<String>,
    /// How many people are in it, in digits.
    pub members: String,
    pub created: When,
}

/// What the form holds. The fields are named like the members.
#[derive(Debug, Clone, Default)]
pub struct GroupForm {
    pub name: String,
    pub description: String,
}

impl GroupsList {
    fn pages(&self) -> PageLinks {
        self.paging.links(&[("q", &self.q)])
    }

    fn path_of(&self, row: &GroupRow) -> String {
        path_below(&self.chrome.base, "/admin/groups/", &row.name)
    }

    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    #[must_use]
    pub fn sample() -> Self {
        let row = |name: &str, description: Option<&str>, members: &str| GroupRow {
            name: words(name),
            description: description.map(words),
            members: members.to_owned(),
            created: When::sample(9_000_000),
        };
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Groups),
            q: String::new(),
            rows: vec![
                row("engineering", Some("Builds and runs the orchard’s machines."), "10,000+"),
                row("team/wiki editors", None, "3"),
            ],
            paging: Paging::before(words("team/wiki editors")),
            form: GroupForm::default(),
            errors: Vec::new(),
        }
    }

    /// Before there is any group.
    #[must_use]
    pub fn sample_empty() -> Self {
        let mut page = Self { rows: Vec::new(), paging: Paging::default(), ..Self::sample() };
        page.console.flash = None;
        page
    }

    /// A new group whose name is taken.
    #[must_use]
    pub fn sample_wrong() -> Self {
        let text = words("There is a group “engineering”. Choose another name.");
        let form = GroupForm { name: words("engineering"), description: words("Builds.") };
        Self { form, errors: vec![FieldError { field: "name", text }], ..Self::sample() }
    }
}

/// `GET /admin/groups/{name}?after=`. Forms: `group` POST `…/edit` with the fields of [`GroupForm`];
/// `add-member` POST `…/add-member` and, for each, POST `…/remove-member` with `member`; `add-manager`
/// POST `…/add-manager` and, for each, POST `…/remove-manager` with `manager`. Link to a
/// [`super::confirm::Confirm`] page: `GET …/delete`.
#[derive(Debug, Template)]
#[template(path = "admin/group.html")]
pub struct GroupDetail {
    pub chrome: Chrome,
    pub console: Console,
    pub group: GroupRow,
    /// What the form was made from; goes along as `seen`.
    pub seen: String,
    pub form: GroupForm,
    /// Fields: `name`, `description`, `member`, `manager`.
    pub errors: Vec<FieldError>,
    pub members: Vec<MemberRow>,
    pub paging: Paging,
    pub managers: Vec<ManagerRow>,
    /// What everybody in it may be in apps.
    pub roles: Vec<RolesInApp>,
    /// What was typed where somebody is to be taken in.
    pub member: String,
    /// What was typed where somebody is to look after the group.
    pub manager: String,
}

/// One of those who look after a group.
#[derive(Debug, Clone)]
pub struct ManagerRow {
    pub id: String,
    pub username: String,
}

impl GroupDetail {
    /// The path of this page; its forms post below it.
    fn path(&self) -> String {
        path_below(&self.chrome.base, "/admin/groups/", &self.group.name)
    }

    fn pages(&self) -> PageLinks {
        self.paging.links(&[])
    }

    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Groups),
            group: GroupRow {
                name: words("team/wiki editors"),
                description: Some(words("Whoever may change the wiki.")),
                members: "3".to_owned(),
                created: When::sample(9_000_000),
            },
            seen: seen_sample(),
            form: GroupForm {
                name: words("team/wiki editors"),
                description: words("Whoever may change the wiki."),
            },
            errors: Vec::new(),
            members: MemberRow::samples(WayOut::AtOnce),
            paging: Paging::before(words("noor")),
            managers: vec![ManagerRow { id: words("5f0c1f0e-grace"), username: words("grace") }],
            roles: RolesInApp::sample(),
            member: String::new(),
            manager: String::new(),
        }
    }

    /// The page as somebody sees it who looks after the group, and has mistyped a name.
    #[must_use]
    pub fn sample_of_manager() -> Self {
        let text = words("Nobody in your groups has this username or e-mail address.");
        let mut page = Self {
            member: words("kathrine"),
            errors: vec![FieldError { field: "member", text }],
            ..Self::sample()
        };
        page.console.role = Role::GroupManager;
        (page.members, page.paging) = (Vec::new(), Paging::default());
        page
    }
}
