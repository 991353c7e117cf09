//! What a change has made of something, for its event: which members are others now, and what they were and
//! are where that is short.

use serde_json::{Map, Value};

use super::Event;
use crate::protocol::members;

/// The longest value that an event repeats, in bytes of its JSON: the log is no place for documents.
const LONGEST: usize = 120;

impl Event {
    /// Adds `changed`, the names of the members that are not what they were in the order of the alphabet, and
    /// `before` and `after` with their values; null is what is not there. Of members that are named in
    /// `unsaid`, of those that are long, and of addresses with a query the values are left out.
    #[must_use]
    pub(in crate::service) fn change_of(
        self,
        (before, after): (&Map<String, Value>, &Map<String, Value>),
        unsaid: &[&str],
    ) -> Self {
        let changed = members::different(before, after);
        let (mut was, mut is) = (Map::new(), Map::new());
        for name in changed.iter().filter(|name| !unsaid.contains(&name.as_str())) {
            let [old, new] = [before, after].map(|all| all.get(name).unwrap_or(&Value::Null));
            if [old, new].into_iter().all(may_be_said) {
                was.insert(name.clone(), old.clone());
                is.insert(name.clone(), new.clone());
            }
        }
        let event = self.detail("changed", changed);
        if was.is_empty() { event } else { event.detail("before", was).detail("after", is) }
    }
}

fn may_be_said(value: &Value) -> bool {
    value.to_string().len() <= LONGEST && !has_query(value)
}

/// Whether an address in it has a query, in which there may be a secret of the app.
fn has_query(value: &Value) -> bool {
    match value {
        Value::String(text) => text.split_once('?').is_some_and(|(path, _)| path.contains(":/")),
        Value::Array(items) => items.iter().any(has_query),
        Value::Object(members) => members.values().any(has_query),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clock::UnixTime;
    use crate::service::audit::Actor;

    fn said(before: &Value, after: &Value) -> Value {
        let event = Event::success("client.updated", &Actor::System, UnixTime(7));
        let (before, after) = (members::of(before), members::of(after));
        event.change_of((&before, &after), &["jwks"]).into_row().detail
    }

    #[test]
    fn what_has_changed_is_said_with_what_it_was_and_is() {
        let before = json!({ "name": "Wiki", "scope": "openid", "uris": ["https://a.test"] });
        let after = json!({ "name": "Wiki", "scope": "openid email", "logo": "x" });
        let expected = json!({
            "changed": ["logo", "scope", "uris"],
            "before": { "logo": null, "scope": "openid", "uris": ["https://a.test"] },
            "after": { "logo": "x", "scope": "openid email", "uris": null },
        });
        assert_eq!(said(&before, &after), expected);
        assert_eq!(said(&before, &before), json!({ "changed": [] }));
    }

    #[test]
    fn of_what_is_long_or_not_to_be_said_only_the_name_is_there() {
        let long = "x".repeat(LONGEST);
        let (before, after) =
            (json!({ "note": long, "jwks": 1 }), json!({ "note": "", "jwks": 2 }));
        assert_eq!(said(&before, &after), json!({ "changed": ["jwks", "note"] }));
        assert_eq!(said(&after, &before), json!({ "changed": ["jwks", "note"] }));
    }
    #[test]
    fn an_address_with_a_query_is_not_repeated() {
        let (before, after) =
            (json!({ "uris": [] }), json!({ "uris": ["https://a.test/cb?key=x"] }));
        for (one, other) in [(&before, &after), (&after, &before)] {
            assert_eq!(said(one, other), json!({ "changed": ["uris"] }));
        }
        for (text, is_one) in [
            ("com.example.app:/cb?key=x", true),
            ("https://a.test/cb", false),
            ("Who is it?", false),
            ("", false),
        ] {
            assert_eq!(has_query(&json!({ "a": [text] })), is_one, "{text}");
        }
    }
}
