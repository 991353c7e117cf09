//! Whose word counts when an app that registered itself changes its registration: its own, except
//! for what strangers never decide and for what an administrator has set.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::PLAIN;
use crate::protocol::client::{ClientMetadata, PkcePolicy};

/// Members that an app chooses beside the plain ones.
const BESIDE: [&str; 3] = ["grant_types", "token_endpoint_auth_method", "kind"];

/// What the app asks for, over what is there. `set` names the members that an administrator has set:
/// they stay as they are, and so does everything that strangers never choose. `None` for metadata that
/// cannot be written as JSON, which there is none of.
#[must_use]
pub fn merge(
    asked: &ClientMetadata,
    present: &ClientMetadata,
    set: &BTreeSet<String>,
) -> Option<ClientMetadata> {
    let is_own = |name: &String| {
        let chosen = PLAIN.contains(&name.as_str()) || BESIDE.contains(&name.as_str());
        chosen && !set.contains(name)
    };
    let mut merged = members(present)?;
    merged.retain(|name, _| !is_own(name));
    merged.extend(members(asked)?.into_iter().filter(|(name, _)| is_own(name)));
    let mut merged: ClientMetadata = serde_json::from_value(Value::Object(merged)).ok()?;
    if !merged.kind.is_confidential() {
        merged.pkce = PkcePolicy::Required;
    } else if !present.kind.is_confidential() && !set.contains("pkce") {
        // It was a duty for having no secret only.
        merged.pkce = asked.pkce;
    }
    Some(merged)
}

/// The names of the members in which two versions differ.
#[must_use]
pub fn changed_members(before: &ClientMetadata, after: &ClientMetadata) -> BTreeSet<String> {
    let (before, after) = (members(before).unwrap_or_default(), members(after).unwrap_or_default());
    let names = before.keys().chain(after.keys());
    names.filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
}

fn members(metadata: &ClientMetadata) -> Option<Map<String, Value>> {
    match json!(metadata) {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::claim_mapping::grammar;
    use crate::protocol::client::{
        ClaimsPlacement, ClientKind, GrantType, RevocationChoice, SecurityProfile,
    };
    use crate::protocol::scope::Scopes;

    fn web() -> ClientMetadata {
        ClientMetadata {
            client_name: "App".into(),
            redirect_uris: vec!["https://rp.test/cb".into()],
            tos_uri: Some("https://rp.test/tos".into()),
            ..ClientMetadata::for_kind(ClientKind::Web)
        }
    }

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn an_app_changes_and_drops_what_is_its_own() {
        let asked = ClientMetadata { client_name: "Renamed".into(), tos_uri: None, ..web() };
        assert_eq!(merge(&asked, &web(), &BTreeSet::new()), Some(asked));
    }

    #[test]
    fn what_strangers_never_choose_stays_as_it_is() {
        let present = ClientMetadata {
            security_profile: SecurityProfile::Fapi2Security,
            pkce: PkcePolicy::Required,
            revocation: RevocationChoice::Opaque,
            access_token_lifetime: Some(60),
            claims_in: ClaimsPlacement::IdTokenToo,
            allowed_origins: vec!["https://rp.test".into()],
            audience: vec!["https://api.test".into()],
            claim_mappings: grammar::read_all("plan@id_token=value:gold").unwrap(),
            ..web()
        };
        assert_eq!(merge(&web(), &present, &BTreeSet::new()), Some(present));
    }

    #[test]
    fn what_an_administrator_has_set_stays_as_it_is() {
        let narrow = ClientMetadata {
            grant_types: vec![GrantType::AuthorizationCode],
            scope: Scopes::from_tokens(["openid"]),
            redirect_uris: vec!["https://rp.test/only".into()],
            tos_uri: None,
            ..web()
        };
        let set = changed_members(&web(), &narrow);
        assert_eq!(set, names(&["grant_types", "redirect_uris", "scope", "tos_uri"]));
        let asked = ClientMetadata { client_name: "Renamed".into(), ..web() };
        let merged = merge(&asked, &narrow, &set).unwrap();
        assert_eq!(merged, ClientMetadata { client_name: "Renamed".into(), ..narrow });
    }

    #[test]
    fn pkce_is_a_duty_for_an_app_without_a_secret_and_for_whom_an_administrator_says_so() {
        let pkce = |asked: &ClientMetadata, present: &ClientMetadata, set: &[&str]| {
            merge(asked, present, &names(set)).unwrap().pkce
        };
        let public = ClientMetadata::for_kind(ClientKind::Spa);
        let careless = ClientMetadata { pkce: PkcePolicy::Optional, ..public.clone() };
        assert_eq!(pkce(&careless, &web(), &[]), PkcePolicy::Required);
        assert_eq!(pkce(&web(), &public, &[]), PkcePolicy::Optional);
        assert_eq!(pkce(&web(), &public, &["pkce"]), PkcePolicy::Required);
    }
}
