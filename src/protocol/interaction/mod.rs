//! What must happen next before a client gets its code. The single place that decides: sign-in,
//! account choice and consent record what happened and come back here; they never call each other.
//!
//! ```text
//!            ┌────────── Refuse ────────▶ error to the client
//! request ──▶│ next_step ── SignUp ───────▶ form ─┐
//!            │           ── ChooseAccount ▶ form ─┤
//!            │           ── SignIn ───────▶ form ─┤
//!            │           ── StepUp ───────▶ form ─┤ (back to next_step with the sealed request)
//!            │           ── ShutOut ──────▶ page ─┤
//!            │           ── ChooseOrganisation ▶ form ─┤
//!            │           ── Consent ──────▶ form ─┘
//!            └────────── Issue ─────────▶ code
//! ```

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::authorize::{AuthorizeRequest, Demand, PromptDisplay};
use super::client::Client;
use super::error::{ErrorCode, OAuthError};
use super::scope::Scopes;
use super::types::{SessionId, UserId};
use crate::clock::{Seconds, UnixTime};
use crate::protocol::authorize::acr::{self, Level};

/// What the decision needs to know of a live SSO session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionFacts {
    pub id: SessionId,
    pub user_id: UserId,
    /// When the person last actively signed in.
    pub auth_time: UnixTime,
    /// How strong that sign-in was.
    pub level: Level,
}

/// Whether the session is of somebody the client would take (`id_token_hint`, `sub` in `claims`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Expected {
    /// The client takes anybody.
    #[default]
    Anybody,
    /// It names the person of this session.
    ThisPerson,
    /// It names somebody else.
    SomebodyElse,
}

/// Whether the person of the session is one of those whom the client lets in
/// ([`Client::admits`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    #[default]
    LetIn,
    ShutOut,
}

/// Whether it is clear for which organisation the person acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Acting {
    /// It is, or the client does not ask.
    #[default]
    Settled,
    /// The client names one that the person is not in.
    Stranger,
    /// The client asks, and the person is in several and has chosen none.
    Open,
}

/// What the person has already done inside this very flow.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// Set to the `auth_time` of the sign-in that happened in this flow.
    pub signed_in_at: Option<UnixTime>,
    /// Set while an answer to the consent page of this flow is being carried out. It does not travel
    /// in the page: whoever signs in later in the same flow has to be asked as well.
    #[serde(skip)]
    pub consented_at: Option<UnixTime>,
    /// What was chosen on the account page of this flow.
    #[serde(default)]
    pub account: AccountChoice,
}

/// The answer to "which account?".
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountChoice {
    #[default]
    NotAsked,
    /// Not asked yet either, but nobody is active in this browser while it holds accounts to choose
    /// from.
    Open,
    /// This session's account.
    Chosen(SessionId),
    /// One that is not signed in here yet.
    Another,
}

/// What the person has allowed this client before.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Allowed {
    pub scopes: Scopes,
    /// Claims allowed by name, which no allowed scope gives.
    pub claims: BTreeSet<String>,
}

/// Everything [`next_step`] looks at.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    pub request: &'a AuthorizeRequest,
    pub client: &'a Client,
    pub session: Option<&'a SessionFacts>,
    pub expected: Expected,
    pub access: Access,
    pub acting: Acting,
    /// The strongest level this person could sign in with.
    pub reachable: Level,
    /// What the person already allowed this client.
    pub consent: Option<&'a Allowed>,
    pub progress: &'a Progress,
    pub now: UnixTime,
}

/// The next thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Let the person make an account.
    SignUp,
    /// Ask which of the accounts in this browser it shall be.
    ChooseAccount,
    SignIn(SignInReason),
    /// The person is signed in and must prove more.
    StepUp(Level),
    /// Tell the person that this app is not for them.
    ShutOut,
    /// Ask for which organisation the person acts.
    ChooseOrganisation,
    /// Ask the person.
    Consent(Missing),
    Issue,
    Refuse(OAuthError),
}

/// What was not allowed before and is asked for now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Missing {
    pub scopes: Scopes,
    pub claims: BTreeSet<String>,
}

/// Why the person must sign in (again).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignInReason {
    NoSession,
    /// `prompt=login`.
    PromptLogin,
    /// The last sign-in is longer ago than `max_age` allows.
    MaxAge,
    /// `prompt=select_account`, and the account is not signed in here.
    SelectAccount,
    /// The client expects somebody else.
    AnotherPerson,
    /// The client wants a sign-in of this level.
    StepUp(Level),
}

