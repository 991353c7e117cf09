//! The pages and buttons of a signed-in (or signed-out) person. The sign-in itself is in
//! `callback`.

use std::sync::Arc;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::failure::Failure;
use super::pages::{self, HomePage, Page, SignedInPage, SignedOutPage};
use super::problem::ProblemPage;
use super::server::Sample;
use super::sessions::{Notice, SignedIn};

const STYLE: &str = include_str!("../../static/demo.css");

/// The token every form carries.
#[derive(Deserialize)]
pub(super) struct Form {
    csrf: String,
}

/// The front page: what will happen, or who you are and what has happened.
pub(super) async fn home(request: HttpRequest, sample: web::Data<Sample>) -> HttpResponse {
    let Some((name, person)) = sample.sessions.current(&request) else {
        return HomePage::new(&sample.app, None).answer(StatusCode::OK);
    };
    let Some(person) = still_signed_in(&sample, &person).await else {
        return ended(&sample, &name);
    };
    let page = SignedInPage::new(&sample.app, &person).answer(StatusCode::OK);
    sample.sessions.update(&name, SignedIn { notice: None, ..person });
    page
}

/// Asks the provider at each visit whether the sign-in still stands, so that signing out of one
/// app is seen in the other. `None` means it has ended.
async fn still_signed_in(sample: &Sample, person: &SignedIn) -> Option<SignedIn> {
    match ask(sample, person.clone()).await {
        Err(Failure::TokenDead) => {}
        Err(_) => return Some(SignedIn { notice: Some(Notice::ProviderSilent), ..person.clone() }),
        Ok(person) => return Some(person),
    }
    // Expired or revoked? Only the refresh token can tell.
    let renewed = match renew(sample, person).await {
        Ok(renewed) => SignedIn { notice: Some(Notice::RenewedByItself), ..renewed },
        Err(Failure::Unreachable(_) | Failure::Unexpected(_)) => {
            return Some(SignedIn { notice: Some(Notice::ProviderSilent), ..person.clone() });
        }
        Err(_) => return None,
    };
    ask(sample, renewed).await.ok()
}

/// The session with a fresh userinfo answer.
async fn ask(sample: &Sample, mut person: SignedIn) -> Result<SignedIn, Failure> {
    person.userinfo = sample.rp.userinfo(&person.tokens).await?;
    person.userinfo_at = sample.app.clock.now();
    Ok(person)
}

/// The session with fresh tokens.
async fn renew(sample: &Sample, person: &SignedIn) -> Result<SignedIn, Failure> {
    let tokens = sample.rp.refresh(&person.tokens).await?;
    Ok(SignedIn { tokens, refreshes: person.refreshes.saturating_add(1), ..person.clone() })
}

/// "Refresh tokens".
pub(super) async fn refresh(
    request: HttpRequest,
    sample: web::Data<Sample>,
    form: web::Form<Form>,
) -> HttpResponse {
    let (name, person) = match sender(&request, &sample, &form) {
        Ok(sender) => sender,
        Err(refusal) => return refusal.answer(&sample),
    };
    match renew(&sample, &person).await {
        Ok(renewed) => {
            let renewed = SignedIn { notice: Some(Notice::Refreshed), ..renewed };
            sample.sessions.update(&name, renewed);
            see_other("/#tokens")
        }
        Err(failure) => give_up(&sample, &name, &failure),
    }
}

/// "Ask userinfo again".
pub(super) async fn userinfo(
    request: HttpRequest,
    sample: web::Data<Sample>,
    form: web::Form<Form>,
) -> HttpResponse {
    let (name, person) = match sender(&request, &sample, &form) {
        Ok(sender) => sender,
        Err(refusal) => return refusal.answer(&sample),
    };
    match ask(&sample, SignedIn::clone(&person)).await {
        Ok(asked) => {
            let asked = SignedIn { notice: Some(Notice::AskedAgain), ..asked };
            sample.sessions.update(&name, asked);
            see_other("/#userinfo")
        }
        // The front page finds out whether the token has merely expired.
        Err(Failure::TokenDead) => see_other("/"),
        Err(failure) => give_up(&sample, &name, &failure),
    }
}

