//! The `token-exchange` grant (RFC 8693): a service that was handed a token gets one of its own for
//! the services behind it. The new token speaks for the same subject and says who acts, so it is
//! always delegation; nothing here lets a client pass for somebody else without a trace.

use serde_json::{Map, Value, json};

use crate::protocol::client::{AccessTokenFormat, Client};
use crate::protocol::error::OAuthError;
use crate::protocol::params::Params;
use crate::protocol::scope::Scopes;

/// More audiences than any honest request names.
const MAX_AUDIENCES: usize = 16;

/// What kind of token is presented (RFC 8693 section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// An access token of ours.
    AccessToken,
    /// An ID token, ours or a trusted issuer's.
    IdToken,
    /// A JWT of a trusted issuer.
    Jwt,
}

impl TokenKind {
    pub const ALL: [Self; 3] = [Self::AccessToken, Self::IdToken, Self::Jwt];

    /// The registered identifier.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => "urn:ietf:params:oauth:token-type:access_token",
            Self::IdToken => "urn:ietf:params:oauth:token-type:id_token",
            Self::Jwt => "urn:ietf:params:oauth:token-type:jwt",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A token somebody presents, with what they say it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Presented {
    pub token: String,
    pub kind: TokenKind,
}

impl std::fmt::Debug for Presented {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Presented").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// What the client wants to get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// An access token in the client's own format.
    AccessToken,
    /// An access token that is a JWT; nothing for a client whose tokens are opaque.
    Jwt,
}

impl Wanted {
    /// `issued_token_type`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => TokenKind::AccessToken.as_str(),
            Self::Jwt => TokenKind::Jwt.as_str(),
        }
    }
}

/// The parameters of the request (section 2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangeRequest {
    pub subject: Presented,
    pub actor: Option<Presented>,
    pub wanted: Wanted,
    /// Names of the services the token is for, beside `resource`.
    pub audience: Vec<String>,
}

impl ExchangeRequest {
    /// Reads them.
    ///
    /// # Errors
    /// `invalid_request` for anything missing, repeated or of a type that is not taken.
    pub fn read(params: &Params) -> Result<Self, OAuthError> {
        let subject = presented(params, ("subject_token", "subject_token_type"))?
            .ok_or_else(|| OAuthError::invalid_request("subject_token is missing."))?;
        let actor = presented(params, ("actor_token", "actor_token_type"))?;
        let wanted = match params.get("requested_token_type")? {
            None => Wanted::AccessToken,
            Some(name) => match TokenKind::from_name(name) {
                Some(TokenKind::AccessToken) => Wanted::AccessToken,
                Some(TokenKind::Jwt) => Wanted::Jwt,
                Some(TokenKind::IdToken) | None => {
                    return Err(OAuthError::invalid_request(
                        "requested_token_type must be access_token or jwt.",
                    )
                    .because(format!("requested {name:?}")));
                }
            },
        };
        let audience: Vec<String> = params.all("audience").map(str::to_owned).collect();
        if audience.len() > MAX_AUDIENCES {
            return Err(OAuthError::invalid_request("The request names too many audiences."));
        }
        Ok(Self { subject, actor, wanted, audience })
    }
}

fn presented(
    params: &Params,
    (token, kind): (&'static str, &'static str),
) -> Result<Option<Presented>, OAuthError> {
    match (params.get(token)?, params.get(kind)?) {
        (None, None) => Ok(None),
        (Some(text), Some(name)) => match TokenKind::from_name(name) {
            Some(kind) => Ok(Some(Presented { token: text.to_owned(), kind })),
            None => Err(OAuthError::invalid_request("A token type is not supported.")
                .because(format!("{kind} {name:?}"))),
        },
        _ => Err(OAuthError::invalid_request("A token and its type must be sent together.")),
    }
}

/// Whether the client may have its token in this form. Opaque tokens are an administrator's choice,
/// so that they die everywhere at once; a request does not change it.
///
/// # Errors
/// `invalid_request`.
pub fn check_format(client: &Client, wanted: Wanted) -> Result<(), OAuthError> {
    let opaque = client.metadata.revocation.format() == AccessTokenFormat::Opaque;
    if opaque && wanted == Wanted::Jwt {
        return Err(OAuthError::invalid_request(
            "This client gets opaque tokens only; leave requested_token_type out.",
        ));
    }
    Ok(())
}

