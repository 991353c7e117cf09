//! `/setup`: the first administrator, once, through a one-time link.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::steps::{self, PostedForm, Visit};
use crate::http::cookies::BrowserBinding;
use crate::http::render::{self, SetupView};
use crate::http::site::Site;
use crate::service::people::links::{self, LinkError};
use crate::service::people::{NewPerson, PeopleError};

/// The form, for a link that still works. Looking does not spend it: mail scanners look, too.
pub(super) async fn get(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    let token = steps::link_token(&request);
    let browser = BrowserBinding::of(&site, &request);
    let visit = Visit { site: &site, request: &request, browser: &browser, session: None };
    match links::check_setup(&site, &token).await {
        Ok(()) => {
            let view = SetupView { token, ..SetupView::default() };
            visit.bind(render::setup(&visit, view))
        }
        Err(error) => render::link_error(&site, &request, &error),
    }
}

/// Makes the account and leads to the sign-in form of the console.
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
    let text = |name| posted.text(name);
    let person = NewPerson {
        username: text("username"),
        name: Some(text("name")),
        email: Some(text("email")),
        // Nobody else is here to vouch for it, and apps refuse administrators without.
        email_verified: true,
        password: Some(text("password")),
        ..NewPerson::default()
    };
    let token = text("token");
    match links::redeem_setup(&site, &token, person).await {
        Ok(_) => steps::see_other(&site.path("/login?next=admin&done=setup")),
        Err(LinkError::People(error)) if !matches!(error, PeopleError::Failure(_)) => {
            let field = match &error {
                PeopleError::Password(_) => "password",
                PeopleError::Invalid { field, .. } => field,
                PeopleError::Taken
                | PeopleError::NotFound
                | PeopleError::LastOwner
                | PeopleError::NotYours
                | PeopleError::Failure(_) => "username",
            };
            let view = SetupView {
                token,
                username: text("username"),
                name: text("name"),
                email: text("email"),
                error: Some((field, error.to_string())),
            };
            let mut response = render::setup(&visit, view);
            *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            response
        }
        Err(error) => render::link_error(&site, &request, &error),
    }
}
