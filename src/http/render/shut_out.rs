//! The page that says that an app is not for this person.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use super::flow::{again, as_another};
use super::{chrome, page};
use crate::http::extract::request_id;
use crate::http::headers::Forms;
use crate::http::pages::shut_out::ShutOut;
use crate::http::pages::{FlowForm, Switch};
use crate::http::sign_in::steps::Visit;
use crate::service::authorize::device::DevicePrompt;
use crate::service::authorize::flow::{Flow, Target};

/// On the way to an app. The way back leads to the app with the refusal.
pub(in crate::http) fn shut_out(
    visit: &Visit<'_>,
    (app_name, account): (&str, &str),
    (flow, sealed): (&Flow, String),
) -> HttpResponse {
    let form = FlowForm { flow: sealed, csrf: visit.session_csrf() };
    let switch = as_another(visit.site, flow);
    show(visit, (app_name, account), (form, switch, None))
}

/// On the way to letting a device in.
pub(in crate::http) fn device_shut_out(visit: &Visit<'_>, prompt: &DevicePrompt) -> HttpResponse {
    let user_code = prompt.user_code.to_string();
    let target = Target::Device { user_code: Some(user_code.clone()) };
    let flow = Flow::new(target, &visit.browser.value, visit.site.now());
    let form = FlowForm { flow: String::new(), csrf: visit.session_csrf() };
    let switch = Switch::Link(again(visit.site, &flow, "&as=another"));
    let names = (prompt.client.metadata.client_name.as_str(), prompt.account.as_str());
    show(visit, names, (form, switch, Some(user_code)))
}

fn show(
    visit: &Visit<'_>,
    (app_name, account): (&str, &str),
    (form, switch, user_code): (FlowForm, Switch, Option<String>),
) -> HttpResponse {
    let chrome = chrome(visit.site);
    let nonce = chrome.nonce.clone();
    let body = ShutOut {
        chrome,
        form,
        app_name: app_name.to_owned(),
        account: account.to_owned(),
        switch,
        user_code,
        request_id: request_id(visit.request),
    };
    // Its form may end at the app.
    let mut response = page(&nonce, &body, Forms::Anywhere);
    *response.status_mut() = StatusCode::FORBIDDEN;
    response
}
