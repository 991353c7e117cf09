//! The claims of client assertions: nothing passes that is not for us, from the client, fresh, short
//! and unique, judged once more in plain words.
//!
//! Input: one byte that chooses the audience rule, then the claims as JSON.

use doorward::clock::UnixTime;
use doorward::protocol::client::SecurityProfile;
use doorward::protocol::client::assertion::{Audience, Expect, check as check_claims};
use doorward::protocol::types::ClientId;
use serde_json::{Map, Value};

const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://op.test";
const TOKEN_ENDPOINT: &str = "https://op.test/oauth2/token";

pub fn check(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else { return };
    let Ok(claims) = serde_json::from_slice::<Map<String, Value>>(rest) else { return };
    let (profile, typ) = match choice % 3 {
        0 => (SecurityProfile::Standard, None),
        1 => (SecurityProfile::Standard, Some("client-authentication+jwt")),
        _ => (SecurityProfile::Fapi2Security, Some("JWT")),
    };
    let id = ClientId::new("app");
    let expect = Expect {
        client_id: &id,
        issuer: ISSUER,
        token_endpoint: TOKEN_ENDPOINT,
        audience: Audience::of(profile, typ),
        now: UnixTime(NOW),
    };
    let Ok(accepted) = check_claims(&claims, &expect) else { return };
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let seconds = |name: &str| claims.get(name).map(|value| value.as_i64().expect("a number"));
    assert_eq!((text("iss"), text("sub")), (Some("app"), Some("app")));
    let audience = text("aud").expect("one plain string");
    assert!(audience == ISSUER || (choice % 3 == 0 && audience == TOKEN_ENDPOINT), "{audience}");
    let expires = seconds("exp").expect("an end");
    assert!((NOW - 30..=NOW + 330).contains(&expires), "{expires}");
    for name in ["nbf", "iat"] {
        assert!(seconds(name).is_none_or(|begins| (0..=NOW + 30).contains(&begins)), "{name}");
    }
    assert_eq!(text("jti"), Some(accepted.jti.as_str()));
    assert!((1..=512).contains(&accepted.jti.len()));
    assert!(accepted.remember_until >= UnixTime(expires), "forgotten while it is still good");
}
