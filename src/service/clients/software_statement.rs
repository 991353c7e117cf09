//! Software statements (RFC 7591 section 2.3): metadata that somebody the administrator trusts has
//! signed. What they say wins over what the app says of itself.

use serde_json::{Map, Value};

use crate::app::App;
use crate::crypto::foreign::{EmbeddedKey, HeaderRules, Untyped, Unverified};
use crate::protocol::discovery::path;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::jose::jwt_claims;
use crate::protocol::types::SigningAlg;

/// Claims about the statement itself, which are no metadata.
const OWN: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

/// What a statement says, and who says it.
pub(crate) struct Statement {
    pub members: Map<String, Value>,
    pub issuer: String,
}

fn unusable(detail: impl std::fmt::Display) -> OAuthError {
    let code = ErrorCode::InvalidSoftwareStatement;
    OAuthError::new(code, "The software statement is not a valid signed JWT.")
        .because(detail.to_string())
}

/// Verifies a statement. `exp` and `aud` are its issuer's to set: without them it is good for as long as
/// the issuer is trusted, and at every server. One that names servers has to name this one.
///
/// # Errors
/// `invalid_software_statement`, or `unapproved_software_statement` for an issuer that is not
/// trusted.
pub(crate) fn read(app: &App, token: &str) -> Result<Statement, OAuthError> {
    let rules = HeaderRules {
        types: &["JWT"],
        untyped: Untyped::Accepted,
        algs: &SigningAlg::ALL,
        embedded_key: EmbeddedKey::Refused,
    };
    let unverified = Unverified::read(token, &rules).map_err(unusable)?;
    let issuer = jwt_claims::text(&unverified.claims, "iss")
        .ok()
        .flatten()
        .ok_or_else(|| unusable("no iss"))?
        .to_owned();
    let keys = app.software_issuers.get(&issuer).ok_or_else(|| {
        OAuthError::new(
            ErrorCode::UnapprovedSoftwareStatement,
            "Software statements of this issuer are not accepted here.",
        )
        .because(format!("iss {issuer:?}"))
    })?;
    let mut members = unverified.verify(keys).map_err(unusable)?;
    let now = app.now();
    let time = |name| jwt_claims::time(&members, name).map_err(|_| unusable(name));
    if time("exp")?.is_some_and(|exp| exp <= now) || time("nbf")?.is_some_and(|nbf| nbf > now) {
        return Err(unusable("not valid now"));
    }
    time("iat")?;
    // Malformed is not absent, whether or not the claim counts for anything here.
    jwt_claims::text(&members, "sub").map_err(|_| unusable("sub"))?;
    if members.contains_key("aud") {
        let ours = [app.issuer(), &format!("{}{}", app.issuer(), path::REGISTER)];
        let audience = jwt_claims::audience(&members).map_err(|_| unusable("aud"))?;
        if !audience.iter().any(|named| ours.contains(named)) {
            return Err(unusable("for another server"));
        }
    }
    members.retain(|name, _| !OWN.contains(&name.as_str()));
    Ok(Statement { members, issuer })
}
