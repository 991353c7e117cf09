//! `/admin/api-keys`: with which administrators' programs use the REST API.

use super::desk::{Answer, Desk, NOT_YOURS, Stop};
use super::people::sentence;
use super::rows;
use crate::clock::UnixTime;
use crate::http::pages::admin::api_keys::{
    ApiKeyCreate, ApiKeyForm, ApiKeyOnce, ApiKeyRow, ApiKeysList, KeyState,
};
use crate::http::pages::admin::confirm::Confirm;
use crate::http::pages::admin::{Section, path_below};
use crate::http::pages::{FieldError, When};
use crate::protocol::api::ApiScope;
use crate::protocol::scope::Scopes;
use crate::service::api::keys::{self, ApiKeyError, NewKey};
use crate::service::people::PeopleError;
use crate::store::api::keys::ApiKey;

pub(super) async fn list(desk: &Desk<'_>) -> Answer {
    let after = desk.asked("after");
    let place = Some(after.as_str()).filter(|after| !after.is_empty());
    let found = keys::list(desk.site(), (None, place), desk.page_size().asked()).await?;
    let (found, paging) = rows::page(found, desk.page_size(), |key| key.id.clone());
    let owners = found.iter().map(|key| key.user_id.as_str());
    let names = rows::usernames(desk, owners).await?;
    let now = desk.site().now();
    let row = |key: ApiKey| ApiKeyRow {
        state: state(&key, now),
        owner: {
            let name = names.get(&key.user_id).cloned();
            (key.user_id.to_string(), name.unwrap_or_else(|| key.user_id.to_string()))
        },
        id: key.id,
        name: key.name,
        scopes: key.scopes.to_string(),
        used: key.last_used_at.map(|at| When::ago(at, now)),
        expires: When::at(key.expires_at),
    };
    desk.show(&ApiKeysList {
        chrome: desk.chrome(),
        console: desk.console(Section::ApiKeys),
        rows: found.into_iter().map(row).collect(),
        paging,
    })
}

fn state(key: &ApiKey, now: UnixTime) -> KeyState {
    match key.revoked_at {
        Some(_) => KeyState::Revoked,
        None if key.is_live(now) => KeyState::Works,
        None => KeyState::Expired,
    }
}

pub(super) fn new(desk: &Desk<'_>) -> Answer {
    let form = ApiKeyForm {
        user: desk.admin().username.clone(),
        days: "90".to_owned(),
        ..ApiKeyForm::default()
    };
    desk.show(&page(desk, form, Vec::new()))
}

fn page(desk: &Desk<'_>, form: ApiKeyForm, errors: Vec<FieldError>) -> ApiKeyCreate {
    let (chrome, console) = (desk.chrome(), desk.console(Section::ApiKeys));
    ApiKeyCreate { chrome, console, form, errors }
}

pub(super) async fn create(desk: &Desk<'_>) -> Answer {
    let form = ApiKeyForm {
        name: desk.text("name"),
        user: desk.text("user"),
        scopes: desk.form.all("scope").map(str::to_owned).collect(),
        days: desk.text("days"),
    };
    let new = NewKey {
        name: form.name.clone(),
        scopes: form.scopes.clone(),
        // What is no number of days is no lifetime either.
        lifetime: form.days.trim().parse::<u32>().map_or(0, |days| i64::from(days) * 86_400),
        made_in: Some(desk.own_session().clone()),
    };
    let made = match keys::owner(desk.site(), form.user.trim()).await {
        Ok(owner) => keys::create(desk.site(), &owner, new, &desk.actor()).await,
        Err(error) => Err(error),
    };
    match made {
        Ok((key, secret)) => desk.show(&ApiKeyOnce {
            chrome: desk.chrome(),
            console: desk.console(Section::ApiKeys),
            example: example(desk, (secret.expose(), &key.scopes)),
            name: key.name,
            key: secret.expose().to_owned(),
            expires: When::at(key.expires_at),
        }),
        Err(error) => {
            let errors = vec![at_field(error)?];
            desk.show_again(&page(desk, form, errors))
        }
    }
}

