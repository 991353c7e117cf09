//! The way into the console: who is asking, whether the console is open to them, whether a form is
//! ours, and whether their role allows it. Every address goes through [`enter`].

use std::cell::Cell;
use std::collections::HashSet;

use actix_web::{HttpRequest, HttpResponse};

use super::received::{Sent, received};
use super::table::{About, Entry, Method};
use super::{act, flash, step_up};
use crate::clock::UnixTime;
use crate::http::cookies::{self, BrowserBinding, Kind};
use crate::http::headers::Forms;
use crate::http::pages::admin::denied::Denied;
use crate::http::pages::admin::missing::Missing;
use crate::http::pages::admin::paging::PageSize;
use crate::http::pages::admin::{Console, Section, Subject};
use crate::http::pages::{Chrome, Flash, Page, Tone, Undo};
use crate::http::sign_in::steps::{self, Visit};
use crate::http::site::Site;
use crate::http::upload::{Spooled, Upload};
use crate::http::{extract, render};
use crate::protocol::params::Params;
use crate::protocol::rights::{Right, Role, Standing};
use crate::protocol::types::{SessionId, UserId};
use crate::protocol::user::User;
use crate::service::audit::{self, Actor, Event};
use crate::service::failure::Failure;
use crate::service::people::console_access::{self, Access, Visit as Presence};
use crate::service::people::groups::{self, GroupError};
use crate::service::people::{self, PeopleError, allowed};
use crate::service::session::{self, LiveSession};
use crate::store::groups::Group;

/// What a handler answers.
pub(super) type Answer = Result<HttpResponse, Stop>;

