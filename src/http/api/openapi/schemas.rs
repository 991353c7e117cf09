//! The schemas of the document. Of what is shown every member is there that is not left out on purpose; of what
//! is taken those are needed that have no default. So a type that is both may have two schemas.

use std::collections::BTreeSet;

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::http::api::shapes::SchemaOf;

/// Where they are in the document.
const PLACE: &str = "/components/schemas";
/// What the name of a type ends with where it is taken, if that is not as it is shown.
const TAKEN: &str = "Input";

/// Makes schemas, and remembers those that others refer to.
pub(super) struct Schemas {
    shown: SchemaGenerator,
    taken: SchemaGenerator,
}

impl Schemas {
    pub(super) fn new() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            PLACE.clone_into(settings.definitions_path.to_mut());
            settings.meta_schema = None;
        });
        let shown = settings.clone().for_serialize().into_generator();
        Self { shown, taken: settings.into_generator() }
    }

    /// The schema of something in an answer.
    pub(super) fn shown(&mut self, of: SchemaOf) -> Value {
        json!(of(&mut self.shown))
    }

    /// The schema of something in the body of a call.
    pub(super) fn taken(&mut self, of: SchemaOf) -> Value {
        json!(of(&mut self.taken))
    }

    /// Everything that is referred to. The bodies in `paths` refer to what is taken from now on.
    pub(super) fn all(mut self, paths: &mut Map<String, Value>) -> Map<String, Value> {
        let mut all = self.shown.take_definitions(true);
        let taken = self.taken.take_definitions(true);
        let different = different(&all, &taken);
        let items = paths.values_mut().filter_map(Value::as_object_mut);
        for operation in items.flat_map(Map::values_mut) {
            if let Some(body) = operation.get_mut("requestBody") {
                refer_to_taken(body, &different);
            }
        }
        for (mut name, mut schema) in taken {
            refer_to_taken(&mut schema, &different);
            if different.contains(&name) {
                name.push_str(TAKEN);
            }
            all.insert(name, schema);
        }
        all
    }
}

/// The names of what is not taken as it is shown, itself or because of something that it refers to.
fn different(shown: &Map<String, Value>, taken: &Map<String, Value>) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = BTreeSet::new();
    loop {
        let before = found.len();
        for (name, schema) in taken {
            let is_other = shown.get(name).is_some_and(|other| {
                other != schema || found.iter().any(|name| refers_to(schema, name))
            });
            if is_other {
                found.insert(name.clone());
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

fn refers_to(schema: &Value, name: &str) -> bool {
    schema.to_string().contains(&format!("\"#{PLACE}/{name}\""))
}

fn refer_to_taken(schema: &mut Value, names: &BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get_mut("$ref")
                && reference.rsplit('/').next().is_some_and(|name| names.contains(name))
            {
                reference.push_str(TAKEN);
            }
            members.values_mut().for_each(|member| refer_to_taken(member, names));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| refer_to_taken(item, names)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_taken_as_it_is_shown_has_two_schemas_with_all_that_refers_to_it() {
        let map = |value: Value| value.as_object().unwrap().clone();
        let holder = |name: &str| json!({ "items": { "$ref": format!("#{PLACE}/{name}") } });
        let shown = map(json!({
            "Leaf": { "required": ["a"] }, "Holder": holder("Leaf"), "Top": holder("Holder"),
            "Same": {}, "Other": holder("Same"),
        }));
        let mut taken = shown.clone();
        taken.insert("Leaf".to_owned(), json!({}));
        taken.insert("Only".to_owned(), holder("Leaf"));
        let names = different(&shown, &taken);
        assert_eq!(names.iter().map(String::as_str).collect::<Vec<_>>(), ["Holder", "Leaf", "Top"]);
        let mut body = json!([holder("Leaf"), holder("Same")]);
        refer_to_taken(&mut body, &names);
        assert_eq!(body, json!([holder("LeafInput"), holder("Same")]));
    }
}
