//! The last step: a code.

use super::decide::Ground;
use super::{AuthorizeError, Outcome, deliver, intake, refuse};
use crate::app::App;
use crate::clock::Seconds;
use crate::crypto::encoding;
use crate::crypto::secret::{self, Secret, SecretHash};
use crate::protocol::authorize::AuthorizeRequest;
use crate::protocol::authorize::acr::Level;
use crate::protocol::client::Client;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::logout::session_state;
use crate::protocol::token::grant::authorization_code::CodePayload;
use crate::protocol::types::GrantId;
use crate::service::authorize::flow::Flow;
use crate::service::session::LiveSession;
use crate::store::ephemeral::codes;

/// How long the payload outlives the code, so that a late replay is still recognised and the
/// tokens of the thief, or of the victim, are killed.
const REPLAY_MEMORY: Seconds = 240;

/// Makes the code: one write to the ephemeral store, none to SQL.
pub(super) async fn code(
    app: &App,
    (client, request): (&Client, &AuthorizeRequest),
    (flow, session, ground): (&Flow, &LiveSession, Ground),
) -> Result<Outcome, AuthorizeError> {
    let lifetime = app.settings().tokens.authorization_code_lifetime;
    let code = Secret::generate();
    let payload = payload(app, (client, request), (session, ground));
    let hash = code.hash();
    let ttl = lifetime + REPLAY_MEMORY;
    if let Err(error) = codes::put_code(&app.ephemeral, hash.as_str(), &payload, ttl).await {
        tracing::warn!(%error, "no code can be issued now");
        let error = OAuthError::new(
            ErrorCode::TemporarilyUnavailable,
            "The provider cannot issue a code at the moment; try again shortly.",
        );
        return refuse(app, (client, &request.reply_to), &error).await;
    }
    // Once there is a code: if none can be stored, the pushed request is still good. Nobody has been told
    // the code yet, so one that stays behind here is worth nothing.
    if !intake::spend(app, flow).await? {
        let error = OAuthError::invalid_request("The pushed request was used before.");
        return refuse(app, (client, &request.reply_to), &error).await;
    }
    app.metrics.authorize_request("success");
    let session_state = session_state(request, session);
    let answer = request.reply_to.success(code.expose(), session_state.as_deref());
    Ok(Outcome::Reply(deliver::reply(app, client, answer).await?))
}

/// By which the app can notice that the person here is another one, or nobody, by now.
fn session_state(request: &AuthorizeRequest, session: &LiveSession) -> Option<String> {
    if !request.scopes.contains("openid") {
        return None;
    }
    let salt = encoding::encode_base64url(&secret::random_bytes::<12>());
    session_state::session_state(
        &request.client_id,
        request.reply_to.redirect_uri(),
        (&session.browser_state(), &salt),
        |text| SecretHash::of(text).as_str().to_owned(),
    )
}

fn payload(
    app: &App,
    (client, request): (&Client, &AuthorizeRequest),
    (session, ground): (&LiveSession, Ground),
) -> CodePayload {
    let now = app.now();
    let acr = match Level::from_name(&session.acr) {
        Some(held) => request.acr.reported(held).as_str().to_owned(),
        None => session.acr.clone(),
    };
    CodePayload {
        grant_id: GrantId::new(secret::new_id(now)),
        client_id: request.client_id.clone(),
        user_id: session.user_id.clone(),
        session_id: session.id.clone(),
        redirect_uri: request.reply_to.redirect_uri().to_owned(),
        scopes: request.scopes.clone(),
        nonce: request.nonce.clone(),
        challenge: request.challenge.clone(),
        auth_time: session.auth_time,
        acr,
        amr: session.amr.clone(),
        details: request.details.clone(),
        organisation: ground.organisation.map(|organisation| organisation.id),
        client_since: Some(client.created_at),
        client_version: client.version(),
        withdrawals: ground.withdrawals,
        expires_at: now.plus(app.settings().tokens.authorization_code_lifetime),
    }
}
