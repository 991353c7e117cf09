//! For which organisation somebody acts. A session has the one they have chosen in it; who is in one alone
//! acts for that. An app that asks for the scope `org` hears of it, and one that names an organisation gets
//! nobody but those who are in it.
//!
//! All of this is read in SQL, and only where an app asks: no copy of a session holds it. Apps behind the gateway
//! do not ask; what is remembered there is given up with each choice and each change of who is in what
//! (`members::told`).

use crate::app::App;
use crate::protocol::authorize::AuthorizeRequest;
use crate::protocol::organisation::{ActiveOrganisation, SCOPE, is_id};
use crate::protocol::types::{OrganisationId, UserId};
use crate::service::audit::{Actor, Caller, Event};
use crate::service::failure::Failure;
use crate::service::organisations::{described, members};
use crate::service::revocation;
use crate::service::session::LiveSession;
use crate::store::grants::Grant;
use crate::store::organisations::{self as rows, Organisation};
use crate::store::{Tx, audit, sessions, users};

/// For which one somebody acts towards an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Acting {
    /// The app does not ask, or the person is in none.
    ForNobody,
    For(ActiveOrganisation),
    /// The app names one that the person is not in.
    Stranger,
    /// The person is in several and has chosen none.
    Open,
}

/// Those somebody is in, and which of them is the active one in this session.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn choices(
    app: &App,
    session: &LiveSession,
) -> Result<(Vec<Organisation>, Option<OrganisationId>), Failure> {
    let all = members::of_user(app, &session.user_id).await?;
    let active = match all.as_slice() {
        [] => None,
        [one] => Some(one.id.clone()),
        several => sessions::organisation(&app.store.db, &session.id)
            .await?
            .filter(|chosen| several.iter().any(|organisation| organisation.id == *chosen)),
    };
    Ok((all, active))
}

/// Makes one of a person's organisations the active one of their session. `false`, and nothing changes,
/// when they are not in it or the session has ended. The one it is already is noted nowhere. When this comes
/// back, the gateway tells apps of the new one on every node.
///
/// # Errors
/// [`Failure`] when SQL does not take it.
pub async fn choose(
    app: &App,
    session: &LiveSession,
    (id, caller): (&OrganisationId, &Caller),
) -> Result<bool, Failure> {
    if !is_id(id.as_str()) {
        return Ok(false);
    }
    let mut tx = app.store.begin().await?;
    // Whoever takes them out of it holds them, too, and finds the choice.
    if !users::hold(&mut tx, &session.user_id).await?
        || rows::of_member(&mut tx, (id, &session.user_id)).await?.is_none()
        || !sessions::hold(&mut tx, &session.id).await?
    {
        return Ok(false);
    }
    let before = sessions::organisation(&mut tx, &session.id).await?;
    if before.as_ref() == Some(id) {
        return Ok(true);
    }
    let Some(about) = rows::by_id(&mut tx, id).await? else { return Ok(false) };
    sessions::set_organisation(&mut tx, (&session.id, id)).await?;
    let actor = Actor::User(session.user_id.clone());
    let mut event = Event::success("organisation.chosen", &actor, app.now())
        .user(&session.user_id)
        .session(&session.id)
        .caller(caller);
    if let Some(before) = before {
        event = event.detail("organisation_id_before", before.as_str());
    }
    audit::append(&mut tx, &described(event, &about).into_row()).await?;
    let told = members::told(&mut tx, &session.user_id).await?;
    let pending = revocation::record(&mut tx, told.as_slice(), app.now()).await?;
    tx.commit().await?;
    revocation::publish(app, pending).await;
    Ok(true)
}

/// For which one the person acts towards the app that asks.
pub(crate) async fn of_request(
    app: &App,
    session: &LiveSession,
    request: &AuthorizeRequest,
) -> Result<Acting, Failure> {
    if let Some(id) = &request.organisation {
        let found = membership(app, (id, &session.user_id)).await?;
        return Ok(found.map_or(Acting::Stranger, Acting::For));
    }
    if !request.scopes.contains(SCOPE) {
        return Ok(Acting::ForNobody);
    }
    let (all, active) = choices(app, session).await?;
    let is_none = all.is_empty();
    let found = all.into_iter().find(|organisation| active.as_ref() == Some(&organisation.id));
    Ok(match found {
        Some(one) => Acting::For(ActiveOrganisation { id: one.id, name: one.display_name }),
        None if is_none => Acting::ForNobody,
        None => Acting::Open,
    })
}

/// The organisation, if this person is in it now.
pub(crate) async fn membership(
    app: &App,
    who: (&OrganisationId, &UserId),
) -> Result<Option<ActiveOrganisation>, Failure> {
    if !is_id(who.0.as_str()) {
        return Ok(None);
    }
    Ok(rows::of_member(&app.store.db, who).await?)
}

/// Whether the person of a new grant is in the organisation it is given for; nobody takes them out of it
/// before the transaction is over. Call it before anything but the person is held.
pub(crate) async fn is_in_until_commit(tx: &mut Tx, grant: &Grant) -> Result<bool, Failure> {
    let Some(organisation) = &grant.organisation else { return Ok(true) };
    Ok(users::hold(&mut *tx, &grant.user_id).await?
        && rows::of_member(tx, (&organisation.id, &grant.user_id)).await?.is_some())
}