/// "Sign out": first of this app, then, by redirect, of the provider and every app.
pub(super) async fn logout(
    request: HttpRequest,
    sample: web::Data<Sample>,
    form: web::Form<Form>,
) -> HttpResponse {
    let (name, person) = match sender(&request, &sample, &form) {
        Ok(sender) => sender,
        Err(refusal) => return refusal.answer(&sample),
    };
    sample.sessions.close(&name);
    let answer = match sample.rp.sign_out(&person.tokens).await {
        Ok((url, state)) => {
            if let Some(browser) = sample.sessions.browser(&request) {
                sample.sessions.leave(state, browser);
            }
            see_other(url.as_str())
        }
        Err(failure) => ProblemPage::of(&sample.app, &failure).answer(StatusCode::BAD_GATEWAY),
    };
    with_cookie(answer, &sample)
}

#[derive(Deserialize)]
pub(super) struct Returned {
    state: Option<String>,
}

/// Where the provider sends the browser after signing out.
pub(super) async fn signed_out(
    request: HttpRequest,
    sample: web::Data<Sample>,
    returned: Option<web::Query<Returned>>,
) -> HttpResponse {
    let state = returned.and_then(|query| query.into_inner().state);
    let confirmed = match (state, sample.sessions.browser(&request)) {
        (Some(state), Some(browser)) => sample.sessions.has_left(&state, &browser),
        _ => false,
    };
    if confirmed {
        SignedOutPage { app: &sample.app }.answer(StatusCode::OK)
    } else {
        // Nothing was confirmed, so nothing is claimed: the front page knows where things stand.
        see_other("/")
    }
}

/// The style sheet.
pub(super) async fn style() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/css; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .body(STYLE)
}

/// The app's icon.
pub(super) async fn icon(sample: web::Data<Sample>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("image/svg+xml")
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .body(pages::icon(sample.app.theme))
}

/// Every other address.
pub(super) async fn not_found(sample: web::Data<Sample>) -> HttpResponse {
    ProblemPage::not_found(&sample.app).answer(StatusCode::NOT_FOUND)
}

/// Why a form is not acted on.
enum Refusal {
    NoSession,
    OtherSession,
}

impl Refusal {
    fn answer(&self, sample: &Sample) -> HttpResponse {
        match self {
            Self::NoSession => see_other("/"),
            Self::OtherSession => ProblemPage::old_form(&sample.app).answer(StatusCode::FORBIDDEN),
        }
    }
}

/// The session a form belongs to, and its name.
fn sender(
    request: &HttpRequest,
    sample: &Sample,
    form: &Form,
) -> Result<(String, Arc<SignedIn>), Refusal> {
    let (name, person) = sample.sessions.current(request).ok_or(Refusal::NoSession)?;
    if person.wrote(&form.csrf) { Ok((name, person)) } else { Err(Refusal::OtherSession) }
}

/// Shows what went wrong; closes the session if the provider has ended it.
fn give_up(sample: &Sample, name: &str, failure: &Failure) -> HttpResponse {
    if failure.ends_the_grant() || *failure == Failure::TokenDead {
        return ended(sample, name);
    }
    ProblemPage::of(&sample.app, failure).answer(StatusCode::BAD_GATEWAY)
}

/// Closes a session the provider no longer stands by, and says so.
fn ended(sample: &Sample, name: &str) -> HttpResponse {
    sample.sessions.close(name);
    let page = HomePage::new(&sample.app, Some(pages::ENDED_ELSEWHERE));
    with_cookie(page.answer(StatusCode::OK), sample)
}

/// The same answer, which also removes the session's name from the browser.
fn with_cookie(mut answer: HttpResponse, sample: &Sample) -> HttpResponse {
    // A cookie that cannot be written leaves a name that opens nothing.
    let _ = answer.add_cookie(&sample.sessions.farewell());
    answer
}

/// 303: the browser continues with GET, and reloading does not repeat a POST.
pub(super) fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, location)).finish()
}
