//! Tokens and parameters turned into tables a person can read: each line with its value and what
//! it means.

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value};

use crate::clock::UnixTime;

/// One line of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// The name as it stands in the protocol.
    pub name: String,
    /// What it means, in one sentence; empty when there is nothing to say.
    pub meaning: &'static str,
    pub value: String,
}

impl Row {
    pub(super) fn new(name: &str, meaning: &'static str, value: impl Into<String>) -> Self {
        Self { name: name.to_owned(), meaning, value: value.into() }
    }
}

/// The readable parts of a JWT. Reading is not verifying: the relying party does that first.
#[derive(Debug)]
pub(super) struct Jwt {
    pub header: Map<String, Value>,
    pub claims: Map<String, Value>,
}

/// Decodes a signed JWT (RFC 7515 section 3.1); `None` for anything else, such as an opaque token.
pub(super) fn decode(token: &str) -> Option<Jwt> {
    let mut parts = token.split('.');
    let (header, claims) = (parts.next()?, parts.next()?);
    let (_signature, None) = (parts.next()?, parts.next()) else { return None };
    Some(Jwt { header: object(header)?, claims: object(claims)? })
}

fn object(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).ok()?).ok()
}

/// A table of JSON members, the well-known ones first and in the order a person would read them.
pub(super) fn rows(members: &Map<String, Value>, meaning: fn(&str) -> &'static str) -> Vec<Row> {
    let mut rows: Vec<Row> = members
        .iter()
        .map(|(name, value)| Row::new(name, meaning(name), show(name, value)))
        .collect();
    rows.sort_by_key(|row| ORDER.iter().position(|name| *name == row.name).unwrap_or(ORDER.len()));
    rows
}

const ORDER: [&str; 12] = [
    "alg",
    "typ",
    "kid",
    "iss",
    "sub",
    "aud",
    "client_id",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "sid",
];

/// A JSON value as text; a point in time also as a date.
fn show(name: &str, value: &Value) -> String {
    let is_time = matches!(name, "exp" | "iat" | "nbf" | "auth_time" | "updated_at");
    match (value, value.as_i64()) {
        (_, Some(seconds)) if is_time => {
            format!("{seconds}, that is {}", moment(UnixTime(seconds)))
        }
        (Value::String(text), _) => text.clone(),
        (other, _) => other.to_string(),
    }
}

/// A moment for people: `2026-11-21 04:36:00 UTC`.
pub(super) fn moment(at: UnixTime) -> String {
    at.rfc3339().replace('T', " ").replace('Z', " UTC")
}

/// The two ends of a secret, enough to see whether it changed.
pub(super) fn shorten(secret: &str) -> String {
    let length = secret.chars().count();
    if length <= 16 {
        return "…".to_owned();
    }
    let head: String = secret.chars().take(6).collect();
    let tail: String = secret.chars().skip(length - 4).collect();
    format!("{head}…{tail} ({length} characters)")
}

/// What a claim means (OpenID Connect Core sections 2 and 5.1, RFC 9068 section 2.2).
pub(super) fn claim_meaning(name: &str) -> &'static str {
    match name {
        "iss" => "Who issued this: the provider's address, compared character by character.",
        "sub" => {
            "Who it is about: the person's stable id. Apps store this, not the e-mail address."
        }
        "aud" => "Whom it is for. An app refuses a token that is for someone else.",
        "azp" | "client_id" => "The client the token was issued to.",
        "exp" => "From this moment on it counts for nothing.",
        "iat" => "When it was issued.",
        "nbf" => "Not good before this moment.",
        "auth_time" => "When the person last gave their password, in whichever app that was.",
        "nonce" => "The random value from the request: this token answers that request.",
        "sid" => "The single sign-on session, the same in every app of this browser.",
        "at_hash" => "A fingerprint of the access token that came with it.",
        "acr" => "How strong the sign-in was.",
        "amr" => "How the person proved who they are; pwd is a password.",
        "jti" => "The token's own id.",
        "scope" => "What the token may be used for.",
        "groups" => "The groups the person is in; apps derive rights from them.",
        "roles" => "The person's roles.",
        _ => "",
    }
}

/// What a header member means (RFC 7515 section 4.1).
pub(super) fn header_meaning(name: &str) -> &'static str {
    match name {
        "alg" => "How it is signed. The app accepts only what discovery lists.",
        "kid" => "Which of the provider's published keys signed it.",
        "typ" => "What kind of token it is.",
        _ => "",
    }
}

/// What a parameter of the authorization request means (OpenID Connect Core section 3.1.2.1).
pub(super) fn parameter_meaning(name: &str) -> &'static str {
    match name {
        "response_type" => "A code to exchange: tokens never travel through the address bar.",
        "client_id" => "Which app is asking.",
        "redirect_uri" => "Where to come back to. It must be registered, to the letter.",
        "scope" => "What the app would like to know.",
        "state" => "A random value tied to this browser. The answer must bring it back.",
        "nonce" => "A random value the ID token must contain.",
        "code_challenge" => "The SHA-256 of a secret only this app knows (PKCE).",
        "code_challenge_method" => "How the challenge was made.",
        "prompt" => "none: show no page. login: ask for the password even if known.",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(json: &str) -> String {
        BASE64URL_NOPAD.encode(json.as_bytes())
    }

    #[test]
    fn a_jwt_is_decoded_into_header_and_claims() {
        let token = format!("{}.{}.sig", encode(r#"{"alg":"RS256"}"#), encode(r#"{"sub":"u"}"#));
        let jwt = decode(&token).unwrap();
        assert_eq!(jwt.header["alg"], "RS256");
        assert_eq!(jwt.claims["sub"], "u");
    }

    #[test]
    fn anything_but_three_parts_of_json_is_an_opaque_token() {
        let part = encode("{}");
        for token in
            ["", "abc", "a.b", "a.b.c", &format!("{part}.{part}.s.t"), &format!("{part}.bm8.s")]
        {
            assert!(decode(token).is_none(), "{token:?}");
        }
    }

    #[test]
    fn times_are_shown_as_dates_and_well_known_claims_come_first() {
        let claims =
            serde_json::json!({"groups": ["staff"], "exp": 0, "iss": "http://localhost:8080"});
        let rows = rows(claims.as_object().unwrap(), claim_meaning);
        let names: Vec<_> = rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["iss", "exp", "groups"]);
        assert_eq!(rows[1].value, "0, that is 1970-01-01 00:00:00 UTC");
        assert_eq!(rows[2].value, r#"["staff"]"#);
    }

    #[test]
    fn a_secret_is_never_shown_whole() {
        assert_eq!(shorten("short-secret"), "…");
        assert_eq!(shorten("abcdefghijklmnopqrstuvwxyz"), "abcdef…wxyz (26 characters)");
    }
}
