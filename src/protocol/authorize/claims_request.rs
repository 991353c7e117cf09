//! The `claims` parameter (OpenID Connect Core section 5.5): single claims asked for by name, apart
//! for userinfo and for the ID token.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::protocol::error::OAuthError;
use crate::protocol::jose::strict_json::has_nul;
use crate::protocol::scope::Scopes;

/// Longer texts are refused unread; honest ones have a few hundred characters.
const MAX_LEN: usize = 8 * 1024;
/// Deeper nesting is refused: the parameter itself needs four levels.
const MAX_DEPTH: usize = 8;
/// Most claims in one place, and most `values` of one claim.
const MAX_MEMBERS: usize = 64;

/// The claims about a person that can be asked for, each with the scope that would also give it.
const PERSONAL: [(&str, &str); 20] = [
    ("name", "profile"),
    ("given_name", "profile"),
    ("family_name", "profile"),
    ("middle_name", "profile"),
    ("nickname", "profile"),
    ("preferred_username", "profile"),
    ("profile", "profile"),
    ("picture", "profile"),
    ("website", "profile"),
    ("gender", "profile"),
    ("birthdate", "profile"),
    ("zoneinfo", "profile"),
    ("locale", "profile"),
    ("updated_at", "profile"),
    ("email", "email"),
    ("email_verified", "email"),
    ("phone_number", "phone"),
    ("phone_number_verified", "phone"),
    ("address", "address"),
    ("groups", "groups"),
];

/// Claims about the sign-in, which shape the sign-in instead of adding to the answer.
const ABOUT_SIGN_IN: [&str; 3] = ["sub", "acr", "auth_time"];

/// What was asked for in one place, by the name of the claim.
pub type Asked = BTreeMap<String, ClaimDemand>;

/// What was asked for, by place. Empty when the parameter was not sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ClaimsRequest {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub userinfo: Asked,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub id_token: Asked,
}

/// How one claim is wanted (section 5.5.1). All empty for a claim that is simply named.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ClaimDemand {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub essential: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Value>,
}

impl ClaimDemand {
    /// The values that would do, `value` and `values` together; empty when any would.
    pub fn wanted(&self) -> impl Iterator<Item = &Value> {
        self.value.iter().chain(&self.values)
    }

    /// Whether this value of the claim is one of those asked for.
    #[must_use]
    pub fn accepts(&self, value: &Value) -> bool {
        let mut wanted = self.wanted().peekable();
        wanted.peek().is_none() || wanted.any(|one| one == value)
    }
}

impl ClaimsRequest {
    /// Reads the parameter. Claims that nobody here has a value for are left out, since asking for
    /// them is no error (section 5.5.1).
    ///
    /// # Errors
    /// `invalid_request` when it is not JSON of the form section 5.5 describes, or beyond every
    /// honest size.
    pub fn parse(text: &str) -> Result<Self, OAuthError> {
        if text.len() > MAX_LEN {
            return Err(malformed("longer than 8192 bytes"));
        }
        let value: Value = serde_json::from_str(text).map_err(|e| malformed(e.to_string()))?;
        if depth(&value) > MAX_DEPTH {
            return Err(malformed("nested too deep"));
        }
        if has_nul(&value) {
            return Err(malformed("has the NUL character"));
        }
        let Value::Object(members) = value else { return Err(malformed("not an object")) };
        Ok(Self {
            userinfo: asked(members.get("userinfo"))?,
            id_token: asked(members.get("id_token"))?,
        })
    }

