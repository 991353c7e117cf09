//! What a call brings along: its body, its query and its conditions, each read strictly.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName};
use actix_web::web::Bytes;
use actix_web::{Error, HttpMessage as _, HttpRequest};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::fault::Fault;
use crate::crypto::encoding::{decode_base64url, encode_base64url};
use crate::http::extract::{self, NoTags, header_text};
use crate::protocol::jose::strict_json::{self, JsonProblem};
use crate::protocol::params::Params;

/// What a picture may be sent as. Its own bytes say what it is.
pub(super) const PICTURE_TYPES: [&str; 4] =
    ["image/png", "image/jpeg", "image/webp", "application/octet-stream"];

/// Most rows on a page.
pub(super) const MOST_ROWS: i64 = 100;

/// Rows on a page when the call does not say.
pub(super) const USUAL_ROWS: i64 = 50;

/// Longest `Idempotency-Key`.
const LONGEST_KEY: usize = 255;

/// The body as JSON. No body at all is an empty object.
pub(super) fn json(request: &HttpRequest, body: Result<Bytes, Error>) -> Result<Value, Fault> {
    let body = whole(body, "The body is longer than limits.body_bytes.")?;
    if body.is_empty() && !request.headers().contains_key(header::CONTENT_TYPE) {
        return Ok(Value::Object(Map::new()));
    }
    let kind = request.content_type();
    let known = ["application/json", "application/merge-patch+json"];
    let plain = !request.headers().contains_key(header::CONTENT_ENCODING);
    if !plain || !known.iter().any(|known| kind.eq_ignore_ascii_case(known)) {
        return Err(Fault::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "Send application/json, not compressed.",
        ));
    }
    let members = strict_json::object(&body).map_err(|problem| match problem {
        JsonProblem::TooDeep => Fault::malformed("The body is nested more than 32 levels deep."),
        JsonProblem::NotJson | JsonProblem::NotAnObject => {
            Fault::malformed("The body is not a JSON object, or repeats a member.")
        }
    })?;
    let value = Value::Object(members);
    if strict_json::has_nul(&value) {
        return Err(Fault::malformed("The body has a NUL character, which is not kept."));
    }
    Ok(value)
}

/// The body, if it is not too long and all there.
pub(super) fn whole(body: Result<Bytes, Error>, too_long: &str) -> Result<Bytes, Fault> {
    body.map_err(|error| match error.as_response_error().status_code() {
        StatusCode::PAYLOAD_TOO_LARGE => Fault::too_large(too_long),
        _ => Fault::malformed("The body ends early or cannot be read."),
    })
}

/// The body as the bytes of a picture, which may be none.
pub(super) fn picture(request: &HttpRequest, body: Result<Bytes, Error>) -> Result<Vec<u8>, Fault> {
    let body = whole(body, "The picture is longer than 512 KiB.")?;
    let kind = request.content_type();
    let plain = !request.headers().contains_key(header::CONTENT_ENCODING);
    if !plain || !PICTURE_TYPES.iter().any(|known| kind.eq_ignore_ascii_case(known)) {
        return Err(Fault::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "Send image/png, image/jpeg, image/webp or application/octet-stream, not compressed.",
        ));
    }
    Ok(body.to_vec())
}

/// A body as what it has to be. Unknown members are refused by name.
pub(super) fn parsed<T: DeserializeOwned>(value: &Value) -> Result<T, Fault> {
    serde_json::from_value(value.clone()).map_err(|error| {
        let text = error.to_string();
        // serde names the member in the first pair of backticks, if it names one.
        let named = text.starts_with("unknown field") || text.starts_with("missing field");
        let field = text.split('`').nth(1).filter(|_| named).unwrap_or_default().to_owned();
        Fault::field(field, text)
    })
}

/// The query, in which nothing stands but these.
pub(super) fn query(request: &HttpRequest, known: &[&str]) -> Result<Params, Fault> {
    let unreadable = || Fault::malformed("The query cannot be read.");
    let params = Params::parse(request.query_string().as_bytes()).map_err(|_| unreadable())?;
    let mut seen: Vec<String> = Vec::new();
    for (name, value) in params.pairs() {
        if !known.contains(&name.as_str()) {
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let name: String = name.chars().take(60).collect();
            let detail = format!("There is no query parameter {name:?} here; known: {known}.");
            return Err(Fault::malformed(detail));
        }
        if seen.contains(&name) {
            return Err(Fault::malformed(format!("The query parameter {name} is there twice.")));
        }
        if value.contains('\0') {
            return Err(Fault::malformed(format!("The query parameter {name} has a NUL in it.")));
        }
        seen.push(name);
    }
    Ok(params)
}

/// How many rows a page has.
pub(super) fn limit(query: &Params) -> Result<i64, Fault> {
    let Some(text) = query.sole("limit") else { return Ok(USUAL_ROWS) };
    let limit = text.parse().ok().filter(|limit| (1..=MOST_ROWS).contains(limit));
    limit.ok_or_else(|| Fault::malformed(format!("limit is a number from 1 to {MOST_ROWS}.")))
}

/// What a parameter names, which is one of a few.
pub(super) fn one_of<T>(
    query: &Params,
    name: &'static str,
    names: &[&str],
    from_name: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, Fault> {
    let Some(text) = query.sole(name) else { return Ok(None) };
    let known = || Fault::malformed(format!("{name} is one of: {}.", names.join(", ")));
    from_name(text).map(Some).ok_or_else(known)
}

/// Where the page before ended.
pub(super) fn cursor(query: &Params) -> Result<Option<String>, Fault> {
    let Some(text) = query.sole("cursor") else { return Ok(None) };
    let place = decode_base64url(text).and_then(|bytes| String::from_utf8(bytes).ok());
    let place = place.filter(|place| !place.contains('\0'));
    place.map(Some).ok_or_else(|| Fault::malformed("cursor is none that a list has given out."))
}

/// A place as lists give it out.
pub(super) fn as_cursor(place: &str) -> String {
    encode_base64url(place.as_bytes())
}

/// Whether `If-Match` is there, and fits this tag (RFC 9110 section 13.1.1).
pub(super) fn if_match(request: &HttpRequest, tag: &str) -> Result<Option<bool>, Fault> {
    match extract::tags(request.headers(), header::IF_MATCH) {
        Ok(tags) => Ok(tags.map(|tags| tags.name(tag))),
        Err(NoTags) => Err(Fault::malformed("If-Match holds * or tags in quotes.")),
    }
}

/// The `Idempotency-Key`, if one was sent.
pub(super) fn idempotency_key(request: &HttpRequest) -> Result<Option<&str>, Fault> {
    let name = HeaderName::from_static("idempotency-key");
    if !request.headers().contains_key(&name) {
        return Ok(None);
    }
    let sole = request.headers().get_all(&name).count() == 1;
    let key = header_text(request.headers(), &name).filter(|_| sole);
    let good = |key: &&str| {
        (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
    };
    key.filter(good).map(Some).ok_or_else(|| {
        Fault::malformed("An Idempotency-Key has 1 to 255 visible ASCII characters.")
    })
}
