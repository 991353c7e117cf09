//! `/login/password`: another password in the place of a temporary one. The page itself is the answer to a
//! sign-in that was right, and nobody is signed in before it has been answered.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::login;
use super::steps::{Posted, PostedForm, Visit};
use crate::http::extract;
use crate::http::headers::Forms;
use crate::http::pages::choose_password::ChoosePassword;
use crate::http::pages::{FieldError, FlowForm};
use crate::http::render;
use crate::http::site::Site;
use crate::service::authorize::flow::Flow;
use crate::service::sign_in::temporary::{self, ChangeError, Choice, Proof};

/// Said at the sign-in form when the page was answered too late.
const OVER: &str = "This temporary password counts no more. If you have chosen a password already, \
                    sign in with that one; if not, ask your administrator for a new one.";

/// The form, for somebody whose temporary password was right.
pub(super) fn ask(visit: &Visit<'_>, flow: Flow, proof: Box<Proof>) -> HttpResponse {
    let now = visit.site.now();
    let username = proof.username.clone();
    page(visit, &flow.with_proof(proof, now), (username, None))
}

fn page(
    visit: &Visit<'_>,
    flow: &Flow,
    (username, error): (String, Option<String>),
) -> HttpResponse {
    let site = visit.site;
    let sealed = match flow.seal(site) {
        Ok(sealed) => sealed,
        Err(failure) => return render::failure(site, visit.request, &failure),
    };
    let chrome = render::chrome(site);
    let nonce = chrome.nonce.clone();
    let error = error.map(|text| FieldError { field: "password", text });
    let body = ChoosePassword {
        chrome,
        form: FlowForm { flow: sealed, csrf: visit.csrf() },
        username,
        min_password: site.settings().password.min_length,
        errors: error.into_iter().collect(),
    };
    visit.bind(render::page(&nonce, &body, Forms::Anywhere))
}

/// The choice. The person is signed in with it, and goes on to where they were going.
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
    let mut flow = match posted.flow() {
        Posted::Flow(flow) => *flow,
        Posted::Answer(answer) => return answer,
    };
    // A flow in which nothing was proven is from another page.
    let Some(proof) = flow.proof.take() else {
        return visit.bind(render::forged_form(&site, &request));
    };
    let caller = extract::caller(&site, &request);
    let choice =
        Choice { proof: &proof, password: posted.text("password"), page: flow.page.as_deref() };
    let held = (&posted.accounts, login::newcomer(&flow));
    match temporary::choose(&site, choice, held, &caller).await {
        Ok(made) => login::signed_in(&visit, flow, (made, &posted.accounts)).await,
        Err(ChangeError::Password(refusal)) => {
            let shown = (proof.username.clone(), Some(refusal.to_string()));
            let flow = Flow { proof: Some(proof), ..flow };
            let mut response = page(&visit, &flow, shown);
            *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            response
        }
        Err(ChangeError::Over) => {
            let said = (proof.username.as_str(), StatusCode::UNAUTHORIZED, OVER);
            login::again(&visit, &flow, said).await
        }
        Err(ChangeError::SignIn(error)) => {
            login::refused(&visit, &flow, (&proof.username, &error)).await
        }
    }
}
