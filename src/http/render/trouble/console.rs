//! What goes wrong in the console and has a page of its own.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};

use super::{Words, in_bytes, show};
use crate::http::extract::request_id;
use crate::http::site::Site;
use crate::service::try_it::TryError;

/// A file of people that is longer than this, in bytes.
pub(in crate::http) fn import_too_long(
    site: &Site,
    request: &HttpRequest,
    most: u64,
) -> HttpResponse {
    let words = Words::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "This file is too long")
        .happened(format!(
            "A file of people has at most {} here (limits.import_bytes).",
            in_bytes(most)
        ))
        .advise("Go back and choose a part of it, or import it whole with the command line.");
    show(site, request, words)
}

/// An answer to the try-it client of the console that is not taken. Nothing of it is shown.
pub(in crate::http) fn try_it_refused(
    site: &Site,
    request: &HttpRequest,
    error: &TryError,
) -> HttpResponse {
    tracing::info!(request_id = request_id(request), %error, "a tried sign-in was not finished");
    let status = match error {
        TryError::OtherSession | TryError::OtherPerson => StatusCode::FORBIDDEN,
        _ => StatusCode::BAD_REQUEST,
    };
    let words = Words::new(status, "invalid_request", "This sign-in was not finished")
        .happened(match error {
            TryError::OtherSession | TryError::OtherPerson => {
                "It was begun in the console by somebody else, or in another session. Nothing of it is \
                 shown to you."
            }
            TryError::OtherIssuer => "The answer came from another issuer than was asked.",
            _ => {
                "Nothing was begun here that this is the answer to: it was finished before, or more \
                 than ten minutes ago."
            }
        })
        .advise("Sign in to the console as yourself and begin again.")
        .way_out(site.path("/admin/try"), "Try a sign-in");
    show(site, request, words)
}
