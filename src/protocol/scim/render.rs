//! People, groups, lists and errors as they are shown (RFC 7643 section 4, RFC 7644 sections 3.4.2, 3.9
//! and 3.12).

use serde_json::{Map, Value, json};

use super::{ErrorType, GROUP, USER};
use crate::clock::UnixTime;
use crate::protocol::user::User;

/// A group as far as somebody in it is shown it: id and name.
pub type Named = (String, String);

/// A person at this address, in these groups. No password, ever.
#[must_use]
pub fn person(user: &User, groups: &[(Named, String)], location: &str) -> Value {
    let name = json!({
        "formatted": user.name,
        "givenName": user.profile.given_name,
        "familyName": user.profile.family_name,
    });
    let emails = user.email.as_ref();
    let emails = emails.map(|value| json!([{ "value": value, "type": "work", "primary": true }]));
    let groups: Vec<_> = groups
        .iter()
        .map(|((id, name), location)| {
            json!({ "value": id, "display": name, "$ref": location, "type": "direct" })
        })
        .collect();
    without_nulls(json!({
        "schemas": [USER],
        "id": user.id,
        "externalId": user.external_id,
        "userName": user.username,
        "name": without_nulls(name),
        "displayName": user.name,
        "emails": emails,
        "locale": user.profile.locale,
        "active": user.disabled_at.is_none(),
        "groups": groups,
        "meta": meta("User", (user.created_at, Some(user.updated_at)), location),
    }))
}

/// What a group is known by.
#[derive(Debug)]
pub struct ShownGroup<'a> {
    pub id: &'a str,
    pub name: &'a str,
    pub external_id: Option<&'a str>,
    pub created_at: UnixTime,
    pub location: &'a str,
}

/// A group; `members` are ids, user names and addresses, or `None` where they are not shown.
#[must_use]
pub fn group(group: &ShownGroup<'_>, members: Option<&[(String, String, String)]>) -> Value {
    let members = members.map(|members| {
        let member = |(id, name, location): &(String, String, String)| {
            json!({ "value": id, "display": name, "$ref": location, "type": "User" })
        };
        members.iter().map(member).collect::<Vec<_>>()
    });
    without_nulls(json!({
        "schemas": [GROUP],
        "id": group.id,
        "externalId": group.external_id,
        "displayName": group.name,
        "members": members,
        "meta": meta("Group", (group.created_at, None), group.location),
    }))
}

fn meta(kind: &str, (created, changed): (UnixTime, Option<UnixTime>), location: &str) -> Value {
    without_nulls(json!({
        "resourceType": kind,
        "created": created.rfc3339(),
        "lastModified": changed.map(UnixTime::rfc3339),
        "location": location,
    }))
}

/// With its version (RFC 7644 section 3.14).
#[must_use]
pub fn with_version(mut resource: Value, tag: &str) -> Value {
    if let Some(Value::Object(meta)) = resource.get_mut("meta") {
        meta.insert("version".to_owned(), Value::String(format!("\"{tag}\"")));
    }
    resource
}

/// What has no value is not shown.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.into_iter().filter(|(_, value)| !value.is_null());
            let empty =
                |(_, value): &(String, Value)| value.as_object().is_none_or(|o| !o.is_empty());
            Value::Object(kept.filter(empty).collect())
        }
        other => other,
    }
}

/// Which attributes an answer has (RFC 7644 section 3.9), by the name of the whole attribute.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    only: Option<Vec<String>>,
    without: Vec<String>,
}

/// Returned whatever is asked for.
const ALWAYS: [&str; 2] = ["schemas", "id"];

impl Selection {
    /// Of the parameters `attributes` and `excludedAttributes`.
    #[must_use]
    pub fn of(attributes: Option<&str>, excluded: Option<&str>) -> Self {
        let names = |text: &str| text.split(',').filter_map(whole_attribute).collect::<Vec<_>>();
        Self {
            only: attributes.map(names).filter(|names| !names.is_empty()),
            without: excluded.map(names).unwrap_or_default(),
        }
    }

    /// Whether an answer has this attribute.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        let listed = |names: &[String]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
        ALWAYS.contains(&name) || self.only.as_deref().is_none_or(listed) && !listed(&self.without)
    }

    /// What is left of a resource.
    #[must_use]
    pub fn applied(&self, resource: Value) -> Value {
        match resource {
            Value::Object(members) => {
                Value::Object(members.into_iter().filter(|(name, _)| self.has(name)).collect())
            }
            other => other,
        }
    }
}

fn whole_attribute(text: &str) -> Option<String> {
    let name = super::filter::attribute(text.trim())?;
    Some(name.split('.').next().unwrap_or_default().to_owned())
}

/// A page of a list that begins at number `start`.
#[must_use]
pub fn list(resources: &[Value], total: i64, start: i64) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    })
}

/// An error.
#[must_use]
pub fn error(status: u16, kind: Option<ErrorType>, detail: &str) -> Value {
    let mut body = Map::new();
    let schema = "urn:ietf:params:scim:api:messages:2.0:Error";
    body.insert("schemas".to_owned(), json!([schema]));
    body.insert("status".to_owned(), Value::String(status.to_string()));
    if let Some(kind) = kind {
        body.insert("scimType".to_owned(), Value::from(kind.as_str()));
    }
    body.insert("detail".to_owned(), Value::from(detail));
    Value::Object(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_what_was_asked_for_and_always_the_id() {
        let whole = json!({ "schemas": [], "id": "1", "userName": "a", "name": {}, "groups": [] });
        let only = Selection::of(Some("userName, name.givenName"), None);
        assert_eq!(
            only.applied(whole.clone()),
            json!({ "schemas": [], "id": "1", "userName": "a", "name": {} })
        );
        let less = Selection::of(None, Some("GROUPS,id"));
        assert!(!less.has("groups") && less.has("id") && less.has("userName"));
        assert_eq!(Selection::of(Some(""), None).applied(whole.clone()), whole);
    }
}
