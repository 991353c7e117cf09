//! JWK Sets of others (RFC 7517 section 5), as far as they are kept: the members that mean something
//! here, in the sizes that keys have. What else a stranger puts beside them would only fill memory.

use serde_json::{Map, Value};

/// The members of a public key that are looked at here, or that say which key it is.
const KEPT: [&str; 14] = [
    "kty", "use", "key_ops", "alg", "kid", "crv", "x", "y", "n", "e", "x5c", "x5t", "x5t#S256",
    "x5u",
];
/// The entries of a list that are kept: a chain of certificates, operations.
const MOST_ENTRIES: usize = 16;

/// The set with nothing in it but keys, and nothing in them but known members. Whether they are
/// usable keys, and public ones, must have been checked before: private members are dropped as well.
#[must_use]
pub fn pruned(set: &Value) -> Value {
    let keys = set.get("keys").and_then(Value::as_array);
    let keys = keys.into_iter().flatten().filter_map(Value::as_object).map(pruned_key);
    Value::Object(Map::from_iter([("keys".to_owned(), keys.collect())]))
}

fn pruned_key(key: &Map<String, Value>) -> Value {
    let known = key.iter().filter(|(name, _)| KEPT.contains(&name.as_str()));
    let kept = known.filter_map(|(name, value)| Some((name.clone(), pruned_member(value)?)));
    Value::Object(kept.collect())
}

/// A text, or a short list of texts: no member has another form.
fn pruned_member(value: &Value) -> Option<Value> {
    match value {
        Value::String(_) => Some(value.clone()),
        Value::Array(list) => Some(
            list.iter().filter(|entry| entry.is_string()).take(MOST_ENTRIES).cloned().collect(),
        ),
        _ => None,
    }
}

/// Whether a text or the name of a member anywhere in it has a control character. PostgreSQL refuses
/// U+0000 in JSON, and no key needs one.
#[must_use]
pub fn has_control_characters(value: &Value) -> bool {
    let odd = |text: &str| text.chars().any(char::is_control);
    match value {
        Value::String(text) => odd(text),
        Value::Array(list) => list.iter().any(has_control_characters),
        Value::Object(members) => {
            members.iter().any(|(name, value)| odd(name) || has_control_characters(value))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nothing_but_keys_and_their_known_members_is_kept() {
        let key = json!({ "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "1",
            "key_ops": ["verify"], "x5c": ["MIIB"] });
        let mut swollen = key.clone();
        swollen["padding"] = json!([0, 0, 0]);
        swollen["d"] = json!("secret");
        swollen["e"] = json!({ "a": [] });
        let set = json!({ "keys": [swollen, 7, null], "x": [0, 0], "y": { "z": "\\u0000" } });
        assert_eq!(pruned(&set), json!({ "keys": [key] }));
        let long = json!({ "keys": [{ "x5c": vec![""; 5_000], "kid": [1, 2] }] });
        assert_eq!(pruned(&long), json!({ "keys": [{ "x5c": vec![""; 16], "kid": [] }] }));
        for none in [json!(null), json!([]), json!({}), json!({ "keys": {} })] {
            assert_eq!(pruned(&none), json!({ "keys": [] }));
        }
    }

    #[test]
    fn a_control_character_is_found_wherever_it_hides() {
        for bad in [
            json!({ "keys": [], "x": "\0" }),
            json!({ "keys": [{ "kid": "a\u{1}" }] }),
            json!({ "keys": [{ "a\n": 1 }] }),
            json!({ "keys": [[["\u{85}"]]] }),
        ] {
            assert!(has_control_characters(&bad), "{bad}");
        }
        assert!(!has_control_characters(&json!({ "keys": [{ "kid": "ä", "n": 1, "x": null }] })));
    }
}
