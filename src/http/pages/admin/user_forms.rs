//! The form that makes or changes a person, and the page that shows a link once.

use askama::Template;

use super::profile_form::ProfileForm;
use super::{Console, Section};
use crate::http::pages::chrome::Chrome;
use crate::http::pages::filters;
use crate::http::pages::sample::words;
use crate::http::pages::views::{FieldError, When, error_of};
use crate::protocol::user::AdminRole;

/// What the form holds. The fields are named like the members; `email_verified` is a box (`on`),
/// `role` is `owner`, `operator`, `auditor` or `none` and only there for owners who have just signed in,
/// `groups` has one a line; `make_groups` is a box (`on`) that is there once it was asked about. The section
/// `profile` is closed at first.
#[derive(Debug, Clone, Default)]
pub struct UserForm {
    /// Only when making an account; it never changes later.
    pub username: String,
    pub name: String,
    pub email: String,
    pub email_verified: bool,
    pub groups: String,
    pub new_groups: NewGroups,
    pub role: String,
    pub profile: ProfileForm,
}

/// What becomes of groups in a form that are not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NewGroups {
    #[default]
    NotThere,
    /// Whether they are made is asked for.
    Asked,
    Made,
}

impl UserForm {
    /// The choices of `role` with their explanations.
    pub(super) fn roles() -> [(&'static str, &'static str); 3] {
        AdminRole::ALL.map(|role| match role {
            AdminRole::Owner => (role.as_str(), "Owner – everything"),
            AdminRole::Operator => (role.as_str(), "Operator – people, apps and sessions"),
            AdminRole::Auditor => (role.as_str(), "Auditor – reads everything, changes nothing"),
        })
    }

    /// Whether the form has the box that says that groups which are not there are to be made.
    pub(super) fn asks_for_groups(&self) -> bool {
        self.new_groups != NewGroups::NotThere
    }

    pub(super) fn makes_groups(&self) -> bool {
        self.new_groups == NewGroups::Made
    }

    pub(super) fn sample() -> Self {
        Self {
            username: words("grace"),
            name: words("Grace Hopper"),
            email: words("grace@orchard.example"),
            email_verified: true,
            groups: words("engineering\nwiki-editors"),
            new_groups: NewGroups::NotThere,
            role: "operator".to_owned(),
            profile: ProfileForm::sample(),
        }
    }
}

/// `GET /admin/users/new`. Form `user`: POST `/admin/users` with the fields of [`UserForm`]. The
/// answer is a [`LinkOnce`].
#[derive(Debug, Template)]
#[template(path = "admin/user_new.html")]
pub struct UserCreate {
    pub chrome: Chrome,
    pub console: Console,
    pub form: UserForm,
    /// Fields: `username`, `name`, `email`, `groups`, `role`, and those of the profile.
    pub errors: Vec<FieldError>,
}

impl UserCreate {
    /// Where it is, below the issuer.
    #[expect(clippy::unused_self, reason = "as the other page with these fields has it")]
    fn page(&self) -> &'static str {
        "/admin/users/new"
    }

    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    #[must_use]
    pub fn sample() -> Self {
        let text = words("“grace” is taken. Choose another username.");
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::People),
            form: UserForm::sample(),
            errors: vec![FieldError { field: "username", text }],
        }
    }

    /// A group that is not there.
    #[must_use]
    pub fn sample_new_group() -> Self {
        let mut page = Self::sample();
        page.form.new_groups = NewGroups::Asked;
        let text = words(
            "There is no group “engineerin” yet. Did you mean “engineering”? Write the name of another one, or \
             tick the box below.",
        );
        page.errors = vec![FieldError { field: "groups", text }];
        page
    }
}

/// A link to choose a password: the answer to POST `/admin/users` and POST
/// `/admin/users/{id}/reset-link`. It is shown once and kept nowhere.
#[derive(Debug, Template)]
#[template(path = "admin/link_once.html")]
pub struct LinkOnce {
    pub chrome: Chrome,
    pub console: Console,
    pub user_id: String,
    pub username: String,
    /// The whole link.
    pub url: String,
    pub expires: When,
}

impl LinkOnce {
    #[must_use]
    pub fn sample() -> Self {
        let token = "q1w2e3r4t5y6u7i8o9p0a1s2d3f4g5h6j7k8l9z0x1c";
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::People),
            user_id: words("5f0c1f0e-8a53-4a52-b7f6-0d6b8f1d2a34"),
            username: words("grace"),
            url: words(&format!("https://id.orchard.example/reset-password?token={token}")),
            expires: When::sample(-1_800),
        }
    }
}

/// A temporary password: the answer to POST `/admin/users/{id}/temporary-password`. It is shown once and kept
/// nowhere.
#[derive(Debug, Template)]
#[template(path = "admin/temporary_once.html")]
pub struct TemporaryOnce {
    pub chrome: Chrome,
    pub console: Console,
    pub user_id: String,
    pub username: String,
    pub password: String,
    pub expires: When,
}

impl TemporaryOnce {
    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::People),
            user_id: words("5f0c1f0e-8a53-4a52-b7f6-0d6b8f1d2a34"),
            username: words("grace"),
            password: words("kwmpt-fhzqa-vnrbe-ysdcu"),
            expires: When::sample(-259_200),
        }
    }
}
