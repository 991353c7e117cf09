//! `/api/v1/sessions`, `/api/v1/keys` and `/api/v1/audit-events`: who is signed in, what signs, and what
//! happened.

use super::call::Call;
use super::fault::Fault;
use super::reply::{Answer, Reply};
use super::sent;
use super::views::service::{
    AuditView, KeyUse, KeyView, Rotation, SessionView, SessionsEnded, SessionsToEnd,
};
use crate::clock::UnixTime;
use crate::protocol::types::{ClientId, SessionId};
use crate::service::keys::{self, KeyChangeError, encryption};
use crate::service::session::several::{self, Chosen};
use crate::service::session::{self, sightings};
use crate::service::{audit, clients, people};
use crate::store::Cursor;
use crate::store::audit::{AuditFilter, Order, Outcome};

/// Where the page before ended, in a list ordered by time.
pub(super) fn place(call: &Call<'_>) -> Result<Option<Cursor>, Fault> {
    let Some(text) = sent::cursor(&call.query)? else { return Ok(None) };
    let place = Cursor::parse(&text);
    place.map(Some).ok_or_else(|| Fault::malformed("cursor is none that this list has given out."))
}

pub(super) async fn sessions(call: &Call<'_>) -> Answer {
    let (limit, after) = (sent::limit(&call.query)?, place(call)?);
    let asked = |name| call.query.sole(name).map(str::to_owned);
    let sought = SessionsToEnd {
        user: asked("user"),
        client_id: asked("client_id"),
        address: asked("address"),
    };
    let chosen = chosen(call, sought).await?;
    let found = several::list(call.site, (&chosen, after), limit + 1).await?;
    let places: Vec<_> = found.iter().map(|session| session.cursor().to_string()).collect();
    let seen = sightings::of(call.site, found).await?;
    let rows = seen.into_iter().map(SessionView::from).zip(places).collect();
    call.page(rows, limit)
}

/// Which sessions are meant.
async fn chosen(call: &Call<'_>, sought: SessionsToEnd) -> Result<Chosen, Fault> {
    let mut chosen = Chosen::default();
    if let Some(text) = sought.user {
        chosen.user = Some(people::find(call.site, &text).await?.id);
    }
    if let Some(id) = sought.client_id.map(ClientId::new) {
        if clients::find(call.site, &id).await?.is_none() {
            return Err(Fault::not_found("app"));
        }
        chosen.client = Some(id);
    }
    if let Some(text) = sought.address {
        let address = several::address_of(&text);
        let address = address.ok_or_else(|| Fault::malformed("address is an IP address."))?;
        chosen.address = Some(address);
    }
    Ok(chosen)
}

pub(super) async fn end_sessions(call: &Call<'_>) -> Answer {
    let chosen = chosen(call, sent::parsed(&call.body)?).await?;
    let ended = several::end(call.site, &chosen, (call.actor(), &call.from())).await?;
    Reply::shown(SessionsEnded { sessions: ended.sessions, more: ended.is_partial })
}

pub(super) async fn end_session(call: &Call<'_>) -> Answer {
    let id = SessionId::new(call.id.as_str());
    // One that has ended already is what was asked for.
    session::end_by_id(call.site, &id, (call.actor(), &call.from())).await?;
    Reply::done()
}

pub(super) async fn keys(call: &Call<'_>) -> Answer {
    let mut rows = Vec::new();
    for key in keys::list(call.site).await? {
        let view = KeyView {
            kid: key.kid.clone(),
            alg: key.alg.as_str().to_owned(),
            purpose: KeyUse::Sig,
            state: key.state,
            created_at: key.created_at.into(),
            removed_at: key.remove_after.map(Into::into),
        };
        rows.push((view, key.kid));
    }
    for key in encryption::list(call.site).await? {
        let view = KeyView {
            kid: key.kid.clone(),
            alg: key.alg.as_str().to_owned(),
            purpose: KeyUse::Enc,
            state: key.state,
            created_at: key.created_at.into(),
            removed_at: key.remove_after.map(Into::into),
        };
        rows.push((view, key.kid));
    }
    call.page(rows, i64::MAX)
}

pub(super) async fn rotate_keys(call: &Call<'_>) -> Answer {
    let wanted: Rotation = sent::parsed(&call.body)?;
    let settings = &call.site.config.keys;
    if let Some(alg) = settings.algorithms.iter().find(|alg| alg.as_str() == wanted.alg) {
        keys::rotate(call.site, *alg, call.actor()).await?;
        return Reply::done();
    }
    let encryption = settings.encryption_algorithms.iter().copied();
    let alg = encryption.into_iter().find(|alg| alg.as_str() == wanted.alg);
    let alg = alg.ok_or_else(|| Fault::field("alg", "there is no key with this algorithm"))?;
    encryption::rotate(call.site, alg, call.actor()).await?;
    Reply::done()
}

pub(super) async fn retire_key(call: &Call<'_>) -> Answer {
    match keys::retire(call.site, &call.id, call.actor()).await {
        Err(KeyChangeError::NotFound) => {
            encryption::retire(call.site, &call.id, call.actor()).await?;
        }
        other => other?,
    }
    Reply::done()
}

pub(super) async fn audit_events(call: &Call<'_>) -> Answer {
    let (limit, after) = (sent::limit(&call.query)?, place(call)?);
    let given = |name| call.query.sole(name).map(str::to_owned);
    // The names that console and commands have, beside those that were first here.
    let (user, result) = (either(call, ["user", "user_id"])?, either(call, ["result", "outcome"])?);
    let outcomes = Outcome::ALL.map(Outcome::as_str);
    let user_id = match (user, call.query.sole("user")) {
        ("user", Some(text)) => Some(people::id_of(call.site, text).await?),
        _ => given("user_id"),
    };
    let filter = AuditFilter {
        kind: given("kind"),
        outcome: sent::one_of(&call.query, result, &outcomes, Outcome::from_name)?,
        user_id,
        client_id: given("client_id"),
        address: given("address"),
        request_id: given("request_id"),
        since: moment(call, "since")?,
        until: moment(call, "until")?,
        order: Order::NewestFirst,
        after,
        limit: limit + 1,
    };
    let found = audit::list(call.site, &filter).await?;
    let rows = found.into_iter().map(|event| {
        let place = event.cursor().to_string();
        (AuditView::from(event), place)
    });
    call.page(rows.collect(), limit)
}

/// Which of two names of one parameter the query has; the first one where it has neither.
fn either(call: &Call<'_>, [name, other]: [&'static str; 2]) -> Result<&'static str, Fault> {
    match (call.query.sole(name), call.query.sole(other)) {
        (Some(_), Some(_)) => Err(Fault::malformed(format!("Give {name} or {other}, not both."))),
        (None, Some(_)) => Ok(other),
        (_, None) => Ok(name),
    }
}

fn moment(call: &Call<'_>, name: &'static str) -> Result<Option<UnixTime>, Fault> {
    let Some(text) = call.query.sole(name) else { return Ok(None) };
    let at = UnixTime::parse(text);
    at.map(Some).ok_or_else(|| Fault::malformed(format!("{name} is a time as in RFC 3339.")))
}
