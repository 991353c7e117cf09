//! SCIM 2.0 below `/scim/v2`, by which a directory provisions people and groups (RFC 7644). What it does
//! are the use cases of the console and the REST API.
//!
//! | module | job |
//! |---|---|
//! | `call` | the way in: who calls, whether they may, and what comes back |
//! | `fault` | the ways to fail, as SCIM errors |
//! | `sent` | bodies and queries |
//! | `users`, `groups` | the handlers |
//! | `search` | people and groups in one list |

mod call;
mod fault;
mod groups;
mod search;
mod sent;
mod users;

use actix_web::web::{self, Bytes, ServiceConfig};
use actix_web::{Error, HttpRequest, HttpResponse, Resource};
use serde_json::Value;

use super::programs::{CallError, Verb};
use super::routes::reading;
use super::site::Site;
use crate::protocol::api::ApiScope;
use crate::protocol::rights::Right;
use crate::protocol::scim::{documents, render};
use call::{Answer, Call};
use fault::Fault;

/// One address and method.
#[derive(Debug)]
struct Entry {
    method: Verb,
    /// Path below `/scim/v2`.
    path: &'static str,
    scope: ApiScope,
    /// What is needed at least; more is asked for what more is changed.
    right: Right,
    action: Action,
}

/// What an address does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Search,
    UsersSearch,
    UsersList,
    UserCreate,
    UserShow,
    UserReplace,
    UserPatch,
    UserDelete,
    GroupsSearch,
    GroupsList,
    GroupCreate,
    GroupShow,
    GroupReplace,
    GroupPatch,
    GroupDelete,
}

impl Entry {
    /// Whether the query comes in the body (RFC 7644 section 3.4.3).
    fn searches(&self) -> bool {
        matches!(self.action, Action::Search | Action::UsersSearch | Action::GroupsSearch)
    }

    /// Whether it changes something.
    fn changes(&self) -> bool {
        self.method != Verb::Get && !self.searches()
    }
}

