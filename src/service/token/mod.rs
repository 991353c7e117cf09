//! The token endpoint. The phases every grant shares are here: client authentication, grant type,
//! audit and metrics; each grant's own part is in its file, and [`issue`] makes the tokens.

mod authorization_code;
mod client_credentials;
pub(crate) mod issue;
pub(crate) mod refresh;

use crate::app::App;
use crate::protocol::client::GrantType;
use crate::protocol::token::{self, TokenResponse};
use crate::service::client_authentication::{self, ClientRequest};
use crate::service::failure::EndpointError;

/// Answers a token request.
///
/// # Errors
/// [`EndpointError`]: an RFC 6749 error for the client, or a failure of ours.
pub async fn exchange(app: &App, request: &ClientRequest) -> Result<TokenResponse, EndpointError> {
    let mut grant_name = "none";
    let result = run(app, request, &mut grant_name).await;
    let word = match &result {
        Ok(_) => "success",
        Err(EndpointError::OAuth(error)) => error.code.as_str(),
        Err(EndpointError::Failure(_)) => "server_error",
    };
    app.metrics.token_request(grant_name, word);
    result
}

async fn run(
    app: &App,
    request: &ClientRequest,
    grant_name: &mut &'static str,
) -> Result<TokenResponse, EndpointError> {
    let client = client_authentication::authenticate(app, request).await?;
    let grant = token::grant_type(&request.params, &client)?;
    *grant_name = grant.as_str();
    match grant {
        GrantType::AuthorizationCode => authorization_code::redeem(app, &client, request).await,
        GrantType::RefreshToken => refresh::rotate(app, &client, request).await,
        GrantType::ClientCredentials => client_credentials::issue(app, &client, request).await,
    }
}
