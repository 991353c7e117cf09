//! What this service provider can do, which resources it has, and of what they are made (RFC 7643 sections
//! 5 to 7).

use serde_json::{Value, json};

use super::{GROUP, MOST_RESULTS, USER};

/// What this service provider can do.
#[must_use]
pub fn provider(base: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": { "supported": true },
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
        "filter": { "supported": true, "maxResults": MOST_RESULTS },
        "changePassword": { "supported": false },
        "sort": { "supported": false },
        "etag": { "supported": true },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "OAuth Bearer Token",
            "description": "An API key, or an access token of a service, in the Authorization header.",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
            "primary": true,
        }],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": format!("{base}/ServiceProviderConfig"),
        },
    })
}

/// The kinds of resources: name, folder, schema.
const KINDS: [(&str, &str, &str); 2] = [("User", "Users", USER), ("Group", "Groups", GROUP)];

/// Every kind of resource.
#[must_use]
pub fn resource_types(base: &str) -> Vec<Value> {
    let document = |(name, folder, schema): (&str, &str, &str)| {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
            "id": name,
            "name": name,
            "endpoint": format!("/{folder}"),
            "schema": schema,
            "meta": {
                "resourceType": "ResourceType",
                "location": format!("{base}/ResourceTypes/{name}"),
            },
        })
    };
    KINDS.into_iter().map(document).collect()
}

/// Both schemas.
#[must_use]
pub fn schemas(base: &str) -> Vec<Value> {
    let document = |(id, name, attributes): (&str, &str, Vec<Value>)| {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
            "id": id,
            "name": name,
            "description": name,
            "attributes": attributes,
            "meta": { "resourceType": "Schema", "location": format!("{base}/Schemas/{id}") },
        })
    };
    vec![document((USER, "User", of_person())), document((GROUP, "Group", of_group()))]
}

/// The members of an attribute that differ from what is usual.
fn attribute(name: &str, kind: &str, about: &str, different: Value) -> Value {
    let mut document = json!({
        "name": name,
        "type": kind,
        "multiValued": false,
        "description": about,
        "required": false,
        "mutability": "readWrite",
        "returned": "default",
    });
    let of_text = json!({ "caseExact": false, "uniqueness": "none" });
    let is_text = kind != "complex" && kind != "boolean";
    for more in is_text.then_some(of_text).into_iter().chain([different]) {
        if let (Value::Object(document), Value::Object(more)) = (&mut document, more) {
            document.extend(more);
        }
    }
    document
}

fn text(name: &str, about: &str, different: Value) -> Value {
    attribute(name, "string", about, different)
}

fn reference(kind: &str, mutability: &str) -> Value {
    attribute(
        "$ref",
        "reference",
        "The address of it.",
        json!({ "referenceTypes": [kind], "mutability": mutability, "caseExact": true }),
    )
}

fn of_person() -> Vec<Value> {
    let read_only = || json!({ "mutability": "readOnly" });
    vec![
        text(
            "userName",
            "What the person types to sign in; kept in lower case.",
            json!({ "required": true, "uniqueness": "server" }),
        ),
        text("externalId", "What the directory calls the person.", json!({ "caseExact": true })),
        attribute(
            "name",
            "complex",
            "The parts of the name.",
            json!({ "subAttributes": [
                text("formatted", "The full name: the same as displayName.", json!({})),
                text("givenName", "The given name.", json!({})),
                text("familyName", "The family name.", json!({})),
            ]}),
        ),
        text("displayName", "The full name as it is shown.", json!({})),
        text("locale", "The language of the person, as de-CH.", json!({})),
        attribute("active", "boolean", "Whether the person may sign in.", json!({})),
        text(
            "password",
            "The first password of a person; they change it themselves.",
            json!({ "mutability": "writeOnly", "returned": "never", "caseExact": true }),
        ),
        attribute(
            "emails",
            "complex",
            "The one e-mail address; of several the primary one is taken.",
            json!({ "multiValued": true, "subAttributes": [
                text("value", "The address; kept in lower case.", json!({ "uniqueness": "server" })),
                text("type", "Always work.", json!({ "mutability": "readOnly", "canonicalValues": ["work"] })),
                attribute("primary", "boolean", "Always true.", read_only()),
            ]}),
        ),
        attribute(
            "groups",
            "complex",
            "The groups the person is in; changed at the groups.",
            json!({ "multiValued": true, "mutability": "readOnly", "subAttributes": [
                text("value", "The id of the group.", json!({ "mutability": "readOnly", "caseExact": true })),
                reference("Group", "readOnly"),
                text("display", "The name of the group.", read_only()),
                text("type", "Always direct.", json!({ "mutability": "readOnly", "canonicalValues": ["direct"] })),
            ]}),
        ),
    ]
}

fn of_group() -> Vec<Value> {
    vec![
        text(
            "displayName",
            "The name of the group, as apps see it.",
            json!({ "required": true, "caseExact": true, "uniqueness": "server" }),
        ),
        text("externalId", "What the directory calls the group.", json!({ "caseExact": true })),
        attribute(
            "members",
            "complex",
            "The people in the group.",
            json!({ "multiValued": true, "subAttributes": [
                text("value", "The id of the person.", json!({ "mutability": "immutable", "caseExact": true })),
                reference("User", "immutable"),
                text("display", "The user name.", json!({ "mutability": "readOnly" })),
                text("type", "Always User.", json!({ "mutability": "immutable", "canonicalValues": ["User"] })),
            ]}),
        ),
    ]
}
