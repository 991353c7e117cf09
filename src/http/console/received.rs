//! What a request to the console carries: a form, and with some of them a file.

use actix_web::web::{Bytes, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::desk::Desk;
use super::step_up;
use super::table::{Carries, Entry, Method};
use crate::http::sign_in::steps;
use crate::http::upload::{self, Refusal, Terms, Unreadable, Upload};
use crate::http::{extract, render};
use crate::service::people::import::uploaded;

/// The body of a request.
pub(super) enum Sent {
    Whole(Bytes),
    /// What comes is read as it is needed.
    Streaming(Payload),
}

/// Whether the body is of a type that a form for this address sends. Browsers send other types across sites
/// without asking, so no other is ever looked into.
fn is_of_a_form(entry: &Entry, request: &HttpRequest) -> bool {
    extract::is_form(request) || entry.carries != Carries::Nothing && upload::is_upload(request)
}

/// What a form of ours has brought, or the answer to another one.
pub(super) async fn received(
    desk: &mut Desk<'_>,
    entry: &Entry,
    sent: Sent,
) -> Result<Upload, HttpResponse> {
    let (site, request) = (desk.visit.site, desk.visit.request);
    if entry.method == Method::Get {
        return Ok(Upload::default());
    }
    if !steps::came_from_here(&desk.visit) {
        return Err(render::forged_form(site, request));
    }
    if !is_of_a_form(entry, request) {
        return Err(render::no_form(site, request));
    }
    let posted = match sent {
        Sent::Whole(body) => posted(entry, request, &body).await.map_err(Refusal::from),
        Sent::Streaming(payload) => {
            // Whoever may not do it is told so before anything gets to the disk.
            if desk.admit(entry).await.is_err() || !step_up::is_open(desk, entry) {
                return Ok(Upload::default());
            }
            spooled(desk, payload).await
        }
    };
    match posted {
        Ok(posted) if steps::session_csrf_ok(&desk.visit, &posted.fields) => Ok(posted),
        Ok(_) | Err(Refusal::Forged) => Err(render::forged_form(site, request)),
        Err(Refusal::Unreadable) => Err(render::bad_request(site, request)),
        Err(Refusal::TooLong) => {
            Err(render::import_too_long(site, request, site.config.limits.import_bytes))
        }
        Err(Refusal::NoRoom(error)) => {
            tracing::warn!(%error, "a file that was sent could not be kept");
            let text = "There is no room for the file in the data directory of this node, or it may not be \
                        written to. Import it with the command line.";
            let answer = desk.refused(text, &site.path("/admin/users/import"));
            Err(answer.unwrap_or_else(|stop| desk.stopped(&stop, Some(entry.right))))
        }
    }
}

/// What was posted: fields, and a picture where the address takes one.
async fn posted(entry: &Entry, request: &HttpRequest, body: &Bytes) -> Result<Upload, Unreadable> {
    if entry.carries == Carries::Picture {
        return upload::read(request, body).await;
    }
    upload::plain(request, body)
}

/// What was posted with a file that goes to the disk as it comes.
async fn spooled(desk: &Desk<'_>, payload: Payload) -> Result<Upload, Refusal> {
    let terms = Terms {
        most: desk.site().config.limits.import_bytes,
        is_ours: &|fields| steps::session_csrf_ok(&desk.visit, fields),
        room: &|| uploaded::room(desk.site()),
    };
    upload::spool(desk.visit.request, payload, &terms).await
}