/// Why a handler does not get to an answer of its own.
#[derive(Debug)]
pub(super) enum Stop {
    /// There is no such person, group, app, session or key.
    NotFound,
    /// It is there, but for this administrator it is not.
    Hidden,
    /// The role does not allow it; the text says what would.
    Forbidden(&'static str),
    Failure(Failure),
}

/// An error that no form can mend.
impl From<PeopleError> for Stop {
    fn from(error: PeopleError) -> Self {
        match error {
            PeopleError::Failure(failure) => Self::Failure(failure),
            PeopleError::NotYours => Self::Forbidden(NOT_YOURS),
            PeopleError::NotFound
            | PeopleError::Taken
            | PeopleError::Invalid { .. }
            | PeopleError::Password(_)
            | PeopleError::LastOwner => Self::NotFound,
        }
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

const OWNERS_ONLY: &str = "Only owners may change somebody who may use the console.";
const GRANTS_ROLES: &str = "Only owners may give out the right to use the console.";
const OWN_GROUPS_ONLY: &str = "Group managers change people whose groups are all their own, and nobody who may use the \
     console. An owner or operator can do it.";
pub(super) const NOT_YOURS: &str =
    "Your role in the console does not allow this. An owner can do it, or give you another role.";

/// One request of an administrator who may make it.
pub(super) struct Desk<'a> {
    pub visit: Visit<'a>,
    session: &'a LiveSession,
    admin: User,
    standing: Standing,
    /// Who asks.
    presence: Presence,
    chrome: Chrome,
    pub query: Params,
    /// The posted form; empty for a GET.
    pub form: Params,
    /// The picture that came with it; empty where there was none.
    pub file: Vec<u8>,
    /// The file of people that came with it.
    pub spooled: Cell<Option<Spooled>>,
    /// The last variable part of the path; empty for addresses without.
    pub id: String,
    /// The person an address is about.
    person: Option<User>,
    /// The group an address is about.
    group: Option<Group>,
}

/// Lets a request in and answers it.
pub(super) async fn enter(
    entry: &Entry,
    (site, request): (&Site, &HttpRequest),
    sent: Sent,
) -> HttpResponse {
    let sign_in = || steps::see_other(&site.path("/login?next=admin"));
    let session = match steps::session_or_failure(site, request).await {
        Ok(Some(session)) => session,
        Ok(None) => return sign_in(),
        Err(response) => return response,
    };
    let browser = BrowserBinding::of(site, request);
    let visit = Visit { site, request, browser: &browser, session: Some(&session) };
    let (admin, standing) = match console_access::check(site, &session, presence(request)).await {
        Ok(Access::Open(user, standing)) => (*user, standing),
        Ok(Access::SignInFirst) => return sign_in(),
        Ok(Access::Forbidden) => return not_for_this_person(&visit, &session).await,
        Err(failure) => return render::failure(site, request, &failure),
    };
    let mut desk = Desk::new(visit, &session, (admin, standing));
    match received(&mut desk, entry, sent).await {
        Ok(Upload { fields, file, spooled }) => {
            (desk.form, desk.file, desk.spooled) = (fields, file, Cell::new(spooled));
        }
        Err(response) => return response,
    }
    let answer = match desk.admit(entry).await {
        Ok(()) if !step_up::is_open(&desk, entry) => Ok(step_up::ask(&desk, entry)),
        Ok(()) => Box::pin(act(&desk, entry.action)).await,
        Err(stop) => Err(stop),
    };
    let answer = match answer {
        Ok(response) => Ok(response),
        Err(stop) => desk.note_refusal(entry, stop).await,
    };
    let response = answer.unwrap_or_else(|stop| desk.stopped(&stop, Some(entry.right)));
    desk.visit.bind(response)
}

/// Answers an address that does not exist: to somebody to whom the console is open with one of its
/// pages, to everybody else as anywhere.
pub(super) async fn missing(site: &Site, request: &HttpRequest) -> HttpResponse {
    let Ok(Some(session)) = extract::current_session(site, request).await else {
        return render::not_found(site, request);
    };
    let open = console_access::check(site, &session, presence(request)).await;
    let Ok(Access::Open(admin, standing)) = open else {
        return render::not_found(site, request);
    };
    let browser = BrowserBinding::of(site, request);
    let visit = Visit { site, request, browser: &browser, session: Some(&session) };
    let desk = Desk::new(visit, &session, (*admin, standing));
    desk.visit.bind(desk.stopped(&Stop::NotFound, None))
}

/// Whether somebody asks, or a part of a page that keeps itself up to date (`live.js`).
fn presence(request: &HttpRequest) -> Presence {
    let query = request.query_string();
    let asks_itself = query.split('&').any(|pair| pair.starts_with("live="));
    if asks_itself { Presence::Page } else { Presence::Person }
}

async fn not_for_this_person(visit: &Visit<'_>, session: &LiveSession) -> HttpResponse {
    let (site, request) = (visit.site, visit.request);
    match people::find(site, session.user_id.as_str()).await {
        Ok(user) => {
            let reason = "The console is for people who look after this service.";
            render::forbidden(site, request, (name_of(&user), reason))
        }
        Err(PeopleError::Failure(failure)) => render::failure(site, request, &failure),
        Err(_) => steps::see_other(&site.path("/login")),
    }
}

/// What to call a person.
pub(super) fn name_of(user: &User) -> &str {
    user.name.as_deref().unwrap_or(&user.username)
}

impl<'a> Desk<'a> {
    fn new(
        visit: Visit<'a>,
        session: &'a LiveSession,
        (admin, standing): (User, Standing),
    ) -> Self {
        let request = visit.request;
        Self {
            session,
            admin,
            standing,
            presence: presence(request),
            chrome: render::chrome(visit.site),
            query: Params::parse(request.query_string().as_bytes()).unwrap_or_default(),
            form: Params::default(),
            file: Vec::new(),
            spooled: Cell::new(None),
            id: request.match_info().load::<String>().unwrap_or_default(),
            person: None,
            group: None,
            visit,
        }
    }
}

impl Desk<'_> {
    /// The one place that decides whether this administrator may do this, as far as it can be told
    /// before. What may change until it is done, the services ask again.
    pub(super) async fn admit(&mut self, entry: &Entry) -> Result<(), Stop> {
        let right = entry.right;
        if !self.may(right) {
            return Err(Stop::Forbidden(NOT_YOURS));
        }
        // Whoever may not give out roles cannot smuggle one into any form.
        if self.form.has("role") && !self.may(Right::PeopleGrantRole) {
            return Err(Stop::Forbidden(GRANTS_ROLES));
        }
        let person = match entry.about {
            About::Nobody => return Ok(()),
            About::Group => return self.admit_group(right).await,
            About::Person => self.find_person(&self.id).await?,
            About::Session => {
                let session = session::find(self.site(), &SessionId::new(self.id.as_str())).await?;
                let session = session.ok_or(Stop::NotFound)?;
                self.find_person(session.user_id.as_str()).await?
            }
        };
        let allowed = right == Right::PeopleRead || self.may_change(right, &person).await?;
        let seen = self.standing.may_see(&person.groups);
        self.person = Some(person);
        match (seen, allowed) {
            (true, true) => Ok(()),
            (false, _) => Err(Stop::Hidden),
            (true, false) if self.standing.role == Role::GroupManager => {
                Err(Stop::Forbidden(OWN_GROUPS_ONLY))
            }
            (true, false) => Err(Stop::Forbidden(OWNERS_ONLY)),
        }
    }

