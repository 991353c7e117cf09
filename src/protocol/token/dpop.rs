//! DPoP proofs (RFC 9449): what a proof must say to count for one request. Its signature is checked
//! by `crypto::foreign` with the key in its own header; that a proof is used once, and which nonces
//! are good, is `service::token::dpop`'s business.

use serde_json::{Map, Value};

use crate::clock::{Seconds, UnixTime};
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::jose::jwt_claims::{BadClaim, text, time};
use crate::protocol::types::SigningAlg;

/// The `typ` of a proof (section 4.2).
pub const PROOF_TYPE: &str = "dpop+jwt";

/// The algorithms of proofs: asymmetric, and without RS256, whose padding no profile of the last ten
/// years recommends and FAPI 2.0 section 5.4 forbids.
pub const ALGS: [SigningAlg; 4] =
    [SigningAlg::Es256, SigningAlg::EdDsa, SigningAlg::Ps256, SigningAlg::Es384];

/// How far `iat` may lie from now in either direction (section 11.1): clocks of phones are wrong.
pub const WINDOW: Seconds = 60;

/// How long a used proof must be remembered: one from the far end of the window stays acceptable for
/// two of them; the rest is for nodes whose clocks differ.
pub const MEMORY: Seconds = 3 * WINDOW;

/// How long one nonce is the current one. It then stays good for as long again.
const NONCE_SLOT: Seconds = 120;

/// The slots of time whose nonces are good: the present one, whose nonce is handed out, the one
/// before, and the one after, which a node whose clock is ahead may have reached.
#[must_use]
pub fn nonce_slots(now: UnixTime) -> [i64; 3] {
    let present = now.0.div_euclid(NONCE_SLOT);
    [present, present - 1, present + 1]
}

/// What a proof is checked against.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The HTTP method of the request.
    pub method: &'a str,
    /// The addresses of the endpoint as the metadata gives them. Never from the request's own
    /// `Host`: an attacker in the middle could have written that.
    pub urls: &'a [String],
    /// BASE64URL(SHA-256(access token)) where the request brings one.
    pub token_hash: Option<&'a str>,
    pub now: UnixTime,
}

/// What remains to be checked of a good proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Different in every proof.
    pub jti: String,
    /// A nonce the client says it got from us.
    pub nonce: Option<String>,
}

/// An `invalid_dpop_proof` error.
#[must_use]
pub fn defect(description: &'static str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidDpopProof, description)
}

/// Checks the claims of a proof, rule by rule as section 4.3 lists them. Claims it does not know
/// are ignored.
///
/// # Errors
/// `invalid_dpop_proof`.
pub fn check(
    claims: &Map<String, Value>,
    expected: &Expected<'_>,
) -> Result<Statement, OAuthError> {
    let claim = |name| required(claims, name);
    // Rule 3: every required claim is there. A jti longer than any honest one only costs memory.
    let jti = claim("jti")?;
    if jti.is_empty() || jti.len() > 1024 {
        return Err(defect("The jti of the DPoP proof must have 1 to 1024 characters."));
    }
    // Rule 8.
    if claim("htm")? != expected.method {
        return Err(defect("The DPoP proof is for another HTTP method."));
    }
    // Rule 9.
    let htu = claim("htu")?;
    if !expected.urls.iter().any(|url| same_place(htu, url)) {
        return Err(defect("The DPoP proof is for another address."));
    }
    // Rule 11.
    check_times(claims, expected.now)?;
    // Rule 12, first half; the caller compares the key.
    if let Some(hash) = expected.token_hash
        && claim("ath")? != hash
    {
        return Err(defect("The DPoP proof is for another access token."));
    }
    let nonce = text(claims, "nonce").map_err(malformed)?.map(str::to_owned);
    Ok(Statement { jti: jti.to_owned(), nonce })
}

fn required<'a>(claims: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, OAuthError> {
    text(claims, name).and_then(|value| value.ok_or(BadClaim(name))).map_err(malformed)
}

fn malformed(error: BadClaim) -> OAuthError {
    defect("A claim of the DPoP proof is missing or malformed.").because(error.to_string())
}

/// `iat` decides. A proof needs neither `exp` nor `nbf`, but one that has them means them (RFC 7519
/// sections 4.1.4 and 4.1.5).
fn check_times(claims: &Map<String, Value>, now: UnixTime) -> Result<(), OAuthError> {
    let when = |name| time(claims, name).map_err(malformed);
    let issued = when("iat")?.ok_or_else(|| malformed(BadClaim("iat")))?;
    if now.since(issued).abs() > WINDOW {
        return Err(defect("The DPoP proof was not made just now; check the clock."));
    }
    if when("exp")?.is_some_and(|exp| exp.plus(WINDOW) <= now)
        || when("nbf")?.is_some_and(|nbf| nbf > now.plus(WINDOW))
    {
        return Err(defect("The DPoP proof has expired or is not valid yet."));
    }
    Ok(())
}

/// Whether two addresses are the same without their query and fragment, after syntax-based and
/// scheme-based normalization (RFC 3986 sections 6.2.2 and 6.2.3).
fn same_place(htu: &str, url: &str) -> bool {
    let normal = |text: &str| {
        let mut url = url::Url::parse(text).ok()?;
        url.set_query(None);
        url.set_fragment(None);
        Some(url)
    };
    normal(htu).is_some_and(|htu| Some(htu) == normal(url))
}

