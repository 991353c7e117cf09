//! Putting an answer into the form the client asked for: in the clear, or as a JWT, signed and perhaps
//! encrypted (JWT Secured Authorization Response Mode).

use crate::app::App;
use crate::protocol::client::Client;
use crate::protocol::reply::{Answer, Reply};
use crate::service::envelope::{Content, Envelope};
use crate::service::failure::{EndpointError, Failure};

/// The answer as it travels.
///
/// # Errors
/// [`Failure`] when it has to be signed and cannot be.
pub(super) async fn reply(app: &App, client: &Client, answer: Answer) -> Result<Reply, Failure> {
    let unsigned = match answer {
        Answer::Plain(reply) => return Ok(reply),
        Answer::Unsigned(unsigned) => unsigned,
    };
    let envelope = Envelope::prepare(app, client, Content::AuthorizationResponse).await;
    let envelope = envelope.map_err(|error| match error {
        EndpointError::Failure(failure) => failure,
        // Sending it in the clear would give away what the client wants kept secret.
        EndpointError::OAuth(error) => Failure::Unavailable(error.to_string()),
    })?;
    let jwt = envelope.close(app, &unsigned.claims(&client.id, app.now()))?;
    app.metrics.token_issued("authorization_response");
    Ok(unsigned.finished(&jwt))
}
