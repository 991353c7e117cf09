//! Client assertions (RFC 7523 section 3, RFC 10070): which claims make one good for a client at
//! this provider. The signature is found right before anything here is asked.

use serde_json::{Map, Value};

use crate::clock::{Seconds, UnixTime};
use crate::protocol::client::{ClientMetadata, SecurityProfile};
use crate::protocol::error::OAuthError;
use crate::protocol::jose::jwt_claims::{self, BadClaim};
use crate::protocol::types::{ClientId, SigningAlg};

/// `client_assertion_type` of RFC 7523 section 2.2.
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// `typ` with which a client says that its assertion follows RFC 10070.
pub const EXPLICIT_TYPE: &str = "client-authentication+jwt";

/// How far ahead `exp` may be, so that no `jti` has to be remembered for long.
const LONGEST_LIFE: Seconds = 300;

/// How far apart two honest clocks may be. FAPI 2.0 section 5.3.2.1 asks for at least 10 seconds
/// and less than 60.
const TOLERANCE: Seconds = 30;

/// The longest `jti`, in bytes.
const LONGEST_ID: usize = 512;

/// Whom an assertion may be made out to. It is always one plain string: a list could hold another
/// server's name as well, which might then use the assertion here (CVE-2025-27370).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// RFC 10070, and FAPI 2.0 section 5.3.2.1.
    IssuerOnly,
    /// As OpenID Connect Core section 9 had it.
    IssuerOrTokenEndpoint,
}

impl Audience {
    /// The rule for a client of this profile whose assertion has this `typ`. Naming the type of
    /// RFC 10070 asks for its rule.
    #[must_use]
    pub fn of(profile: SecurityProfile, typ: Option<&str>) -> Self {
        let typ = typ.map(str::to_ascii_lowercase).unwrap_or_default();
        let explicit = typ.strip_prefix("application/").unwrap_or(&typ) == EXPLICIT_TYPE;
        if profile.is_fapi() || explicit { Self::IssuerOnly } else { Self::IssuerOrTokenEndpoint }
    }
}

/// What an assertion is compared with.
#[derive(Debug, Clone, Copy)]
pub struct Expect<'a> {
    pub client_id: &'a ClientId,
    pub issuer: &'a str,
    pub token_endpoint: &'a str,
    pub audience: Audience,
    pub now: UnixTime,
}

/// An assertion that is good if it was never used before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    pub jti: String,
    /// Until then its `jti` must be remembered.
    pub remember_until: UnixTime,
}

/// The algorithms this client may sign assertions with: the one it registered, or all that its
/// profile allows.
#[must_use]
pub fn algorithms(metadata: &ClientMetadata) -> Vec<SigningAlg> {
    let fapi = metadata.security_profile.is_fapi();
    let registered = metadata.token_endpoint_auth_signing_alg;
    let allowed = |alg: &SigningAlg| {
        registered.is_none_or(|registered| registered == *alg) && (!fapi || alg.is_fapi())
    };
    SigningAlg::ALL.into_iter().filter(allowed).collect()
}

/// Checks every claim.
///
/// # Errors
/// `invalid_client`, saying which claim to look at.
pub fn check(claims: &Map<String, Value>, expect: &Expect<'_>) -> Result<Accepted, OAuthError> {
    let refused = |description| Err(OAuthError::invalid_client(description));
    let id = Some(expect.client_id.as_str());
    if jwt_claims::text(claims, "iss").map_err(bad)? != id
        || jwt_claims::text(claims, "sub").map_err(bad)? != id
    {
        return refused("iss and sub of the client assertion must both be the client_id.");
    }
    check_audience(claims, expect)?;
    let expires = jwt_claims::time(claims, "exp").map_err(bad)?.ok_or(bad(BadClaim("exp")))?;
    if expires.plus(TOLERANCE) <= expect.now {
        return refused("The client assertion has expired.");
    }
    if expires > expect.now.plus(LONGEST_LIFE + TOLERANCE) {
        return refused("exp of the client assertion is more than 5 minutes ahead.");
    }
    for name in ["nbf", "iat"] {
        let begins = jwt_claims::time(claims, name).map_err(bad)?;
        if begins.is_some_and(|begins| begins > expect.now.plus(TOLERANCE)) {
            return refused("The client assertion is not valid yet; compare the clocks.");
        }
    }
    let jti = jwt_claims::text(claims, "jti").map_err(bad)?.unwrap_or_default();
    if jti.is_empty() || jti.len() > LONGEST_ID {
        return refused("The client assertion needs a jti of 1 to 512 bytes.");
    }
    Ok(Accepted { jti: jti.to_owned(), remember_until: expires.plus(TOLERANCE) })
}

fn check_audience(claims: &Map<String, Value>, expect: &Expect<'_>) -> Result<(), OAuthError> {
    let audience = claims.get("aud").and_then(Value::as_str);
    match (audience, expect.audience) {
        (Some(audience), _) if audience == expect.issuer => Ok(()),
        (Some(audience), Audience::IssuerOrTokenEndpoint) if audience == expect.token_endpoint => {
            Ok(())
        }
        _ => Err(OAuthError::invalid_client(
            "aud of the client assertion must be the issuer, as one plain string.",
        )),
    }
}

