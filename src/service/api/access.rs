//! Who calls an interface for administrators' programs: the REST API today. There are two ways in.
//!
//! - An API key of a person: counts while the key works, the person is not disabled and may use the
//!   console. The role is the person's own at this moment.
//! - An access token of a service (RFC 6749 section 4.4) for this audience, with scopes that an
//!   administrator has allowed the client. A service is an operator: whoever may give clients scopes is
//!   one, so nobody gains anything by making a client.
//!
//! Cookies play no part, so no browser can be made to call in somebody's name. What this lets in the
//! services ask again inside the transaction of each change (`service::people::authority`).

use std::collections::BTreeSet;

use crate::app::App;
use crate::clock::Seconds;
use crate::crypto::secret::SecretHash;
use crate::protocol::api::{self, ApiScope, KEY_PREFIX};
use crate::protocol::error::OAuthError;
use crate::protocol::rights::{Right, Role, Standing};
use crate::protocol::scope::Scopes;
use crate::protocol::token::sender_constraint::Scheme;
use crate::protocol::types::UserId;
use crate::protocol::user::User;
use crate::service::audit::{Actor, Caller};
use crate::service::brake;
use crate::service::clients;
use crate::service::failure::{EndpointError, Failure};
use crate::service::people::{SERVICE_ROLE, console_access};
use crate::service::token::access_token::{self, Presented};
use crate::store::api::keys::{self, ApiKey};
use crate::store::ephemeral::throttle::ThrottleRule;
use crate::store::users;

/// What services are here, whatever their scopes.
pub const ROLE_OF_SERVICES: Role = SERVICE_ROLE;
/// Who may change an administrator can become one by a link, so that takes more than changing people does.
pub const FOR_ADMINISTRATORS: ApiScope = ApiScope::AdministratorsWrite;

/// Whether [`FOR_ADMINISTRATORS`] is needed beside this right to do what it allows with an administrator.
#[must_use]
pub fn guards_administrators(right: Right) -> bool {
    matches!(right, Right::PeopleWrite | Right::PeopleDelete)
}

/// A key's last use is written down when the one known is older than this.
const NOTED_EVERY: Seconds = 300;

/// Why nobody is let in.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Too many wrong keys or tokens from this network.
    #[error("throttled for {0} seconds")]
    Throttled(Seconds),
    /// The credential is none, or is not for this.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
}

impl From<Failure> for AccessError {
    fn from(failure: Failure) -> Self {
        Self::Endpoint(failure.into())
    }
}

/// A program that may call.
#[derive(Debug)]
pub struct ApiCaller {
    /// Who it is in the audit log and in the transaction of a change.
    pub actor: Actor,
    /// What it may do, before its scopes are looked at.
    pub standing: Standing,
    scopes: Scopes,
    /// Whose key it has; `None` for a service.
    owner: Option<UserId>,
}

impl ApiCaller {
    /// Whether its key or token has this scope.
    #[must_use]
    pub fn has(&self, scope: ApiScope) -> bool {
        scope.is_given_by(&self.scopes)
    }

    /// The scope that is missing to make this change of this person.
    #[must_use]
    pub fn missing_for(&self, right: Right, person: &User) -> Option<ApiScope> {
        let is_guarded = guards_administrators(right) && person.role.is_some();
        (is_guarded && !self.has(FOR_ADMINISTRATORS)).then_some(FOR_ADMINISTRATORS)
    }

    /// Whether the role allows what needs this right at all.
    #[must_use]
    pub fn may(&self, right: Right) -> bool {
        self.standing.may(right)
    }

    /// Whose people and groups lists are about; `None` for everybody's.
    #[must_use]
    pub fn only_of(&self) -> Option<&UserId> {
        self.owner.as_ref().filter(|_| self.standing.role == Role::GroupManager)
    }
}

