//! A client acting for itself.

use super::Bound;
use super::issue::{self, AccessTokenSeed, Basis};
use crate::app::App;
use crate::protocol::client::Client;
use crate::protocol::grant::client_credentials;
use crate::protocol::token::TokenResponse;
use crate::service::client_authentication::ClientRequest;
use crate::service::failure::EndpointError;

pub(super) async fn issue(
    app: &App,
    client: &Client,
    request: &ClientRequest,
    bound: &Bound,
) -> Result<TokenResponse, EndpointError> {
    let scopes = client_credentials::scopes(client, &request.params)?;
    let basis = Basis { client, person: None, scopes: &scopes };
    let seed = AccessTokenSeed::new(client, bound, app.now());
    let token = issue::access_token(app, &basis, &seed).await?;
    Ok(TokenResponse {
        access_token: token.text,
        token_type: "Bearer",
        expires_in: token.expires_in,
        refresh_token: None,
        id_token: None,
        scope: scopes.to_string(),
    })
}
