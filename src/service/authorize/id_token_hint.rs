//! `id_token_hint`: an ID token of ours that a client sends back to say whom it means (OpenID Connect
//! Core section 3.1.2.1, RP-Initiated Logout section 2).

use crate::app::App;
use crate::crypto::jose::{self, Expect, Expiry, TokenType};
use crate::protocol::logout::Hint;
use crate::protocol::types::ClientId;
use crate::service::token::subject;

/// What the hint says, if it is an ID token of ours. Signature and issuer count; expiry does not,
/// since a hint speaks of the past, and a key that retired since is good for it.
#[must_use]
pub fn read(app: &App, token: &str) -> Option<Hint> {
    let expect = Expect {
        typ: TokenType::IdToken,
        issuer: app.issuer(),
        audience: None,
        now: app.now(),
        expiry: Expiry::Ignored,
    };
    let claims = jose::verify(&app.keyring.load(), token, &expect).ok()?;
    let text = |name: &str| claims.get(name)?.as_str().map(str::to_owned);
    Some(Hint {
        client_id: ClientId::new(text("aud")?),
        user_id: subject::person(app, &text("sub")?),
        session_id: text("sid").map(|sid| subject::session(app, &sid)),
    })
}
