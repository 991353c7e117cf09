//! RP-Initiated Logout 1.0, and signing out at Doorward itself.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::clock::UnixTime;
use crate::crypto::seal::Purpose;
use crate::protocol::client::{Client, ClientOrigin};
use crate::protocol::error::OAuthError;
use crate::protocol::logout::frontchannel::Frame;
use crate::protocol::logout::{self, AfterLogout, Confirmation, EndSessionRequest, Hint};
use crate::protocol::params::Params;
use crate::protocol::types::{ClientId, SessionId, UserId};
use crate::service::audit::{Actor, Caller};
use crate::service::authorize::{flow, id_token_hint};
use crate::service::clients;
use crate::service::failure::Failure;
use crate::service::session::accounts::Accounts;
use crate::service::session::{self, LiveSession, outlived};
use crate::service::token::subject;
use crate::store::grants;
use crate::store::sessions::{Session, session_clients};

/// What a logout request leads to.
#[derive(Debug)]
pub enum Plan {
    /// Ask first; `flow` goes into the form.
    Ask { flow: String, apps: Vec<String>, client_name: Option<String> },
    /// End the session now, then go on.
    EndNow { then: Next },
    /// Nobody is signed in here: go on at once.
    AlreadyOut { then: Next },
}

/// Where the browser goes after the session has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Next {
    /// A registered place of the client; `None` shows our own "signed out" page.
    pub redirect: Option<AfterLogout>,
    /// The app to name on our own page.
    pub client_name: Option<String>,
    pub client_uri: Option<String>,
}

/// Why a logout request cannot be followed; always shown as a page.
#[derive(Debug, thiserror::Error)]
pub enum LogoutError {
    #[error("{0}")]
    Refused(&'static str),
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<OAuthError> for LogoutError {
    fn from(error: OAuthError) -> Self {
        Self::Refused(error.description)
    }
}

/// The session of this browser that a logout request is about: the one its hint is of, else the
/// active one, else any that is left.
#[must_use]
pub fn spoken_of<'a>(
    app: &App,
    params: &Params,
    accounts: &'a Accounts,
) -> Option<&'a LiveSession> {
    let hint = params.sole("id_token_hint").and_then(|token| id_token_hint::read(app, token));
    let hinted = accounts.all().find(|session| {
        let facts = (&session.id, &session.user_id);
        logout::confirmation(hint.as_ref(), facts) == Confirmation::NotNeeded
    });
    hinted.or(accounts.all().next())
}

/// Decides what a logout request leads to. Changes nothing.
///
/// # Errors
/// [`LogoutError`].
pub async fn plan(
    app: &App,
    params: &Params,
    session: Option<&LiveSession>,
) -> Result<Plan, LogoutError> {
    let request = EndSessionRequest::read(params)?;
    let hint = match &request.id_token_hint {
        None => None,
        Some(token) => Some(id_token_hint::read(app, token).ok_or(LogoutError::Refused(
            "The id_token_hint is not an ID token of this provider.",
        ))?),
    };
    let client = client_of(app, &request, hint.as_ref()).await?;
    let redirect =
        AfterLogout::from_request(client.as_deref(), &request).map_err(LogoutError::Refused)?;
    let then = Next {
        redirect,
        client_name: client.as_ref().map(|c| c.metadata.client_name.clone()),
        client_uri: client.as_ref().and_then(|c| c.metadata.client_uri.clone()),
    };
    let Some(session) = session else { return Ok(Plan::AlreadyOut { then }) };
    match logout::confirmation(hint.as_ref(), (&session.id, &session.user_id)) {
        Confirmation::NotNeeded => Ok(Plan::EndNow { then }),
        Confirmation::Needed => {
            let client_name = then.client_name.clone();
            let asked = Asked { then, at: app.now() };
            let asked = serde_json::to_vec(&asked).map_err(Failure::from)?;
            Ok(Plan::Ask {
                flow: app.sealer.seal(Purpose::Flow, &asked),
                apps: app_names(app, session).await?,
                client_name,
            })
        }
    }
}

/// What the confirmation form carries, sealed.
#[derive(Debug, Serialize, Deserialize)]
struct Asked {
    then: Next,
    at: UnixTime,
}

/// The continuation that [`plan`] put into the confirmation form, as long as a form is good: the place
/// may not be the app's any more some time later.
#[must_use]
pub fn open_next(app: &App, sealed: &str) -> Option<Next> {
    let asked: Asked = serde_json::from_slice(&app.sealer.open(Purpose::Flow, sealed)?).ok()?;
    (app.now().since(asked.at) <= flow::LIFETIME).then_some(asked.then)
}

/// The names of the apps that a session signed in to.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn app_names(app: &App, session: &LiveSession) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for id in apps(app, session).await? {
        if let Some(client) = clients::find(app, &id).await? {
            names.push(client.metadata.client_name.clone());
        }
    }
    Ok(names)
}

