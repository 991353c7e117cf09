//! The person's answer to "may this app see this?". Remembered per app and scope.

use std::sync::Arc;

use serde_json::json;

use crate::app::App;
use crate::clock::UnixTime;
use crate::crypto::encoding::fingerprint;
use crate::protocol::authorize::AuthorizeRequest;
use crate::protocol::authorize::claims_request::ClaimsRequest;
use crate::protocol::client::{Client, registration};
use crate::protocol::interaction;
use crate::protocol::rights::Right;
use crate::protocol::scope::Scopes;
use crate::protocol::types::{ClientId, UserId};
use crate::service::audit::{Actor, Caller, Event};
use crate::service::authorize::flow::Flow;
use crate::service::authorize::{self, AuthorizeError, Outcome};
use crate::service::clients::access;
use crate::service::clients::metadata_document::{self, Kept};
use crate::service::failure::Failure;
use crate::service::people::PeopleError;
use crate::service::people::authority::Authority;
use crate::service::revocation::{self, Pending, Subject};
use crate::service::session::{LiveSession, backchannel_logout, session_data};
use crate::store::consents::{self, Consent};
use crate::store::sessions::session_data as session_data_rows;
use crate::store::{StoreError, Tx, audit, clients as client_rows, grants, pairs};

/// What the person pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Allow,
    Deny,
}

/// What a consent page lists, in short. The page carries it sealed, so that an answer counts for what
/// the person saw: an app that may ask for more by then, or is called otherwise, is asked about anew.
pub(crate) fn listed(client: &Client, request: &AuthorizeRequest) -> String {
    let metadata = &client.metadata;
    let face = [&metadata.logo_uri, &metadata.policy_uri, &metadata.tos_uri];
    let list = json!({
        "client": client.id,
        "name": metadata.client_name,
        "face": face,
        "answered_at": request.reply_to.redirect_uri(),
        "scopes": request.scopes,
        "claims": request.details.claims.beyond(&request.scopes),
        "authorization_details": request.details.authorization_details,
    });
    fingerprint(&list.to_string())
}

/// Records the answer and takes the flow on.
///
/// # Errors
/// [`AuthorizeError`] when the request is no longer good or SQL does not take the answer.
pub async fn decide(
    app: &App,
    (mut flow, session): (Flow, &LiveSession),
    decision: Decision,
    caller: &Caller,
) -> Result<Outcome, AuthorizeError> {
    let mut verified = authorize::verify(app, &flow).await?;
    let (client, reply_to) = (&verified.client, &verified.reply_to);
    let request = match &verified.request {
        Ok(request) => request,
        Err(error) => return authorize::refuse(app, (client, reply_to), error).await,
    };
    if !access::admits(&app.store.db, client, &session.user_id).await? {
        // Nobody allows an app anything that they may not use. Whoever leaves the page that says so
        // goes back with that.
        return match decision {
            Decision::Allow => authorize::go_on(app, (&flow, Some(session)), verified).await,
            Decision::Deny => {
                let error = interaction::shut_out();
                authorize::deny(app, (&flow, &error), (client, reply_to)).await
            }
        };
    }
    if decision == Decision::Deny {
        let event = answered("consent.denied", (client, session), (app.now(), decision));
        crate::service::audit::write(app, event.caller(caller)).await?;
        return authorize::deny(app, (&flow, &authorize::denied()), (client, reply_to)).await;
    }
    // What was shown is what is allowed; anything else is shown first.
    if flow.listed.as_ref() == Some(&listed(client, request)) {
        let kept = remember(app, (client, request), (session, caller)).await?;
        if let Kept::Anew(token_version) = kept {
            // What is begun for it from here on ends with its tokens.
            verified.client = Arc::new(Client { token_version, ..Client::clone(client) });
        }
        flow.progress.consented_at = Some(app.now());
    }
    authorize::go_on(app, (&flow, Some(session)), verified).await
}

fn answered(
    kind: &'static str,
    (client, session): (&Client, &LiveSession),
    (now, decision): (UnixTime, Decision),
) -> Event {
    let actor = Actor::User(session.user_id.clone());
    let event = match decision {
        Decision::Allow => Event::success(kind, &actor, now),
        Decision::Deny => Event::failure(kind, &actor, now),
    };
    event.user(&session.user_id).client(&client.id).session(&session.id)
}

