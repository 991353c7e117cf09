//! `/admin/clients/{id}/credentials` and `/admin/clients/{id}/tokens`: how an app proves who it is, and what
//! its tokens are like. The rules are those of every other way to say it
//! ([`crate::protocol::client::validation`]).

use serde_json::Value;

use super::app_parts::{Label, at_field, given, lines, named};
use super::desk::{Answer, Desk, Stop};
use super::seen::{self, Of, Thing};
use super::shown::Shown;
use super::{app_parts, apps, step_up};
use crate::http::pages::FieldError;
use crate::http::pages::admin::Section;
use crate::http::pages::admin::client_parts::AlgsForm;
use crate::http::pages::admin::client_terms::{
    ClientCredentials, ClientTokens, CredentialsForm, TokensForm,
};
use crate::protocol::client::validation::MetadataProblem;
use crate::protocol::client::{AuthMethod, Client, ClientMetadata, ClientOrigin, GrantType};
use crate::protocol::types::SigningAlg;
use crate::service::clients::{self, ClientError, secrets};

const OF_CREDENTIALS: [Label; 5] = [
    ("auth_method", "How it proves itself"),
    ("signing_alg", "How assertions are signed"),
    ("jwks_uri", "Address of its keys"),
    ("jwks", "Its keys"),
    ("tls_value", "Its certificate"),
];

const OF_TOKENS: [Label; 14] = [
    ("security_profile", "Security profile"),
    ("grant_types", "Ways to get tokens"),
    ("access_token_lifetime", "Lifetime of access tokens"),
    ("default_max_age", "When the password is asked for again"),
    ("audience", "What access tokens may be for"),
    ("subject_type", "The name by which it knows people"),
    ("sector_identifier_uri", "List of the addresses that share one name"),
    ("dpop_bound_access_tokens", "Bound to a DPoP key"),
    ("tls_client_certificate_bound_access_tokens", "Bound to a certificate"),
    ("require_pushed_authorization_requests", "Pushed requests"),
    ("require_signed_request_object", "Signed requests"),
    ("default_acr_values", "How sure a sign-in has to be"),
    ("authorization_details_types", "Details that it may ask for"),
    ("request_uris", "Where its requests may be"),
];

/// Those of the page of tokens, with the lists of algorithms.
fn of_tokens() -> Vec<Label> {
    let algs = AlgsForm::FIELDS.map(|field| (field.name, field.label));
    OF_TOKENS.into_iter().chain(algs).collect()
}

/// An app whose settings are here. That of an app with a document of its own are in that.
async fn client(desk: &Desk<'_>) -> Result<Client, Stop> {
    let client = apps::client(desk).await?;
    if client.origin == ClientOrigin::Document { Err(Stop::NotFound) } else { Ok(client) }
}

/// What came of saving what was typed.
enum Saved {
    Done(Box<Client>),
    /// Somebody else has changed it since the form was made.
    Stale,
    Wrong(Vec<FieldError>),
}

async fn save(
    desk: &Desk<'_>,
    (client, labels): (&Client, &[Label]),
    metadata: Result<ClientMetadata, Vec<FieldError>>,
) -> Result<Saved, Stop> {
    let metadata = match metadata {
        Ok(metadata) => metadata,
        Err(errors) => return Ok(Saved::Wrong(errors)),
    };
    match clients::update_if(desk.site(), client.clone(), metadata, &desk.actor()).await {
        Ok(Some(client)) => Ok(Saved::Done(Box::new(client))),
        Ok(None) => Ok(Saved::Stale),
        Err(ClientError::Invalid(problems)) => Ok(Saved::Wrong(field_errors(problems, labels))),
        Err(other) => Err(apps::stop(other)),
    }
}

/// Somebody else has changed it since the form was made: what is stored now.
async fn stale<F: Shown>(
    desk: &Desk<'_>,
    now: &Client,
    forms: (&F, &F),
) -> Result<Vec<FieldError>, Stop> {
    let thing = Thing {
        name: &now.metadata.client_name,
        kinds: &["client.updated"],
        of: Of::App(now.id.as_str()),
    };
    seen::changed(desk, &thing, forms).await
}

