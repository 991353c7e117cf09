//! Putting an answer into the form the client asked for: in the clear, or as a JWT that is signed and
//! perhaps encrypted (JWT Secured Authorization Response Mode).

use super::AuthorizeError;
use crate::app::App;
use crate::protocol::authorize::reply::{Answer, Reply};
use crate::protocol::client::Client;
use crate::service::failure::EndpointError;
use crate::service::token::envelope::{Content, Envelope};

/// The answer as it travels.
///
/// # Errors
/// [`AuthorizeError`] when it has to be signed or encrypted and cannot be: then it cannot be given.
pub(super) async fn reply(
    app: &App,
    client: &Client,
    answer: Answer,
) -> Result<Reply, AuthorizeError> {
    let unsigned = match answer {
        Answer::Plain(reply) => return Ok(reply),
        Answer::Unsigned(unsigned) => unsigned,
    };
    let envelope = Envelope::prepare(app, client, Content::AuthorizationResponse).await;
    let envelope = envelope.map_err(|error| match error {
        EndpointError::OAuth(error) => AuthorizeError::Undeliverable(error.description),
        EndpointError::Failure(failure) => failure.into(),
    })?;
    let jwt = envelope.close(app, &unsigned.claims(&client.id, app.now()))?;
    app.metrics.token_issued("authorization_response");
    Ok(unsigned.finished(&jwt))
}
