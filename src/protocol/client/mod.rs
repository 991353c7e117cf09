//! A registered client. Its metadata is in `metadata`, the closed sets that metadata chooses from
//! are beside it; what makes metadata valid is in [`crate::protocol::client::validation`], the rules of redirect
//! URIs in [`crate::protocol::client::redirect_uri`].

pub mod access;
pub mod assertion;
mod auth_method;
pub mod authentication;
pub mod certificate;
mod changes;
pub mod distinguished_name;
mod grant_type;
mod kind;
mod metadata;
pub mod metadata_document;
mod origin;
mod policy;
pub mod redirect_uri;
pub mod registration;
pub mod subject;
pub mod validation;

use serde::Serialize;

pub use auth_method::AuthMethod;
pub use grant_type::GrantType;
pub use kind::ClientKind;
pub use metadata::ClientMetadata;
pub use origin::ClientOrigin;
pub use policy::{
    AccessTokenFormat, ClaimsPlacement, ConsentPolicy, PkcePolicy, RevocationChoice,
    STATELESS_LIFETIME, SecurityProfile, SubjectType,
};

use super::types::ClientId;
use crate::clock::{Seconds, UnixTime};
use crate::protocol::token::claims::Audience;

/// A registered client: its metadata and what the provider keeps beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Client {
    pub id: ClientId,
    pub metadata: ClientMetadata,
    pub origin: ClientOrigin,
    /// The fingerprint of its logo, if it has one.
    pub logo: Option<String>,
    /// SHA-256 of the live client secrets, newest first; empty for a public client.
    #[serde(skip)]
    pub secret_hashes: Vec<String>,
    /// When the client was disabled; `None` while it works.
    pub disabled_at: Option<UnixTime>,
    /// Raised to kill every token issued before; see `service::revocation`.
    pub token_version: i64,
    pub created_at: UnixTime,
    pub updated_at: UnixTime,
}

impl Client {
    /// Whether the client may use this grant type.
    #[must_use]
    pub fn allows(&self, grant: GrantType) -> bool {
        self.metadata.grant_types.contains(&grant)
    }

    /// Whether people need not be asked: an administrator said so of an app they know.
    #[must_use]
    pub fn skips_consent(&self) -> bool {
        self.metadata.consent == ConsentPolicy::Skip && self.origin.is_reviewed()
    }

    /// How long its access tokens live, in seconds, where `usual` is what the server is set to.
    #[must_use]
    pub fn access_token_lifetime(&self, usual: Seconds) -> Seconds {
        let lifetime = self.metadata.access_token_lifetime.unwrap_or(usual);
        match self.metadata.revocation {
            RevocationChoice::Stateless => lifetime.min(STATELESS_LIFETIME),
            RevocationChoice::Checked | RevocationChoice::Opaque => lifetime,
        }
    }

    /// Whether the client proves who it is (RFC 6749 section 2.1).
    #[must_use]
    pub fn is_confidential(&self) -> bool {
        self.metadata.token_endpoint_auth_method != AuthMethod::None
    }

    /// Whether the client wants to hear when a session it signed in through ends, over either
    /// channel (OpenID Connect Back-Channel and Front-Channel Logout section 2).
    #[must_use]
    pub fn is_told_of_sign_outs(&self) -> bool {
        self.metadata.backchannel_logout_uri.is_some()
            || self.metadata.frontchannel_logout_uri.is_some()
    }

    /// Whether another program on the person's device could come in the name of this client and take
    /// the answer: it proves nothing, and the address is one that any program can listen at or claim
    /// (RFC 8252 section 8.6).
    #[must_use]
    pub fn can_be_imitated(&self, redirect_uri: &str) -> bool {
        self.metadata.kind == ClientKind::Native
            && !self.is_confidential()
            && !redirect_uri.starts_with("https://")
    }

    /// Whether something that was begun for the client of this id, when it had been made at `since`, was
    /// begun for this one: an earlier one may have been deleted meanwhile. The address of a document stands
    /// for one client for ever.
    #[must_use]
    pub fn is_still(&self, since: Option<UnixTime>) -> bool {
        self.origin == ClientOrigin::Document || since.is_none_or(|since| since == self.created_at)
    }

    /// Whether the client's tokens have not been ended together since something was begun for it, when they had
    /// this version: with it ends what has not become a token yet.
    #[must_use]
    pub fn is_of_version(&self, version: Option<i64>) -> bool {
        version.is_none_or(|version| version == self.token_version)
    }

    /// The version that goes with what is begun for the client; none while it is not stored, as one that a
    /// document describes is not before somebody has allowed it something.
    #[must_use]
    pub fn version(&self) -> Option<i64> {
        let is_stored = self.origin != ClientOrigin::Document || self.token_version != 0;
        is_stored.then_some(self.token_version)
    }

