//! What a person has allowed, on the account page, and taking it back.

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};

use crate::http::pages::When;
use crate::http::pages::allowed_apps::AllowedApp;
use crate::http::pages::consent::{claim_sentence, scope_sentence};
use crate::http::routes::only;
use crate::http::sign_in::steps::PostedForm;
use crate::http::site::Site;
use crate::http::{account, extract};
use crate::protocol::types::{ClientId, UserId};
use crate::service::audit::Actor;
use crate::service::authorize::consent;
use crate::service::clients;
use crate::service::failure::Failure;

/// This file's part of the URL map. The app is named in the form: its id may be a URL.
pub(in crate::http) fn routes(map: &mut ServiceConfig) {
    map.service(only("/account/allowed/end", web::post().to(withdraw)));
}

/// Every app this person has allowed something.
pub(in crate::http) async fn list(site: &Site, user: &UserId) -> Result<Vec<AllowedApp>, Failure> {
    let now = site.now();
    let mut apps = Vec::new();
    for consent in consent::list(site, user).await? {
        let Some(client) = clients::find(site, &consent.client_id).await? else { continue };
        let scopes = consent.scopes.iter().map(scope_sentence);
        let claims = consent.claims.iter().map(|claim| claim_sentence(claim));
        apps.push(AllowedApp {
            client_id: consent.client_id.to_string(),
            name: client.metadata.client_name.clone(),
            permissions: scopes.chain(claims).collect(),
            since: When::ago(consent.granted_at, now),
        });
    }
    Ok(apps)
}

/// Takes back what the person has allowed an app.
async fn withdraw(site: web::Data<Site>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let (posted, session) = match PostedForm::of_session(&site, &request, &body).await {
        Ok(read) => read,
        Err(answer) => return answer,
    };
    let client = ClientId::new(posted.text("client_id"));
    let actor = Actor::User(session.user_id.clone());
    let caller = extract::caller(&site, &request);
    let ended = consent::withdraw(&site, (&session.user_id, &client), (&actor, &caller)).await;
    account::back_to_account(&site, &request, ended.or_else(account::otherwise_none))
}
