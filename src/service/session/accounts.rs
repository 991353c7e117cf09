//! Several people signed in in one browser, one of them active.
//!
//! The session cookie holds the active one; the accounts cookie the secrets of the others. Somebody
//! is added only by pressing "use another account"; anybody else who signs in takes the place of the
//! active session, which ends. Choosing makes another one active, under a fresh cookie value.

use crate::app::App;
use crate::crypto::secret::Secret;
use crate::protocol::types::{SessionId, UserId};
use crate::service::audit::{Actor, Caller};
use crate::service::failure::Failure;
use crate::service::session::{self, Established, LiveSession};

/// What separates the secrets in the accounts cookie.
const SEPARATOR: char = '.';

/// A live session and the secret that this browser proved it with.
#[derive(Debug, Clone)]
pub struct Held {
    pub secret: Secret,
    pub session: LiveSession,
}

/// The live sessions of one browser.
#[derive(Debug, Clone, Default)]
pub struct Accounts {
    pub active: Option<Held>,
    /// The most recently active first.
    pub others: Vec<Held>,
}

/// What becomes of the active session when somebody signs in who is new to the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Newcomer {
    TakesThePlace,
    /// The person pressed "use another account".
    IsAdded,
}

impl Accounts {
    /// Reads the sessions behind the two cookies. Whatever is not alive is left out.
    ///
    /// # Errors
    /// [`Failure`] when neither store can say.
    pub async fn read(
        app: &App,
        active: Option<&str>,
        others: Option<&str>,
    ) -> Result<Self, Failure> {
        let mut accounts = Self::default();
        if let Some(secret) = active {
            accounts.active = held(app, secret).await?;
        }
        let limit = app.config.authorization.accounts_per_browser;
        for secret in others.unwrap_or_default().split(SEPARATOR).take(limit) {
            if secret.is_empty() {
                continue;
            }
            if let Some(other) = held(app, secret).await?
                && accounts.by_id(&other.session.id).is_none()
            {
                accounts.others.push(other);
            }
        }
        Ok(accounts)
    }

    /// The active session.
    #[must_use]
    pub fn active(&self) -> Option<&LiveSession> {
        self.active.as_ref().map(|held| &held.session)
    }

    /// Every session, the active one first.
    pub fn all(&self) -> impl Iterator<Item = &LiveSession> {
        self.active.iter().chain(&self.others).map(|held| &held.session)
    }

    /// The session with this public id.
    #[must_use]
    pub fn by_id(&self, id: &SessionId) -> Option<&LiveSession> {
        self.all().find(|session| session.id == *id)
    }

    /// The session of this person.
    #[must_use]
    pub fn of(&self, user: &UserId) -> Option<&LiveSession> {
        self.all().find(|session| session.user_id == *user)
    }

    /// The same without one of them.
    #[must_use]
    pub fn without(mut self, id: &SessionId) -> Self {
        self.active = self.active.filter(|held| held.session.id != *id);
        self.others.retain(|held| held.session.id != *id);
        self
    }

    /// The value of the accounts cookie.
    #[must_use]
    pub fn cookie(&self) -> String {
        let secrets: Vec<&str> = self.others.iter().map(|held| held.secret.expose()).collect();
        secrets.join(&SEPARATOR.to_string())
    }

    /// What scripts of this site may see: the state of each session. The check-session page takes any
    /// of them, so that one app's person does not seem gone because another app's is at work.
    #[must_use]
    pub fn browser_state(&self) -> String {
        let states: Vec<String> = self.all().map(LiveSession::browser_state).collect();
        states.join(&SEPARATOR.to_string())
    }

    /// After another session has become the active one: the one before joins the others, and those
    /// beyond the limit end, the longest unused first.
    ///
    /// # Errors
    /// [`Failure`] when SQL does not take it.
    pub async fn activated(
        self,
        app: &App,
        now_active: &Established,
        caller: &Caller,
    ) -> Result<Self, Failure> {
        let id = &now_active.session.id;
        let mut others: Vec<Held> = self.active.into_iter().chain(self.others).collect();
        others.retain(|held| {
            held.session.id != *id && now_active.ended.as_ref() != Some(&held.session.id)
        });
        let limit = app.config.authorization.accounts_per_browser.saturating_sub(1);
        while others.len() > limit {
            let Some(oldest) = others.pop() else { break };
            let actor = Actor::User(oldest.session.user_id.clone());
            session::end(app, &oldest.session, (&actor, caller)).await?;
        }
        let secret = now_active.cookie.clone();
        Ok(Self { active: Some(Held { secret, session: now_active.session.clone() }), others })
    }
}

async fn held(app: &App, secret: &str) -> Result<Option<Held>, Failure> {
    let session = session::current(app, secret).await?;
    Ok(session.map(|session| Held { secret: Secret::from_text(secret.to_owned()), session }))
}

/// Makes a session of this browser the active one. Its cookie value is renewed, as whenever what a
/// cookie is good for changes; the sign-in it stands for stays as old as it is. `None` when it has
/// ended meanwhile.
///
/// # Errors
/// [`Failure`] when SQL does not take it.
pub async fn choose(
    app: &App,
    chosen: &LiveSession,
    caller: &Caller,
) -> Result<Option<Established>, Failure> {
    session::renew_cookie(app, chosen, caller).await
}
