//! Entering the console: a fresh sign-in opens it for a while, and each visit extends that. An
//! ordinary SSO session is not enough, so a stolen cookie of an app user opens nothing.

use crate::app::App;
use crate::protocol::rights::Standing;
use crate::protocol::user::User;
use crate::service::failure::Failure;
use crate::service::session::LiveSession;
use crate::store::{Sql, group_managers, users};

/// Whether the console is open to a session.
#[derive(Debug)]
pub enum Access {
    /// Open, for this person with these rights.
    Open(Box<User>, Standing),
    /// The person may enter but must sign in for it.
    SignInFirst,
    /// Not for this person.
    Forbidden,
}

/// Whether a request says that somebody is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visit {
    /// Somebody asked: the console stays open for another while.
    Person,
    /// A page that keeps itself up to date asked, with nobody there perhaps.
    Page,
}

/// Opens the console for a session that has just been made or renewed.
///
/// # Errors
/// [`Failure`] when the ephemeral store does not take it.
pub async fn open(app: &App, session: &LiveSession) -> Result<(), Failure> {
    let running = app.settings();
    let settings = &running.session;
    let until = session.auth_time.plus(settings.admin_absolute);
    Ok(app.ephemeral.put(&key(session), &until.0.to_string(), settings.admin_idle).await?)
}

/// Whether the console is open to this session; a person's visit keeps it open.
///
/// # Errors
/// [`Failure`] when it cannot be known.
pub async fn check(app: &App, session: &LiveSession, visit: Visit) -> Result<Access, Failure> {
    let user = users::by_id(&app.store.db, &session.user_id).await?;
    let Some(user) = user.filter(|user| user.disabled_at.is_none()) else {
        return Ok(Access::Forbidden);
    };
    let Some(standing) = standing(app, &user).await? else { return Ok(Access::Forbidden) };
    let until = match visit {
        Visit::Person => {
            app.ephemeral.get_extend(&key(session), app.settings().session.admin_idle).await?
        }
        Visit::Page => app.ephemeral.get(&key(session)).await?,
    };
    let until = until.and_then(|text| text.parse::<i64>().ok());
    if until.is_some_and(|until| app.now().0 < until) {
        return Ok(Access::Open(Box::new(user), standing));
    }
    Ok(Access::SignInFirst)
}

/// What somebody is in the console; `None` for somebody to whom it is closed.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn standing(app: &App, user: &User) -> Result<Option<Standing>, Failure> {
    standing_in(&app.store.db, user).await
}

/// As [`standing`], in the caller's transaction.
pub(in crate::service) async fn standing_in<'a>(
    sql: impl Sql<'a>,
    user: &User,
) -> Result<Option<Standing>, Failure> {
    let groups = group_managers::groups_of(sql, &user.id).await?;
    Ok(Standing::of(user.role, groups))
}

/// The cookie's hash is part of the key, so a renewed session starts outside.
fn key(session: &LiveSession) -> String {
    format!("console:{}:{}", session.id, session.secret_hash)
}
