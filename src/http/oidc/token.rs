//! `POST /oauth2/token`.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use super::{Site, client_request, error, extract};
use crate::http::headers;
use crate::protocol::types::ClientId;
use crate::service::clients::authentication::ClientRequest;
use crate::service::clients::metadata_document;
use crate::service::token;

pub(super) async fn post(
    site: web::Data<Site>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let parsed = match client_request(&site, &request, &body) {
        Ok(parsed) => parsed,
        Err(refusal) => return error::oauth(&request, &refusal.into()),
    };
    let mut response = match token::exchange(&site, &parsed).await {
        Ok(answer) => HttpResponse::Ok().insert_header((header::PRAGMA, "no-cache")).json(answer),
        Err(failure) => error::oauth(&request, &failure),
    };
    allow_origin(&site, (&request, &parsed), &mut response).await;
    response
}

/// Scripts of a public client's own origins may read its answers, errors included.
pub(super) async fn allow_origin(
    site: &Site,
    (request, parsed): (&HttpRequest, &ClientRequest),
    response: &mut HttpResponse,
) {
    let origin = extract::header_text(request.headers(), &header::ORIGIN);
    if origin.is_none() {
        return;
    }
    let Some(id) = parsed.params.sole("client_id") else { return };
    if let Ok(Some(client)) = metadata_document::known(site, &ClientId::new(id)).await {
        headers::allow_client_origin(response.headers_mut(), origin, &client);
    }
}
