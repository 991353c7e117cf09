//! Names that mean something already: to the specifications, to programs that read tokens, or here. A
//! mapped claim must be none of these, so that no mapping says who somebody is, how they signed in, or
//! what a person's consent is asked for.

/// RFC 7519, OpenID Connect Core, RFC 7662, 7800, 8417, 8693, 9068, 9396 and their companions.
const PROTOCOL: [&str; 46] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "nbf",
    "jti",
    "nonce",
    "auth_time",
    "acr",
    "amr",
    "azp",
    "sid",
    "at_hash",
    "c_hash",
    "s_hash",
    "rt_hash",
    "urn:openid:params:jwt:claim:rt_hash",
    "sub_jwk",
    "sub_id",
    "scope",
    "scp",
    "client_id",
    "cnf",
    "act",
    "may_act",
    "events",
    "toe",
    "txn",
    "typ",
    "alg",
    "kid",
    "active",
    "token_type",
    "token_introspection",
    "authorization_details",
    "roles",
    "groups",
    "org_id",
    "org_name",
    "entitlements",
    "claims",
    "vc",
    "vp",
    "trust_framework",
    "verified_claims",
];

/// What scopes and the `claims` parameter ask for (OpenID Connect Core section 5.1): the person agrees
/// to those, and the value is theirs.
const STANDARD: [&str; 21] = [
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "username",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "updated_at",
    "email",
    "email_verified",
    "phone_number",
    "phone_number_verified",
    "address",
    "upn",
];

/// What access tokens carry for this server alone.
const OWN: [&str; 7] =
    ["more_userinfo", "grant", "origins", "actors", "user_version", "client_version", "behind"];

/// Whether a claim of this name is answered by this server or has a meaning of its own, in any case of
/// its letters: not every program tells them apart.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    let mut all = PROTOCOL.iter().chain(&STANDARD).chain(&OWN);
    all.any(|reserved| reserved.eq_ignore_ascii_case(name))
}
