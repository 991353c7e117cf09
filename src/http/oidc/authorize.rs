//! `GET` and `POST /oauth2/authorize`.

use actix_web::{HttpRequest, HttpResponse, web};

use super::{Site, extract};
use crate::http::cookies::BrowserBinding;
use crate::http::render;
use crate::http::sign_in::steps::{self, Arrival, Visit};
use crate::protocol::params::Params;
use crate::service::authorize::AuthorizeError;
use crate::service::flow::{Flow, Target};

pub(super) async fn get(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    start(&site, &request, Params::parse(request.query_string().as_bytes()).ok()).await
}

/// OpenID Connect Core section 3.1.2.1: POST must work, with the parameters in the body.
pub(super) async fn post(
    site: web::Data<Site>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    start(&site, &request, extract::form(&request, &body).ok()).await
}

async fn start(site: &Site, request: &HttpRequest, params: Option<Params>) -> HttpResponse {
    let Some(params) = params else {
        return render::authorize_error(site, request, &AuthorizeError::TooManyParameters);
    };
    let session = match extract::current_session(site, request).await {
        Ok(session) => session,
        Err(failure) => return render::failure(site, request, &failure),
    };
    let browser = BrowserBinding::of(site, request);
    let target = Target::Authorize { params: params.encode() };
    let flow = Flow::new(target, &browser.value, site.now());
    let visit = Visit { site, request, browser: &browser, session: session.as_ref() };
    steps::advance(&visit, flow, Arrival::Get).await
}