/// The scopes of the new token at most: those of the subject token that the client may also have.
/// Refresh tokens are not given, so `offline_access` has no meaning.
///
/// # Errors
/// `invalid_scope` when nothing is left: a token for nothing would be of use to nobody.
pub fn common_scopes(client: &Client, subject: &Scopes) -> Result<Scopes, OAuthError> {
    let common = subject.intersection(&client.metadata.scope);
    let common = Scopes::from_tokens(common.iter().filter(|token| *token != "offline_access"));
    if common.is_empty() {
        return Err(OAuthError::invalid_scope(
            "This client may have none of the scopes of the subject token.",
        ));
    }
    Ok(common)
}

/// Who acts: the holder of the actor token, or the client itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub sub: String,
    pub client_id: Option<String>,
    /// Who says so.
    pub iss: String,
}

/// Whether the subject token's `may_act` (section 4.4) lets this actor act. Every member must be
/// one that is known and equal; what cannot be compared does not let anybody act.
#[must_use]
pub fn may_act(claim: &Value, actor: &Actor) -> bool {
    let Some(members) = claim.as_object() else { return false };
    let fits = |(name, value): (&String, &Value)| match name.as_str() {
        "sub" => value.as_str() == Some(&actor.sub),
        "iss" => value.as_str() == Some(&actor.iss),
        "client_id" => value.as_str().is_some() && value.as_str() == actor.client_id.as_deref(),
        _ => false,
    };
    let names_somebody = members.contains_key("sub") || members.contains_key("client_id");
    names_somebody && members.iter().all(fits)
}

/// Those who acted before, as the `act` claim of the subject token tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    pub claim: Value,
    /// The issuer whose word that is, when it is not this provider: its names are not ours, whatever
    /// they look like.
    pub vouched_by: Option<String>,
}

