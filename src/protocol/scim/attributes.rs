//! Members of a JSON object as SCIM sees them: their names are the same in any case (RFC 7643 section 2.1),
//! and null or an empty list is the same as no value (section 2.5).

use serde_json::{Map, Value};

use super::Refusal;

/// The member of this name, in any case.
#[must_use]
pub fn get<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// Whether this is no value.
#[must_use]
pub fn is_unassigned(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// A text, or none.
///
/// # Errors
/// [`Refusal`] for anything else.
pub fn text(name: &str, value: &Value) -> Result<Option<String>, Refusal> {
    match value {
        Value::String(text) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
        value if is_unassigned(value) => Ok(None),
        _ => Err(Refusal::value(format!("{name} is a string."))),
    }
}

/// A truth value, also as the text some directories send.
///
/// # Errors
/// [`Refusal`] for anything else.
pub fn truth(name: &str, value: &Value) -> Result<bool, Refusal> {
    match value {
        Value::Bool(truth) => Ok(*truth),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(Refusal::value(format!("{name} is true or false."))),
    }
}

/// Checks that a resource or message says that it is of this schema, if it says anything.
///
/// # Errors
/// [`Refusal`].
pub fn of_schema(object: &Map<String, Value>, schema: &str) -> Result<(), Refusal> {
    let named = match get(object, "schemas") {
        None => true,
        Some(Value::Array(names)) => names
            .iter()
            .any(|name| name.as_str().is_some_and(|name| name.eq_ignore_ascii_case(schema))),
        Some(_) => false,
    };
    if named { Ok(()) } else { Err(Refusal::value(format!("schemas is a list with {schema}."))) }
}
