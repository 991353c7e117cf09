//! Signing in with a password. Wrong name, wrong password, disabled account: the same answer after
//! the same work, and the same throttle.
//!
//! A try counts before the password is looked at, and for the account, however it was named: of any
//! number that come at once, no more are compared than the limit allows. The right password takes its
//! try back.

mod second_click;
pub mod sign_up;
pub mod temporary;

use std::time::{Duration, Instant};

use crate::app::App;
use crate::clock::{Seconds, UnixTime};
use crate::crypto::password::Verdict;
use crate::crypto::secret::SecretHash;
use crate::protocol::authorize::acr::Level;
use crate::protocol::password_policy;
use crate::protocol::risk::{Decision, Finding, History};
use crate::protocol::types::UserId;
use crate::protocol::user::{Footing, User};
use crate::service::audit::{self, Actor, Caller, Event};
use crate::service::brake;
use crate::service::failure::Failure;
use crate::service::risk;
use crate::service::session::accounts::{Accounts, Newcomer};
use crate::service::session::{self, Authenticated, Established, Remember};
use crate::store::ephemeral::attempts::{self, Attempt};
use crate::store::ephemeral::throttle::{self, Penalty, ThrottleRule};
use crate::store::users::{self, Login};

use temporary::Proof;

/// How long a try waits where others of the same moment are being compared: when one of them is right,
/// as with programs that share an account, none of them has counted.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often it looks.
const PAUSE: Duration = Duration::from_millis(50);

/// What the person typed.
pub struct Credentials {
    /// User name or e-mail address, in any case.
    pub username: String,
    pub password: String,
    pub remember: Remember,
    /// The page that it was typed on (`Flow::page`): a second click on its button leads to the same
    /// session. `None` for no page.
    pub page: Option<String>,
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

/// What the right password leads to.
pub enum Entry {
    Session(Box<Established>),
    /// The password is a temporary one: there is no session before the person has chosen another.
    MustChoose(Box<Proof>),
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
) -> Result<Entry, SignInError> {
    password_policy::check_length(&credentials.password).map_err(SignInError::Unusable)?;
    let login = normalize_login(&credentials.username);
    let address = address_key(caller);
    refuse_network(app, address.as_slice()).await?;

    let found = users::with_password(&app.store.db, &login).await.map_err(Failure::from)?;
    let user = found.as_ref().map(|login| &login.user.id);
    let account = account_key(&login, user);
    let (penalty, begun) = begin(app, &account).await?;
    let tried = Tried { account, penalty, begun, address };
    let stored = found.as_ref().and_then(|login| login.phc.clone());
    let started = Instant::now();
    let verdict = match app.passwords.verify(credentials.password.clone(), stored).await {
        Ok(verdict) => verdict,
        Err(error) => {
            // Nothing was compared.
            take_back(app, &tried).await;
            return Err(Failure::from(error).into());
        }
    };
    app.metrics.password_hash(started.elapsed());

    let found = match judge(found, verdict, app.now()) {
        Ok(found) => found,
        Err(wrong) => {
            app.metrics.login_attempt("password", "failure");
            return Err(note_failure(app, (&login, &wrong), &tried, caller).await?);
        }
    };
    if let (Verdict::MatchButOutdated, Some(before)) = (verdict, lasting(&found)) {
        rehash(app, (&found.user, before), credentials.password).await;
    }
    let findings = match admit(app, (&found, &tried), caller).await {
        Ok(findings) => findings,
        Err(error) => {
            // The password was right.
            take_back(app, &tried).await;
            return Err(error);
        }
    };
    // Only the account's own count is cleared: one good account must not free an address.
    attempts::clear(&app.ephemeral, &tried.account).await.map_err(Failure::from)?;
    let remember = credentials.remember;
    if let Some(proof) = Proof::of(&found, (remember, tried.failures_before())) {
        return Ok(Entry::MustChoose(Box::new(proof)));
    }
    let entered = Entered { user: &found.user.id, footing: found.footing, remember, findings };
    let page = credentials.page.as_deref();
    enter(app, (entered, page), browser, caller).await.map(|made| Entry::Session(Box::new(made)))
}

/// Somebody who has proved a password and is let in.
struct Entered<'a> {
    user: &'a UserId,
    footing: Footing,
    remember: Remember,
    /// What is unlike their sign-ins before.
    findings: Vec<Finding>,
}

