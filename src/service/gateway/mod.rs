//! The gateway check: may this request to an app pass, and who is it from? Asked by reverse proxies
//! for every single request, so it writes nothing and looks in the nearest place first: this process
//! (for a second), the ephemeral store, SQL. Where none can say, the answer is a failure, never "yes".
//!
//! | module | job |
//! |---|---|
//! | `mod` | the check, and where it looks |
//! | `cookie` | the cookie: whom it stands for, when another one is made |

mod cookie;

use std::sync::Arc;

pub use cookie::{Fitness, IssueError, Issued, fitness, issue};

use crate::app::{App, Means, Seen, Shown, Written};
use crate::clock::UnixTime;
use crate::crypto::jose::TokenType;
use crate::crypto::secret::SecretHash;
use crate::protocol::authorize::acr::Level;
use crate::protocol::gateway::Refusal;
use crate::protocol::gateway::identity::{ASSERTION_HEADER, HEADERS, Person, Visitor};
use crate::protocol::gateway::original::Original;
use crate::protocol::gateway::rules::{GatewayApp, Rule, Ruling};
use crate::protocol::types::SigningAlg;
use crate::service::failure::Failure;
use crate::service::token::access_token;
use crate::service::token::envelope::sign;
use crate::store::users;

/// The algorithm of assertions: small, and quick to sign.
pub const ASSERTION_ALG: SigningAlg = SigningAlg::Es256;

/// What a request proves who it is from by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof<'a> {
    Nothing,
    /// The values of the gateway's own cookie: as many as the browser sends.
    Cookies(&'a [String]),
    /// An access token of ours.
    Token(&'a str),
}

/// How many cookies of one name are looked at. A browser has one of ours; more are somebody's who shares the
/// domain, or left from an earlier `gateway.cookie_domain`.
const MOST_COOKIES: usize = 4;

/// The answer to a proxy.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// It may pass, and nobody was asked who they are.
    Public,
    /// It may pass.
    Allow(Arc<Seen>),
    /// They have to sign in first, at least at this level.
    SignIn(Option<Level>),
    /// The access token is unknown, expired, revoked, bound to a key, or for somebody else.
    BadToken,
    /// Not this person, or nobody at all.
    Deny,
    /// Nobody can say what is asked for.
    Refuse(Refusal),
}

impl Verdict {
    /// For the metric.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Allow(_) => "allowed",
            Self::SignIn(_) => "sign_in",
            Self::BadToken => "bad_token",
            Self::Deny => "denied",
            Self::Refuse(_) => "refused",
        }
    }
}

/// The headers for a request that anybody may make: all there, all blank.
pub fn blank_headers() -> impl Iterator<Item = &'static str> {
    HEADERS.into_iter().chain([ASSERTION_HEADER])
}

/// Decides about one request.
///
/// # Errors
/// [`Failure`] when it cannot be known; that must never be taken for an "allow".
pub async fn check(app: &App, request: &Original, proof: Proof<'_>) -> Result<Verdict, Failure> {
    let Some((index, target)) = app_of(app, request) else { return Ok(Verdict::Deny) };
    let rule = match target.rule_for(request) {
        Ok(Some(rule)) => rule,
        Ok(None) => return Ok(Verdict::Deny),
        Err(refusal) => return Ok(Verdict::Refuse(refusal)),
    };
    if rule.is_public() {
        return Ok(Verdict::Public);
    }
    let known = match proof {
        Proof::Nothing => None,
        Proof::Token(token) => known_by(app, (Means::Token, token), (index, target)).await?,
        Proof::Cookies(values) => match known_by_any(app, values, (index, target)).await? {
            Ok(known) => known,
            Err(refusal) => return Ok(Verdict::Refuse(refusal)),
        },
    };
    Ok(match (known, proof) {
        (Some(known), _) => judge(rule, known),
        (None, Proof::Token(_)) => Verdict::BadToken,
        (None, Proof::Nothing | Proof::Cookies(_)) => Verdict::SignIn(rule.level()),
    })
}

/// Whom one proof stands for.
async fn known_by(
    app: &App,
    (means, secret): (Means, &str),
    (index, target): (usize, &GatewayApp),
) -> Result<Option<Arc<Seen>>, Failure> {
    let shown = Shown { means, hash: SecretHash::of(secret), app: index };
    let current = app.watch.remembers_as_of();
    match current.and_then(|newest| app.doorkeeper.remembers(&shown, (newest, app.now()))) {
        Some(known) => Ok(Some(known)),
        None => look_further(app, (secret, target), shown).await,
    }
}

