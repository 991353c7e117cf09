//! `POST /oauth2/revoke`.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use super::{Site, client_request, error, extract};
use crate::http::headers;
use crate::protocol::types::ClientId;
use crate::service::{clients, token_revocation};

pub(super) async fn post(
    site: web::Data<Site>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let parsed = match client_request(&site, &request, &body) {
        Ok(parsed) => parsed,
        Err(refusal) => return error::oauth(&request, &refusal.into()),
    };
    if let Err(failure) = token_revocation::revoke(&site, &parsed).await {
        return error::oauth(&request, &failure);
    }
    let mut response = HttpResponse::Ok().finish();
    let origin = extract::header_text(request.headers(), &header::ORIGIN);
    if let (Some(_), Some(id)) = (origin, parsed.params.sole("client_id"))
        && let Ok(Some(client)) = clients::find(&site, &ClientId::new(id)).await
    {
        headers::allow_client_origin(response.headers_mut(), origin, &client);
    }
    response
}
