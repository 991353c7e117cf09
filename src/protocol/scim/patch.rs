//! Changes (RFC 7644 section 3.5.2) as directories write them: `op` in any case, with a path or with an
//! object whose members are paths themselves.

use serde_json::{Map, Value};

use super::filter::{self, Condition};
use super::{ErrorType, PATCH, Refusal, attributes};

/// Most operations in one change.
const MOST_OPERATIONS: usize = 1_000;

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Add,
    Replace,
    Remove,
}

/// What an operation is about: `name.givenName`, `members[value eq "1"]`, `emails[type eq "work"].value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// In lower case.
    pub attribute: String,
    /// Which values of a list; empty for all.
    pub which: Vec<Condition>,
    /// In lower case.
    pub sub: Option<String>,
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    pub op: Op,
    pub path: Path,
    /// Null where there is none.
    pub value: Value,
}

impl Path {
    /// Reads a path.
    ///
    /// # Errors
    /// [`Refusal`] for what is none.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let bad = || {
            let detail = "A path is an attribute, as in name.givenName or members[value eq \"…\"].";
            Refusal::new(ErrorType::InvalidPath, detail)
        };
        let text = text.trim();
        let (name, which, behind) = match text.split_once('[') {
            None => (text, Vec::new(), ""),
            Some((name, rest)) => {
                let (which, behind) = rest.rsplit_once(']').ok_or_else(bad)?;
                (name, filter::parse(which)?, behind)
            }
        };
        let name = filter::attribute(name).ok_or_else(bad)?;
        // The dots of a schema's number are no sub-attributes.
        let (attribute, sub) = match name.split_once('.').filter(|_| !name.starts_with("urn:")) {
            None => (name, behind.strip_prefix('.').and_then(filter::attribute)),
            Some((attribute, sub)) => (attribute.to_owned(), Some(sub.to_owned())),
        };
        if !behind.is_empty() && sub.is_none() {
            return Err(bad());
        }
        Ok(Self { attribute, which, sub })
    }

    /// What a member of an object is about; `None` for a name that nothing has.
    #[must_use]
    pub fn of_member(name: &str) -> Option<Self> {
        Self::parse(name).ok()
    }
}

/// The operations of a change. One without a path is as many as its object has members (section 3.5.2.1).
///
/// # Errors
/// [`Refusal`].
pub fn operations(body: &Map<String, Value>) -> Result<Vec<Operation>, Refusal> {
    attributes::of_schema(body, PATCH)?;
    let syntax = |detail: &str| Refusal::new(ErrorType::InvalidSyntax, detail);
    let Some(Value::Array(listed)) = attributes::get(body, "Operations") else {
        return Err(syntax("Operations is a list of operations."));
    };
    if listed.is_empty() {
        return Err(syntax("Operations is a list with at least one operation."));
    }
    let mut found = Vec::new();
    for operation in listed {
        let Value::Object(operation) = operation else {
            return Err(syntax("An operation is an object with op, path and value."));
        };
        let op = attributes::get(operation, "op").and_then(Value::as_str).unwrap_or_default();
        let op = match op.to_ascii_lowercase().as_str() {
            "add" => Op::Add,
            "replace" => Op::Replace,
            "remove" => Op::Remove,
            _ => return Err(syntax("op is add, replace or remove.")),
        };
        let value = attributes::get(operation, "value").cloned();
        let path = attributes::get(operation, "path").filter(|path| !path.is_null());
        match (path, value) {
            (Some(Value::String(_)), None) if op != Op::Remove => {
                return Err(Refusal::value("add and replace need a value."));
            }
            (Some(Value::String(path)), value) => {
                let path = Path::parse(path)?;
                found.push(Operation { op, path, value: value.unwrap_or_default() });
            }
            (None, Some(Value::Object(members))) if op != Op::Remove => {
                found.extend(of_members(op, &members));
            }
            (None, _) if op == Op::Remove => {
                let detail = "remove needs a path.";
                return Err(Refusal::new(ErrorType::InvalidPath, detail));
            }
            (None, _) => return Err(Refusal::value("Without a path the value is an object.")),
            (Some(_), _) => return Err(syntax("path is a string.")),
        }
        if found.len() > MOST_OPERATIONS {
            let detail = format!("A change has at most {MOST_OPERATIONS} operations.");
            return Err(Refusal::new(ErrorType::TooMany, detail));
        }
    }
    Ok(found)
}

/// What an object says, member by member. Names that nothing has are passed over.
pub fn of_members(op: Op, members: &Map<String, Value>) -> Vec<Operation> {
    let read = members.iter().filter_map(|(name, value)| {
        Some(Operation { op, path: Path::of_member(name)?, value: value.clone() })
    });
    let mut found: Vec<_> = read.collect();
    // What the shown name is has the last word over what a name is made of.
    found.sort_by_key(|operation| operation.path.attribute == "displayname");
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: &Value) -> Result<Vec<Operation>, Refusal> {
        operations(body.as_object().unwrap())
    }

    #[test]
    fn paths_of_every_dialect_are_read() {
        let path = Path::parse("emails[type eq \"work\"].value").unwrap();
        assert_eq!((path.attribute.as_str(), path.sub.as_deref()), ("emails", Some("value")));
        assert_eq!(path.which[0].attribute, "type");
        let path = Path::parse("name.givenName").unwrap();
        assert_eq!((path.attribute.as_str(), path.sub.as_deref()), ("name", Some("givenname")));
        let long = "urn:ietf:params:scim:schemas:core:2.0:User:name.familyName";
        assert_eq!(Path::parse(long).unwrap().sub.as_deref(), Some("familyname"));
        let other = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";
        assert_eq!(Path::parse(other).unwrap().sub, None);
        for bad in
            ["", "[", "a[", "a[]", "a[x eq \"1\"", "a[x eq \"1\"]b", "a b", "members[value gt 7]"]
        {
            assert!(Path::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_object_without_a_path_is_one_operation_for_each_member() {
        let found = read(&json!({ "Operations": [
            { "op": "Replace", "value": { "displayName": "A", "name.givenName": "B" } },
        ]}));
        let found = found.unwrap();
        assert_eq!(found[0].path.sub.as_deref(), Some("givenname"));
        assert_eq!((found[1].op, &found[1].value), (Op::Replace, &json!("A")));
    }

    #[test]
    fn what_is_no_change_is_refused() {
        for bad in [
            json!({}),
            json!({ "Operations": [] }),
            json!({ "Operations": {} }),
            json!({ "Operations": [7] }),
            json!({ "Operations": [{ "op": "move", "path": "active" }] }),
            json!({ "Operations": [{ "op": "remove" }] }),
            json!({ "Operations": [{ "op": "add", "path": "active" }] }),
            json!({ "Operations": [{ "op": "add", "value": 7 }] }),
            json!({ "Operations": [{ "op": "add", "path": 7, "value": 7 }] }),
            json!({ "schemas": ["x"], "Operations": [{ "op": "add", "value": {} }] }),
        ] {
            assert!(read(&bad).is_err(), "{bad}");
        }
    }
}