    /// Whether a token for this audience, made at `issued_at`, is meant for the client: by its own name,
    /// unless an earlier client had it then, or by that of a protected resource it answers for (RFC 8707
    /// section 2).
    #[must_use]
    pub fn is_addressed_by(&self, audience: &Audience, issued_at: UnixTime) -> bool {
        (audience.contains(self.id.as_str()) && issued_at >= self.created_at)
            || self.metadata.protected_resources.iter().any(|own| audience.contains(own))
    }

    /// Whether the client shares a secret with the provider.
    #[must_use]
    pub fn uses_secret(&self) -> bool {
        self.metadata.token_endpoint_auth_method.uses_secret()
    }

    /// Whether a `code_challenge` is a duty (RFC 9700 section 2.1.1, FAPI 2.0 Security Profile section
    /// 5.3.2.2 rule 5).
    #[must_use]
    pub fn requires_pkce(&self) -> bool {
        !self.is_confidential()
            || self.metadata.pkce == PkcePolicy::Required
            || self.metadata.security_profile.is_fapi()
    }

    /// Whether authorization requests must be pushed (RFC 9126 section 6).
    #[must_use]
    pub fn requires_pushed_requests(&self) -> bool {
        self.metadata.require_pushed_authorization_requests
            || self.metadata.security_profile.is_fapi()
    }

    /// Whether authorization requests must be signed (RFC 9101 section 10.5).
    #[must_use]
    pub fn requires_signed_requests(&self) -> bool {
        self.metadata.require_signed_request_object
            || self.metadata.security_profile == SecurityProfile::Fapi2MessageSigning
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A confidential web client for tests of other modules.
    pub(crate) fn client() -> Client {
        Client {
            id: ClientId::new("conf-basic"),
            metadata: ClientMetadata {
                client_name: "Conf".into(),
                redirect_uris: vec!["https://rp.test/cb".into()],
                ..ClientMetadata::default()
            },
            origin: ClientOrigin::Manual,
            secret_hashes: vec!["hash".into()],
            logo: None,
            disabled_at: None,
            token_version: 0,
            created_at: UnixTime(0),
            updated_at: UnixTime(0),
        }
    }

    #[test]
    fn a_token_nobody_asks_about_lives_ten_minutes_at_most() {
        let lifetime = |revocation, own| {
            let mut client = client();
            client.metadata.revocation = revocation;
            client.metadata.access_token_lifetime = own;
            client.access_token_lifetime(1_800)
        };
        assert_eq!(lifetime(RevocationChoice::Stateless, None), 600);
        assert_eq!(lifetime(RevocationChoice::Stateless, Some(3_600)), 600);
        assert_eq!(lifetime(RevocationChoice::Stateless, Some(60)), 60);
        assert_eq!(lifetime(RevocationChoice::Checked, None), 1_800);
        assert_eq!(lifetime(RevocationChoice::Opaque, Some(3_600)), 3_600);
    }

    #[test]
    fn metadata_from_before_the_choice_keeps_its_meaning() {
        for (stored, choice) in [
            (r#"{ "access_token_format": "jwt" }"#, RevocationChoice::Checked),
            (r#"{ "access_token_format": "opaque" }"#, RevocationChoice::Opaque),
            (r#"{ "revocation": "stateless" }"#, RevocationChoice::Stateless),
            ("{}", RevocationChoice::Checked),
        ] {
            let read: ClientMetadata = serde_json::from_str(stored).unwrap();
            assert_eq!(read.revocation, choice, "{stored}");
        }
        let both = r#"{ "access_token_format": "jwt", "revocation": "stateless" }"#;
        assert!(serde_json::from_str::<ClientMetadata>(both).is_err());
    }

    #[test]
    fn a_token_is_meant_for_whoever_answers_for_its_audience() {
        let mut server = client();
        server.metadata.protected_resources = vec!["https://api.test/a".into(), "urn:b".into()];
        let one = |name: &str| Audience::One(name.into());
        let many = Audience::Many(vec!["https://x.test".into(), "urn:b".into()]);
        for own in [one("conf-basic"), one("https://api.test/a"), many] {
            assert!(server.is_addressed_by(&own, server.created_at), "{own:?}");
        }
        for other in ["https://api.test/a/", "https://api.test", "https://API.test/a", "urn:B", ""]
        {
            assert!(!server.is_addressed_by(&one(other), server.created_at), "{other}");
        }
    }

    #[test]
    fn public_clients_must_use_pkce() {
        let mut public = client();
        assert!(!public.requires_pkce());
        public.metadata.token_endpoint_auth_method = AuthMethod::None;
        assert!(public.requires_pkce());
    }
}
