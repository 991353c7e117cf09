//! What a change has made of something, for its event: which members are others now, and what they were and
//! are where that is short.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Event;

/// The longest value that an event repeats, in bytes of its JSON: the log is no place for documents.
const LONGEST: usize = 120;

impl Event {
    /// Adds `changed`, the names of the members that are not what they were in the order of the alphabet, and
    /// `before` and `after` with their values; null is what is not there. Of members that are named in
    /// `unsaid`, and of those that are long, the values are left out.
    #[must_use]
    pub(in crate::service) fn change_of(
        self,
        (before, after): (&Map<String, Value>, &Map<String, Value>),
        unsaid: &[&str],
    ) -> Self {
        let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
        let is_other = |name: &&String| before.get(*name) != after.get(*name);
        let changed: Vec<_> = names.into_iter().filter(is_other).cloned().collect();
        let (mut was, mut is) = (Map::new(), Map::new());
        for name in changed.iter().filter(|name| !unsaid.contains(&name.as_str())) {
            let [old, new] = [before, after].map(|all| all.get(name).unwrap_or(&Value::Null));
            if [old, new].iter().all(|value| value.to_string().len() <= LONGEST) {
                was.insert(name.clone(), old.clone());
                is.insert(name.clone(), new.clone());
            }
        }
        let event = self.detail("changed", changed);
        if was.is_empty() { event } else { event.detail("before", was).detail("after", is) }
    }
}

/// The members of something, by the names that they have in JSON.
pub(in crate::service) fn members(of: &impl serde::Serialize) -> Map<String, Value> {
    match serde_json::to_value(of) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
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
        event.change_of((&members(before), &members(after)), &["jwks"]).into_row().detail
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
}
