//! From what a use case answered to a page: fills the page structs, sets the page's policy.

mod about;
mod device;
mod flow;
mod not_me;
mod shut_out;
mod sign_up;
mod trouble;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};

pub(super) use device::{DeviceAnswer, device_done, device_entry, device_question};
pub(super) use flow::{
    ResetView, SetupView, SignInView, ask_sign_out, authorize_again, consent, reply, reset, setup,
    sign_in, signed_out, signing_out, to_console,
};
pub(super) use not_me::not_me;
pub(super) use shut_out::{device_shut_out, shut_out};
pub(super) use sign_up::{SignUpView, sign_up};
pub(super) use trouble::{
    authorize_error, bad_request, broken, cookies_in_the_way, denied_in_console, failure,
    flow_lost, forbidden, forged_form, form_too_long, import_too_long, in_bytes, link_error,
    logout_error, no_form, no_way_back, not_found, not_found_in_console, not_me_error,
    other_browser, retry_later, throttled, too_many_entrances, try_it_refused, unfamiliar,
};

use super::branding;
use super::headers::{Forms, page_policy};
use super::pages::{self, Chrome, Foot, Page};
use super::site::Site;
use crate::crypto::{encoding, secret};

/// The chrome of one answer, with a nonce of its own.
pub(super) fn chrome(site: &Site) -> Chrome {
    let nonce = encoding::encode_base64url(&secret::random_bytes::<16>());
    let settings = site.settings();
    Chrome {
        nonce,
        product_name: settings.product_name.clone(),
        lang: "en",
        banner: site.banner.clone(),
        base: site.base.clone(),
        logo: branding::logo(&settings.look.logos),
        stylesheet: settings.look.stylesheet.as_deref().map(branding::path_of),
        foot: Foot { links: settings.look.links.clone(), text: settings.branding.footer.clone() },
    }
}

/// A page as an answer.
pub(super) fn page(chrome_nonce: &str, page: &impl Page, forms: Forms) -> HttpResponse {
    page_with(page_policy(chrome_nonce, forms), page)
}

/// A page as an answer, with a policy of its own.
pub(super) fn page_with(policy: String, page: &impl Page) -> HttpResponse {
    HttpResponse::build(StatusCode::OK)
        .insert_header((header::CONTENT_SECURITY_POLICY, policy))
        .content_type("text/html; charset=utf-8")
        .body(pages::render(page))
}

/// The page at `/` for somebody who is not signed in.
pub(super) fn home(site: &Site, _request: &HttpRequest) -> HttpResponse {
    let chrome = chrome(site);
    let nonce = chrome.nonce.clone();
    page(&nonce, &pages::home::Home { chrome, account: None }, Forms::Anywhere)
}
