//! `/device`: letting a device in that shows a code (RFC 8628 section 3.3).

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::login;
use super::steps::{self, Visit};
use crate::http::cookies::BrowserBinding;
use crate::http::extract;
use crate::http::render::{self, DeviceAnswer};
use crate::http::site::Site;
use crate::protocol::device::UserCode;
use crate::protocol::params::Params;
use crate::service::authorize::AuthorizeError;
use crate::service::authorize::consent::Decision;
use crate::service::authorize::device::{self, DeviceError};
use crate::service::authorize::flow::{Flow, Target};
use crate::service::session::LiveSession;

/// More of what was typed is not carried through a sign-in; it could not be a code.
const MAX_CARRIED: usize = 64;

/// The form for the code; with a code the question whether to let the device in.
pub(super) async fn get(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    let query = Params::parse(request.query_string().as_bytes()).unwrap_or_default();
    let session = match steps::session_or_failure(&site, &request).await {
        Ok(session) => session,
        Err(response) => return response,
    };
    let browser = BrowserBinding::of(&site, &request);
    let visit =
        Visit { site: &site, request: &request, browser: &browser, session: session.as_ref() };
    let answer = match query.sole("done") {
        Some("allowed") => Some(DeviceAnswer::Allowed),
        Some("denied") => Some(DeviceAnswer::Denied),
        _ => None,
    };
    let response = match (answer, session.as_ref(), query.sole("user_code")) {
        (Some(answer), ..) => render::device_done(&site, answer),
        (None, None, typed) => sign_in_first(&visit, typed).await,
        (None, Some(_), None) => render::device_entry(&visit, None),
        (None, Some(session), Some(typed)) => ask(&visit, (typed, session)).await,
    };
    visit.bind(response)
}

/// A typed code, or the answer.
pub(super) async fn post(
    site: web::Data<Site>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let Ok(form) = extract::form(&request, &body) else {
        return render::bad_request(&site, &request);
    };
    let session = match steps::session_or_failure(&site, &request).await {
        Ok(session) => session,
        Err(response) => return response,
    };
    let browser = BrowserBinding::of(&site, &request);
    let visit =
        Visit { site: &site, request: &request, browser: &browser, session: session.as_ref() };
    let response = if session.is_none() && steps::came_from_here(&visit) {
        // Signed out meanwhile: nothing is decided, and the code is still there afterwards.
        sign_in_first(&visit, form.sole("user_code")).await
    } else if steps::session_csrf_ok(&visit, &form) {
        answer(&visit, &form).await
    } else {
        render::forged_form(&site, &request)
    };
    visit.bind(response)
}

async fn answer(visit: &Visit<'_>, form: &Params) -> HttpResponse {
    let (site, request) = (visit.site, visit.request);
    let Some(session) = visit.session else { return render::forged_form(site, request) };
    let typed = form.sole("user_code").unwrap_or_default();
    let decision = match form.get("decision") {
        Ok(Some("allow")) => Decision::Allow,
        Ok(Some("deny")) => Decision::Deny,
        Ok(None) => return to_question(visit, typed).await,
        Ok(Some(_)) | Err(_) => return render::bad_request(site, request),
    };
    let caller = extract::caller(site, request);
    match device::decide(site, (typed, session), decision, &caller).await {
        Ok(()) => {
            let done = if decision == Decision::Allow { "allowed" } else { "denied" };
            steps::see_other(&format!("{}?done={done}", steps::device_page(site, None)))
        }
        Err(error) => refused(visit, (typed, &error)).await,
    }
}

/// The question has a URL of its own.
async fn to_question(visit: &Visit<'_>, typed: &str) -> HttpResponse {
    match UserCode::parse(typed) {
        Some(code) => steps::see_other(&steps::device_page(visit.site, Some(&code.to_string()))),
        None => refused(visit, (typed, &DeviceError::Malformed)).await,
    }
}

/// The question whether to let the device in.
async fn ask(visit: &Visit<'_>, (typed, session): (&str, &LiveSession)) -> HttpResponse {
    let caller = extract::caller(visit.site, visit.request);
    match device::look_up(visit.site, (typed, session), &caller).await {
        Ok(prompt) => render::device_question(visit, &prompt),
        Err(error) => refused(visit, (typed, &error)).await,
    }
}

/// The sign-in form, which leads back here.
async fn sign_in_first(visit: &Visit<'_>, typed: Option<&str>) -> HttpResponse {
    let site = visit.site;
    let carried = typed.map(|code| code.chars().take(MAX_CARRIED).collect());
    let target = Target::Device { user_code: carried };
    let flow = Flow::new(target, &visit.browser.value, site.now());
    login::own_form(visit, &flow).await
}

async fn refused(visit: &Visit<'_>, (typed, error): (&str, &DeviceError)) -> HttpResponse {
    let site = visit.site;
    let (status, message) = match error {
        DeviceError::Malformed => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "Type the eight letters that the device shows, for instance BCDF-GHJK.",
        ),
        DeviceError::Unknown => (
            StatusCode::NOT_FOUND,
            "No device waits with this code. Compare it with the device. An old code no longer \
             works; let the device show a new one.",
        ),
        DeviceError::ShutOut(prompt) => return render::device_shut_out(visit, prompt),
        DeviceError::SignInAgain => return sign_in_first(visit, Some(typed)).await,
        DeviceError::Throttled { retry_after } => {
            let flow = Flow::new(Target::Device { user_code: None }, "", site.now());
            let refused = ("a device code", *retry_after);
            return render::throttled(site, visit.request, refused, &flow);
        }
        DeviceError::Document(problem) => {
            let error = AuthorizeError::Document(problem.clone());
            return render::authorize_error(site, visit.request, &error);
        }
        DeviceError::Failure(failure) => return render::failure(site, visit.request, failure),
    };
    let mut response = render::device_entry(visit, Some((typed, message)));
    *response.status_mut() = status;
    response
}
