//! `/consent`: may this app see this?

use actix_web::{HttpRequest, HttpResponse, web};
use tracing::Instrument as _;

use super::steps::{self, Arrival, Posted, Visit};
use crate::http::cookies::BrowserBinding;
use crate::http::site::Site;
use crate::http::{extract, render};
use crate::protocol::params::Params;
use crate::service::authorize::consent::{self, Decision};

/// The page, reached by redirect after signing in.
pub(super) async fn get(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    let query = Params::parse(request.query_string().as_bytes()).unwrap_or_default();
    go(&site, &request, query, Arrival::Get).await
}

/// The answer.
pub(super) async fn post(
    site: web::Data<Site>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    match extract::form(&request, &body) {
        Ok(form) => go(&site, &request, form, Arrival::Post).await,
        Err(_) => render::bad_request(&site, &request),
    }
}

async fn go(site: &Site, request: &HttpRequest, form: Params, arrival: Arrival) -> HttpResponse {
    let session = match steps::session_of_form(site, request, &form).await {
        Ok(session) => session,
        Err(response) => return response,
    };
    let browser = BrowserBinding::of(site, request);
    let visit = Visit { site, request, browser: &browser, session: session.as_ref() };
    // Looking at the page changes nothing, so it needs no proof of where the request came from.
    // Nor does a question left open by somebody who has signed out since: it decides nothing.
    let trusted = arrival == Arrival::Get
        || session.is_none() && steps::came_from_here(&visit)
        || steps::session_csrf_ok(&visit, &form);
    let flow = match steps::open_flow(&visit, &form, trusted) {
        Posted::Flow(flow) => *flow,
        Posted::Answer(response) => return visit.bind(response),
    };
    let decision = match (arrival, form.sole("decision")) {
        (Arrival::Post, Some("allow")) => Decision::Allow,
        (Arrival::Post, Some("deny")) => Decision::Deny,
        (Arrival::Post, _) => return render::bad_request(site, request),
        (Arrival::Get, _) => return steps::advance(&visit, flow, Arrival::Get).await,
    };
    let Some(session) = session.as_ref() else {
        // Signed out meanwhile, perhaps in another tab: the flow asks to sign in again.
        return steps::advance(&visit, flow, Arrival::Post).await;
    };
    let caller = extract::caller(site, request);
    let decided = consent::decide(site, (flow.clone(), session), decision, &caller);
    match decided.instrument(extract::log_span(request)).await {
        Ok(outcome) => steps::answer(&visit, &flow, (outcome, Arrival::Post)).await,
        Err(error) => steps::refused_flow(site, request, (&flow, &error)).await,
    }
}
