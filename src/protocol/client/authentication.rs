//! Client authentication (RFC 6749 section 2.3): what a request presents, and whether it is enough
//! for the client it names.

use crate::protocol::client::assertion::ASSERTION_TYPE;
use crate::protocol::client::{AuthMethod, Client};
use crate::protocol::error::OAuthError;
use crate::protocol::params::Params;
use crate::protocol::types::ClientId;

/// What a request presents as its client's identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    pub client_id: ClientId,
    pub proof: Proof,
}

/// How the client proves it. Secrets may have two readings: see [`read`].
#[derive(Clone, PartialEq, Eq)]
pub enum Proof {
    Basic {
        secrets: Vec<String>,
    },
    Post {
        secret: String,
    },
    /// A JWT signed by the client (RFC 7523 section 2.2), as it was sent.
    Assertion {
        token: String,
    },
    None,
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Basic { .. } => "Basic",
            Self::Post { .. } => "Post",
            Self::Assertion { .. } => "Assertion",
            Self::None => "None",
        })
    }
}

/// Reads the `Authorization` header and the body.
///
/// Basic credentials are form-encoded before base64 (RFC 6749 section 2.3.1), but many clients
/// skip that; so the decoded reading is tried first and the raw one after it. Generated secrets
/// have only unreserved characters, for which both are the same.
///
/// `base64` decodes; `subject` reads `sub` of a JWT without believing it, since an assertion names
/// its client itself (RFC 7521 section 4.2).
///
/// # Errors
/// `invalid_request` when two methods are used at once or a parameter is repeated;
/// `invalid_client` when nothing names the client or the header is malformed.
pub fn read(
    authorization: Option<&str>,
    body: &Params,
    base64: impl Fn(&str) -> Option<Vec<u8>>,
    subject: impl Fn(&str) -> Option<String>,
) -> Result<Presented, OAuthError> {
    let body_id = body.get("client_id")?;
    let body_secret = body.get("client_secret")?;
    if let Some(token) = assertion(body)? {
        if authorization.is_some() || body_secret.is_some() {
            return Err(OAuthError::invalid_request(
                "The client authenticates in two ways; send the client_assertion alone.",
            ));
        }
        return presented_by_assertion(token, body_id, subject(token));
    }
    let Some(header) = authorization else {
        let client_id = body_id
            .ok_or_else(|| OAuthError::invalid_client("The request does not name its client."))?;
        let proof = match body_secret {
            Some(secret) => Proof::Post { secret: secret.to_owned() },
            None => Proof::None,
        };
        return Ok(Presented { client_id: ClientId::new(client_id), proof });
    };
    if body_secret.is_some() {
        return Err(OAuthError::invalid_request(
            "The client authenticates in two ways; use the header or the body.",
        ));
    }
    let (client_id, secrets) = parse_basic(header, base64).ok_or_else(|| {
        OAuthError::invalid_client("The Authorization header is not valid Basic.")
    })?;
    if body_id.is_some_and(|id| id != client_id) {
        return Err(OAuthError::invalid_client("client_id differs from the Authorization header."));
    }
    // `Basic client:` is how some libraries send a public client.
    let empty = secrets.iter().all(String::is_empty);
    let proof = if empty { Proof::None } else { Proof::Basic { secrets } };
    Ok(Presented { client_id: ClientId::new(client_id), proof })
}

/// The client assertion, if there is one (RFC 7521 section 4.2).
fn assertion(body: &Params) -> Result<Option<&str>, OAuthError> {
    match (body.get("client_assertion_type")?, body.get("client_assertion")?) {
        (None, None) => Ok(None),
        (Some(kind), Some(token)) if kind == ASSERTION_TYPE => Ok(Some(token)),
        (Some(_), Some(_)) => Err(OAuthError::invalid_client(
            "client_assertion_type must be urn:ietf:params:oauth:client-assertion-type:jwt-bearer.",
        )),
        (Some(_), None) | (None, Some(_)) => Err(OAuthError::invalid_request(
            "client_assertion and client_assertion_type go together.",
        )),
    }
}

fn presented_by_assertion(
    token: &str,
    body_id: Option<&str>,
    subject: Option<String>,
) -> Result<Presented, OAuthError> {
    let subject = subject.filter(|subject| !subject.is_empty()).ok_or_else(|| {
        OAuthError::invalid_client("The client assertion is not a JWT with the client_id in sub.")
    })?;
    if body_id.is_some_and(|id| id != subject) {
        return Err(OAuthError::invalid_client("client_id differs from the client assertion."));
    }
    let proof = Proof::Assertion { token: token.to_owned() };
    Ok(Presented { client_id: ClientId::new(subject), proof })
}

