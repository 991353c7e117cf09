//! What an app would be told of somebody who signs in to it now: the claims of its tokens and of
//! userinfo, made by the code that issues them. Nothing is signed, stored or issued; that an administrator
//! has looked at somebody like this is noted.

use serde_json::{Map, Value};

use super::issue::{self, AccessTokenSeed};
use super::request::Basis;
use super::subject;
use crate::app::App;
use crate::crypto::secret;
use crate::protocol::authorize::acr::Level;
use crate::protocol::authorize::allowed_scopes;
use crate::protocol::authorize::claims_request::ClaimsRequest;
use crate::protocol::client::{Client, ClientKind};
use crate::protocol::scope::Scopes;
use crate::protocol::token::claims;
use crate::protocol::token::grant::details::GrantDetails;
use crate::protocol::types::{GrantId, SessionId};
use crate::protocol::user::User;
use crate::service::audit::{self, Actor, Event};
use crate::service::failure::Failure;
use crate::service::people::{self, PeopleError};
use crate::store::grants::Grant;

type Claims = Map<String, Value>;

/// What would be told.
#[derive(Debug)]
pub struct Preview {
    /// `None` without the scope `openid`.
    pub id_token: Option<Claims>,
    /// In the token, or told by introspection if it is opaque.
    pub access_token: Claims,
    /// `None` where userinfo refuses such a token: without `openid`, or when it is for other services.
    pub userinfo: Option<Claims>,
}

/// Why there is nothing to show.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    #[error("nobody has this username or e-mail address")]
    NoPerson,
    #[error("this account is disabled, so no app is told anything about it")]
    Disabled,
    #[error("nobody signs in to this app: it acts for itself")]
    Machine,
    #[error("choose at least one scope that this app may ask for")]
    NoScope,
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// What is asked for where nobody says: as far as the app may have it.
const USUAL: [&str; 3] = ["openid", "profile", "email"];

/// The usual scopes, as far as this app may ask for them.
#[must_use]
pub fn usual(client: &Client) -> Scopes {
    Scopes::from_tokens(USUAL.into_iter().filter(|name| client.metadata.scope.contains(name)))
}

/// What the app would be told of this person (by id, username or e-mail address) for these scopes.
///
/// # Errors
/// [`PreviewError`].
pub async fn preview(
    app: &App,
    (client, scopes): (&Client, &Scopes),
    person: &str,
    actor: &Actor,
) -> Result<Preview, PreviewError> {
    if client.metadata.kind == ClientKind::Machine {
        return Err(PreviewError::Machine);
    }
    let user = match people::find(app, person).await {
        Ok(user) => user,
        Err(PeopleError::Failure(failure)) => return Err(failure.into()),
        Err(_) => return Err(PreviewError::NoPerson),
    };
    if user.disabled_at.is_some() {
        return Err(PreviewError::Disabled);
    }
    let scopes = allowed_scopes(client, scopes);
    if scopes.is_empty() {
        return Err(PreviewError::NoScope);
    }
    let event = Event::success("client.previewed", actor, app.now())
        .client(&client.id)
        .user(&user.id)
        .detail("scope", scopes.to_string());
    audit::write(app, event).await?;
    Ok(rehearse(app, client, (&user, scopes))?)
}

fn rehearse(
    app: &App,
    client: &Client,
    (user, scopes): (&User, Scopes),
) -> Result<Preview, Failure> {
    let grant = grant(app, client, (user, scopes));
    let basis = Basis::rehearsed(client, (user, &grant));
    let seed = AccessTokenSeed::new(client, app.now());
    let access = issue::access_token_claims(app, &basis, &seed)?;
    let openid = grant.scopes.contains("openid");
    let id_token = if openid { issue::id_token_claims(app, &basis, (None, None))? } else { None };
    let asked = ClaimsRequest::default().userinfo;
    let subject = subject::sub(app, client, &user.id)?;
    let userinfo = || claims::userinfo((user, client), &subject, (&grant.scopes, &asked), None);
    let userinfo = (openid && access.is_for_provider(app.issuer())).then(userinfo);
    let access_token = match serde_json::to_value(&access)? {
        Value::Object(members) => members,
        _ => Claims::new(),
    };
    Ok(Preview { id_token, access_token, userinfo })
}

/// A sign-in with a password, in this moment.
fn grant(app: &App, client: &Client, (user, scopes): (&User, Scopes)) -> Grant {
    let now = app.now();
    Grant {
        id: GrantId::new(secret::new_id(now)),
        user_id: user.id.clone(),
        client_id: client.id.clone(),
        session_id: Some(SessionId::new(secret::new_id(now))),
        offline: scopes.contains("offline_access"),
        scopes,
        auth_time: now,
        acr: Level::Aal1.as_str().to_owned(),
        amr: vec!["pwd".to_owned()],
        details: GrantDetails::default(),
        organisation: None,
        created_at: now,
        expires_at: now,
        revoked_at: None,
    }
}
