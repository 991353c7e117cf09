//! `/login/reset`: a new password through a one-time link.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::steps::{self, PostedForm, Visit};
use crate::http::cookies::BrowserBinding;
use crate::http::render::{self, ResetView};
use crate::http::site::Site;
use crate::service::people::PeopleError;
use crate::service::people::links::{self, LinkError};

/// The form. Looking does not spend the link.
pub(super) async fn get(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    let token = steps::link_token(&request);
    let browser = BrowserBinding::of(&site, &request);
    let visit = Visit { site: &site, request: &request, browser: &browser, session: None };
    match links::check_reset(&site, &token).await {
        Ok(user) => {
            let view = ResetView { token, username: user.username, error: None };
            visit.bind(render::reset(&visit, view))
        }
        Err(error) => render::link_error(&site, &request, &error),
    }
}

/// Sets the password. Nobody is signed in by it; the sign-in form follows.
pub(super) async fn post(
    site: web::Data<Site>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let posted = match PostedForm::of_visitor(&site, &request, &body).await {
        Ok(posted) => posted,
        Err(answer) => return answer,
    };
    let visit = posted.visit();
    let token = posted.text("token");
    match links::redeem_reset(&site, &token, posted.text("password")).await {
        Ok(_) => steps::see_other(&site.path("/login?done=password")),
        Err(LinkError::People(PeopleError::Password(refusal))) => {
            let username = posted.text("username");
            let view = ResetView { token, username, error: Some(refusal.to_string()) };
            let mut response = render::reset(&visit, view);
            *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            response
        }
        Err(error) => render::link_error(&site, &request, &error),
    }
}
