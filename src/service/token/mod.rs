//! The token endpoint. The phases every grant shares are here: client authentication, grant type,
//! sender constraint, audit and metrics; each grant's own part is in its file, and [`issue`] makes the tokens.

mod authorization_code;
mod client_credentials;
pub(crate) mod issue;
pub(crate) mod refresh;

use crate::app::App;
use crate::protocol::client::{Client, GrantType};
use crate::protocol::discovery::path;
use crate::protocol::grant::details::Confirmation;
use crate::protocol::sender_constraint::{self, Held, Scheme};
use crate::protocol::token::{self, TokenResponse};
use crate::service::client_authentication::{self, ClientRequest};
use crate::service::dpop;
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
    let bound = prove(app, &client, request).await?;
    let answer = match grant {
        GrantType::AuthorizationCode => {
            authorization_code::redeem(app, &client, request, &bound).await
        }
        GrantType::RefreshToken => refresh::rotate(app, &client, request, &bound).await,
        GrantType::ClientCredentials => {
            client_credentials::issue(app, &client, request, &bound).await
        }
    }?;
    let token_type = Scheme::of(bound.to.as_ref()).as_str();
    Ok(TokenResponse { token_type, ..answer })
}

/// The keys a token request proves to hold, and what its access token is therefore bound to.
#[derive(Debug)]
pub(crate) struct Bound {
    pub held: Held,
    pub to: Option<Confirmation>,
}

/// The sender constraint of every grant.
async fn prove(
    app: &App,
    client: &Client,
    request: &ClientRequest,
) -> Result<Bound, EndpointError> {
    let proof = dpop::proof_for(app, request, path::TOKEN).await?;
    let held = Held { jkt: proof.map(|proof| proof.jkt), x5t_s256: None };
    let to = sender_constraint::binding(client, &held)?;
    Ok(Bound { held, to })
}
