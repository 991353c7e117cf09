//! The way into SCIM: who calls, whether scope and role allow it, and what comes back. Every address of
//! resources goes through [`enter`].

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{Error, HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::fault::Fault;
use super::sent::{self, Query};
use super::{Entry, act};
use crate::crypto::encoding::fingerprint;
use crate::http::extract::{self, NoTags};
use crate::http::programs::{self, CallError, Verb};
use crate::http::site::Site;
use crate::protocol::rights::Right;
use crate::protocol::scim::render;
use crate::protocol::session_data::conditions::Tags;
use crate::protocol::types::UserId;
use crate::protocol::user::User;
use crate::service::api::access::ApiCaller;
use crate::service::audit::{self, Actor, Event};
use crate::service::people::{PeopleError, allowed, provisioning};
use crate::store::groups::FoundGroup;

/// What a handler answers.
pub(super) type Answer = Result<Reply, Fault>;

/// An answer that is no error.
#[derive(Debug)]
pub(super) struct Reply {
    status: StatusCode,
    location: Option<String>,
    tag: Option<String>,
    body: Option<Value>,
}

impl Reply {
    /// Something to look at.
    pub(super) fn shown(body: Value) -> Self {
        Self { status: StatusCode::OK, location: None, tag: None, body: Some(body) }
    }

    /// It is done, and there is nothing to say about it.
    pub(super) fn done() -> Self {
        Self { status: StatusCode::NO_CONTENT, location: None, tag: None, body: None }
    }

    /// Something that has just been made.
    pub(super) fn created(self) -> Self {
        Self { status: StatusCode::CREATED, ..self }
    }

    fn response(self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        let tag = self.tag.map(|tag| format!("\"{tag}\""));
        for (name, value) in [(header::LOCATION, self.location), (header::ETAG, tag)] {
            if let Some(value) = value {
                response.insert_header((name, value));
            }
        }
        let response = response.finish();
        match self.body {
            Some(body) => with_body(response, &body),
            None => response,
        }
    }
}

/// An answer with this body.
pub(super) fn with_body(response: HttpResponse, body: &Value) -> HttpResponse {
    let mut response = response.set_body(BoxBody::new(body.to_string()));
    let kind = HeaderValue::from_static("application/scim+json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// Where SCIM is.
pub(super) fn base(site: &Site) -> String {
    format!("{}/scim/v2", site.issuer())
}

/// A whole resource with its tag: another one whenever anything of it is different.
#[derive(Debug)]
pub(super) struct Tagged {
    pub resource: Value,
    /// `None` where not everything was looked at.
    pub tag: Option<String>,
}

impl Tagged {
    pub(super) fn of(resource: Value) -> Self {
        let tag = fingerprint(&resource.to_string());
        Self { resource: render::with_version(resource, &tag), tag: Some(tag) }
    }
}

/// One request of a program that may make it.
pub(super) struct Call<'a> {
    pub site: &'a Site,
    pub request: &'a HttpRequest,
    pub caller: ApiCaller,
    pub query: Query,
    pub body: Map<String, Value>,
    id: String,
    right: Right,
}

/// Lets a request in and answers it.
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
        query: Query::default(),
        body: Map::new(),
        id: String::new(),
        right: entry.right,
    };
    let answer = Box::pin(call.carry_out(entry, body)).await;
    call.note_refusal(entry, answer).await
}

/// The variable part of a path.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Parts {
    id: String,
}

