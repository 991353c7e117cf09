//! `/admin/clients/{id}/preview`: what an app would be told of somebody, for the scopes that are chosen.

use serde_json::{Map, Value};

use super::apps;
use super::desk::{Answer, Desk, Stop};
use super::people::sentence;
use crate::http::pages::FieldError;
use crate::http::pages::admin::Section;
use crate::http::pages::admin::preview::{ClaimsView, PreviewPage, ScopeChoice};
use crate::protocol::client::{Client, ClientKind};
use crate::protocol::scope::Scopes;
use crate::service::failure::Failure;
use crate::service::token::preview::{self, Preview, PreviewError};

pub(super) async fn ask(desk: &Desk<'_>) -> Answer {
    let client = apps::client(desk).await?;
    desk.show(&page(desk, &client, &preview::usual(&client)))
}

pub(super) async fn show(desk: &Desk<'_>) -> Answer {
    let client = apps::client(desk).await?;
    let tokens = desk.form.all("scope").filter(|token| client.metadata.scope.contains(token));
    let chosen = Scopes::from_tokens(tokens);
    let person = desk.text("person");
    let actor = desk.actor();
    let found = preview::preview(desk.site(), (&client, &chosen), person.trim(), &actor);
    let page = PreviewPage { person: person.clone(), ..page(desk, &client, &chosen) };
    match Box::pin(found).await {
        Ok(found) => desk.show(&PreviewPage { claims: claims(&found)?, ..page }),
        Err(PreviewError::Failure(failure)) => Err(Stop::Failure(failure)),
        Err(error) => {
            let field = if matches!(error, PreviewError::NoScope) { "scope" } else { "person" };
            let text = sentence(&error.to_string());
            desk.show_again(&PreviewPage { errors: vec![FieldError { field, text }], ..page })
        }
    }
}

fn page(desk: &Desk<'_>, client: &Client, chosen: &Scopes) -> PreviewPage {
    let choice = |name: &str| ScopeChoice { name: name.to_owned(), chosen: chosen.contains(name) };
    PreviewPage {
        chrome: desk.chrome(),
        console: desk.console(Section::Apps),
        id: client.id.to_string(),
        name: client.metadata.client_name.clone(),
        signs_people_in: client.metadata.kind != ClientKind::Machine,
        person: String::new(),
        scopes: client.metadata.scope.iter().map(choice).collect(),
        claims: Vec::new(),
        errors: Vec::new(),
    }
}

fn claims(found: &Preview) -> Result<Vec<ClaimsView>, Stop> {
    let all = [
        ("id-token", "ID token", found.id_token.as_ref()),
        ("access-token", "Access token", Some(&found.access_token)),
        ("userinfo", "User information", found.userinfo.as_ref()),
    ];
    all.into_iter().map(|(id, label, claims)| view((id, label), claims)).collect()
}

fn view(
    (id, label): (&'static str, &'static str),
    claims: Option<&Map<String, Value>>,
) -> Result<ClaimsView, Stop> {
    let json = claims.map(serde_json::to_string_pretty).transpose();
    let json = json.map_err(|error| Stop::Failure(Failure::from(error)))?;
    let rows = json.as_ref().map_or(0, |json| json.lines().count());
    Ok(ClaimsView { id, label, json, rows })
}
