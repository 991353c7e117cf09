//! Sender-constrained tokens: which key what is issued is bound to, and whether a request may use
//! what is bound (RFC 9449 sections 5 to 7 and 10, RFC 8705 sections 3 and 4).
//!
//! Every grant passes [`binding`] in `service::token`, so none can forget to bind.

use crate::protocol::client::Client;
use crate::protocol::error::OAuthError;
use crate::protocol::token::grant::details::Confirmation;

/// The keys a request has proven to hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Held {
    /// Thumbprint of the key of its DPoP proof.
    pub jkt: Option<String>,
    /// SHA-256 of the certificate of its TLS connection.
    pub x5t_s256: Option<String>,
}

/// What the access tokens of this answer are bound to; `None` makes bearer tokens.
///
/// # Errors
/// `invalid_request` when the client is registered for bound tokens and the request does not prove
/// the key, as the certification suite expects of it.
pub fn binding(client: &Client, held: &Held) -> Result<Option<Confirmation>, OAuthError> {
    let metadata = &client.metadata;
    let refuse = |description| Err(OAuthError::invalid_request(description));
    if metadata.tls_client_certificate_bound_access_tokens {
        return match (&held.x5t_s256, &held.jkt) {
            (Some(hash), None) => Ok(Some(Confirmation::X5tS256(hash.clone()))),
            // One token has one owner: two constraints would let either be forgotten later.
            (_, Some(_)) => refuse(
                "The tokens of this client are bound to its certificate; send no DPoP proof.",
            ),
            (None, None) => refuse("This client must use its TLS certificate."),
        };
    }
    if let Some(jkt) = &held.jkt {
        return Ok(Some(Confirmation::Jkt(jkt.clone())));
    }
    // RFC 9449 section 5.2.
    if metadata.dpop_bound_access_tokens {
        return refuse("This client must send a DPoP proof.");
    }
    if !metadata.security_profile.is_fapi() {
        return Ok(None);
    }
    // FAPI 2.0 Security Profile section 5.3.2.1 rules 4 and 5: one or the other.
    match &held.x5t_s256 {
        Some(hash) => Ok(Some(Confirmation::X5tS256(hash.clone()))),
        None => refuse("This client must send a DPoP proof or use its TLS certificate."),
    }
}

/// What the refresh tokens of a new grant are bound to. A confidential client proves itself at every
/// refresh anyway and may change its key; for a public one the key is all there is (RFC 9449 section
/// 5, RFC 8705 section 4).
#[must_use]
pub fn of_refresh_tokens(client: &Client, access: Option<&Confirmation>) -> Option<Confirmation> {
    access.filter(|_| !client.is_confidential()).cloned()
}

/// Whether a token request may use a code or refresh token bound to this key.
///
/// # Errors
/// `invalid_request` when it proves none, `invalid_grant` when it proves another one.
pub fn check_grant(bound: Option<&Confirmation>, held: &Held) -> Result<(), OAuthError> {
    let Some(bound) = bound else { return Ok(()) };
    let (wanted, proven) = match bound {
        Confirmation::Jkt(jkt) => (jkt, &held.jkt),
        Confirmation::X5tS256(hash) => (hash, &held.x5t_s256),
    };
    match proven {
        Some(proven) if proven == wanted => Ok(()),
        Some(_) => Err(OAuthError::invalid_grant("The grant is bound to another key.")),
        None => Err(OAuthError::invalid_request(
            "The grant is bound to a key; send its DPoP proof or use its TLS certificate.",
        )),
    }
}

/// The scheme an access token is sent with (RFC 6750 section 2.1, RFC 9449 section 7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    Bearer,
    Dpop,
}

impl Scheme {
    /// The scheme of this name, in any case (RFC 9110 section 11.1).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Bearer, Self::Dpop].into_iter().find(|s| s.as_str().eq_ignore_ascii_case(name))
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Dpop => "DPoP",
        }
    }

    /// How a token bound to this is used: `token_type` of the answers.
    #[must_use]
    pub fn of(bound: Option<&Confirmation>) -> Self {
        match bound {
            Some(Confirmation::Jkt(_)) => Self::Dpop,
            Some(Confirmation::X5tS256(_)) | None => Self::Bearer,
        }
    }
}

