//! The whole URL map.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{self, ServiceConfig};

use super::site::Site;
use super::{account, assets, console, oidc, ops, sign_in};

/// What people and clients see. An issuer with a path has everything below that path, and also
/// RFC 8414's form of the metadata URL, where the path comes after the well-known part.
pub(super) fn public(map: &mut ServiceConfig, site: &Site) {
    if site.base.is_empty() {
        below_issuer(map);
    } else {
        let inserted = format!("/.well-known/oauth-authorization-server{}", site.base);
        map.route(&inserted, web::get().to(oidc::document));
        map.service(web::scope(&site.base).configure(below_issuer));
    }
    map.default_service(web::to(sign_in::not_found));
}

fn below_issuer(map: &mut ServiceConfig) {
    oidc::routes(map);
    sign_in::routes(map);
    account::routes(map);
    console::routes(map);
    map.route("/static/{name:.*}", web::get().to(asset));
    health(map);
}

/// What only operators see, on its own listener.
pub(super) fn management(map: &mut ServiceConfig) {
    health(map);
    map.route("/metrics", web::get().to(ops::metrics));
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
    map.route("/livez", web::get().to(ops::livez))
        .route("/readyz", web::get().to(ops::readyz))
        .route("/healthz", web::get().to(ops::readyz));
}
