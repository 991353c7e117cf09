//! Signing in with a password. Wrong name, wrong password, disabled account: the same answer after
//! the same work, and the same throttle.

pub mod sign_up;

use crate::app::App;
use crate::clock::{Seconds, UnixTime};
use crate::crypto::password::Verdict;
use crate::crypto::secret::SecretHash;
use crate::protocol::authorize::acr::Level;
use crate::protocol::password_policy;
use crate::protocol::risk::{Decision, Finding, History};
use crate::protocol::types::UserId;
use crate::protocol::user::User;
use crate::service::audit::{self, Actor, Caller, Event};
use crate::service::brake;
use crate::service::failure::Failure;
use crate::service::risk;
use crate::service::session::accounts::{Accounts, Newcomer};
use crate::service::session::{self, Authenticated, Established, Remember};
use crate::store::ephemeral::throttle::{self, ThrottleRule};
use crate::store::users::{self, Login};

/// What the person typed.
pub struct Credentials {
    /// User name or e-mail address, in any case.
    pub username: String,
    pub password: String,
    pub remember: Remember,
}

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Deliberately one reason for many.
    #[error("user name or password is wrong")]
    Wrong,
    /// Not hashed at all: no stored password can be that long or hold such characters.
    #[error("the password cannot be checked: {0}")]
    Unusable(password_policy::PasswordRefusal),
    /// Too many failures for this account or address.
    #[error("throttled for {retry_after} seconds")]
    Throttled { retry_after: Seconds },
    /// The password is right, and the settings let nobody in who comes like this.
    #[error("the sign-in is too unlike those before")]
    Unfamiliar,
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Checks a password and makes the session.
///
/// # Errors
/// [`SignInError`].
pub async fn with_password(
    app: &App,
    credentials: Credentials,
    browser: (&Accounts, Newcomer),
    caller: &Caller,
) -> Result<Established, SignInError> {
    password_policy::check_length(&credentials.password).map_err(SignInError::Unusable)?;
    let login = normalize_login(&credentials.username);
    let keys = throttle_keys(&login, caller);
    refuse_if_throttled(app, &keys).await?;

    let found = users::with_password(&app.store.db, &login).await.map_err(Failure::from)?;
    let stored = found.as_ref().and_then(|login| login.phc.clone());
    let started = std::time::Instant::now();
    let verdict =
        app.passwords.verify(credentials.password.clone(), stored).await.map_err(Failure::from)?;
    app.metrics.password_hash(started.elapsed());

    let found = match judge(found, verdict) {
        Ok(found) => found,
        Err(wrong) => {
            app.metrics.login_attempt("password", "failure");
            return Err(note_failure(app, (&login, &wrong), &keys, caller).await?);
        }
    };
    let user = &found.user;
    if let (Verdict::MatchButOutdated, Some(before)) = (verdict, &found.phc) {
        rehash(app, (user, before), credentials.password).await;
    }
    let findings = admit(app, (&found, &keys), caller).await?;
    // Only the account's own count is cleared: one good account must not free an address.
    throttle::clear(&app.ephemeral, &keys.account).await.map_err(Failure::from)?;
    app.metrics.login_attempt("password", "success");
    let who = Authenticated {
        user_id: user.id.clone(),
        footing: found.footing,
        acr: Level::Aal1.as_str().to_owned(),
        amr: vec!["pwd".to_owned()],
        remember: credentials.remember,
        findings,
    };
    // What was right a moment ago is not any more.
    session::establish(app, who, browser, caller).await?.ok_or(SignInError::Wrong)
}

/// What is unlike before in a sign-in whose password was right, unless it is refused for that.
async fn admit(
    app: &App,
    (found, keys): (&Login, &ThrottleKeys),
    caller: &Caller,
) -> Result<Vec<Finding>, SignInError> {
    let user = &found.user.id;
    let failures =
        throttle::failures(&app.ephemeral, &keys.account).await.map_err(Failure::from)?;
    let history = History::of(found.signed_in_at);
    let findings = risk::assess(app, (user, history), failures, caller).await?;
    if risk::decide(&findings, Level::Aal1) == Decision::Refuse {
        risk::refuse(app, user, &findings, caller).await?;
        app.metrics.login_attempt("password", "refused");
        return Err(SignInError::Unfamiliar);
    }
    Ok(findings)
}

/// User names and e-mail addresses are compared in lower case, without surrounding space.
#[must_use]
pub fn normalize_login(text: &str) -> String {
    text.trim().chars().take(320).collect::<String>().to_lowercase()
}

