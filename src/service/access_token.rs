//! Reading an access token of ours: is it genuine, unexpired, and is nothing it descends from
//! revoked? Userinfo, introspection and revocation ask here.

use std::sync::Arc;

use crate::app::App;
use crate::crypto::jose::{self, Expect, Expiry, TokenType};
use crate::crypto::secret::SecretHash;
use crate::protocol::claims::{AccessTokenClaims, Behind};
use crate::service::failure::Failure;
use crate::service::revocation::{self, Lineage, Standing};
use crate::service::subject;
use crate::service::token::issue::opaque_key;

/// The claims of a token that counts right now; `None` for every other text.
///
/// # Errors
/// [`Failure`] when it cannot be known; the caller must not treat that as either answer.
pub async fn inspect(app: &App, token: &str) -> Result<Option<Arc<AccessTokenClaims>>, Failure> {
    let Some(claims) = genuine(app, token).await? else { return Ok(None) };
    if claims.exp <= app.now() {
        return Ok(None);
    }
    let user = claims.user_id();
    let lineage = Lineage {
        grant: &claims.grant,
        session: claims.session_id(),
        user: user.as_ref().zip(claims.user_version),
        client: (&claims.client_id, claims.client_version),
    };
    match revocation::standing(app, &lineage).await? {
        Standing::Alive => Ok(Some(claims)),
        Standing::Revoked => Ok(None),
    }
}

/// The claims of a token that we made and that has not expired, revoked or not.
///
/// # Errors
/// [`Failure`] when the ephemeral store cannot say whether it knows an opaque token.
pub async fn genuine(app: &App, token: &str) -> Result<Option<Arc<AccessTokenClaims>>, Failure> {
    if !token.contains('.') {
        let found = app.ephemeral.get(&opaque_key(token)).await?;
        let claims = found.and_then(|json| serde_json::from_str(&json).ok());
        return Ok(claims.map(|claims| Arc::new(look_behind(app, claims))));
    }
    let hash = SecretHash::of(token);
    let now = app.now();
    if let Some(claims) = app.verified.get(&hash, now) {
        return Ok(Some(claims));
    }
    let moment = app.verified.moment();
    let expect = Expect {
        typ: TokenType::AccessToken,
        issuer: app.issuer(),
        audience: None,
        now,
        expiry: Expiry::Enforced,
    };
    let Ok(claims) = jose::verify(&app.keyring.load(), token, &expect) else { return Ok(None) };
    let Ok(claims) = serde_json::from_value::<AccessTokenClaims>(claims.into()) else {
        return Ok(None);
    };
    let claims = Arc::new(look_behind(app, claims));
    app.verified.insert(hash, Arc::clone(&claims), moment);
    Ok(Some(claims))
}

/// Finds whom the names in a token of ours stand for.
fn look_behind(app: &App, mut claims: AccessTokenClaims) -> AccessTokenClaims {
    // Without a person the `sub` is the client's own name.
    claims.behind = claims.user_version.map(|_| Behind {
        user: subject::person(app, &claims.sub),
        session: claims.sid.as_ref().map(|sid| subject::session(app, sid.as_str())),
    });
    claims
}