/// Whom the cookies of a browser stand for. Any host below the domain can plant one, so one that is nobody's
/// takes nothing away from one that is good. Two good ones of different sessions are refused: one of them
/// is somebody else's, and nobody can tell which.
async fn known_by_any(
    app: &App,
    values: &[String],
    whither: (usize, &GatewayApp),
) -> Result<Result<Option<Arc<Seen>>, Refusal>, Failure> {
    if values.len() > MOST_COOKIES {
        return Ok(Err(Refusal::Cookies));
    }
    let mut found: Option<Arc<Seen>> = None;
    for value in values {
        let Some(known) = known_by(app, (Means::Cookie, value), whither).await? else { continue };
        found = Some(match found {
            Some(before) if before.visitor.session != known.visitor.session => {
                return Ok(Err(Refusal::Cookies));
            }
            // The same sign-in, one of them from before it was made stronger.
            Some(before) if before.visitor.level >= known.visitor.level => before,
            None | Some(_) => known,
        });
    }
    Ok(Ok(found))
}

/// The address to go back to after the sign-in, if it is a page of an app behind the gateway: `rd` is
/// whatever a browser sent, and a redirect to anywhere else would lend our name to strangers.
#[must_use]
pub fn way_back(app: &App, rd: &str) -> Option<String> {
    let page = Original::from_url(rd, "GET").ok()?;
    app_of(app, &page).map(|_| page.url())
}

/// The app a request is for, with its place in the list.
fn app_of<'a>(app: &'a App, request: &Original) -> Option<(usize, &'a GatewayApp)> {
    let apps = app.config.gateway.apps.iter().enumerate();
    apps.into_iter().find(|(_, known)| known.host.as_str() == request.host)
}

fn judge(rule: &Rule, known: Arc<Seen>) -> Verdict {
    match rule.judge(&known.visitor) {
        Ruling::Allow => Verdict::Allow(known),
        // Nobody gets there by signing in again.
        Ruling::StepUp(level) if level > Level::STRONGEST => Verdict::Deny,
        Ruling::StepUp(level) => Verdict::SignIn(Some(level)),
        Ruling::Deny => Verdict::Deny,
    }
}

/// Asks the ephemeral store and SQL, and remembers what they say.
async fn look_further(
    app: &App,
    (secret, target): (&str, &GatewayApp),
    shown: Shown,
) -> Result<Option<Arc<Seen>>, Failure> {
    // Taken before anything is read: what ends from here on makes the entry worthless.
    let newest = app.watch.newest_revocation();
    let found = match shown.means {
        Means::Cookie => cookie::read(app, (&shown.hash, target.client.as_ref()), newest).await?,
        Means::Token => holder(app, secret, target).await?,
    };
    let Some((visitor, until)) = found else { return Ok(None) };
    let client = target.client.as_ref();
    let mut headers = visitor.headers(client).to_vec();
    let claims = visitor.assertion((app.issuer(), target.host.as_str(), client), app.now());
    let assertion = sign(app, ASSERTION_ALG, (TokenType::GatewayAssertion, &claims))?;
    headers.push((ASSERTION_HEADER, assertion));
    let written = Written::default();
    let known = Arc::new(Seen { visitor, headers, written, until });
    app.doorkeeper.remember(shown, Arc::clone(&known), newest);
    Ok(Some(known))
}

/// The person an access token speaks for, if it is one for this app that anybody may bear.
async fn holder(
    app: &App,
    token: &str,
    target: &GatewayApp,
) -> Result<Option<(Visitor, UnixTime)>, Failure> {
    let Some(claims) = access_token::inspect(app, token).await? else { return Ok(None) };
    // The proof of a bound token was made for the app's address, by way of a proxy that may have
    // changed it; a bound token is never taken without its proof (RFC 9449 section 7.2).
    if claims.cnf.is_some() || !claims.aud.contains(&target.host.origin()) {
        return Ok(None);
    }
    let Some(user_id) = claims.user_id() else { return Ok(None) };
    let user = users::by_id(&app.store.db, &user_id).await?;
    let Some(user) = user.filter(|user| user.disabled_at.is_none()) else { return Ok(None) };
    let visitor = Visitor {
        person: Person::of(&user),
        session: claims.session_id().cloned(),
        organisation: claims.org_id.clone(),
        auth_time: claims.auth_time,
        level: claims.acr.as_deref().and_then(Level::from_name),
    };
    Ok(Some((visitor, claims.exp)))
}
