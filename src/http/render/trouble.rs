//! The pages for when something does not go as planned: what happened, and what to do; in [`console`], those
//! of the console alone.

mod console;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};

use super::flow::start_again;
use super::{chrome, page};
use crate::clock::Seconds;
use crate::http::error::{self, RETRY_AFTER};
use crate::http::extract::request_id;
use crate::http::headers::Forms;
use crate::http::pages::admin::denied::Denied;
use crate::http::pages::admin::missing::Missing;
use crate::http::pages::trouble::{AppAdminHint, ErrorPage, Expired, Forbidden, Throttled};
use crate::http::pages::{Link, When};
use crate::http::site::Site;
use crate::protocol::authorize::reply::NoReply;
use crate::service::authorize::AuthorizeError;
use crate::service::authorize::flow::Flow;
use crate::service::failure::Failure;
use crate::service::people::links::LinkError;
use crate::service::risk::not_me::NotMeError;
use crate::service::session::logout::LogoutError;

pub(in crate::http) use console::{import_too_long, try_it_refused};

/// The words of an error page.
struct Words {
    status: StatusCode,
    heading: &'static str,
    what_happened: String,
    what_to_do: &'static str,
    code: &'static str,
    for_app_admin: Option<AppAdminHint>,
    way_out: Option<Link>,
}

impl Words {
    fn new(status: StatusCode, code: &'static str, heading: &'static str) -> Self {
        Self {
            status,
            heading,
            what_happened: String::new(),
            what_to_do: "",
            code,
            for_app_admin: None,
            way_out: None,
        }
    }

    fn happened(mut self, text: impl Into<String>) -> Self {
        self.what_happened = text.into();
        self
    }

    fn advise(mut self, text: &'static str) -> Self {
        self.what_to_do = text;
        self
    }

    fn way_out(mut self, href: String, text: &str) -> Self {
        self.way_out = Some(Link { text: text.to_owned(), href });
        self
    }

    fn hint(mut self, advice: &str, redirect_uri: Option<String>) -> Self {
        self.for_app_admin =
            Some(AppAdminHint { advice: advice.to_owned(), client_id: None, redirect_uri });
        self
    }
}

fn show(site: &Site, request: &HttpRequest, words: Words) -> HttpResponse {
    show_of(site, request_id(request), words)
}

/// [`show`] for a request of which only the id is left.
fn show_of(site: &Site, request_id: String, words: Words) -> HttpResponse {
    let chrome = chrome(site);
    let nonce = chrome.nonce.clone();
    let body = ErrorPage {
        chrome,
        heading: words.heading.to_owned(),
        what_happened: words.what_happened,
        what_to_do: words.what_to_do.to_owned(),
        code: words.code.to_owned(),
        request_id,
        at: When::at(site.now()),
        for_app_admin: words.for_app_admin,
        way_out: words.way_out,
    };
    let mut response = page(&nonce, &body, Forms::Anywhere);
    *response.status_mut() = words.status;
    response
}

const BACK_TO_APP: &str = "Go back to the app and start again from there. If this page comes \
    back, send the details below to whoever looks after the app.";

