//! The way into the REST API: who calls, whether scope and role allow it, and what it is about. Every
//! address of [`super::table`] goes through [`enter`].

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderValue;
use actix_web::web::Bytes;
use actix_web::{Error, HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fault::Fault;
use super::reply::{Answer, Reply, as_json, list_body, tag_of};
use super::table::{About, Entry, Further};
use super::{act, sent, shapes};
use crate::http::programs::{self, CallError, Verb};
use crate::http::site::Site;
use crate::http::{error, extract};
use crate::protocol::api::ApiScope;
use crate::protocol::params::Params;
use crate::protocol::rights::Right;
use crate::protocol::types::SessionId;
use crate::protocol::user::User;
use crate::service::api::access::ApiCaller;
use crate::service::api::requests::{self, Beginning, Begun};
use crate::service::audit::{self, Actor, Caller, Event};
use crate::service::failure::EndpointError;
use crate::service::organisations;
use crate::service::people::{self, groups};
use crate::service::session;
use crate::store::groups::Group;
use crate::store::organisations::Organisation;

/// One call of a program that may make it.
pub(super) struct Call<'a> {
    pub site: &'a Site,
    pub request: &'a HttpRequest,
    pub caller: ApiCaller,
    pub query: Params,
    pub body: Value,
    /// The body of a call that brings a picture.
    pub picture: Vec<u8>,
    /// The first variable part of the path.
    pub id: String,
    person: Option<User>,
    group: Option<Group>,
    organisation: Option<Organisation>,
}

/// Lets a call in and answers it.
pub(super) async fn enter(
    entry: &'static Entry,
    (site, request): (&Site, &HttpRequest),
    body: Result<Bytes, Error>,
) -> HttpResponse {
    match serve(entry, (site, request), body).await {
        Ok(reply) => reply.response(),
        Err(fault) => fault.response(request),
    }
}

async fn serve(
    entry: &'static Entry,
    (site, request): (&Site, &HttpRequest),
    body: Result<Bytes, Error>,
) -> Answer {
    // Nobody without a living key or token learns more than that.
    let caller = programs::admit(site, request).await?;
    let mut call = Call {
        site,
        request,
        caller,
        query: Params::default(),
        body: Value::Null,
        picture: Vec::new(),
        id: String::new(),
        person: None,
        group: None,
        organisation: None,
    };
    let answer = Box::pin(call.carry_out(entry, body)).await;
    call.note_refusal(entry, answer).await
}

