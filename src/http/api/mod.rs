//! The interface for programs below `/api/v1`.
//!
//! | module | job |
//! |---|---|
//! | `table` | every address with its scope and right |
//! | `call` | the way in: who calls, and whether they may |
//! | `reply` | answers that are no errors |
//! | `fault` | the ways to fail, as problem details |
//! | `sent` | bodies, queries and conditions, read strictly |
//! | `shapes`, `views` | what each address takes and answers |
//! | `openapi` | the API as a document |
//! | `users`, `connections`, `groups`, `organisations`, `clients`, `client_secrets`, `roles`, `registration_tokens`, `issuers`, `upstream`, `webhooks`, `service_state`, `settings`, `configuration`, `logos`, `jobs`, `mail`, `api_keys`, `overview`, `preview` | the handlers |
//! | `metadata_change` | metadata of an app in which null gives back what is usual |
//! | `session_data` | values that apps keep beside sessions; a way in of its own |

mod api_keys;
mod call;
mod client_secrets;
mod clients;
mod configuration;
mod connections;
mod fault;
mod groups;
mod issuers;
mod jobs;
mod logos;
mod mail;
mod metadata_change;
mod openapi;
mod organisations;
mod overview;
mod preview;
mod registration_tokens;
mod reply;
mod roles;
mod sent;
mod service_state;
mod session_data;
mod settings;
mod shapes;
mod table;
mod upstream;
mod users;
mod views;
mod webhooks;

use actix_web::http::Method;
use actix_web::web::{self, Bytes, ServiceConfig};
use actix_web::{Error, HttpRequest, HttpResponse};

use super::programs::CallError;
use super::routes::{only, reading};
use super::site::Site;
use crate::pictures::LONGEST;
use crate::service::clients::Activity;
use crate::service::clients::roles::Giving;
use crate::service::people::groups::{Charge, Membership};
use call::Call;
use fault::Fault;
use reply::Answer;
use table::{Action, entries};

/// This folder's part of the URL map.
pub(super) fn routes(map: &mut ServiceConfig) {
    map.service(
        web::resource("/api/v1/session-data/{key}")
            .route(reading().to(session_data::get))
            .route(web::put().to(session_data::put))
            .route(web::patch().to(session_data::patch))
            .route(web::delete().to(session_data::delete))
            .route(web::method(Method::OPTIONS).to(session_data::preflight)),
    );
    map.service(only("/api/v1/openapi.json", reading().to(document)));
    let mut known = Vec::new();
    for path in entries().map(|entry| entry.path) {
        if !known.contains(&path) {
            known.push(path);
            resource(map, path);
        }
    }
    map.service(web::resource("/api/v1/{rest:.*}").default_service(web::to(missing)));
}

/// One path of the table with all its methods.
fn resource(map: &mut ServiceConfig, path: &'static str) {
    let methods_here = || entries().filter(|entry| entry.path == path);
    let resource =
        methods_here().fold(web::resource(format!("/api/v1{path}")), |resource, entry| {
            let handler = move |site: web::Data<Site>,
                                request: HttpRequest,
                                body: Result<Bytes, Error>| async move {
                Box::pin(call::enter(entry, (&site, &request), body)).await
            };
            resource.route(entry.method.route().to(handler))
        });
    let methods: Vec<_> = methods_here().map(|entry| entry.method.allowed()).collect();
    let methods = methods.join(", ");
    let other = move |request: HttpRequest| {
        let answer = Fault::from(CallError::Method(methods.clone())).response(&request);
        async move { answer }
    };
    let resource = resource.default_service(web::to(other));
    map.service(if methods_here().any(shapes::takes_picture) {
        resource.app_data(web::PayloadConfig::new(LONGEST))
    } else {
        resource
    });
}

/// Every address as `(method, path, scope, right)`, for tests that try each of them with each role and
/// scope.
pub fn addresses() -> impl Iterator<Item = (&'static str, &'static str, &'static str, &'static str)>
{
    entries().map(|entry| {
        (entry.method.as_str(), entry.path, entry.scope.as_str(), entry.right.as_str())
    })
}

