//! `/login/again`: a request that cannot come again in the clear, since it was pushed or signed, starts
//! over from the page that was left with it. The page sends it back in the address, or in a form when it
//! is too long for one.

use actix_web::{HttpRequest, HttpResponse, web};

use super::steps::{self, Arrival, Visit};
use crate::http::cookies::BrowserBinding;
use crate::http::sign_in::accounts;
use crate::http::site::Site;
use crate::http::{extract, render};
use crate::protocol::interaction::AccountChoice;
use crate::protocol::params::Params;
use crate::service::authorize::flow::{Flow, FlowError, Target};

/// Starts over. Like the request itself this is a plain link: it asks, and decides nothing.
pub(super) async fn get(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    let query = Params::parse(request.query_string().as_bytes()).unwrap_or_default();
    start_over(&site, &request, &query).await
}

/// The same from a form of ours. What another site posts comes without cookies, and the browser would
/// lose what binds its other pages.
pub(super) async fn post(
    site: web::Data<Site>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let browser = BrowserBinding::of(&site, &request);
    let visit = Visit { site: &site, request: &request, browser: &browser, session: None };
    match extract::form(&request, &body) {
        Ok(form) if steps::came_from_here(&visit) => start_over(&site, &request, &form).await,
        _ => render::bad_request(&site, &request),
    }
}

async fn start_over(site: &Site, request: &HttpRequest, params: &Params) -> HttpResponse {
    let browser = BrowserBinding::of(site, request);
    let sealed = params.sole("flow").unwrap_or_default();
    let old = match Flow::open(site, sealed, Some(&browser.value)) {
        Ok(flow) => flow,
        Err(FlowError::Expired(flow) | FlowError::OtherBrowser(flow)) => *flow,
        Err(FlowError::Unreadable) => return render::bad_request(site, request),
    };
    let Some(mut flow) = old.started_over(&browser.value, site.now()) else {
        return render::flow_lost(site, request, None);
    };
    flow.target = match params.sole("as") {
        Some("another") => flow.target.asking_for_account(),
        Some("new") => flow.target.asking_for_new_account(),
        Some("known") => flow.target.asking_to_sign_in(),
        _ => flow.target,
    };
    let held = match accounts::of(site, request).await {
        Ok(held) => held,
        Err(response) => return response,
    };
    let mut flow = accounts::begin(flow, &held);
    // An app's request says so itself; a device's code cannot.
    if params.sole("as") == Some("another")
        && matches!(flow.target, Target::Device { .. })
        && held.all().next().is_some()
    {
        flow.progress.account = AccountChoice::Open;
    }
    let session = match accounts::session_for(site, request, (&flow, &held)).await {
        Ok(session) => session,
        Err(response) => return response,
    };
    let visit = Visit { site, request, browser: &browser, session: session.as_ref() };
    steps::advance(&visit, flow, Arrival::Get).await
}
