//! What a directory says of a group: as a whole (RFC 7644 sections 3.3 and 3.5.1) or as a change (section
//! 3.5.2).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::patch::{self, Op, Operation};
use super::{ErrorType, GROUP, MOST_MEMBERS, Refusal, attributes};

/// What becomes of a group; `None` leaves a part as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    pub display_name: Option<String>,
    /// Empty for none.
    pub external_id: Option<String>,
    pub members: Members,
}

/// What becomes of those who are in a group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Members {
    /// Whoever is in it now leaves, unless they are in `add`.
    pub only: bool,
    pub add: BTreeSet<String>,
    pub remove: BTreeSet<String>,
}

impl Draft {
    /// As a whole resource says.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn whole(resource: &Map<String, Value>) -> Result<Self, Refusal> {
        attributes::of_schema(resource, GROUP)?;
        let mut draft = Self { external_id: Some(String::new()), ..Self::default() };
        draft.members.only = true;
        for operation in patch::of_members(Op::Add, resource) {
            let attribute = operation.path.attribute.as_str();
            let read_only = matches!(attribute, "id" | "meta" | "schemas");
            if !read_only && !attributes::is_unassigned(&operation.value) {
                draft.apply(&operation)?;
            }
        }
        if draft.display_name.is_none() {
            return Err(Refusal::value("displayName is needed."));
        }
        Ok(draft)
    }

    /// As the operations of a change say, one after the other.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn change(body: &Map<String, Value>) -> Result<Self, Refusal> {
        let mut draft = Self::default();
        for operation in patch::operations(body)? {
            draft.apply(&operation)?;
        }
        Ok(draft)
    }

    fn apply(&mut self, operation: &Operation) -> Result<(), Refusal> {
        let Operation { op, path, value } = operation;
        let said = if *op == Op::Remove { &Value::Null } else { value };
        match (path.attribute.as_str(), path.sub.as_deref()) {
            ("displayname", _) if *op == Op::Remove => {
                let detail = "displayName is needed. Replace it.";
                return Err(Refusal::new(ErrorType::Mutability, detail));
            }
            ("displayname", None) => {
                let name = attributes::text("displayName", said)?;
                let name = name.ok_or_else(|| Refusal::value("displayName is needed."))?;
                self.display_name = Some(name);
            }
            ("externalid", None) => {
                self.external_id = Some(attributes::text("externalId", said)?.unwrap_or_default());
            }
            ("members", None) => self.members.apply(operation)?,
            ("members", Some(_)) => {
                let detail = "Members are added and removed as a whole.";
                return Err(Refusal::new(ErrorType::Mutability, detail));
            }
            // Directories send these along, with the value they have.
            ("id" | "meta", _) if *op == Op::Replace => {}
            ("id" | "meta", _) => {
                let detail = format!("{} is read only.", path.attribute);
                return Err(Refusal::new(ErrorType::Mutability, detail));
            }
            _ => {}
        }
        Ok(())
    }
}

impl Members {
    fn apply(&mut self, operation: &Operation) -> Result<(), Refusal> {
        let mut named = ids(&operation.value)?;
        for condition in &operation.path.which {
            if condition.attribute != "value" {
                let detail = "Members are told by their value: members[value eq \"…\"].";
                return Err(Refusal::new(ErrorType::InvalidPath, detail));
            }
            named.insert(condition.text()?.to_owned());
        }
        match operation.op {
            Op::Add => {
                self.remove.retain(|id| !named.contains(id));
                self.add.extend(named);
            }
            Op::Remove if named.is_empty() => {
                *self = Self { only: true, ..Self::default() };
            }
            Op::Remove => {
                self.add.retain(|id| !named.contains(id));
                self.remove.extend(named);
            }
            Op::Replace => *self = Self { only: true, add: named, remove: BTreeSet::new() },
        }
        let most = usize::try_from(MOST_MEMBERS).unwrap_or(usize::MAX);
        if self.add.len().saturating_add(self.remove.len()) > most {
            return Err(too_many());
        }
        Ok(())
    }
}

/// More people than one request moves.
#[must_use]
pub fn too_many() -> Refusal {
    let detail =
        format!("One request takes at most {MOST_MEMBERS} people in or out. Send several.");
    Refusal::new(ErrorType::TooMany, detail)
}

/// The people whom a value names: a list of objects or of ids, or one of them.
fn ids(value: &Value) -> Result<BTreeSet<String>, Refusal> {
    let one = std::slice::from_ref(value);
    let items = match value {
        Value::Null => return Ok(BTreeSet::new()),
        Value::Array(items) => items.as_slice(),
        _ => one,
    };
    let mut found = BTreeSet::new();
    for item in items {
        let id = match item {
            Value::Object(member) => attributes::get(member, "value").and_then(Value::as_str),
            item => item.as_str(),
        };
        let id = id.filter(|id| !id.is_empty());
        let id = id.ok_or_else(|| Refusal::value("A member is an object with a value: an id."))?;
        found.insert(id.to_owned());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn change(operations: &Value) -> Result<Draft, Refusal> {
        Draft::change(json!({ "Operations": operations }).as_object().unwrap())
    }

    #[test]
    fn members_come_and_go_in_every_dialect() {
        let draft = change(&json!([
            { "op": "Add", "path": "members", "value": [{ "value": "1" }, { "value": "2" }] },
            { "op": "remove", "path": "members[value eq \"2\"]" },
            { "op": "Remove", "path": "members", "value": [{ "value": "3" }] },
            { "op": "replace", "value": { "id": "g", "displayName": "Crew" } },
        ]));
        let draft = draft.unwrap();
        assert_eq!(draft.members.add, ["1".to_owned()].into());
        assert_eq!(draft.members.remove, ["2".to_owned(), "3".to_owned()].into());
        assert_eq!(draft.display_name.as_deref(), Some("Crew"));
        let all = change(&json!([{ "op": "remove", "path": "members" }])).unwrap();
        assert!(all.members.only && all.members.add.is_empty());
    }

    #[test]
    fn what_names_nobody_or_too_many_is_refused() {
        let many: Vec<_> = (0..1_001).map(|n| json!({ "value": n.to_string() })).collect();
        for bad in [
            json!([{ "op": "add", "path": "members", "value": [{ "display": "x" }] }]),
            json!([{ "op": "add", "path": "members", "value": 7 }]),
            json!([{ "op": "remove", "path": "members[display eq \"x\"]" }]),
            json!([{ "op": "replace", "path": "members[value eq \"x\"].value", "value": "y" }]),
            json!([{ "op": "remove", "path": "displayName" }]),
            json!([{ "op": "add", "path": "members", "value": many }]),
        ] {
            assert!(change(&bad).is_err(), "{bad}");
        }
    }
}
