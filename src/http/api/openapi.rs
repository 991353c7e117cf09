//! `/api/v1/openapi.json`: the API as an OpenAPI 3.1 document. It is made from the table that the addresses
//! are served from and the types that bodies are read into, so it cannot say anything else.
//!
//! | module | job |
//! |---|---|
//! | `operation` | an address and method: who may call it, and what it takes |
//! | `parameters` | paths, queries, headers |
//! | `responses` | answers |
//! | `schemas` | the types of bodies, as they are shown and as they are taken |
//! | `session_data` | values beside sessions, which are not in the table |

mod operation;
mod parameters;
mod responses;
mod schemas;
mod session_data;

use serde_json::{Map, Value, json};

use super::table::{Entry, entries};
use crate::protocol::api::{self, ApiScope};
use crate::protocol::discovery::path;
use crate::protocol::scope::Scopes;
use crate::service::api::access::ROLE_OF_SERVICES;
use schemas::Schemas;

const ABOUT: &str = "The administration of people, groups, apps and their roles, sessions, keys, trusted issuers, upstream providers, webhooks \
     and messages that wait.";

/// The security scheme of API keys. Its list in an operation names roles.
const KEY: &str = "key";
/// The security scheme of services. Its list in an operation names scopes.
const SERVICE: &str = "service";

/// The document of the server with this issuer.
pub(super) fn document(issuer: &str) -> Value {
    let mut schemas = Schemas::new();
    let responses = responses::shared(&mut schemas);
    let mut paths = Map::new();
    for entry in entries() {
        let operation = operation::of(entry, &mut schemas);
        let item = paths.entry(entry.path).or_insert_with(|| json!({}));
        if let Value::Object(item) = item {
            item.insert(entry.method.as_str().to_lowercase(), operation);
        }
    }
    let schemas = schemas.all(&mut paths);
    paths.insert(session_data::PATH.to_owned(), session_data::item());
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
            "schemas": schemas,
            "headers": responses::headers(),
            "responses": responses,
            "securitySchemes": ways_in(issuer),
        },
    })
}

/// With what programs come in.
fn ways_in(issuer: &str) -> Value {
    let about = |scope: ApiScope| (scope.as_str().to_owned(), json!(scope.about()));
    let of_services = ApiScope::ALL.into_iter().filter(|scope| opens_for_services(*scope));
    let scopes: Map<String, Value> = of_services.map(about).collect();
    json!({
        (session_data::SCHEME): session_data::scheme(),
        (KEY): {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key of an administrator, with the scopes that an operation names. Where an operation \
                lists a role, it is what the owner of the key has to be; any of those listed will do.",
        },
        (SERVICE): {
            "type": "oauth2",
            "description": "An access token of a service, which may do what operators may, within its scopes.",
            "flows": { "clientCredentials": {
                "tokenUrl": format!("{issuer}{}", path::TOKEN),
                "scopes": scopes,
            } },
        },
    })
}

/// Whether a service can do anything with a scope.
fn opens_for_services(scope: ApiScope) -> bool {
    let alone = Scopes::from_tokens([scope.as_str()]);
    let offered = entries().filter(|entry| operation::is_offered(entry, ROLE_OF_SERVICES));
    offered.flat_map(Entry::always).any(|needed| needed.is_given_by(&alone))
}