impl Call<'_> {
    /// Refuses whoever comes without this scope.
    fn needs(&self, scope: ApiScope) -> Result<(), Fault> {
        if self.caller.has(scope) { Ok(()) } else { Err(CallError::Scope(scope).into()) }
    }

    /// The same for the scope that something in particular needs beyond that of its area; the table says at which
    /// addresses.
    pub(super) fn needs_for(&self, further: Further) -> Result<(), Fault> {
        further.scope().map_or(Ok(()), |scope| self.needs(scope))
    }

    async fn carry_out(&mut self, entry: &'static Entry, body: Result<Bytes, Error>) -> Answer {
        for scope in entry.always() {
            self.needs(scope)?;
        }
        if !self.caller.may(entry.right) {
            return Err(Fault::forbidden("Your role does not allow this."));
        }
        self.query = sent::query(self.request, shapes::of(entry.action).query)?;
        if entry.method != Verb::Get {
            if shapes::takes_picture(entry) {
                self.picture = sent::picture(self.request, body)?;
            } else {
                self.body = sent::json(self.request, body)?;
            }
        }
        self.look_up(entry).await?;
        let key = sent::idempotency_key(self.request)?;
        match key.filter(|_| entry.method == Verb::Post) {
            None => Box::pin(act(self, entry.action)).await,
            Some(key) => self.once(entry, key).await,
        }
    }

    /// Carries out what must not be carried out twice.
    async fn once(&self, entry: &'static Entry, key: &str) -> Answer {
        let path = self.request.uri().path();
        let asked = format!("{} {path}\n{}", entry.method.as_str(), self.body);
        let begun = match requests::begin(self.site, (&self.caller.actor, key), &asked).await? {
            Beginning::First(begun) => begun,
            Beginning::Again(kept) => {
                return serde_json::from_slice(&kept)
                    .map_err(|error| CallError::Endpoint(error.into()).into());
            }
            Beginning::UnderWay => {
                let detail = "A request with this Idempotency-Key is under way. Try again shortly.";
                return Err(Fault::conflict("under_way", detail));
            }
            Beginning::Another => {
                return Err(Fault::new(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "idempotency_key_reused",
                    "This Idempotency-Key was sent with another request. Choose a new one.",
                ));
            }
        };
        let answer = Box::pin(act(self, entry.action)).await;
        self.keep(&begun, &answer).await;
        answer
    }

    /// What was changed is not undone because its answer could not be kept.
    async fn keep(&self, begun: &Begun, answer: &Answer) {
        let kept = match answer {
            Ok(reply) => match serde_json::to_vec(reply) {
                Ok(bytes) => requests::finish(self.site, begun, &bytes).await,
                Err(error) => Err(error.into()),
            },
            // Whether it has changed anything is not known: it must not be tried again at once.
            Err(Fault::Call(CallError::Endpoint(EndpointError::Failure(_)))) => Ok(()),
            Err(_) => requests::give_up(self.site, begun).await,
        };
        if let Err(failure) = kept {
            error::report(&extract::request_id(self.request), &failure);
        }
    }

    /// The one place that decides whether this caller may do this with what the address is about, as far
    /// as it can be told before. What may change until it is done, the services ask again.
    async fn look_up(&mut self, entry: &Entry) -> Result<(), Fault> {
        let right = entry.right;
        self.id = self.part("id")?;
        match entry.about {
            About::Nobody => Ok(()),
            About::Person => {
                let person = self.find_person(&self.id).await?;
                self.held_against(right, person).await
            }
            About::Session => {
                let found = session::find(self.site, &SessionId::new(self.id.as_str())).await?;
                let found = found.ok_or_else(|| Fault::not_found("session"))?;
                let person = people::find(self.site, found.user_id.as_str()).await?;
                let seen = self.caller.standing.may_see(&person.groups);
                if !seen {
                    return Err(Fault::not_found("session"));
                }
                self.held_against(right, person).await
            }
            About::Group => self.look_up_group(right).await,
            About::Member => {
                self.look_up_group(right).await?;
                let member = self.part("member")?;
                self.person = Some(self.find_person(&member).await?);
                Ok(())
            }
            About::Organisation => self.look_up_organisation().await,
            About::RoleHolder => {
                let member = self.find_person(&self.part("member")?).await?;
                self.held_against(right, member).await
            }
            About::OrganisationMember => {
                self.look_up_organisation().await?;
                let member = self.find_person(&self.part("member")?).await?;
                self.held_against(right, member).await
            }
        }
    }

    async fn look_up_organisation(&mut self) -> Result<(), Fault> {
        self.organisation = Some(organisations::find(self.site, &self.id).await?);
        Ok(())
    }

    async fn look_up_group(&mut self, right: Right) -> Result<(), Fault> {
        let group = groups::find(self.site, &self.id).await?;
        if !self.caller.standing.covers(Right::GroupsRead, &group.name) {
            return Err(Fault::not_found("group"));
        }
        let covered = self.caller.standing.covers(right, &group.name);
        self.group = Some(group);
        if covered { Ok(()) } else { Err(Fault::forbidden("This group is not yours to change.")) }
    }

    async fn held_against(&mut self, right: Right, person: User) -> Result<(), Fault> {
        let outcome = programs::may_change(self.site, &self.caller, right, &person).await;
        self.person = Some(person);
        outcome
    }

    /// A variable part of the path, decoded; empty where there is none of this name.
    pub(super) fn part(&self, name: &str) -> Result<String, Fault> {
        let unreadable = || Fault::malformed("The path cannot be read.");
        let parts: Parts = self.request.match_info().load().map_err(|_| unreadable())?;
        let part = match name {
            "member" => parts.member,
            "secret" => parts.secret,
            "role" => parts.role,
            "group" => parts.group,
            "delivery" => parts.delivery,
            "client" => parts.client,
            "connection" => parts.connection,
            _ => parts.id,
        };
        if part.contains('\0') { Err(unreadable()) } else { Ok(part) }
    }

    /// Somebody this caller sees, by id, user name or e-mail address.
    pub(super) async fn find_person(&self, text: &str) -> Result<User, Fault> {
        let person = people::find(self.site, text).await?;
        if self.caller.standing.may_see(&person.groups) {
            Ok(person)
        } else {
            Err(Fault::not_found("person"))
        }
    }

    /// The person this is about, whom [`Call::look_up`] has looked at.
    pub(super) fn person(&self) -> Result<&User, Fault> {
        self.person.as_ref().ok_or_else(|| Fault::not_found("person"))
    }

    /// The group this is about, which [`Call::look_up`] has looked at.
    pub(super) fn group(&self) -> Result<&Group, Fault> {
        self.group.as_ref().ok_or_else(|| Fault::not_found("group"))
    }

    /// The organisation this is about, which [`Call::look_up`] has looked at.
    pub(super) fn organisation(&self) -> Result<&Organisation, Fault> {
        self.organisation.as_ref().ok_or_else(|| Fault::not_found("organisation"))
    }

    /// Who calls, for the audit log and the services.
    pub(super) fn actor(&self) -> &Actor {
        &self.caller.actor
    }

    /// From where.
    pub(super) fn from(&self) -> Caller {
        extract::caller(self.site, self.request)
    }

    /// Where something of the API is.
    pub(super) fn address(&self, parts: &[&str]) -> String {
        let mut address = format!("{}/api/v1", self.site.issuer());
        for part in parts {
            let encoded: String = url::form_urlencoded::byte_serialize(part.as_bytes()).collect();
            address.push('/');
            address.push_str(&encoded.replace('+', "%20"));
        }
        address
    }

    /// Checks that a change was made from what there is, as it is shown: `If-Match` is a duty, since of two
    /// people who change the same thing the second would undo what the first has done.
    pub(super) fn made_from(&self, view: impl Serialize) -> Result<(), Fault> {
        match sent::if_match(self.request, &tag_of(&as_json(view)?))? {
            Some(true) => Ok(()),
            Some(false) => Err(Fault::changed()),
            None => Err(Fault::new(
                StatusCode::PRECONDITION_REQUIRED,
                "precondition_required",
                "Send If-Match with the ETag of what you have read, so that nobody's change is lost.",
            )),
        }
    }

    /// As [`Call::made_from`] where it is no duty; whether the request says what its change was made from.
    pub(super) fn made_from_if_said(&self, view: impl Serialize) -> Result<bool, Fault> {
        match sent::if_match(self.request, &tag_of(&as_json(view)?))? {
            Some(false) => Err(Fault::changed()),
            said => Ok(said.is_some()),
        }
    }

    /// Somebody who tries to change what scope or role do not allow is worth knowing about.
    async fn note_refusal(&self, entry: &Entry, answer: Answer) -> Answer {
        let refused = answer.as_ref().err().is_some_and(Fault::is_refusal);
        if refused && entry.method != Verb::Get {
            let event = Event::failure("api.refused", self.actor(), self.site.now());
            let mut event = event.detail("address", format!("/api/v1{}", entry.path));
            event = event.detail("right", entry.right.as_str());
            if let Some(person) = &self.person {
                event = event.user(&person.id);
            }
            if let Some(group) = &self.group {
                event = event.detail("group", group.name.as_str());
            }
            if let Some(organisation) = &self.organisation {
                event = event.detail("organisation", organisation.name.as_str());
            }
            audit::write(self.site, event).await?;
        }
        answer
    }
}

/// The variable parts of a path; empty where there are none.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Parts {
    id: String,
    member: String,
    secret: String,
    role: String,
    group: String,
    delivery: String,
    client: String,
    connection: String,
}

impl Call<'_> {
    /// A page of a list: `found` has one row more than the page if there is another page.
    pub(super) fn page<T: Serialize>(&self, mut found: Vec<(T, String)>, limit: i64) -> Answer {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|(_, place)| sent::as_cursor(place));
        let items: Vec<_> = found.into_iter().map(|(item, _)| item).collect();
        let link = next.as_ref().map(|next| {
            let path = self.request.uri().path();
            let path = path.strip_prefix(self.site.base.as_str()).unwrap_or(path);
            let query = self.query.clone().with("cursor", next).encode();
            format!("{}{path}?{query}", self.site.issuer())
        });
        let link = link.filter(|link| HeaderValue::from_str(link).is_ok());
        Ok(Reply::shown(list_body(&items, next.as_deref()))?.linked(link))
    }
}