/// Whether whoever sends an access token bound to this may use it. A bound token is never a bearer
/// token, and a bearer token never gains a key (RFC 9449 section 7.2).
///
/// # Errors
/// `invalid_token`.
pub fn check_token(
    bound: Option<&Confirmation>,
    scheme: Scheme,
    held: &Held,
) -> Result<(), OAuthError> {
    let refuse = |description| Err(OAuthError::invalid_token(description));
    match (bound, scheme) {
        (None, Scheme::Bearer) => Ok(()),
        (None, Scheme::Dpop) => {
            refuse("The access token is not bound to a key; send it as a Bearer token.")
        }
        (Some(Confirmation::Jkt(_)), Scheme::Bearer) => {
            refuse("The access token is bound to a key; send it with the DPoP scheme and a proof.")
        }
        (Some(Confirmation::Jkt(jkt)), Scheme::Dpop) if held.jkt.as_ref() == Some(jkt) => Ok(()),
        (Some(Confirmation::Jkt(_)), Scheme::Dpop) => {
            refuse("The access token is bound to another key.")
        }
        (Some(Confirmation::X5tS256(hash)), Scheme::Bearer)
            if held.x5t_s256.as_ref() == Some(hash) =>
        {
            Ok(())
        }
        (Some(Confirmation::X5tS256(_)), _) => refuse(
            "The access token is bound to a TLS certificate; use that with the Bearer scheme.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::client::AuthMethod;
    use crate::protocol::client::SecurityProfile;
    use crate::protocol::client::tests::client;

    fn held(jkt: Option<&str>, x5t_s256: Option<&str>) -> Held {
        Held { jkt: jkt.map(str::to_owned), x5t_s256: x5t_s256.map(str::to_owned) }
    }

    fn jkt(text: &str) -> Confirmation {
        Confirmation::Jkt(text.into())
    }

    fn x5t(text: &str) -> Confirmation {
        Confirmation::X5tS256(text.into())
    }

    #[test]
    fn a_proof_binds_and_without_one_an_ordinary_client_gets_bearer_tokens() {
        assert_eq!(binding(&client(), &held(None, Some("c"))), Ok(None));
        assert_eq!(binding(&client(), &held(Some("k"), Some("c"))), Ok(Some(jkt("k"))));
    }

    #[test]
    fn a_client_registered_for_bound_tokens_gets_no_others() {
        let mut dpop = client();
        dpop.metadata.dpop_bound_access_tokens = true;
        for nothing in [held(None, None), held(None, Some("c"))] {
            let error = binding(&dpop, &nothing).unwrap_err();
            assert_eq!(error.code.as_str(), "invalid_request");
        }
        assert_eq!(binding(&dpop, &held(Some("k"), None)), Ok(Some(jkt("k"))));
        let mut fapi = client();
        fapi.metadata.security_profile = SecurityProfile::Fapi2Security;
        assert!(binding(&fapi, &held(None, None)).is_err());
        assert_eq!(binding(&fapi, &held(Some("k"), Some("c"))), Ok(Some(jkt("k"))));
        assert_eq!(binding(&fapi, &held(None, Some("c"))), Ok(Some(x5t("c"))));
        let mut tls = client();
        tls.metadata.tls_client_certificate_bound_access_tokens = true;
        assert_eq!(binding(&tls, &held(None, Some("c"))), Ok(Some(x5t("c"))));
        for other in [held(None, None), held(Some("k"), None), held(Some("k"), Some("c"))] {
            assert!(binding(&tls, &other).is_err());
        }
    }

    #[test]
    fn refresh_tokens_of_public_clients_alone_are_bound() {
        assert_eq!(of_refresh_tokens(&client(), Some(&jkt("k"))), None);
        let mut public = client();
        public.metadata.token_endpoint_auth_method = AuthMethod::None;
        assert_eq!(of_refresh_tokens(&public, Some(&jkt("k"))), Some(jkt("k")));
        assert_eq!(of_refresh_tokens(&public, None), None);
    }

    #[test]
    fn a_bound_grant_is_used_with_its_own_key_only() {
        for (bound, good, other) in [
            (jkt("k"), held(Some("k"), None), held(Some("o"), Some("k"))),
            (x5t("c"), held(None, Some("c")), held(Some("c"), Some("o"))),
        ] {
            assert_eq!(check_grant(Some(&bound), &good), Ok(()));
            let code = |held| check_grant(Some(&bound), held).unwrap_err().code.as_str();
            assert_eq!(code(&other), "invalid_grant");
            assert_eq!(code(&Held::default()), "invalid_request");
        }
        assert_eq!(check_grant(None, &Held::default()), Ok(()));
    }

    #[test]
    fn a_bound_token_is_no_bearer_token_and_the_other_way_round() {
        let with_key = held(Some("k"), Some("c"));
        let may =
            |bound: Option<&Confirmation>, scheme| check_token(bound, scheme, &with_key).is_ok();
        assert!(may(None, Scheme::Bearer) && !may(None, Scheme::Dpop));
        assert!(may(Some(&jkt("k")), Scheme::Dpop) && !may(Some(&jkt("k")), Scheme::Bearer));
        assert!(!may(Some(&jkt("o")), Scheme::Dpop));
        assert!(may(Some(&x5t("c")), Scheme::Bearer) && !may(Some(&x5t("c")), Scheme::Dpop));
        assert!(!may(Some(&x5t("o")), Scheme::Bearer));
        for bound in [jkt("k"), x5t("c")] {
            for scheme in [Scheme::Bearer, Scheme::Dpop] {
                assert!(check_token(Some(&bound), scheme, &Held::default()).is_err());
            }
        }
    }

    #[test]
    fn the_scheme_is_read_in_any_case() {
        for name in ["dpop", "DPOP", "DPoP"] {
            assert_eq!(Scheme::from_name(name), Some(Scheme::Dpop));
        }
        assert_eq!(Scheme::from_name("bEARER"), Some(Scheme::Bearer));
        assert_eq!(Scheme::from_name("Basic"), None);
        assert_eq!(Scheme::of(Some(&jkt("k"))).as_str(), "DPoP");
        assert_eq!(Scheme::of(Some(&x5t("k"))).as_str(), "Bearer");
    }
}