    async fn admit_group(&mut self, right: Right) -> Result<(), Stop> {
        let group = match groups::find(self.site(), &self.id).await {
            Ok(group) => group,
            Err(GroupError::Failure(failure)) => return Err(Stop::Failure(failure)),
            Err(_) => return Err(Stop::NotFound),
        };
        let covered = self.standing.covers(right, &group.name);
        self.group = Some(group);
        if covered { Ok(()) } else { Err(Stop::Hidden) }
    }

    /// Somebody who tries to change what their role does not allow is worth knowing about.
    async fn note_refusal(&self, entry: &Entry, stop: Stop) -> Answer {
        let refused = matches!(stop, Stop::Forbidden(_) | Stop::Hidden);
        if refused && entry.method == Method::Post {
            let event = Event::failure("console.refused", &self.actor(), self.site().now());
            let mut event = event.detail("address", entry.path);
            event = event.detail("right", entry.right.as_str());
            if let Some(person) = &self.person {
                event = event.user(&person.id);
            }
            if let Some(group) = &self.group {
                event = event.detail("group", group.name.as_str());
            }
            audit::write(self.site(), event).await?;
        }
        Err(stop)
    }

    /// A person by id, user name or e-mail address.
    pub(super) async fn find_person(&self, text: &str) -> Result<User, Stop> {
        match people::find(self.site(), text).await {
            Ok(user) => Ok(user),
            Err(PeopleError::Failure(failure)) => Err(Stop::Failure(failure)),
            Err(_) => Err(Stop::NotFound),
        }
    }

    /// The person this change is about, whom [`Desk::admit`] has looked at.
    pub(super) fn person(&self) -> Result<&User, Stop> {
        self.person.as_ref().ok_or(Stop::NotFound)
    }

    /// The group this is about, which [`Desk::admit`] has looked at.
    pub(super) fn group(&self) -> Result<&Group, Stop> {
        self.group.as_ref().ok_or(Stop::NotFound)
    }

    /// Whether this administrator may do this with this person.
    pub(super) async fn may_change(&self, right: Right, person: &User) -> Result<bool, Stop> {
        Ok(allowed::may_change(self.site(), &self.standing, right, person).await?)
    }

    /// With whom of these people this administrator may do this.
    pub(super) async fn changeable(
        &self,
        right: Right,
        people: &[User],
    ) -> Result<HashSet<UserId>, Stop> {
        Ok(allowed::changeable(self.site(), &self.standing, right, people).await?)
    }

    /// Whom of these people this administrator may take into the group, or out of it.
    pub(super) async fn movable(
        &self,
        group: &str,
        people: &[User],
    ) -> Result<HashSet<UserId>, Stop> {
        Ok(allowed::movable(self.site(), &self.standing, group, people).await?)
    }

    /// Whether the role allows what an address with this right does.
    pub(super) fn may(&self, right: Right) -> bool {
        self.standing.may(right)
    }

    /// What this administrator may do, in full.
    pub(super) fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Whose people and groups lists are about; `None` for everybody's.
    pub(super) fn only_of(&self) -> Option<UserId> {
        (self.standing.role == Role::GroupManager).then(|| self.admin.id.clone())
    }

    pub(super) fn site(&self) -> &Site {
        self.visit.site
    }

    /// Who is asking, and from where, for the audit log.
    pub(super) fn actor(&self) -> Actor {
        let caller = extract::caller(self.site(), self.visit.request);
        Actor::Console(self.admin.id.clone(), caller)
    }

    /// Who is asking.
    pub(super) fn admin(&self) -> &User {
        &self.admin
    }

    /// When the administrator last proved who they are.
    pub(super) fn signed_in_at(&self) -> UnixTime {
        self.session.auth_time
    }

    /// The session that is asking.
    pub(super) fn own_session(&self) -> &SessionId {
        &self.session.id
    }