/// Where on the form each problem is shown. What the form does not show is named in words.
fn field_errors(problems: Vec<MetadataProblem>, labels: &[Label]) -> Vec<FieldError> {
    let place = |problem: MetadataProblem| {
        let name = match problem.field {
            "token_endpoint_auth_method" => "auth_method",
            "token_endpoint_auth_signing_alg" => "signing_alg",
            name if name.starts_with("tls_client_auth_") => "tls_value",
            name => name,
        };
        at_field(&problem, (name, labels), "change")
    };
    problems.into_iter().map(place).collect()
}

fn wrong(field: &'static str, text: &str) -> FieldError {
    FieldError { field, text: text.to_owned() }
}

// How it proves who it is.

fn credentials_of(metadata: &ClientMetadata) -> CredentialsForm {
    let names = [
        &metadata.tls_client_auth_subject_dn,
        &metadata.tls_client_auth_san_dns,
        &metadata.tls_client_auth_san_uri,
        &metadata.tls_client_auth_san_ip,
        &metadata.tls_client_auth_san_email,
    ];
    let mut subjects = CredentialsForm::SUBJECTS.iter().zip(names);
    let subject = subjects.find_map(|((name, _), value)| Some((name, value.clone()?)));
    let (tls_name, tls_value) = subject.map(|(n, v)| ((*n).to_owned(), v)).unwrap_or_default();
    let jwks = metadata.jwks.as_ref();
    CredentialsForm {
        auth_method: metadata.token_endpoint_auth_method.as_str().to_owned(),
        signing_alg: metadata
            .token_endpoint_auth_signing_alg
            .map(|alg| alg.as_str().to_owned())
            .unwrap_or_default(),
        jwks_uri: metadata.jwks_uri.clone().unwrap_or_default(),
        jwks: jwks.and_then(|set| serde_json::to_string_pretty(set).ok()).unwrap_or_default(),
        tls_name,
        tls_value,
    }
}

fn typed_credentials(desk: &Desk<'_>) -> CredentialsForm {
    CredentialsForm {
        auth_method: desk.text("auth_method"),
        signing_alg: desk.text("signing_alg"),
        jwks_uri: desk.text("jwks_uri"),
        jwks: desk.text("jwks"),
        tls_name: desk.text("tls_name"),
        tls_value: desk.text("tls_value"),
    }
}

fn with_credentials(
    form: &CredentialsForm,
    before: ClientMetadata,
) -> Result<ClientMetadata, Vec<FieldError>> {
    let mut errors = Vec::new();
    let method = AuthMethod::from_name(&form.auth_method);
    if method.is_none() {
        errors.push(wrong("auth_method", "Choose one of the ways in the list."));
    }
    let alg = SigningAlg::from_name(&form.signing_alg);
    if alg.is_none() && !form.signing_alg.is_empty() {
        errors.push(wrong("signing_alg", "Choose one of the algorithms in the list."));
    }
    let jwks = given(&form.jwks).map(|text| serde_json::from_str::<Value>(&text)).transpose();
    if jwks.is_err() {
        errors.push(wrong("jwks", "Its keys: this is no JSON. Paste the whole JWK Set."));
    }
    let tls_value = given(&form.tls_value);
    if form.tls_name.is_empty() != tls_value.is_none() {
        let text = "Its certificate: choose what it is known by, and write how that stands there.";
        errors.push(wrong("tls_value", text));
    }
    let (Some(token_endpoint_auth_method), Ok(jwks), true) = (method, jwks, errors.is_empty())
    else {
        return Err(errors);
    };
    let subject = |name: &str| {
        tls_value.clone().filter(|_| form.tls_name == format!("tls_client_auth_{name}"))
    };
    Ok(ClientMetadata {
        token_endpoint_auth_method,
        token_endpoint_auth_signing_alg: alg,
        jwks_uri: given(&form.jwks_uri),
        jwks,
        tls_client_auth_subject_dn: subject("subject_dn"),
        tls_client_auth_san_dns: subject("san_dns"),
        tls_client_auth_san_uri: subject("san_uri"),
        tls_client_auth_san_ip: subject("san_ip"),
        tls_client_auth_san_email: subject("san_email"),
        ..before
    })
}

fn credentials_page(
    desk: &Desk<'_>,
    client: &Client,
    (form, errors): (CredentialsForm, Vec<FieldError>),
) -> ClientCredentials {
    ClientCredentials {
        chrome: desk.chrome(),
        console: desk.console(Section::Apps),
        client_id: client.id.to_string(),
        name: client.metadata.client_name.clone(),
        seen: seen::mark(desk, &credentials_of(&client.metadata)),
        form,
        secrets: secrets::marks(client),
        errors,
    }
}