impl SignInReason {
    /// A word for logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoSession => "no_session",
            Self::PromptLogin => "prompt_login",
            Self::MaxAge => "max_age",
            Self::SelectAccount => "select_account",
            Self::AnotherPerson => "another_person",
            Self::StepUp(_) => "step_up",
        }
    }
}

/// Decides.
#[must_use]
pub fn next_step(situation: &Situation<'_>) -> Step {
    // Nobody types a password for an answer that cannot be good enough.
    let best = situation.session.map_or(Level::Aal1, |s| s.level).max(situation.reachable);
    if situation.request.acr.judge(best, best) == acr::Standing::Unmet {
        return Step::Refuse(unmet_level());
    }
    if let Some(step) = new_account(situation) {
        return ask(situation, step);
    }
    let Some(session) = situation.session else { return without_session(situation) };
    if situation.expected == Expected::SomebodyElse {
        // Signing in as somebody else in this very flow is an answer; asking again would loop.
        if situation.progress.signed_in_at.is_some() {
            return Step::Refuse(OAuthError::new(
                ErrorCode::LoginRequired,
                "Another person signed in than the one the app expects.",
            ));
        }
        return ask(situation, Step::SignIn(SignInReason::AnotherPerson));
    }
    if let Some(step) = other_account(situation, session) {
        return ask(situation, step);
    }
    if let Some(reason) = must_sign_in_again(situation, session) {
        return ask(situation, Step::SignIn(reason));
    }
    // Nobody proves more, or allows anything, for an app that they may not use.
    if situation.access == Access::ShutOut {
        return ask(situation, Step::ShutOut);
    }
    if let Some(step) = organisation(situation) {
        return step;
    }
    match situation.request.acr.judge(session.level, situation.reachable) {
        acr::Standing::Met => {}
        acr::Standing::StepUp(level) if !tried_in_this_flow(situation, session) => {
            return ask(situation, Step::StepUp(level));
        }
        // The sign-in of this flow was asked for that level already; asking again would never end.
        acr::Standing::StepUp(_)
            if situation.request.acr.strictness == acr::Strictness::Voluntary => {}
        acr::Standing::StepUp(_) | acr::Standing::Unmet => return Step::Refuse(unmet_level()),
    }
    match missing_consent(situation) {
        None => Step::Issue,
        Some(missing) => ask(situation, Step::Consent(missing)),
    }
}

/// What comes before the rest where it is not clear for which organisation the person acts.
fn organisation(situation: &Situation<'_>) -> Option<Step> {
    match situation.acting {
        Acting::Settled => None,
        Acting::Stranger => Some(Step::Refuse(OAuthError::new(
            ErrorCode::AccessDenied,
            "The person is not a member of the organisation that org_id names.",
        ))),
        Acting::Open => Some(ask(situation, Step::ChooseOrganisation)),
    }
}

/// A page, or where pages are forbidden the error that says which one (OpenID Connect Core section
/// 3.1.2.6).
fn ask(situation: &Situation<'_>, step: Step) -> Step {
    if situation.request.prompts.display == PromptDisplay::Allowed {
        return step;
    }
    let (code, description, detail) = match &step {
        Step::Issue | Step::Refuse(_) => return step,
        Step::SignUp => (ErrorCode::LoginRequired, "The person must make an account.", ""),
        Step::ChooseAccount => {
            (ErrorCode::AccountSelectionRequired, "The person must choose an account.", "")
        }
        Step::SignIn(reason) => {
            (ErrorCode::LoginRequired, "The person must sign in.", reason.as_str())
        }
        // The client that only wishes for more gets what there is.
        Step::StepUp(_) if situation.request.acr.strictness == acr::Strictness::Voluntary => {
            return match missing_consent(situation) {
                None => Step::Issue,
                Some(missing) => ask(situation, Step::Consent(missing)),
            };
        }
        Step::StepUp(level) => {
            (ErrorCode::InteractionRequired, "The person must prove more.", level.as_str())
        }
        Step::ChooseOrganisation => {
            (ErrorCode::InteractionRequired, "The person must choose an organisation.", "")
        }
        Step::ShutOut => return Step::Refuse(shut_out()),
        Step::Consent(_) => {
            (ErrorCode::ConsentRequired, "The person has not yet allowed this.", "")
        }
    };
    Step::Refuse(OAuthError::new(code, description).because(detail))
}

