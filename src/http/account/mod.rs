//! `/account`: a person's own page.

pub(in crate::http) mod allowed_apps;
pub(in crate::http) mod organisations;
pub(in crate::http) mod sign_out;

use std::collections::BTreeMap;

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};

use super::cookies::BrowserBinding;
use super::headers::Forms;
use super::pages::account::{AccountHome, AppTile, ConsoleLink};
use super::pages::views::{ConnectionView, SessionView};
use super::pages::{Flash, Link, Tone};
use super::routes::{only, reading};
use super::sign_in::steps::{self, PostedForm, Visit};
use super::site::Site;
use super::{branding, extract, render};
use crate::protocol::authorize::initiate_login;
use crate::protocol::params::Params;
use crate::protocol::types::{GrantId, SessionId};
use crate::protocol::user::User;
use crate::service::audit::Actor;
use crate::service::authorize::consent;
use crate::service::clients;
use crate::service::failure::Failure;
use crate::service::people::{self, PeopleError, console_access};
use crate::service::session::{self, LiveSession, connections, logout, sightings};

/// More devices and apps that stay signed in are not shown.
const MOST_CONNECTIONS: i64 = 100;

/// This file's part of the URL map.
pub(super) fn routes(map: &mut ServiceConfig) {
    map.service(only("/account", reading().to(get)))
        .service(only("/account/sessions/{id}/end", web::post().to(end_session)))
        .service(only("/account/connections/{id}/end", web::post().to(end_connection)));
}

async fn get(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    let session = match steps::session_or_failure(&site, &request).await {
        Ok(Some(session)) => session,
        Ok(None) => return steps::see_other(&site.path("/login")),
        Err(response) => return response,
    };
    let browser = BrowserBinding::of(&site, &request);
    let visit =
        Visit { site: &site, request: &request, browser: &browser, session: Some(&session) };
    match home(&visit, &session).await {
        Ok(response) => visit.bind(response),
        Err(failure) => render::failure(&site, &request, &failure),
    }
}

async fn home(visit: &Visit<'_>, session: &LiveSession) -> Result<HttpResponse, Failure> {
    let site = visit.site;
    let user = match people::find(site, session.user_id.as_str()).await {
        Ok(user) => user,
        Err(PeopleError::Failure(failure)) => return Err(failure),
        Err(_) => return Ok(steps::see_other(&site.path("/login"))),
    };
    let chrome = render::chrome(site);
    let nonce = chrome.nonce.clone();
    let page = AccountHome {
        chrome,
        csrf: visit.session_csrf(),
        flash: done(visit.request),
        name: user.name.clone().unwrap_or_else(|| user.username.clone()),
        username: user.username.clone(),
        email: user.email.clone(),
        apps: apps(site, (&user, session)).await?,
        organisations: organisations::list(site, session).await?,
        allowed: allowed_apps::list(site, &session.user_id).await?,
        sessions: sessions(site, (&user, session)).await?,
        connections: connections(site, &user).await?,
        console: match console_access::standing(site, &user).await? {
            Some(_) => ConsoleLink::Shown,
            None => ConsoleLink::Hidden,
        },
    };
    Ok(render::page(&nonce, &page, Forms::HereOnly))
}

/// What was done on the page that led here.
fn done(request: &HttpRequest) -> Option<Flash> {
    let query = Params::parse(request.query_string().as_bytes()).unwrap_or_default();
    let text = match query.sole("done")? {
        "elsewhere" => "You are signed out everywhere else.",
        _ => return None,
    };
    Some(Flash { tone: Tone::Done, text: text.to_owned(), undo: None })
}

