//! The token endpoint. The phases every grant shares are in [`request`]: client authentication,
//! grant type, sender constraint, scope and audience. Each grant's own part is in its file, and [`issue`] makes the
//! tokens.

pub mod access_token;
mod authorization_code;
mod client_credentials;
mod device_code;
pub mod dpop;
pub mod envelope;
pub mod introspection;
pub(crate) mod issue;
mod jwt_bearer;
pub(crate) mod lineage;
pub mod preview;
pub(crate) mod refresh;
mod request;
pub(crate) mod single_use;
pub mod subject;
mod token_exchange;
pub mod token_revocation;
pub mod userinfo;
mod witness;

use self::request::TokenRequest;
use crate::app::App;
use crate::protocol::client::GrantType;
use crate::protocol::token::TokenResponse;
use crate::service::clients::authentication::ClientRequest;
use crate::service::clients::trial::{self, Endpoint};
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
    sent: &ClientRequest,
    grant_name: &mut &'static str,
) -> Result<TokenResponse, EndpointError> {
    let request = TokenRequest::accept(app, sent, grant_name).await?;
    let answered = answer(app, &request).await;
    let result = answered.map_err(|error| error.of_client(&request.client().id));
    if let Err(EndpointError::OAuth(refusal)) = &result {
        witness::note_refusal(app, &request, refusal).await?;
        trial::note_refusal(app, request.client(), (Endpoint::Token, refusal)).await;
    }
    result
}

async fn answer(app: &App, request: &TokenRequest<'_>) -> Result<TokenResponse, EndpointError> {
    match request.grant() {
        GrantType::AuthorizationCode => authorization_code::redeem(app, request).await,
        GrantType::RefreshToken => refresh::rotate(app, request).await,
        GrantType::ClientCredentials => client_credentials::issue(app, request).await,
        GrantType::DeviceCode => device_code::poll(app, request).await,
        GrantType::TokenExchange => token_exchange::exchange(app, request).await,
        GrantType::JwtBearer => jwt_bearer::redeem(app, request).await,
    }
}
