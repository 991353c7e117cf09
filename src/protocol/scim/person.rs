//! What a directory says of a person: as a whole (RFC 7644 sections 3.3 and 3.5.1) or as a change (section
//! 3.5.2). What Doorward does not know of people is passed over and kept nowhere.

use serde_json::{Map, Value};

use super::patch::{self, Op, Operation};
use super::{ErrorType, Refusal, USER, attributes};
use crate::protocol::user::User;

/// A person as far as a directory has a say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    pub user_name: String,
    pub external_id: Option<String>,
    /// Shown as `displayName` and as `name.formatted`.
    pub name: Option<String>,
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    pub locale: Option<String>,
    pub email: Option<String>,
    pub active: bool,
    /// Only ever the first one of somebody.
    pub password: Option<String>,
}

impl Draft {
    /// As the person is.
    #[must_use]
    pub fn of(user: &User) -> Self {
        Self {
            user_name: user.username.clone(),
            external_id: user.external_id.clone(),
            name: user.name.clone(),
            given_name: user.profile.given_name.clone(),
            family_name: user.profile.family_name.clone(),
            locale: user.profile.locale.clone(),
            email: user.email.clone(),
            active: user.disabled_at.is_none(),
            password: None,
        }
    }

    /// As a whole resource says; one that does not say whether it is active is as `active`.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn whole(resource: &Map<String, Value>, active: bool) -> Result<Self, Refusal> {
        attributes::of_schema(resource, USER)?;
        let mut draft = Self { active, ..Self::default() };
        for operation in patch::of_members(Op::Add, resource) {
            let read_only =
                matches!(operation.path.attribute.as_str(), "id" | "meta" | "groups" | "schemas");
            if read_only || attributes::is_unassigned(&operation.value) {
                continue;
            }
            draft.apply(&operation)?;
        }
        if draft.user_name.is_empty() {
            return Err(Refusal::value("userName is needed."));
        }
        if draft.name.is_none() {
            let parts = [&draft.given_name, &draft.family_name];
            let parts: Vec<_> = parts.into_iter().flatten().map(String::as_str).collect();
            draft.name = Some(parts.join(" ")).filter(|name| !name.is_empty());
        }
        Ok(draft)
    }

    /// Changes what an operation says.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn apply(&mut self, operation: &Operation) -> Result<(), Refusal> {
        let Operation { op, path, value } = operation;
        let value = if *op == Op::Remove { &Value::Null } else { value };
        not_without(operation)?;
        match (path.attribute.as_str(), path.sub.as_deref()) {
            ("username", None) => {
                let name = attributes::text("userName", value)?;
                self.user_name = name.ok_or_else(|| Refusal::value("userName is needed."))?;
            }
            ("externalid", None) => self.external_id = attributes::text("externalId", value)?,
            ("displayname", None) => self.name = attributes::text("displayName", value)?,
            ("locale", None) => self.locale = attributes::text("locale", value)?,
            ("active", None) if attributes::is_unassigned(value) => {}
            ("active", None) => self.active = attributes::truth("active", value)?,
            ("name", None) => self.set_name(value)?,
            ("name", Some(sub)) => self.set_part(sub, value)?,
            ("emails", sub) => self.set_email(operation, sub, value)?,
            ("password", None) => self.password = attributes::text("password", value)?,
            ("id" | "meta" | "groups", _) => {
                let detail = format!("{} is read only.", path.attribute);
                return Err(Refusal::new(ErrorType::Mutability, detail));
            }
            _ => {}
        }
        Ok(())
    }

    fn set_name(&mut self, value: &Value) -> Result<(), Refusal> {
        match value {
            Value::Object(parts) => {
                for (sub, value) in parts {
                    self.set_part(&sub.to_ascii_lowercase(), value)?;
                }
            }
            value if attributes::is_unassigned(value) => {
                // With name.formatted goes displayName, which is the same.
                (self.name, self.given_name, self.family_name) = (None, None, None);
            }
            _ => return Err(Refusal::value("name is an object.")),
        }
        Ok(())
    }

    fn set_part(&mut self, sub: &str, value: &Value) -> Result<(), Refusal> {
        match sub {
            "givenname" => self.given_name = attributes::text("name.givenName", value)?,
            "familyname" => self.family_name = attributes::text("name.familyName", value)?,
            "formatted" => self.name = attributes::text("name.formatted", value)?,
            _ => {}
        }
        Ok(())
    }

    /// A person has one address. It counts as the primary one, and as the one at work.
    fn set_email(
        &mut self,
        operation: &Operation,
        sub: Option<&str>,
        value: &Value,
    ) -> Result<(), Refusal> {
        for condition in &operation.path.which {
            let is_it = match condition.attribute.as_str() {
                "type" => {
                    condition.value.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("work"))
                }
                "primary" => attributes::truth("primary", &condition.value).unwrap_or(false),
                "value" => self.has_email(&condition.value),
                _ => false,
            };
            if !is_it {
                return Ok(());
            }
        }
        match (sub, value) {
            (None, Value::Array(items)) => {
                if let Some(chosen) = chosen(items)? {
                    self.email = Some(chosen);
                } else if operation.op == Op::Replace {
                    self.email = None;
                }
            }
            (None, Value::Object(_)) => {
                if let Some(chosen) = chosen(std::slice::from_ref(value))? {
                    self.email = Some(chosen);
                }
            }
            (None | Some("value"), value) => self.email = attributes::text("emails.value", value)?,
            // Of what type it is, and that it is the primary one, is not kept.
            (Some(_), _) => {}
        }
        Ok(())
    }

    fn has_email(&self, value: &Value) -> bool {
        let own = self.email.as_deref();
        value.as_str().is_some_and(|text| own.is_some_and(|own| own.eq_ignore_ascii_case(text)))
    }
}