/// `Basic` (scheme in any case, RFC 9110 section 11.1) to the client id and the readings of the
/// secret.
fn parse_basic(
    header: &str,
    base64: impl Fn(&str) -> Option<Vec<u8>>,
) -> Option<(String, Vec<String>)> {
    let (scheme, credentials) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(base64(credentials.trim())?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let mut secrets = vec![form_decode(secret)];
    if secrets.first().is_some_and(|first| first != secret) {
        secrets.push(secret.to_owned());
    }
    let id = form_decode(id);
    (!id.is_empty()).then_some((id, secrets))
}

fn form_decode(text: &str) -> String {
    if !text.contains(['%', '+', '&', '=']) {
        return text.to_owned();
    }
    // A name-value parser would cut at `&` and `=`; those are escaped first to survive it.
    let escaped = text.replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(escaped.as_bytes())
        .next()
        .map(|(name, _)| name.into_owned())
        .unwrap_or_default()
}

/// What has still to be verified, by whoever has the client's keys and the connection at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "the client is authenticated only when nothing remains"]
pub enum Remaining<'a> {
    Nothing,
    /// The signature and claims of this JWT.
    Assertion(&'a str),
    /// The certificate of the TLS connection.
    Certificate,
}

/// Whether the proof is what the client is registered for and, as far as it is a secret, true.
/// `matches(stored, presented)` compares a stored hash with a presented secret in constant time.
///
/// # Errors
/// `invalid_client`, always with the same words for a wrong and a missing secret.
pub fn verify<'a>(
    client: &Client,
    proof: &'a Proof,
    matches: impl Fn(&str, &str) -> bool,
) -> Result<Remaining<'a>, OAuthError> {
    let failed = |detail: &'static str| {
        Err(OAuthError::invalid_client("Client authentication failed.").because(detail))
    };
    if client.disabled_at.is_some() {
        return failed("the client is disabled");
    }
    let known = |secret: &str| client.secret_hashes.iter().any(|stored| matches(stored, secret));
    match (client.metadata.token_endpoint_auth_method, proof) {
        (AuthMethod::None, Proof::None) => Ok(Remaining::Nothing),
        (AuthMethod::None, _) => failed("a public client sent a secret"),
        (AuthMethod::PrivateKeyJwt, Proof::Assertion { token }) => Ok(Remaining::Assertion(token)),
        (AuthMethod::PrivateKeyJwt, _) => failed("registered for an assertion, sent none"),
        (AuthMethod::TlsClientAuth | AuthMethod::SelfSignedTlsClientAuth, Proof::None) => {
            Ok(Remaining::Certificate)
        }
        (AuthMethod::TlsClientAuth | AuthMethod::SelfSignedTlsClientAuth, _) => {
            failed("registered for a certificate, sent something else")
        }
        (_, Proof::Assertion { .. }) => failed("not registered for private_key_jwt"),
        (_, Proof::None) => failed("no secret was sent"),
        (AuthMethod::ClientSecretPost, Proof::Basic { .. }) => {
            failed("registered for post, sent basic")
        }
        (AuthMethod::ClientSecretBasic, Proof::Post { .. }) => {
            failed("registered for basic, sent post")
        }
        (_, Proof::Basic { secrets }) if secrets.iter().any(|s| known(s)) => Ok(Remaining::Nothing),
        (_, Proof::Post { secret }) if known(secret) => Ok(Remaining::Nothing),
        _ => failed("the secret is wrong"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::client::tests::client;

    /// Stands in for base64, which lives in another layer: the header carries plain text here.
    #[expect(clippy::unnecessary_wraps, reason = "the shape of a decoder")]
    fn plain(text: &str) -> Option<Vec<u8>> {
        Some(text.as_bytes().to_vec())
    }

    fn present(header: Option<&str>, body: &str) -> Result<Presented, OAuthError> {
        let body = Params::parse(body.as_bytes()).unwrap();
        read(header, &body, plain, |token| token.strip_prefix("jwt.").map(str::to_owned))
    }

    #[test]
    fn basic_credentials_are_form_decoded_and_also_tried_raw() {
        let presented = present(Some("bAsIc a%20b:p%2Bq"), "").unwrap();
        assert_eq!(presented.client_id.as_str(), "a b");
        assert_eq!(presented.proof, Proof::Basic { secrets: vec!["p+q".into(), "p%2Bq".into()] });
    }

    #[test]
    fn two_methods_at_once_are_an_invalid_request() {
        let error = present(Some("Basic a:b"), "client_id=a&client_secret=b").unwrap_err();
        assert_eq!(error.code.as_str(), "invalid_request");
    }

    #[test]
    fn an_assertion_names_its_client_itself() {
        let kind = format!("client_assertion_type={ASSERTION_TYPE}");
        let presented = present(None, &format!("{kind}&client_assertion=jwt.app")).unwrap();
        assert_eq!(presented.client_id.as_str(), "app");
        assert_eq!(presented.proof, Proof::Assertion { token: "jwt.app".into() });
        let named = format!("{kind}&client_assertion=jwt.app&client_id=app");
        assert_eq!(present(None, &named).unwrap(), presented);
        for (header, body, code) in [
            (None, format!("{named}x"), "invalid_client"),
            (None, format!("{kind}&client_assertion=jwt."), "invalid_client"),
            (None, format!("{kind}&client_assertion=junk&client_id=app"), "invalid_client"),
            (None, "client_assertion_type=saml&client_assertion=jwt.app".into(), "invalid_client"),
            (None, kind.clone(), "invalid_request"),
            (None, "client_assertion=jwt.app".into(), "invalid_request"),
            (None, format!("{named}&client_secret=x"), "invalid_request"),
            (None, format!("{named}&client_assertion=jwt.app"), "invalid_request"),
            (Some("Basic app:x"), named.clone(), "invalid_request"),
        ] {
            assert_eq!(present(header, &body).unwrap_err().code.as_str(), code, "{body}");
        }
    }

    #[test]
    fn a_body_client_id_that_differs_from_the_header_is_an_invalid_client() {
        let error = present(Some("Basic a:b"), "client_id=c").unwrap_err();
        assert_eq!(error.code.as_str(), "invalid_client");
        assert!(present(Some("Basic a:b"), "client_id=a").is_ok());
    }

    #[test]
    fn malformed_headers_and_missing_clients_are_invalid_clients() {
        for (header, body) in [
            (Some("Basic"), ""),
            (Some("Bearer x"), ""),
            (Some("Basic nocolon"), ""),
            (Some("Basic :x"), ""),
            (None, "grant_type=x"),
        ] {
            assert_eq!(present(header, body).unwrap_err().code.as_str(), "invalid_client");
        }
    }

    #[test]
    fn the_registered_method_is_enforced() {
        let same = |stored: &str, presented: &str| stored == presented;
        let mut client = client();
        let basic = Proof::Basic { secrets: vec!["hash".into()] };
        let post = Proof::Post { secret: "hash".into() };
        assert!(verify(&client, &basic, same).is_ok() && verify(&client, &post, same).is_ok());
        assert!(verify(&client, &Proof::None, same).is_err());
        client.metadata.token_endpoint_auth_method = AuthMethod::ClientSecretBasic;
        assert!(verify(&client, &basic, same).is_ok() && verify(&client, &post, same).is_err());
        client.metadata.token_endpoint_auth_method = AuthMethod::ClientSecretPost;
        assert!(verify(&client, &basic, same).is_err() && verify(&client, &post, same).is_ok());
        client.metadata.token_endpoint_auth_method = AuthMethod::None;
        assert!(
            verify(&client, &Proof::None, same).is_ok() && verify(&client, &post, same).is_err()
        );
    }

    #[test]
    fn assertions_and_certificates_remain_to_be_verified_where_they_are_registered() {
        let same = |stored: &str, presented: &str| stored == presented;
        let mut client = client();
        let assertion = Proof::Assertion { token: "jwt.app".into() };
        let post = Proof::Post { secret: "hash".into() };
        assert!(verify(&client, &assertion, same).is_err());
        client.metadata.token_endpoint_auth_method = AuthMethod::PrivateKeyJwt;
        assert_eq!(verify(&client, &assertion, same), Ok(Remaining::Assertion("jwt.app")));
        assert!(
            verify(&client, &post, same).is_err() && verify(&client, &Proof::None, same).is_err()
        );
        for method in [AuthMethod::TlsClientAuth, AuthMethod::SelfSignedTlsClientAuth] {
            client.metadata.token_endpoint_auth_method = method;
            assert_eq!(verify(&client, &Proof::None, same), Ok(Remaining::Certificate));
            assert!(verify(&client, &post, same).is_err());
            assert!(verify(&client, &assertion, same).is_err());
        }
    }

    #[test]
    fn a_disabled_client_is_refused_whatever_it_presents() {
        let mut client = client();
        client.disabled_at = Some(crate::clock::UnixTime(1));
        assert!(verify(&client, &Proof::Post { secret: "hash".into() }, |a, b| a == b).is_err());
    }

    proptest::proptest! {
        #[test]
        fn reading_a_header_never_panics(header in "\\PC{0,80}") {
            let _ = present(Some(&header), "");
            let _ = present(Some(&format!("Basic {header}")), "");
        }
    }
}
