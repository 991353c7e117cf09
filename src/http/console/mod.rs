//! The administrators' console. [`table`] lists every address with the right it needs, [`desk`] is
//! the only way in, and the other files answer: they show a page, or make one change through the
//! same use cases as the command line and lead on with 303.
//!
//! A GET changes nothing; every change is a POST whose form carries the session's CSRF token.
//!
//! | module | job |
//! |---|---|
//! | `table` | every address with the right it needs |
//! | `desk` | the way in: who asks, whether the console is open to them, and if they may |
//! | `step_up` | a sign-in of the last minutes for secrets, keys, power and backups |
//! | `received` | what a request carries: a form, and with some of them a file |
//! | `seen`, `shown` | a change is saved only if it was made from what is stored |
//! | `flash` | one message from a change to the page that is shown next |
//! | `named`, `new_groups` | a name typed before a deletion; a group that was named and is not there |
//! | `rows`, `sorting`, `members` | what pages with lists do alike |
//! | `overview`, `get_started`, `warnings` | the first page: figures, first steps, and what needs attention |
//! | `people`, `selected`, `imports` | the list of people, one change for several, and a file of them |
//! | `person` | one person |
//! | `connections`, `temporary_password` | on their page: what stays signed in, a password for once |
//! | `groups`, `organisations` | in what people are |
//! | `apps`, `wizard` | the list of apps, and the way to a new one |
//! | `app_forms`, `app_terms`, `app_parts` | the forms that make and change an app |
//! | `roles`, `secrets`, `logos` | what belongs to an app; `logos` has the installation's, too |
//! | `connect`, `trial`, `preview` | how an app is set up, whether it works yet, and what it would be told |
//! | `registration_tokens` | with what apps register themselves |
//! | `try_it`, `try_it_callback` | a sign-in with Doorward as an app of itself |
//! | `sessions` | who is signed in where |
//! | `issuers` | trusted issuers |
//! | `upstream`, `upstream_forms` | providers elsewhere at which people have an account |
//! | `keys`, `api_keys` | the keys that sign, and those of administrators' programs |
//! | `webhooks` | endpoints of others that are told what happens |
//! | `settings`, `setting_words` | settings that may change while servers run, and what they are called |
//! | `mail` | whether letters leave |
//! | `configuration`, `audit` | what the server runs with, and what happened |
//! | `jobs`, `backup` | what waits to be sent, and backups |

mod api_keys;
mod app_forms;
mod app_parts;
mod app_terms;
mod apps;
mod audit;
mod backup;
mod configuration;
mod connect;
mod connections;
mod desk;
mod flash;
mod get_started;
mod groups;
mod imports;
mod issuers;
mod jobs;
mod keys;
mod logos;
mod mail;
mod members;
mod named;
mod new_groups;
mod organisations;
mod overview;
mod people;
mod person;
mod preview;
mod received;
mod registration_tokens;
mod roles;
mod rows;
mod secrets;
mod seen;
mod selected;
mod sessions;
mod setting_words;
mod settings;
mod shown;
mod sorting;
mod step_up;
mod table;
mod temporary_password;
mod trial;
mod try_it;
mod try_it_callback;
mod upstream;
mod upstream_forms;
mod warnings;
mod webhooks;
mod wizard;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{self, Bytes, ServiceConfig};
use actix_web::{Error, HttpRequest, HttpResponse};

use super::render;
use super::routes::{asking, only, reading};
use super::site::Site;
use super::upload::LONGEST_FORM;
use desk::{Answer, Desk};
use received::Sent;
use table::{Action, Carries, Entry, Method, TABLE};

/// What was sent, or why it could not be read.
type Body = Result<Bytes, Error>;

/// This folder's part of the URL map.
pub(super) fn routes(map: &mut ServiceConfig) {
    let mut known = Vec::new();
    for path in TABLE.iter().map(|entry| entry.path) {
        if known.contains(&path) {
            continue;
        }
        known.push(path);
        let entries = || TABLE.iter().filter(|entry| entry.path == path);
        let resource = entries().fold(web::resource(path), |resource, entry| {
            let route = match entry.method {
                Method::Get => reading(),
                Method::Post => web::post(),
            };
            if entry.carries == Carries::People {
                let handler = move |site: web::Data<Site>, request: HttpRequest, body| {
                    enter(entry, site, request, Ok(Sent::Streaming(body)))
                };
                return resource.route(route.to(handler));
            }
            let handler = move |site: web::Data<Site>, request: HttpRequest, body: Body| {
                enter(entry, site, request, body.map(Sent::Whole))
            };
            resource.route(route.to(handler))
        });
        let methods = entries().map(|entry| match entry.method {
            Method::Get => "GET, HEAD",
            Method::Post => "POST",
        });
        let methods = methods.collect::<Vec<_>>().join(", ");
        let other = move |site: web::Data<Site>, request: HttpRequest| {
            other_method(methods.clone(), site, request)
        };
        let resource = resource.default_service(web::to(other));
        map.service(if entries().any(|entry| entry.carries == Carries::Picture) {
            resource.app_data(web::PayloadConfig::new(LONGEST_FORM))
        } else {
            resource
        });
    }
    let callback = only("/admin/try/callback", web::get().to(try_it_callback::get));
    map.service(callback.route(asking()));
    map.service(web::resource("/admin/{rest:.*}").default_service(web::to(missing)));
}

