//! What the document says of values beside sessions. They have a way in of their own, for tokens of apps, and so
//! are not in the table that the rest is made from.

use serde_json::{Map, Value, json};

use super::responses::refusal;
use crate::protocol::session_data::Key;

/// Where a value is, below the API.
pub(super) const PATH: &str = "/session-data/{key}";
/// The name of the security scheme.
pub(super) const SCHEME: &str = "app";

/// How an app gets in.
pub(super) fn scheme() -> Value {
    json!({
        "type": "http",
        "scheme": "bearer",
        "description": "An access token that an app has from somebody's sign-in.",
    })
}

/// One thing to do with a value.
struct Operation {
    id: &'static str,
    summary: &'static str,
    /// The type of the body, where there is one.
    takes: Option<&'static str>,
    /// The statuses with a value, and the one without, if there is one.
    shows: &'static [u16],
    is_done: Option<u16>,
    /// What else may be wrong than is with every operation.
    refusals: &'static [u16],
}

const READ: Operation = Operation {
    id: "SessionDataRead",
    summary: "Read a value.",
    takes: None,
    shows: &[200],
    is_done: Some(304),
    refusals: &[404, 412],
};
const REPLACE: Operation = Operation {
    id: "SessionDataReplace",
    summary: "Replace a value, or make it.",
    takes: Some("application/json"),
    shows: &[200, 201],
    is_done: None,
    refusals: &[412, 413, 415],
};
const CHANGE: Operation = Operation {
    id: "SessionDataChange",
    summary: "Change a value, or make it (RFC 7396).",
    takes: Some("application/merge-patch+json"),
    ..REPLACE
};
const REMOVE: Operation = Operation {
    id: "SessionDataRemove",
    summary: "Remove a value.",
    takes: None,
    shows: &[],
    is_done: Some(204),
    refusals: &[404, 412],
};
/// What may be wrong with any.
const REFUSALS: [u16; 4] = [400, 401, 403, 503];

/// Every method.
pub(super) fn item() -> Value {
    json!({
        "get": READ.described(),
        "put": REPLACE.described(),
        "patch": CHANGE.described(),
        "delete": REMOVE.described(),
    })
}

impl Operation {
    fn described(&self) -> Value {
        let mut operation = json!({
            "operationId": self.id,
            "summary": self.summary,
            "description": "For the app and the person of the token, and nobody else.",
            "tags": ["session-data"],
            "security": [{ SCHEME: [] }],
            "parameters": parameters(),
            "responses": self.responses(),
        });
        if let (Some(kind), Value::Object(members)) = (self.takes, &mut operation) {
            // Any JSON.
            let body = json!({ "required": true, "content": { kind: { "schema": {} } } });
            members.insert("requestBody".to_owned(), body);
        }
        operation
    }

    fn responses(&self) -> Value {
        let tag = json!({ "ETag": { "$ref": "#/components/headers/ETag" } });
        let mut all = Map::new();
        for status in self.shows {
            let content = json!({ "application/json": { "schema": {} } });
            let shown = json!({ "description": "The value.", "headers": tag, "content": content });
            all.insert(status.to_string(), shown);
        }
        if let Some(status) = self.is_done {
            let mut done = json!({ "description": "There is no value to show." });
            if let (304, Value::Object(members)) = (status, &mut done) {
                members.insert("headers".to_owned(), tag);
            }
            all.insert(status.to_string(), done);
        }
        for status in REFUSALS.iter().chain(self.refusals) {
            all.insert(status.to_string(), refusal(*status));
        }
        Value::Object(all)
    }
}

fn parameters() -> Value {
    let condition = |name: &str| {
        json!({
            "name": name,
            "in": "header",
            "description": "`*` or tags in quotes (RFC 9110 section 13).",
            "schema": { "type": "string" },
        })
    };
    json!([
        {
            "name": "key",
            "in": "path",
            "required": true,
            "description": "The name of a value, which says how long it lives, too.",
            "schema": { "type": "string", "pattern": Key::PATTERN },
        },
        condition("If-Match"),
        condition("If-None-Match"),
    ])
}
