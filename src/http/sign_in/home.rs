//! `/`, and everything that is not there.

use actix_web::{HttpRequest, HttpResponse, web};

use super::steps;
use crate::http::render;
use crate::http::site::Site;

pub(super) async fn get(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    match steps::session_or_failure(&site, &request).await {
        Ok(Some(_)) => steps::see_other(&site.path("/account")),
        Ok(None) => render::home(&site, &request),
        Err(response) => response,
    }
}

/// Where password managers send people (W3C "A Well-Known URL for Changing Passwords").
pub(super) async fn change_password(site: web::Data<Site>) -> HttpResponse {
    steps::see_other(&site.path("/account"))
}

/// Any other path.
pub(in crate::http) async fn not_found(
    site: web::Data<Site>,
    request: HttpRequest,
) -> HttpResponse {
    render::not_found(&site, &request)
}