/// A call that the key may make: to look at the first area it has.
fn example(desk: &Desk<'_>, (secret, scopes): (&str, &Scopes)) -> String {
    let has = |scope: &ApiScope| scopes.contains(scope.as_str());
    let area = match ApiScope::ALL.into_iter().find(has) {
        Some(ApiScope::GroupsRead | ApiScope::GroupsWrite) => "groups",
        Some(ApiScope::OrganisationsRead | ApiScope::OrganisationsWrite) => "organisations",
        Some(ApiScope::ClientsRead | ApiScope::ClientsWrite) => "clients",
        Some(ApiScope::RolesRead | ApiScope::RolesWrite) => "clients/CLIENT_ID/roles",
        Some(ApiScope::SessionsRead | ApiScope::SessionsWrite) => "sessions",
        Some(ApiScope::KeysRead | ApiScope::KeysWrite) => "keys",
        Some(ApiScope::IssuersRead | ApiScope::IssuersWrite) => "issuers",
        Some(ApiScope::UpstreamRead | ApiScope::UpstreamWrite) => "upstream-providers",
        Some(ApiScope::WebhooksRead | ApiScope::WebhooksWrite) => "webhooks",
        Some(ApiScope::JobsRead | ApiScope::JobsWrite) => "jobs",
        Some(ApiScope::ApiKeysRead | ApiScope::ApiKeysWrite) => "api-keys",
        Some(ApiScope::OverviewRead) => "overview",
        Some(ApiScope::AuditRead) => "audit-events",
        Some(ApiScope::SettingsRead | ApiScope::SettingsWrite) => "settings",
        Some(ApiScope::UsersRead | ApiScope::UsersWrite | ApiScope::AdministratorsWrite) | None => {
            "users"
        }
    };
    let issuer = &desk.site().config.issuer;
    format!("curl -H 'Authorization: Bearer {secret}' \\\n    '{issuer}/api/v1/{area}'")
}

/// What the form can mend of an error.
fn at_field(error: ApiKeyError) -> Result<FieldError, Stop> {
    let field = match &error {
        ApiKeyError::BadName => "name",
        ApiKeyError::NoScope | ApiKeyError::UnknownScope(_) => "scope",
        ApiKeyError::BadLifetime => "days",
        ApiKeyError::NoAdministrator | ApiKeyError::TooMany => "user",
        ApiKeyError::People(PeopleError::NotFound) => {
            let text = "There is nobody of this name. Type the username or the e-mail address.";
            return Ok(FieldError { field: "user", text: text.to_owned() });
        }
        ApiKeyError::NotFound | ApiKeyError::People(_) | ApiKeyError::Failure(_) => {
            return Err(stop(error));
        }
    };
    Ok(FieldError { field, text: sentence(&error.to_string()) })
}

fn stop(error: ApiKeyError) -> Stop {
    match error {
        ApiKeyError::Failure(failure) => Stop::Failure(failure),
        ApiKeyError::People(PeopleError::NotYours) => Stop::Forbidden(NOT_YOURS),
        ApiKeyError::People(error) => error.into(),
        ApiKeyError::NotFound
        | ApiKeyError::BadName
        | ApiKeyError::NoScope
        | ApiKeyError::UnknownScope(_)
        | ApiKeyError::BadLifetime
        | ApiKeyError::NoAdministrator
        | ApiKeyError::TooMany => Stop::NotFound,
    }
}

pub(super) async fn ask_revoke(desk: &Desk<'_>) -> Answer {
    let key = keys::find(desk.site(), &desk.id).await.map_err(stop)?;
    if !key.is_live(desk.site().now()) {
        return desk.refused("This key works no more.", &list_path(desk));
    }
    desk.show(&Confirm {
        chrome: desk.chrome(),
        console: desk.console(Section::ApiKeys),
        heading: format!("Revoke {}?", key.name),
        effects: vec![
            "The program that uses it is refused at once.".to_owned(),
            "It cannot be undone. Make a new key instead.".to_owned(),
        ],
        action: format!("{}/revoke", path_below(&desk.site().base, "/admin/api-keys/", &key.id)),
        hidden: Vec::new(),
        choices: Vec::new(),
        button: format!("Revoke {}", key.name),
        cancel: list_path(desk),
    })
}

pub(super) async fn revoke(desk: &Desk<'_>) -> Answer {
    let key = keys::find(desk.site(), &desk.id).await.map_err(stop)?;
    match keys::revoke(desk.site(), (&key.id, None), &desk.actor()).await {
        Ok(key) => desk.done(format!("{} is revoked.", key.name), &list_path(desk)),
        Err(ApiKeyError::NotFound) => {
            desk.refused("There is no such key that still works.", &list_path(desk))
        }
        Err(other) => Err(stop(other)),
    }
}

fn list_path(desk: &Desk<'_>) -> String {
    desk.site().path("/admin/api-keys")
}
