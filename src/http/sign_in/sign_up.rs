//! `/login/create`: people who make their own accounts. For an app's request the form is one step of
//! the flow; beside that it leads to one of our own pages.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::login;
use super::steps::{self, Posted, PostedForm, Visit};
use crate::http::cookies::BrowserBinding;
use crate::http::extract;
use crate::http::pages::FieldError;
use crate::http::render::{self, SignUpView};
use crate::http::site::Site;
use crate::protocol::params::Params;
use crate::service::authorize::flow::{Flow, FlowError, Target};
use crate::service::authorize::{self, AuthorizeError, SignUpPrompt};
use crate::service::sign_in::sign_up::{self, Problem, SignUpError, Typed};

/// The form, as one step of a flow.
pub(super) fn page(
    visit: &Visit<'_>,
    prompt: SignUpPrompt,
    (flow, sealed): (&Flow, String),
) -> HttpResponse {
    let view = SignUpView::hinted(prompt.login_hint);
    render::sign_up(visit, view, (flow, sealed), Some(&prompt.client))
}

/// The form, on the way to one of our own pages.
pub(super) async fn get(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    if !sign_up::is_open(&site) {
        return render::not_found(&site, &request);
    }
    let query = Params::parse(request.query_string().as_bytes()).unwrap_or_default();
    let browser = BrowserBinding::of(&site, &request);
    let flow = match query.sole("flow") {
        None => Flow::new(Target::Account, &browser.value, site.now()),
        Some(sealed) => match Flow::open(&site, sealed, Some(&browser.value)) {
            Ok(flow) => flow,
            Err(FlowError::Expired(flow) | FlowError::OtherBrowser(flow)) => {
                return render::flow_lost(&site, &request, Some(&flow));
            }
            Err(FlowError::Unreadable) => return render::flow_lost(&site, &request, None),
        },
    };
    if flow.target.is_console() {
        return render::not_found(&site, &request);
    }
    let visit = Visit { site: &site, request: &request, browser: &browser, session: None };
    visit.bind(show(&visit, &flow, SignUpView::default()).await)
}

/// A new account.
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
    // Nobody makes an account to look after this service with.
    if flow.target.is_console() {
        return render::bad_request(&site, &request);
    }
    let typed = Typed {
        username: posted.text("username"),
        email: posted.text("email"),
        name: posted.text("name"),
        password: posted.text("password"),
    };
    let caller = extract::caller(&site, &request);
    match sign_up::create(&site, typed.clone(), &posted.accounts, &caller).await {
        Ok(established) => login::signed_in(&visit, flow, (established, &posted.accounts)).await,
        Err(error) => refused(&visit, &flow, (typed, error)).await,
    }
}

async fn refused(
    visit: &Visit<'_>,
    flow: &Flow,
    (typed, error): (Typed, SignUpError),
) -> HttpResponse {
    let problems = match error {
        SignUpError::Problems(problems) => problems,
        SignUpError::Off => return render::not_found(visit.site, visit.request),
        SignUpError::Throttled { retry_after } => {
            let refused = ("a new account", retry_after);
            return render::throttled(visit.site, visit.request, refused, flow);
        }
        SignUpError::Failure(failure) => {
            return render::failure(visit.site, visit.request, &failure);
        }
    };
    let error =
        |problem: &Problem| FieldError { field: problem.field(), text: problem.to_string() };
    let view = SignUpView {
        username: typed.username,
        email: typed.email,
        name: typed.name,
        errors: problems.iter().map(error).collect(),
    };
    let mut response = show(visit, flow, view).await;
    if response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    response
}

async fn show(visit: &Visit<'_>, flow: &Flow, view: SignUpView) -> HttpResponse {
    let (site, request) = (visit.site, visit.request);
    let client = match authorize::app_of(site, flow).await {
        Ok(client) => client,
        Err(AuthorizeError::Failure(failure)) => return render::failure(site, request, &failure),
        Err(error) => return steps::refused_flow(site, request, (flow, &error)).await,
    };
    match flow.seal(site) {
        Ok(sealed) => render::sign_up(visit, view, (flow, sealed), client.as_deref()),
        Err(failure) => render::failure(site, request, &failure),
    }
}
