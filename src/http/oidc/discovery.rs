//! Discovery and JWKS: bytes made once, cacheable for five minutes and cheap to ask for again.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};

use super::Site;
use crate::http::{extract, headers};

const CACHE: &str = "public, max-age=300";

pub(in crate::http) async fn document(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    let (body, tag) = site.discovery();
    public_json(&request, tag, || body.clone())
}

pub(super) async fn jwks(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    let keyring = site.keyring.load();
    let body = || web::Bytes::copy_from_slice(keyring.jwks().as_bytes());
    public_json(&request, keyring.jwks_tag(), body)
}

/// The document, or 304 for whoever has this very one (RFC 9110 section 13.1.2).
fn public_json(
    request: &HttpRequest,
    tag: &str,
    body: impl FnOnce() -> web::Bytes,
) -> HttpResponse {
    let tag = format!("\"{tag}\"");
    if has_it(request, &tag) {
        return described(HttpResponse::NotModified(), tag).finish();
    }
    let mut response = described(HttpResponse::Ok(), tag);
    response.insert_header((header::CONTENT_TYPE, "application/json")).body(body())
}

fn described(mut response: HttpResponseBuilder, tag: String) -> HttpResponseBuilder {
    response.insert_header((header::CACHE_CONTROL, CACHE)).insert_header((header::ETAG, tag));
    headers::allow_any_origin(&mut response);
    response
}

/// Weak comparison, as RFC 9110 section 13.1.2 demands: a cache may have marked our tag as weak.
fn has_it(request: &HttpRequest, tag: &str) -> bool {
    let known = extract::header_text(request.headers(), &header::IF_NONE_MATCH).unwrap_or_default();
    known.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == tag)
}
