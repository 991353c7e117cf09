//! People: the list, and one person with everything known about them.

use askama::Template;

use super::audit::AuditRow;
use super::organisations::OrganisationLink;
use super::paging::{PageLinks, PageSize, Paging, query};
use super::roles::RolesInApp;
use super::sorting::{ColumnHead, Sort};
use super::user_forms::UserForm;
use super::{Console, Section, State, path_below, seen_sample};
use crate::http::pages::chrome::Chrome;
use crate::http::pages::filters;
use crate::http::pages::sample::words;
use crate::http::pages::views::{ConnectionView, FieldError, SessionView, When, error_of};
use crate::protocol::rights::Role;
use crate::protocol::user::{AccountState, AdminRole};

/// `GET /admin/users?q=&role=&state=&sort=&rows=&after=`. Form: GET `/admin/users/selected`, with the fields of
/// [`ListedPeople`].
#[derive(Debug, Template)]
#[template(path = "admin/users.html")]
pub struct UsersList {
    pub chrome: Chrome,
    pub console: Console,
    pub filter: PeopleQuery,
    /// Fields: `role`, `state`. Nobody is shown then.
    pub errors: Vec<FieldError>,
    pub sort: Sort,
    pub rows: Vec<UserRow>,
    pub paging: Paging,
    /// The row that this page starts behind; empty on the first one.
    pub after: String,
}

/// A page of the list, for whoever goes away from it and comes back.
#[derive(Debug, Clone, Default)]
pub struct ListedPeople {
    pub filter: PeopleQuery,
    pub sort: Sort,
    pub size: PageSize,
    /// The row that it starts behind; empty on the first one.
    pub after: String,
}

impl ListedPeople {
    /// As fields of a form that is about chosen people. What is empty is left out.
    #[must_use]
    pub fn carried(&self) -> Vec<(&'static str, &str)> {
        let filter = &self.filter;
        // A form of the console that has a `role` gives one.
        let filters: [(&str, &str); 3] =
            [("q", &filter.q), ("of_role", &filter.role), ("of_state", &filter.state)];
        let all = filters.into_iter().chain(self.place());
        all.filter(|(_, value)| !value.is_empty()).collect()
    }