/// The OpenAPI document; there is nothing in it that is not in the program, so anybody may read it.
async fn document(site: web::Data<Site>) -> HttpResponse {
    HttpResponse::Ok().json(openapi::document(site.issuer()))
}

/// Any other address.
async fn missing(request: HttpRequest) -> HttpResponse {
    Fault::not_found("address").response(&request)
}

/// Does what an address stands for.
#[expect(clippy::too_many_lines, reason = "one line for every address")]
async fn act(call: &Call<'_>, action: Action) -> Answer {
    match action {
        Action::UsersList => users::list(call).await,
        Action::UserCreate => users::create(call).await,
        Action::UserShow => users::show(call),
        Action::UserPatch => users::patch(call).await,
        Action::UserDelete => users::delete(call).await,
        Action::UserDeleteLater => users::delete_later(call).await,
        Action::UserDisable => users::set_activity(call, Activity::Disabled).await,
        Action::UserEnable => users::set_activity(call, Activity::Enabled).await,
        Action::UserApps => users::apps(call).await,
        Action::UserAppRemove => users::remove_app(call).await,
        Action::UserConnections => connections::list(call).await,
        Action::UserConnectionEnd => connections::end(call).await,
        Action::UserSignOut => users::sign_out(call).await,
        Action::UserResetLink => users::reset_link(call).await,
        Action::UserTemporaryPassword => users::temporary_password(call).await,
        Action::GroupsList => groups::list(call).await,
        Action::GroupCreate => groups::create(call).await,
        Action::GroupShow => groups::show(call),
        Action::GroupPatch => groups::patch(call).await,
        Action::GroupDelete => groups::delete(call).await,
        Action::MembersList => groups::members(call).await,
        Action::MemberAdd => groups::member(call, Membership::In).await,
        Action::MemberRemove => groups::member(call, Membership::Out).await,
        Action::ManagersList => groups::managers(call).await,
        Action::ManagerAdd => groups::manager(call, Charge::Given).await,
        Action::ManagerRemove => groups::manager(call, Charge::Taken).await,
        Action::OrganisationsList => organisations::list(call).await,
        Action::OrganisationCreate => organisations::create(call).await,
        Action::OrganisationShow => organisations::show(call),
        Action::OrganisationPatch => organisations::patch(call).await,
        Action::OrganisationDelete => organisations::delete(call).await,
        Action::OrganisationPeople => organisations::people(call).await,
        Action::OrganisationAdd => organisations::member(call, Membership::In).await,
        Action::OrganisationRemove => organisations::member(call, Membership::Out).await,
        Action::ClientsList => clients::list(call).await,
        Action::ClientCreate => Box::pin(clients::create(call)).await,
        Action::ClientShow => clients::show(call).await,
        Action::ClientPatch => Box::pin(clients::patch(call)).await,
        Action::ClientDelete => clients::delete(call).await,
        Action::ClientDisable => clients::set_activity(call, Activity::Disabled).await,
        Action::ClientEnable => clients::set_activity(call, Activity::Enabled).await,
        Action::ClientRefresh => clients::refresh(call).await,
        Action::ClientRevokeRegistration => clients::revoke_registration(call).await,
        Action::ClientSecret => clients::new_secret(call).await,
        Action::ClientLogoPut => logos::put_app(call).await,
        Action::ClientLogoDelete => logos::remove_app(call).await,
        Action::ClientPreview => Box::pin(preview::show(call)).await,
        Action::SecretsList => client_secrets::list(call).await,
        Action::SecretAdd => client_secrets::add(call).await,
        Action::SecretRemove => client_secrets::remove(call).await,
        Action::RolesList => roles::list(call).await,
        Action::RoleCreate => roles::create(call).await,
        Action::RoleShow => roles::show(call).await,
        Action::RolePatch => roles::patch(call).await,
        Action::RoleDelete => roles::delete(call).await,
        Action::RoleUsersList => roles::people(call).await,
        Action::RoleUserAdd => roles::person(call, Giving::Given).await,
        Action::RoleUserRemove => roles::person(call, Giving::Taken).await,
        Action::RoleGroupsList => roles::groups(call).await,
        Action::RoleGroupAdd => roles::group(call, Giving::Given).await,
        Action::RoleGroupRemove => roles::group(call, Giving::Taken).await,
        Action::RegistrationTokensList => registration_tokens::list(call).await,
        Action::RegistrationTokenCreate => registration_tokens::create(call).await,
        Action::RegistrationTokenShow => registration_tokens::show(call).await,
        Action::RegistrationTokenRevoke => registration_tokens::revoke(call).await,
        Action::SessionsList => service_state::sessions(call).await,
        Action::SessionsEndMany => Box::pin(service_state::end_sessions(call)).await,
        Action::SessionEnd => service_state::end_session(call).await,
        Action::KeysList => service_state::keys(call).await,
        Action::KeysRotate => service_state::rotate_keys(call).await,
        Action::KeyRetire => service_state::retire_key(call).await,
        Action::IssuersList => issuers::list(call).await,
        Action::IssuerCreate => Box::pin(issuers::create(call)).await,
        Action::IssuerShow => issuers::show(call).await,
        Action::IssuerPatch => Box::pin(issuers::patch(call)).await,
        Action::IssuerDelete => issuers::delete(call).await,
        Action::IssuerDisable => issuers::set_activity(call, Activity::Disabled).await,
        Action::IssuerEnable => issuers::set_activity(call, Activity::Enabled).await,
        Action::UpstreamList => upstream::list(call).await,
        Action::UpstreamCreate => Box::pin(upstream::create(call)).await,
        Action::UpstreamShow => upstream::show(call).await,
        Action::UpstreamPatch => Box::pin(upstream::patch(call)).await,
        Action::UpstreamDelete => upstream::delete(call).await,
        Action::UpstreamDisable => upstream::set_activity(call, Activity::Disabled).await,
        Action::UpstreamEnable => upstream::set_activity(call, Activity::Enabled).await,
        Action::UpstreamTest => Box::pin(upstream::test(call)).await,
        Action::UpstreamPreview => upstream::show_person(call).await,
        Action::WebhooksList => webhooks::list(call).await,
        Action::WebhookCreate => webhooks::create(call).await,
        Action::WebhookShow => webhooks::show(call).await,
        Action::WebhookPatch => webhooks::patch(call).await,
        Action::WebhookDelete => webhooks::delete(call).await,
        Action::WebhookDisable => webhooks::set_activity(call, Activity::Disabled).await,
        Action::WebhookEnable => webhooks::set_activity(call, Activity::Enabled).await,
        Action::WebhookSecret => webhooks::new_secret(call).await,
        Action::WebhookTest => Box::pin(webhooks::test(call)).await,
        Action::DeliveryRepeat => webhooks::repeat(call).await,
        Action::DeliveriesList => webhooks::deliveries(call).await,
        Action::AuditList => service_state::audit_events(call).await,
        Action::JobsList => jobs::list(call).await,
        Action::JobRetry => jobs::retry(call).await,
        Action::JobDiscard => jobs::discard(call).await,
        Action::MailTest => Box::pin(mail::test(call)).await,
        Action::ApiKeysList => api_keys::list(call).await,
        Action::ApiKeyRevoke => api_keys::revoke(call).await,
        Action::OverviewShow => overview::show(call).await,
        Action::ConfigurationShow => configuration::show(call).await,
        Action::SettingsList => settings::list(call),
        Action::SettingShow => settings::show(call),
        Action::SettingPut => settings::put(call).await,
        Action::SettingDelete => settings::delete(call).await,
        Action::BrandLogoPut => logos::put_brand(call).await,
        Action::BrandLogoDelete => logos::remove_brand(call).await,
    }
}
