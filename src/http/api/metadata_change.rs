//! Metadata of an app as a change says it (RFC 7396): members that are not there stay as they are, and null
//! gives back what is usual for the kind of app.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use super::fault::Fault;
use super::reply::as_json;
use super::sent;
use crate::protocol::client::{ClientKind, ClientMetadata};
use crate::protocol::session_data::merge_patch;

/// Members of [`ClientMetadata`], each of them perhaps null. What stands in the others has been looked at.
#[derive(Debug)]
pub(super) struct MetadataChange;

impl<'de> Deserialize<'de> for MetadataChange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members = Map::<String, Value>::deserialize(deserializer)?;
        let is_unknown = |name: &String| {
            let read = serde_json::from_value::<ClientMetadata>(json!({ name: null }));
            let problem = read.err().as_ref().map(ToString::to_string);
            problem.filter(|text| text.starts_with("unknown field"))
        };
        let mut nulls = members.iter().filter(|(_, value)| value.is_null());
        if let Some(unknown) = nulls.find_map(|(name, _)| is_unknown(name)) {
            return Err(D::Error::custom(unknown));
        }
        let said = members.into_iter().filter(|(_, value)| !value.is_null()).collect();
        let read = serde_json::from_value::<ClientMetadata>(Value::Object(said));
        read.map(|_| Self).map_err(D::Error::custom)
    }
}

impl JsonSchema for MetadataChange {
    fn schema_name() -> Cow<'static, str> {
        "ClientMetadataChange".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = ClientMetadata::json_schema(generator);
        let members = schema.get_mut("properties").and_then(Value::as_object_mut);
        for member in members.into_iter().flat_map(Map::values_mut) {
            let mut said = member.take();
            // What is usual depends on the kind of app, and what a change leaves out stays.
            if let Value::Object(said) = &mut said {
                said.remove("default");
            }
            *member = json!({ "anyOf": [said, { "type": "null" }] });
        }
        schema
    }
}

/// The metadata with the members that were sent, which have been read as a [`MetadataChange`].
pub(super) fn merged(
    before: ClientMetadata,
    sent: Option<&Value>,
) -> Result<ClientMetadata, Fault> {
    let Some(Value::Object(members)) = sent else { return Ok(before) };
    let usual = as_json(ClientMetadata::for_kind(kind(before.kind, sent)?))?;
    let mut members = members.clone();
    for (name, value) in &mut members {
        if let Some(usual) = usual.get(name).filter(|_| value.is_null()) {
            *value = usual.clone();
        }
    }
    let before = as_json(&before)?;
    sent::parsed(&merge_patch::merged(Some(before), &Value::Object(members)))
}

/// The kind of app after a change; `before` where it says nothing.
pub(super) fn kind(before: ClientKind, sent: Option<&Value>) -> Result<ClientKind, Fault> {
    match sent.and_then(|members| members.get("kind")) {
        None => Ok(before),
        Some(Value::Null) => Ok(ClientMetadata::default().kind),
        Some(kind) => sent::parsed(kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(before: ClientMetadata, sent: &Value) -> ClientMetadata {
        assert!(serde_json::from_value::<MetadataChange>(sent.clone()).is_ok(), "{sent}");
        merged(before, Some(sent)).unwrap()
    }

    #[test]
    fn null_gives_back_what_is_usual_for_the_kind() {
        let usual = ClientMetadata::for_kind(ClientKind::Machine);
        let before = ClientMetadata {
            client_name: "Robot".to_owned(),
            contacts: vec!["a@b.test".to_owned()],
            allowed_groups: Some(vec!["crew".to_owned()]),
            grant_types: Vec::new(),
            jwks_uri: Some("https://rp.test/keys".to_owned()),
            ..usual.clone()
        };
        let after = changed(
            before.clone(),
            &json!({
                "contacts": null, "allowed_groups": null, "claim_mappings": null,
                "grant_types": null, "jwks_uri": null, "scope": null,
            }),
        );
        assert_eq!(after, ClientMetadata { client_name: before.client_name, ..usual });
    }

    #[test]
    fn every_member_may_be_null_and_no_other() {
        let all = serde_json::to_value(ClientMetadata::default()).unwrap();
        for name in all.as_object().unwrap().keys() {
            changed(ClientMetadata::default(), &json!({ name: null }));
        }
        for bad in [json!({ "root": null }), json!({ "contacts": 7 }), json!(7), json!(null)] {
            assert!(serde_json::from_value::<MetadataChange>(bad.clone()).is_err(), "{bad}");
        }
    }
}
