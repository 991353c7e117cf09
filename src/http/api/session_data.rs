//! `/api/v1/session-data/{key}`: values of an app beside a session. JSON in and out, tags and
//! conditions as in RFC 9110 section 13, partial changes as in RFC 7396.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{Error, HttpMessage as _, HttpRequest, HttpResponse, web};
use serde_json::Value;

use super::fault::Fault;
use super::sent;
use crate::http::extract::NoTags;
use crate::http::presented::{self, Sender};
use crate::http::programs::CallError;
use crate::http::site::Site;
use crate::http::{extract, headers};
use crate::protocol::jose::strict_json::{self, JsonProblem};
use crate::protocol::session_data::conditions::Conditions;
use crate::protocol::session_data::{Change, Key, Outcome, Refusal, Stored};
use crate::service::clients;
use crate::service::session::session_data::{self, Keeper, SessionDataError};
use crate::service::token::access_token;

const MERGE_PATCH: &str = "application/merge-patch+json";
const EXPOSED: HeaderValue = HeaderValue::from_static("ETag, WWW-Authenticate, DPoP-Nonce");

type Body = Result<web::Bytes, Error>;

/// What is asked for, as far as it can be understood.
enum Wish {
    Read,
    Do(Change),
    Refuse(Fault),
}

pub(super) async fn get(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    serve(&site, &request, Wish::Read).await
}

pub(super) async fn put(site: web::Data<Site>, request: HttpRequest, body: Body) -> HttpResponse {
    let value = json(&request, body, "application/json");
    let wish = value.map_or_else(Wish::Refuse, |value| Wish::Do(Change::Replace(value)));
    serve(&site, &request, wish).await
}

pub(super) async fn patch(site: web::Data<Site>, request: HttpRequest, body: Body) -> HttpResponse {
    let value = json(&request, body, MERGE_PATCH);
    let wish = value.map_or_else(Wish::Refuse, |value| Wish::Do(Change::Merge(value)));
    serve(&site, &request, wish).await
}

pub(super) async fn delete(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    serve(&site, &request, Wish::Do(Change::Remove)).await
}

/// CORS preflight; it reveals nothing and no cookie counts here, so any origin may ask.
pub(super) async fn preflight(request: HttpRequest) -> HttpResponse {
    let mut response = HttpResponse::NoContent();
    if let Some(origin) = extract::header_text(request.headers(), &header::ORIGIN) {
        response
            .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, origin))
            .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET, PUT, PATCH, DELETE"))
            .insert_header((
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                "authorization, content-type, dpop, if-match, if-none-match",
            ))
            .insert_header((header::ACCESS_CONTROL_MAX_AGE, "600"))
            .insert_header((header::VARY, "Origin"))
            .insert_header((
                HeaderName::from_static("cross-origin-resource-policy"),
                "cross-origin",
            ));
    }
    response.finish()
}

async fn serve(site: &Site, request: &HttpRequest, wish: Wish) -> HttpResponse {
    // From the header alone.
    let (scheme, token) = match presented::token(request) {
        Ok(Some(sent)) => sent,
        Ok(None) => return failed(request, CallError::NoCredential),
        Err(refusal) => return failed(request, CallError::Endpoint(refusal.into())),
    };
    // Nobody without a living token learns more than that.
    let sender = Sender::as_sent(site, request);
    let keeper = session_data::admit(site, &sender.presented((scheme, token))).await;
    let mut response = match keeper {
        Ok(keeper) => answer(site, request, (&keeper, wish)).await,
        Err(error) => failed(request, CallError::Endpoint(error)),
    };
    // Errors too: a script must see that it needs another nonce.
    let origin = extract::header_text(request.headers(), &header::ORIGIN);
    if origin.is_some()
        && let Ok(Some(known)) = access_token::genuine(site, token).await
        && let Ok(Some(client)) = clients::find(site, &known.client_id).await
    {
        let headers = response.headers_mut();
        headers::allow_client_origin(headers, origin, &client);
        if headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }
    response
}

async fn answer(
    site: &Site,
    request: &HttpRequest,
    (keeper, wish): (&Keeper, Wish),
) -> HttpResponse {
    carry_out(site, request, (keeper, wish)).await.unwrap_or_else(|fault| fault.response(request))
}

