//! What must happen next before a client gets its code. The single place that decides: sign-in and
//! consent record what happened and come back here; they never call each other.
//!
//! ```text
//!            ┌────────── Refuse ──▶ error to the client
//! request ──▶│ next_step ── SignIn ──▶ form ─┐
//!            │           ── Consent ─▶ form ─┤ (back to next_step with the sealed request)
//!            └────────── Issue ───▶ code     ┘
//! ```

use serde::{Deserialize, Serialize};

use super::authorize::{AuthorizeRequest, Demand, PromptDisplay};
use super::client::Client;
use super::error::{ErrorCode, OAuthError};
use super::scope::Scopes;
use super::types::{SessionId, UserId};
use crate::clock::{Seconds, UnixTime};

/// What the decision needs to know of a live SSO session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionFacts {
    pub id: SessionId,
    pub user_id: UserId,
    /// When the person last actively signed in.
    pub auth_time: UnixTime,
}

/// What the person has already done inside this very flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// Set to the `auth_time` of the sign-in that happened in this flow.
    pub signed_in_at: Option<UnixTime>,
    /// Set when consent was given in this flow.
    pub consented_at: Option<UnixTime>,
}

/// Everything [`next_step`] looks at.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    pub request: &'a AuthorizeRequest,
    pub client: &'a Client,
    pub session: Option<&'a SessionFacts>,
    /// `sub` of a verified `id_token_hint`.
    pub hinted: Option<&'a UserId>,
    /// Scopes the person already granted this client.
    pub consent: Option<&'a Scopes>,
    pub progress: Progress,
    pub now: UnixTime,
}

/// The next thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    SignIn(SignInReason),
    /// Ask the person; `new` are the scopes not granted before.
    Consent {
        new: Scopes,
    },
    Issue,
    Refuse(OAuthError),
}

/// Why the person must sign in (again).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignInReason {
    NoSession,
    /// `prompt=login`.
    PromptLogin,
    /// The last sign-in is longer ago than `max_age` allows.
    MaxAge,
    /// `prompt=select_account`.
    SelectAccount,
    /// The client expects somebody else.
    AnotherPerson,
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
        }
    }
}

/// Decides.
#[must_use]
pub fn next_step(situation: &Situation<'_>) -> Step {
    let silent = situation.request.prompts.display == PromptDisplay::Forbidden;
    let Some(session) = situation.session else {
        return sign_in_or(silent, SignInReason::NoSession);
    };
    if situation.hinted.is_some_and(|hinted| *hinted != session.user_id) {
        // Signing in as somebody else in this very flow is an answer; asking again would loop.
        if situation.progress.signed_in_at.is_some() {
            return Step::Refuse(OAuthError::new(
                ErrorCode::LoginRequired,
                "Another person signed in than the one the app expects.",
            ));
        }
        return sign_in_or(silent, SignInReason::AnotherPerson);
    }
    if let Some(reason) = must_sign_in_again(situation, session) {
        return sign_in_or(silent, reason);
    }
    match missing_consent(situation) {
        None => Step::Issue,
        Some(_) if silent => Step::Refuse(OAuthError::new(
            ErrorCode::ConsentRequired,
            "The person has not yet allowed this app.",
        )),
        Some(new) => Step::Consent { new },
    }
}

fn sign_in_or(silent: bool, reason: SignInReason) -> Step {
    if silent {
        return Step::Refuse(
            OAuthError::new(ErrorCode::LoginRequired, "The person must sign in.")
                .because(reason.as_str()),
        );
    }
    Step::SignIn(reason)
}

/// OpenID Connect Core section 3.1.2.3: when an existing session does not do.
fn must_sign_in_again(situation: &Situation<'_>, session: &SessionFacts) -> Option<SignInReason> {
    // What happened in this flow satisfies every demand of this flow, however small max_age is.
    if situation.progress.signed_in_at == Some(session.auth_time) {
        return None;
    }
    let request = situation.request;
    if request.prompts.login == Demand::Always {
        return Some(SignInReason::PromptLogin);
    }
    if request.prompts.select_account == Demand::Always {
        return Some(SignInReason::SelectAccount);
    }
    let too_old = |max: Seconds| situation.now.since(session.auth_time) > max || max == 0;
    request.max_age.is_some_and(too_old).then_some(SignInReason::MaxAge)
}

/// The scopes to ask the person about, if they must be asked.
fn missing_consent(situation: &Situation<'_>) -> Option<Scopes> {
    if situation.progress.consented_at.is_some() {
        return None;
    }
    let request = situation.request;
    let granted = situation.consent.cloned().unwrap_or_default();
    let new = Scopes::from_tokens(request.scopes.iter().filter(|s| !granted.contains(s)));
    if request.prompts.consent == Demand::Always {
        return Some(new);
    }
    if situation.client.skips_consent() {
        return None;
    }
    (situation.consent.is_none() || !new.is_empty()).then_some(new)
}