fn bad(claim: BadClaim) -> OAuthError {
    let description = "A claim of the client assertion is missing or malformed.";
    OAuthError::invalid_client(description).because(claim.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);
    const ISSUER: &str = "https://op.test";
    const TOKEN_ENDPOINT: &str = "https://op.test/oauth2/token";

    fn claims(changes: &Value) -> Map<String, Value> {
        let mut claims = json!({
            "iss": "app", "sub": "app", "aud": ISSUER, "jti": "1",
            "iat": NOW.0, "exp": NOW.0 + 60,
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let Value::Object(mut claims) = claims else { unreachable!() };
        claims.retain(|_, value| *value != json!("absent"));
        claims
    }

    fn check_with(changes: &Value, audience: Audience) -> Result<Accepted, OAuthError> {
        let id = ClientId::new("app");
        let expect = Expect {
            client_id: &id,
            issuer: ISSUER,
            token_endpoint: TOKEN_ENDPOINT,
            audience,
            now: NOW,
        };
        check(&claims(changes), &expect)
    }

    #[track_caller]
    fn refused(changes: &Value) {
        let shown = changes.to_string();
        let error = check_with(changes, Audience::IssuerOrTokenEndpoint).expect_err(&shown);
        assert_eq!(error.code.as_str(), "invalid_client", "{shown}");
    }

    fn accepted(changes: &Value) -> Accepted {
        check_with(changes, Audience::IssuerOrTokenEndpoint).unwrap()
    }

    #[test]
    fn an_assertion_of_the_client_itself_is_accepted_and_its_id_remembered_until_it_expires() {
        let accepted = accepted(&json!({ "extra": { "deep": [1] } }));
        assert_eq!(accepted.jti, "1");
        assert_eq!(accepted.remember_until, NOW.plus(90));
    }

    #[test]
    fn issuer_and_subject_must_both_be_the_client() {
        for name in ["iss", "sub"] {
            for value in [json!("other"), json!("absent"), json!(7), json!(["app"]), json!(null)] {
                refused(&json!({ name: value }));
            }
        }
    }

    #[test]
    fn the_audience_is_one_plain_string() {
        for audience in [
            json!([ISSUER]),
            json!([ISSUER, "https://other.test"]),
            json!([]),
            json!({}),
            json!("absent"),
            json!("https://op.test/"),
            json!("https://op.test/oauth2/par"),
            json!("https://op.test/oauth2/token/"),
            json!("app"),
        ] {
            refused(&json!({ "aud": audience }));
        }
        accepted(&json!({ "aud": TOKEN_ENDPOINT }));
        let strict = check_with(&json!({ "aud": TOKEN_ENDPOINT }), Audience::IssuerOnly);
        assert!(strict.is_err());
        assert!(check_with(&json!({}), Audience::IssuerOnly).is_ok());
    }

    #[test]
    fn the_fapi_profile_and_the_explicit_type_ask_for_the_issuer_alone() {
        use SecurityProfile::Fapi2MessageSigning;
        use SecurityProfile::Fapi2Security;
        use SecurityProfile::Standard;
        let either = Audience::IssuerOrTokenEndpoint;
        for (profile, typ, expected) in [
            (Standard, None, either),
            (Standard, Some("JWT"), either),
            (Standard, Some("client-authentication+jwt"), Audience::IssuerOnly),
            (Standard, Some("application/Client-Authentication+JWT"), Audience::IssuerOnly),
            (Fapi2Security, None, Audience::IssuerOnly),
            (Fapi2MessageSigning, Some("JWT"), Audience::IssuerOnly),
        ] {
            assert_eq!(Audience::of(profile, typ), expected, "{profile:?} {typ:?}");
        }
    }

    #[test]
    fn it_expires_and_not_later_than_in_five_minutes() {
        accepted(&json!({ "exp": NOW.0 + 330 }));
        accepted(&json!({ "exp": NOW.0 - 29 }));
        for exp in [
            json!(NOW.0 - 30),
            json!(NOW.0 - 300),
            json!(NOW.0 + 331),
            json!(NOW.0 + 3600),
            json!("absent"),
            json!(null),
            json!((NOW.0 + 60).to_string()),
            json!(1.8e9),
            json!(-1),
            json!(u64::MAX),
        ] {
            refused(&json!({ "exp": exp }));
        }
    }

    #[test]
    fn clocks_may_be_eight_seconds_apart_but_not_sixty() {
        for name in ["nbf", "iat"] {
            accepted(&json!({ name: NOW.0 + 8 }));
            accepted(&json!({ name: NOW.0 + 10 }));
            accepted(&json!({ name: "absent" }));
            for value in [json!(NOW.0 + 61), json!(NOW.0 + 3600), json!("x"), json!(1.5)] {
                refused(&json!({ name: value }));
            }
        }
    }

    #[test]
    fn it_needs_an_identifier_of_its_own() {
        for jti in [json!("absent"), json!(""), json!(1), json!(null), json!("x".repeat(513))] {
            refused(&json!({ "jti": jti }));
        }
    }

    #[test]
    fn the_registered_algorithm_is_the_only_one_and_fapi_narrows_the_rest() {
        let mut metadata = ClientMetadata::default();
        assert_eq!(algorithms(&metadata), SigningAlg::ALL);
        metadata.token_endpoint_auth_signing_alg = Some(SigningAlg::Rs256);
        assert_eq!(algorithms(&metadata), [SigningAlg::Rs256]);
        metadata.security_profile = SecurityProfile::Fapi2Security;
        assert!(algorithms(&metadata).is_empty(), "RS256 is no algorithm of FAPI 2.0");
        metadata.token_endpoint_auth_signing_alg = None;
        assert!(!algorithms(&metadata).contains(&SigningAlg::Rs256));
    }
}
