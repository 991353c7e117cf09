//! What a lineage from consent to tokens carries beyond its scopes. It travels from the
//! authorization request through the code into the grant, and from there into every token.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::protocol::authorize::claims_request::ClaimsRequest;

/// The details; empty for a plain OpenID Connect request.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct GrantDetails {
    /// The `claims` parameter (OpenID Connect Core section 5.5).
    #[serde(skip_serializing_if = "ClaimsRequest::is_empty")]
    pub claims: ClaimsRequest,
    /// The `resource` indicators the person agreed to (RFC 8707).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// The `authorization_details` the person agreed to (RFC 9396).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorization_details: Vec<Value>,
    /// The key that must be held to use what is issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<Confirmation>,
}

/// `cnf`: the key a token is bound to (RFC 7800 section 3). Whoever presents the token must prove
/// that it holds the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Confirmation {
    /// Thumbprint of a DPoP key (RFC 9449 section 6.1).
    #[serde(rename = "jkt")]
    Jkt(String),
    /// SHA-256 of the client's certificate (RFC 8705 section 3.1).
    #[serde(rename = "x5t#S256")]
    X5tS256(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_of_a_plain_request_take_no_space_and_an_old_row_reads_as_empty() {
        assert_eq!(serde_json::to_string(&GrantDetails::default()).unwrap(), "{}");
        assert_eq!(serde_json::from_str::<GrantDetails>("{}").unwrap(), GrantDetails::default());
    }

    #[test]
    fn a_confirmation_is_written_as_the_cnf_claim_wants_it() {
        let cnf = Confirmation::X5tS256("hash".into());
        assert_eq!(serde_json::to_string(&cnf).unwrap(), r#"{"x5t#S256":"hash"}"#);
    }
}