/// Adds what the person allows to what they allowed this app before.
async fn remember(
    app: &App,
    (client, request): (&Client, &AuthorizeRequest),
    (session, caller): (&LiveSession, &Caller),
) -> Result<Kept, AuthorizeError> {
    let now = app.now();
    let mut tx = app.store.begin().await.map_err(Failure::from)?;
    let kept = metadata_document::keep(app, &mut tx, client).await?;
    let whose = (&session.user_id, &client.id);
    match add(&mut tx, whose, (&request.scopes, &request.details.claims), now).await {
        Ok(_) => {}
        // The app was deleted this very moment.
        Err(StoreError::Conflict) => return Err(AuthorizeError::UnknownClient),
        Err(error) => return Err(Failure::from(error).into()),
    }
    let event = answered("consent.granted", (client, session), (now, Decision::Allow))
        .caller(caller)
        .detail("scope", request.scopes.to_string());
    audit::append(&mut tx, &event.into_row()).await.map_err(Failure::from)?;
    metadata_document::announce(&mut tx, kept).await.map_err(Failure::from)?;
    tx.commit().await.map_err(Failure::from)?;
    if kept != Kept::Before {
        app.known.forget();
    }
    Ok(kept)
}

/// The apps a person has allowed.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn list(app: &App, user: &UserId) -> Result<Vec<Consent>, Failure> {
    Ok(consents::list_for_user(&app.store.db, user).await?)
}

/// Adds to what a person has allowed a client, whoever else does the same at this moment. Tells how often they
/// have taken it back before.
///
/// # Errors
/// [`StoreError::Conflict`] when the person or the client is gone.
pub(crate) async fn add(
    tx: &mut Tx,
    (user, client): (&UserId, &ClientId),
    (scopes, asked): (&Scopes, &ClaimsRequest),
    now: UnixTime,
) -> Result<i64, StoreError> {
    let mut consent = consents::hold_or_begin(tx, user, client, now).await?;
    consent.scopes = consent.scopes.union(scopes);
    consent.claims.extend(asked.beyond(&consent.scopes));
    consent.granted_at = now;
    consents::upsert(&mut *tx, &consent).await?;
    Ok(consent.withdrawals)
}

/// Takes a consent back, and with it everything issued on it; the app is told that the person has
/// signed out. Whoever may sign the person out may do it for them. `false` when there is no such consent.
///
/// # Errors
/// [`PeopleError::NotYours`], [`PeopleError::NotFound`], and [`Failure`] when SQL does not take it; nothing is
/// taken back then.
pub async fn withdraw(
    app: &App,
    (user, client): (&UserId, &ClientId),
    (actor, caller): (&Actor, &Caller),
) -> Result<bool, PeopleError> {
    let now = app.now();
    let mut tx = app.store.begin().await?;
    let authority = Authority::of(&mut tx, actor, Some(user)).await?;
    authority.change_by_id(&mut tx, Right::SessionsEnd, user).await?;
    // Waits for codes that are redeemed on it at this moment, whose grants are then seen below.
    if !consents::delete(&mut tx, user, client).await? {
        drop(tx);
        // Somebody may have taken it back a moment ago.
        revocation::outlive_recent(app, now).await;
        return Ok(false);
    }
    let revoked = grants::revoke_for_consent(&mut tx, user, client, now).await?;
    backchannel_logout::enqueue_for_app(app, &mut tx, (user, client)).await?;
    let kept = session_data::forget_app(app, &mut tx, (user, client)).await?;
    let subjects: Vec<_> = revoked.iter().map(Subject::Grant).collect();
    let pending = revocation::record(&mut tx, &subjects, now).await?;
    let event =
        Event::success("consent.withdrawn", actor, now).user(user).client(client).caller(caller);
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    app.outbox_bell.notify_one();
    revocation::publish(app, pending).await;
    session_data::make_room(app, kept).await;
    Ok(true)
}

/// Takes back what everybody has allowed a client that looks like another one after a change: people allowed
/// another app than this one has become. `None` where it looks the same; publish what else it gives after the
/// commit.
///
/// # Errors
/// [`Failure`] when SQL does not take it.
pub(crate) async fn withdraw_from_another(
    tx: &mut Tx,
    (before, after): (&Client, &Client),
    now: UnixTime,
) -> Result<Option<Pending>, Failure> {
    if registration::looks_the_same(&before.metadata, &after.metadata) {
        return Ok(None);
    }
    withdraw_all(tx, &after.id, now).await.map(Some)
}

/// Takes back what everybody has allowed a client, and everything issued on it.
async fn withdraw_all(tx: &mut Tx, client: &ClientId, now: UnixTime) -> Result<Pending, Failure> {
    pairs::hold_ended_of_client(tx, client).await?;
    consents::delete_for_client(&mut *tx, client).await?;
    grants::revoke_for_client(&mut *tx, client, now).await?;
    session_data_rows::forget_client(&mut *tx, client).await?;
    let version = client_rows::raise_token_version(&mut *tx, client).await?;
    revocation::record(tx, &[Subject::Client(client, version)], now).await
}
