//! Signing out: asked for by an app (`/oauth2/logout` comes here) or by the person (`/logout`).
//! A GET never ends a session unless an app proves with its ID token that it speaks of this one.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use super::steps::{self, PostedForm, Visit};
use crate::http::cookies::{self, BrowserBinding, Kind};
use crate::http::site::Site;
use crate::http::{extract, render};
use crate::protocol::frontchannel_logout::Frame;
use crate::protocol::params::Params;
use crate::service::failure::Failure;
use crate::service::logout::{self, Next, Plan};
use crate::service::people::{self, PeopleError};
use crate::service::session::LiveSession;

/// The person wants to sign out: the question.
pub(super) async fn get(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    begin(&site, &request, &Params::default()).await
}

/// Starts a sign-out.
pub(in crate::http) async fn begin(
    site: &Site,
    request: &HttpRequest,
    params: &Params,
) -> HttpResponse {
    let session = match steps::session_or_failure(site, request).await {
        Ok(session) => session,
        Err(response) => return response,
    };
    let browser = BrowserBinding::of(site, request);
    let visit = Visit { site, request, browser: &browser, session: session.as_ref() };
    match logout::plan(site, params, session.as_ref()).await {
        Ok(Plan::Ask { flow, apps, client_name }) => {
            let account = match session.as_ref() {
                Some(session) => account_name(site, session).await,
                None => Ok(String::new()),
            };
            match account {
                Ok(account) => {
                    let page = render::ask_sign_out(&visit, (&flow, account), (apps, client_name));
                    visit.bind(page)
                }
                Err(failure) => render::failure(site, request, &failure),
            }
        }
        Ok(Plan::EndNow { then }) => end(&visit, &then).await,
        Ok(Plan::AlreadyOut { then }) => go_on(&visit, &then, &[]),
        Err(error) => render::logout_error(site, request, &error),
    }
}

/// What people call the account: the same as on the consent page.
async fn account_name(site: &Site, session: &LiveSession) -> Result<String, Failure> {
    match people::find(site, session.user_id.as_str()).await {
        Ok(user) => Ok(user.email.or(user.name).unwrap_or(user.username)),
        Err(PeopleError::Failure(failure)) => Err(failure),
        // Deleted this very moment: there is nobody to name.
        Err(_) => Ok(String::new()),
    }
}

/// The answer to the question.
pub(super) async fn post(
    site: web::Data<Site>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let posted = match PostedForm::read(&site, &request, &body).await {
        Ok(posted) => posted,
        Err(answer) => return answer,
    };
    let (visit, form) = (posted.visit(), &posted.form);
    let then = form
        .sole("flow")
        .and_then(|sealed| logout::open_next(&site, sealed))
        .unwrap_or(Next { redirect: None, client_name: None, client_uri: None });
    if visit.session.is_none() {
        return go_on(&visit, &then, &[]);
    }
    if !steps::session_csrf_ok(&visit, form) {
        return render::forged_form(&site, &request);
    }
    match form.sole("decision") {
        Some("logout") => end(&visit, &then).await,
        Some("stay") => steps::see_other(&site.path("/account")),
        _ => render::bad_request(&site, &request),
    }
}

async fn end(visit: &Visit<'_>, then: &Next) -> HttpResponse {
    let site = visit.site;
    let Some(session) = visit.session else { return go_on(visit, then, &[]) };
    let caller = extract::caller(site, visit.request);
    match logout::end(site, session, &caller).await {
        Ok(frames) => go_on(visit, then, &frames),
        Err(failure) => render::failure(site, visit.request, &failure),
    }
}

/// The last answer: back to the app, by way of a page where other apps have one to load.
fn go_on(visit: &Visit<'_>, then: &Next, frames: &[Frame]) -> HttpResponse {
    let site = visit.site;
    let mut response = match (&then.redirect, frames) {
        (Some(to), []) => steps::see_other(to.as_str()),
        (Some(to), frames) => render::signing_out(site, (then, to), frames),
        (None, frames) => render::signed_out(site, then, frames),
    };
    for kind in [Kind::Session, Kind::State] {
        if let Err(error) = response.add_cookie(&cookies::remove(site, kind)) {
            tracing::error!(%error, "a cookie of the session could not be removed");
        }
    }
    // Only this site's own data; the app's is the app's business.
    response.headers_mut().insert(
        header::HeaderName::from_static("clear-site-data"),
        header::HeaderValue::from_static("\"cache\", \"storage\""),
    );
    response
}
