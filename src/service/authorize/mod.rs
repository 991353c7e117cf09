//! `GET` and `POST /oauth2/authorize`, and every return to it: load, validate, ask
//! [`interaction::next_step`], and do what it says. Sign-in and consent come back here with the
//! sealed flow; they never call each other.

pub mod consent;
mod decide;
mod deliver;
pub mod device;
pub mod flow;
pub mod id_token_hint;
mod intake;
mod issue;
pub mod par;
pub mod refusals;
pub(in crate::service) mod request_object;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use decide::Decided;
pub use decide::session_for;
pub(in crate::service) use intake::PushedRequest;
pub use intake::{Begun, begin};
pub use refusals::Refused;

use crate::app::App;
use crate::protocol::authorize::reply::{NoReply, Reply, ReplyTo};
use crate::protocol::authorize::{self, AuthorizeRequest, Choices, PushedRequests};
use crate::protocol::client::Client;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::fapi;
use crate::protocol::interaction::{self, SignInReason, Step};
use crate::protocol::params::Params;
use crate::protocol::scope::Scopes;
use crate::protocol::sign_up::SignUp;
use crate::protocol::types::{ClientId, UserId};
use crate::service::authorize::flow::{Flow, Target};
use crate::service::clients::metadata_document::{self, DocumentError};
use crate::service::clients::trial::{self, Endpoint};
use crate::service::failure::Failure;
use crate::service::organisations::active;
use crate::service::session::LiveSession;
use crate::store::organisations::Organisation;
use crate::store::users;

/// What the browser gets.
#[derive(Debug)]
pub enum Outcome {
    /// The answer for the client.
    Reply(Reply),
    /// The answer is no. Note it where it is given ([`refusals::note_reply`]).
    Refused(Box<Refused>),
    /// The form for a new account.
    SignUp(SignUpPrompt),
    /// The accounts of this browser to choose from, on the way to this app.
    ChooseAccount(Arc<Client>),
    /// The sign-in form.
    SignIn(SignInPrompt),
    /// The consent form.
    Consent(ConsentPrompt),
    /// The organisations to choose from.
    ChooseOrganisation(OrganisationPrompt),
    /// "You may not use this app."
    ShutOut(ShutOut),
}

/// What the page shows that asks for which organisation somebody acts.
#[derive(Debug)]
pub struct OrganisationPrompt {
    pub client: Arc<Client>,
    /// Those the person is in, by name.
    pub organisations: Vec<Organisation>,
}

/// Somebody may not use an app. Note it where they hear of it ([`access::note_refusal`]).
#[derive(Debug)]
pub struct ShutOut {
    pub client: Arc<Client>,
    pub user: UserId,
    pub answer: ShutOutAnswer,
}

/// How it is said.
#[derive(Debug)]
pub enum ShutOutAnswer {
    /// By a page that shows this name of the account.
    Page { account: String },
    /// By the error for the client, which wants no page.
    Silent(Reply),
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
    /// Whether the person may make an account instead.
    pub sign_up: SignUp,
}

/// What the form for a new account shows.
#[derive(Debug)]
pub struct SignUpPrompt {
    pub client: Arc<Client>,
    /// Fills in the name or address field.
    pub login_hint: Option<String>,
}