/// Makes the session. `page` is what [`Credentials::page`] is.
async fn enter(
    app: &App,
    (entered, page): (Entered<'_>, Option<&str>),
    browser: (&Accounts, Newcomer),
    caller: &Caller,
) -> Result<Established, SignInError> {
    app.metrics.login_attempt("password", "success");
    let Entered { user, footing, remember, findings } = entered;
    let claimed = second_click::claim(app, (user, (page, remember)), browser.0, caller).await;
    let who = Authenticated {
        user_id: user.clone(),
        footing,
        acr: Level::Aal1.as_str().to_owned(),
        amr: vec!["pwd".to_owned()],
        remember,
        findings,
        claimed,
    };
    // What was right a moment ago is not any more.
    session::establish(app, who, browser, caller).await?.ok_or(SignInError::Wrong)
}

/// The hash of a password that its person may keep.
fn lasting(found: &Login) -> Option<&str> {
    found.phc.as_deref().filter(|_| found.temporary_until.is_none())
}

/// What is unlike before in a sign-in whose password was right, unless it is refused for that.
async fn admit(
    app: &App,
    (found, tried): (&Login, &Tried),
    caller: &Caller,
) -> Result<Vec<Finding>, SignInError> {
    let who = (&found.user.id, History::of(found.signed_in_at));
    judge_findings(app, who, tried.failures_before(), caller).await
}

/// As [`admit`], after so many failures.
async fn judge_findings(
    app: &App,
    (user, history): (&UserId, History),
    failures: i64,
    caller: &Caller,
) -> Result<Vec<Finding>, SignInError> {
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

fn judge(found: Option<Login>, verdict: Verdict, now: UnixTime) -> Result<Login, Wrong> {
    let Some(found) = found else { return Err(Wrong { reason: "unknown_user", user: None }) };
    let disabled = found.user.disabled_at.is_some();
    let expired = found.temporary_until.is_some_and(|until| until <= now);
    let reason = match verdict {
        Verdict::Mismatch => "wrong_password",
        Verdict::Match | Verdict::MatchButOutdated if disabled => "disabled",
        Verdict::Match | Verdict::MatchButOutdated if expired => "temporary_password_expired",
        Verdict::Match | Verdict::MatchButOutdated => return Ok(found),
    };
    Err(Wrong { reason, user: Some(found.user.id) })
}

/// A try that is being made.
struct Tried {
    /// What is counted for the account, and what this try has cost it.
    account: String,
    penalty: Penalty,
    begun: UnixTime,
    /// What failures are counted for besides; `None` where no address is known.
    address: Option<String>,
}

impl Tried {
    /// The wrong passwords of the hour before a right one, which counts for nothing.
    fn failures_before(&self) -> i64 {
        self.penalty.failures.saturating_sub(1)
    }
}

/// One count for a person, whether they are named by user name or by address; another one for each name
/// that is nobody's.
fn account_key(login: &str, user: Option<&UserId>) -> String {
    match user {
        Some(id) => format!("account:{id}"),
        // Hashed, so that a password typed by mistake into the wrong field is not kept in clear.
        None => format!("login:{}", SecretHash::of(login).as_str()),
    }
}

fn address_key(caller: &Caller) -> Option<String> {
    caller.address.is_some().then(|| format!("address:{}", caller.network()))
}

fn account_rule(app: &App) -> ThrottleRule {
    let limits = &app.settings().limits;
    ThrottleRule {
        free: limits.login_free_failures.into(),
        cap_seconds: 900,
        hourly_cap: limits.login_hourly_failures.into(),
    }
}

/// The patience with one network, whatever it gets wrong.
pub(crate) fn address_rule(app: &App) -> ThrottleRule {
    let limits = &app.settings().limits;
    ThrottleRule {
        free: limits.address_free_failures.into(),
        cap_seconds: 900,
        hourly_cap: i64::from(limits.login_hourly_failures) * 10,
    }
}

/// Fails closed: when the counters cannot be read, nobody may guess.
async fn refuse_network(app: &App, address: &[String]) -> Result<(), SignInError> {
    match brake::wait(app, address, "login").await.map_err(Failure::from)? {
        Some(retry_after) => Err(SignInError::Throttled { retry_after }),
        None => Ok(()),
    }
}

/// Counts a try for the account, unless it has to wait, and tells when it was counted. The network's failures are counted afterwards:
/// an office behind one address may well sign in at the same moment.
async fn begin(app: &App, account: &str) -> Result<(Penalty, UnixTime), SignInError> {
    let (started, rule) = (Instant::now(), account_rule(app));
    let shortest = rule.block_seconds(rule.free.saturating_add(1));
    loop {
        let now = app.now();
        let attempt = attempts::begin(&app.ephemeral, (account, &rule), now).await;
        let retry_after = match attempt.map_err(Failure::from)? {
            Attempt::Allowed(penalty) => return Ok((penalty, now)),
            Attempt::Blocked(until) => until.since(now),
        };
        if retry_after > shortest || started.elapsed() > PATIENCE {
            app.metrics.rate_limited("login");
            return Err(SignInError::Throttled { retry_after });
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// For a try that told nobody whether a password is wrong.
async fn take_back(app: &App, tried: &Tried) {
    let what = (tried.account.as_str(), &tried.penalty);
    if let Err(error) = attempts::take_back(&app.ephemeral, what, (tried.begun, app.now())).await {
        tracing::warn!(%error, "a sign-in that did not fail goes on counting as a failure");
    }
}

async fn note_failure(
    app: &App,
    (login, wrong): (&str, &Wrong),
    tried: &Tried,
    caller: &Caller,
) -> Result<SignInError, Failure> {
    let now: UnixTime = app.now();
    // The name typed may be a password by mistake, so only its hash is kept.
    let hash = SecretHash::of(login);
    let event = |kind| {
        let event = Event::failure(kind, &Actor::Anonymous, now).caller(caller);
        let event = event.detail("login_hash", hash.as_str()).detail("reason", wrong.reason);
        wrong.user.iter().fold(event, Event::user)
    };
    let mut tripped = vec![("account", tried.penalty)];
    if let Some(address) = &tried.address {
        let rule = address_rule(app);
        let address = throttle::register_failure(&app.ephemeral, &rule, address, now);
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
