//! `GET` and `POST /oauth2/logout`: RP-initiated logout.

use actix_web::{HttpRequest, HttpResponse, web};

use super::{Site, extract};
use crate::http::render;
use crate::http::sign_in::sign_out;
use crate::protocol::params::Params;

pub(super) async fn get(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    start(&site, &request, Params::parse(request.query_string().as_bytes()).ok()).await
}

pub(super) async fn post(
    site: web::Data<Site>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    start(&site, &request, extract::form(&request, &body).ok()).await
}

async fn start(site: &Site, request: &HttpRequest, params: Option<Params>) -> HttpResponse {
    match params {
        Some(params) => sign_out::begin(site, request, &params).await,
        None => render::bad_request(site, request),
    }
}