#[cfg(test)]
mod tests {
    use super::super::authorize::validate;
    use super::super::client::tests::client;
    use super::super::client::{ClientOrigin, ConsentPolicy};
    use super::super::params::Params;
    use super::super::reply::ReplyTo;
    use super::*;

    const NOW: UnixTime = UnixTime(10_000);

    struct Case {
        client: Client,
        request: AuthorizeRequest,
        session: Option<SessionFacts>,
        hinted: Option<UserId>,
        consent: Option<Scopes>,
        progress: Progress,
    }

    fn case(extra: &str) -> Case {
        let client = client();
        let query = format!(
            "redirect_uri=https://rp.test/cb&response_type=code&scope=openid email&{extra}"
        );
        let params = Params::parse(query.as_bytes()).unwrap();
        let reply_to = ReplyTo::from_request(&client, &params, "https://op.test").unwrap();
        let request = validate(&client, &params, reply_to).unwrap();
        Case {
            client,
            request,
            session: Some(SessionFacts {
                id: SessionId::new("s"),
                user_id: UserId::new("alice"),
                auth_time: UnixTime(9_000),
            }),
            hinted: None,
            consent: Scopes::parse("openid email"),
            progress: Progress::default(),
        }
    }

    impl Case {
        fn step(&self) -> Step {
            next_step(&Situation {
                request: &self.request,
                client: &self.client,
                session: self.session.as_ref(),
                hinted: self.hinted.as_ref(),
                consent: self.consent.as_ref(),
                progress: self.progress,
                now: NOW,
            })
        }

        fn refusal(&self) -> &'static str {
            match self.step() {
                Step::Refuse(error) => error.code.as_str(),
                other => panic!("expected a refusal, got {other:?}"),
            }
        }
    }

    #[test]
    fn a_session_with_consent_issues_without_a_page() {
        assert_eq!(case("").step(), Step::Issue);
        assert_eq!(case("prompt=none").step(), Step::Issue);
        assert_eq!(case("max_age=10000").step(), Step::Issue);
    }

    #[test]
    fn prompt_none_never_asks() {
        let mut silent = case("prompt=none");
        silent.consent = None;
        assert_eq!(silent.refusal(), "consent_required");
        silent.session = None;
        assert_eq!(silent.refusal(), "login_required");
        assert!(matches!(case("prompt=none&max_age=5").step(), Step::Refuse(_)));
    }

    #[test]
    fn prompt_login_and_max_age_ask_once_and_are_satisfied_by_this_flow() {
        for extra in ["prompt=login", "max_age=1", "max_age=0", "prompt=select_account"] {
            let mut again = case(extra);
            assert!(matches!(again.step(), Step::SignIn(_)), "{extra}");
            again.progress.signed_in_at = Some(UnixTime(9_000));
            assert_eq!(again.step(), Step::Issue, "{extra}");
        }
    }

    #[test]
    fn an_older_sign_in_does_not_satisfy_a_flow() {
        let mut again = case("prompt=login");
        again.progress.signed_in_at = Some(UnixTime(8_000));
        assert_eq!(again.step(), Step::SignIn(SignInReason::PromptLogin));
    }

    #[test]
    fn a_hint_for_somebody_else_asks_once_then_refuses() {
        let mut other = case("");
        other.hinted = Some(UserId::new("bob"));
        assert_eq!(other.step(), Step::SignIn(SignInReason::AnotherPerson));
        other.progress.signed_in_at = Some(UnixTime(9_000));
        assert_eq!(other.refusal(), "login_required");
    }

    #[test]
    fn consent_is_asked_for_new_scopes_only_and_remembered() {
        let mut narrow = case("");
        narrow.consent = Scopes::parse("openid");
        assert_eq!(narrow.step(), Step::Consent { new: Scopes::parse("email").unwrap() });
        narrow.progress.consented_at = Some(NOW);
        assert_eq!(narrow.step(), Step::Issue);
        let mut own = case("");
        own.consent = None;
        own.client.metadata.consent = ConsentPolicy::Skip;
        assert_eq!(own.step(), Step::Issue);
        own.client.origin = ClientOrigin::Dynamic;
        assert!(matches!(own.step(), Step::Consent { .. }), "a stranger cannot excuse itself");
    }

    #[test]
    fn prompt_consent_asks_even_when_all_is_granted() {
        assert!(matches!(case("prompt=consent").step(), Step::Consent { .. }));
    }
}
