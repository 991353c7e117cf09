//! Where each part of the URL map is. A folder puts its own addresses into the map, in a function `routes`
//! of its own; here they are called, in the order of this table.
//!
//! | address | file |
//! |---|---|
//! | `/gateway/verify`, `/gateway/start` | `gateway/mod.rs` |
//! | `/oauth2/…`, `/.well-known/…` but for one address of it | `oidc/mod.rs` |
//! | `/gateway/envoy…` | `gateway/mod.rs` |
//! | `/livez`, `/readyz`, `/healthz` | here |
//! | `/.well-known/change-password` | `sign_in/mod.rs` |
//! | `/`, `/login…`, `/consent`, `/device`, `/setup`, `/logout` | `sign_in/mod.rs` |
//! | `/static/…`, `/branding/…` | here |
//! | `/api/v1/…` | `api/mod.rs`; its lines are in `api/table.rs` |
//! | `/scim/v2/…` | `scim/mod.rs` |
//! | `/account`, `/account/sessions/…`, `/account/connections/…` | `account/mod.rs` |
//! | `/account/allowed/end` | `account/allowed_apps.rs` |
//! | `/account/organisations` | `account/organisations.rs` |
//! | `/account/sign-out` | `account/sign_out.rs` |
//! | `/admin…` | `console/mod.rs`; its lines are in `console/table.rs` |
//!
//! The management listener has `/metrics`, and the three addresses of health as well.
//!
//! How often somebody may ask is no part of the map: the use cases decide it, by who asks and
//! for what (`service::brake`). The headers of an answer are its handler's, completed by `headers`.

use actix_web::http::header;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Resource, Route, guard};

use super::site::Site;
use super::{account, api, assets, branding, console, gateway, oidc, ops, scim, sign_in};
use crate::http::account::{allowed_apps, organisations, sign_out};
use crate::protocol::discovery::path;

/// How something that is only looked at is asked for: by GET, or by HEAD, which is answered alike
/// but for the body (RFC 9110 section 9.3.2); the connection leaves that out. Not for a GET that may
/// change something, as those of the authorization and logout endpoints do: [`asking`] is for them.
pub(super) fn reading() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// How HEAD is answered where a GET may make a code or a cookie or end a session: that this is a page,
/// and no more. Every server must know HEAD (RFC 9110 section 9.1), and HEAD never changes anything,
/// so the headers that only the work of a GET would tell are left out (section 9.3.2).
pub(super) fn asking() -> Route {
    web::head().to(only_a_page)
}

/// What [`asking`] answers.
pub(super) async fn only_a_page() -> HttpResponse {
    HttpResponse::Ok().insert_header(header::ContentType::html()).finish()
}

/// A path with one kind of request. Other methods are answered with 405 and what there is, which
/// [`ServiceConfig::route`] would not do.
pub(super) fn only(path: &str, route: Route) -> Resource {
    web::resource(path).route(route)
}

/// What people and clients see. An issuer with a path has everything below that path, and also
/// RFC 8414's form of both metadata URLs, where the path comes after the well-known part (section 5
/// there: clients of a profile of OAuth look for OpenID Connect's document in that place, too), and
/// WebFinger at the root of the host, the only place where clients look for it.
pub(super) fn public(map: &mut ServiceConfig, site: &Site) {
    if site.base.is_empty() {
        below_issuer(map);
    } else {
        for document in [path::OPENID_CONFIGURATION, path::AUTHORIZATION_SERVER] {
            let inserted = format!("{document}{}", site.base);
            map.service(only(&inserted, reading().to(oidc::document)));
        }
        map.service(only(path::WEBFINGER, reading().to(oidc::webfinger)));
        map.service(web::scope(&site.base).configure(below_issuer));
    }
    map.default_service(web::to(sign_in::not_found));
}

/// A request is held against one path after the other, and with those that have parameters it takes
/// long. So what programs ask all the time comes first, and the console, with dozens of such paths,
/// last. None covers a path of another line here.
fn below_issuer(map: &mut ServiceConfig) {
    gateway::routes(map);
    oidc::routes(map);
    gateway::envoy(map);
    health(map);
    sign_in::routes(map);
    map.service(only("/static/{name:.*}", reading().to(asset)));
    map.service(only("/branding/{name}", reading().to(branding::file)));
    api::routes(map);
    scim::routes(map);
    account::routes(map);
    allowed_apps::routes(map);
    organisations::routes(map);
    sign_out::routes(map);
    console::routes(map);
}

/// What only operators see, on its own listener.
pub(super) fn management(map: &mut ServiceConfig) {
    health(map);
    map.service(only("/metrics", reading().to(ops::metrics)));
}

/// A static file; its URL changes whenever its bytes do.
async fn asset(name: web::Path<String>) -> HttpResponse {
    match assets::by_path(&name) {
        Some(asset) => HttpResponse::Ok()
            .insert_header((header::CACHE_CONTROL, assets::CACHE_CONTROL))
            .insert_header((header::CONTENT_TYPE, asset.mime))
            .body(asset.bytes.as_slice()),
        None => HttpResponse::NotFound().finish(),
    }
}

fn health(map: &mut ServiceConfig) {
    map.service(only("/livez", reading().to(ops::livez)))
        .service(only("/readyz", reading().to(ops::readyz)))
        .service(only("/healthz", reading().to(ops::readyz)));
}
