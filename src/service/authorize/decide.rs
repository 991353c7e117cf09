//! What [`interaction::next_step`] must know, gathered: whose session counts for this request, what
//! the person allowed before, whom the client expects.

use super::{AuthorizeError, verify};
use crate::app::App;
use crate::protocol::authorize::AuthorizeRequest;
use crate::protocol::authorize::acr::Level;
use crate::protocol::client::Client;
use crate::protocol::error::OAuthError;
use crate::protocol::interaction::{
    self, Access, AccountChoice, Allowed, Expected, Situation, Step,
};
use crate::protocol::organisation::ActiveOrganisation;
use crate::protocol::types::UserId;
use crate::service::authorize::flow::Flow;
use crate::service::authorize::id_token_hint;
use crate::service::clients::{self, access};
use crate::service::failure::{EndpointError, Failure};
use crate::service::organisations::active;
use crate::service::session::LiveSession;
use crate::service::session::accounts::Accounts;
use crate::service::token::subject;
use crate::store::consents;

/// The session this flow is about, of all that the browser holds: the one chosen in it, else the one
/// of the person the client names, else the active one. Nothing is switched by this: an app that
/// names another account gets an answer for that account, and the person's choice stays.
///
/// # Errors
/// [`AuthorizeError`] as in [`super::advance`].
pub async fn session_for<'a>(
    app: &App,
    flow: &Flow,
    accounts: &'a Accounts,
) -> Result<Option<&'a LiveSession>, AuthorizeError> {
    let active = accounts.active();
    if accounts.others.is_empty() {
        return Ok(active);
    }
    if let AccountChoice::Chosen(id) = &flow.progress.account
        && let Some(chosen) = accounts.by_id(id)
    {
        return Ok(Some(chosen));
    }
    let verified = match verify(app, flow).await {
        Ok(verified) => verified,
        Err(AuthorizeError::NotAnApp) => return Ok(active),
        Err(error) => return Err(error),
    };
    let Ok(request) = verified.request else { return Ok(active) };
    let wanted = match Wanted::by(app, &verified.client, &request).await {
        Ok(Some(wanted)) => wanted,
        Ok(None) | Err(EndpointError::OAuth(_)) => return Ok(active),
        Err(EndpointError::Failure(failure)) => return Err(failure.into()),
    };
    for session in accounts.all() {
        if wanted.is(app, &verified.client, &session.user_id)? {
            return Ok(Some(session));
        }
    }
    Ok(active)
}

/// What comes next, and for which organisation the person acts.
pub(super) struct Decided {
    pub step: Step,
    pub ground: Ground,
}

/// What the person's answer stands on.
#[derive(Debug, Default)]
pub(super) struct Ground {
    pub organisation: Option<ActiveOrganisation>,
    /// How often they have taken back what they allowed the client; `None` where it does not ask.
    pub withdrawals: Option<i64>,
}

impl From<Step> for Decided {
    fn from(step: Step) -> Self {
        Self { step, ground: Ground::default() }
    }
}

/// Gathers and decides.
pub(super) async fn next_step(
    app: &App,
    (flow, session): (&Flow, Option<&LiveSession>),
    (client, request): (&Client, &AuthorizeRequest),
) -> Result<Decided, AuthorizeError> {
    let wanted = match Wanted::by(app, client, request).await {
        Ok(wanted) => wanted,
        Err(EndpointError::OAuth(error)) => return Ok(Step::Refuse(error).into()),
        Err(EndpointError::Failure(failure)) => return Err(failure.into()),
    };
    let expected = match (&wanted, session) {
        (None, _) => Expected::Anybody,
        (Some(wanted), Some(session)) if wanted.is(app, client, &session.user_id)? => {
            Expected::ThisPerson
        }
        (Some(_), _) => Expected::SomebodyElse,
    };
    // An app of the organisation's own never asks, so there is nothing to look up for it.
    let asks = !client.skips_consent();
    let consent = match session.filter(|_| asks) {
        Some(session) => consents::get(&app.store.db, &session.user_id, &client.id)
            .await
            .map_err(Failure::from)?,
        None => None,
    };
    let withdrawals = consent.as_ref().map(|consent| consent.withdrawals);
    let consent = consent.map(|held| Allowed { scopes: held.scopes, claims: held.claims });
    let admitted = match session {
        Some(session) => access::admits(&app.store.db, client, &session.user_id).await?,
        None => true,
    };
    let acting = match session.filter(|_| admitted) {
        Some(session) => active::of_request(app, session, request).await?,
        None => active::Acting::ForNobody,
    };
    let (acting, organisation) = match acting {
        active::Acting::ForNobody => (interaction::Acting::Settled, None),
        active::Acting::For(one) => (interaction::Acting::Settled, Some(one)),
        active::Acting::Stranger => (interaction::Acting::Stranger, None),
        active::Acting::Open => (interaction::Acting::Open, None),
    };
    let facts = session.map(LiveSession::facts);
    let step = interaction::next_step(&Situation {
        request,
        client,
        session: facts.as_ref(),
        expected,
        access: if admitted { Access::LetIn } else { Access::ShutOut },
        acting,
        reachable: Level::STRONGEST,
        consent: consent.as_ref(),
        progress: &flow.progress,
        now: app.now(),
    });
    Ok(Decided { step, ground: Ground { organisation, withdrawals } })
}

/// The persons a client would take.
struct Wanted {
    /// From a verified `id_token_hint`, where expired ones count (OpenID Connect Core section
    /// 3.1.2.1).
    hinted: Option<UserId>,
    /// From `sub` in `claims` (section 5.5.1), as the client wrote it.
    named: Option<Vec<String>>,
}

impl Wanted {
    /// `None` when the client takes anybody.
    async fn by(
        app: &App,
        client: &Client,
        request: &AuthorizeRequest,
    ) -> Result<Option<Self>, EndpointError> {
        let hinted = match &request.id_token_hint {
            None => None,
            Some(token) => Some(Self::hinted(app, client, token).await?),
        };
        let named = request.details.claims.subjects();
        let named = named.map(|subs| subs.into_iter().map(ToOwned::to_owned).collect());
        Ok((hinted.is_some() || named.is_some()).then_some(Self { hinted, named }))
    }

    /// The person in a hint. It counts if it was issued to this client, or to one that knows people by
    /// the same names: with anybody else's, two companies could find out whether their people are the
    /// same ones.
    async fn hinted(app: &App, client: &Client, token: &str) -> Result<UserId, EndpointError> {
        let unreadable =
            || OAuthError::invalid_request("id_token_hint is not an ID token of this client.");
        let hint = id_token_hint::read(app, token).ok_or_else(unreadable)?;
        if hint.client_id != client.id {
            let other = clients::find(app, &hint.client_id).await?;
            if !other.is_some_and(|other| subject::same_names(&other, client)) {
                return Err(unreadable().because("of another client").into());
            }
        }
        Ok(hint.user_id)
    }

    /// Whether this person is one of them, by the `sub` under which the client knows people.
    fn is(&self, app: &App, client: &Client, user: &UserId) -> Result<bool, Failure> {
        if self.hinted.as_ref().is_some_and(|hinted| hinted != user) {
            return Ok(false);
        }
        let Some(named) = &self.named else { return Ok(true) };
        let sub = subject::sub(app, client, user)?;
        Ok(named.contains(&sub))
    }
}
