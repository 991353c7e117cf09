//! The pages that let a device in.

use actix_web::HttpResponse;

use super::about::about;
use super::flow::again;
use super::{chrome, page};
use crate::http::headers::Forms;
use crate::http::pages::consent::scope_sentence;
pub(in crate::http) use crate::http::pages::device::Answer as DeviceAnswer;
use crate::http::pages::device::{DeviceCode, DeviceDone, DeviceQuestion};
use crate::http::pages::{FieldError, FlowForm, When};
use crate::http::sign_in::steps::Visit;
use crate::http::site::Site;
use crate::service::authorize::device::DevicePrompt;
use crate::service::authorize::flow::{Flow, Target};

fn form(visit: &Visit<'_>) -> FlowForm {
    FlowForm { flow: String::new(), csrf: visit.session_csrf() }
}

/// The form for the code, with what was typed before and what was wrong with it.
pub(in crate::http) fn device_entry(
    visit: &Visit<'_>,
    wrong: Option<(&str, &str)>,
) -> HttpResponse {
    let chrome = chrome(visit.site);
    let nonce = chrome.nonce.clone();
    let error = wrong.map(|(_, text)| FieldError { field: "user_code", text: text.to_owned() });
    let body = DeviceCode {
        chrome,
        form: form(visit),
        user_code: wrong.map(|(typed, _)| typed.chars().take(64).collect()).unwrap_or_default(),
        errors: error.into_iter().collect(),
    };
    page(&nonce, &body, Forms::Anywhere)
}

/// May this device in?
pub(in crate::http) fn device_question(visit: &Visit<'_>, prompt: &DevicePrompt) -> HttpResponse {
    let chrome = chrome(visit.site);
    let nonce = chrome.nonce.clone();
    let metadata = &prompt.client.metadata;
    let user_code = Some(prompt.user_code.to_string());
    let target = Target::Device { user_code };
    let flow = Flow::new(target, &visit.browser.value, visit.site.now());
    let body = DeviceQuestion {
        chrome,
        form: form(visit),
        app_name: metadata.client_name.clone(),
        user_code: prompt.user_code.to_string(),
        address: prompt.address.clone().unwrap_or_else(|| "an unknown address".to_owned()),
        asked: When::ago(prompt.requested_at, visit.site.now()),
        account: prompt.account.clone(),
        switch_href: again(visit.site, &flow, "&as=another"),
        permissions: prompt.scopes.iter().map(scope_sentence).collect(),
        about: about(&prompt.client),
    };
    page(&nonce, &body, Forms::Anywhere)
}

/// What became of it.
pub(in crate::http) fn device_done(site: &Site, answer: DeviceAnswer) -> HttpResponse {
    let chrome = chrome(site);
    let nonce = chrome.nonce.clone();
    page(&nonce, &DeviceDone { chrome, answer }, Forms::Anywhere)
}
