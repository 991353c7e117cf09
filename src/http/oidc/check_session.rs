//! `GET /oauth2/check_session`: the page behind `check_session_iframe`.

use actix_web::http::header::{self, HeaderName};
use actix_web::{HttpResponse, web};

use super::Site;
use crate::http::cookies::Kind;
use crate::http::pages;
use crate::http::pages::check_session::{CheckSession, SCRIPT_SOURCE};

/// The same for everybody: the answer to "has it changed?" is made in the browser, from a cookie.
pub(super) async fn get(site: web::Data<Site>) -> HttpResponse {
    let policy = format!("default-src 'none'; script-src {SCRIPT_SOURCE}; frame-ancestors *");
    let page = CheckSession { cookie: Kind::State.name(site.transport) };
    HttpResponse::Ok()
        .insert_header((header::CONTENT_SECURITY_POLICY, policy))
        .insert_header((HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"))
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .content_type("text/html; charset=utf-8")
        .body(pages::render(&page))
}