    /// What [`Self::carried`] has carried, from where a field's value is found.
    pub fn of_carried(field: impl Fn(&'static str) -> String) -> Self {
        Self {
            filter: PeopleQuery { q: field("q"), role: field("of_role"), state: field("of_state") },
            sort: Sort::named(&field("sort")),
            size: PageSize::named(&field("rows")),
            after: field("after"),
        }
    }

    /// What follows the path of the list; empty for the first page of everybody.
    #[must_use]
    pub fn address(&self) -> String {
        let (filters, place) = (self.filter.fields(), self.place());
        let is_plain = filters.iter().chain(&place).all(|(_, value)| value.is_empty());
        if is_plain { String::new() } else { query(&filters, &place) }
    }

    fn place(&self) -> [(&'static str, &str); 3] {
        [("sort", self.sort.as_str()), ("rows", self.size.parameter()), ("after", &self.after)]
    }
}

/// The filter form; each field has the name of its parameter, and what is empty asks for everybody.
#[derive(Debug, Clone, Default)]
pub struct PeopleQuery {
    /// The start of a username, name or e-mail address, or a whole id.
    pub q: String,
    /// A name of [`AdminRole`].
    pub role: String,
    /// A name of [`AccountState`].
    pub state: String,
}

impl PeopleQuery {
    /// Every parameter with its value.
    #[must_use]
    pub fn fields(&self) -> [(&'static str, &str); 3] {
        [("q", &self.q), ("role", &self.role), ("state", &self.state)]
    }

    fn is_empty(&self) -> bool {
        self.fields().iter().all(|(_, value)| value.is_empty())
    }

    /// How many filters are chosen beside the search.
    fn chosen(&self) -> usize {
        [&self.role, &self.state].iter().filter(|value| !value.is_empty()).count()
    }

    /// Whether those are asked for who are deleted some day.
    fn is_of_leaving(&self) -> bool {
        self.state == AccountState::ToBeDeleted.as_str()
    }
}

/// One line of the list.
#[derive(Debug, Clone)]
pub struct UserRow {
    pub id: String,
    pub username: String,
    pub name: Option<String>,
    pub email: Option<String>,
    pub state: State,
    /// `owner`, `operator`, `auditor`.
    pub role: Option<String>,
    /// When any of their sessions was last used.
    pub last_seen: Option<When>,
    pub added: When,
}

impl From<AccountState> for State {
    fn from(state: AccountState) -> Self {
        match state {
            AccountState::Active => Self::Active,
            AccountState::Disabled => Self::Disabled,
            AccountState::ToBeDeleted => Self::Leaving,
        }
    }
}

impl UsersList {
    fn pages(&self) -> PageLinks {
        let [q, role, state] = self.filter.fields();
        self.paging.links(&[q, role, state, ("sort", self.sort.as_str())])
    }

    /// Where the list is, for forms about people chosen in it.
    fn here(&self) -> ListedPeople {
        ListedPeople {
            filter: self.filter.clone(),
            sort: self.sort,
            size: self.paging.size,
            after: self.after.clone(),
        }
    }

    /// The same list from its first row.
    fn first_page(&self) -> String {
        ListedPeople { after: String::new(), ..self.here() }.address()
    }

    fn by_name(&self) -> ColumnHead {
        let [q, role, state] = self.filter.fields();
        self.sort.name_head("Username", &[q, role, state, ("rows", self.paging.rows())])
    }

    fn by_time(&self) -> ColumnHead {
        let [q, role, state] = self.filter.fields();
        self.sort.time_head("Added", &[q, role, state, ("rows", self.paging.rows())])
    }

    /// The same search without the filters chosen beside it.
    fn unfiltered(&self) -> String {
        let place = [("sort", self.sort.as_str()), ("rows", self.paging.rows())];
        query(&[("q", &self.filter.q)], &place)
    }

    /// What can be chosen as a role: value, words, and whether it is.
    fn roles(&self) -> Vec<(&'static str, &'static str, bool)> {
        let words = |role| match role {
            AdminRole::Owner => "Owners",
            AdminRole::Operator => "Operators",
            AdminRole::Auditor => "Auditors",
        };
        let all = AdminRole::ALL.into_iter();
        all.map(|role| (role.as_str(), words(role), role.as_str() == self.filter.role)).collect()
    }

    /// What can be chosen as a state, in the same way.
    fn states(&self) -> Vec<(&'static str, &'static str, bool)> {
        let words = |state| State::from(state).label();
        let all = AccountState::ALL.into_iter();
        all.map(|state| (state.as_str(), words(state), state.as_str() == self.filter.state))
            .collect()
    }

    /// Who is listed, in words.
    fn whom(&self) -> &'static str {
        if self.filter.is_of_leaving() && self.filter.chosen() == 1 && self.filter.q.is_empty() {
            "Accounts that are deleted within seven days"
        } else if !self.filter.is_empty() {
            "Accounts that match"
        } else if self.console.looks_after_groups() {
            "Everybody in your groups"
        } else {
            "Everybody with an account"
        }
    }

    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    #[must_use]
    pub fn sample() -> Self {
        let row = |username: &str, name: &str, state, role: Option<&str>| UserRow {
            id: words(&format!("5f0c1f0e-{username}")),
            username: words(username),
            name: Some(words(name)),
            email: Some(words(&format!("{username}@orchard.example"))),
            state,
            role: role.map(words),
            last_seen: role.map(|_| When::sample(7_400)),
            added: When::sample(800_000),
        };
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::People),
            filter: PeopleQuery::default(),
            errors: Vec::new(),
            sort: Sort::Name,
            rows: vec![
                row("ada", "Ada Lovelace", State::Active, Some("owner")),
                row("grace", "Grace Hopper", State::Active, Some("operator")),
                row("katherine", "Katherine Johnson", State::Active, None),
                row("noor", "نور الهدى", State::Disabled, None),
            ],
            paging: Paging::before(words("noor")),
            after: String::new(),
        }
    }

    /// A page behind which, and on which, nobody is any more.
    #[must_use]
    pub fn sample_behind() -> Self {
        let after = words("zoe");
        Self { after, rows: Vec::new(), paging: Paging::default(), ..Self::sample() }
    }

    /// A search that finds nobody.
    #[must_use]
    pub fn sample_empty() -> Self {
        let filter = PeopleQuery { q: words("zz"), ..PeopleQuery::default() };
        Self { filter, rows: Vec::new(), paging: Paging::default(), ..Self::sample() }
    }

    /// Filters that nobody fits.
    #[must_use]
    pub fn sample_none_chosen() -> Self {
        let mut page = Self::sample_empty();
        page.filter =
            PeopleQuery { q: words("zz"), role: words("owner"), state: words("disabled") };
        page
    }

    /// A filter that does not exist.
    #[must_use]
    pub fn sample_wrong() -> Self {
        let mut page = Self::sample_empty();
        page.filter = PeopleQuery { role: words("boss"), ..PeopleQuery::default() };
        let text = words("Choose one of the roles in the list.");
        page.errors = vec![FieldError { field: "role", text }];
        page
    }

