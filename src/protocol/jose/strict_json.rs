//! Reading JSON objects that strangers wrote: bounded in depth, and without repeated members, which
//! two readers might understand differently (RFC 8259 section 4).

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

/// Deeper nesting is refused.
const MOST_DEPTH: usize = 32;

/// Why a text is no object to work with; completes "the document …".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonProblem {
    #[error("is not a JSON object, or repeats a member")]
    NotAnObject,
    #[error("is not JSON")]
    NotJson,
    #[error("is nested more than 32 levels deep")]
    TooDeep,
}

/// The members of an object.
///
/// # Errors
/// [`JsonProblem`].
pub fn object(text: &[u8]) -> Result<Map<String, Value>, JsonProblem> {
    // The parser itself stops at 128 levels, so measuring afterwards is safe.
    let Unique(members) = serde_json::from_slice(text).map_err(|_| JsonProblem::NotAnObject)?;
    if members.values().any(|value| deeper_than(value, MOST_DEPTH - 1)) {
        return Err(JsonProblem::TooDeep);
    }
    Ok(members)
}

/// Any value, an object or not. Repeated members are allowed: the last one counts.
///
/// # Errors
/// [`JsonProblem`].
pub fn value(text: &[u8]) -> Result<Value, JsonProblem> {
    let value = serde_json::from_slice(text).map_err(|_| JsonProblem::NotJson)?;
    if deeper_than(&value, MOST_DEPTH) {
        return Err(JsonProblem::TooDeep);
    }
    Ok(value)
}

/// Whether a text or a member's name in it has the NUL character, which JSON can write and PostgreSQL
/// cannot keep.
#[must_use]
pub fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(members) => members.iter().any(|(n, v)| n.contains('\0') || has_nul(v)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn deeper_than(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels == 0 || items.iter().any(|v| deeper_than(v, levels - 1)),
        Value::Object(items) => levels == 0 || items.values().any(|v| deeper_than(v, levels - 1)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// An object whose members all have different names.
struct Unique(Map<String, Value>);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Unique;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Unique, A::Error> {
                let mut map = Map::new();
                while let Some((name, value)) = members.next_entry::<String, Value>()? {
                    if map.insert(name, value).is_some() {
                        return Err(A::Error::custom("a member is repeated"));
                    }
                }
                Ok(Unique(map))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_read() {
        assert_eq!(object(br#"{"a":[1,{"b":null}]}"#).unwrap().len(), 1);
    }

    #[test]
    fn the_nul_character_is_found_wherever_it_hides() {
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        for bad in [r#""\u0000""#, r#"[{"a":["x\u0000"]}]"#, r#"{"a":{"\u0000b":1}}"#] {
            assert!(has_nul(&value(bad)), "{bad}");
        }
        for fine in [r#"{"a":["\\u0000",null,0]}"#, "[]", r#""\u0001""#] {
            assert!(!has_nul(&value(fine)), "{fine}");
        }
    }

    #[test]
    fn anything_else_repeated_members_and_deep_nesting_are_refused() {
        for bad in ["", "[]", "1", "null", "{", r#"{"a":1,"a":2}"#, "{}x", "{'a':1}"] {
            assert_eq!(object(bad.as_bytes()), Err(JsonProblem::NotAnObject), "{bad}");
        }
        let nested = |n: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(n), "]".repeat(n));
        assert!(object(nested(31).as_bytes()).is_ok());
        assert_eq!(object(nested(32).as_bytes()), Err(JsonProblem::TooDeep));
        assert_eq!(object(nested(10_000).as_bytes()), Err(JsonProblem::NotAnObject));
    }

    #[test]
    fn a_value_may_be_of_any_kind_and_no_deeper() {
        for fine in ["1", "null", "\"x\"", "[]", r#"{"a":1,"a":2}"#] {
            assert!(value(fine.as_bytes()).is_ok(), "{fine}");
        }
        for bad in ["", "{", "1 2", "1e999", r#""\ud800""#] {
            assert_eq!(value(bad.as_bytes()), Err(JsonProblem::NotJson), "{bad}");
        }
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(value(nested(32).as_bytes()).is_ok());
        assert_eq!(value(nested(33).as_bytes()), Err(JsonProblem::TooDeep));
        assert_eq!(value(nested(10_000).as_bytes()), Err(JsonProblem::NotJson));
    }
}
