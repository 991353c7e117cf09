//! `GET /admin/try/callback`: the answer to an authorization request of the try-it client. An app takes it, not the
//! console: it comes in a browser whose session may just have been renewed (`prompt=login`), and the console is
//! closed to a renewed session until its person signs in to it. So this is no address of [`super::table`]. It
//! shows nothing: what came of it is kept for the session that began it, and shown by the console alone.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::http::sign_in::steps;
use crate::http::site::Site;
use crate::http::{extract, render};
use crate::protocol::params::Params;
use crate::service::people::console_access::{self, Access, Visit};
use crate::service::session::LiveSession;
use crate::service::try_it::client::PAGE;
use crate::service::try_it::{TryError, Visitor, walk};

/// Where what came of it is shown.
const RESULT: &str = "/admin/try/result";

pub(super) async fn get(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    let session = match steps::session_or_failure(&site, &request).await {
        Ok(Some(session)) => session,
        // Whoever began it has signed out since, or this is another browser.
        Ok(None) => return steps::see_other(&render::to_console(&site, PAGE)),
        Err(response) => return response,
    };
    match finish(&site, &request, &session).await {
        Ok(next) => steps::see_other(&next),
        Err(TryError::Failure(failure)) => render::failure(&site, &request, &failure),
        Err(error) => render::try_it_refused(&site, &request, &error),
    }
}

/// Redeems what has come; gives the page to go on to.
async fn finish(
    site: &Site,
    request: &HttpRequest,
    session: &LiveSession,
) -> Result<String, TryError> {
    let answer = Params::parse(request.query_string().as_bytes()).unwrap_or_default();
    // Asked before anything is redeemed: it may have been closed to them meanwhile.
    let next = match console_access::check(site, session, Visit::Person).await? {
        Access::Open(..) => site.path(RESULT),
        Access::SignInFirst => render::to_console(site, RESULT),
        Access::Forbidden => return Err(TryError::OtherPerson),
    };
    let visitor = Visitor { user: session.user_id.clone(), session: session.id.clone() };
    let caller = extract::caller(site, request);
    walk::finish(site, &visitor, (&answer, &caller)).await?;
    Ok(next)
}
