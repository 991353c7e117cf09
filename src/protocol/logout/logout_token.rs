//! Back-Channel Logout 1.0: what a logout token says.

use serde_json::{Map, Value, json};

use crate::clock::{Seconds, UnixTime};
use crate::protocol::types::{ClientId, SessionId};

/// How long a logout token is good: no longer than its way takes (section 2.4 advises two minutes
/// at most).
pub const LIFETIME: Seconds = 120;

/// The one event of a logout token (section 2.4).
pub const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// What a logout token is made of.
#[derive(Debug, Clone, Copy)]
pub struct LogoutTokenFacts<'a> {
    pub issuer: &'a str,
    pub client: &'a ClientId,
    /// `sub` as the client's ID tokens have it.
    pub subject: &'a str,
    pub session: &'a SessionId,
    /// Stays the same when the token is made again for another try.
    pub jti: &'a str,
    pub now: UnixTime,
}

/// The claims of a logout token (section 2.4): `sub` and `sid` both, and never a `nonce`, which
/// keeps it from passing as an ID token.
#[must_use]
pub fn claims(facts: &LogoutTokenFacts<'_>) -> Map<String, Value> {
    let mut claims = Map::new();
    claims.insert("iss".into(), json!(facts.issuer));
    claims.insert("sub".into(), json!(facts.subject));
    claims.insert("aud".into(), json!(facts.client));
    claims.insert("iat".into(), json!(facts.now));
    claims.insert("exp".into(), json!(facts.now.plus(LIFETIME)));
    claims.insert("jti".into(), json!(facts.jti));
    claims.insert("events".into(), json!({ EVENT: {} }));
    claims.insert("sid".into(), json!(facts.session));
    claims
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logout_token_has_exactly_the_members_of_the_standard() {
        let facts = LogoutTokenFacts {
            issuer: "https://op.test",
            client: &ClientId::new("app"),
            subject: "u-1",
            session: &SessionId::new("s-1"),
            jti: "d-1",
            now: UnixTime(1_000),
        };
        let expected = json!({
            "iss": "https://op.test", "sub": "u-1", "aud": "app", "iat": 1_000, "exp": 1_120,
            "jti": "d-1", "sid": "s-1",
            "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
        });
        assert_eq!(Value::Object(claims(&facts)), expected);
    }
}
