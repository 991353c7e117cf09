//! A client acting for itself.

use super::issue::{self, AccessTokenSeed};
use super::request::{Limits, TokenRequest};
use crate::app::App;
use crate::protocol::token::TokenResponse;
use crate::protocol::token::grant::client_credentials;
use crate::service::failure::EndpointError;

pub(super) async fn issue(
    app: &App,
    request: &TokenRequest<'_>,
) -> Result<TokenResponse, EndpointError> {
    let own = client_credentials::own_scopes(request.client());
    let basis = request.basis(None, &Limits::scopes(&own))?;
    let seed = AccessTokenSeed::new(request.client(), app.now());
    let token = issue::access_token(app, &basis, &seed).await?;
    Ok(issue::answer(&basis, token))
}
