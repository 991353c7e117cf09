//! `GET` and `POST /oauth2/authorize`.

use actix_web::{HttpRequest, HttpResponse, web};

use super::{Site, extract};
use crate::http::cookies::BrowserBinding;
use crate::http::sign_in::steps::{self, Arrival, Visit};
use crate::http::{accounts, render};
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
    let accounts = match accounts::of(site, request).await {
        Ok(accounts) => accounts,
        Err(response) => return response,
    };
    let browser = BrowserBinding::of(site, request);
    let target = Target::Authorize { params: params.encode() };
    let flow = accounts::begin(Flow::new(target, &browser.value, site.now()), &accounts);
    let session = match accounts::session_for(site, request, (&flow, &accounts)).await {
        Ok(session) => session,
        Err(response) => return response,
    };
    let visit = Visit { site, request, browser: &browser, session: session.as_ref() };
    steps::advance(&visit, flow, Arrival::Get).await
}