/// An authorization request that has nowhere to be answered to.
pub(in crate::http) fn authorize_error(
    site: &Site,
    request: &HttpRequest,
    error: &AuthorizeError,
) -> HttpResponse {
    let bad = |code| {
        Words::new(StatusCode::BAD_REQUEST, code, "This app’s request cannot be answered")
            .advise(BACK_TO_APP)
    };
    tracing::info!(
        event = "authorization.refused",
        outcome = "failure",
        request_id = request_id(request),
        %error,
        "authorization page error"
    );
    let words = match error {
        AuthorizeError::Failure(failure) => return self::failure(site, request, failure),
        AuthorizeError::ClientIdMissing => bad("invalid_request")
            .happened("The app did not say who it is.")
            .hint("Send client_id exactly once in the authorization request.", None),
        AuthorizeError::UnknownClient => bad("invalid_client")
            .happened("No app with this client_id is registered here.")
            .hint("Compare the client_id in the app’s settings with the console.", None),
        AuthorizeError::Document(problem) => bad("invalid_client")
            .happened("The app describes itself in a document that cannot be used.")
            .hint(&format!("What is wrong with the document: {problem}."), None),
        AuthorizeError::DisabledClient => bad("invalid_client")
            .happened("This app has been switched off by an administrator.")
            .hint("Enable the app in the console.", None),
        AuthorizeError::NoReply { error, client_name } => {
            let received = match error {
                NoReply::NotRegistered { received, .. } => {
                    Some(received.chars().take(500).collect())
                }
                NoReply::Missing | NoReply::Repeated => None,
            };
            bad("invalid_redirect_uri")
                .happened(format!(
                    "{client_name} asked for the answer to be sent to an address that is not \
                     registered for it. To keep your account safe, nothing was sent."
                ))
                .hint(
                    "Register this redirect URI for the app, or correct it in the app’s settings. \
                     They must be equal character for character.",
                    received,
                )
        }
        AuthorizeError::Unreadable(error) => bad(error.code.as_str())
            .happened("The app’s request could not be read.")
            .hint(error.description, None),
        AuthorizeError::Undeliverable(problem) => bad("invalid_request")
            .happened("The app wants its answer in a form that cannot be made for it.")
            .hint(problem, None),
        AuthorizeError::TooManyParameters => bad("invalid_request")
            .happened("The app’s request could not be read.")
            .hint("Send fewer parameters, form-encoded.", None),
        AuthorizeError::NotAnApp => bad("invalid_request").happened("This page belongs to no app."),
    };
    show(site, request, words)
}

/// Something of ours does not work.
pub(in crate::http) fn failure(
    site: &Site,
    request: &HttpRequest,
    failure: &Failure,
) -> HttpResponse {
    let status = error::report(&request_id(request), failure);
    let words = if status == StatusCode::SERVICE_UNAVAILABLE {
        Words::new(status, "temporarily_unavailable", "Signing in is not possible at the moment")
            .happened("A part of this service does not answer right now.")
            .advise("Nothing is lost. Wait a few seconds, then reload this page.")
    } else {
        our_fault(status)
    };
    let mut response = show(site, request, words);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let value = header::HeaderValue::from_static(RETRY_AFTER);
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

fn our_fault(status: StatusCode) -> Words {
    Words::new(status, "server_error", "Something went wrong here")
        .happened("This is a fault of this service, not of yours.")
        .advise("Try again. If it happens again, send the details below to the administrator.")
}

/// A request whose handler gave no answer; logged by the caller.
pub(in crate::http) fn broken(site: &Site, request_id: &str, status: StatusCode) -> HttpResponse {
    let words = if status.is_client_error() { unreadable(status) } else { our_fault(status) };
    show_of(site, request_id.to_owned(), words)
}

/// A request we cannot make sense of.
pub(in crate::http) fn bad_request(site: &Site, request: &HttpRequest) -> HttpResponse {
    show(site, request, unreadable(StatusCode::BAD_REQUEST))
}

fn unreadable(status: StatusCode) -> Words {
    Words::new(status, "invalid_request", "This request cannot be read")
        .happened("The form or link was incomplete.")
        .advise("Go back and try again.")
}

/// A form that is longer than its address takes.
pub(in crate::http) fn form_too_long(site: &Site, request: &HttpRequest) -> HttpResponse {
    let words = Words::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "This form is too long")
        .happened("A file or a text in it is longer than this page takes.")
        .advise("Go back, choose a smaller one, and try again.");
    show(site, request, words)
}

/// So many bytes, in words.
pub(in crate::http) fn in_bytes(count: u64) -> String {
    match count {
        ..1_048_576 => format!("{} KiB", count / 1_024),
        _ => format!("{} MiB", count / 1_048_576),
    }
}

/// A body of another kind than the forms of our pages have.
pub(in crate::http) fn no_form(site: &Site, request: &HttpRequest) -> HttpResponse {
    let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    let words = Words::new(status, "unsupported_media_type", "This is no form")
        .happened("What was sent is not what a form of this page sends.")
        .advise("Go back to the page and use its form. For programs there is a REST API.");
    show(site, request, words)
}

/// A form that did not come from a page of ours in this browser.
pub(in crate::http) fn forged_form(site: &Site, request: &HttpRequest) -> HttpResponse {
    let words =
        Words::new(StatusCode::FORBIDDEN, "forged_request", "This form could not be accepted")
            .happened(
                "The form was not sent from a page that this browser was shown, or the browser \
                 does not keep cookies for this site.",
            )
            .advise("Allow cookies for this site, go back to where you started, and try again.");
    show(site, request, words)
}

