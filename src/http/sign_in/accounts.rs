//! The accounts of a browser as cookies: reading them, and writing what a sign-in, a choice or a
//! sign-out leaves of them.

use actix_web::{HttpRequest, HttpResponse};

use crate::clock::Seconds;
use crate::http::cookies::{self, Kind};
use crate::http::sign_in::steps;
use crate::http::site::Site;
use crate::http::{fetch_metadata, render};
use crate::protocol::params::Params;
use crate::service::authorize;
use crate::service::authorize::flow::{Flow, FlowError};
use crate::service::session::accounts::Accounts;
use crate::service::session::{Established, LiveSession};

/// How long a browser keeps the cookie it is recognised by, in seconds: as long as browsers keep any.
const DEVICE_LIFETIME: Seconds = 400 * 86_400;

/// The live sessions of this browser, or the answer that says they cannot be known.
pub(in crate::http) async fn of(
    site: &Site,
    request: &HttpRequest,
) -> Result<Accounts, HttpResponse> {
    let active = cookies::read(site, request, Kind::Session);
    let others = cookies::read(site, request, Kind::Accounts);
    Accounts::read(site, active.as_deref(), others.as_deref())
        .await
        .map_err(|failure| render::failure(site, request, &failure))
}

/// The session that a flow is about.
pub(in crate::http) async fn session_for(
    site: &Site,
    request: &HttpRequest,
    (flow, accounts): (&Flow, &Accounts),
) -> Result<Option<LiveSession>, HttpResponse> {
    match authorize::session_for(site, flow, accounts).await {
        Ok(session) => Ok(session.cloned()),
        Err(error) => Err(steps::refused_flow(site, request, (flow, &error)).await),
    }
}

/// The session that a posted form is about: that of its flow, whether or not the flow may go on.
pub(in crate::http) async fn session_of_form(
    site: &Site,
    request: &HttpRequest,
    (accounts, form): (&Accounts, &Params),
) -> Result<Option<LiveSession>, HttpResponse> {
    let browser = cookies::read(site, request, Kind::Browser);
    let sealed = form.sole("flow").unwrap_or_default();
    match Flow::open(site, sealed, browser.as_deref()) {
        Ok(flow) => session_for(site, request, (&flow, accounts)).await,
        Err(FlowError::Expired(flow)) => session_for(site, request, (&flow, accounts)).await,
        Err(_) => Ok(accounts.active().cloned()),
    }
}

/// A flow of this browser that begins now.
pub(in crate::http) fn begin(mut flow: Flow, accounts: &Accounts) -> Flow {
    use crate::protocol::interaction::AccountChoice;
    if accounts.active.is_none() && !accounts.others.is_empty() {
        flow.progress.account = AccountChoice::Open;
    }
    flow
}

/// Sets the cookies of a browser in which this session is now the active one.
pub(in crate::http) fn write(
    site: &Site,
    response: &mut HttpResponse,
    (now_active, accounts): (&Established, &Accounts),
    request: &HttpRequest,
) {
    let value = (now_active.cookie.expose(), now_active.cookie_max_age);
    add(response, &cookies::write(site, Kind::Session, value));
    if let Some(device) = &now_active.new_device {
        let value = (device.expose(), Some(DEVICE_LIFETIME));
        add(response, &cookies::write(site, Kind::Device, value));
    }
    write_others(site, response, accounts, request);
}

/// Sets the accounts cookie, or removes it when there is nobody else any more.
pub(in crate::http) fn write_others(
    site: &Site,
    response: &mut HttpResponse,
    accounts: &Accounts,
    request: &HttpRequest,
) {
    show_state(site, response, accounts, request);
    if accounts.others.is_empty() && !brought(site, request) {
        return;
    }
    let cookie = match accounts.others.as_slice() {
        [] => cookies::remove(site, Kind::Accounts),
        others => {
            let lasting = others.iter().filter_map(|held| held.session.cookie_max_age(site)).max();
            cookies::write(site, Kind::Accounts, (&accounts.cookie(), lasting))
        }
    };
    add(response, &cookie);
}

/// Whether nobody signed in here means nobody: a picture or frame on another site's page brings the
/// state cookie but none of those that it is the state of.
pub(in crate::http) fn are_visible(site: &Site, request: &HttpRequest) -> bool {
    let brought = |kind| cookies::read(site, request, kind).is_some();
    brought(Kind::Session) || brought(Kind::Accounts) || fetch_metadata::opens_a_window(request)
}

/// Lets scripts of this site see which sessions this browser has (Session Management 1.0 section
/// 3.2), unless they see it already. What has ended in the meantime goes.
pub(in crate::http) fn show_state(
    site: &Site,
    response: &mut HttpResponse,
    accounts: &Accounts,
    request: &HttpRequest,
) {
    let right = accounts.browser_state();
    let known = cookies::read(site, request, Kind::State).unwrap_or_default();
    if known == right {
        return;
    }
    let cookie = if right.is_empty() {
        cookies::remove(site, Kind::State)
    } else {
        let lasting = accounts.all().filter_map(|session| session.cookie_max_age(site)).max();
        cookies::write(site, Kind::State, (&right, lasting))
    };
    add(response, &cookie);
}

fn add(response: &mut HttpResponse, cookie: &actix_web::cookie::Cookie<'_>) {
    if let Err(error) = response.add_cookie(cookie) {
        tracing::error!(%error, "session cookie could not be set");
    }
}

/// Whether this browser brought an accounts cookie, dead or alive.
fn brought(site: &Site, request: &HttpRequest) -> bool {
    cookies::read(site, request, Kind::Accounts).is_some()
}
