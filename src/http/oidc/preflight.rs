//! CORS preflight. It reveals nothing and no cookie counts here, so any origin may ask; whether a
//! script may read the real answer is decided there, by the client it is for.

use actix_web::http::header::{self, HeaderName};
use actix_web::{HttpRequest, HttpResponse};

use super::extract;

pub(super) async fn answer(request: HttpRequest) -> HttpResponse {
    let Some(origin) = extract::header_text(request.headers(), &header::ORIGIN) else {
        return HttpResponse::NoContent().finish();
    };
    HttpResponse::NoContent()
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, origin))
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type, dpop"))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, "600"))
        .insert_header((header::VARY, "Origin"))
        .insert_header((HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"))
        .finish()
}
