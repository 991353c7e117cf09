//! `/api/v1/openapi.json`: the API as an OpenAPI 3.1 document. It is made from the table that the addresses
//! are served from and the types that bodies are read into, so it cannot say anything else.

mod session_data;

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::fault::Problem;
use super::sent::{MOST_ROWS, PICTURE_TYPES, USUAL_ROWS};
use super::shapes::{self, Answered, Condition, Shape, Taken};
use super::table::{Action, Entry, entries};
use crate::http::programs::Verb;
use crate::protocol::api::{self, ApiScope};
use crate::protocol::discovery::path;
use crate::protocol::user::{AccountState, AdminRole};
use crate::service::jobs::{JobState, JobTopic};
use crate::service::overview::Span;
use crate::store::audit::Outcome;

const ABOUT: &str = "The administration of people, groups, apps and their roles, sessions, keys, trusted issuers, upstream providers, webhooks \
     and messages that wait.";

/// The document of the server with this issuer.
pub(super) fn document(issuer: &str) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        "/components/schemas".clone_into(settings.definitions_path.to_mut());
        settings.meta_schema = None;
    });
    let mut schemas = settings.into_generator();
    let problem = json!(schemas.subschema_for::<Problem>());
    let mut paths = Map::new();
    for entry in entries() {
        let operation = operation(entry, &mut schemas);
        let item = paths.entry(entry.path).or_insert_with(|| json!({}));
        if let Value::Object(item) = item {
            item.insert(entry.method.as_str().to_lowercase(), operation);
        }
    }
    paths.insert(session_data::PATH.to_owned(), session_data::item());
    let scopes: Map<String, Value> = ApiScope::ALL
        .into_iter()
        .map(|scope| (scope.as_str().to_owned(), json!(scope.about())))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Doorward",
            "version": crate::app::VERSION,
            "description": ABOUT,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": api::audience(issuer) }],
        "paths": paths,
        "components": {
            "schemas": schemas.take_definitions(true),
            "responses": { "Problem": {
                "description": "What is wrong, and what to do (RFC 9457).",
                "headers": { "Retry-After": {
                    "description": "With 429 and 503: after how many seconds to try again.",
                    "schema": { "type": "integer", "minimum": 1 },
                } },
                "content": { "application/problem+json": { "schema": problem } },
            } },
            "securitySchemes": {
                (session_data::SCHEME): session_data::scheme(),
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key of an administrator.",
                },
                "service": {
                    "type": "oauth2",
                    "description": "An access token of a service.",
                    "flows": { "clientCredentials": {
                        "tokenUrl": format!("{issuer}{}", path::TOKEN),
                        "scopes": scopes,
                    } },
                },
            },
        },
    })
}

/// The statuses of errors that a call may be answered with.
pub(super) fn errors(entry: &Entry) -> Vec<u16> {
    let shape = shapes::of(entry.action);
    let changes = entry.method != Verb::Get;
    let named = entry.path.contains('{');
    let mut statuses = vec![400, 401, 403, 429, 503];
    // A filter may name somebody who is not there.
    let names_somebody = entry.action == Action::SessionsEndMany;
    // Of somebody who is not there any more there are still events.
    let asks_for_somebody = shape.query.contains(&"user") && entry.action != Action::AuditList;
    if named || names_somebody || asks_for_somebody {
        statuses.push(404);
    }
    if changes {
        statuses.extend([409, 413, 415, 422]);
    }
    match shape.condition {
        Condition::None => {}
        Condition::Optional => statuses.push(412),
        Condition::Required => statuses.extend([412, 428]),
    }
    statuses.sort_unstable();
    statuses
}

fn operation(entry: &Entry, schemas: &mut SchemaGenerator) -> Value {
    let shape = shapes::of(entry.action);
    let mut operation = json!({
        "operationId": format!("{:?}", entry.action),
        "summary": shape.summary,
        "description": format!("Needs the right `{}`.", entry.right.as_str()),
        "tags": [entry.path.trim_start_matches('/').split('/').next().unwrap_or_default()],
        "security": [{ "key": [] }, { "service": [entry.scope.as_str()] }],
        "parameters": parameters(entry, &shape),
        "responses": responses(entry, &shape, schemas),
    });
    if matches!(shape.taken, Taken::Picture)
        && let Value::Object(members) = &mut operation
    {
        let content = PICTURE_TYPES.map(|kind| (kind.to_owned(), json!({})));
        let body = json!({ "required": true, "content": Map::from_iter(content) });
        members.insert("requestBody".to_owned(), body);
    }
    let body = match shape.taken {
        Taken::Nothing | Taken::Picture => None,
        Taken::Perhaps(schema) => Some((schema, false)),
        Taken::Body(schema) => Some((schema, true)),
    };
    if let (Some((schema, required)), Value::Object(members)) = (body, &mut operation) {
        let schema = json!(schema(schemas));
        let kind = match entry.method {
            Verb::Patch => "application/merge-patch+json",
            _ => "application/json",
        };
        let body = json!({ "required": required, "content": { kind: { "schema": schema } } });
        members.insert("requestBody".to_owned(), body);
    }
    operation
}