/// Why a sign-in was refused: for administrators; the person hears the same in every case.
struct Wrong {
    reason: &'static str,
    /// The account it was about, if there is one.
    user: Option<UserId>,
}

fn judge(found: Option<Login>, verdict: Verdict) -> Result<Login, Wrong> {
    let Some(found) = found else { return Err(Wrong { reason: "unknown_user", user: None }) };
    let disabled = found.user.disabled_at.is_some();
    let reason = match verdict {
        Verdict::Mismatch => "wrong_password",
        Verdict::Match | Verdict::MatchButOutdated if disabled => "disabled",
        Verdict::Match | Verdict::MatchButOutdated => return Ok(found),
    };
    Err(Wrong { reason, user: Some(found.user.id) })
}

struct ThrottleKeys {
    account: String,
    address: Option<String>,
}

fn throttle_keys(login: &str, caller: &Caller) -> ThrottleKeys {
    // Hashed, so that a name typed by mistake into the wrong field is not kept in clear.
    let account = format!("login:{}", SecretHash::of(login).as_str());
    let address = caller.address.is_some().then(|| format!("address:{}", caller.network()));
    ThrottleKeys { account, address }
}

fn rules(app: &App) -> (ThrottleRule, ThrottleRule) {
    let limits = &app.config.limits;
    let account = ThrottleRule {
        free: limits.login_free_failures.into(),
        cap_seconds: 900,
        hourly_cap: limits.login_hourly_failures.into(),
    };
    (account, address_rule(app))
}

/// The patience with one network, whatever it gets wrong.
pub(crate) fn address_rule(app: &App) -> ThrottleRule {
    let limits = &app.config.limits;
    ThrottleRule {
        free: limits.address_free_failures.into(),
        cap_seconds: 900,
        hourly_cap: i64::from(limits.login_hourly_failures) * 10,
    }
}

/// Fails closed: when the counters cannot be read, nobody may guess.
async fn refuse_if_throttled(app: &App, keys: &ThrottleKeys) -> Result<(), SignInError> {
    let mut all = vec![keys.account.clone()];
    all.extend(keys.address.clone());
    match brake::wait(app, &all, "login").await.map_err(Failure::from)? {
        Some(retry_after) => Err(SignInError::Throttled { retry_after }),
        None => Ok(()),
    }
}

async fn note_failure(
    app: &App,
    (login, wrong): (&str, &Wrong),
    keys: &ThrottleKeys,
    caller: &Caller,
) -> Result<SignInError, Failure> {
    let now: UnixTime = app.now();
    let (account_rule, address_rule) = rules(app);
    // The name typed may be a password by mistake, so only its hash is kept.
    let hash = SecretHash::of(login);
    let event = |kind| {
        let event = Event::failure(kind, &Actor::Anonymous, now).caller(caller);
        let event = event.detail("login_hash", hash.as_str()).detail("reason", wrong.reason);
        wrong.user.iter().fold(event, Event::user)
    };
    let mut tripped = Vec::new();
    let account = throttle::register_failure(&app.ephemeral, &account_rule, &keys.account, now);
    tripped.push(("account", account.await?));
    if let Some(address) = &keys.address {
        let address = throttle::register_failure(&app.ephemeral, &address_rule, address, now);
        tripped.push(("address", address.await?));
    }
    audit::write(app, event("sign_in.failed")).await?;
    for (scope, penalty) in tripped {
        if let Some(until) = penalty.blocked_until {
            let event = event("sign_in.throttled").detail("scope", scope);
            let event = event.detail("failures", penalty.failures);
            audit::write(app, event.detail("until", until.rfc3339())).await?;
        }
    }
    Ok(SignInError::Wrong)
}

/// Brings an old hash up to today's parameters; failing to is no reason to refuse the person. A
/// password that was set or taken away meanwhile stays as it is.
async fn rehash(app: &App, (user, before): (&User, &str), password: String) {
    let result = async {
        let phc = app.passwords.hash(password).await.map_err(Failure::from)?;
        let hashes = (before, phc.as_str());
        users::rehash(&app.store.db, &user.id, hashes).await.map_err(Failure::from)
    };
    if let Err(error) = result.await {
        tracing::warn!(%error, user_id = %user.id, "password could not be rehashed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_compared_in_lower_case_without_space() {
        assert_eq!(normalize_login("  Alice@Example.TEST "), "alice@example.test");
    }
}