/// The apps that a session signed in to.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn apps(app: &App, session: &LiveSession) -> Result<Vec<ClientId>, Failure> {
    Ok(grants::clients_of_session(&app.store.db, &session.id).await?)
}

/// Ends the session of this browser and gives the pages of apps that the browser must load now.
///
/// # Errors
/// [`Failure`] when SQL does not take it: the person is still signed in and must be told.
pub async fn end(app: &App, session: &LiveSession, caller: &Caller) -> Result<Vec<Frame>, Failure> {
    let actor = Actor::User(session.user_id.clone());
    session::end(app, session, (&actor, caller)).await?;
    Ok(frames_after(app, session).await)
}

/// Ends the session that the hint of a request is of, if nobody can use it any more: it was left alone for too
/// long or has reached its end, and apps may still have refresh tokens that end with it and want to know.
/// One that is alive is ended by the browser that has it.
///
/// # Errors
/// [`Failure`] when SQL does not take it.
pub async fn end_lapsed(
    app: &App,
    params: &Params,
    caller: &Caller,
) -> Result<Vec<Frame>, Failure> {
    let hint = params.sole("id_token_hint").and_then(|token| id_token_hint::read(app, token));
    let Some((user, id)) = hint.and_then(|hint| Some((hint.user_id, hint.session_id?))) else {
        return Ok(Vec::new());
    };
    let now = app.now();
    let is_lapsed = |session: &Session| {
        session.user_id == user && session.revoked_at.is_none() && !session.is_live(now)
    };
    match session::find(app, &id).await? {
        Some(lapsed) if is_lapsed(&lapsed) => end(app, &LiveSession::of(lapsed, now), caller).await,
        Some(_) => Ok(Vec::new()),
        None => end_outlived(app, (&id, &user), caller).await,
    }
}

/// The row of a session goes when its absolute limit is reached.
async fn end_outlived(
    app: &App,
    (id, user): (&SessionId, &UserId),
    caller: &Caller,
) -> Result<Vec<Frame>, Failure> {
    if outlived::owner(app, id).await?.as_ref() != Some(user) {
        return Ok(Vec::new());
    }
    let tx = app.store.begin().await?;
    let who = (&Actor::User(user.clone()), caller);
    let apps = outlived::end(app, tx, (id, user), who).await?;
    Ok(told_of(frames_of(app, id, apps).await))
}

/// The pages of apps that the browser of a session that has just ended must load now.
pub async fn frames_after(app: &App, session: &LiveSession) -> Vec<Frame> {
    told_of(frames(app, session).await)
}

/// The session has ended whatever happened since, so nobody is told that it has not.
fn told_of(frames: Result<Vec<Frame>, Failure>) -> Vec<Frame> {
    frames.unwrap_or_else(|error| {
        tracing::warn!(%error, "the apps' sign-out pages are left out");
        Vec::new()
    })
}

/// The sign-out pages of the apps that a session signed in to (Front-Channel Logout section 3).
async fn frames(app: &App, session: &LiveSession) -> Result<Vec<Frame>, Failure> {
    let apps = session_clients::of_session(&app.store.db, &session.id).await?;
    frames_of(app, &session.id, apps).await
}

async fn frames_of(
    app: &App,
    session: &SessionId,
    apps: Vec<ClientId>,
) -> Result<Vec<Frame>, Failure> {
    let mut frames = Vec::new();
    for id in apps {
        let client = clients::find(app, &id).await?.filter(|client| client.disabled_at.is_none());
        let Some(client) = client else { continue };
        let sid = subject::sid(app, &client, session)?;
        frames.extend(Frame::of_client(&client, app.issuer(), &sid));
    }
    Ok(frames)
}

/// The client the request speaks for: the hint's audience, which must agree with `client_id`.
async fn client_of(
    app: &App,
    request: &EndSessionRequest,
    hint: Option<&Hint>,
) -> Result<Option<Arc<Client>>, LogoutError> {
    let named = request.client_id.as_ref();
    if let (Some(hint), Some(named)) = (hint, named)
        && hint.client_id != *named
    {
        return Err(LogoutError::Refused("client_id and id_token_hint name different apps."));
    }
    let Some(id) = hint.map(|hint| &hint.client_id).or(named) else { return Ok(None) };
    let documents = app.config.registration.metadata_documents;
    let works = |client: &Arc<Client>| {
        client.disabled_at.is_none() && (documents || client.origin != ClientOrigin::Document)
    };
    let client = clients::find(app, id).await?.filter(works);
    match client {
        Some(client) => Ok(Some(client)),
        None => Err(LogoutError::Refused("No app with this client_id is registered here.")),
    }
}
