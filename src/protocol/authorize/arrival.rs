//! How an authorization request reached us, and which ways a client may use.

use serde::{Deserialize, Serialize};

use crate::protocol::client::Client;
use crate::protocol::error::OAuthError;

/// `request_uri` of a pushed request (RFC 9126 section 2.2) begins like this.
pub const PUSHED_PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// How a request reached us.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Arrival {
    /// Set for a pushed request: under which name it is kept, and spent once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pushed: Option<String>,
    pub form: RequestForm,
}

/// In what form the parameters were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestForm {
    #[default]
    Parameters,
    /// In an object the client has signed.
    SignedObject,
}

/// Whether the server wants every request pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushedRequests {
    Offered,
    Required,
}

impl Arrival {
    /// Whether the same parameters may come again in the clear, as a link to start over has them.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// Whether this client may send its requests this way.
    ///
    /// # Errors
    /// `invalid_request` (RFC 9126 sections 5 and 6, RFC 9101 section 10.5).
    pub fn check(&self, client: &Client, server: PushedRequests) -> Result<(), OAuthError> {
        let must_push = server == PushedRequests::Required || client.requires_pushed_requests();
        if must_push && self.pushed.is_none() {
            return Err(OAuthError::invalid_request(
                "This client must push its authorization requests (PAR).",
            ));
        }
        if client.requires_signed_requests() && self.form != RequestForm::SignedObject {
            return Err(OAuthError::invalid_request(
                "This client must send its authorization requests as signed request objects.",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::client::SecurityProfile;
    use crate::protocol::client::tests::client;

    #[test]
    fn the_way_is_free_unless_client_or_server_says_otherwise() {
        let plain = Arrival::default();
        let pushed = Arrival { pushed: Some("hash".into()), ..Arrival::default() };
        let signed = Arrival { form: RequestForm::SignedObject, ..Arrival::default() };
        let may =
            |arrival: &Arrival, client: &Client, server| arrival.check(client, server).is_ok();
        let mut client = client();
        for arrival in [&plain, &pushed, &signed] {
            assert!(may(arrival, &client, PushedRequests::Offered));
        }
        assert!(!may(&signed, &client, PushedRequests::Required));
        assert!(may(&pushed, &client, PushedRequests::Required));
        client.metadata.require_signed_request_object = true;
        assert!(!may(&pushed, &client, PushedRequests::Offered));
        assert!(may(&signed, &client, PushedRequests::Offered));
        client.metadata.require_signed_request_object = false;
        client.metadata.security_profile = SecurityProfile::Fapi2Security;
        assert!(!may(&signed, &client, PushedRequests::Offered));
        assert!(may(&pushed, &client, PushedRequests::Offered));
        client.metadata.security_profile = SecurityProfile::Fapi2MessageSigning;
        assert!(!may(&pushed, &client, PushedRequests::Offered), "pushed, but not signed");
    }

    #[test]
    fn a_request_sealed_before_there_were_other_ways_is_plain() {
        assert!(serde_json::from_str::<Arrival>("{}").unwrap().is_plain());
    }
}
