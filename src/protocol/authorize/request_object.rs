//! Request objects (RFC 9101, OpenID Connect Core section 6): an authorization request as a JWT the
//! client has signed. Where there is one, nothing outside it counts but `client_id`, so that nobody
//! on the way can add or change anything (RFC 9101 section 6.3).

use serde_json::{Map, Value};

use crate::clock::{Seconds, UnixTime};
use crate::protocol::client::{Client, ClientMetadata};
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::jose::jwt_claims::{self, BadClaim};
use crate::protocol::params::Params;
use crate::protocol::types::SigningAlg;

/// `typ` values: RFC 9101 section 10.8, and what older libraries write.
pub const TYPES: [&str; 2] = ["oauth-authz-req+jwt", "JWT"];

/// Longer `request_uri` values are refused (RFC 9101 section 5.2).
const LONGEST_URI: usize = 512;

/// Most values of the one parameter that may be repeated.
const MAX_REPEATS: usize = 64;

/// How far apart two honest clocks may be.
const TOLERANCE: Seconds = 30;

/// FAPI 2.0 Message Signing section 5.3.1: `exp` at most this long after `nbf`, and `nbf` at most
/// this long ago.
const LONGEST_LIFE: Seconds = 3_600;

/// Claims of every JWT, which are no parameters.
const ABOUT_THE_TOKEN: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

/// What an object is compared with.
#[derive(Debug, Clone, Copy)]
pub struct Expect<'a> {
    pub client: &'a Client,
    pub issuer: &'a str,
    pub now: UnixTime,
}

/// `invalid_request_object`.
#[must_use]
pub fn refused(description: &'static str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidRequestObject, description)
}

/// The algorithms this client may sign request objects with: the one it registered, or all that its
/// profile allows. `none` is not among them.
#[must_use]
pub fn algorithms(metadata: &ClientMetadata) -> Vec<SigningAlg> {
    let fapi = metadata.security_profile.is_fapi();
    let registered = metadata.request_object_signing_alg;
    let allowed = |alg: &SigningAlg| {
        registered.is_none_or(|registered| registered == *alg) && (!fapi || alg.is_fapi())
    };
    SigningAlg::ALL.into_iter().filter(allowed).collect()
}

/// Whether the client has registered this `request_uri`. The text decides, with its fragment; one
/// registered without a fragment may be sent with any, since the fragment names a version of what
/// is there (OpenID Connect Core section 6.2). Whether it is the hash of that is not asked: the
/// signature says who wrote it, and clients register before they know what they will write.
#[must_use]
pub fn is_registered(metadata: &ClientMetadata, uri: &str) -> bool {
    let bare = uri.split_once('#').map_or(uri, |(bare, _)| bare);
    uri.len() <= LONGEST_URI
        && metadata.request_uris.iter().any(|known| known == uri || known == bare)
}

/// The parameters of an object whose signature was found right.
///
/// # Errors
/// `invalid_request_object`.
pub fn params(claims: &Map<String, Value>, expect: &Expect<'_>) -> Result<Params, OAuthError> {
    check(claims, expect)?;
    let mut pairs: Vec<(&str, String)> = Vec::new();
    for (name, value) in claims {
        match (name.as_str(), value) {
            (name, _) if ABOUT_THE_TOKEN.contains(&name) => {}
            // RFC 9101 section 4.
            ("request" | "request_uri", _) => {
                return Err(refused("A request object cannot contain or name another."));
            }
            ("client_id", _) if value != expect.client.id.as_str() => {
                return Err(refused("client_id of the request object is another client."));
            }
            (_, Value::Null) => return Err(malformed("a parameter is null")),
            (name, Value::String(text)) => pairs.push((name, text.clone())),
            // The one parameter that may be repeated (RFC 8707 section 2.1).
            ("resource", Value::Array(several)) => {
                if several.len() > MAX_REPEATS {
                    return Err(malformed("too many resources"));
                }
                for resource in several {
                    let text = resource.as_str().ok_or_else(|| malformed("resource"))?;
                    pairs.push(("resource", text.to_owned()));
                }
            }
            (name, other) => pairs.push((name, other.to_string())),
        }
    }
    let pairs = pairs.iter().map(|(name, value)| (*name, value.as_str()));
    Ok(Params::from_pairs(pairs).with("client_id", expect.client.id.as_str()))
}

