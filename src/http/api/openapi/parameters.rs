//! What the document says of paths, queries and headers of calls.

use serde_json::{Value, json};

use super::area;
use crate::http::api::sent::{MOST_ROWS, USUAL_ROWS};
use crate::http::api::shapes::{Condition, Shape};
use crate::http::api::table::{Action, Entry};
use crate::http::programs::Verb;
use crate::protocol::branding::LogoKind;
use crate::protocol::user::{AccountState, AdminRole};
use crate::service::jobs::{JobState, JobTopic};
use crate::service::overview::Span;
use crate::store::audit::Outcome;

const PERSON: &str = "A person: id, user name or e-mail address.";

pub(super) fn of(entry: &Entry, shape: &Shape) -> Value {
    let mut all = Vec::new();
    for name in entry.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
        all.push(in_path(entry, name));
    }
    for name in shape.query {
        all.push(in_query(entry.action, name));
    }
    match shape.condition {
        Condition::None => {}
        Condition::Optional => all.push(if_match(false)),
        Condition::Required => all.push(if_match(true)),
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

fn if_match(required: bool) -> Value {
    json!({
        "name": "If-Match",
        "in": "header",
        "required": required,
        "description": "The ETag of what the change was made from, or `*` for whatever is there.",
        "schema": { "type": "string" },
    })
}

fn in_path(entry: &Entry, name: &str) -> Value {
    let text = match (name, area(entry)) {
        ("id", "users") | ("member", _) => PERSON,
        ("id", "groups") | ("group", _) => "The name of a group.",
        ("id", "organisations") => "An organisation: id or name.",
        ("id", "clients") | ("client", _) => "The client_id of an app.",
        ("id", "sessions") => "The id of a session.",
        ("id", "keys") => "The kid of a key.",
        ("id", "issuers") => "The name of a trusted issuer.",
        ("id", "upstream-providers") => "An upstream provider: id or slug.",
        ("id", "webhooks") => "A webhook: id or name.",
        ("id", "jobs") => "The id of a message that waits.",
        ("id", "api-keys") => "The id of an API key, which is not the key.",
        ("id", "registration-tokens") => "The id of a registration token, which is not the token.",
        ("id", "settings") => "The name of a setting, as in docs/configuration.md.",
        ("id", "branding") => "Which of the two logos of the installation.",
        ("secret", _) => "The id of a secret, as the list of them has it.",
        ("role", _) => "The name of a role of the app.",
        ("connection", _) => "The id of a connection, as the list of them has it.",
        ("delivery", _) => "The id of a delivery, as the list of them has it.",
        _ => "",
    };
    let schema = match area(entry) {
        "branding" => json!({ "type": "string", "enum": LogoKind::ALL.map(LogoKind::as_str) }),
        _ => json!({ "type": "string", "minLength": 1 }),
    };
    described(text, json!({ "name": name, "in": "path", "required": true, "schema": schema }))
}

/// The same with a description, if there is something to say.
fn described(text: &str, mut parameter: Value) -> Value {
    if let (false, Value::Object(members)) = (text.is_empty(), &mut parameter) {
        members.insert("description".to_owned(), json!(text));
    }
    parameter
}

fn in_query(action: Action, name: &str) -> Value {
    let text = match (name, action) {
        ("search", Action::UsersList) => {
            "The start of a user name, an e-mail address or a name, or a whole id."
        }
        ("search", Action::ClientsList) => "The start of a client_id or of the name of an app.",
        ("search", Action::OrganisationsList) => "The start of a name or display name.",
        ("search", _) => "The start of a name.",
        ("cursor", _) => "`next` of the page before.",
        ("limit", _) => "The most that the page holds.",
        ("role", _) => "What they may do in the console.",
        ("user", Action::AuditList) => {
            "A user name, an e-mail address or an id, also of somebody who is deleted."
        }
        ("user", _) => PERSON,
        ("user_id", _) => "The id of a person; `user` says the same.",
        ("result", _) => "Whether it was done.",
        ("outcome", _) => "The same as `result`.",
        ("client_id", _) => "The client_id of an app.",
        ("address", _) => "An IP address.",
        ("kind", _) => "A kind of event, such as `user.created`.",
        ("request_id", _) => "The id of a request, as problems and the log have it.",
        ("since", _) => "From this moment on.",
        ("until", _) => "Before this moment.",
        ("span", _) => "How long each of `periods` is.",
        ("state", Action::UsersList) => "Whether their account works.",
        ("state", _) => "How often it was tried.",
        ("topic", _) => "What is sent.",
        _ => "",
    };
    let parameter = json!({
        "name": name,
        "in": "query",
        "deprecated": name == "outcome",
        "schema": query_schema(action, name),
    });
    described(text, parameter)
}

fn query_schema(action: Action, name: &str) -> Value {
    let one_of = |names: &[&str]| json!({ "type": "string", "enum": names });
    match name {
        "role" => one_of(&AdminRole::ALL.map(AdminRole::as_str)),
        "state" if action == Action::UsersList => {
            one_of(&AccountState::ALL.map(AccountState::as_str))
        }
        "state" => one_of(&JobState::ALL.map(JobState::as_str)),
        "topic" => one_of(&JobTopic::ALL.map(JobTopic::as_str)),
        "result" | "outcome" => one_of(&Outcome::ALL.map(Outcome::as_str)),
        "span" => {
            json!({ "type": "string", "enum": Span::ALL.map(Span::as_str), "default": "day" })
        }
        "limit" => json!({
            "type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": USUAL_ROWS,
        }),
        "since" | "until" => json!({ "type": "string", "format": "date-time" }),
        _ => json!({ "type": "string" }),
    }
}
