//! Discovery and JWKS: bytes made once, cacheable for five minutes.

use actix_web::http::header;
use actix_web::{HttpResponse, web};

use super::Site;
use crate::http::headers;

const CACHE: &str = "public, max-age=300";

pub(in crate::http) async fn document(site: web::Data<Site>) -> HttpResponse {
    public_json(site.discovery.clone())
}

pub(super) async fn jwks(site: web::Data<Site>) -> HttpResponse {
    public_json(web::Bytes::copy_from_slice(site.keyring.load().jwks().as_bytes()))
}

fn public_json(body: web::Bytes) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .insert_header((header::CACHE_CONTROL, CACHE));
    headers::allow_any_origin(&mut response);
    response.body(body)
}
