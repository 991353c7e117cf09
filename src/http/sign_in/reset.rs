//! `/login/reset`: a new password through a one-time link.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::steps::{self, Visit};
use crate::http::cookies::BrowserBinding;
use crate::http::extract;
use crate::http::render::{self, ResetView};
use crate::http::site::Site;
use crate::protocol::params::Params;
use crate::service::links::{self, LinkError};
use crate::service::people::PeopleError;

/// The form. Looking does not spend the link.
pub(super) async fn get(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    let query = Params::parse(request.query_string().as_bytes()).unwrap_or_default();
    let token = query.sole("token").unwrap_or_default().to_owned();
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
    let Ok(form) = extract::form(&request, &body) else {
        return render::bad_request(&site, &request);
    };
    let browser = BrowserBinding::of(&site, &request);
    let visit = Visit { site: &site, request: &request, browser: &browser, session: None };
    if !steps::csrf_ok(&visit, &form) {
        return visit.bind(render::forged_form(&site, &request));
    }
    let token = form.sole("token").unwrap_or_default().to_owned();
    let password = form.sole("password").unwrap_or_default().to_owned();
    match links::redeem_reset(&site, &token, password).await {
        Ok(_) => steps::see_other(&site.path("/login?done=password")),
        Err(LinkError::People(PeopleError::Password(refusal))) => {
            let username = form.sole("username").unwrap_or_default().to_owned();
            let view = ResetView { token, username, error: Some(refusal.to_string()) };
            let mut response = render::reset(&visit, view);
            *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            response
        }
        Err(error) => render::link_error(&site, &request, &error),
    }
}