const fn entry(
    (method, path): (Verb, &'static str),
    (scope, right): (ApiScope, Right),
    action: Action,
) -> Entry {
    Entry { method, path, scope, right, action }
}

use Action as A;
use ApiScope::{GroupsRead, GroupsWrite, UsersRead, UsersWrite};
use Right as R;
use Verb::{Delete, Get, Patch, Post, Put};

const SEARCH: &str = "/.search";
const USERS_SEARCH: &str = "/Users/.search";
const GROUPS_SEARCH: &str = "/Groups/.search";
const USERS: &str = "/Users";
const ONE_USER: &str = "/Users/{id}";
const GROUPS: &str = "/Groups";
const ONE_GROUP: &str = "/Groups/{id}";

/// Every address of resources with the scope and the right it needs.
static TABLE: &[Entry] = &[
    entry((Post, SEARCH), (UsersRead, R::PeopleRead), A::Search),
    entry((Post, USERS_SEARCH), (UsersRead, R::PeopleRead), A::UsersSearch),
    entry((Post, GROUPS_SEARCH), (GroupsRead, R::GroupsRead), A::GroupsSearch),
    entry((Get, USERS), (UsersRead, R::PeopleRead), A::UsersList),
    entry((Post, USERS), (UsersWrite, R::PeopleWrite), A::UserCreate),
    entry((Get, ONE_USER), (UsersRead, R::PeopleRead), A::UserShow),
    entry((Put, ONE_USER), (UsersWrite, R::PeopleWrite), A::UserReplace),
    entry((Patch, ONE_USER), (UsersWrite, R::PeopleWrite), A::UserPatch),
    entry((Delete, ONE_USER), (UsersWrite, R::PeopleDelete), A::UserDelete),
    entry((Get, GROUPS), (GroupsRead, R::GroupsRead), A::GroupsList),
    entry((Post, GROUPS), (GroupsWrite, R::GroupsWrite), A::GroupCreate),
    entry((Get, ONE_GROUP), (GroupsRead, R::GroupsRead), A::GroupShow),
    entry((Put, ONE_GROUP), (GroupsWrite, R::GroupsMembers), A::GroupReplace),
    entry((Patch, ONE_GROUP), (GroupsWrite, R::GroupsMembers), A::GroupPatch),
    entry((Delete, ONE_GROUP), (GroupsWrite, R::GroupsWrite), A::GroupDelete),
];

/// Every address of resources as `(method, path, scope, right)`, for tests that try each of them with each
/// role and scope.
pub fn addresses() -> impl Iterator<Item = (&'static str, &'static str, &'static str, &'static str)>
{
    TABLE.iter().map(|entry| {
        (entry.method.as_str(), entry.path, entry.scope.as_str(), entry.right.as_str())
    })
}

/// This folder's part of the URL map.
pub(super) fn routes(map: &mut ServiceConfig) {
    // Before what would take it for an id.
    map.service(of_table(web::resource("/scim/v2/.search"), SEARCH));
    map.service(of_table(web::resource("/scim/v2/Users/.search"), USERS_SEARCH));
    map.service(of_table(web::resource("/scim/v2/Groups/.search"), GROUPS_SEARCH));
    map.service(of_table(web::resource("/scim/v2/Users"), USERS));
    map.service(of_table(web::resource("/scim/v2/Users/{id}"), ONE_USER));
    map.service(of_table(web::resource("/scim/v2/Groups"), GROUPS));
    map.service(of_table(web::resource("/scim/v2/Groups/{id}"), ONE_GROUP));
    map.service(document(web::resource("/scim/v2/ServiceProviderConfig"), |base, _| {
        Ok(documents::provider(base))
    }));
    map.service(document(web::resource("/scim/v2/ResourceTypes"), |base, _| {
        Ok(all(&documents::resource_types(base)))
    }));
    map.service(document(web::resource("/scim/v2/ResourceTypes/{id}"), |base, id| {
        named(documents::resource_types(base), id)
    }));
    map.service(document(web::resource("/scim/v2/Schemas"), |base, _| {
        Ok(all(&documents::schemas(base)))
    }));
    map.service(document(web::resource("/scim/v2/Schemas/{id}"), |base, id| {
        named(documents::schemas(base), id)
    }));
    map.service(web::resource("/scim/v2/{rest:.*}").default_service(web::to(missing)));
}

/// A resource with the methods that the table has for this path.
fn of_table(resource: Resource, path: &'static str) -> Resource {
    let entries = || TABLE.iter().filter(move |entry| entry.path == path);
    let resource = entries().fold(resource, |resource, entry| {
        let handler = move |site: web::Data<Site>,
                            request: HttpRequest,
                            body: Result<Bytes, Error>| async move {
            Box::pin(call::enter(entry, (&site, &request), body)).await
        };
        resource.route(entry.method.route().to(handler))
    });
    let methods: Vec<_> = entries().map(|entry| entry.method.allowed()).collect();
    knowing(resource, methods.join(", "))
}

/// A resource that answers other methods with those it knows.
fn knowing(resource: Resource, methods: String) -> Resource {
    resource.default_service(web::to(move |request: HttpRequest| {
        let answer = Fault::from(CallError::Method(methods.clone())).response(&request);
        async move { answer }
    }))
}

/// A document about SCIM itself. There is nothing in it that is not in the program, so anybody may read it.
fn document(resource: Resource, made: fn(&str, &str) -> Result<Value, Fault>) -> Resource {
    let handler = move |site: web::Data<Site>, request: HttpRequest| async move {
        let id = request.match_info().query("id");
        match made(&call::base(&site), id) {
            Ok(body) => call::with_body(HttpResponse::Ok().finish(), &body),
            Err(fault) => fault.response(&request),
        }
    };
    knowing(resource.route(reading().to(handler)), "GET, HEAD".to_owned())
}

fn all(documents: &[Value]) -> Value {
    let total = i64::try_from(documents.len()).unwrap_or(i64::MAX);
    render::list(documents, total, 1)
}

fn named(documents: Vec<Value>, id: &str) -> Result<Value, Fault> {
    let mut documents = documents.into_iter();
    let found = documents.find(|document| document.get("id").and_then(Value::as_str) == Some(id));
    found.ok_or_else(|| Fault::not_found("document"))
}

/// Any other address.
async fn missing(request: HttpRequest) -> HttpResponse {
    Fault::not_found("address").response(&request)
}

/// Does what an address stands for.
async fn act(call: &Call<'_>, action: Action) -> Answer {
    match action {
        Action::Search => Box::pin(search::everything(call)).await,
        Action::UsersSearch | Action::UsersList => users::list(call).await,
        Action::UserCreate => users::create(call).await,
        Action::UserShow => users::show(call).await,
        Action::UserReplace => Box::pin(users::replace(call)).await,
        Action::UserPatch => Box::pin(users::patch(call)).await,
        Action::UserDelete => users::delete(call).await,
        Action::GroupsSearch | Action::GroupsList => groups::list(call).await,
        Action::GroupCreate => Box::pin(groups::create(call)).await,
        Action::GroupShow => groups::show(call).await,
        Action::GroupReplace => Box::pin(groups::replace(call)).await,
        Action::GroupPatch => Box::pin(groups::patch(call)).await,
        Action::GroupDelete => groups::delete(call).await,
    }
}