/// What an app hears of somebody who may not use it (RFC 6749 section 4.1.2.1).
#[must_use]
pub fn shut_out() -> OAuthError {
    OAuthError::new(ErrorCode::AccessDenied, "The person may not use this app.")
}

fn unmet_level() -> OAuthError {
    OAuthError::new(
        ErrorCode::UnmetAuthenticationRequirements,
        "None of the acr values that the app insists on can be reached.",
    )
}

/// Whether the person is to make an account (Initiating User Registration 1.0 section 4.1), whoever is
/// signed in. One made in this very flow is the answer to it.
fn new_account(situation: &Situation<'_>) -> Option<Step> {
    let wanted = situation.request.prompts.create == Demand::Always;
    if !wanted || situation.progress.signed_in_at.is_some() {
        return None;
    }
    if situation.expected == Expected::Anybody {
        return Some(Step::SignUp);
    }
    // Nobody makes an account for an answer that cannot be given.
    Some(Step::Refuse(OAuthError::new(
        ErrorCode::LoginRequired,
        "The app expects a person it knows, who cannot have a new account.",
    )))
}

fn without_session(situation: &Situation<'_>) -> Step {
    let step = match situation.progress.account {
        AccountChoice::Open if situation.expected == Expected::Anybody => Step::ChooseAccount,
        _ => Step::SignIn(SignInReason::NoSession),
    };
    ask(situation, step)
}

/// Whether this account is not the one the person wants to use (`prompt=select_account`, or the
/// button "use another account").
fn other_account(situation: &Situation<'_>, session: &SessionFacts) -> Option<Step> {
    let signed_in_here = tried_in_this_flow(situation, session);
    let select = situation.request.prompts.select_account == Demand::Always;
    match &situation.progress.account {
        _ if signed_in_here => None,
        AccountChoice::Another => Some(Step::SignIn(SignInReason::SelectAccount)),
        AccountChoice::Chosen(id) if *id == session.id => None,
        AccountChoice::Chosen(_) | AccountChoice::Open | AccountChoice::NotAsked => {
            select.then_some(Step::ChooseAccount)
        }
    }
}

/// OpenID Connect Core section 3.1.2.3: when an existing session does not do.
fn must_sign_in_again(situation: &Situation<'_>, session: &SessionFacts) -> Option<SignInReason> {
    // What happened in this flow satisfies every demand of this flow, however small max_age is.
    if tried_in_this_flow(situation, session) {
        return None;
    }
    let request = situation.request;
    if request.prompts.login == Demand::Always {
        return Some(SignInReason::PromptLogin);
    }
    let too_old = |max: Seconds| situation.now.since(session.auth_time) > max || max == 0;
    request.max_age.is_some_and(too_old).then_some(SignInReason::MaxAge)
}

/// Whether the session's last sign-in happened in this very flow, and so knew what it was for.
fn tried_in_this_flow(situation: &Situation<'_>, session: &SessionFacts) -> bool {
    situation.progress.signed_in_at == Some(session.auth_time)
}

/// What to ask the person about, if they must be asked.
fn missing_consent(situation: &Situation<'_>) -> Option<Missing> {
    if situation.progress.consented_at.is_some() {
        return None;
    }
    let request = situation.request;
    let nothing = Allowed::default();
    let granted = situation.consent.unwrap_or(&nothing);
    let beyond = request.details.claims.beyond(&request.scopes.union(&granted.scopes));
    let missing = Missing {
        scopes: Scopes::from_tokens(request.scopes.iter().filter(|s| !granted.scopes.contains(s))),
        claims: beyond.difference(&granted.claims).cloned().collect(),
    };
    if request.prompts.consent == Demand::Always {
        return Some(missing);
    }
    if situation.client.skips_consent() {
        return None;
    }
    // Authorization details speak of one transaction, so having allowed one says nothing about the
    // next (RFC 9396 section 11.2).
    // Nor is having allowed a program once any sign of which program asks now.
    let ask = situation.consent.is_none()
        || situation.client.can_be_imitated(request.reply_to.redirect_uri())
        || missing != Missing::default()
        || !request.details.authorization_details.is_empty();
    ask.then_some(missing)
}

#[cfg(test)]
mod tests;
