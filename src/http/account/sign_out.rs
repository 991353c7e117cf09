//! `/account/sign-out`: a person ends their other sessions, or all of them, and if they want what stays
//! signed in by itself. Asked for by a page of its own, soon after a sign-in.

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};

use crate::clock::Seconds;
use crate::http::cookies::BrowserBinding;
use crate::http::headers::Forms;
use crate::http::pages::account_sign_out::AccountSignOut;
use crate::http::routes::reading;
use crate::http::sign_in::sign_out;
use crate::http::sign_in::steps::{self, PostedForm, Visit};
use crate::http::site::Site;
use crate::http::{extract, render};
use crate::protocol::types::UserId;
use crate::service::audit::Actor;
use crate::service::failure::Failure;
use crate::service::people::PeopleError;
use crate::service::session::connections::{self, Bound};
use crate::service::session::everywhere::{self, Connections, Reach, Wanted};
use crate::service::session::logout::{self, Next};
use crate::service::session::{self, LiveSession};

/// How long ago the sign-in may be for what ends everything at one click. What ends one by one asks for nothing.
const FRESH: Seconds = 600;

/// Where the password is asked again for it.
const AGAIN: &str = "/login?next=sign-out";

/// The most sessions that are counted for the page.
const COUNTED: i64 = 100;

/// This file's part of the URL map.
pub(in crate::http) fn routes(map: &mut ServiceConfig) {
    map.service(
        web::resource("/account/sign-out").route(reading().to(get)).route(web::post().to(post)),
    );
}

fn is_fresh(site: &Site, session: &LiveSession) -> bool {
    site.now().since(session.auth_time) <= FRESH
}

/// The question.
async fn get(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    let session = match steps::session_or_failure(&site, &request).await {
        Ok(Some(session)) => session,
        Ok(None) => return steps::see_other(&site.path("/login")),
        Err(response) => return response,
    };
    if !is_fresh(&site, &session) {
        return steps::see_other(&site.path(AGAIN));
    }
    let browser = BrowserBinding::of(&site, &request);
    let visit =
        Visit { site: &site, request: &request, browser: &browser, session: Some(&session) };
    match page(&visit, &session).await {
        Ok(response) => visit.bind(response),
        Err(failure) => render::failure(&site, &request, &failure),
    }
}

async fn page(visit: &Visit<'_>, session: &LiveSession) -> Result<HttpResponse, Failure> {
    let site = visit.site;
    let live = session::list(site, (Some(&session.user_id), None), COUNTED).await?;
    let chrome = render::chrome(site);
    let nonce = chrome.nonce.clone();
    let page = AccountSignOut {
        chrome,
        csrf: visit.session_csrf(),
        others: live.iter().filter(|row| row.id != session.id).count(),
        connections: lasting(site, &session.user_id).await?,
    };
    Ok(render::page(&nonce, &page, Forms::HereOnly))
}

/// The names of what stays signed in without a session.
async fn lasting(site: &Site, user: &UserId) -> Result<Vec<String>, Failure> {
    let all = connections::foremost(site, user, super::MOST_CONNECTIONS).await?;
    let lasting = all.into_iter().filter(|connection| connection.bound != Bound::Session);
    Ok(lasting.map(|connection| connection.client.metadata.client_name.clone()).collect())
}

/// The answer.
async fn post(site: web::Data<Site>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let (posted, session) = match PostedForm::of_session(&site, &request, &body).await {
        Ok(read) => read,
        Err(answer) => return answer,
    };
    if !is_fresh(&site, &session) {
        return steps::see_other(&site.path(AGAIN));
    }
    let reach = match posted.form.sole("reach") {
        Some("everywhere") => Reach::Everywhere,
        Some("elsewhere") => Reach::Elsewhere(&session.id),
        _ => return render::bad_request(&site, &request),
    };
    let connections =
        if posted.form.has("connections") { Connections::End } else { Connections::Keep };
    let wanted = Wanted { user: &session.user_id, reach, connections };
    let actor = Actor::User(session.user_id.clone());
    let caller = extract::caller(&site, &request);
    match everywhere::sign_out(&site, &wanted, (&actor, &caller)).await {
        Ok(Some(_)) if reach == Reach::Everywhere => signed_out(&posted, &session).await,
        Ok(Some(_)) => steps::see_other(&site.path("/account?done=elsewhere")),
        Err(PeopleError::Failure(failure)) => render::failure(&site, &request, &failure),
        // Ended by somebody else at this very moment.
        Ok(None) | Err(_) => steps::see_other(&site.path("/login")),
    }
}

/// What follows any sign-out: the apps' own pages, and no cookie left but those of other people.
async fn signed_out(posted: &PostedForm<'_>, session: &LiveSession) -> HttpResponse {
    let visit = posted.visit();
    let frames = logout::frames_after(visit.site, session).await;
    let left = posted.accounts.clone().without(&session.id);
    let then = Next { redirect: None, client_name: None, client_uri: None };
    sign_out::go_on(&visit, &then, (&frames, &left))
}
