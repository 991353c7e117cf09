//! `POST /oauth2/device_authorization`.

use actix_web::{HttpRequest, HttpResponse, web};

use super::{Site, client_request, error};
use crate::service::authorize::device;

pub(super) async fn post(
    site: web::Data<Site>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let parsed = match client_request(&site, &request, &body) {
        Ok(parsed) => parsed,
        Err(refusal) => return error::oauth(&request, &refusal.into()),
    };
    match device::begin(&site, &parsed).await {
        Ok(answer) => HttpResponse::Ok().json(answer),
        Err(failure) => error::oauth(&request, &failure),
    }
}
