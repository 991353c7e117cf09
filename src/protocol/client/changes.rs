//! What a change of a client's metadata comes to.

use super::ClientMetadata;
use crate::protocol::members;

impl ClientMetadata {
    /// The members that are not what they were, by their registered names, in the order of the alphabet.
    #[must_use]
    pub fn differs_in(&self, other: &Self) -> Vec<String> {
        members::different(&members::of(self), &members::of(other))
    }

    /// Whether the client proves who it is in another way, or with other keys, than with `before`. Whoever
    /// chooses that can be the client, as with a new secret.
    #[must_use]
    pub fn proves_itself_otherwise(&self, before: &Self) -> bool {
        let by = |metadata: &Self| {
            (
                metadata.token_endpoint_auth_method,
                metadata.jwks.clone(),
                metadata.jwks_uri.clone(),
                [
                    metadata.tls_client_auth_subject_dn.clone(),
                    metadata.tls_client_auth_san_dns.clone(),
                    metadata.tls_client_auth_san_uri.clone(),
                    metadata.tls_client_auth_san_ip.clone(),
                    metadata.tls_client_auth_san_email.clone(),
                ],
            )
        };
        by(self) != by(before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_by_the_names_of_members() {
        let before = ClientMetadata::default();
        let after = ClientMetadata {
            redirect_uris: vec!["https://app.example/cb".into()],
            jwks_uri: Some("https://app.example/keys".into()),
            ..before.clone()
        };
        assert_eq!(after.differs_in(&before), ["jwks_uri", "redirect_uris"]);
        assert_eq!(before.differs_in(&after), ["jwks_uri", "redirect_uris"]);
        assert!(after.differs_in(&after).is_empty());
    }

    #[test]
    fn other_keys_and_ways_are_as_good_as_a_secret_and_nothing_else_is() {
        let before = ClientMetadata::default();
        let renamed = ClientMetadata { client_name: "Other".into(), ..before.clone() };
        assert!(!renamed.proves_itself_otherwise(&before));
        let keys = ClientMetadata { jwks: Some(serde_json::json!({"keys": []})), ..before.clone() };
        let dn =
            ClientMetadata { tls_client_auth_subject_dn: Some("CN=x".into()), ..before.clone() };
        for other in [keys, dn] {
            assert!(
                other.proves_itself_otherwise(&before) && before.proves_itself_otherwise(&other)
            );
        }
    }
}