/// Lets a program in, or tells why not. Whoever has a working credential is never slowed down by others
/// behind the same address; who has none is, after some tries.
///
/// # Errors
/// [`AccessError`].
pub async fn admit(
    app: &App,
    presented: &Presented<'_>,
    caller: &Caller,
) -> Result<ApiCaller, AccessError> {
    let admitted = match (presented.scheme, presented.token.starts_with(KEY_PREFIX)) {
        (Scheme::Bearer, true) => by_key(app, presented.token, caller).await,
        _ => by_token(app, presented, caller).await,
    };
    match admitted {
        Err(EndpointError::OAuth(refusal)) if refusal == unknown() => {
            let wait = slowed_down(app, caller).await?;
            Err(wait.map_or_else(|| EndpointError::from(refusal).into(), AccessError::Throttled))
        }
        other => Ok(other?),
    }
}

fn unknown() -> OAuthError {
    OAuthError::invalid_token("The key or access token is unknown, expired or revoked.")
}

/// Counts a wrong credential; for how many seconds more the network has to wait, if it has.
async fn slowed_down(app: &App, caller: &Caller) -> Result<Option<Seconds>, Failure> {
    let key = format!("api:{}", SecretHash::of(&caller.network()).as_str());
    let waiting = brake::wait(app, std::slice::from_ref(&key), "api").await?;
    if waiting.is_some() {
        return Ok(waiting);
    }
    brake::note_failure(app, ("api", &key, &ThrottleRule::ADDRESS), caller).await?;
    Ok(None)
}

async fn by_key(app: &App, text: &str, caller: &Caller) -> Result<ApiCaller, EndpointError> {
    let (db, now) = (&app.store.db, app.now());
    let found = keys::by_hash(db, SecretHash::of(text).as_str()).await?;
    let key = found.filter(|key| key.is_live(now)).ok_or_else(unknown)?;
    let owner = users::by_id(db, &key.user_id).await?.filter(|user| user.disabled_at.is_none());
    let owner = owner.ok_or_else(unknown)?;
    let standing = console_access::standing(app, &owner).await?.ok_or_else(unknown)?;
    note_use(app, &key).await;
    Ok(ApiCaller {
        actor: Actor::Key { owner: owner.id.clone(), key: key.id, caller: caller.clone() },
        standing,
        scopes: key.scopes,
        owner: Some(owner.id),
    })
}

/// A key that is used all the time costs a write every five minutes. That it could not be written down
/// is no reason to refuse anybody.
async fn note_use(app: &App, key: &ApiKey) {
    let now = app.now();
    let since = now.plus(-NOTED_EVERY);
    if key.last_used_at.is_some_and(|at| at >= since) {
        return;
    }
    if let Err(error) = keys::note_use(&app.store.db, (&key.id, now), since).await {
        tracing::warn!(%error, key = key.id, "the last use of an API key was not written down");
    }
}

async fn by_token(
    app: &App,
    presented: &Presented<'_>,
    caller: &Caller,
) -> Result<ApiCaller, EndpointError> {
    let token = match access_token::accept(app, presented).await {
        Err(EndpointError::OAuth(refusal))
            if access_token::inspect(app, presented.token).await?.is_none() =>
        {
            tracing::info!(
                event = "api.refused",
                outcome = "failure",
                detail = %refusal.detail,
                "a credential that is none"
            );
            return Err(unknown().into());
        }
        other => other?,
    };
    if !token.aud.contains(&api::audience(app.issuer())) {
        return Err(OAuthError::invalid_token("The access token is for another audience.").into());
    }
    let no_service =
        || OAuthError::invalid_token("The access token is not one of a service for itself.");
    if token.user_version.is_some() {
        return Err(no_service().into());
    }
    let client = clients::find(app, &token.client_id).await?.ok_or_else(no_service)?;
    // Nobody has looked at the others: what they may do is nobody's word.
    if !client.origin.is_reviewed() || client.disabled_at.is_some() {
        return Err(no_service().into());
    }
    // What the client was allowed since has no say, and what it is allowed no more has none either.
    let scopes = Scopes::from_tokens(token.scope.split(' ').filter(|name| !name.is_empty()))
        .intersection(&client.metadata.scope);
    Ok(ApiCaller {
        actor: Actor::Service(client.id.clone(), caller.clone()),
        standing: Standing { role: ROLE_OF_SERVICES, groups: BTreeSet::new() },
        scopes,
        owner: None,
    })
}