async fn carry_out(
    site: &Site,
    request: &HttpRequest,
    (keeper, wish): (&Keeper, Wish),
) -> Result<HttpResponse, Fault> {
    let (key, conditions) = (key(request)?, conditions(request)?);
    match wish {
        Wish::Refuse(fault) => Err(fault),
        Wish::Read => {
            let stored = session_data::read(site, (keeper, &key), &conditions).await?;
            Ok(shown(&stored, &conditions))
        }
        Wish::Do(change) => {
            let wanted = (&change, &conditions);
            Ok(done(session_data::change(site, (keeper, &key), wanted).await?))
        }
    }
}

fn failed(request: &HttpRequest, error: CallError) -> HttpResponse {
    Fault::from(error).response(request)
}

fn shown(stored: &Stored, conditions: &Conditions) -> HttpResponse {
    if conditions.is_known(&stored.tag) {
        return HttpResponse::NotModified().insert_header((header::ETAG, quoted(stored))).finish();
    }
    with_value(StatusCode::OK, stored)
}

fn done(outcome: Outcome) -> HttpResponse {
    match outcome {
        Outcome::Created(stored) => with_value(StatusCode::CREATED, &stored),
        Outcome::Changed(stored) => with_value(StatusCode::OK, &stored),
        Outcome::Removed => HttpResponse::NoContent().finish(),
    }
}

fn with_value(status: StatusCode, stored: &Stored) -> HttpResponse {
    HttpResponse::build(status).insert_header((header::ETAG, quoted(stored))).json(&stored.value)
}

fn quoted(stored: &Stored) -> String {
    format!("\"{}\"", stored.tag)
}

impl From<SessionDataError> for Fault {
    fn from(error: SessionDataError) -> Self {
        match error {
            SessionDataError::Refused(Refusal::Absent) => Self::not_found("value"),
            SessionDataError::Refused(Refusal::PreconditionFailed) => Self::new(
                StatusCode::PRECONDITION_FAILED,
                "precondition_failed",
                "The value is not the one the condition names. Read it again.",
            ),
            SessionDataError::Refused(Refusal::TooLarge) => {
                Self::too_large("The values of the app would take more room than it has here.")
            }
            SessionDataError::Endpoint(error) => CallError::Endpoint(error).into(),
        }
    }
}

fn key(request: &HttpRequest) -> Result<Key, Fault> {
    request.match_info().get("key").and_then(Key::parse).ok_or_else(|| {
        Fault::malformed(
            "A key has 1 to 64 letters, digits, dots, dashes or underscores, after user: or durable: or \
             user:durable: if wanted.",
        )
    })
}

/// The conditional headers.
fn conditions(request: &HttpRequest) -> Result<Conditions, Fault> {
    let read = |name: HeaderName| {
        extract::tags(request.headers(), name).map_err(|NoTags| {
            Fault::malformed("If-Match and If-None-Match hold * or tags in quotes.")
        })
    };
    let (if_match, if_none_match) = (read(header::IF_MATCH)?, read(header::IF_NONE_MATCH)?);
    Ok(Conditions { if_match, if_none_match })
}

/// The body as JSON of this type.
fn json(request: &HttpRequest, body: Body, kind: &str) -> Result<Value, Fault> {
    let plain = !request.headers().contains_key(header::CONTENT_ENCODING);
    if !plain || !request.content_type().eq_ignore_ascii_case(kind) {
        return Err(Fault::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "Send application/json to replace a value and application/merge-patch+json to change \
             one, not compressed.",
        ));
    }
    let body = sent::whole(body, "The body is too long.")?;
    let value = strict_json::value(&body).map_err(|problem| match problem {
        JsonProblem::TooDeep => Fault::malformed("The body is nested more than 32 levels deep."),
        JsonProblem::NotJson | JsonProblem::NotAnObject => {
            Fault::malformed("The body is not JSON.")
        }
    })?;
    if strict_json::has_nul(&value) {
        return Err(Fault::malformed("The body has a NUL character, which is not kept."));
    }
    Ok(value)
}
