//! `/login/not-me`: "this was not me", from a letter about a sign-in.

use actix_web::{HttpRequest, HttpResponse, web};

use super::steps::{self, PostedForm, Visit};
use crate::http::cookies::BrowserBinding;
use crate::http::extract;
use crate::http::render;
use crate::http::site::Site;
use crate::service::risk::not_me::{self, OtherSessions};

/// What happened. Looking changes nothing.
pub(super) async fn get(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    let token = steps::link_token(&request);
    let browser = BrowserBinding::of(&site, &request);
    let visit = Visit { site: &site, request: &request, browser: &browser, session: None };
    let caller = extract::caller(&site, &request);
    match not_me::check(&site, &token, &caller).await {
        Ok(disputed) => visit.bind(render::not_me(&visit, token, disputed)),
        Err(error) => render::not_me_error(&site, &request, &error),
    }
}

/// Ends the session and goes on to the form for a new password. Nobody is signed in by it.
pub(super) async fn post(
    site: web::Data<Site>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let posted = match PostedForm::of_visitor(&site, &request, &body).await {
        Ok(posted) => posted,
        Err(answer) => return answer,
    };
    let others = match posted.form.sole("others") {
        Some(_) => OtherSessions::End,
        None => OtherSessions::Keep,
    };
    let caller = extract::caller(&site, &request);
    match not_me::redeem(&site, &posted.text("token"), others, &caller).await {
        Ok(reset) => {
            steps::see_other(&site.path(&format!("/login/reset?token={}", reset.expose())))
        }
        Err(error) => render::not_me_error(&site, &request, &error),
    }
}