    /// A field of the form that is there once; empty when it is not.
    pub(super) fn text(&self, name: &'static str) -> String {
        self.form.sole(name).unwrap_or_default().to_owned()
    }

    /// A parameter of the address, trimmed; empty when it is not there.
    pub(super) fn asked(&self, name: &'static str) -> String {
        self.query.sole(name).unwrap_or_default().trim().to_owned()
    }

    /// How many rows the address asks for on a page of a list.
    pub(super) fn page_size(&self) -> PageSize {
        PageSize::named(&self.asked("rows"))
    }

    pub(super) fn chrome(&self) -> Chrome {
        self.chrome.clone()
    }

    /// The frame of a page.
    pub(super) fn console(&self, section: Section) -> Console {
        Console {
            section,
            admin: name_of(&self.admin).to_owned(),
            role: self.standing.role,
            subject: Subject::Changeable,
            csrf: self.visit.session_csrf(),
            is_fresh: step_up::is_fresh(self),
            flash: (self.presence == Presence::Person)
                .then(|| flash::read(self.site(), self.visit.request, &self.session.id))
                .flatten(),
        }
    }

    /// A page as an answer. The message it shows is shown once.
    #[expect(clippy::unnecessary_wraps, reason = "every handler ends like this")]
    pub(super) fn show(&self, page: &impl Page) -> Answer {
        let site = self.site();
        let mut response = render::page(&self.chrome.nonce, page, Forms::HereOnly);
        if self.presence == Presence::Person
            && flash::is_there(site, self.visit.request)
            && let Err(error) = response.add_cookie(&cookies::remove(site, Kind::Flash))
        {
            tracing::error!(%error, "cookie could not be removed");
        }
        Ok(response)
    }

    /// The same page once more, because something in the form is to be changed.
    pub(super) fn show_again(&self, page: &impl Page) -> Answer {
        let mut response = self.show(page)?;
        *response.status_mut() = actix_web::http::StatusCode::UNPROCESSABLE_ENTITY;
        Ok(response)
    }

    /// After a change: on to a page of the console, which says what was done.
    pub(super) fn done(&self, text: impl Into<String>, to: &str) -> Answer {
        self.done_undoably(text, to, None::<Undo>)
    }

    /// As [`Desk::done`], with a form that takes the change back.
    pub(super) fn done_undoably(
        &self,
        text: impl Into<String>,
        to: &str,
        undo: impl Into<Option<Undo>>,
    ) -> Answer {
        self.lead_on(&Flash { tone: Tone::Done, text: text.into(), undo: undo.into() }, to)
    }

    /// Nothing was changed: on to a page of the console, which says why.
    pub(super) fn refused(&self, text: impl Into<String>, to: &str) -> Answer {
        self.lead_on(&Flash { tone: Tone::Warning, text: text.into(), undo: None }, to)
    }

    #[expect(clippy::unnecessary_wraps, reason = "every handler ends like this")]
    fn lead_on(&self, flash: &Flash, to: &str) -> Answer {
        let mut response = steps::see_other(to);
        let cookie = flash::cookie(self.site(), &self.session.id, flash);
        if let Err(error) = response.add_cookie(&cookie) {
            tracing::error!(%error, "cookie could not be set");
        }
        Ok(response)
    }

    /// The page of a stop; `right` is what the address needs, if there is such an address.
    pub(super) fn stopped(&self, stop: &Stop, right: Option<Right>) -> HttpResponse {
        let (site, request) = (self.site(), self.visit.request);
        let path = request.path().strip_prefix(site.base.as_str());
        let section = Section::of_path(path.unwrap_or_default());
        // What was done is said on the next page that is there.
        let console = || Console { flash: None, ..self.console(section) };
        match stop {
            Stop::NotFound | Stop::Hidden => {
                let (chrome, console) = (self.chrome(), console());
                render::not_found_in_console(&Missing { chrome, console })
            }
            Stop::Forbidden(reason) => render::denied_in_console(&Denied {
                chrome: self.chrome(),
                console: console(),
                reason: (*reason).to_owned(),
                roles: right
                    // The other reasons say it themselves.
                    .filter(|_| *reason == NOT_YOURS)
                    .map_or_else(Vec::new, |right| right.enough(self.standing.role)),
                request_id: extract::request_id(request),
            }),
            Stop::Failure(failure) => render::failure(site, request, failure),
        }
    }
}
