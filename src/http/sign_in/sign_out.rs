//! Signing out: asked for by an app (`/oauth2/logout` comes here) or by the person (`/logout`).
//! A GET never ends a session unless an app proves with its ID token that it speaks of this one.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use super::steps::{self, PostedForm, Visit};
use crate::http::cookies::{self, BrowserBinding, Kind};
use crate::http::sign_in::accounts;
use crate::http::site::Site;
use crate::http::{extract, render};
use crate::protocol::logout::frontchannel::Frame;
use crate::protocol::params::Params;
use crate::service::failure::Failure;
use crate::service::people::{self, PeopleError};
use crate::service::session::accounts::Accounts;
use crate::service::session::logout::{self, Next, Plan};
use crate::service::session::{self, LiveSession};

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
    let accounts = match accounts::of(site, request).await {
        Ok(accounts) => accounts,
        Err(response) => return response,
    };
    let session = logout::spoken_of(site, params, &accounts).cloned();
    let browser = BrowserBinding::of(site, request);
    let visit = Visit { site, request, browser: &browser, session: session.as_ref() };
    let plan = logout::plan(site, params, session.as_ref()).await;
    let lapsed = match &plan {
        Ok(Plan::Ask { .. } | Plan::AlreadyOut { .. }) => {
            let caller = extract::caller(site, request);
            match logout::end_lapsed(site, params, &caller).await {
                Ok(frames) => frames,
                Err(failure) => return render::failure(site, request, &failure),
            }
        }
        Ok(Plan::EndNow { .. }) | Err(_) => Vec::new(),
    };
    match plan {
        Ok(Plan::Ask { flow, apps, client_name }) => {
            match account_names(site, session.as_ref(), &accounts).await {
                Ok((account, others)) => {
                    let who = (flow.as_str(), account, others);
                    visit.bind(render::ask_sign_out(&visit, who, (apps, client_name)))
                }
                Err(failure) => render::failure(site, request, &failure),
            }
        }
        // The app speaks of its own session; other people's are none of its business.
        Ok(Plan::EndNow { then }) => {
            end(&visit, &then, (session.iter().collect(), &accounts)).await
        }
        Ok(Plan::AlreadyOut { then }) => go_on_once_over(&visit, &then, (&lapsed, &accounts)).await,
        Err(error) => render::logout_error(site, request, &error),
    }
}

/// Who is asked, and who else is signed in in this browser.
async fn account_names(
    site: &Site,
    session: Option<&LiveSession>,
    accounts: &Accounts,
) -> Result<(String, Vec<String>), Failure> {
    let Some(session) = session else { return Ok((String::new(), Vec::new())) };
    let mut others = Vec::new();
    for other in accounts.all().filter(|other| other.id != session.id) {
        others.push(account_name(site, other).await?);
    }
    Ok((account_name(site, session).await?, others))
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
    let (accounts, form) = (&posted.accounts, &posted.form);
    // With nobody active, the question was about whoever is left.
    let visit = Visit { session: accounts.all().next(), ..posted.visit() };
    let then = form
        .sole("flow")
        .and_then(|sealed| logout::open_next(&site, sealed))
        .unwrap_or(Next { redirect: None, client_name: None, client_uri: None });
    if visit.session.is_none() {
        return go_on_once_over(&visit, &then, (&[], accounts)).await;
    }
    if !steps::session_csrf_ok(&visit, form) {
        return render::forged_form(&site, &request);
    }
    match form.sole("decision") {
        // A person who signs out leaves nobody signed in behind them.
        Some("logout") => end(&visit, &then, (accounts.all().collect(), accounts)).await,
        Some("stay") => steps::see_other(&site.path("/account")),
        _ => render::bad_request(&site, &request),
    }
}

/// As [`go_on`], for a browser that has no session any more: the first of two clicks may be waiting still.
async fn go_on_once_over(
    visit: &Visit<'_>,
    then: &Next,
    (frames, left): (&[Frame], &Accounts),
) -> HttpResponse {
    if let Some(cookie) = cookies::read(visit.site, visit.request, Kind::Session)
        && let Err(failure) = session::outlive_end_of(visit.site, &cookie).await
    {
        return render::failure(visit.site, visit.request, &failure);
    }
    go_on(visit, then, (frames, left))
}

async fn end(
    visit: &Visit<'_>,
    then: &Next,
    (ending, accounts): (Vec<&LiveSession>, &Accounts),
) -> HttpResponse {
    let site = visit.site;
    let mut left = accounts.clone();
    let mut frames = Vec::new();
    for session in ending {
        let caller = extract::caller(site, visit.request);
        match logout::end(site, session, &caller).await {
            Ok(more) => frames.extend(more),
            Err(failure) => return render::failure(site, visit.request, &failure),
        }
        left = left.without(&session.id);
    }
    go_on(visit, then, (&frames, &left))
}

/// The last answer: back to the app, by way of a page where other apps have one to load. Cookies
/// stay for those who are still signed in.
pub(in crate::http) fn go_on(
    visit: &Visit<'_>,
    then: &Next,
    (frames, left): (&[Frame], &Accounts),
) -> HttpResponse {
    let site = visit.site;
    let mut response = match (&then.redirect, frames) {
        (Some(to), []) => steps::see_other(to.as_str()),
        (Some(to), frames) => render::signing_out(site, (then, to), frames),
        (None, frames) => render::signed_out(site, then, frames),
    };
    if left.active.is_none() {
        // The gateway's cookie died with the session: no app has to see it any more.
        let is_there = !cookies::read_all(site, visit.request, Kind::Gateway).is_empty();
        let gateway = is_there.then_some(Kind::Gateway);
        for kind in [Kind::Session].into_iter().chain(gateway) {
            if let Err(error) = response.add_cookie(&cookies::remove(site, kind)) {
                tracing::error!(%error, "cookie could not be removed");
            }
        }
    }
    accounts::write_others(site, &mut response, left, visit.request);
    // Only this site's own data; the app's is the app's business.
    response.headers_mut().insert(
        header::HeaderName::from_static("clear-site-data"),
        header::HeaderValue::from_static("\"cache\", \"storage\""),
    );
    response
}
