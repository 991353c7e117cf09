//! Finding and authenticating the client of a request (RFC 6749 section 2.3), with a brake on
//! guessing.

use std::sync::Arc;

use crate::app::App;
use crate::crypto::certificate::Certificate;
use crate::crypto::encoding;
use crate::crypto::seal::Purpose;
use crate::protocol::client::authentication::{self, Proof, Remaining};
use crate::protocol::client::{Client, ClientOrigin};
use crate::protocol::error::OAuthError;
use crate::protocol::params::Params;
use crate::protocol::types::ClientId;
use crate::service::audit::{self, Actor, Caller, Event};
use crate::service::brake;
use crate::service::clients::trial::{self, Endpoint};
use crate::service::clients::{self, assertion, certificate, metadata_document};
use crate::service::failure::EndpointError;
use crate::service::token::dpop::Entrance;
use crate::store::ephemeral::throttle::{self, ThrottleRule};

/// A client that fails this often from one network is a guesser, or misconfigured.
const RULE: ThrottleRule = ThrottleRule { free: 50, cap_seconds: 60, hourly_cap: 1_000 };

/// How many failures of one client from one network enter the audit log in an hour, all of them
/// before the brake; the metrics count the rest. A guesser must not be able to fill the log …
const AUDITED_PER_NETWORK: i64 = 10;
/// … nor one with many networks.
const AUDITED_PER_CLIENT: i64 = 100;

/// A request to an endpoint at which clients authenticate.
#[derive(Debug, Clone)]
pub struct ClientRequest {
    /// The `Authorization` header, if any.
    pub authorization: Option<String>,
    /// The form body.
    pub params: Params,
    /// Every `DPoP` header as it was sent.
    pub dpop: Vec<String>,
    /// The way it came in.
    pub entrance: Entrance,
    /// The TLS certificate the client has shown, if any. Nobody has vouched for it yet.
    pub certificate: Option<Certificate>,
    pub caller: Caller,
}

/// Finds and authenticates the client of a request.
///
/// # Errors
/// `invalid_client` or `invalid_request`; an unknown client is answered as a wrong secret is.
pub(crate) async fn authenticate(
    app: &App,
    request: &ClientRequest,
) -> Result<Arc<Client>, EndpointError> {
    let presented = authentication::read(
        request.authorization.as_deref(),
        &request.params,
        encoding::decode_base64,
        assertion::subject,
    )?;
    if app.known.any_has_failed() {
        Guard::of_client(&presented.client_id, &request.caller).refuse_if_blocked(app).await?;
    }
    // Whoever proves nothing guesses nothing.
    let guesses = presented.proof != Proof::None || request.certificate.is_some();
    metadata_document::admit(app, &presented.client_id, &request.caller).await?;
    let Some(client) = metadata_document::resolve(app, &presented.client_id).await? else {
        let unknown = OAuthError::invalid_client("Client authentication failed.")
            .because("unknown client_id");
        if guesses {
            note_stranger(app, &presented.client_id, &request.caller).await?;
        }
        return Err(unknown.into());
    };
    match verify(app, &client, (&presented.proof, request.certificate.as_ref())).await {
        Ok(()) => Ok(client),
        Err(error) => {
            if let EndpointError::OAuth(refusal) = &error
                && guesses
            {
                note_failure(app, &client, (refusal, &request.caller)).await?;
                trial::note_refusal(app, &client, (Endpoint::Token, refusal)).await;
            }
            Err(error.of_client(&client.id))
        }
    }
}

/// Counts a failure of this client, and writes the first ones down.
async fn note_failure(
    app: &App,
    client: &Client,
    (refusal, caller): (&OAuthError, &Caller),
) -> Result<(), EndpointError> {
    // Nothing is kept of a client that only a document describes until somebody allows it something.
    if client.origin == ClientOrigin::Document && clients::find(app, &client.id).await?.is_none() {
        return note_stranger(app, &client.id, caller).await;
    }
    let failures = Guard::of_client(&client.id, caller).note_failure(app, caller).await?;
    if failures <= AUDITED_PER_NETWORK {
        record_failure(app, &client.id, (refusal, caller)).await?;
    }
    Ok(())
}

/// Counts a failure of a client that is not stored here. It is slowed down as one that is, so that
/// the brake does not tell which ids exist.
async fn note_stranger(app: &App, id: &ClientId, caller: &Caller) -> Result<(), EndpointError> {
    let guard = Guard::of_strangers(app, id, caller);
    guard.refuse_if_blocked(app).await?;
    guard.note_failure(app, caller).await?;
    Ok(())
}

async fn verify(
    app: &App,
    client: &Client,
    (proof, certificate): (&Proof, Option<&Certificate>),
) -> Result<(), EndpointError> {
    match authentication::verify(client, proof, clients::secret_matches)? {
        Remaining::Nothing => Ok(()),
        Remaining::Assertion(token) => assertion::verify(app, client, token).await,
        Remaining::Certificate => Ok(certificate::verify(app, client, certificate).await?),
    }
}

/// Writes down that somebody could not prove to be this client.
async fn record_failure(
    app: &App,
    client: &ClientId,
    (refusal, caller): (&OAuthError, &Caller),
) -> Result<(), EndpointError> {
    let recorded = format!("client-failures-recorded:{client}");
    if app.ephemeral.increment(&recorded, throttle::WINDOW).await? > AUDITED_PER_CLIENT {
        return Ok(());
    }
    let reason = if refusal.detail.is_empty() { refusal.description } else { &refusal.detail };
    let event = Event::failure("client.authentication_failed", &Actor::Anonymous, app.now())
        .client(client)
        .caller(caller)
        .detail("reason", reason.chars().take(200).collect::<String>());
    audit::write(app, event).await?;
    Ok(())
}

/// The brake on one client from one network, so that a guesser elsewhere cannot stop the client.
struct Guard {
    key: String,
}

impl Guard {
    fn of_client(id: &ClientId, caller: &Caller) -> Self {
        let network = caller.network();
        Self { key: format!("client:{id}:{network}") }
    }

    /// Ids that are not known here share a few thousand counters for each network, since anybody can
    /// invent as many as they like. Which ids share one is nobody's to know.
    fn of_strangers(app: &App, id: &ClientId, caller: &Caller) -> Self {
        let network = caller.network();
        let mac = app.sealer.mac(Purpose::StrangeClient, id.as_str().as_bytes());
        let some: String = mac.chars().take(2).collect();
        Self { key: format!("strange-clients:{some}:{network}") }
    }

    /// Asks the shared counter only where this process has seen a failure, so that a well-behaved
    /// client costs no round trip.
    async fn refuse_if_blocked(&self, app: &App) -> Result<(), EndpointError> {
        if !app.known.has_failed(&self.key) {
            return Ok(());
        }
        if brake::wait(app, std::slice::from_ref(&self.key), "client").await?.is_some() {
            let error = OAuthError::invalid_client(
                "Too many failed attempts; wait a minute before trying again.",
            );
            return Err(error.because("throttled").into());
        }
        Ok(())
    }

    /// Counts a failure and says how many there were in this hour.
    async fn note_failure(&self, app: &App, caller: &Caller) -> Result<i64, EndpointError> {
        app.known.note_failure(&self.key);
        let penalty = brake::note_failure(app, ("client", &self.key, &RULE), caller).await?;
        Ok(penalty.failures)
    }
}
