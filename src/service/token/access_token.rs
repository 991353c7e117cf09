//! Reading an access token of ours: is it genuine, unexpired, and is nothing it descends from
//! revoked? Userinfo, introspection and revocation ask here; whoever uses a token also proves the key
//! it is bound to.

use std::sync::Arc;

use crate::app::{App, ReadToken};
use crate::crypto::certificate::Certificate;
use crate::crypto::jose::{self, Expect, Expiry, TokenType};
use crate::crypto::secret::SecretHash;
use crate::protocol::error::OAuthError;
use crate::protocol::token::claims::{AccessTokenClaims, Behind};
use crate::protocol::token::dpop::defect;
use crate::protocol::token::sender_constraint::{self, Held, Scheme};
use crate::protocol::types::{ClientId, SessionId};
use crate::service::clients::access;
use crate::service::failure::{EndpointError, Failure};
use crate::service::hearing;
use crate::service::revocation::{self, Lineage, Standing};
use crate::service::token::dpop::{self, Carrier};
use crate::service::token::issue::opaque_key;
use crate::service::token::subject;

/// The claims of a token that counts right now; `None` for every other text.
///
/// # Errors
/// [`Failure`] when it cannot be known; the caller must not treat that as either answer.
pub async fn inspect(app: &App, token: &str) -> Result<Option<Arc<AccessTokenClaims>>, Failure> {
    // The key it was signed with may have been retired elsewhere.
    hearing::be_current(app).await?;
    let Some(read) = read(app, token).await? else { return Ok(None) };
    let claims = &read.claims;
    if claims.exp <= app.now() {
        return Ok(None);
    }
    if app.watch.remembers_as_of().is_some_and(|newest| read.was_alive_as_of(newest)) {
        return Ok(Some(Arc::clone(claims)));
    }
    // Taken before anything is asked: what ends from here on makes the answer worthless.
    let newest = app.watch.newest_revocation();
    let user = claims.user_id();
    let lineage = Lineage::of(claims, user.as_ref());
    match revocation::standing(app, &lineage).await? {
        Standing::Alive => {
            // Nothing ends an exchanged token by itself when its client is not for the person any more.
            if let Some(user) = user.as_ref().filter(|_| !lineage.is_plain())
                && !access::admits_bearer(app, &claims.client_id, user).await?
            {
                return Ok(None);
            }
            read.found_alive_as_of(newest);
            Ok(Some(Arc::clone(claims)))
        }
        Standing::Revoked => Ok(None),
    }
}

/// The claims of a token that we made and that has not expired, revoked or not.
///
/// # Errors
/// [`Failure`] when the ephemeral store cannot say whether it knows an opaque token.
pub async fn genuine(app: &App, token: &str) -> Result<Option<Arc<AccessTokenClaims>>, Failure> {
    Ok(read(app, token).await?.map(|read| Arc::clone(&read.claims)))
}

/// The token, verified or fetched once and then remembered by its hash, since what it says never
/// changes: what is left to ask for each use is whether anything it descends from is revoked.
async fn read(app: &App, token: &str) -> Result<Option<Arc<ReadToken>>, Failure> {
    let hash = SecretHash::of(token);
    if let Some(read) = app.read_tokens.get(&hash, app.now()) {
        return Ok(Some(read));
    }
    let moment = app.read_tokens.moment();
    let found = if token.contains('.') { signed(app, token) } else { stored(app, token).await? };
    // What was ended before an older database was restored, nobody knows any more.
    let Some(claims) = found.filter(|claims| claims.iat > app.tokens_from) else {
        return Ok(None);
    };
    let read = Arc::new(ReadToken::new(look_behind(app, claims)));
    app.read_tokens.insert(hash, Arc::clone(&read), moment);
    Ok(Some(read))
}

/// What a JWT says that has our signature.
fn signed(app: &App, token: &str) -> Option<AccessTokenClaims> {
    let expect = Expect {
        typ: TokenType::AccessToken,
        issuer: app.issuer(),
        audience: None,
        now: app.now(),
        expiry: Expiry::Enforced,
    };
    let claims = jose::verify(&app.keyring.load(), token, &expect).ok()?;
    serde_json::from_value(claims.into()).ok()
}

/// What we keep of an opaque token.
async fn stored(app: &App, token: &str) -> Result<Option<AccessTokenClaims>, Failure> {
    let found = app.ephemeral.get(&opaque_key(token)).await?;
    Ok(found.and_then(|json| serde_json::from_str(&json).ok()))
}

/// The client of a JWT access token that we made, expired and revoked ones included: enough to know whose
/// scripts may read what is said of it, and for nothing else.
#[must_use]
pub fn client_of(app: &App, token: &str) -> Option<ClientId> {
    let expect = Expect {
        typ: TokenType::AccessToken,
        issuer: app.issuer(),
        audience: None,
        now: app.now(),
        expiry: Expiry::Ignored,
    };
    let claims = jose::verify(&app.keyring.load(), token, &expect).ok()?;
    let claims: AccessTokenClaims = serde_json::from_value(claims.into()).ok()?;
    Some(claims.client_id)
}

/// An access token as a resource request presents it.
#[derive(Debug, Clone, Copy)]
pub struct Presented<'a> {
    pub token: &'a str,
    pub scheme: Scheme,
    /// What its DPoP proof comes with.
    pub carrier: Carrier<'a>,
    /// The certificate of the TLS connection, if any.
    pub certificate: Option<&'a Certificate>,
}

/// The claims of a token whose sender may use it: alive, and the key it is bound to proven.
///
/// # Errors
/// `invalid_token`, `invalid_dpop_proof` or `use_dpop_nonce` (RFC 6750 section 3.1, RFC 9449 section
/// 7.1), or a failure of ours.
pub async fn accept(
    app: &App,
    presented: &Presented<'_>,
) -> Result<Arc<AccessTokenClaims>, EndpointError> {
    let dead = || OAuthError::invalid_token("The access token is unknown, expired or revoked.");
    let claims = inspect(app, presented.token).await?.ok_or_else(dead)?;
    let x5t_s256 = presented.certificate.map(|own| own.thumbprint().to_owned());
    let mut held = Held { jkt: None, x5t_s256 };
    if presented.scheme == Scheme::Dpop {
        let carrier = Carrier { token: Some(presented.token), ..presented.carrier };
        let proof = dpop::verify(app, &carrier).await?;
        let proof = proof.ok_or_else(|| defect("The DPoP scheme needs a DPoP proof."))?;
        held.jkt = Some(proof.jkt);
    }
    sender_constraint::check_token(claims.cnf.as_ref(), presented.scheme, &held)?;
    Ok(claims)
}

/// Finds whom the names in a token of ours stand for.
fn look_behind(app: &App, mut claims: AccessTokenClaims) -> AccessTokenClaims {
    let behind = |sub: &str, sid: Option<&SessionId>| Behind {
        user: subject::person(app, sub),
        session: sid.map(|sid| subject::session(app, sid.as_str())),
    };
    // Without a person the `sub` is the client's own name.
    claims.behind = claims.user_version.map(|_| behind(&claims.sub, claims.sid.as_ref()));
    for acting in claims.actors.iter_mut().filter_map(|actor| actor.person.as_mut()) {
        acting.behind = Some(behind(&acting.sub, acting.sid.as_ref()));
    }
    claims
}