    /// Whether nothing was asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.userinfo.is_empty() && self.id_token.is_empty()
    }

    /// Without the claims of scopes that the client may not ask for: the parameter is no way around
    /// what the client is registered for.
    #[must_use]
    pub fn limited_to(mut self, allowed: &Scopes) -> Self {
        let may = |name: &String| scope_of(name).is_none_or(|scope| allowed.contains(scope));
        self.userinfo.retain(|name, _| may(name));
        self.id_token.retain(|name, _| may(name));
        self
    }

    /// The claims about the person, in either place, that these scopes do not give already.
    #[must_use]
    pub fn beyond(&self, scopes: &Scopes) -> BTreeSet<String> {
        let names = self.userinfo.keys().chain(self.id_token.keys());
        names
            .filter(|name| scope_of(name).is_some_and(|scope| !scopes.contains(scope)))
            .cloned()
            .collect()
    }

    /// Whether userinfo has to add something that no scope gives.
    #[must_use]
    pub fn concerns_userinfo(&self) -> bool {
        self.userinfo.keys().any(|name| scope_of(name).is_some())
    }

    /// The persons the client would take, from `sub` of either place; `None` for anybody
    /// (section 5.5.1).
    #[must_use]
    pub fn subjects(&self) -> Option<Vec<&str>> {
        let demands = [self.id_token.get("sub"), self.userinfo.get("sub")];
        let named: Vec<Vec<&str>> = demands
            .into_iter()
            .flatten()
            .filter(|demand| demand.wanted().next().is_some())
            .map(|demand| demand.wanted().filter_map(Value::as_str).collect())
            .collect();
        let (first, more) = named.split_first()?;
        // Named in both places, it must be somebody who is in both.
        let both = |sub: &&&str| more.iter().all(|other| other.contains(*sub));
        Some(first.iter().filter(both).copied().collect())
    }
}

/// The scope that also gives this claim about a person; `None` for every other claim.
#[must_use]
pub fn scope_of(claim: &str) -> Option<&'static str> {
    PERSONAL.iter().find(|(name, _)| *name == claim).map(|(_, scope)| *scope)
}

