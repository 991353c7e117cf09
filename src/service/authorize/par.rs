//! Pushed authorization requests (RFC 9126): the client sends its request here first, authenticated
//! and out of everybody's sight, and takes only a name for it to the browser.

use std::sync::Arc;

use serde::Serialize;

use crate::app::App;
use crate::clock::Seconds;
use crate::crypto::secret::Secret;
use crate::protocol::authorize::reply::{NoReply, ReplyTo};
use crate::protocol::authorize::{self, Arrival, PUSHED_PREFIX, RequestForm};
use crate::protocol::client::Client;
use crate::protocol::discovery::path;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::params::Params;
use crate::service::audit::Caller;
use crate::service::authorize::{PushedRequest, choices, pushed_requests, request_object};
use crate::service::brake::{self, Limit};
use crate::service::clients::authentication::{self, ClientRequest};
use crate::service::failure::EndpointError;
use crate::service::token::dpop;
use crate::store::ephemeral::pushed;

/// The answer (section 2.2).
#[derive(Debug, Serialize)]
pub struct Pushed {
    pub request_uri: String,
    pub expires_in: Seconds,
}

/// Takes a request.
///
/// # Errors
/// Whatever the authorization endpoint would answer, as JSON (section 2.3); a failure of ours.
pub async fn push(app: &App, request: &ClientRequest) -> Result<Pushed, EndpointError> {
    let client = authentication::authenticate(app, request).await?;
    take(app, &client, request).await.map_err(|error| error.of_client(&client.id))
}

async fn take(
    app: &App,
    client: &Arc<Client>,
    request: &ClientRequest,
) -> Result<Pushed, EndpointError> {
    refuse_flood(app, client, &request.caller).await?;
    let (params, form) = parameters(app, client, &request.params).await?;
    check(app, client, (&params, form))?;
    // Nothing is written for a request that is refused, so the proof, which is used up, comes last.
    let stated = ClientRequest { params, ..request.clone() };
    let params = dpop::bind_pushed(app, client, (&stated, path::PAR)).await?;
    let name = Secret::generate();
    let lifetime = app.config.authorization.pushed_request_lifetime;
    let kept = PushedRequest { client_id: client.id.clone(), params: params.encode(), form };
    pushed::put(&app.ephemeral, name.hash().as_str(), (&kept, lifetime)).await?;
    app.metrics.token_issued("request_uri");
    let request_uri = format!("{PUSHED_PREFIX}{}", name.expose());
    Ok(Pushed { request_uri, expires_in: lifetime })
}

/// Anybody can push in the name of a client that keeps no secret, and anybody can register: one
/// network cannot fill the store that way.
async fn refuse_flood(app: &App, client: &Client, caller: &Caller) -> Result<(), EndpointError> {
    if client.is_confidential() && client.origin.is_reviewed() {
        return Ok(());
    }
    let network = caller.network();
    let key = format!("pushed-requests:{}:{network}", client.id);
    let most = app.settings().authorization.pushed_requests_per_minute.into();
    let limit = Limit { key: &key, window: 60, most, scope: "par" };
    if brake::is_passed(app, &limit, caller).await? {
        return Err(OAuthError::new(
            ErrorCode::TemporarilyUnavailable,
            "Too many requests were pushed for this client; wait a minute.",
        )
        .into());
    }
    Ok(())
}

/// The parameters as they are or, where there is a request object, those in it alone (section 3).
async fn parameters(
    app: &App,
    client: &Arc<Client>,
    sent: &Params,
) -> Result<(Params, RequestForm), EndpointError> {
    // Section 2.1.
    if sent.has("request_uri") {
        return Err(OAuthError::invalid_request("request_uri cannot be pushed.").into());
    }
    if let Some(object) = sent.get("request")? {
        let params = request_object::open(app, client, object).await?;
        return Ok((authorize::known(params), RequestForm::SignedObject));
    }
    // A client that authenticates by header need not repeat its name in the body.
    let params = authorize::known(sent.clone()).with("client_id", client.id.as_str());
    Ok((params, RequestForm::Parameters))
}

/// Everything that the authorization endpoint will check, now, while the client can still be told.
fn check(
    app: &App,
    client: &Client,
    (params, form): (&Params, RequestForm),
) -> Result<(), OAuthError> {
    let reply_to = ReplyTo::from_request(client, params, app.issuer()).map_err(|error| {
        let description = match error {
            NoReply::Missing => "redirect_uri is missing.",
            NoReply::Repeated => "redirect_uri is sent more than once.",
            NoReply::NotRegistered { .. } => "redirect_uri is not registered for this client.",
        };
        OAuthError::invalid_request(description).because(error.to_string())
    })?;
    let arrival = Arrival { pushed: Some(String::new()), form };
    arrival.check(client, pushed_requests(app))?;
    authorize::validate(client, params, reply_to, choices(app))?;
    Ok(())
}
