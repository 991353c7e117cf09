//! `POST /oauth2/revoke`.

use actix_web::{HttpRequest, HttpResponse, web};

use super::token::allow_origin;
use super::{Site, client_request, error};
use crate::service::token::token_revocation;

pub(super) async fn post(
    site: web::Data<Site>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let parsed = match client_request(&site, &request, &body) {
        Ok(parsed) => parsed,
        Err(refusal) => return error::oauth(&request, &refusal.into()),
    };
    let mut response = match token_revocation::revoke(&site, &parsed).await {
        Ok(()) => HttpResponse::Ok().finish(),
        Err(failure) => error::oauth(&request, &failure),
    };
    allow_origin(&site, (&request, &parsed), &mut response).await;
    response
}
