//! For which organisation does somebody act? On the way to an app, and on the account page.

use askama::Template;

use super::chrome::{Chrome, FlowForm};
use super::filters;
use super::sample::words;

/// On the way to an app that wants to know. Form `choose-organisation`: POST `/login/organisation` with
/// `organisation` = an id, `flow`, `csrf`.
#[derive(Debug, Template)]
#[template(path = "choose_organisation.html")]
pub struct ChooseOrganisation {
    pub chrome: Chrome,
    pub form: FlowForm,
    pub app_name: String,
    /// By name; at least two.
    pub organisations: Vec<OrganisationChoice>,
}

/// One organisation to choose. Form on the account page: POST `/account/organisations` with
/// `organisation` = its id, `csrf`.
#[derive(Debug)]
pub struct OrganisationChoice {
    pub id: String,
    /// What people call it.
    pub name: String,
    pub is_active: bool,
}

impl OrganisationChoice {
    pub(super) fn samples() -> Vec<Self> {
        let one =
            |id: &str, name: &str, is_active| Self { id: words(id), name: words(name), is_active };
        vec![one("org-1", "Orchard", true), one("org-2", "Harbour Ltd", false)]
    }
}

impl ChooseOrganisation {
    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            form: FlowForm::sample(),
            app_name: words("Orchard Wiki"),
            organisations: OrganisationChoice::samples(),
        }
    }
}