/// The `dpop_jkt` parameter of an authorization request (section 10): the key the code shall be
/// bound to.
///
/// # Errors
/// `invalid_request` when it is no SHA-256 thumbprint or is repeated.
pub fn requested_key(
    params: &crate::protocol::params::Params,
) -> Result<Option<String>, OAuthError> {
    let Some(jkt) = params.get("dpop_jkt")? else { return Ok(None) };
    if jkt.len() == 43 && jkt.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
        return Ok(Some(jkt.to_owned()));
    }
    Err(OAuthError::invalid_request("dpop_jkt must be the 43 characters of a SHA-256 thumbprint."))
}

/// The value of `algs` in a challenge (section 7.1).
#[must_use]
pub fn algs() -> String {
    ALGS.map(SigningAlg::as_str).join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::protocol::params::Params;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn claims() -> Map<String, Value> {
        let claims = json!({ "jti": "j", "htm": "POST", "htu": "https://op.test/oauth2/token",
            "iat": NOW.0 });
        claims.as_object().unwrap().clone()
    }

    fn with(name: &str, value: Value) -> Map<String, Value> {
        let mut claims = claims();
        claims.insert(name.into(), value);
        claims
    }

    fn judge(
        claims: &Map<String, Value>,
        token_hash: Option<&str>,
    ) -> Result<Statement, OAuthError> {
        let urls = ["https://op.test/oauth2/token".to_owned()];
        check(claims, &Expected { method: "POST", urls: &urls, token_hash, now: NOW })
    }

    #[test]
    fn a_plain_proof_counts_and_further_claims_are_ignored() {
        let good = Statement { jti: "j".into(), nonce: None };
        assert_eq!(judge(&claims(), None), Ok(good.clone()));
        assert_eq!(judge(&with("colour", json!([1])), None), Ok(good));
        assert_eq!(judge(&with("nonce", json!("n")), None).unwrap().nonce.as_deref(), Some("n"));
    }

    #[test]
    fn every_claim_must_be_there_and_well_formed() {
        for name in ["jti", "htm", "htu", "iat"] {
            let mut missing = claims();
            missing.remove(name);
            assert!(judge(&missing, None).is_err(), "no {name}");
            for bad in [json!(null), json!([]), json!({}), json!(true), json!(1.5), json!("")] {
                assert!(judge(&with(name, bad.clone()), None).is_err(), "{name} is {bad}");
            }
        }
        for name in ["nonce", "exp", "nbf"] {
            assert!(judge(&with(name, json!([])), None).is_err(), "{name}");
        }
    }

    #[test]
    fn the_method_is_compared_exactly() {
        for other in ["GET", "post", "PUT", "POST "] {
            assert!(judge(&with("htm", json!(other)), None).is_err(), "{other}");
        }
    }

    #[test]
    fn the_address_is_compared_after_normalization_without_query_and_fragment() {
        for same in [
            "https://op.test/oauth2/token?a=b",
            "https://op.test/oauth2/token#x",
            "HTTPS://OP.Test:443/oauth2/token",
            "https://op.test/oauth2/./token",
        ] {
            assert!(judge(&with("htu", json!(same)), None).is_ok(), "{same}");
        }
        for other in [
            "http://op.test/oauth2/token",
            "https://op.test:8443/oauth2/token",
            "https://op.test/oauth2/token/",
            "https://op.test/OAUTH2/token",
            "https://op.test.evil.test/oauth2/token",
            "https://user@op.test/oauth2/token",
            "/oauth2/token",
            "op.test",
        ] {
            assert!(judge(&with("htu", json!(other)), None).is_err(), "{other}");
        }
    }

    #[test]
    fn a_proof_is_from_this_minute() {
        for near in [-60, -10, 0, 10, 60] {
            assert!(judge(&with("iat", json!(NOW.0 + near)), None).is_ok(), "{near}");
        }
        for far in [-3600, -61, 61, 3600] {
            assert!(judge(&with("iat", json!(NOW.0 + far)), None).is_err(), "{far}");
        }
        assert!(judge(&with("iat", json!(i64::MAX)), None).is_err());
    }

    #[test]
    fn exp_and_nbf_are_tolerated_and_meant() {
        for (name, near, far) in [("exp", 300, -300), ("nbf", 8, 300)] {
            assert!(judge(&with(name, json!(NOW.0 + near)), None).is_ok(), "{name}");
            assert!(judge(&with(name, json!(NOW.0 + far)), None).is_err(), "{name}");
        }
    }

    #[test]
    fn with_an_access_token_its_hash_is_demanded() {
        assert!(judge(&claims(), Some("h")).is_err());
        assert!(judge(&with("ath", json!("other")), Some("h")).is_err());
        assert!(judge(&with("ath", json!("h")), Some("h")).is_ok());
    }

    #[test]
    fn a_nonce_is_good_in_its_slot_and_the_next() {
        let [present, ..] = nonce_slots(NOW);
        for (later, good) in [(0, true), (NONCE_SLOT, true), (2 * NONCE_SLOT, false)] {
            let slots = nonce_slots(NOW.plus(later));
            assert_eq!(slots.contains(&present), good, "{later}");
        }
        assert!(nonce_slots(NOW.plus(-NONCE_SLOT)).contains(&present));
    }

    #[test]
    fn dpop_jkt_is_a_thumbprint() {
        let key = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
        let ask = |query: String| requested_key(&Params::parse(query.as_bytes()).unwrap());
        assert_eq!(ask(format!("dpop_jkt={key}")), Ok(Some(key.to_owned())));
        assert_eq!(ask("x=y".into()), Ok(None));
        for bad in [
            "dpop_jkt=short".into(),
            format!("dpop_jkt={key}="),
            format!("dpop_jkt={key}&dpop_jkt={key}"),
        ] {
            assert!(ask(bad).is_err());
        }
    }
}
