//! Every page people see: one struct per page, one template per struct. Handlers fill in plain
//! strings; what they mean is already decided. Titles and wording live in `templates/`.
//!
//! Each struct has a `sample()`, and [`samples`] renders them all, so that one test over the list
//! proves a rule (a label for each field, no inline script, inert names) for every page.
//!
//! Escaping is the template engine's default. Two more rules keep people's words inert: links pass
//! through [`filters::web_url`], and names stand inside `<bdi>`, where a direction override ends.

pub mod account;
pub mod account_sign_out;
pub mod admin;
pub mod allowed_apps;
pub mod check_session;
pub mod choose_account;
pub mod choose_password;
pub mod chrome;
pub mod consent;
pub mod device;
pub mod filters;
pub mod form_post;
pub mod home;
pub mod not_me;
pub mod organisations;
pub mod reset_password;
pub mod setup;
pub mod shut_out;
pub mod sign_in;
pub mod sign_out;
pub mod sign_up;
pub mod trouble;
pub mod views;

mod sample;
#[cfg(test)]
mod tests;

pub use askama::Template as Page;

pub use chrome::{BrandLogo, Chrome, FlowForm, Foot, LogoFile};
pub use views::{FieldError, Flash, Link, Switch, Tone, Undo, When};

/// Every page with sample data, as `(name, HTML)`. The name is the template's path without
/// extension, with the variant after a slash where a page has several.
#[must_use]
pub fn samples() -> Vec<(&'static str, String)> {
    let mut pages = vec![
        ("home", render(&home::Home::sample())),
        ("sign_in", render(&sign_in::SignIn::sample())),
        ("sign_in/wrong", render(&sign_in::SignIn::sample_wrong())),
        ("sign_in/confirm", render(&sign_in::SignIn::sample_confirm())),
        ("sign_in/newcomers", render(&sign_in::SignIn::sample_newcomers())),
        ("sign_up", render(&sign_up::SignUp::sample())),
        ("sign_up/wrong", render(&sign_up::SignUp::sample_wrong())),
        ("choose_account", render(&choose_account::ChooseAccount::sample())),
        ("choose_account/device", render(&choose_account::ChooseAccount::sample_device())),
        ("choose_organisation", render(&organisations::ChooseOrganisation::sample())),
        ("consent", render(&consent::Consent::sample())),
        ("consent/long", render(&consent::Consent::sample_long())),
        ("consent/unreviewed", render(&consent::Consent::sample_unreviewed())),
        ("consent/registered", render(&consent::Consent::sample_registered())),
        ("shut_out", render(&shut_out::ShutOut::sample())),
        ("shut_out/long", render(&shut_out::ShutOut::sample_long())),
        ("shut_out/device", render(&shut_out::ShutOut::sample_device())),
        ("device", render(&device::DeviceCode::sample())),
        ("device/wrong", render(&device::DeviceCode::sample_wrong())),
        ("device_question", render(&device::DeviceQuestion::sample())),
        ("device_question/unreviewed", render(&device::DeviceQuestion::sample_unreviewed())),
        ("device_done", render(&device::DeviceDone::sample(device::Answer::Allowed))),
        ("device_done/denied", render(&device::DeviceDone::sample(device::Answer::Denied))),
        ("setup", render(&setup::Setup::sample())),
        ("not_me", render(&not_me::NotMe::sample())),
        ("not_me/refused", render(&not_me::NotMe::sample_refused())),
        ("choose_password", render(&choose_password::ChoosePassword::sample())),
        ("choose_password/wrong", render(&choose_password::ChoosePassword::sample_wrong())),
        ("reset_password", render(&reset_password::ResetPassword::sample())),
        ("sign_out", render(&sign_out::SignOut::sample())),
        ("signed_out", render(&sign_out::SignedOut::sample())),
        ("signing_out", render(&sign_out::SigningOut::sample())),
        ("error", render(&trouble::ErrorPage::sample())),
        ("expired", render(&trouble::Expired::sample())),
        ("throttled", render(&trouble::Throttled::sample())),
        ("throttled/short", render(&trouble::Throttled::sample_short())),
        ("forbidden", render(&trouble::Forbidden::sample())),
        ("form_post", render(&form_post::FormPost::sample())),
        ("form_post/request", render(&form_post::FormPost::sample_request())),
        ("account", render(&account::AccountHome::sample())),
        ("account_sign_out", render(&account_sign_out::AccountSignOut::sample())),
        ("account_sign_out/alone", render(&account_sign_out::AccountSignOut::sample_alone())),
    ];
    pages.extend(admin::samples());
    pages
}

/// The HTML of a page. Templates only fail when a value's `Display` fails, and strings' never
/// does; should it happen all the same, the page is empty rather than half a form.
#[must_use]
pub fn render(page: &impl Page) -> String {
    page.render().unwrap_or_default()
}
