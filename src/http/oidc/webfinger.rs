//! `GET /.well-known/webfinger` (RFC 7033 section 4).

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};

use super::Site;
use crate::http::headers;
use crate::protocol::discovery::webfinger::{self, NoAnswer};
use crate::protocol::params::Params;

pub(in crate::http) async fn get(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    let params = Params::parse(request.query_string().as_bytes()).map_err(|_| NoAnswer::Malformed);
    let answer = params.and_then(|params| webfinger::describe(site.issuer(), &params));
    let status = match &answer {
        Ok(_) => StatusCode::OK,
        Err(NoAnswer::Malformed) => StatusCode::BAD_REQUEST,
        Err(NoAnswer::Unknown) => StatusCode::NOT_FOUND,
    };
    let mut response = HttpResponse::build(status);
    // RFC 7033 section 5: scripts of any origin may ask.
    headers::allow_any_origin(&mut response);
    match answer {
        Ok(descriptor) => response
            .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
            .insert_header((header::CONTENT_TYPE, "application/jrd+json"))
            .body(descriptor.to_string()),
        Err(reason) => response.body(reason.to_string()),
    }
}
