//! What introspection says about an access token (RFC 7662 section 2.2, RFC 9068 section 2.2, RFC 9396
//! section 9.2). It borrows: resource servers ask for every request, and nothing is built only to be
//! written.

use serde::Serialize;
use serde_json::{Map, Value};

use super::claims::{AccessTokenClaims, Audience};
use super::grant::details::Confirmation;
use super::sender_constraint::Scheme;
use crate::clock::UnixTime;
use crate::protocol::types::{ClientId, OrganisationId, SessionId};

/// A token that counts, without what is only bookkeeping of ours.
#[derive(Debug, Serialize)]
pub struct Description<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<&'a Value>,
    active: bool,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    amr: &'a [String],
    aud: &'a Audience,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<UnixTime>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    authorization_details: &'a [Value],
    client_id: &'a ClientId,
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<&'a Confirmation>,
    exp: UnixTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<&'a [String]>,
    iat: UnixTime,
    iss: &'a str,
    jti: &'a str,
    #[serde(flatten)]
    mapped: &'a Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    org_id: Option<&'a OrganisationId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    org_name: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    roles: &'a [String],
    scope: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a SessionId>,
    sub: &'a str,
    token_type: &'static str,
}

impl<'a> Description<'a> {
    /// Describes a token with these claims.
    #[must_use]
    pub fn of(claims: &'a AccessTokenClaims) -> Self {
        // Every claim by name, so that a new one is told or kept back on purpose.
        let AccessTokenClaims {
            iss,
            sub,
            aud,
            exp,
            iat,
            jti,
            client_id,
            scope,
            auth_time,
            acr,
            amr,
            sid,
            groups,
            roles,
            org_id,
            org_name,
            cnf,
            act,
            authorization_details,
            mapped,
            // Bookkeeping of ours that means nothing outside.
            more_userinfo: _,
            grant: _,
            origins: _,
            actors: _,
            user_version: _,
            client_version: _,
            behind: _,
        } = claims;
        Self {
            acr: acr.as_deref(),
            act: act.as_ref(),
            active: true,
            amr,
            aud,
            auth_time: *auth_time,
            authorization_details,
            client_id,
            cnf: cnf.as_ref(),
            exp: *exp,
            groups: groups.as_deref(),
            iat: *iat,
            iss,
            jti,
            mapped,
            org_id: org_id.as_ref(),
            org_name: org_name.as_deref(),
            roles,
            scope,
            sid: sid.as_ref(),
            sub,
            token_type: Scheme::of(cnf.as_ref()).as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn everything_is_told_but_what_is_our_own_bookkeeping() {
        let told = json!({
            "iss": "https://id.test", "sub": "s", "aud": ["a", "b"], "exp": 9, "iat": 1, "jti": "j",
            "client_id": "c", "scope": "openid", "auth_time": 1, "acr": "aal1", "amr": ["pwd"],
            "sid": "x", "groups": ["g"], "roles": ["r"], "org_id": "o", "org_name": "O", "cnf": { "jkt": "k" }, "act": { "sub": "z" },
            "authorization_details": [{ "type": "t" }], "plan": "gold",
        });
        let mut claims = told.clone();
        for (name, value) in [
            ("more_userinfo", json!(true)),
            ("grant", json!("g")),
            ("origins", json!([{ "grant": "o", "client": "p", "version": 1 }])),
            ("actors", json!([{}])),
            ("user_version", json!(3)),
            ("client_version", json!(4)),
        ] {
            claims[name] = value;
        }
        let claims: AccessTokenClaims = serde_json::from_value(claims).unwrap();
        let mut expected = told;
        expected["active"] = true.into();
        expected["token_type"] = "DPoP".into();
        assert_eq!(json!(Description::of(&claims)), expected);
    }

    #[test]
    fn what_a_token_does_not_have_is_left_out() {
        let bare = json!({
            "iss": "https://id.test", "sub": "s", "aud": "a", "exp": 9, "iat": 1, "jti": "j",
            "client_id": "c", "scope": "", "grant": "g", "client_version": 0,
        });
        let claims: AccessTokenClaims = serde_json::from_value(bare).unwrap();
        let expected = json!({
            "active": true, "iss": "https://id.test", "sub": "s", "aud": "a", "exp": 9, "iat": 1,
            "jti": "j", "client_id": "c", "scope": "", "token_type": "Bearer",
        });
        assert_eq!(json!(Description::of(&claims)), expected);
    }
}
