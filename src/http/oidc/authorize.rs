//! `GET` and `POST /oauth2/authorize`.

use actix_web::{HttpRequest, HttpResponse, web};
use tracing::Instrument as _;

use super::{Site, extract};
use crate::http::cookies::{self, BrowserBinding, Kind};
use crate::http::sign_in::accounts;
use crate::http::sign_in::steps::{self, Arrival, Visit};
use crate::http::{fetch_metadata, render};
use crate::protocol::authorize::known;
use crate::protocol::params::Params;
use crate::service::authorize::flow::Flow;
use crate::service::authorize::{self, AuthorizeError, Begun, Outcome, refusals};

pub(super) async fn get(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    start(&site, &request, Params::parse(request.query_string().as_bytes()).ok()).await
}

/// OpenID Connect Core section 3.1.2.1: POST must work, with the parameters in the body.
pub(super) async fn post(
    site: web::Data<Site>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let params = extract::form(&request, &body).ok();
    if let Some(params) = &params
        && fetch_metadata::is_posted_by_another_site(&request)
        && cookies::read(&site, &request, Kind::Browser).is_none()
    {
        // Signed in or not, this browser looks like a new one; taken at its word it would lose what
        // binds its other pages.
        return render::authorize_again(&site, &known(params.clone()));
    }
    start(&site, &request, params).await
}

async fn start(site: &Site, request: &HttpRequest, params: Option<Params>) -> HttpResponse {
    let Some(params) = params else {
        return steps::refused(site, request, (None, &AuthorizeError::TooManyParameters)).await;
    };
    let client_id = params.sole("client_id").map(str::to_owned);
    let accounts = match accounts::of(site, request).await {
        Ok(accounts) => accounts,
        Err(response) => return response,
    };
    let caller = extract::caller(site, request);
    let begun = authorize::begin(site, params, &caller);
    let target = match begun.instrument(extract::log_span(request)).await {
        Ok(Begun::Flow(target)) => target,
        Ok(Begun::Answer(Outcome::Refused(refused))) => {
            refusals::note_reply(site, &refused, &caller).await;
            return render::reply(site, &refused.reply, None);
        }
        Ok(Begun::Answer(_)) => return render::bad_request(site, request),
        Err(error) => return steps::refused(site, request, (client_id.as_deref(), &error)).await,
    };
    let browser = BrowserBinding::of(site, request);
    let flow = accounts::begin(Flow::new(target, &browser.value, site.now()), &accounts);
    let session = match accounts::session_for(site, request, (&flow, &accounts)).await {
        Ok(session) => session,
        Err(response) => return response,
    };
    let visit = Visit { site, request, browser: &browser, session: session.as_ref() };
    let mut response = steps::advance(&visit, flow, Arrival::Get).await;
    if accounts::are_visible(site, request) {
        accounts::show_state(site, &mut response, &accounts, request);
    }
    response
}