/// What the consent form shows.
#[derive(Debug)]
pub struct ConsentPrompt {
    pub client: Arc<Client>,
    /// Every requested scope.
    pub scopes: Scopes,
    /// Claims asked for by name that none of the scopes gives.
    pub claims: BTreeSet<String>,
    /// What the app wants to do in detail (RFC 9396), as it was sent.
    pub authorization_details: Vec<Value>,
    pub redirect_uri: String,
    /// All of this in short: the answer counts for what [`Flow::listed`] says was shown.
    pub listed: String,
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
    /// The `client_id` is the URL of a document that cannot be used; the text may be shown.
    #[error("{0}")]
    Document(String),
    #[error("this app is disabled")]
    DisabledClient,
    #[error("{error}")]
    NoReply { error: NoReply, client_name: String },
    /// There is a place for the answer, and no way to put it into the form the client wants.
    #[error("{0}")]
    Undeliverable(&'static str),
    /// What `request` or `request_uri` stands for cannot be read, or the request is wrong, and nothing
    /// says where to send the error in a form that the client takes.
    #[error("{0}")]
    Unreadable(OAuthError),
    #[error("the request has too many parameters")]
    TooManyParameters,
    #[error("this sign-in does not belong to an app")]
    NotAnApp,
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<DocumentError> for AuthorizeError {
    fn from(error: DocumentError) -> Self {
        match error {
            DocumentError::Unusable(problem) => Self::Document(problem),
            DocumentError::Failure(failure) => Self::Failure(failure),
        }
    }
}

/// A request whose client and destination are verified.
pub(crate) struct Verified {
    pub client: Arc<Client>,
    pub reply_to: ReplyTo,
    pub request: Result<AuthorizeRequest, OAuthError>,
}

/// The client of a request, which must be known and enabled.
async fn client_of(app: &App, params: &Params) -> Result<Arc<Client>, AuthorizeError> {
    let id = params.get("client_id").ok().flatten().ok_or(AuthorizeError::ClientIdMissing)?;
    let client = metadata_document::resolve(app, &ClientId::new(id)).await?;
    let client = client.ok_or(AuthorizeError::UnknownClient)?;
    if client.disabled_at.is_some() {
        return Err(AuthorizeError::DisabledClient);
    }
    Ok(client)
}

/// Which way requests have to come at this server.
#[must_use]
pub fn pushed_requests(app: &App) -> PushedRequests {
    if app.config.authorization.require_pushed_requests {
        PushedRequests::Required
    } else {
        PushedRequests::Offered
    }
}

/// What requests may ask of this server.
#[must_use]
pub fn choices(app: &App) -> Choices<'_> {
    Choices {
        detail_types: &app.config.authorization.detail_types,
        sign_up: app.settings().sign_up.mode,
    }
}

/// Loads the client, verifies the destination, validates the rest.
pub(crate) async fn verify(app: &App, flow: &Flow) -> Result<Verified, AuthorizeError> {
    let Target::Authorize { params, arrival } = &flow.target else {
        return Err(AuthorizeError::NotAnApp);
    };
    let params = Params::parse(params.as_bytes()).map_err(|_| AuthorizeError::TooManyParameters)?;
    let client = client_of(app, &params).await?;
    let reply_to = match ReplyTo::from_request(&client, &params, app.issuer()) {
        Ok(reply_to) => reply_to,
        Err(error) => {
            trial::note_no_reply(app, &client, &error).await;
            let client_name = client.metadata.client_name.clone();
            return Err(AuthorizeError::NoReply { error, client_name });
        }
    };
    let request = arrival
        .check(&client, pushed_requests(app))
        .and_then(|()| authorize::validate(&client, &params, reply_to.clone(), choices(app)));
    if let Err(error) = &request
        && !fapi::may_be_answered(&client, &params)
    {
        trial::note_refusal(app, &client, (Endpoint::Authorization, error)).await;
        return Err(AuthorizeError::Unreadable(error.clone()));
    }
    Ok(Verified { client, reply_to, request })
}

/// Takes the flow as far as it goes without the person.
///
/// # Errors
/// [`AuthorizeError`]; everything else travels to the client inside [`Outcome::Refused`].
pub async fn advance(
    app: &App,
    flow: &Flow,
    session: Option<&LiveSession>,
) -> Result<Outcome, AuthorizeError> {
    let verified = verify(app, flow).await?;
    go_on(app, (flow, session), verified).await
}

/// [`advance`] for a request that was verified just now. What is decided about it is decided about
/// this very reading of it, whatever the client's registration becomes meanwhile.
pub(crate) async fn go_on(
    app: &App,
    (flow, session): (&Flow, Option<&LiveSession>),
    verified: Verified,
) -> Result<Outcome, AuthorizeError> {
    let Verified { client, reply_to, request } = verified;
    let request = match request {
        Ok(request) => request,
        Err(error) => return refuse(app, (&client, &reply_to), &error).await,
    };
    let Decided { step, ground } =
        decide::next_step(app, (flow, session), (&client, &request)).await?;
    match (step, session) {
        (Step::Refuse(error), Some(session)) if error == interaction::shut_out() => {
            let Refused { reply, .. } = refusal(app, (&client, &reply_to), &error).await?;
            let (user, answer) = (session.user_id.clone(), ShutOutAnswer::Silent(reply));
            Ok(Outcome::ShutOut(ShutOut { client, user, answer }))
        }
        (Step::Refuse(error), _) => refuse(app, (&client, &reply_to), &error).await,
        (Step::ShutOut, Some(session)) => {
            let account = account_of(app, session).await?;
            let (user, answer) = (session.user_id.clone(), ShutOutAnswer::Page { account });
            Ok(Outcome::ShutOut(ShutOut { client, user, answer }))
        }
        (Step::Issue, Some(session)) => {
            issue::code(app, (&client, &request), (flow, session, ground)).await
        }
        (Step::Consent(_), Some(session)) => ask_consent(app, (&client, request), session).await,
        (Step::SignUp, _) => {
            Ok(Outcome::SignUp(SignUpPrompt { client, login_hint: request.login_hint }))
        }
        (Step::ChooseAccount, _) => Ok(Outcome::ChooseAccount(client)),
        (Step::SignIn(reason), _) => {
            Ok(Outcome::SignIn(sign_in_prompt(app, (client, request), (reason, session))))
        }
        (Step::StepUp(level), _) => {
            let reason = (SignInReason::StepUp(level), session);
            Ok(Outcome::SignIn(sign_in_prompt(app, (client, request), reason)))
        }
        (Step::ChooseOrganisation, Some(session)) => {
            let (all, _) = active::choices(app, session).await?;
            Ok(Outcome::ChooseOrganisation(OrganisationPrompt { client, organisations: all }))
        }
        (Step::Issue | Step::Consent(_) | Step::ShutOut | Step::ChooseOrganisation, None) => {
            let reason = (SignInReason::NoSession, None);
            Ok(Outcome::SignIn(sign_in_prompt(app, (client, request), reason)))
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
    let Verified { client, request, .. } = verify(app, flow).await?;
    let Ok(request) = request else { return Ok(None) };
    match decide::next_step(app, (flow, session), (&client, &request)).await?.step {
        Step::SignIn(reason) => Ok(Some(sign_in_prompt(app, (client, request), (reason, session)))),
        Step::StepUp(level) => {
            let reason = (SignInReason::StepUp(level), session);
            Ok(Some(sign_in_prompt(app, (client, request), reason)))
        }
        _ => Ok(None),
    }
}

/// The app that a flow leads to, for showing a form of the flow again; `None` for a flow to a page of
/// our own.
///
/// # Errors
/// [`AuthorizeError`].
pub async fn app_of(app: &App, flow: &Flow) -> Result<Option<Arc<Client>>, AuthorizeError> {
    match verify(app, flow).await {
        Ok(verified) => Ok(Some(verified.client)),
        Err(AuthorizeError::NotAnApp) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The person said no (OpenID Connect Core section 3.1.2.6).
pub(crate) fn denied() -> OAuthError {
    OAuthError::new(ErrorCode::AccessDenied, "The person did not allow the request.")
}

/// Answers with a no that is final.
///
/// # Errors
/// [`AuthorizeError`].
pub(crate) async fn deny(
    app: &App,
    (flow, error): (&Flow, &OAuthError),
    (client, reply_to): (&Client, &ReplyTo),
) -> Result<Outcome, AuthorizeError> {
    // That is an answer, too: what was pushed is used up by it.
    intake::spend(app, flow).await?;
    refuse(app, (client, reply_to), error).await
}

/// Writes an error for the client and notes it.
///
/// # Errors
/// [`AuthorizeError`] when the answer has to be signed and cannot be.
pub(crate) async fn refuse(
    app: &App,
    to: (&Client, &ReplyTo),
    error: &OAuthError,
) -> Result<Outcome, AuthorizeError> {
    Ok(Outcome::Refused(Box::new(refusal(app, to, error).await?)))
}

async fn refusal(
    app: &App,
    (client, reply_to): (&Client, &ReplyTo),
    error: &OAuthError,
) -> Result<Refused, AuthorizeError> {
    tracing::info!(
        event = "authorization.refused",
        outcome = "failure",
        client_id = client.id.as_str(),
        code = error.code.as_str(),
        detail = %error.detail,
        "authorization refused"
    );
    app.metrics.authorize_request(error.code.as_str());
    trial::note_refusal(app, client, (Endpoint::Authorization, error)).await;
    let reply = deliver::reply(app, client, reply_to.error(error)).await?;
    Ok(Refused { reply, client: client.id.clone(), error: error.clone() })
}

fn sign_in_prompt(
    app: &App,
    (client, request): (Arc<Client>, AuthorizeRequest),
    (reason, session): (SignInReason, Option<&LiveSession>),
) -> SignInPrompt {
    let confirm = match reason {
        SignInReason::PromptLogin | SignInReason::MaxAge | SignInReason::StepUp(_) => {
            session.map(|session| session.user_id.clone())
        }
        SignInReason::NoSession | SignInReason::SelectAccount | SignInReason::AnotherPerson => None,
    };
    // Where the app expects a person it knows, a new one is no answer.
    let takes_anybody =
        request.id_token_hint.is_none() && request.details.claims.subjects().is_none();
    let sign_up = match reason {
        SignInReason::NoSession | SignInReason::SelectAccount if takes_anybody => {
            app.settings().sign_up.mode
        }
        _ => SignUp::Off,
    };
    SignInPrompt { reason, client, login_hint: request.login_hint, confirm, sign_up }
}

async fn ask_consent(
    app: &App,
    (client, request): (&Arc<Client>, AuthorizeRequest),
    session: &LiveSession,
) -> Result<Outcome, AuthorizeError> {
    let account = account_of(app, session).await?;
    Ok(Outcome::Consent(ConsentPrompt {
        client: Arc::clone(client),
        listed: consent::listed(client, &request),
        redirect_uri: request.reply_to.redirect_uri().to_owned(),
        claims: request.details.claims.beyond(&request.scopes),
        authorization_details: request.details.authorization_details,
        scopes: request.scopes,
        account,
    }))
}

/// The name to show of the account that a session is of.
async fn account_of(app: &App, session: &LiveSession) -> Result<String, Failure> {
    let user = users::by_id(&app.store.db, &session.user_id).await?;
    Ok(user.map(|u| u.email.or(u.name).unwrap_or(u.username)).unwrap_or_default())
}
