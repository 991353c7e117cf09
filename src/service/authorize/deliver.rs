//! Putting an answer into the form the client asked for: in the clear, or as a signed JWT (JWT Secured
//! Authorization Response Mode).

use crate::app::App;
use crate::crypto::jose::{self, TokenType};
use crate::protocol::client::Client;
use crate::protocol::reply::{Answer, Reply};
use crate::service::failure::Failure;

/// The answer as it travels.
///
/// # Errors
/// [`Failure`] when it has to be signed and cannot be.
pub(super) async fn reply(app: &App, client: &Client, answer: Answer) -> Result<Reply, Failure> {
    let unsigned = match answer {
        Answer::Plain(reply) => return Ok(reply),
        Answer::Unsigned(unsigned) => unsigned,
    };
    let alg = client.metadata.authorization_signed_response_alg.unwrap_or_default();
    let keyring = app.keyring.load();
    let key = keyring
        .active(alg)
        .ok_or_else(|| Failure::Internal(format!("no active {} key", alg.as_str())))?;
    let claims = unsigned.claims(&client.id, app.now());
    let jwt = jose::sign(key, TokenType::AuthorizationResponse, &claims)?;
    app.metrics.token_issued("authorization_response");
    Ok(unsigned.finished(&jwt))
}