fn malformed(detail: impl Into<String>) -> OAuthError {
    OAuthError::invalid_request("claims is not a claims request of OpenID Connect.").because(detail)
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn asked(place: Option<&Value>) -> Result<Asked, OAuthError> {
    let members = match place {
        None | Some(Value::Null) => return Ok(Asked::new()),
        Some(Value::Object(members)) => members,
        Some(_) => return Err(malformed("userinfo or id_token is not an object")),
    };
    if members.len() > MAX_MEMBERS {
        return Err(malformed("too many claims"));
    }
    let mut asked = Asked::new();
    for (name, demand) in members {
        let demand = match demand {
            Value::Null => ClaimDemand::default(),
            Value::Object(demand) => read_demand(name, demand)?,
            _ => return Err(malformed("a claim is neither null nor an object")),
        };
        if scope_of(name).is_some() || ABOUT_SIGN_IN.contains(&name.as_str()) {
            asked.insert(name.clone(), demand);
        }
    }
    Ok(asked)
}

/// Members the specification does not define are ignored, as section 5.5.1 says. One that is null
/// counts as left out, since many libraries write whatever they have no value for; only a person
/// who is named as null stays nobody.
fn read_demand(claim: &str, members: &Map<String, Value>) -> Result<ClaimDemand, OAuthError> {
    let given = |name: &str| members.get(name).filter(|value| !value.is_null());
    let essential = match given("essential") {
        None => false,
        Some(Value::Bool(essential)) => *essential,
        Some(_) => return Err(malformed("essential is not a boolean")),
    };
    let values = match given("values") {
        None => Vec::new(),
        Some(Value::Array(values)) if values.len() <= MAX_MEMBERS => values.clone(),
        Some(_) => return Err(malformed("values is not a list of at most 64")),
    };
    let value = if claim == "sub" { members.get("value") } else { given("value") };
    Ok(ClaimDemand { essential, value: value.cloned(), values })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> ClaimsRequest {
        ClaimsRequest::parse(text).unwrap()
    }

    #[test]
    fn the_example_of_core_5_5_is_read_by_place() {
        let request = parse(
            r#"{"userinfo":{"given_name":{"essential":true},"nickname":null,
                "email":{"essential":true},"email_verified":{"essential":true},"picture":null,
                "http://example.info/claims/groups":null},
               "id_token":{"auth_time":{"essential":true},
                "acr":{"values":["urn:mace:incommon:iap:silver"]}}}"#,
        );
        assert!(request.userinfo["given_name"].essential);
        assert_eq!(request.userinfo["nickname"], ClaimDemand::default());
        assert_eq!(request.userinfo.len(), 5, "unknown claims are left out");
        assert_eq!(request.id_token["acr"].values, ["urn:mace:incommon:iap:silver"]);
        assert!(request.concerns_userinfo());
    }

    #[test]
    fn what_is_not_a_claims_request_is_an_invalid_request() {
        let deep = format!("{{\"x\":{}1{}}}", "[".repeat(20), "]".repeat(20));
        let very_deep = format!("{{\"x\":{}", "[".repeat(4_000));
        let long = format!("{{\"x\":\"{}\"}}", "a".repeat(9_000));
        let many: Vec<String> = (0..65).map(|n| format!("\"c{n}\":null")).collect();
        let many = format!("{{\"userinfo\":{{{}}}}}", many.join(","));
        for bad in [
            "",
            "null",
            "[]",
            "7",
            "{",
            "\"x\"",
            r#"{"userinfo":[]}"#,
            r#"{"id_token":true}"#,
            r#"{"userinfo":{"name":true}}"#,
            r#"{"userinfo":{"name":{"essential":"yes"}}}"#,
            r#"{"userinfo":{"name":{"values":"x"}}}"#,
            r#"{"id_token":{"acr":{"values":["aal1","\u0000"]}}}"#,
            r#"{"userinfo":{"x\u0000":null}}"#,
            &deep,
            &very_deep,
            &long,
            &many,
        ] {
            let error = ClaimsRequest::parse(bad).unwrap_err();
            assert_eq!(error.code.as_str(), "invalid_request", "{bad}");
        }
        for fine in ["{}", r#"{"userinfo":null}"#, r#"{"id_token":{}}"#, r#"{"other":7}"#] {
            assert!(parse(fine).is_empty(), "{fine}");
        }
    }

    #[test]
    fn a_member_that_is_null_counts_as_left_out() {
        let request = parse(
            r#"{"id_token":{"acr":{"essential":true,"value":null,"values":null},
                "sub":{"essential":null,"value":null}}}"#,
        );
        let nobody = Some(Vec::new());
        let acr = ClaimDemand { essential: true, ..ClaimDemand::default() };
        assert_eq!(request.id_token["acr"], acr);
        assert_eq!(request.subjects(), nobody, "a person named as null is nobody");
    }

    #[test]
    fn a_client_cannot_ask_by_name_for_what_its_scopes_are_closed_to() {
        let all = parse(r#"{"userinfo":{"email":null,"name":null,"sub":null}}"#);
        let limited = all.limited_to(&Scopes::from_tokens(["openid", "profile"]));
        assert_eq!(limited.userinfo.keys().collect::<Vec<_>>(), ["name", "sub"]);
    }

    #[test]
    fn only_claims_that_no_scope_gives_are_beyond_the_scopes() {
        let request = parse(
            r#"{"userinfo":{"email":null,"name":null},"id_token":{"phone_number":null,"sub":null}}"#,
        );
        let beyond = request.beyond(&Scopes::from_tokens(["openid", "profile"]));
        assert_eq!(beyond.iter().collect::<Vec<_>>(), ["email", "phone_number"]);
    }

    #[test]
    fn a_value_asked_for_is_the_only_one_that_does() {
        let demand = &parse(r#"{"userinfo":{"email":{"values":["a","b"]}}}"#).userinfo["email"];
        assert!(demand.accepts(&"a".into()) && !demand.accepts(&"c".into()));
        assert!(ClaimDemand::default().accepts(&"anything".into()));
    }

    #[test]
    fn the_person_named_in_both_places_must_be_the_same() {
        let subjects = |text| parse(text).subjects().map(|s| s.join(","));
        assert_eq!(subjects(r#"{"id_token":{"sub":null}}"#), None);
        assert_eq!(subjects(r#"{"id_token":{"sub":{"value":"a"}}}"#).as_deref(), Some("a"));
        assert_eq!(
            subjects(
                r#"{"id_token":{"sub":{"values":["a","b"]}},"userinfo":{"sub":{"value":"b"}}}"#
            )
            .as_deref(),
            Some("b")
        );
        assert_eq!(
            subjects(r#"{"id_token":{"sub":{"value":"a"}},"userinfo":{"sub":{"value":"b"}}}"#)
                .as_deref(),
            Some("")
        );
        assert_eq!(subjects(r#"{"id_token":{"sub":{"value":7}}}"#).as_deref(), Some(""));
    }
}
