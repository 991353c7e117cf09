//! `GET /gateway/start?rd=…`: the way into an app. Whoever is not signed in signs in as always; then
//! the browser gets the gateway's cookie and goes to `rd`, which can only be an app behind the gateway.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::http::cookies::{self, BrowserBinding, Kind};
use crate::http::extract;
use crate::http::render::{self, SignInView};
use crate::http::routes::only_a_page;
use crate::http::sign_in::not_found;
use crate::http::sign_in::steps::{self, Visit};
use crate::http::site::Site;
use crate::protocol::authorize::acr::Level;
use crate::protocol::params::Params;
use crate::service::authorize::flow::{Flow, Target};
use crate::service::gateway::{self, Fitness, IssueError};
use crate::service::session::LiveSession;

/// Whether there is such an address; no cookie is made by asking.
pub(super) async fn head(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    if site.config.gateway.enabled { only_a_page().await } else { not_found(site, request).await }
}

pub(super) async fn get(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    if !site.config.gateway.enabled {
        return not_found(site, request).await;
    }
    let query = Params::parse(request.query_string().as_bytes()).unwrap_or_default();
    let back_to = query.sole("rd").and_then(|rd| gateway::way_back(&site, rd));
    let acr = query.sole("acr").map(Level::from_name);
    let (Some(back_to), None | Some(Some(_))) = (back_to, acr) else {
        return render::no_way_back(&site, &request);
    };
    let level = acr.flatten();
    let session = match steps::session_or_failure(&site, &request).await {
        Ok(session) => session,
        Err(response) => return response,
    };
    match session {
        Some(session) if Some(session.facts().level) >= level => {
            go_on(&site, &request, (&session, level, &back_to)).await
        }
        Some(session) if level > Some(Level::STRONGEST) => {
            let reason = "This page asks for a stronger sign-in than is possible here.";
            render::forbidden(&site, &request, (session.user_id.as_str(), reason))
        }
        _ => sign_in_first(&site, &request, (level, back_to)).await,
    }
}

/// Sends a signed-in browser to the app, with a cookie unless it has a good one already.
async fn go_on(
    site: &Site,
    request: &HttpRequest,
    (session, level, back_to): (&LiveSession, Option<Level>, &str),
) -> HttpResponse {
    let mut response = HttpResponse::SeeOther();
    response.insert_header((header::LOCATION, back_to));
    let cookies = cookies::read_all(site, request, Kind::Gateway);
    let found = match gateway::fitness(site, &cookies, (session, level)).await {
        Ok(Fitness::Fit) => return response.finish(),
        Ok(Fitness::Crowded) => return render::cookies_in_the_way(site, request),
        Ok(found) => found,
        Err(failure) => return render::failure(site, request, &failure),
    };
    let caller = extract::caller(site, request);
    match gateway::issue(site, session, (found, &caller)).await {
        Ok(Some(issued)) => {
            let value = (issued.cookie.expose(), issued.max_age);
            response.cookie(cookies::write(site, Kind::Gateway, value)).finish()
        }
        Ok(None) => sign_in_first(site, request, (level, back_to.to_owned())).await,
        Err(IssueError::Throttled { retry_after }) => {
            render::too_many_entrances(site, request, retry_after)
        }
        Err(IssueError::Crowded) => render::cookies_in_the_way(site, request),
        Err(IssueError::Failure(failure)) => render::failure(site, request, &failure),
    }
}

/// The sign-in form, which leads back here.
async fn sign_in_first(
    site: &Site,
    request: &HttpRequest,
    (level, back_to): (Option<Level>, String),
) -> HttpResponse {
    let browser = BrowserBinding::of(site, request);
    let acr = level.map(|level| level.as_str().to_owned());
    let flow = Flow::new(Target::Gateway { back_to, acr }, &browser.value, site.now());
    let visit = Visit { site, request, browser: &browser, session: None };
    let view = match flow.seal(site) {
        Ok(sealed) => SignInView::of_own_page(site, &flow, (sealed, None)).await,
        Err(failure) => Err(failure),
    };
    match view {
        Ok(view) => visit.bind(render::sign_in(&visit, view)),
        Err(failure) => render::failure(site, request, &failure),
    }
}