/// A flow that was started in another browser.
pub(in crate::http) fn other_browser(
    site: &Site,
    request: &HttpRequest,
    flow: &Flow,
) -> HttpResponse {
    let mut response = expired(site, request, Some(flow));
    *response.status_mut() = StatusCode::FORBIDDEN;
    response
}

/// A flow that was left open too long.
pub(in crate::http) fn flow_lost(
    site: &Site,
    request: &HttpRequest,
    flow: Option<&Flow>,
) -> HttpResponse {
    expired(site, request, flow)
}

fn expired(site: &Site, request: &HttpRequest, flow: Option<&Flow>) -> HttpResponse {
    let chrome = chrome(site);
    let nonce = chrome.nonce.clone();
    let body = Expired {
        chrome,
        app: None,
        start_again: start_again(site, flow),
        request_id: request_id(request),
    };
    let mut response = page(&nonce, &body, Forms::Anywhere);
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}

/// Too many tries. `what` is what was tried, for the log: the audit log has the failures before, and
/// nobody fills it by trying on.
pub(in crate::http) fn throttled(
    site: &Site,
    request: &HttpRequest,
    (what, retry_after): (&'static str, Seconds),
    flow: &Flow,
) -> HttpResponse {
    let request_id = request_id(request);
    tracing::info!(
        event = "try.refused",
        outcome = "failure",
        request_id,
        what,
        retry_after,
        reason = "throttled",
        "a try was refused"
    );
    let chrome = chrome(site);
    let nonce = chrome.nonce.clone();
    let try_again = start_again(site, Some(flow));
    let body = Throttled { chrome, seconds: retry_after, try_again, request_id };
    let mut response = page(&nonce, &body, Forms::Anywhere);
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    retry_later(&mut response, retry_after);
    response
}

/// Tells programs, too, when to come back.
pub(in crate::http) fn retry_later(response: &mut HttpResponse, retry_after: Seconds) {
    let seconds = header::HeaderValue::from(retry_after.max(1));
    response.headers_mut().insert(header::RETRY_AFTER, seconds);
}

/// Somebody asks for one way into the apps after the other.
pub(in crate::http) fn too_many_entrances(
    site: &Site,
    request: &HttpRequest,
    retry_after: Seconds,
) -> HttpResponse {
    let words = Words::new(StatusCode::TOO_MANY_REQUESTS, "throttled", "Too many tries")
        .happened("You were sent here very often in a short time, and each time as if for the first.")
        .advise(
            "Allow cookies for the app, and open it again in an hour. If this page comes back, send \
             the details below to whoever looks after the app.",
        );
    let mut response = show(site, request, words);
    retry_later(&mut response, retry_after);
    response
}

/// A browser that brings several of the gateway's cookies, so that no app can be opened with them.
pub(in crate::http) fn cookies_in_the_way(site: &Site, request: &HttpRequest) -> HttpResponse {
    let heading = "Cookies in your browser are in the way";
    let words = Words::new(StatusCode::BAD_REQUEST, "cookies_in_the_way", heading)
        .happened(
            "Your browser sends several cookies under the name of the one that opens this app. Another \
             site of the same domain may have set some of them.",
        )
        .advise(
            "Delete the cookies of the app and of this site in your browser’s settings, then open the \
             app again. If this page comes back, send the details below to whoever looks after the app.",
        );
    show(site, request, words)
}

/// A one-time link that does not work.
pub(in crate::http) fn link_error(
    site: &Site,
    request: &HttpRequest,
    error: &LinkError,
) -> HttpResponse {
    let words = match error {
        LinkError::Failure(failure) => return self::failure(site, request, failure),
        LinkError::AlreadySetUp => {
            Words::new(StatusCode::FORBIDDEN, "already_set_up", "Doorward is already set up")
                .happened("The first administrator has been made, so set-up links work no more.")
                .advise("Sign in instead. Administrators can make further ones in the console.")
                .way_out(site.path("/login?next=admin"), "Sign in")
        }
        LinkError::Spent | LinkError::People(_) => {
            Words::new(StatusCode::FORBIDDEN, "link_spent", "This link works no more")
                .happened("It has been used, replaced by a newer one, or has expired.")
                .advise("Ask the administrator for a new link.")
        }
    };
    show(site, request, words)
}

/// A link from a letter about a sign-in that does not work.
pub(in crate::http) fn not_me_error(
    site: &Site,
    request: &HttpRequest,
    error: &NotMeError,
) -> HttpResponse {
    match error {
        NotMeError::Failure(failure) => self::failure(site, request, failure),
        NotMeError::Spent => {
            let words = Words::new(StatusCode::FORBIDDEN, "link_spent", "This link works no more")
                .happened("It has been used, the password was changed since, or it has expired.")
                .advise("If somebody else may be in your account, tell the administrator now.");
            show(site, request, words)
        }
        NotMeError::Throttled { retry_after } => {
            let status = StatusCode::TOO_MANY_REQUESTS;
            let words = Words::new(status, "throttled", "Too many links that do not work")
                .happened("Many links were tried from your network that are not ours.")
                .advise("Wait a few minutes, then open the link in your letter again.");
            let mut response = show(site, request, words);
            retry_later(&mut response, *retry_after);
            response
        }
    }
}

/// The password was right, and nobody is let in who comes like this.
pub(in crate::http) fn unfamiliar(site: &Site, request: &HttpRequest) -> HttpResponse {
    let words = Words::new(
        StatusCode::FORBIDDEN,
        "sign_in_refused",
        "This sign-in is too unlike your earlier ones",
    )
    .happened("To keep your account safe, nobody was signed in.")
    .advise(
        "Sign in from a device and network that you have used before. If you cannot, ask the \
         administrator.",
    );
    show(site, request, words)
}

/// A logout request that cannot be followed.
pub(in crate::http) fn logout_error(
    site: &Site,
    request: &HttpRequest,
    error: &LogoutError,
) -> HttpResponse {
    let text = match error {
        LogoutError::Failure(failure) => return self::failure(site, request, failure),
        LogoutError::Refused(text) => *text,
    };
    let words = Words::new(
        StatusCode::BAD_REQUEST,
        "invalid_request",
        "The app’s sign-out request cannot be followed",
    )
    .happened("You are still signed in here, and nothing was sent to the app.")
    .advise("If you want to sign out, do it here.")
    .way_out(site.path("/logout"), "Sign out")
    .hint(text, None);
    show(site, request, words)
}

/// A link into an app that is not behind the gateway, or that is none.
pub(in crate::http) fn no_way_back(site: &Site, request: &HttpRequest) -> HttpResponse {
    let words = Words::new(StatusCode::BAD_REQUEST, "invalid_request", "This link leads nowhere")
        .happened("It names no page of an app that is protected here.")
        .advise("Open the app’s own address instead; it sends you here when you have to sign in.")
        .way_out(site.path("/"), "Go to the first page");
    show(site, request, words)
}

/// What the role of an administrator does not allow.
pub(in crate::http) fn denied_in_console(page: &Denied) -> HttpResponse {
    let mut response = super::page(&page.chrome.nonce, page, Forms::HereOnly);
    *response.status_mut() = StatusCode::FORBIDDEN;
    response
}

/// No such page, inside the console.
pub(in crate::http) fn not_found_in_console(page: &Missing) -> HttpResponse {
    let mut response = super::page(&page.chrome.nonce, page, Forms::HereOnly);
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

/// No such page.
pub(in crate::http) fn not_found(site: &Site, request: &HttpRequest) -> HttpResponse {
    let words = Words::new(StatusCode::NOT_FOUND, "not_found", "There is no such page")
        .happened("The address may be mistyped, or the page has moved.")
        .advise("Check the address, or start from the first page.")
        .way_out(site.path("/"), "Go to the first page");
    show(site, request, words)
}

/// Signed in, but not for this.
pub(in crate::http) fn forbidden(
    site: &Site,
    request: &HttpRequest,
    (account, reason): (&str, &str),
) -> HttpResponse {
    let chrome = chrome(site);
    let nonce = chrome.nonce.clone();
    let body = Forbidden {
        chrome,
        account: account.to_owned(),
        reason: reason.to_owned(),
        request_id: request_id(request),
        switch_href: site.path("/logout"),
    };
    let mut response = page(&nonce, &body, Forms::HereOnly);
    *response.status_mut() = StatusCode::FORBIDDEN;
    response
}