    /// Those who can still be brought back.
    #[must_use]
    pub fn sample_leaving() -> Self {
        let filter = PeopleQuery { state: words("to_be_deleted"), ..PeopleQuery::default() };
        let mut page = Self { filter, paging: Paging::default(), ..Self::sample() };
        page.rows.retain(|row| row.role.is_none());
        page.rows.iter_mut().for_each(|row| row.state = State::Leaving);
        page
    }

    /// The list as a group manager sees it.
    #[must_use]
    pub fn sample_of_manager() -> Self {
        let mut page = Self::sample();
        page.console.role = Role::GroupManager;
        page
    }
}

/// `GET /admin/users/{id}`. Forms: `user` POST `/admin/users/{id}/edit` with the fields of
/// [`UserForm`]; POST `…/enable`, `…/reset-link`, `/admin/sessions/{sid}/end` with `back`, `…/end-connection` with
/// `connection`. Links
/// to [`super::confirm::Confirm`] pages: `GET …/temporary-password`, `GET …/disable`, `GET …/remove-app?client_id=`, `GET …/delete`.
#[derive(Debug, Template)]
#[template(path = "admin/user.html")]
pub struct UserDetail {
    pub chrome: Chrome,
    pub console: Console,
    pub user: UserView,
    /// What the form was made from; goes along as `seen`.
    pub seen: String,
    /// What the form holds: the stored values, or what was typed when something was wrong.
    pub form: UserForm,
    /// Fields: `name`, `email`, `groups`, `role`, and those of the profile.
    pub errors: Vec<FieldError>,
    pub sessions: Vec<SessionView>,
    /// The newest of what stays signed in by itself.
    pub connections: Vec<ConnectionView>,
    /// Whether there are older ones.
    pub has_more_connections: bool,
    pub apps: Vec<AppAccess>,
    /// The groups they are in, as far as the administrator sees them.
    pub groups: Vec<GroupLink>,
    /// Those they are in, by name; none for those who may not see organisations.
    pub organisations: Vec<OrganisationLink>,
    /// What they may be in apps, by themselves or by a group.
    pub roles: Vec<RolesInApp>,
    /// The newest few events about this person.
    pub recent: Vec<AuditRow>,
}

/// The stored facts about a person.
#[derive(Debug, Clone)]
pub struct UserView {
    pub id: String,
    pub username: String,
    /// Name, or username when there is none.
    pub display: String,
    pub state: State,
    /// When it is deleted for good.
    pub delete_at: Option<When>,
    pub created: When,
    pub updated: When,
    pub password: PasswordState,
}

/// Whether the person can sign in with a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordState {
    Set,
    /// The account still waits for its link to be used.
    Missing,
}

/// A group the person is in.
#[derive(Debug, Clone)]
pub struct GroupLink {
    pub name: String,
    /// Path of its page, with the issuer's path.
    pub href: String,
}

/// An app the person let in.
#[derive(Debug, Clone)]
pub struct AppAccess {
    pub client_id: String,
    pub name: String,
    /// Space-separated scopes.
    pub scopes: String,
    pub since: When,
}

impl UserDetail {
    /// Where it is, below the issuer.
    fn page(&self) -> String {
        path_below("", "/admin/users/", &self.user.id)
    }

    /// The path of this page; its forms post below it.
    fn path(&self) -> String {
        path_below(&self.chrome.base, "/admin/users/", &self.user.id)
    }

    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::People),
            user: UserView {
                id: words("5f0c1f0e-8a53-4a52-b7f6-0d6b8f1d2a34"),
                username: words("grace"),
                display: words("Grace Hopper"),
                state: State::Active,
                delete_at: None,
                created: When::sample(9_000_000),
                updated: When::sample(200_000),
                password: PasswordState::Set,
            },
            seen: seen_sample(),
            form: UserForm::sample(),
            errors: Vec::new(),
            sessions: SessionView::samples(),
            connections: ConnectionView::samples(),
            has_more_connections: true,
            apps: vec![AppAccess {
                client_id: words("orchard-wiki"),
                name: words("Orchard Wiki"),
                scopes: words("openid profile email"),
                since: When::sample(400_000),
            }],
            groups: vec![GroupLink { name: words("wiki"), href: "/admin/groups/wiki".into() }],
            organisations: OrganisationLink::samples(),
            roles: RolesInApp::sample(),
            recent: AuditRow::samples(),
        }
    }

    /// The page as an auditor sees it, of a disabled account.
    #[must_use]
    pub fn sample_read_only() -> Self {
        let mut page = Self::sample();
        page.console.role = Role::Auditor;
        page.user.state = State::Disabled;
        page.user.password = PasswordState::Missing;
        (page.sessions, page.apps, page.recent) = (Vec::new(), Vec::new(), Vec::new());
        (page.connections, page.has_more_connections) = (Vec::new(), false);
        page
    }
}