pub(super) async fn credentials(desk: &Desk<'_>) -> Answer {
    let client = client(desk).await?;
    let form = credentials_of(&client.metadata);
    desk.show(&credentials_page(desk, &client, (form, Vec::new())))
}

pub(super) async fn edit_credentials(desk: &Desk<'_>) -> Answer {
    let client = client(desk).await?;
    let form = typed_credentials(desk);
    let saved = if seen::is_of(desk, &credentials_of(&client.metadata)) {
        let metadata = with_credentials(&form, client.metadata.clone());
        save(desk, (&client, &OF_CREDENTIALS), metadata).await?
    } else {
        Saved::Stale
    };
    let (client, errors) = match saved {
        Saved::Done(client) => {
            let text = format!("The credentials of {} are saved.", client.metadata.client_name);
            return desk.done(text, &apps::path(desk, &client));
        }
        Saved::Wrong(errors) => (client, errors),
        Saved::Stale => {
            let now = apps::client(desk).await?;
            let errors = stale(desk, &now, (&credentials_of(&now.metadata), &form)).await?;
            (now, errors)
        }
    };
    desk.show_again(&credentials_page(desk, &client, (form, errors)))
}

// What its tokens are like.

fn tokens_of(metadata: &ClientMetadata) -> TokensForm {
    let seconds = |value: Option<i64>| value.map(|value| value.to_string()).unwrap_or_default();
    let name = |value: Result<Value, serde_json::Error>| {
        value.ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
    };
    TokensForm {
        security_profile: name(serde_json::to_value(metadata.security_profile)),
        access_token_lifetime: seconds(metadata.access_token_lifetime),
        default_max_age: seconds(metadata.default_max_age),
        grant_types: metadata.grant_types.iter().map(|grant| grant.as_str().to_owned()).collect(),
        audience: metadata.audience.join("\n"),
        subject_type: name(serde_json::to_value(metadata.subject_type)),
        sector_identifier_uri: metadata.sector_identifier_uri.clone().unwrap_or_default(),
        dpop_bound_access_tokens: metadata.dpop_bound_access_tokens,
        tls_client_certificate_bound_access_tokens: metadata
            .tls_client_certificate_bound_access_tokens,
        require_pushed_authorization_requests: metadata.require_pushed_authorization_requests,
        require_signed_request_object: metadata.require_signed_request_object,
        sign_in: app_parts::sign_in_of(metadata),
        algs: app_parts::algs_of(metadata),
    }
}

fn typed_tokens(desk: &Desk<'_>) -> TokensForm {
    let is_ticked = |name| desk.form.has(name);
    TokensForm {
        security_profile: desk.text("security_profile"),
        access_token_lifetime: desk.text("access_token_lifetime"),
        default_max_age: desk.text("default_max_age"),
        grant_types: desk.form.all("grant_types").map(str::to_owned).collect(),
        audience: desk.text("audience"),
        subject_type: desk.text("subject_type"),
        sector_identifier_uri: desk.text("sector_identifier_uri"),
        dpop_bound_access_tokens: is_ticked("dpop_bound_access_tokens"),
        tls_client_certificate_bound_access_tokens: is_ticked(
            "tls_client_certificate_bound_access_tokens",
        ),
        require_pushed_authorization_requests: is_ticked("require_pushed_authorization_requests"),
        require_signed_request_object: is_ticked("require_signed_request_object"),
        sign_in: app_parts::typed_sign_in(desk),
        algs: app_parts::typed_algs(desk),
    }
}

