//! The form for people who make their own accounts.

use actix_web::HttpResponse;

use super::about::about;
use super::flow::to_sign_in;
use super::{chrome, page};
use crate::http::headers::Forms;
use crate::http::pages::sign_up::SignUp;
use crate::http::pages::views::AboutApp;
use crate::http::pages::{FieldError, FlowForm};
use crate::http::sign_in::steps::Visit;
use crate::protocol::client::Client;
use crate::service::authorize::flow::Flow;

/// What the form shows.
#[derive(Default)]
pub(in crate::http) struct SignUpView {
    pub username: String,
    pub email: String,
    pub name: String,
    pub errors: Vec<FieldError>,
}

impl SignUpView {
    /// An empty form, but for what the app knows of the person.
    pub(in crate::http) fn hinted(login_hint: Option<String>) -> Self {
        let hint = login_hint.unwrap_or_default();
        if hint.contains('@') {
            Self { email: hint, ..Self::default() }
        } else {
            Self { username: hint, ..Self::default() }
        }
    }
}

/// The form, for a flow and the app it leads to.
pub(in crate::http) fn sign_up(
    visit: &Visit<'_>,
    view: SignUpView,
    (flow, sealed): (&Flow, String),
    client: Option<&Client>,
) -> HttpResponse {
    let site = visit.site;
    let chrome = chrome(site);
    let nonce = chrome.nonce.clone();
    let about = client.map_or_else(AboutApp::default, about);
    let body = SignUp {
        chrome,
        form: FlowForm { flow: sealed, csrf: visit.csrf() },
        app_name: client.map(|client| client.metadata.client_name.clone()),
        about,
        username: view.username,
        email: view.email,
        name: view.name,
        domains: site.settings().sign_up.email_domains.clone(),
        min_password: site.settings().password.min_length,
        sign_in_href: to_sign_in(site, flow),
        errors: view.errors,
    };
    page(&nonce, &body, Forms::Anywhere)
}
