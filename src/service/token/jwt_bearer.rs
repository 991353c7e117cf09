//! A token for the assertion of a trusted issuer (RFC 7523 section 2.1): a workload proves what it
//! is by a token of its own platform and needs no secret of ours.

use super::issue::{self, AccessTokenSeed};
use super::lineage;
use super::request::{Limits, TokenRequest};
use super::witness;
use crate::app::App;
use crate::protocol::error::OAuthError;
use crate::protocol::token::TokenResponse;
use crate::service::audit;
use crate::service::failure::EndpointError;
use crate::service::trusted_issuers::{self, AssertionError};

fn refused(detail: impl Into<String>) -> EndpointError {
    OAuthError::invalid_grant("The assertion is not accepted.").because(detail).into()
}

pub(super) async fn redeem(
    app: &App,
    request: &TokenRequest<'_>,
) -> Result<TokenResponse, EndpointError> {
    let client = request.client();
    let text = request
        .params()
        .get("assertion")?
        .ok_or_else(|| OAuthError::invalid_request("assertion is missing."))?;
    let assertion = match trusted_issuers::accept(app, client, text).await {
        Ok(assertion) => assertion,
        Err(AssertionError::Refused(detail)) => return Err(refused(detail)),
        Err(AssertionError::Failure(failure)) => return Err(failure.into()),
    };
    let grant = assertion
        .person
        .as_ref()
        .map(|user| lineage::of_assertion(app, client, (user, &assertion)));
    let person = assertion.person.as_ref().zip(grant.as_ref());
    let basis = request.basis(person, &Limits::scopes(&assertion.scopes))?;
    // The gate, and everything that can be refused is behind us. If the next line fails the
    // workload brings its next assertion.
    trusted_issuers::spend(app, &assertion).await?.map_err(refused)?;
    let seed = AccessTokenSeed::new(client, app.now());
    let mut claims = issue::access_token_claims(app, &basis, &seed)?;
    claims.exp = claims.exp.min(assertion.expires_at);
    let event =
        witness::given(app, "assertion.accepted", (request, &claims), assertion.person.as_ref())
            .detail("issuer", assertion.issuer.as_str());
    if let Some(grant) = &grant {
        if !lineage::commit_on_trust(app, request, (grant, event)).await? {
            return Err(refused("the person or the client is gone, or the app is not for them"));
        }
    } else {
        audit::write(app, event).await?;
    }
    let token = issue::mint(app, client, (&claims, seed.opaque.as_deref())).await?;
    tracing::info!(client_id = %client.id, issuer = assertion.issuer, "assertion accepted");
    Ok(issue::answer(&basis, token))
}