/// Every address of the console as `(method, path, right)`, for tests that try each of them with
/// each role; the rights are those of [`crate::protocol::rights::TABLE`].
pub fn addresses() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    TABLE.iter().map(|entry| (entry.method.as_str(), entry.path, entry.right.as_str()))
}

/// Any other address below `/admin`.
async fn missing(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    desk::missing(&site, &request).await
}

/// A method that the address does not have: somebody has reloaded the answer to a form, say.
async fn other_method(
    methods: String,
    site: web::Data<Site>,
    request: HttpRequest,
) -> HttpResponse {
    let mut response = desk::missing(&site, &request).await;
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    if let Ok(methods) = HeaderValue::from_str(&methods) {
        response.headers_mut().insert(header::ALLOW, methods);
    }
    response
}

async fn enter(
    entry: &'static Entry,
    site: web::Data<Site>,
    request: HttpRequest,
    sent: Result<Sent, Error>,
) -> HttpResponse {
    match sent {
        Ok(sent) => Box::pin(desk::enter(entry, (&site, &request), sent)).await,
        // A picture straight from a camera, say.
        Err(error) => match error.as_response_error().status_code() {
            StatusCode::PAYLOAD_TOO_LARGE => render::form_too_long(&site, &request),
            _ => error.error_response(),
        },
    }
}

