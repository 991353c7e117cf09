//! `/login/organisation`: the answer to "which organisation?". The page itself is one step of a flow.

use actix_web::{HttpRequest, HttpResponse, web};

use super::steps::{self, Arrival, Posted, PostedForm, Visit};
use crate::http::extract;
use crate::http::headers::Forms;
use crate::http::pages::FlowForm;
use crate::http::pages::organisations::{ChooseOrganisation, OrganisationChoice};
use crate::http::render;
use crate::http::site::Site;
use crate::protocol::types::OrganisationId;
use crate::service::authorize::OrganisationPrompt;
use crate::service::organisations::active;

/// The page, as one step of a flow to this app.
pub(super) fn page(visit: &Visit<'_>, prompt: OrganisationPrompt, sealed: String) -> HttpResponse {
    let chrome = render::chrome(visit.site);
    let nonce = chrome.nonce.clone();
    let choice = |organisation: crate::store::organisations::Organisation| OrganisationChoice {
        id: organisation.id.to_string(),
        name: organisation.display_name,
        is_active: false,
    };
    let body = ChooseOrganisation {
        chrome,
        form: FlowForm { flow: sealed, csrf: visit.session_csrf() },
        app_name: prompt.client.metadata.client_name.clone(),
        organisations: prompt.organisations.into_iter().map(choice).collect(),
    };
    render::page(&nonce, &body, Forms::Anywhere)
}

/// The choice. One that the person is not in any more brings the page again.
pub(super) async fn post(
    site: web::Data<Site>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let posted = match PostedForm::read(&site, &request, &body).await {
        Ok(posted) => posted,
        Err(answer) => return answer,
    };
    let visit = posted.visit();
    // A question left open by somebody who has signed out since decides nothing.
    let trusted = visit.session.is_none() && steps::came_from_here(&visit)
        || steps::session_csrf_ok(&visit, &posted.form);
    let flow = match steps::open_flow(&visit, &posted.form, trusted) {
        Posted::Flow(flow) => *flow,
        Posted::Answer(response) => return visit.bind(response),
    };
    let Some(id) = posted.form.sole("organisation") else {
        return render::bad_request(&site, &request);
    };
    let chosen = (&OrganisationId::new(id), &extract::caller(&site, &request));
    if let Some(session) = visit.session
        && let Err(failure) = active::choose(&site, session, chosen).await
    {
        return render::failure(&site, &request, &failure);
    }
    steps::advance(&visit, flow, Arrival::Post).await
}
