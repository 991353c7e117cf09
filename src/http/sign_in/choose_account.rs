//! `/login/account`: the answer to "which account?". The page itself is one step of a flow.

use actix_web::{HttpRequest, HttpResponse, web};

use super::steps::{self, Arrival, Posted, Visit};
use crate::http::cookies::BrowserBinding;
use crate::http::headers::Forms;
use crate::http::pages::FlowForm;
use crate::http::pages::choose_account::{AccountView, ChooseAccount};
use crate::http::sign_in::accounts;
use crate::http::site::Site;
use crate::http::{extract, render};
use crate::protocol::interaction::AccountChoice;
use crate::protocol::types::SessionId;
use crate::service::authorize::flow::Flow;
use crate::service::failure::Failure;
use crate::service::people::{self, PeopleError};
use crate::service::session::accounts::{self as service, Accounts};

/// The page, as one step of a flow to this app, or to the page that lets a device in.
pub(super) async fn page(
    visit: &Visit<'_>,
    (app_name, sealed): (Option<&str>, String),
) -> HttpResponse {
    let accounts = match accounts::of(visit.site, visit.request).await {
        Ok(accounts) => accounts,
        Err(response) => return response,
    };
    let accounts = match views(visit.site, &accounts).await {
        Ok(views) => views,
        Err(failure) => return render::failure(visit.site, visit.request, &failure),
    };
    let chrome = render::chrome(visit.site);
    let nonce = chrome.nonce.clone();
    let form = FlowForm { flow: sealed, csrf: visit.csrf() };
    let body = ChooseAccount { chrome, form, app_name: app_name.map(str::to_owned), accounts };
    render::page(&nonce, &body, Forms::Anywhere)
}

async fn views(site: &Site, accounts: &Accounts) -> Result<Vec<AccountView>, Failure> {
    let mut views = Vec::new();
    for session in accounts.all() {
        match people::find(site, session.user_id.as_str()).await {
            Ok(user) => views.push(AccountView {
                id: session.id.to_string(),
                name: user.name.unwrap_or(user.username),
                email: user.email,
            }),
            Err(PeopleError::Failure(failure)) => return Err(failure),
            // Deleted this very moment.
            Err(_) => {}
        }
    }
    Ok(views)
}

/// The choice.
pub(super) async fn post(
    site: web::Data<Site>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let Ok(form) = extract::form(&request, &body) else {
        return render::bad_request(&site, &request);
    };
    let held = match accounts::of(&site, &request).await {
        Ok(held) => held,
        Err(response) => return response,
    };
    let active = held.active().cloned();
    let browser = BrowserBinding::of(&site, &request);
    let visit =
        Visit { site: &site, request: &request, browser: &browser, session: active.as_ref() };
    let mut flow = match steps::open_flow(&visit, &form, steps::csrf_ok(&visit, &form)) {
        Posted::Flow(flow) => *flow,
        Posted::Answer(response) => return visit.bind(response),
    };
    match form.sole("account") {
        None => render::bad_request(&site, &request),
        Some("another") => {
            flow.progress.account = AccountChoice::Another;
            steps::advance(&visit, flow, Arrival::Post).await
        }
        Some(id) => chosen(&visit, flow, (SessionId::new(id), held)).await,
    }
}

async fn chosen(
    visit: &Visit<'_>,
    mut flow: Flow,
    (id, held): (SessionId, Accounts),
) -> HttpResponse {
    let (site, request) = (visit.site, visit.request);
    // One that has ended meanwhile, or never was this browser's: the page comes again.
    let Some(session) = held.by_id(&id).cloned() else {
        return steps::advance(visit, flow, Arrival::Post).await;
    };
    flow.progress.account = AccountChoice::Chosen(id);
    if visit.session.is_some_and(|active| active.id == session.id) {
        return steps::advance(visit, flow, Arrival::Post).await;
    }
    let caller = extract::caller(site, request);
    let switched = async {
        let Some(established) = service::choose(site, &session, &caller).await? else {
            return Ok(None);
        };
        let held = held.activated(site, &established, &caller).await?;
        Ok::<_, Failure>(Some((established, held)))
    };
    match switched.await {
        Ok(Some((established, held))) => {
            let next = Visit { session: Some(&established.session), ..*visit };
            let mut response = steps::advance(&next, flow, Arrival::Post).await;
            accounts::write(site, &mut response, (&established, &held), request);
            response
        }
        Ok(None) => steps::advance(visit, flow, Arrival::Post).await,
        Err(failure) => render::failure(site, request, &failure),
    }
}
