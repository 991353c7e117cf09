//! `GET` and `POST /oauth2/authorize`, and every return to it: load, validate, ask
//! [`interaction::next_step`], and do what it says. Sign-in and consent come back here with the
//! sealed flow; they never call each other.

use std::sync::Arc;

use crate::app::App;
use crate::clock::Seconds;
use crate::crypto::encoding;
use crate::crypto::secret::{self, Secret, SecretHash};
use crate::protocol::authorize::{self, AuthorizeRequest};
use crate::protocol::client::{Client, ConsentPolicy};
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::grant::authorization_code::CodePayload;
use crate::protocol::interaction::{self, SignInReason, Situation, Step};
use crate::protocol::params::Params;
use crate::protocol::reply::{NoReply, Reply, ReplyTo};
use crate::protocol::scope::Scopes;
use crate::protocol::session_state;
use crate::protocol::types::{ClientId, GrantId, UserId};
use crate::service::failure::Failure;
use crate::service::flow::{Flow, Target};
use crate::service::session::LiveSession;
use crate::service::{clients, id_token_hint};
use crate::store::ephemeral::codes;
use crate::store::{consents, users};

/// How long the payload outlives the code, so that a late replay is still recognised and the
/// tokens of the thief, or of the victim, are killed.
const REPLAY_MEMORY: Seconds = 240;

/// What the browser gets.
#[derive(Debug)]
pub enum Outcome {
    /// The answer for the client.
    Reply(Reply),
    /// The sign-in form.
    SignIn(SignInPrompt),
    /// The consent form.
    Consent(ConsentPrompt),
}

/// What the sign-in form shows.
#[derive(Debug)]
pub struct SignInPrompt {
    pub reason: SignInReason,
    pub client: Arc<Client>,
    /// Fills in the name field.
    pub login_hint: Option<String>,
    /// The signed-in person who must confirm that it is them.
    pub confirm: Option<UserId>,
}

/// What the consent form shows.
#[derive(Debug)]
pub struct ConsentPrompt {
    pub client: Arc<Client>,
    /// Every requested scope.
    pub scopes: Scopes,
    /// Those not granted before.
    pub new: Scopes,
    pub redirect_uri: String,
    /// The account that is about to be shared: name to show.
    pub account: String,
}

