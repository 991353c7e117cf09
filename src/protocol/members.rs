//! The members of something by the names that they have in JSON, and which of them are not what they were.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};

/// The members; none of what is not an object in JSON.
#[must_use]
pub fn of(thing: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(thing) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

/// The names of those that are not the same in both, in the order of the alphabet.
#[must_use]
pub fn different(one: &Map<String, Value>, other: &Map<String, Value>) -> Vec<String> {
    let names: BTreeSet<_> = one.keys().chain(other.keys()).collect();
    names.into_iter().filter(|name| one.get(*name) != other.get(*name)).cloned().collect()
}