/// The apps the person uses that say where they are.
async fn apps(
    site: &Site,
    (user, session): (&User, &LiveSession),
) -> Result<Vec<AppTile>, Failure> {
    let consented = consent::list(site, &session.user_id).await?;
    let allowed: BTreeMap<_, _> =
        consented.into_iter().map(|consent| (consent.client_id, consent.scopes)).collect();
    let mut ids: Vec<_> = allowed.keys().cloned().collect();
    ids.extend(logout::apps(site, session).await?);
    ids.sort();
    ids.dedup();
    let mut tiles = Vec::new();
    for id in ids {
        let client = clients::find(site, &id).await?.filter(|c| c.disabled_at.is_none());
        // An app that can be asked for a sign-in greets the person signed in.
        let href = client.as_ref().and_then(|client| {
            let known = client.skips_consent().then_some(&client.metadata.scope);
            let scopes = known.or(allowed.get(&id)).cloned().unwrap_or_default();
            initiate_login::link(client, site.issuer(), (&user.username, &scopes))
                .or_else(|| client.metadata.client_uri.clone())
        });
        if let (Some(client), Some(href)) = (client, href) {
            let logo = client.logo.as_deref().map(branding::picture_path);
            let link = Link { text: client.metadata.client_name.clone(), href };
            tiles.push(AppTile { link, logo });
        }
    }
    Ok(tiles)
}

async fn sessions(
    site: &Site,
    (user, current): (&User, &LiveSession),
) -> Result<Vec<SessionView>, Failure> {
    let now = site.now();
    let rows = session::list(site, (Some(&user.id), None), 50).await?;
    let seen = sightings::of(site, rows).await?;
    Ok(seen.into_iter().map(|seen| SessionView::of(seen, &current.id, now)).collect())
}

/// What stays signed in by itself.
async fn connections(site: &Site, user: &User) -> Result<Vec<ConnectionView>, Failure> {
    let now = site.now();
    let found = connections::foremost(site, &user.id, MOST_CONNECTIONS).await?;
    Ok(found.into_iter().map(|connection| ConnectionView::of(connection, now)).collect())
}

/// Ends a device or app of the same person.
async fn end_connection(
    site: web::Data<Site>,
    request: HttpRequest,
    id: web::Path<String>,
    body: web::Bytes,
) -> HttpResponse {
    let (_, session) = match PostedForm::of_session(&site, &request, &body).await {
        Ok(read) => read,
        Err(answer) => return answer,
    };
    let id = GrantId::new(id.into_inner());
    let caller = extract::caller(&site, &request);
    let actor = Actor::User(session.user_id.clone());
    let ended = connections::end(&site, (&id, &session.user_id), (&actor, &caller)).await;
    let ended = ended.map(|outcome| outcome == connections::Outcome::Ended);
    back_to_account(&site, &request, ended.or_else(otherwise_none))
}

/// Ends another session of the same person.
async fn end_session(
    site: web::Data<Site>,
    request: HttpRequest,
    id: web::Path<String>,
    body: web::Bytes,
) -> HttpResponse {
    let (_, session) = match PostedForm::of_session(&site, &request, &body).await {
        Ok(read) => read,
        Err(answer) => return answer,
    };
    let id = SessionId::new(id.into_inner());
    let actor = Actor::User(session.user_id.clone());
    let caller = extract::caller(&site, &request);
    let ended = session::end_own(&site, (&id, &session.user_id), (&actor, &caller)).await;
    back_to_account(&site, &request, ended.or_else(otherwise_none))
}

/// What is not theirs to end is none.
pub(super) fn otherwise_none(error: PeopleError) -> Result<bool, Failure> {
    match error {
        PeopleError::Failure(failure) => Err(failure),
        _ => Ok(false),
    }
}

/// The answer once something of the person's was to end. Somebody else's looks like one that does not
/// exist.
pub(super) fn back_to_account(
    site: &Site,
    request: &HttpRequest,
    ended: Result<bool, Failure>,
) -> HttpResponse {
    match ended {
        Ok(true) => steps::see_other(&site.path("/account")),
        Ok(false) => render::not_found(site, request),
        Err(failure) => render::failure(site, request, &failure),
    }
}
