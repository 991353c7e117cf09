//! What a SCIM request brings along: its body and its query.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{Error, HttpMessage as _, HttpRequest};
use serde_json::{Map, Value};

use super::fault::Fault;
use crate::protocol::jose::strict_json::{self, JsonProblem};
use crate::protocol::params::Params;
use crate::protocol::scim::filter::{self, Condition};
use crate::protocol::scim::render::Selection;
use crate::protocol::scim::{MOST_RESULTS, SEARCH, attributes};

/// Resources on a page when the request does not say.
const USUAL_RESULTS: i64 = 100;

/// The body as a JSON object.
pub(super) fn object(
    request: &HttpRequest,
    body: Result<Bytes, Error>,
) -> Result<Map<String, Value>, Fault> {
    let body = body.map_err(|error| match error.as_response_error().status_code() {
        StatusCode::PAYLOAD_TOO_LARGE => Fault::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "The body is longer than limits.body_bytes. Send several smaller requests.",
        ),
        _ => Fault::syntax("The body ends early or cannot be read."),
    })?;
    let kind = request.content_type();
    let known = ["application/scim+json", "application/json"];
    let plain = !request.headers().contains_key(header::CONTENT_ENCODING);
    if !plain || !known.iter().any(|known| kind.eq_ignore_ascii_case(known)) {
        return Err(Fault::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Send application/scim+json, not compressed.",
        ));
    }
    let members = strict_json::object(&body).map_err(|problem| match problem {
        JsonProblem::TooDeep => Fault::syntax("The body is nested more than 32 levels deep."),
        JsonProblem::NotJson | JsonProblem::NotAnObject => {
            Fault::syntax("The body is not a JSON object, or repeats a member.")
        }
    })?;
    let value = Value::Object(members);
    if strict_json::has_nul(&value) {
        return Err(Fault::value("The body has a NUL character, which is not kept."));
    }
    match value {
        Value::Object(members) => Ok(members),
        _ => Ok(Map::new()),
    }
}

/// A query. Parameters that are not known are passed over: some directories add their own.
#[derive(Debug, Default)]
pub(super) struct Query {
    pub conditions: Vec<Condition>,
    pub selection: Selection,
    /// The number of the first resource, from 1.
    pub start: i64,
    pub count: i64,
}

/// Reads a query that is sent as a body (RFC 7644 section 3.4.3). How to sort is passed over.
pub(super) fn search(body: &Map<String, Value>) -> Result<Query, Fault> {
    attributes::of_schema(body, SEARCH)?;
    let number = |name: &str, usual: i64| match attributes::get(body, name) {
        None | Some(Value::Null) => Ok(usual),
        Some(value) => {
            value.as_i64().ok_or_else(|| Fault::value(format!("{name} is a whole number.")))
        }
    };
    let names = |name: &str| match attributes::get(body, name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(names)) => {
            let names: Option<Vec<&str>> = names.iter().map(Value::as_str).collect();
            let names = names.ok_or_else(|| Fault::value(format!("{name} is a list of names.")))?;
            Ok(Some(names.join(",")))
        }
        Some(_) => Err(Fault::value(format!("{name} is a list of names."))),
    };
    let filter = attributes::get(body, "filter");
    let filter = filter.map(|filter| attributes::text("filter", filter)).transpose()?.flatten();
    let (only, without) = (names("attributes")?, names("excludedAttributes")?);
    Ok(Query {
        conditions: filter.as_deref().map(filter::parse).transpose()?.unwrap_or_default(),
        selection: Selection::of(only.as_deref(), without.as_deref()),
        start: number("startIndex", 1)?.max(1),
        count: number("count", USUAL_RESULTS)?.clamp(0, MOST_RESULTS),
    })
}

/// Reads a query.
pub(super) fn query(request: &HttpRequest) -> Result<Query, Fault> {
    let params = Params::parse(request.query_string().as_bytes())
        .map_err(|_| Fault::syntax("The query cannot be read."))?;
    let sole = |name: &str| {
        let mut values = params.pairs().into_iter().filter(|(known, _)| known == name);
        match (values.next(), values.next()) {
            (Some(_), Some(_)) => {
                Err(Fault::value(format!("The query parameter {name} is there twice.")))
            }
            (value, _) => Ok(value.map(|(_, value)| value)),
        }
    };
    let number = |name: &str, usual: i64| match sole(name)? {
        None => Ok(usual),
        Some(text) => text
            .trim()
            .parse::<i64>()
            .map_err(|_| Fault::value(format!("{name} is a whole number."))),
    };
    let filter = sole("filter")?;
    let (attributes, excluded) = (sole("attributes")?, sole("excludedAttributes")?);
    Ok(Query {
        conditions: filter.as_deref().map(filter::parse).transpose()?.unwrap_or_default(),
        selection: Selection::of(attributes.as_deref(), excluded.as_deref()),
        // Smaller numbers are read as the smallest ones (RFC 7644 section 3.4.2.4).
        start: number("startIndex", 1)?.max(1),
        count: number("count", USUAL_RESULTS)?.clamp(0, MOST_RESULTS),
    })
}