/// Errors that can only be a page: there is no verified place to send them to (RFC 6749 section
/// 4.1.2.1).
#[derive(Debug, thiserror::Error)]
pub enum AuthorizeError {
    #[error("client_id is missing or sent more than once")]
    ClientIdMissing,
    #[error("no app with this client_id is registered here")]
    UnknownClient,
    #[error("this app is disabled")]
    DisabledClient,
    #[error("{error}")]
    NoReply { error: NoReply, client_name: String },
    #[error("the request has too many parameters")]
    TooManyParameters,
    #[error("this sign-in does not belong to an app")]
    NotAnApp,
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// A request whose client and destination are verified.
pub(crate) struct Verified {
    pub client: Arc<Client>,
    pub reply_to: ReplyTo,
    pub request: Result<AuthorizeRequest, OAuthError>,
}

/// Loads the client, verifies the destination, validates the rest.
pub(crate) async fn verify(app: &App, params: &Params) -> Result<Verified, AuthorizeError> {
    let id = params.get("client_id").ok().flatten().ok_or(AuthorizeError::ClientIdMissing)?;
    let client =
        clients::find(app, &ClientId::new(id)).await?.ok_or(AuthorizeError::UnknownClient)?;
    if client.disabled_at.is_some() {
        return Err(AuthorizeError::DisabledClient);
    }
    let reply_to = ReplyTo::from_request(&client, params, app.issuer()).map_err(|error| {
        AuthorizeError::NoReply { error, client_name: client.metadata.client_name.clone() }
    })?;
    let request = authorize::validate(&client, params, reply_to.clone());
    Ok(Verified { client, reply_to, request })
}

/// Takes the flow as far as it goes without the person.
///
/// # Errors
/// [`AuthorizeError`]; everything else travels to the client inside [`Outcome::Reply`].
pub async fn advance(
    app: &App,
    flow: &Flow,
    session: Option<&LiveSession>,
) -> Result<Outcome, AuthorizeError> {
    let Verified { client, reply_to, request } = verify_flow(app, flow).await?;
    let request = match request {
        Ok(request) => request,
        Err(error) => return Ok(refuse(app, &reply_to, &error)),
    };
    match (decide(app, (flow, session), (&client, &request)).await?, session) {
        (Step::Refuse(error), _) => Ok(refuse(app, &reply_to, &error)),
        (Step::Issue, Some(session)) => issue(app, &request, session).await,
        (Step::Consent { new }, Some(session)) => {
            ask_consent(app, (&client, request), (new, session)).await
        }
        (Step::SignIn(reason), _) => {
            Ok(Outcome::SignIn(sign_in_prompt(client, request, (reason, session))))
        }
        (Step::Issue | Step::Consent { .. }, None) => {
            let reason = (SignInReason::NoSession, None);
            Ok(Outcome::SignIn(sign_in_prompt(client, request, reason)))
        }
    }
}

/// What the sign-in form of a flow says, for showing it again. Unlike [`advance`] it issues nothing;
/// `None` when the flow needs no form any more.
///
/// # Errors
/// [`AuthorizeError`].
pub async fn sign_in_again(
    app: &App,
    flow: &Flow,
    session: Option<&LiveSession>,
) -> Result<Option<SignInPrompt>, AuthorizeError> {
    let Verified { client, request, .. } = verify_flow(app, flow).await?;
    let Ok(request) = request else { return Ok(None) };
    match decide(app, (flow, session), (&client, &request)).await? {
        Step::SignIn(reason) => Ok(Some(sign_in_prompt(client, request, (reason, session)))),
        _ => Ok(None),
    }
}

async fn verify_flow(app: &App, flow: &Flow) -> Result<Verified, AuthorizeError> {
    let Target::Authorize { params } = &flow.target else { return Err(AuthorizeError::NotAnApp) };
    let params = Params::parse(params.as_bytes()).map_err(|_| AuthorizeError::TooManyParameters)?;
    verify(app, &params).await
}

async fn decide(
    app: &App,
    (flow, session): (&Flow, Option<&LiveSession>),
    (client, request): (&Client, &AuthorizeRequest),
) -> Result<Step, AuthorizeError> {
    let hinted = match hinted_user(app, request) {
        Ok(hinted) => hinted,
        Err(error) => return Ok(Step::Refuse(error)),
    };
    // An app of the organisation's own never asks, so there is nothing to look up for it.
    let asks = client.metadata.consent == ConsentPolicy::Ask;
    let consent = match session.filter(|_| asks) {
        Some(session) => consents::get(&app.store.db, &session.user_id, &client.id)
            .await
            .map_err(Failure::from)?
            .map(|consent| consent.scopes),
        None => None,
    };
    let facts = session.map(LiveSession::facts);
    Ok(interaction::next_step(&Situation {
        request,
        client,
        session: facts.as_ref(),
        hinted: hinted.as_ref(),
        consent: consent.as_ref(),
        progress: flow.progress,
        now: app.now(),
    }))
}

/// The person said no (OpenID Connect Core section 3.1.2.6).
#[must_use]
pub fn access_denied() -> OAuthError {
    OAuthError::new(ErrorCode::AccessDenied, "The person did not allow the request.")
}

/// Writes an error for the client and notes it.
pub(crate) fn refuse(app: &App, reply_to: &ReplyTo, error: &OAuthError) -> Outcome {
    tracing::info!(code = error.code.as_str(), detail = %error.detail, "authorization refused");
    app.metrics.authorize_request(error.code.as_str());
    Outcome::Reply(reply_to.error(error))
}

fn sign_in_prompt(
    client: Arc<Client>,
    request: AuthorizeRequest,
    (reason, session): (SignInReason, Option<&LiveSession>),
) -> SignInPrompt {
    let confirm = match reason {
        SignInReason::PromptLogin | SignInReason::MaxAge => session.map(|s| s.user_id.clone()),
        SignInReason::NoSession | SignInReason::SelectAccount | SignInReason::AnotherPerson => None,
    };
    SignInPrompt { reason, client, login_hint: request.login_hint, confirm }
}

async fn ask_consent(
    app: &App,
    (client, request): (&Arc<Client>, AuthorizeRequest),
    (new, session): (Scopes, &LiveSession),
) -> Result<Outcome, AuthorizeError> {
    let user = users::by_id(&app.store.db, &session.user_id).await.map_err(Failure::from)?;
    let account = user.map(|u| u.email.or(u.name).unwrap_or(u.username)).unwrap_or_default();
    Ok(Outcome::Consent(ConsentPrompt {
        client: Arc::clone(client),
        redirect_uri: request.reply_to.redirect_uri().to_owned(),
        scopes: request.scopes,
        new,
        account,
    }))
}

/// The person an `id_token_hint` speaks of; expired hints count (OpenID Connect Core 3.1.2.1).
fn hinted_user(app: &App, request: &AuthorizeRequest) -> Result<Option<UserId>, OAuthError> {
    let Some(token) = &request.id_token_hint else { return Ok(None) };
    let hint = id_token_hint::read(app, token).ok_or_else(|| {
        OAuthError::invalid_request("id_token_hint is not an ID token of this provider.")
    })?;
    Ok(Some(hint.user_id))
}

/// Makes the code: one write to the ephemeral store, none to SQL.
async fn issue(
    app: &App,
    request: &AuthorizeRequest,
    session: &LiveSession,
) -> Result<Outcome, AuthorizeError> {
    let now = app.now();
    let lifetime = app.config.tokens.authorization_code_lifetime;
    let code = Secret::generate();
    let payload = CodePayload {
        grant_id: GrantId::new(secret::new_id(now)),
        client_id: request.client_id.clone(),
        user_id: session.user_id.clone(),
        session_id: session.id.clone(),
        redirect_uri: request.reply_to.redirect_uri().to_owned(),
        scopes: request.scopes.clone(),
        nonce: request.nonce.clone(),
        challenge: request.challenge.clone(),
        auth_time: session.auth_time,
        acr: session.acr.clone(),
        amr: session.amr.clone(),
        details: request.details.clone(),
        expires_at: now.plus(lifetime),
    };
    let hash = code.hash();
    let ttl = lifetime + REPLAY_MEMORY;
    if let Err(error) = codes::put_code(&app.ephemeral, hash.as_str(), &payload, ttl).await {
        tracing::warn!(%error, "no code can be issued now");
        let error = OAuthError::new(
            ErrorCode::TemporarilyUnavailable,
            "The provider cannot issue a code at the moment; try again shortly.",
        );
        return Ok(refuse(app, &request.reply_to, &error));
    }
    app.metrics.authorize_request("success");
    let session_state = session_state(request, session);
    Ok(Outcome::Reply(request.reply_to.success(code.expose(), session_state.as_deref())))
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