fn malformed(detail: impl Into<String>) -> OAuthError {
    refused("A claim of the request object is missing or malformed.").because(detail)
}

fn bad(claim: BadClaim) -> OAuthError {
    malformed(claim.to_string())
}

fn check(claims: &Map<String, Value>, expect: &Expect<'_>) -> Result<(), OAuthError> {
    let client = expect.client.id.as_str();
    if jwt_claims::text(claims, "iss").map_err(bad)? != Some(client) {
        return Err(refused("iss of the request object must be the client_id."));
    }
    // What says `sub` = client is a client assertion (RFC 9101 section 10.8).
    if jwt_claims::text(claims, "sub").map_err(bad)? == Some(client) {
        return Err(refused("A request object with the client as sub is a client assertion."));
    }
    if !jwt_claims::audience(claims).map_err(bad)?.contains(&expect.issuer) {
        return Err(refused("aud of the request object must be, or contain, the issuer."));
    }
    jwt_claims::text(claims, "jti").map_err(bad)?;
    check_times(claims, expect)
}

fn check_times(claims: &Map<String, Value>, expect: &Expect<'_>) -> Result<(), OAuthError> {
    let time = |name| jwt_claims::time(claims, name).map_err(bad);
    let (expires, begins) = (time("exp")?, time("nbf")?);
    let latest = expect.now.plus(TOLERANCE);
    if expires.is_some_and(|expires| expires.plus(TOLERANCE) <= expect.now) {
        return Err(refused("The request object has expired."));
    }
    if begins.into_iter().chain(time("iat")?).any(|begins| begins > latest) {
        return Err(refused("The request object is not valid yet; compare the clocks."));
    }
    let profile = expect.client.metadata.security_profile;
    if !profile.is_fapi() {
        return Ok(());
    }
    match (expires, begins) {
        (Some(expires), Some(begins)) => {
            if expires.since(begins) > LONGEST_LIFE || expect.now.since(begins) > LONGEST_LIFE {
                return Err(refused("nbf and exp of the request object span more than an hour."));
            }
            Ok(())
        }
        _ => Err(refused("The request object needs exp and nbf.")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::protocol::client::SecurityProfile;
    use crate::protocol::client::tests::client;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn claims(changes: &Value) -> Map<String, Value> {
        let mut claims = json!({ "iss": "conf-basic", "aud": "https://op.test",
            "client_id": "conf-basic", "response_type": "code", "state": "s" });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let Value::Object(mut claims) = claims else { panic!("an object") };
        claims.retain(|_, value| *value != json!("absent"));
        claims
    }

    #[expect(clippy::needless_pass_by_value, reason = "reads well with json! at the call")]
    fn read_as(profile: SecurityProfile, changes: Value) -> Result<Params, &'static str> {
        let mut client = client();
        client.metadata.security_profile = profile;
        let expect = Expect { client: &client, issuer: "https://op.test", now: NOW };
        params(&claims(&changes), &expect).map_err(|error| error.code.as_str())
    }

    fn read(changes: Value) -> Result<Params, &'static str> {
        read_as(SecurityProfile::Standard, changes)
    }

    #[test]
    fn claims_become_parameters_and_those_about_the_token_do_not() {
        let params = read(json!({
            "max_age": 300, "claims": { "userinfo": { "name": null } }, "iat": NOW.0, "jti": "x",
            "resource": ["https://a.test", "https://b.test"], "aud": ["https://op.test", "x"],
            "authorization_details": [{ "type": "x" }], "nonce": "", "sub": "somebody",
        }))
        .unwrap();
        assert_eq!(params.sole("max_age"), Some("300"));
        assert_eq!(params.sole("claims"), Some(r#"{"userinfo":{"name":null}}"#));
        assert_eq!(params.all("resource").count(), 2);
        assert_eq!(params.sole("authorization_details"), Some(r#"[{"type":"x"}]"#));
        assert_eq!(params.sole("client_id"), Some("conf-basic"));
        for absent in ["iss", "aud", "iat", "jti", "nonce", "sub"] {
            assert!(!params.has(absent), "{absent}");
        }
    }

    #[test]
    fn an_object_for_or_by_somebody_else_is_refused() {
        for bad in [
            json!({ "iss": "absent" }),
            json!({ "iss": "other" }),
            json!({ "iss": 7 }),
            json!({ "aud": "absent" }),
            json!({ "aud": [] }),
            json!({ "aud": "https://x.test" }),
            json!({ "aud": {} }),
            json!({ "aud": ["https://op.test", 7] }),
            json!({ "client_id": "other" }),
            json!({ "client_id": 7 }),
            json!({ "sub": "conf-basic" }),
            json!({ "sub": 7 }),
            json!({ "jti": 7 }),
            json!({ "request": "x.y.z" }),
            json!({ "request_uri": "https://x.test" }),
            json!({ "state": null }),
            json!({ "resource": [7] }),
        ] {
            assert_eq!(read(bad.clone()).unwrap_err(), "invalid_request_object", "{bad}");
        }
        assert!(read(json!({ "client_id": "absent" })).is_ok());
    }

    #[test]
    fn times_are_optional_and_hold_where_they_are_given() {
        let at = |name: &str, offset: i64| read(json!({ name: NOW.0 + offset }));
        assert!(at("exp", -29).is_ok() && at("exp", 86_400).is_ok());
        assert!(at("nbf", 8).is_ok() && at("iat", 30).is_ok());
        for (name, offset) in [("exp", -30), ("nbf", 31), ("iat", 61)] {
            assert_eq!(at(name, offset), Err("invalid_request_object"), "{name} {offset}");
        }
        for bad in [json!("1"), json!(-1), json!(1.5), json!(null), json!([])] {
            assert!(read(json!({ "exp": bad })).is_err(), "{bad}");
        }
    }

    #[test]
    fn message_signing_needs_both_times_within_an_hour() {
        let signed = |nbf: i64, exp: i64| {
            let times = json!({ "nbf": NOW.0 + nbf, "exp": NOW.0 + exp });
            read_as(SecurityProfile::Fapi2MessageSigning, times).is_ok()
        };
        assert!(signed(0, 300) && signed(8, 300) && signed(0, 3_600));
        assert!(!signed(0, 4_200), "exp 70 minutes ahead");
        assert!(!signed(-4_200, 300), "nbf 70 minutes ago");
        for missing in [json!({ "exp": NOW.0 + 60 }), json!({ "nbf": NOW.0 }), json!({})] {
            assert!(read_as(SecurityProfile::Fapi2MessageSigning, missing).is_err());
        }
    }

    #[test]
    fn the_client_s_registration_and_profile_limit_the_algorithms() {
        let mut metadata = ClientMetadata::default();
        assert_eq!(algorithms(&metadata), SigningAlg::ALL);
        metadata.security_profile = SecurityProfile::Fapi2Security;
        assert!(!algorithms(&metadata).contains(&SigningAlg::Rs256));
        metadata.request_object_signing_alg = Some(SigningAlg::Ps256);
        assert_eq!(algorithms(&metadata), [SigningAlg::Ps256]);
    }

    #[test]
    fn only_registered_uris_are_fetched_whatever_their_version() {
        let metadata = ClientMetadata {
            request_uris: vec!["https://rp.test/r#v1".into(), "https://rp.test/any".into()],
            ..ClientMetadata::default()
        };
        for good in ["https://rp.test/r#v1", "https://rp.test/any", "https://rp.test/any#x"] {
            assert!(is_registered(&metadata, good), "{good}");
        }
        let long = format!("https://rp.test/any#{}", "x".repeat(500));
        for bad in ["https://rp.test/r", "https://rp.test/r#v2", "https://evil.test/any", "", &long]
        {
            assert!(!is_registered(&metadata, bad), "{bad}");
        }
    }
}
