//! `/login`: the sign-in form of our own pages, and where every sign-in form posts to.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::choose_password;
use super::steps::{self, Arrival, Posted, PostedForm, Visit};
use crate::http::cookies::BrowserBinding;
use crate::http::extract;
use crate::http::render::{self, SignInView};
use crate::http::sign_in::accounts;
use crate::http::site::Site;
use crate::protocol::interaction::AccountChoice;
use crate::protocol::params::Params;
use crate::service::authorize::flow::{Flow, Target};
use crate::service::people::console_access;
use crate::service::session::accounts::{Accounts, Newcomer};
use crate::service::session::{Established, Remember};
use crate::service::sign_in::{self, Credentials, Entry, SignInError};

/// The form, to sign in to the account page or the console.
pub(super) async fn get(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    let session = match steps::session_or_failure(&site, &request).await {
        Ok(session) => session,
        Err(response) => return response,
    };
    let query = Params::parse(request.query_string().as_bytes()).unwrap_or_default();
    let target = match query.sole("next") {
        Some("admin") => Target::console(query.sole("page")),
        Some("sign-out") => Target::SignOut,
        _ => Target::Account,
    };
    if session.is_some() && target == Target::Account {
        return steps::see_other(&site.path("/account"));
    }
    let browser = BrowserBinding::of(&site, &request);
    let flow = Flow::new(target, &browser.value, site.now());
    let visit =
        Visit { site: &site, request: &request, browser: &browser, session: session.as_ref() };
    let view = match flow.seal(&site) {
        Ok(sealed) => SignInView::of_own_page(&site, &flow, (sealed, session.as_ref())).await,
        Err(failure) => Err(failure),
    };
    match view {
        Ok(view) => {
            let notice = query.sole("done").and_then(notice_text);
            visit.bind(render::sign_in(&visit, view.with_notice(notice)))
        }
        Err(failure) => render::failure(&site, &request, &failure),
    }
}

/// The form for a flow to one of our own pages, for whoever comes.
pub(super) async fn own_form(visit: &Visit<'_>, flow: &Flow) -> HttpResponse {
    let site = visit.site;
    let view = match flow.seal(site) {
        Ok(sealed) => SignInView::of_own_page(site, flow, (sealed, None)).await,
        Err(failure) => Err(failure),
    };
    match view {
        Ok(view) => render::sign_in(visit, view),
        Err(failure) => render::failure(site, visit.request, &failure),
    }
}

/// What was done on the page that led here.
fn notice_text(done: &str) -> Option<&'static str> {
    match done {
        "setup" => Some("Your account is made. Sign in with it."),
        "password" => Some("Your new password is saved. Sign in with it."),
        _ => None,
    }
}

/// Name and password.
pub(super) async fn post(
    site: web::Data<Site>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let posted = match PostedForm::read(&site, &request, &body).await {
        Ok(posted) => posted,
        Err(answer) => return answer,
    };
    let visit = posted.visit();
    let flow = match posted.flow() {
        Posted::Flow(flow) => *flow,
        Posted::Answer(answer) => return answer,
    };
    let credentials = Credentials {
        username: posted.text("username"),
        password: posted.text("password"),
        remember: match posted.form.sole("remember") {
            Some(_) => Remember::OnThisDevice,
            None => Remember::ThisVisit,
        },
        page: flow.page.clone(),
    };
    let typed = credentials.username.clone();
    let caller = extract::caller(&site, &request);
    let held = (&posted.accounts, newcomer(&flow));
    match sign_in::with_password(&site, credentials, held, &caller).await {
        Ok(Entry::Session(made)) => signed_in(&visit, flow, (*made, &posted.accounts)).await,
        Ok(Entry::MustChoose(proof)) => choose_password::ask(&visit, flow, proof),
        Err(error) => refused(&visit, &flow, (&typed, &error)).await,
    }
}

/// What becomes of the account that is active in this browser when somebody signs in in this flow.
pub(super) fn newcomer(flow: &Flow) -> Newcomer {
    match flow.progress.account {
        AccountChoice::Another => Newcomer::IsAdded,
        _ => Newcomer::TakesThePlace,
    }
}

/// Goes on with a fresh session, whose cookie replaces whatever the browser brought.
pub(super) async fn signed_in(
    visit: &Visit<'_>,
    mut flow: Flow,
    (established, held): (Established, &Accounts),
) -> HttpResponse {
    let site = visit.site;
    let caller = extract::caller(site, visit.request);
    let held = match held.clone().activated(site, &established, &caller).await {
        Ok(held) => held,
        Err(failure) => return render::failure(site, visit.request, &failure),
    };
    let session = &established.session;
    flow.progress.signed_in_at = Some(session.auth_time);
    flow.progress.account = AccountChoice::Chosen(session.id.clone());
    if flow.target.is_console()
        && let Err(failure) = console_access::open(site, session).await
    {
        return render::failure(site, visit.request, &failure);
    }
    let next = Visit { session: Some(session), ..*visit };
    let mut response = steps::advance(&next, flow, Arrival::Post).await;
    accounts::write(site, &mut response, (&established, &held), visit.request);
    response
}

/// Says why nobody is signed in; the form is there again.
pub(super) async fn refused(
    visit: &Visit<'_>,
    flow: &Flow,
    (typed, error): (&str, &SignInError),
) -> HttpResponse {
    let site = visit.site;
    let (status, message) = match error {
        SignInError::Wrong => (
            StatusCode::UNAUTHORIZED,
            "The username or password is not right. Check both and try again.",
        ),
        SignInError::Unusable(_) => {
            // No event: nothing was compared, and anybody can send it.
            let request_id = extract::request_id(visit.request);
            tracing::info!(
                event = "sign_in.refused",
                outcome = "failure",
                request_id,
                reason = "unusable_password",
                "a sign-in was refused"
            );
            (
                StatusCode::BAD_REQUEST,
                "This password is too long or has characters that no password here can have.",
            )
        }
        SignInError::Throttled { retry_after } => {
            return render::throttled(site, visit.request, ("a sign-in", *retry_after), flow);
        }
        SignInError::Unfamiliar => return render::unfamiliar(site, visit.request),
        SignInError::Failure(failure) => return render::failure(site, visit.request, failure),
    };
    again(visit, flow, (typed, status, message)).await
}

/// The form once more, with what was wrong.
pub(super) async fn again(
    visit: &Visit<'_>,
    flow: &Flow,
    (typed, status, message): (&str, StatusCode, &str),
) -> HttpResponse {
    let site = visit.site;
    let view = match flow.seal(site) {
        Ok(sealed) => SignInView::again(site, flow, (sealed, visit.session)).await,
        Err(failure) => Err(failure),
    };
    match view {
        Ok(view) => {
            let view = view.with_error(typed, message);
            let mut response = render::sign_in(visit, view);
            *response.status_mut() = status;
            response
        }
        Err(failure) => render::failure(site, visit.request, &failure),
    }
}