fn with_tokens(
    form: &TokensForm,
    before: ClientMetadata,
) -> Result<ClientMetadata, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut seconds = |field, label: &str, text: &str| match given(text).map(|t| t.parse::<i64>()) {
        None => None,
        Some(Ok(value)) => Some(value),
        Some(Err(_)) => {
            errors.push(wrong(field, &format!("{label}: write a number of seconds.")));
            None
        }
    };
    let lifetime =
        seconds("access_token_lifetime", "Lifetime of access tokens", &form.access_token_lifetime);
    let max_age =
        seconds("default_max_age", "When the password is asked for again", &form.default_max_age);
    let (profile, subject_type) = (named(&form.security_profile), named(&form.subject_type));
    if profile.is_none() {
        errors.push(wrong("security_profile", "Choose one of the profiles in the list."));
    }
    if subject_type.is_none() {
        errors.push(wrong("subject_type", "Choose one of the two."));
    }
    let (Some(security_profile), Some(subject_type), true) =
        (profile, subject_type, errors.is_empty())
    else {
        return Err(errors);
    };
    let Some(grant_types) = chosen_grants(form, &before.grant_types) else {
        let text = "Ways to get tokens: choose among those in the list.";
        return Err(vec![wrong("grant_types", text)]);
    };
    let before = app_parts::with_sign_in(&form.sign_in, before);
    Ok(ClientMetadata {
        security_profile,
        subject_type,
        grant_types,
        access_token_lifetime: lifetime,
        default_max_age: max_age,
        audience: lines(&form.audience),
        sector_identifier_uri: given(&form.sector_identifier_uri),
        dpop_bound_access_tokens: form.dpop_bound_access_tokens,
        tls_client_certificate_bound_access_tokens: form.tls_client_certificate_bound_access_tokens,
        require_pushed_authorization_requests: form.require_pushed_authorization_requests,
        require_signed_request_object: form.require_signed_request_object,
        ..before
    })
}

/// The grant types that were ticked, as they are stored where they are the same ones; `None` if something else was
/// sent.
fn chosen_grants(form: &TokensForm, before: &[GrantType]) -> Option<Vec<GrantType>> {
    let named: Option<Vec<_>> =
        form.grant_types.iter().map(|name| GrantType::from_name(name)).collect();
    let named = named?;
    let chosen: Vec<_> = GrantType::ALL.into_iter().filter(|g| named.contains(g)).collect();
    let is_same = chosen.len() == before.len() && before.iter().all(|g| chosen.contains(g));
    Some(if is_same { before.to_vec() } else { chosen })
}

/// The grant types that an app may have, as it proves who it is.
fn usable(metadata: &ClientMetadata) -> Vec<GrantType> {
    let is_public = metadata.token_endpoint_auth_method == AuthMethod::None;
    let fits = |grant: &GrantType| !(is_public && grant.needs_confidential_client());
    GrantType::ALL.into_iter().filter(fits).collect()
}

fn tokens_page(
    desk: &Desk<'_>,
    client: &Client,
    (form, errors): (TokensForm, Vec<FieldError>),
) -> ClientTokens {
    ClientTokens {
        chrome: desk.chrome(),
        console: desk.console(Section::Apps),
        client_id: client.id.to_string(),
        name: client.metadata.client_name.clone(),
        seen: seen::mark(desk, &tokens_of(&client.metadata)),
        form,
        errors,
        usual_lifetime: desk.site().settings().tokens.access_token_lifetime,
        may_use: usable(&client.metadata),
        offer: app_parts::offer(desk),
    }
}

pub(super) async fn tokens(desk: &Desk<'_>) -> Answer {
    let client = client(desk).await?;
    let form = tokens_of(&client.metadata);
    desk.show(&tokens_page(desk, &client, (form, Vec::new())))
}

pub(super) async fn edit_tokens(desk: &Desk<'_>) -> Answer {
    let client = client(desk).await?;
    let form = typed_tokens(desk);
    let saved = if seen::is_of(desk, &tokens_of(&client.metadata)) {
        let metadata = with_tokens(&form, client.metadata.clone())
            .and_then(|metadata| app_parts::with_algs(&form.algs, metadata))
            .and_then(|metadata| step_up::of_app(desk, &client.metadata, metadata));
        save(desk, (&client, &of_tokens()), metadata).await?
    } else {
        Saved::Stale
    };
    let (client, errors) = match saved {
        Saved::Done(client) => {
            let text = format!("The tokens of {} are saved.", client.metadata.client_name);
            return desk.done(text, &apps::path(desk, &client));
        }
        Saved::Wrong(errors) => (client, errors),
        Saved::Stale => {
            let now = apps::client(desk).await?;
            let errors = stale(desk, &now, (&tokens_of(&now.metadata), &form)).await?;
            (now, errors)
        }
    };
    desk.show_again(&tokens_page(desk, &client, (form, errors)))
}