fn parameters(entry: &Entry, shape: &Shape) -> Value {
    let mut all = Vec::new();
    for name in entry.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
        all.push(json!({
            "name": name,
            "in": "path",
            "required": true,
            "schema": { "type": "string", "minLength": 1 },
        }));
    }
    for name in shape.query {
        all.push(
            json!({ "name": name, "in": "query", "schema": query_schema(entry.action, name) }),
        );
    }
    let tag = |required: bool| {
        json!({
            "name": "If-Match",
            "in": "header",
            "required": required,
            "description": "The ETag of what the change was made from.",
            "schema": { "type": "string" },
        })
    };
    match shape.condition {
        Condition::None => {}
        Condition::Optional => all.push(tag(false)),
        Condition::Required => all.push(tag(true)),
    }
    if entry.method == Verb::Post {
        all.push(json!({
            "name": "Idempotency-Key",
            "in": "header",
            "description": "The same request with the same key is carried out once in a day.",
            "schema": { "type": "string", "pattern": "^[!-~]{1,255}$" },
        }));
    }
    Value::Array(all)
}

fn query_schema(action: Action, name: &str) -> Value {
    match name {
        "search" if action == Action::UsersList => json!({
            "type": "string",
            "description": "The start of a user name, an e-mail address or a name, or a whole id.",
        }),
        "role" => json!({ "type": "string", "enum": AdminRole::ALL.map(AdminRole::as_str) }),
        "state" if action == Action::UsersList => {
            json!({ "type": "string", "enum": AccountState::ALL.map(AccountState::as_str) })
        }
        "limit" => json!({
            "type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": USUAL_ROWS,
        }),
        "result" => json!({ "type": "string", "enum": Outcome::ALL.map(Outcome::as_str) }),
        "outcome" => json!({
            "type": "string",
            "enum": Outcome::ALL.map(Outcome::as_str),
            "deprecated": true,
            "description": "The same as result.",
        }),
        "user" if action == Action::AuditList => json!({
            "type": "string",
            "description": "A user name, an e-mail address or an id, also of somebody who is deleted.",
        }),
        "span" => {
            json!({ "type": "string", "enum": Span::ALL.map(Span::as_str), "default": "day" })
        }
        "state" => json!({ "type": "string", "enum": JobState::ALL.map(JobState::as_str) }),
        "topic" => json!({ "type": "string", "enum": JobTopic::ALL.map(JobTopic::as_str) }),
        "since" | "until" => json!({ "type": "string", "format": "date-time" }),
        _ => json!({ "type": "string" }),
    }
}

fn responses(entry: &Entry, shape: &Shape, schemas: &mut SchemaGenerator) -> Value {
    let mut all = Map::new();
    let json_of = |schema: Value| json!({ "application/json": { "schema": schema } });
    let (status, content, text) = match shape.answered {
        Answered::One(schema) => ("200", Some(json!(schema(schemas))), "As it is now."),
        Answered::Made(schema) => ("201", Some(json!(schema(schemas))), "It is made."),
        Answered::Page(schema) => {
            let page = json!({
                "type": "object",
                "required": ["items", "next"],
                "properties": {
                    "items": { "type": "array", "items": schema(schemas) },
                    "next": {
                        "type": ["string", "null"],
                        "description": "The cursor of the next page, if there is one.",
                    },
                },
            });
            ("200", Some(page), "A page of the list.")
        }
        Answered::Nothing => ("204", None, "It is done."),
    };
    let mut response = json!({ "description": text });
    if let (Some(content), Value::Object(members)) = (content, &mut response) {
        members.insert("content".to_owned(), json_of(content));
    }
    all.insert(status.to_owned(), response);
    for status in errors(entry) {
        let problem = json!({ "$ref": "#/components/responses/Problem" });
        all.insert(status.to_string(), problem);
    }
    Value::Object(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every reference in the document.
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    found.push(reference.clone());
                }
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }

    #[test]
    fn the_document_has_every_address_of_the_table_and_no_other() {
        let document = document("https://id.test");
        let paths = document["paths"].as_object().unwrap();
        let operations: usize = paths.values().map(|item| item.as_object().unwrap().len()).sum();
        let beside = paths[session_data::PATH].as_object().unwrap().len();
        assert_eq!(operations, entries().count() + beside);
        for entry in entries() {
            let operation = &paths[entry.path][&entry.method.as_str().to_lowercase()];
            let security = &operation["security"][1]["service"][0];
            assert_eq!(security, entry.scope.as_str(), "{}", entry.path);
            for status in errors(entry) {
                assert!(operation["responses"][status.to_string()].is_object(), "{}", entry.path);
            }
        }
    }

    #[test]
    fn every_reference_leads_somewhere_in_the_document() {
        let document = document("https://id.test");
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 50);
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }

    #[test]
    fn no_secret_and_no_hash_has_a_place_in_an_answer() {
        let text = document("https://id.test")["components"]["schemas"].to_string();
        for inside in ["secret_hash", "sealed", "password", "token_version", "\"hash\"", "private"]
        {
            assert!(!text.contains(&format!("\"{inside}\"")), "{inside}");
        }
    }
}