/// Refuses to remove what everybody has, what is read only, and a password (RFC 7644 section 3.5.2.2).
fn not_without(operation: &Operation) -> Result<(), Refusal> {
    let Operation { op: Op::Remove, path, .. } = operation else { return Ok(()) };
    let detail = match (path.attribute.as_str(), path.sub.as_deref()) {
        ("username", _) => "userName is needed. Replace it.",
        ("active", _) => "active is true or false. Replace it.",
        ("password", _) => "A password is not taken away; disable the person instead.",
        ("emails", Some("type" | "primary")) => {
            "emails.type and emails.primary are read only. Remove the address."
        }
        _ => return Ok(()),
    };
    Err(Refusal::new(ErrorType::Mutability, detail))
}

/// The address that counts of those that are sent: the primary one, else one for work, else the first.
fn chosen(items: &[Value]) -> Result<Option<String>, Refusal> {
    let mut best: Option<(u8, String)> = None;
    for item in items {
        let Value::Object(item) = item else {
            return Err(Refusal::value("emails is a list of objects with a value."));
        };
        let Some(value) = attributes::get(item, "value") else { continue };
        let Some(address) = attributes::text("emails.value", value)? else { continue };
        let primary = attributes::get(item, "primary");
        let is_primary = primary.is_some_and(|v| attributes::truth("primary", v) == Ok(true));
        let kind = attributes::get(item, "type").and_then(Value::as_str);
        let rank = match (is_primary, kind) {
            (true, _) => 2,
            (false, Some(kind)) if kind.eq_ignore_ascii_case("work") => 1,
            (false, _) => 0,
        };
        if best.as_ref().is_none_or(|(known, _)| rank > *known) {
            best = Some((rank, address));
        }
    }
    Ok(best.map(|(_, address)| address))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn whole(value: &Value) -> Result<Draft, Refusal> {
        Draft::whole(value.as_object().unwrap(), true)
    }

    fn changed(mut draft: Draft, operations: &Value) -> Result<Draft, Refusal> {
        let body = json!({ "Operations": operations });
        for operation in patch::operations(body.as_object().unwrap())? {
            draft.apply(&operation)?;
        }
        Ok(draft)
    }

    #[test]
    fn a_whole_person_is_read_and_the_rest_passed_over() {
        let draft = whole(&json!({
            "schemas": [USER], "USERNAME": "Alice", "name": { "givenName": "A", "familyName": "L" },
            "emails": [{ "value": "home@a.test" }, { "value": "a@a.test", "primary": "True" }],
            "title": "Dr", "groups": [{ "value": "x" }], "id": 7, "active": "False", "locale": null,
        }));
        let draft = draft.unwrap();
        assert_eq!((draft.user_name.as_str(), draft.name.as_deref()), ("Alice", Some("A L")));
        assert_eq!((draft.email.as_deref(), draft.active), (Some("a@a.test"), false));
        for bad in [
            json!({}),
            json!({ "userName": 7 }),
            json!({ "userName": "a", "active": "perhaps" }),
            json!({ "userName": "a", "emails": ["a@b.test"] }),
            json!({ "userName": "a", "name": "A" }),
            json!({ "userName": "a", "schemas": ["x"] }),
        ] {
            assert!(whole(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn each_dialect_changes_the_same() {
        let before =
            whole(&json!({ "userName": "a", "emails": [{ "value": "a@a.test" }] })).unwrap();
        let entra = json!([
            { "op": "Replace", "path": "active", "value": "False" },
            { "op": "Add", "path": "emails[type eq \"work\"].value", "value": "b@a.test" },
            { "op": "Add", "path": "emails[type eq \"home\"].value", "value": "c@a.test" },
            { "op": "Add", "path": "name.givenName", "value": "B" },
            { "op": "Add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "value": "x" },
        ]);
        let okta = json!([{ "op": "replace", "value": {
            "active": false, "emails": [{ "value": "b@a.test", "primary": true }],
            "name": { "givenName": "B" }, "nickName": "b",
        }}]);
        let after = changed(before.clone(), &entra).unwrap();
        assert_eq!(after, changed(before.clone(), &okta).unwrap());
        assert_eq!((after.active, after.email.as_deref()), (false, Some("b@a.test")));
        let none =
            changed(after, &json!([{ "op": "remove", "path": "emails[value eq \"B@a.test\"]" }]));
        assert_eq!(none.unwrap().email, None);
        for path in ["userName", "active", "password", "groups", "emails[type eq \"work\"].type"] {
            let refusal = changed(before.clone(), &json!([{ "op": "remove", "path": path }]));
            assert_eq!(refusal.unwrap_err().kind, ErrorType::Mutability, "{path}");
        }
        for path in ["id", "meta", "groups"] {
            let refusal =
                changed(before.clone(), &json!([{ "op": "add", "path": path, "value": "x" }]));
            assert_eq!(refusal.unwrap_err().kind, ErrorType::Mutability, "{path}");
        }
    }

    #[test]
    fn a_name_goes_with_all_its_parts() {
        let before = whole(&json!({
            "userName": "a", "displayName": "A L", "name": { "givenName": "A", "familyName": "L" },
        }));
        let after = changed(before.unwrap(), &json!([{ "op": "remove", "path": "name" }])).unwrap();
        assert_eq!((after.name, after.given_name, after.family_name), (None, None, None));
    }
}
