//! What the document says of one address and method.

use serde_json::{Map, Value, json};

use super::schemas::Schemas;
use super::{KEY, SERVICE, area, parameters, responses};
use crate::http::api::sent::PICTURE_TYPES;
use crate::http::api::shapes::{self, Shape, Taken};
use crate::http::api::table::{About, Action, Entry, Further};
use crate::http::programs::Verb;
use crate::pictures::LONGEST;
use crate::protocol::api::ApiScope;
use crate::protocol::rights::{Reach, Role};
use crate::service::api::access::ROLE_OF_SERVICES;

pub(super) fn of(entry: &Entry, schemas: &mut Schemas) -> Value {
    let shape = shapes::of(entry.action);
    let mut operation = Map::new();
    let mut say = |name: &str, value: Value| operation.insert(name.to_owned(), value);
    say("operationId", json!(format!("{:?}", entry.action)));
    say("summary", json!(shape.summary));
    say("description", json!(description(entry)));
    say("tags", json!([area(entry)]));
    say("security", json!(security(entry)));
    say("parameters", parameters::of(entry, &shape));
    if let Some(body) = body(entry, &shape, schemas) {
        say("requestBody", body);
    }
    say("responses", responses::of(entry, &shape, schemas));
    Value::Object(operation)
}

/// Who may call: those for whom the answer is not always 403. Of the roles of administrators one is enough
/// (OpenAPI 3.1.1 section 4.8.30: "a list of role names which are required for the execution").
fn security(entry: &Entry) -> Vec<Value> {
    let roles = Role::ALL.into_iter().filter(|role| is_offered(entry, *role));
    let keys = roles.map(|role| json!({ KEY: [role.as_str()] }));
    let scopes: Vec<_> = entry.always().map(ApiScope::as_str).collect();
    let service = is_offered(entry, ROLE_OF_SERVICES).then(|| json!({ SERVICE: scopes }));
    keys.chain(service).collect()
}

/// Whether the answer to somebody with this role may be another one than 403.
pub(super) fn is_offered(entry: &Entry, role: Role) -> bool {
    entry.right.reach(role) != Reach::Nothing
}

/// What it takes, and how far it reaches for whom.
fn description(entry: &Entry) -> String {
    let (scope, right) = (entry.scope.as_str(), entry.right.as_str());
    let mut sentences = vec![format!("Needs the scope `{scope}` and the right `{right}`.")];
    sentences.extend(entry.further.iter().copied().map(Further::said));
    if may_be_about_administrators(entry) && entry.right.reach(Role::Operator) == Reach::Ordinary {
        let text = "Operators and services: only with people who may not use the console.";
        sentences.push(text.to_owned());
    }
    if entry.right.reach(Role::GroupManager) == Reach::Own {
        let text = "Group managers: only within the groups they look after.";
        sentences.push(text.to_owned());
    }
    sentences.join(" ")
}

/// Whether it is done with somebody who is there.
fn may_be_about_administrators(entry: &Entry) -> bool {
    match entry.about {
        About::Person
        | About::Session
        | About::Member
        | About::OrganisationMember
        | About::RoleHolder => true,
        About::Nobody | About::Group | About::Organisation => {
            entry.action == Action::SessionsEndMany
        }
    }
}

fn body(entry: &Entry, shape: &Shape, schemas: &mut Schemas) -> Option<Value> {
    let (schema, required) = match shape.taken {
        Taken::Nothing => return None,
        Taken::Picture => {
            let content = PICTURE_TYPES.map(|kind| (kind.to_owned(), json!({})));
            let text = format!("A picture: PNG, JPEG or WebP, {} KiB at most.", LONGEST / 1024);
            let content = Map::from_iter(content);
            return Some(json!({ "description": text, "required": true, "content": content }));
        }
        Taken::Perhaps(schema) => (schema, false),
        Taken::Body(schema) => (schema, true),
    };
    let schema = schemas.taken(schema);
    let kind = match entry.method {
        Verb::Patch => "application/merge-patch+json",
        _ => "application/json",
    };
    Some(json!({ "required": required, "content": { kind: { "schema": schema } } }))
}
