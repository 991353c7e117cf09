//! `POST /oauth2/introspect`.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use super::{Site, client_request, error};
use crate::http::extract;
use crate::service::token::envelope::Representation;
use crate::service::token::introspection::{self, Accepts};

/// RFC 9701 section 4.
const JWT: &str = "application/token-introspection+jwt";

pub(super) async fn post(
    site: web::Data<Site>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let parsed = match client_request(&site, &request, &body) {
        Ok(parsed) => parsed,
        Err(refusal) => return error::oauth(&request, &refusal.into()),
    };
    match introspection::introspect(&site, &parsed, accepts(&request)).await {
        Ok(Representation::Json(answer)) => {
            HttpResponse::Ok().insert_header(error::JSON).body(answer)
        }
        Ok(Representation::Jwt(token)) => {
            HttpResponse::Ok().insert_header((header::CONTENT_TYPE, JWT)).body(token)
        }
        Err(failure) => error::oauth(&request, &failure),
    }
}

/// Whoever names the media type of signed answers wants one, whatever else it could read.
fn accepts(request: &HttpRequest) -> Accepts {
    let accept = extract::header_text(request.headers(), &header::ACCEPT).unwrap_or_default();
    let names_it = accept.split(',').any(|range| {
        let (media_type, _) = range.split_once(';').unwrap_or((range, ""));
        media_type.trim().eq_ignore_ascii_case(JWT)
    });
    if names_it { Accepts::Jwt } else { Accepts::Json }
}