impl Call<'_> {
    async fn carry_out(&mut self, entry: &'static Entry, body: Result<Bytes, Error>) -> Answer {
        if !self.caller.has(entry.scope) {
            return Err(CallError::Scope(entry.scope).into());
        }
        if !self.caller.may(entry.right) {
            return Err(Fault::forbidden("Your role does not allow this."));
        }
        self.query = sent::query(self.request)?;
        let parts: Result<Parts, _> = self.request.match_info().load();
        self.id = parts.map_err(|_| Fault::not_found("resource"))?.id;
        if self.id.contains('\0') {
            return Err(Fault::not_found("resource"));
        }
        if !matches!(entry.method, Verb::Get | Verb::Delete) {
            self.body = sent::object(self.request, body)?;
        }
        if entry.searches() {
            self.query = sent::search(&self.body)?;
        }
        Box::pin(act(self, entry.action)).await
    }

    /// Who calls, for the audit log and the services.
    pub(super) fn actor(&self) -> &Actor {
        &self.caller.actor
    }

    /// The person this is about, if the caller sees them and has the right to do this with them.
    pub(super) async fn person(&self) -> Result<User, Fault> {
        let person = self.seen(&UserId::new(self.id.as_str())).await?;
        let person = person.ok_or_else(|| Fault::not_found("person"))?;
        programs::may_change(self.site, &self.caller, self.right, &person).await.map(|()| person)
    }

    /// Somebody whom the caller sees.
    async fn seen(&self, id: &UserId) -> Result<Option<User>, Fault> {
        match provisioning::person(self.site, id).await {
            Ok(person) => Ok(Some(person).filter(|p| self.caller.standing.may_see(&p.groups))),
            Err(PeopleError::NotFound) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether there is somebody with this id whom the caller may take into this group or out of it.
    pub(super) async fn may_move(&self, group: &str, id: &UserId) -> Result<Option<bool>, Fault> {
        let Some(person) = self.seen(id).await? else { return Ok(None) };
        let may = allowed::may_move(self.site, &self.caller.standing, group, &person).await?;
        Ok(Some(may))
    }

    /// The group this is about, if the caller sees it and has the right to do this with it.
    pub(super) async fn group(&self) -> Result<FoundGroup, Fault> {
        let group = provisioning::group(self.site, &self.id).await?;
        let group = group.filter(|g| self.covers(Right::GroupsRead, &g.name));
        let group = group.ok_or_else(|| Fault::not_found("group"))?;
        self.require(self.right, &group.name)?;
        Ok(group)
    }

    /// Whether the caller has a right over this group.
    pub(super) fn covers(&self, right: Right, group: &str) -> bool {
        self.caller.standing.covers(right, group)
    }

    /// Refuses whoever does not have it.
    pub(super) fn require(&self, right: Right, group: &str) -> Result<(), Fault> {
        if self.covers(right, group) {
            Ok(())
        } else {
            Err(Fault::forbidden("This group is not yours to change."))
        }
    }

    /// Where a resource is.
    pub(super) fn address(&self, folder: &str, id: &str) -> String {
        let encoded: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
        format!("{}/{folder}/{}", base(self.site), encoded.replace('+', "%20"))
    }

    /// Whether the request says what its change was made from.
    pub(super) fn is_conditional(&self) -> bool {
        self.request.headers().contains_key(header::IF_MATCH)
    }

    /// Checks that a change was made from what there is, if the request says from what.
    pub(super) fn made_from(&self, now: &Tagged) -> Result<(), Fault> {
        let tags = extract::tags(self.request.headers(), header::IF_MATCH)
            .map_err(|NoTags| Fault::syntax("If-Match holds * or tags in quotes."))?;
        let Some(tags) = tags else { return Ok(()) };
        let fits = match &now.tag {
            Some(tag) => tags.name(tag),
            None => tags == Tags::Any,
        };
        if fits { Ok(()) } else { Err(Fault::changed()) }
    }

    /// A resource as an answer, with the attributes that were asked for.
    pub(super) fn reply(&self, now: Tagged) -> Reply {
        let location = now.resource.pointer("/meta/location").and_then(Value::as_str);
        let location = location.map(str::to_owned);
        let body = self.query.selection.applied(now.resource);
        Reply { location, tag: now.tag, ..Reply::shown(body) }
    }

    /// Somebody who tries to change what scope or role do not allow is worth knowing about.
    async fn note_refusal(&self, entry: &Entry, answer: Answer) -> Answer {
        let refused = answer.as_ref().err().is_some_and(Fault::is_refusal);
        if refused && entry.changes() {
            let event = Event::failure("api.refused", self.actor(), self.site.now());
            let event = event.detail("address", format!("/scim/v2{}", entry.path));
            let event = event.detail("right", entry.right.as_str());
            audit::write(self.site, event).await?;
        }
        answer
    }
}
