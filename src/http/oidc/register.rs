//! `POST /oauth2/register` (RFC 7591) and `GET`, `PUT`, `DELETE /oauth2/register/{client_id}`
//! (RFC 7592). No cookie counts here, so scripts of any origin may use it.

use actix_web::http::header::{self, HeaderName};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, HttpResponseBuilder, web};
use serde_json::{Map, json};

use super::{Site, error, extract};
use crate::http::headers;
use crate::protocol::client::validation;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::jose::strict_json;
use crate::protocol::types::ClientId;
use crate::service::clients::registration::{
    self, Registered, RegistrationError, RegistrationRequest, manage,
};

/// Registers a client.
pub(super) async fn post(
    site: web::Data<Site>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let outcome = match parse(&site, &request, Some(&body)) {
        Ok(parsed) => registration::register(&site, &parsed).await,
        Err(refusal) => Err(refusal.into()),
    };
    answer(&site, &request, (StatusCode::CREATED, outcome))
}

/// What a client may do at its own address.
pub(super) async fn one(
    site: web::Data<Site>,
    request: HttpRequest,
    id: web::Path<String>,
    body: web::Bytes,
) -> HttpResponse {
    let id = ClientId::new(id.into_inner());
    let body = (request.method() == Method::PUT).then_some(&body);
    let parsed = match parse(&site, &request, body) {
        Ok(parsed) => parsed,
        Err(refusal) => return failed(&request, &refusal.into()),
    };
    if request.method() == Method::DELETE {
        return match manage::delete(&site, &id, &parsed).await {
            Ok(()) => shared(StatusCode::NO_CONTENT).finish(),
            Err(error) => failed(&request, &error),
        };
    }
    let outcome = match body {
        Some(_) => manage::replace(&site, &id, &parsed).await,
        None => manage::read(&site, &id, &parsed).await,
    };
    answer(&site, &request, (StatusCode::OK, outcome))
}

/// The preflight of scripts.
pub(super) async fn preflight() -> HttpResponse {
    let mut response = shared(StatusCode::NO_CONTENT);
    response
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, DELETE"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type"))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, "600"))
        .finish()
}

fn parse(
    site: &Site,
    request: &HttpRequest,
    body: Option<&web::Bytes>,
) -> Result<RegistrationRequest, OAuthError> {
    Ok(RegistrationRequest {
        token: bearer(request)?,
        members: match body {
            Some(body) => members(request, body)?,
            None => Map::new(),
        },
        caller: extract::caller(site, request),
    })
}

fn bearer(request: &HttpRequest) -> Result<Option<String>, OAuthError> {
    let mut headers = request.headers().get_all(header::AUTHORIZATION);
    let (first, second) = (headers.next(), headers.next());
    let Some(value) = first else { return Ok(None) };
    let malformed =
        || OAuthError::invalid_token("The Authorization header must be one Bearer token.");
    let text = value.to_str().map_err(|_| malformed())?;
    let (scheme, token) = text.split_once(' ').ok_or_else(malformed)?;
    let token = token.trim();
    if second.is_some() || !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(malformed());
    }
    Ok(Some(token.to_owned()))
}

fn members(
    request: &HttpRequest,
    body: &[u8],
) -> Result<Map<String, serde_json::Value>, OAuthError> {
    let json = request.content_type().eq_ignore_ascii_case("application/json");
    if !json || request.headers().contains_key(header::CONTENT_ENCODING) {
        return Err(OAuthError::invalid_request(
            "The body must be application/json and not compressed.",
        ));
    }
    strict_json::object(body).map_err(|problem| {
        let text = "The body must be a JSON object, not nested deeply, that repeats no member.";
        OAuthError::new(ErrorCode::InvalidClientMetadata, text).because(problem.to_string())
    })
}

fn answer(
    site: &Site,
    request: &HttpRequest,
    (status, outcome): (StatusCode, Result<Registered, RegistrationError>),
) -> HttpResponse {
    match outcome {
        Ok(registered) => shared(status).json(registration::answer(site, &registered)),
        Err(error) => failed(request, &error),
    }
}

/// An answer that scripts of any origin may read.
fn shared(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    headers::allow_any_origin(&mut response);
    response.insert_header((header::PRAGMA, "no-cache"));
    response
}

fn failed(request: &HttpRequest, error: &RegistrationError) -> HttpResponse {
    let request_id = extract::request_id(request);
    match error {
        RegistrationError::Failure(failure) => error::oauth(request, &failure.clone().into()),
        RegistrationError::Metadata(problems) => {
            let detail = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            tracing::info!(
                event = "registration.refused",
                outcome = "failure",
                request_id,
                detail,
                "registration refused"
            );
            let code = problems.first().map_or("invalid_client_metadata", |p| p.code());
            let description = validation::description(problems);
            shared(StatusCode::BAD_REQUEST)
                .json(json!({ "error": code, "error_description": description }))
        }
        RegistrationError::TooMany { retry_after } => {
            tracing::info!(
                event = "registration.refused",
                outcome = "failure",
                request_id,
                reason = "throttled",
                "registration throttled"
            );
            let body = json!({
                "error": "temporarily_unavailable",
                "error_description":
                    "Too many apps were registered or changed from this network; try again in an hour.",
            });
            shared(StatusCode::TOO_MANY_REQUESTS)
                .insert_header((header::RETRY_AFTER, retry_after.to_string()))
                .json(body)
        }
        RegistrationError::Refused(refusal) => refused(&request_id, refusal),
    }
}

fn refused(request_id: &str, refusal: &OAuthError) -> HttpResponse {
    let (code, description) = (refusal.code.as_str(), refusal.description);
    tracing::info!(
        event = "registration.refused",
        outcome = "failure",
        request_id,
        code,
        description,
        detail = %refusal.detail,
        "registration refused"
    );
    let status = match refusal.code {
        ErrorCode::InvalidToken => StatusCode::UNAUTHORIZED,
        ErrorCode::AccessDenied => StatusCode::FORBIDDEN,
        ErrorCode::TemporarilyUnavailable => StatusCode::CONFLICT,
        _ => StatusCode::BAD_REQUEST,
    };
    let mut response = shared(status);
    if status == StatusCode::UNAUTHORIZED {
        let challenge = "Bearer realm=\"doorward\", error=\"invalid_token\"";
        response.insert_header((header::WWW_AUTHENTICATE, challenge)).insert_header((
            HeaderName::from_static("access-control-expose-headers"),
            "WWW-Authenticate",
        ));
    }
    response.json(error::oauth_body(refusal))
}
