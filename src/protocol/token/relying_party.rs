//! What a relying party does with an ID token once its signature is found right (OpenID Connect Core
//! sections 3.1.3.7, 3.1.3.8 and 12.2): one check after the other, each told in words. For the try-it client
//! of the console, which is the only relying party in here.

use serde_json::{Map, Value};

use crate::clock::{Seconds, UnixTime};
use crate::protocol::check::Check;
use crate::protocol::jose::jwt_claims::{BadClaim, audience, text, time};

/// How far the clocks of two machines may differ.
const CLOCK_TOLERANCE: Seconds = 30;

/// What the ID token has to say.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub nonce: Nonce<'a>,
    /// The `at_hash` of the access token that came with it.
    pub at_hash: &'a str,
    pub now: UnixTime,
}

/// The nonce that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nonce<'a> {
    /// With the request that this is the answer to: it has to come back.
    JustSent(&'a str),
    /// With the sign-in that was refreshed since: it may be left out, but not be another one (section 12.2).
    SentBefore(&'a str),
}

/// Every check in the order of section 3.1.3.7.
#[must_use]
pub fn examine(claims: &Map<String, Value>, expected: &Expected<'_>) -> Vec<Check> {
    vec![
        issuer(claims, expected),
        addressee(claims, expected),
        expiry(claims, expected),
        issued(claims, expected),
        nonce(claims, expected),
        at_hash(claims, expected),
    ]
}

fn issuer(claims: &Map<String, Value>, expected: &Expected<'_>) -> Check {
    let about = "iss";
    match text(claims, "iss") {
        Ok(Some(iss)) if iss == expected.issuer => Check::ok(about, "It is from this issuer."),
        Ok(Some(_)) => Check::failed(about, "It is from another issuer."),
        Ok(None) => Check::failed(about, "It does not say from whom it is."),
        Err(error) => malformed(about, error),
    }
}

fn addressee(claims: &Map<String, Value>, expected: &Expected<'_>) -> Check {
    let about = "aud";
    match audience(claims) {
        Ok(all) if all == [expected.client_id] => {
            Check::ok(about, "It is for this app and no other.")
        }
        Ok(all) if all.contains(&expected.client_id) => match text(claims, "azp") {
            Ok(Some(azp)) if azp == expected.client_id => {
                Check::ok(about, "It is for this app among others, and azp names this one.")
            }
            _ => Check::failed(about, "It is for several apps, and azp does not name this one."),
        },
        Ok(_) => Check::failed(about, "It is for another app."),
        Err(error) => malformed(about, error),
    }
}

fn expiry(claims: &Map<String, Value>, expected: &Expected<'_>) -> Check {
    let about = "exp";
    match time(claims, "exp") {
        Ok(Some(at)) if expected.now < at => {
            Check::ok(about, format!("It is good for {} s more.", at.since(expected.now)))
        }
        Ok(Some(_)) => Check::failed(about, "It has expired."),
        Ok(None) => Check::failed(about, "It does not say how long it is good."),
        Err(error) => malformed(about, error),
    }
}

fn issued(claims: &Map<String, Value>, expected: &Expected<'_>) -> Check {
    let about = "iat";
    match time(claims, "iat") {
        Ok(Some(at)) if at <= expected.now.plus(CLOCK_TOLERANCE) => {
            Check::ok(about, format!("It was made {} s ago.", expected.now.since(at).max(0)))
        }
        Ok(Some(_)) => Check::failed(about, "It was made in the future. Do the clocks agree?"),
        Ok(None) => Check::failed(about, "It does not say when it was made."),
        Err(error) => malformed(about, error),
    }
}

fn nonce(claims: &Map<String, Value>, expected: &Expected<'_>) -> Check {
    let about = "nonce";
    let (Nonce::JustSent(sent) | Nonce::SentBefore(sent)) = expected.nonce;
    match text(claims, "nonce") {
        Ok(Some(nonce)) if nonce == sent => Check::ok(about, "It is the one that was sent."),
        Ok(Some(_)) => Check::failed(about, "It is another one than was sent."),
        Ok(None) if matches!(expected.nonce, Nonce::SentBefore(_)) => {
            Check::ok(about, "There is none, as after a refresh it should be.")
        }
        Ok(None) => Check::failed(about, "There is none, and one was sent."),
        Err(error) => malformed(about, error),
    }
}

fn at_hash(claims: &Map<String, Value>, expected: &Expected<'_>) -> Check {
    let about = "at_hash";
    match text(claims, "at_hash") {
        Ok(Some(hash)) if hash == expected.at_hash => {
            Check::ok(about, "It belongs to the access token that came with it.")
        }
        Ok(Some(_)) => Check::failed(about, "It belongs to another access token."),
        Ok(None) => Check::ok(about, "There is none. It may be left out in the code flow."),
        Err(error) => malformed(about, error),
    }
}

fn malformed(about: &'static str, error: BadClaim) -> Check {
    Check::failed(about, format!("Something else is there than it has to be: {error}."))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::protocol::check::Verdict;

    fn expected() -> Expected<'static> {
        Expected {
            issuer: "https://id.test",
            client_id: "app",
            nonce: Nonce::JustSent("n-1"),
            at_hash: "hash",
            now: UnixTime(1_000),
        }
    }

    fn good() -> Value {
        json!({
            "iss": "https://id.test", "aud": "app", "exp": 1_300, "iat": 990, "nonce": "n-1", "at_hash": "hash",
        })
    }

    /// The checks that fail with these claims changed; null takes one away.
    fn failing(changes: &Value, expected: &Expected<'_>) -> Vec<&'static str> {
        let mut claims = good().as_object().unwrap().clone();
        for (name, value) in changes.as_object().unwrap() {
            claims.insert(name.clone(), value.clone());
        }
        claims.retain(|_, value| !value.is_null());
        let failed = examine(&claims, expected);
        failed.into_iter().filter(|c| c.verdict == Verdict::Failed).map(|c| c.about).collect()
    }

    #[test]
    fn a_good_id_token_passes_every_check() {
        assert_eq!(examine(good().as_object().unwrap(), &expected()).len(), 6);
        assert!(failing(&json!({}), &expected()).is_empty());
        assert!(failing(&json!({ "at_hash": null }), &expected()).is_empty());
        assert!(failing(&json!({ "aud": ["app", "b"], "azp": "app" }), &expected()).is_empty());
    }

    #[test]
    fn what_is_wrong_fails_its_own_check_alone() {
        for (changes, about) in [
            (json!({ "iss": "https://id.test/" }), "iss"),
            (json!({ "iss": null }), "iss"),
            (json!({ "aud": "other" }), "aud"),
            (json!({ "aud": ["app", "b"] }), "aud"),
            (json!({ "aud": null }), "aud"),
            (json!({ "exp": 1_000 }), "exp"),
            (json!({ "exp": "soon" }), "exp"),
            (json!({ "exp": null }), "exp"),
            (json!({ "iat": 1_031 }), "iat"),
            (json!({ "iat": null }), "iat"),
            (json!({ "nonce": "n-2" }), "nonce"),
            (json!({ "nonce": null }), "nonce"),
            (json!({ "nonce": 1 }), "nonce"),
            (json!({ "at_hash": "other" }), "at_hash"),
        ] {
            assert_eq!(failing(&changes, &expected()), [about], "{changes}");
        }
    }

    #[test]
    fn after_a_refresh_the_nonce_may_be_left_out_but_not_changed() {
        let refreshed = Expected { nonce: Nonce::SentBefore("n-1"), ..expected() };
        assert!(failing(&json!({ "nonce": null }), &refreshed).is_empty());
        assert!(failing(&json!({}), &refreshed).is_empty());
        assert_eq!(failing(&json!({ "nonce": "n-2" }), &refreshed), ["nonce"]);
    }
}
