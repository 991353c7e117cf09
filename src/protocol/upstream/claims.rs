//! Which claims of a provider become what of a person.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::UpstreamSettings;

/// Names of its claims (OpenID Connect Core section 5.1 for those that are usual). Who somebody is there,
/// `sub`, has no other name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClaimNames {
    pub username: String,
    pub name: String,
    pub email: String,
    /// None: its groups mean nothing here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<String>,
}

impl Default for ClaimNames {
    fn default() -> Self {
        Self {
            username: "preferred_username".to_owned(),
            name: "name".to_owned(),
            email: "email".to_owned(),
            groups: None,
        }
    }
}

/// What a claim gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given<T> {
    Value(T),
    /// It is not there, or is null or empty.
    Nothing,
    /// It is there and is not what it has to be; why completes "it …".
    Unusable(&'static str),
}

/// Whether an address counts as verified here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verified {
    Yes,
    /// Why not, as a sentence without a full stop.
    No(&'static str),
}

/// What claims say of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Who they are there: `sub`.
    pub subject: Given<String>,
    pub username: Given<String>,
    pub name: Given<String>,
    pub email: Given<String>,
    pub email_verified: Verified,
    pub groups: Given<Vec<String>>,
}

/// Reads the claims of an ID token or of userinfo as these settings say.
#[must_use]
pub fn read(claims: &Map<String, Value>, settings: &UpstreamSettings) -> Reading {
    let names = &settings.claims;
    let email = text(claims, &names.email);
    let email_verified = verified(claims, settings);
    Reading {
        subject: text(claims, "sub"),
        username: text(claims, &names.username),
        name: text(claims, &names.name),
        email,
        email_verified,
        groups: names.groups.as_ref().map_or(Given::Nothing, |claim| texts(claims, claim)),
    }
}

fn text(claims: &Map<String, Value>, name: &str) -> Given<String> {
    match claims.get(name) {
        None | Some(Value::Null) => Given::Nothing,
        Some(Value::String(text)) if text.is_empty() => Given::Nothing,
        Some(Value::String(text)) => Given::Value(text.clone()),
        Some(_) => Given::Unusable("is not text"),
    }
}

/// A list of texts, or a single one.
fn texts(claims: &Map<String, Value>, name: &str) -> Given<Vec<String>> {
    let Some(Value::Array(items)) = claims.get(name) else {
        return match text(claims, name) {
            Given::Value(one) => Given::Value(vec![one]),
            Given::Nothing => Given::Nothing,
            Given::Unusable(_) => Given::Unusable("is not a list of names"),
        };
    };
    let texts: Option<Vec<String>> =
        items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
    match texts {
        Some(texts) if texts.is_empty() => Given::Nothing,
        Some(texts) => Given::Value(texts),
        None => Given::Unusable("is not a list of names"),
    }
}

/// `email_verified` has to be true, not the word "true": some providers let people write that themselves.
fn verified(claims: &Map<String, Value>, settings: &UpstreamSettings) -> Verified {
    if !settings.trusts_email {
        Verified::No("The e-mail addresses of this provider are not trusted")
    } else if settings.claims.email != "email" {
        Verified::No("email_verified speaks of the claim email, and another one is used")
    } else if claims.get("email_verified") == Some(&Value::Bool(true)) {
        Verified::Yes
    } else {
        Verified::No("email_verified is not true")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reading(claims: Value, settings: &UpstreamSettings) -> Reading {
        let Value::Object(claims) = claims else { panic!("an object") };
        read(&claims, settings)
    }

    fn value(text: &str) -> Given<String> {
        Given::Value(text.to_owned())
    }

    #[test]
    fn the_usual_claims_are_read_by_their_usual_names() {
        let settings = UpstreamSettings { trusts_email: true, ..UpstreamSettings::default() };
        let claims = json!({
            "sub": "1", "preferred_username": "ada", "name": "Ada", "email": "ada@school.test",
            "email_verified": true, "groups": ["staff"],
        });
        let found = reading(claims, &settings);
        assert_eq!((found.subject, found.username), (value("1"), value("ada")));
        assert_eq!((found.name, found.email), (value("Ada"), value("ada@school.test")));
        assert_eq!((found.email_verified, found.groups), (Verified::Yes, Given::Nothing));
    }

    #[test]
    fn an_address_counts_as_verified_only_by_a_trusted_word_about_this_very_address() {
        let trusted = UpstreamSettings { trusts_email: true, ..UpstreamSettings::default() };
        for word in [json!(false), json!("true"), json!(1), Value::Null] {
            let claims = json!({ "email": "ada@school.test", "email_verified": word });
            assert!(matches!(reading(claims, &trusted).email_verified, Verified::No(_)), "{word}");
        }
        let verified =
            json!({ "email": "a@school.test", "upn": "a@x.test", "email_verified": true });
        let claims = ClaimNames { email: "upn".to_owned(), ..ClaimNames::default() };
        let other = UpstreamSettings { claims, ..trusted.clone() };
        assert!(matches!(reading(verified.clone(), &other).email_verified, Verified::No(_)));
        let usual = UpstreamSettings::default();
        assert!(matches!(reading(verified, &usual).email_verified, Verified::No(_)));
    }

    #[test]
    fn what_is_not_there_and_what_cannot_be_used_are_two_things() {
        let names = ClaimNames { groups: Some("roles".to_owned()), ..ClaimNames::default() };
        let settings = UpstreamSettings { claims: names, ..UpstreamSettings::default() };
        let claims = json!({ "sub": 7, "preferred_username": "", "name": null, "roles": ["a", 1] });
        let found = reading(claims, &settings);
        assert_eq!(found.subject, Given::Unusable("is not text"));
        assert_eq!((found.username, found.name), (Given::Nothing, Given::Nothing));
        assert_eq!(found.groups, Given::Unusable("is not a list of names"));
        let one = reading(json!({ "roles": "staff" }), &settings);
        assert_eq!(one.groups, Given::Value(vec!["staff".to_owned()]));
        assert_eq!(reading(json!({ "roles": [] }), &settings).groups, Given::Nothing);
        assert_eq!(
            reading(json!({ "roles": {} }), &settings).groups,
            Given::Unusable("is not a list of names")
        );
    }
}