/// The `act` claim of the new token (section 4.1): this actor, and inside it those who acted
/// before.
///
/// # Errors
/// `invalid_request` when the chain would get longer than `depth`.
pub fn act(actor: &Actor, before: Option<&Chain>, depth: usize) -> Result<Value, OAuthError> {
    let mut names = vec![(actor.sub.as_str(), None)];
    let vouched_by = before.and_then(|chain| chain.vouched_by.as_deref());
    let mut link = before.map(|chain| &chain.claim);
    while let Some(inner) = link {
        let sub = inner.get("sub").and_then(Value::as_str).ok_or_else(|| {
            OAuthError::invalid_request("The act claim of the subject token names nobody.")
        })?;
        names.push((sub, vouched_by.or_else(|| inner.get("iss").and_then(Value::as_str))));
        if names.len() > depth {
            return Err(OAuthError::invalid_request(
                "Too many services already act for each other in the subject token.",
            ));
        }
        link = inner.get("act");
    }
    // Made anew, so that nothing but names travels on.
    let chain = names.into_iter().rev().fold(None, |inner: Option<Value>, (name, iss)| {
        let mut claim = Map::from_iter([("sub".to_owned(), json!(name))]);
        claim.extend(iss.map(|iss| ("iss".to_owned(), json!(iss))));
        claim.extend(inner.map(|inner| ("act".to_owned(), inner)));
        Some(Value::Object(claim))
    });
    Ok(chain.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::client::tests::client;

    const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";

    fn read(pairs: &[(&str, &str)]) -> Result<ExchangeRequest, OAuthError> {
        ExchangeRequest::read(&Params::from_pairs(pairs.iter().copied()))
    }

    fn actor(name: &str) -> Actor {
        Actor { sub: name.into(), client_id: Some(name.into()), iss: "https://op.test".into() }
    }

    #[test]
    fn a_subject_token_and_its_type_are_needed_once_each() {
        let subject = [("subject_token", "t"), ("subject_token_type", ACCESS)];
        let good = read(&subject).unwrap();
        assert_eq!((good.subject.kind, good.actor), (TokenKind::AccessToken, None));
        for bad in [
            &[][..],
            &subject[..1],
            &subject[1..],
            &[("subject_token", ""), ("subject_token_type", ACCESS)],
            &[subject[0], subject[0], subject[1]],
            &[subject[0], subject[1], subject[1]],
            &[subject[0], ("subject_token_type", "urn:ietf:params:oauth:token-type:saml2")],
            &[subject[0], ("subject_token_type", "access_token")],
            &[subject[0], subject[1], ("actor_token", "a")],
            &[subject[0], subject[1], ("actor_token_type", ACCESS)],
        ] {
            assert_eq!(read(bad).unwrap_err().code.as_str(), "invalid_request", "{bad:?}");
        }
    }

    #[test]
    fn only_access_tokens_are_given() {
        let ask = |name: &str| {
            read(&[
                ("subject_token", "t"),
                ("subject_token_type", ACCESS),
                ("requested_token_type", name),
            ])
        };
        assert_eq!(ask(ACCESS).unwrap().wanted, Wanted::AccessToken);
        assert_eq!(ask(TokenKind::Jwt.as_str()).unwrap().wanted, Wanted::Jwt);
        for bad in ["id_token", "refresh_token", "saml2"] {
            assert!(ask(&format!("urn:ietf:params:oauth:token-type:{bad}")).is_err(), "{bad}");
        }
    }

    #[test]
    fn scopes_are_those_that_subject_and_client_have_in_common() {
        let mut client = client();
        client.metadata.scope = Scopes::parse("api:read api:admin offline_access").unwrap();
        let common = |subject: &str| common_scopes(&client, &Scopes::parse(subject).unwrap());
        assert_eq!(common("openid api:read offline_access").unwrap().to_string(), "api:read");
        assert!(common("openid offline_access").is_err());
        assert!(common("").is_err());
    }

    #[test]
    fn may_act_names_exactly_who_may_act() {
        let me = actor("gateway");
        for good in [
            json!({ "sub": "gateway" }),
            json!({ "client_id": "gateway" }),
            json!({ "sub": "gateway", "client_id": "gateway", "iss": "https://op.test" }),
        ] {
            assert!(may_act(&good, &me), "{good}");
        }
        for bad in [
            json!({ "sub": "other" }),
            json!({ "sub": "gateway", "iss": "https://evil.test" }),
            json!({ "sub": "gateway", "role": "admin" }),
            json!({ "iss": "https://op.test" }),
            json!({ "sub": null }),
            json!({}),
            json!("gateway"),
            json!(["gateway"]),
        ] {
            assert!(!may_act(&bad, &me), "{bad}");
        }
        let person = Actor { client_id: None, ..me };
        assert!(!may_act(&json!({ "client_id": null }), &person));
    }

    fn ours(claim: Value) -> Chain {
        Chain { claim, vouched_by: None }
    }

    #[test]
    fn the_chain_of_actors_grows_inwards_and_not_without_end() {
        let first = ours(act(&actor("a"), None, 3).unwrap());
        let second = ours(act(&actor("b"), Some(&first), 3).unwrap());
        let third = act(&actor("c"), Some(&second), 3).unwrap();
        assert_eq!(third, json!({ "sub": "c", "act": { "sub": "b", "act": { "sub": "a" } } }));
        let refused = act(&actor("d"), Some(&ours(third)), 3).unwrap_err();
        assert_eq!(refused.code.as_str(), "invalid_request");
        assert!(act(&actor("b"), Some(&first), 1).is_err());
        let chatty = json!({ "sub": "a", "role": "admin", "act": { "sub": "z", "x": [1] } });
        assert_eq!(
            act(&actor("b"), Some(&ours(chatty)), 3).unwrap(),
            json!({ "sub": "b", "act": { "sub": "a", "act": { "sub": "z" } } })
        );
        for bad in [json!({}), json!("a"), json!({ "sub": 7 }), json!({ "sub": "a", "act": [] })] {
            assert!(act(&actor("b"), Some(&ours(bad.clone())), 9).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_that_another_issuer_gives_are_marked_as_its_own_from_then_on() {
        let claim = json!({ "sub": "a", "iss": "https://op.test", "act": { "sub": "z" } });
        let foreign = Chain { claim, vouched_by: Some("https://outside.test".into()) };
        let outside = json!({ "sub": "a", "iss": "https://outside.test",
            "act": { "sub": "z", "iss": "https://outside.test" } });
        let first = act(&actor("b"), Some(&foreign), 9).unwrap();
        assert_eq!(first, json!({ "sub": "b", "act": outside }));
        let second = act(&actor("c"), Some(&ours(first.clone())), 9).unwrap();
        assert_eq!(second, json!({ "sub": "c", "act": first }));
    }
}
