//! What the document says of answers.

use serde_json::{Map, Value, json};

use super::schemas::Schemas;
use crate::http::api::fault::Problem;
use crate::http::api::shapes::{self, Answered, Condition, Shape, Taken};
use crate::http::api::table::{Action, Entry};
use crate::http::programs::Verb;

/// The answers that several operations have.
pub(super) fn shared(schemas: &mut Schemas) -> Value {
    let problem = schemas.shown(schemars::SchemaGenerator::subschema_for::<Problem>);
    let content = json!({ "application/problem+json": { "schema": problem } });
    let with = |text: &str, headers: Value| json!({ "description": text, "headers": headers, "content": content.clone() });
    let reference = |name: &str| json!({ "$ref": format!("#/components/headers/{name}") });
    json!({
        "Problem": with("What is wrong, and what to do (RFC 9457).", json!({})),
        "Unauthorized": with("There is no credential that works.", json!({
            "WWW-Authenticate": reference("Challenge"),
        })),
        "Forbidden": with(
            "The credential does not have the scope, or whoever has it may not do this.",
            json!({ "WWW-Authenticate": reference("MissingScope") }),
        ),
        "TryLater": with("Not now.", json!({ "Retry-After": reference("Retry-After") })),
    })
}

/// The headers of answers that are worth knowing.
pub(super) fn headers() -> Value {
    let header = |required: bool, text: &str| json!({ "description": text, "required": required, "schema": { "type": "string" } });
    json!({
        "ETag": header(true, "The tag of what is shown, for `If-Match`."),
        "Location": header(true, "Where it is from now on."),
        "Link": header(false, "The next page, if there is one (RFC 8288)."),
        "Challenge": header(true, "How to come in (RFC 6750 section 3, RFC 9449 section 7.1)."),
        "MissingScope": header(
            false,
            "With `insufficient_scope`: the scope that is missing (RFC 6750 section 3).",
        ),
        "Retry-After": {
            "description": "After how many seconds to try again.",
            "required": true,
            "schema": { "type": "integer", "minimum": 1 },
        },
    })
}

/// The shared answer with this status.
pub(super) fn refusal(status: u16) -> Value {
    let name = match status {
        401 => "Unauthorized",
        403 => "Forbidden",
        429 | 503 => "TryLater",
        _ => "Problem",
    };
    json!({ "$ref": format!("#/components/responses/{name}") })
}

/// The statuses of errors that a call may be answered with.
pub(super) fn errors(entry: &Entry) -> Vec<u16> {
    let shape = shapes::of(entry.action);
    let mut statuses = vec![400, 401, 403, 429, 503];
    // A filter may name somebody who is not there.
    let names_somebody = entry.action == Action::SessionsEndMany;
    // Of somebody who is not there any more there are still events.
    let asks_for_somebody = shape.query.contains(&"user") && entry.action != Action::AuditList;
    if entry.path.contains('{') || names_somebody || asks_for_somebody {
        statuses.push(404);
    }
    if entry.method != Verb::Get {
        // Whatever is sent along is read, also where nothing needs to be.
        statuses.extend([413, 415]);
    }
    if may_conflict(entry) {
        statuses.push(409);
    }
    if may_be_invalid(entry, &shape) {
        statuses.push(422);
    }
    match shape.condition {
        Condition::None => {}
        Condition::Optional => statuses.push(412),
        Condition::Required => statuses.extend([412, 428]),
    }
    statuses.sort_unstable();
    statuses
}

/// Whether something that is there may stand in the way.
fn may_conflict(entry: &Entry) -> bool {
    match entry.method {
        Verb::Get => false,
        // The same may be under way with this Idempotency-Key, or the name may be taken.
        Verb::Post | Verb::Patch => true,
        Verb::Put | Verb::Delete => matches!(
            entry.action,
            Action::UserDelete
                | Action::ManagerAdd
                | Action::OrganisationAdd
                | Action::SecretRemove
                | Action::KeyRetire
                | Action::SettingPut
                | Action::SettingDelete
        ),
    }
}

/// Whether what is sent may be understood and still not do.
fn may_be_invalid(entry: &Entry, shape: &Shape) -> bool {
    match entry.method {
        Verb::Get => false,
        // The Idempotency-Key may be that of another request, whatever the body is.
        Verb::Post | Verb::Patch => true,
        Verb::Put => !matches!(shape.taken, Taken::Nothing),
        // The default may not fit the other settings.
        Verb::Delete => entry.action == Action::SettingDelete,
    }
}

/// Every answer of an operation.
pub(super) fn of(entry: &Entry, shape: &Shape, schemas: &mut Schemas) -> Value {
    let mut all = Map::new();
    let (status, schema, text) = match shape.answered {
        Answered::One(schema) | Answered::Tagged(schema) => {
            ("200", Some(schemas.shown(schema)), "As it is now.")
        }
        Answered::Made(schema) | Answered::MadeOnce(schema) => {
            ("201", Some(schemas.shown(schema)), "It is made.")
        }
        Answered::Page(schema) => {
            let page = page(shape, &schemas.shown(schema));
            ("200", Some(page), "A page of the list.")
        }
        Answered::Nothing => ("204", None, "It is done."),
    };
    let mut response = Map::new();
    response.insert("description".to_owned(), json!(text));
    let headers: Map<String, Value> = headers_of(shape)
        .iter()
        .map(|name| ((*name).to_owned(), json!({ "$ref": format!("#/components/headers/{name}") })))
        .collect();
    if !headers.is_empty() {
        response.insert("headers".to_owned(), json!(headers));
    }
    if let Some(schema) = schema {
        let content = json!({ "application/json": { "schema": schema } });
        response.insert("content".to_owned(), content);
    }
    all.insert(status.to_owned(), Value::Object(response));
    all.extend(errors(entry).into_iter().map(|status| (status.to_string(), refusal(status))));
    Value::Object(all)
}

/// The headers of an answer without error.
fn headers_of(shape: &Shape) -> &'static [&'static str] {
    match shape.answered {
        Answered::Tagged(_) => &["ETag"],
        Answered::Made(_) => &["ETag", "Location"],
        Answered::MadeOnce(_) => &["Location"],
        Answered::Page(_) if has_pages(shape) => &["Link"],
        Answered::Page(_) | Answered::One(_) | Answered::Nothing => &[],
    }
}

/// Whether a list may go on behind what is answered.
fn has_pages(shape: &Shape) -> bool {
    shape.query.contains(&"cursor")
}

fn page(shape: &Shape, item: &Value) -> Value {
    let next = if has_pages(shape) {
        json!({
            "type": ["string", "null"],
            "description": "The cursor of the next page, if there is one.",
        })
    } else {
        json!({ "type": "null", "description": "This is all of it." })
    };
    let mut items = json!({ "type": "array", "items": item });
    if let (true, Value::Object(members)) = (has_pages(shape), &mut items) {
        members.insert("maxItems".to_owned(), json!(crate::http::api::sent::MOST_ROWS));
    }
    json!({
        "type": "object",
        "required": ["items", "next"],
        "properties": { "items": items, "next": next },
    })
}
