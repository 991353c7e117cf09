//! The organisations of a person on the account page, and which of them is the active one.

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};

use crate::http::pages::organisations::OrganisationChoice;
use crate::http::routes::only;
use crate::http::sign_in::steps::PostedForm;
use crate::http::site::Site;
use crate::http::{account, extract};
use crate::protocol::types::OrganisationId;
use crate::service::failure::Failure;
use crate::service::organisations::active;
use crate::service::session::LiveSession;

/// This file's part of the URL map.
pub(in crate::http) fn routes(map: &mut ServiceConfig) {
    map.service(only("/account/organisations", web::post().to(choose)));
}

/// Those the person is in.
pub(super) async fn list(
    site: &Site,
    session: &LiveSession,
) -> Result<Vec<OrganisationChoice>, Failure> {
    let (all, chosen) = active::choices(site, session).await?;
    let choice = |organisation: crate::store::organisations::Organisation| OrganisationChoice {
        is_active: chosen.as_ref() == Some(&organisation.id),
        id: organisation.id.to_string(),
        name: organisation.display_name,
    };
    Ok(all.into_iter().map(choice).collect())
}

/// Makes one of them the active one.
async fn choose(site: web::Data<Site>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let (posted, session) = match PostedForm::of_session(&site, &request, &body).await {
        Ok(read) => read,
        Err(answer) => return answer,
    };
    let id = OrganisationId::new(posted.text("organisation"));
    let chosen = active::choose(&site, &session, (&id, &extract::caller(&site, &request))).await;
    account::back_to_account(&site, &request, chosen)
}