/// Does what an address stands for.
#[expect(clippy::too_many_lines, reason = "one line for every address")]
async fn act(desk: &Desk<'_>, action: Action) -> Answer {
    match action {
        Action::Overview => Box::pin(overview::show(desk)).await,
        Action::GetStartedDismiss => get_started::dismiss(desk).await,
        Action::PeopleList => people::list(desk).await,
        Action::PeopleAskSelected => Box::pin(selected::ask(desk)).await,
        Action::PeopleSelected => Box::pin(selected::carry_out(desk)).await,
        Action::PeopleImport(action) => Box::pin(imports::act(desk, action)).await,
        Action::PersonNew => people::new(desk),
        Action::PersonCreate => people::create(desk).await,
        Action::PersonShow => person::show(desk).await,
        Action::PersonEdit => person::edit(desk).await,
        Action::PersonEnable => person::enable(desk).await,
        Action::PersonAskDisable => person::ask_disable(desk).await,
        Action::PersonDisable => person::disable(desk).await,
        Action::PersonResetLink => person::reset_link(desk).await,
        Action::PersonAskTemporary => temporary_password::ask(desk).await,
        Action::PersonTemporary => temporary_password::give(desk).await,
        Action::PersonAskSignOut => person::ask_sign_out(desk).await,
        Action::PersonSignOut => person::sign_out(desk).await,
        Action::PersonAskRemoveApp => person::ask_remove_app(desk).await,
        Action::PersonRemoveApp => person::remove_app(desk).await,
        Action::PersonEndConnection => connections::end(desk).await,
        Action::PersonAskDelete => person::ask_delete(desk).await,
        Action::PersonDelete => person::delete(desk).await,
        Action::GroupsList => groups::list(desk).await,
        Action::GroupCreate => groups::create(desk).await,
        Action::GroupShow => groups::show(desk).await,
        Action::GroupEdit => groups::edit(desk).await,
        Action::GroupAddMember => groups::add_member(desk).await,
        Action::GroupRemoveMember => groups::remove_member(desk).await,
        Action::GroupAddManager => groups::add_manager(desk).await,
        Action::GroupRemoveManager => groups::remove_manager(desk).await,
        Action::GroupAskDelete => groups::ask_delete(desk),
        Action::GroupDelete => groups::delete(desk).await,
        Action::OrganisationsList => organisations::list(desk).await,
        Action::OrganisationCreate => organisations::create(desk).await,
        Action::OrganisationShow => organisations::show(desk).await,
        Action::OrganisationEdit => organisations::edit(desk).await,
        Action::OrganisationAddMember => organisations::add_member(desk).await,
        Action::OrganisationAskRemoveMember => organisations::ask_remove_member(desk).await,
        Action::OrganisationRemoveMember => organisations::remove_member(desk).await,
        Action::OrganisationAskDelete => organisations::ask_delete(desk).await,
        Action::OrganisationDelete => organisations::delete(desk).await,
        Action::AppsList => apps::list(desk).await,
        Action::Try(step) => Box::pin(try_it::act(desk, step)).await,
        Action::AppNew => wizard::new(desk),
        Action::AppCreate => Box::pin(app_forms::create(desk)).await,
        Action::AppShow => Box::pin(app_forms::show(desk)).await,
        Action::AppConnect => connect::show(desk).await,
        Action::AppTrial => trial::show(desk).await,
        Action::AppAskPreview => preview::ask(desk).await,
        Action::AppPreview => preview::show(desk).await,
        Action::AppAskAddUri => trial::ask_add_uri(desk).await,
        Action::AppAddUri => trial::add_uri(desk).await,
        Action::AppRequirePkce => trial::require_pkce(desk).await,
        Action::AppRefresh => apps::refresh(desk).await,
        Action::AppAddSecret => Box::pin(secrets::add(desk)).await,
        Action::AppAskRetireSecret => secrets::ask_retire(desk).await,
        Action::AppRetireSecret => secrets::retire(desk).await,
        Action::AppEdit => Box::pin(app_forms::edit(desk)).await,
        Action::AppCredentials => app_terms::credentials(desk).await,
        Action::AppEditCredentials => Box::pin(app_terms::edit_credentials(desk)).await,
        Action::AppTokens => app_terms::tokens(desk).await,
        Action::AppEditTokens => Box::pin(app_terms::edit_tokens(desk)).await,
        Action::AppLogoSet => logos::set_app(desk).await,
        Action::AppLogoRemove => logos::remove_app(desk).await,
        Action::AppEnable => apps::enable(desk).await,
        Action::AppAskDisable => apps::ask_disable(desk).await,
        Action::AppDisable => apps::disable(desk).await,
        Action::AppAskRotateSecret => apps::ask_rotate_secret(desk).await,
        Action::AppRotateSecret => apps::rotate_secret(desk).await,
        Action::AppAskRevokeRegistration => apps::ask_revoke_registration(desk).await,
        Action::AppRevokeRegistration => apps::revoke_registration(desk).await,
        Action::AppAskDelete => apps::ask_delete(desk).await,
        Action::AppDelete => apps::delete(desk).await,
        Action::RolesShow => roles::show(desk).await,
        Action::RoleCreate => roles::create(desk).await,
        Action::RoleEdit => roles::edit(desk).await,
        Action::RoleGive => roles::give(desk).await,
        Action::RoleTake => roles::take(desk).await,
        Action::RoleAskDelete => roles::ask_delete(desk).await,
        Action::RoleDelete => roles::delete(desk).await,
        Action::RegistrationToken(step) => registration_tokens::act(desk, step).await,
        Action::SessionsList => sessions::list(desk).await,
        Action::SessionsAskEndMany => sessions::ask_end_many(desk).await,
        Action::SessionsEndMany => Box::pin(sessions::end_many(desk)).await,
        Action::SessionEnd => sessions::end(desk).await,
        Action::IssuersList => issuers::list(desk).await,
        Action::IssuerNew => issuers::new(desk),
        Action::IssuerCreate => issuers::create(desk).await,
        Action::IssuerShow => issuers::show(desk).await,
        Action::IssuerEdit => issuers::edit(desk).await,
        Action::IssuerEnable => issuers::enable(desk).await,
        Action::IssuerAskDisable => issuers::ask_disable(desk).await,
        Action::IssuerDisable => issuers::disable(desk).await,
        Action::IssuerAskDelete => issuers::ask_delete(desk).await,
        Action::IssuerDelete => issuers::delete(desk).await,
        Action::KeysList => keys::list(desk).await,
        Action::KeyPublic => keys::public(desk).await,
        Action::KeyRotate => keys::rotate(desk).await,
        Action::KeyAskRetire => keys::ask_retire(desk).await,
        Action::KeyRetire => keys::retire(desk).await,
        Action::Upstream(step) => Box::pin(upstream::act(desk, step)).await,
        Action::Webhook(step) => webhooks::act(desk, step).await,
        Action::ApiKeysList => api_keys::list(desk).await,
        Action::ApiKeyNew => api_keys::new(desk),
        Action::ApiKeyCreate => api_keys::create(desk).await,
        Action::ApiKeyAskRevoke => api_keys::ask_revoke(desk).await,
        Action::ApiKeyRevoke => api_keys::revoke(desk).await,
        Action::ConfigurationShow => Box::pin(configuration::show(desk)).await,
        Action::SettingsShow => settings::show(desk).await,
        Action::SettingsSave => settings::save(desk).await,
        Action::MailShow => mail::show(desk).await,
        Action::MailTest => Box::pin(mail::test(desk)).await,
        Action::BrandLogoSet => logos::set_brand(desk).await,
        Action::BrandLogoRemove => logos::remove_brand(desk).await,
        Action::AuditList => audit::list(desk).await,
        Action::AuditExport => audit::export(desk).await,
        Action::JobsList => jobs::list(desk).await,
        Action::JobRetry => jobs::retry(desk).await,
        Action::JobAskDiscard => jobs::ask_discard(desk).await,
        Action::JobDiscard => jobs::discard(desk).await,
        Action::BackupShow => backup::show(desk).await,
        Action::BackupMake => backup::download(desk).await,
    }
}
