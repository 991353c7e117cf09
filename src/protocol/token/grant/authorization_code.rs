//! The `authorization_code` grant (RFC 6749 section 4.1.3).

use serde::{Deserialize, Serialize};

use crate::clock::UnixTime;
use crate::protocol::authorize::pkce::{self, CodeChallenge};
use crate::protocol::client::Client;
use crate::protocol::error::OAuthError;
use crate::protocol::params::Params;
use crate::protocol::scope::Scopes;
use crate::protocol::token::grant::details::GrantDetails;
use crate::protocol::types::{ClientId, GrantId, OrganisationId, SessionId, UserId};

/// What a code stands for, kept under the hash of the code. It names the grant that redeeming will
/// insert; that insert is the single-use gate, so a payload that comes back to life after a crash
/// of the ephemeral store cannot be spent again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodePayload {
    pub grant_id: GrantId,
    pub client_id: ClientId,
    pub user_id: UserId,
    pub session_id: SessionId,
    pub redirect_uri: String,
    pub scopes: Scopes,
    pub nonce: Option<String>,
    pub challenge: Option<CodeChallenge>,
    pub auth_time: UnixTime,
    pub acr: String,
    pub amr: Vec<String>,
    #[serde(default)]
    pub details: GrantDetails,
    /// The organisation the person acts for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<OrganisationId>,
    /// When the client was made; not known of one that another version has written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_since: Option<UnixTime>,
    /// The client's token version then: what ends its tokens together ends the code; not known of one that
    /// another version has written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_version: Option<i64>,
    /// How often the person had taken back by then what they allowed the client: allowing it anew does not
    /// bring the code back. Absent for a client that does not ask, and where another version has written it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawals: Option<i64>,
    /// The code is refused from this moment on; the payload outlives it so that a late replay is
    /// still recognised.
    pub expires_at: UnixTime,
}

/// The parameters of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeRequest {
    pub code: String,
    pub redirect_uri: Option<String>,
    pub code_verifier: Option<String>,
}

impl CodeRequest {
    /// Reads them.
    ///
    /// # Errors
    /// `invalid_request` when `code` is missing or a parameter is repeated.
    pub fn read(params: &Params) -> Result<Self, OAuthError> {
        let code =
            params.get("code")?.ok_or_else(|| OAuthError::invalid_request("code is missing."))?;
        Ok(Self {
            code: code.to_owned(),
            redirect_uri: params.get("redirect_uri")?.map(str::to_owned),
            code_verifier: params.get("code_verifier")?.map(str::to_owned),
        })
    }
}

/// No such code, or one that is of no use any more.
#[must_use]
pub fn unknown() -> OAuthError {
    OAuthError::invalid_grant("The code is unknown, spent or expired.")
}

/// Whether this client may redeem this code with this request. Passing does not spend the code.
///
/// # Errors
/// `invalid_grant`, or `invalid_request` for a malformed verifier.
pub fn check(
    payload: &CodePayload,
    client: &Client,
    request: &CodeRequest,
    digest: impl FnOnce(&str) -> String,
) -> Result<(), OAuthError> {
    if payload.client_id != client.id {
        return Err(
            unknown().because(format!("code of {} presented by {}", payload.client_id, client.id))
        );
    }
    if !client.is_still(payload.client_since) {
        return Err(unknown().because("the code of an earlier client with this id"));
    }
    if !client.is_of_version(payload.client_version) {
        return Err(unknown().because("everything of the client has been ended since"));
    }
    if request.redirect_uri.as_deref() != Some(payload.redirect_uri.as_str()) {
        return Err(OAuthError::invalid_grant(
            "redirect_uri is not the one of the authorization request.",
        ));
    }
    pkce::verify(payload.challenge.as_ref(), request.code_verifier.as_deref(), digest)
}

/// Whether the code is still within its lifetime. Separate from [`check`], since a replay of a
/// spent code must be recognised even after it has expired.
///
/// # Errors
/// `invalid_grant`.
pub fn check_expiry(payload: &CodePayload, now: UnixTime) -> Result<(), OAuthError> {
    if now >= payload.expires_at {
        return Err(unknown().because("the code has expired"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::client::tests::client;

    fn payload() -> CodePayload {
        CodePayload {
            grant_id: GrantId::new("g"),
            client_id: ClientId::new("conf-basic"),
            user_id: UserId::new("alice"),
            session_id: SessionId::new("s"),
            redirect_uri: "https://rp.test/cb".into(),
            scopes: Scopes::from_tokens(["openid"]),
            nonce: None,
            challenge: None,
            auth_time: UnixTime(0),
            acr: "aal1".into(),
            amr: vec!["pwd".into()],
            details: GrantDetails::default(),
            organisation: None,
            client_since: None,
            client_version: None,
            withdrawals: None,
            expires_at: UnixTime(60),
        }
    }

    fn request(query: &str) -> CodeRequest {
        CodeRequest::read(&Params::parse(query.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn the_rightful_client_with_the_same_redirect_uri_passes() {
        let good = request("code=c&redirect_uri=https://rp.test/cb");
        assert!(check(&payload(), &client(), &good, str::to_owned).is_ok());
    }

    #[test]
    fn a_code_of_an_earlier_client_with_the_same_id_is_refused() {
        let good = request("code=c&redirect_uri=https://rp.test/cb");
        let now = client();
        for (since, is_good) in [(now.created_at, true), (now.created_at.plus(-1), false)] {
            let payload = CodePayload { client_since: Some(since), ..payload() };
            assert_eq!(check(&payload, &now, &good, str::to_owned).is_ok(), is_good, "{since:?}");
        }
    }

    #[test]
    fn a_code_of_before_everything_of_the_client_ended_is_refused() {
        let good = request("code=c&redirect_uri=https://rp.test/cb");
        let now = client();
        for (version, is_good) in [(now.token_version, true), (now.token_version - 1, false)] {
            let payload = CodePayload { client_version: Some(version), ..payload() };
            assert_eq!(check(&payload, &now, &good, str::to_owned).is_ok(), is_good, "{version}");
        }
    }

    #[test]
    fn a_code_issued_to_another_client_is_refused() {
        let mut other = client();
        other.id = ClientId::new("evil");
        let good = request("code=c&redirect_uri=https://rp.test/cb");
        assert!(check(&payload(), &other, &good, str::to_owned).is_err());
    }

    #[test]
    fn a_different_or_absent_redirect_uri_is_refused() {
        for query in ["code=c", "code=c&redirect_uri=https://rp.test/cb/"] {
            let error = check(&payload(), &client(), &request(query), str::to_owned).unwrap_err();
            assert_eq!(error.code.as_str(), "invalid_grant");
        }
    }

    #[test]
    fn a_code_lives_exactly_its_lifetime() {
        assert!(check_expiry(&payload(), UnixTime(59)).is_ok());
        assert!(check_expiry(&payload(), UnixTime(60)).is_err());
    }
}
