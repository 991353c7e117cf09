//! Organisations: the list with the form that adds one, and one with the people in it.

use askama::Template;

use super::members::{MemberRow, WayOut};
use super::paging::{PageLinks, Paging};
use super::{Console, Section, path_below, seen_sample};
use crate::http::pages::chrome::Chrome;
use crate::http::pages::filters;
use crate::http::pages::sample::words;
use crate::http::pages::views::{FieldError, When, error_of};

/// `GET /admin/organisations?q=&after=`. Form `organisation`: POST `/admin/organisations` with the fields of
/// [`OrganisationForm`].
#[derive(Debug, Template)]
#[template(path = "admin/organisations.html")]
pub struct OrganisationsList {
    pub chrome: Chrome,
    pub console: Console,
    /// The start of a name; empty for every organisation.
    pub q: String,
    pub rows: Vec<OrganisationRow>,
    pub paging: Paging,
    pub form: OrganisationForm,
    /// Fields: `name`, `display_name`.
    pub errors: Vec<FieldError>,
}

/// One line of the list.
#[derive(Debug, Clone)]
pub struct OrganisationRow {
    pub id: String,
    pub name: String,
    pub display_name: String,
    /// How many people are in it, in digits.
    pub members: String,
    pub created: When,
}

/// What the form holds. The fields are named like the members.
#[derive(Debug, Clone, Default)]
pub struct OrganisationForm {
    pub name: String,
    pub display_name: String,
}

/// An organisation on the page of somebody who is in it.
#[derive(Debug, Clone)]
pub struct OrganisationLink {
    /// Path of its page, with the issuer's path.
    pub href: String,
    pub name: String,
}

impl OrganisationLink {
    pub(super) fn samples() -> Vec<Self> {
        vec![Self { href: "/admin/organisations/7d1c".to_owned(), name: words("Orchard") }]
    }
}

impl OrganisationRow {
    fn sample() -> Self {
        Self {
            id: words("7d1c0f0e-8a53-4a52-b7f6-0d6b8f1d2a34"),
            name: words("orchard"),
            display_name: words("The Orchard & Sons"),
            members: "2".to_owned(),
            created: When::sample(9_000_000),
        }
    }
}

impl OrganisationsList {
    fn pages(&self) -> PageLinks {
        self.paging.links(&[("q", &self.q)])
    }

    fn path_of(&self, row: &OrganisationRow) -> String {
        path_below(&self.chrome.base, "/admin/organisations/", &row.id)
    }

    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Organisations),
            q: String::new(),
            rows: vec![OrganisationRow::sample()],
            paging: Paging::before(words("orchard")),
            form: OrganisationForm::default(),
            errors: Vec::new(),
        }
    }

    /// Before there is any organisation.
    #[must_use]
    pub fn sample_empty() -> Self {
        Self { rows: Vec::new(), paging: Paging::default(), ..Self::sample() }
    }

    /// A new one whose name is taken.
    #[must_use]
    pub fn sample_wrong() -> Self {
        let text = words("There is an organisation with this name. Choose another.");
        let form = OrganisationForm { name: words("orchard"), display_name: words("Orchard") };
        Self { form, errors: vec![FieldError { field: "name", text }], ..Self::sample() }
    }
}

/// `GET /admin/organisations/{id}?after=`. Forms: `organisation` POST `…/edit` with the fields of
/// [`OrganisationForm`]; `add-member` POST `…/add-member` with `member`. Links: `GET …/remove-member?member=`
/// to a [`super::confirm::Confirm`] page, `GET …/delete` to a
/// [`super::delete_named::DeleteNamed`].
#[derive(Debug, Template)]
#[template(path = "admin/organisation.html")]
pub struct OrganisationDetail {
    pub chrome: Chrome,
    pub console: Console,
    pub organisation: OrganisationRow,
    /// What the form was made from; goes along as `seen`.
    pub seen: String,
    pub form: OrganisationForm,
    /// Fields: `name`, `display_name`, `member`.
    pub errors: Vec<FieldError>,
    pub members: Vec<MemberRow>,
    pub paging: Paging,
    /// What was typed where somebody is to be taken in.
    pub member: String,
}

impl OrganisationDetail {
    /// The path of this page; its forms post below it.
    fn path(&self) -> String {
        path_below(&self.chrome.base, "/admin/organisations/", &self.organisation.id)
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
            console: Console::sample(Section::Organisations),
            organisation: OrganisationRow::sample(),
            seen: seen_sample(),
            form: OrganisationForm {
                name: words("orchard"),
                display_name: words("The Orchard & Sons"),
            },
            errors: Vec::new(),
            members: MemberRow::samples(WayOut::Asked),
            paging: Paging::before(words("noor")),
            member: String::new(),
        }
    }

    /// Nobody is in it, and the name of somebody was mistyped.
    #[must_use]
    pub fn sample_wrong() -> Self {
        let text = words("Nobody has this username or e-mail address.");
        Self {
            member: words("kathrine"),
            errors: vec![FieldError { field: "member", text }],
            members: Vec::new(),
            paging: Paging::default(),
            ..Self::sample()
        }
    }
}