/// The first part of the path, by which operations belong together.
fn area(entry: &Entry) -> &'static str {
    entry.path.trim_start_matches('/').split('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::rights::{Reach, Role};

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
            for status in responses::errors(entry) {
                assert!(operation["responses"][status.to_string()].is_object(), "{}", entry.path);
            }
        }
    }

    /// Who may call an operation of the document: roles of the owners of keys, and the scopes of services.
    fn callers(operation: &Value) -> (Vec<&str>, Option<Vec<&str>>) {
        fn texts(list: &Value) -> impl Iterator<Item = &str> {
            list.as_array().unwrap().iter().map(|text| text.as_str().unwrap())
        }
        let (mut roles, mut scopes) = (Vec::new(), None);
        for way in operation["security"].as_array().unwrap() {
            match (way.get(KEY), way.get(SERVICE)) {
                (Some(list), None) => roles.extend(texts(list)),
                (None, Some(list)) => scopes = Some(texts(list).collect()),
                other => panic!("{other:?}"),
            }
        }
        (roles, scopes)
    }

    #[test]
    fn nobody_is_offered_what_they_can_never_do() {
        let document = document("https://id.test");
        for entry in entries() {
            let operation = &document["paths"][entry.path][&entry.method.as_str().to_lowercase()];
            let (roles, scopes) = callers(operation);
            for role in Role::ALL {
                let may = entry.right.reach(role) != Reach::Nothing;
                assert_eq!(roles.contains(&role.as_str()), may, "{} {role:?}", entry.path);
            }
            assert_eq!(scopes.is_some(), roles.contains(&"operator"), "{}", entry.path);
            let always: Vec<_> = entry.always().map(ApiScope::as_str).collect();
            assert!(scopes.is_none_or(|scopes| scopes == always), "{}", entry.path);
        }
        let paths = &document["paths"];
        let scopes = &document["components"]["securitySchemes"][SERVICE]["flows"]["clientCredentials"]
            ["scopes"];
        assert_eq!(scopes.as_object().unwrap().len(), ApiScope::ALL.len() - 1, "{scopes}");
        assert!(scopes.get(ApiScope::AdministratorsWrite.as_str()).is_none());
        let rotate = callers(&paths["/keys/rotate"]["post"]);
        assert_eq!(rotate, (vec!["owner"], None));
        let preview = callers(&paths["/clients/{id}/preview"]["post"]);
        assert_eq!(preview.1.unwrap(), ["doorward.clients:write", "doorward.users:read"]);
    }

    #[test]
    fn every_scope_that_is_needed_is_named_where_it_is_needed() {
        let document = document("https://id.test");
        for entry in entries() {
            let operation = &document["paths"][entry.path][&entry.method.as_str().to_lowercase()];
            let text = operation["description"].as_str().unwrap();
            let further = entry.further.iter().filter_map(|further| further.scope());
            for scope in further.chain([entry.scope]) {
                assert!(text.contains(&format!("`{}`", scope.as_str())), "{} {text}", entry.path);
            }
        }
    }

    #[test]
    fn a_change_has_no_member_that_is_null_unless_somebody_says_so() {
        let document = document("https://id.test");
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let changes: Vec<_> = schemas.iter().filter(|(name, _)| name.contains("Change")).collect();
        assert!(changes.len() >= 8, "{:?}", schemas.keys());
        for (name, schema) in changes {
            assert!(!schema.to_string().contains("\"default\":null"), "{name}: {schema}");
            assert!(schema.get("required").is_none() || name == "ClientChange", "{name}: {schema}");
        }
        let nullable = |schema: &Value| schema.to_string().contains("\"null\"");
        for (name, member) in [
            ("GroupChange", "name"),
            ("OrganisationChange", "name"),
            ("WebhookChange", "events"),
            ("IssuerChange", "rules"),
            ("UpstreamProviderChange", "client_secret"),
        ] {
            assert!(!nullable(&schemas[name]["properties"][member]), "{name} {member}");
        }
        assert!(nullable(&schemas["UserChange"]["properties"]["email"]));
    }

    #[test]
    fn every_member_of_an_answer_is_promised_unless_it_is_left_out_on_purpose() {
        let document = document("https://id.test");
        let schemas = &document["components"]["schemas"];
        for (name, member) in [("User", "email"), ("Job", "last_error"), ("Rule", "identity")] {
            let required = schemas[name]["required"].as_array().unwrap();
            assert!(required.contains(&json!(member)), "{name} {member}");
        }
        let required = schemas["RuleInput"]["required"].as_array().unwrap();
        assert!(!required.contains(&json!("identity")));
        let kinds = schemas["Job"]["properties"]["kind"]["enum"].as_array().unwrap();
        assert_eq!(kinds.len(), crate::service::outbox::KINDS.len());
        assert!(kinds.contains(&json!("logo")));
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

    /// Every text that describes something in the document.
    fn descriptions<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("description").and_then(Value::as_str));
                members.values().for_each(|member| descriptions(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| descriptions(item, found)),
            _ => {}
        }
    }

    #[test]
    fn every_parameter_is_described_and_no_description_is_empty() {
        let document = document("https://id.test");
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                for parameter in operation["parameters"].as_array().unwrap() {
                    assert!(parameter["description"].is_string(), "{method} {path}: {parameter}");
                }
            }
        }
        let mut found = Vec::new();
        descriptions(&document, &mut found);
        assert!(found.len() > 100, "{}", found.len());
        assert!(found.iter().all(|text| !text.trim().is_empty()), "{found:?}");
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
