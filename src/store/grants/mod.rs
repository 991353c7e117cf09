//! Grants: one lineage from a person's consent to every token issued from it.

pub mod refresh_families;

use sqlx_macros::FromRow;

use super::db::{Sql, Tx};
use super::error::StoreError;
use crate::clock::UnixTime;
use crate::protocol::organisation::ActiveOrganisation;
use crate::protocol::scope::Scopes;
use crate::protocol::token::grant::details::GrantDetails;
use crate::protocol::types::{ClientId, GrantId, OrganisationId, SessionId, UserId};
use crate::store::db::columns::Json;

/// Everything issued from one authorization code (RFC 6749 section 4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub id: GrantId,
    pub user_id: UserId,
    pub client_id: ClientId,
    /// The session it was made in; that session may be long gone.
    pub session_id: Option<SessionId>,
    pub scopes: Scopes,
    /// Whether it outlives the session (`offline_access`, OpenID Connect Core section 11).
    pub offline: bool,
    pub auth_time: UnixTime,
    pub acr: String,
    pub amr: Vec<String>,
    /// What it carries beyond its scopes.
    pub details: GrantDetails,
    /// For which organisation the person acts, as long as they are in it.
    pub organisation: Option<ActiveOrganisation>,
    pub created_at: UnixTime,
    /// When nothing issued from it can be alive any more; the row may then be deleted.
    pub expires_at: UnixTime,
    pub revoked_at: Option<UnixTime>,
}

/// Whether an insert made a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    New,
    /// A row with this id was there: the code was redeemed before.
    Duplicate,
}

/// What happens to grants with `offline_access` when their session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offline {
    Keep,
    Revoke,
}

#[derive(FromRow)]
pub(super) struct GrantRow {
    id: GrantId,
    user_id: UserId,
    client_id: ClientId,
    session_id: Option<SessionId>,
    scopes: Scopes,
    offline: bool,
    auth_time: UnixTime,
    acr: String,
    amr: Json<Vec<String>>,
    details: Json<GrantDetails>,
    organisation_id: Option<OrganisationId>,
    /// `None` when the person is in it no more.
    organisation_name: Option<String>,
    created_at: UnixTime,
    expires_at: UnixTime,
    revoked_at: Option<UnixTime>,
}

impl From<GrantRow> for Grant {
    fn from(row: GrantRow) -> Self {
        Self {
            id: row.id,
            user_id: row.user_id,
            client_id: row.client_id,
            session_id: row.session_id,
            scopes: row.scopes,
            offline: row.offline,
            auth_time: row.auth_time,
            acr: row.acr,
            amr: row.amr.0,
            details: row.details.0,
            organisation: row
                .organisation_id
                .zip(row.organisation_name)
                .map(|(id, name)| ActiveOrganisation { id, name }),
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
        }
    }
}

macro_rules! select_grant {
    ($rest:literal) => {
        concat!(
            "select id, user_id, client_id, session_id, scopes, offline, auth_time, acr, amr, ",
            "details, organisation_id, (select o.display_name from organisation_members m ",
            "join organisations o on o.id = m.organisation_id where m.user_id = grants.user_id ",
            "and m.organisation_id = grants.organisation_id) as organisation_name, ",
            "created_at, expires_at, revoked_at from grants ",
            $rest
        )
    };
}

/// Adds a grant: the gate that lets an authorization code be redeemed once. `Conflict` when the
/// user or client was deleted meanwhile.
pub async fn insert<'a>(sql: impl Sql<'a>, grant: &Grant) -> Result<Inserted, StoreError> {
    let added = sql
        .into()
        .query(
            "insert into grants (id, user_id, client_id, session_id, scopes, offline, auth_time, \
             acr, amr, details, created_at, expires_at, revoked_at, organisation_id) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) \
             on conflict (id) do nothing",
        )
        .bind(&grant.id)
        .bind(&grant.user_id)
        .bind(&grant.client_id)
        .bind(&grant.session_id)
        .bind(&grant.scopes)
        .bind(grant.offline)
        .bind(grant.auth_time)
        .bind(&grant.acr)
        .bind(Json(&grant.amr))
        .bind(Json(&grant.details))
        .bind(grant.created_at)
        .bind(grant.expires_at)
        .bind(grant.revoked_at)
        .bind(grant.organisation.as_ref().map(|organisation| &organisation.id))
        .execute()
        .await?;
    Ok(if added == 1 { Inserted::New } else { Inserted::Duplicate })
}

/// The grant with this id, revoked or not.
pub async fn by_id<'a>(sql: impl Sql<'a>, id: &GrantId) -> Result<Option<Grant>, StoreError> {
    let row =
        sql.into().query(select_grant!("where id = $1")).bind(id).optional::<GrantRow>().await?;
    Ok(row.map(Grant::from))
}

/// Holds a grant that is alive until the caller's transaction is over; `false` if there is none.
/// Whatever ends it, alone or with its session, person, client or consent, waits for that.
pub async fn hold(tx: &mut Tx, id: &GrantId) -> Result<bool, StoreError> {
    // A write that changes nothing locks the row on both databases.
    let held = tx
        .query("update grants set revoked_at = null where id = $1 and revoked_at is null")
        .bind(id)
        .execute()
        .await?;
    Ok(held == 1)
}

/// Revokes one grant; `false` if it is unknown or was revoked before.
pub async fn revoke<'a>(
    sql: impl Sql<'a>,
    id: &GrantId,
    now: UnixTime,
) -> Result<bool, StoreError> {
    let revoked = sql
        .into()
        .query("update grants set revoked_at = $2 where id = $1 and revoked_at is null")
        .bind(id)
        .bind(now)
        .execute()
        .await?;
    Ok(revoked == 1)
}

/// Revokes every grant of a person and tells which.
pub async fn revoke_for_user<'a>(
    sql: impl Sql<'a>,
    user: &UserId,
    now: UnixTime,
) -> Result<Vec<GrantId>, StoreError> {
    let rows = sql
        .into()
        .query(
            "update grants set revoked_at = $2 where user_id = $1 and revoked_at is null \
             returning id",
        )
        .bind(user)
        .bind(now)
        .all()
        .await?;
    Ok(ids(rows))
}

/// Revokes every grant of a client and tells which.
pub async fn revoke_for_client<'a>(
    sql: impl Sql<'a>,
    client: &ClientId,
    now: UnixTime,
) -> Result<Vec<GrantId>, StoreError> {
    let rows = sql
        .into()
        .query(
            "update grants set revoked_at = $2 where client_id = $1 and revoked_at is null \
             returning id",
        )
        .bind(client)
        .bind(now)
        .all()
        .await?;
    Ok(ids(rows))
}

/// Notes the session in which the person allowed a grant that belongs to no session, as a device's does.
pub async fn note_approval<'a>(
    sql: impl Sql<'a>,
    grant: &GrantId,
    session: &SessionId,
) -> Result<(), StoreError> {
    sql.into()
        .query("update grants set approved_in = $2 where id = $1")
        .bind(grant)
        .bind(session)
        .execute()
        .await
        .map(drop)
}

/// Revokes the grants made in a session and tells which. With [`Offline::Revoke`] those, too, that outlive it or
/// were only allowed in it.
pub async fn revoke_for_session<'a>(
    sql: impl Sql<'a>,
    session: &SessionId,
    now: UnixTime,
    offline: Offline,
) -> Result<Vec<GrantId>, StoreError> {
    let rows = sql
        .into()
        .query(match offline {
            Offline::Keep => {
                "update grants set revoked_at = $2 where session_id = $1 \
                     and revoked_at is null and offline = false returning id"
            }
            Offline::Revoke => {
                "update grants set revoked_at = $2 where (session_id = $1 or approved_in = $1) \
                     and revoked_at is null returning id"
            }
        })
        .bind(session)
        .bind(now)
        .all()
        .await?;
    Ok(ids(rows))
}

/// Revokes the grants of a person that live as long as a session, except those of one session if
/// wanted, and tells which.
pub async fn revoke_bound<'a>(
    sql: impl Sql<'a>,
    user: &UserId,
    except: Option<&SessionId>,
    now: UnixTime,
) -> Result<Vec<GrantId>, StoreError> {
    let rows = sql
        .into()
        .query(
            "update grants set revoked_at = $3 where user_id = $1 and revoked_at is null \
             and offline = false and session_id is not null and ($2 is null or session_id <> $2) \
             returning id",
        )
        .bind(user)
        .bind(except)
        .bind(now)
        .all()
        .await?;
    Ok(ids(rows))
}

/// Revokes the grants of a person that outlive sessions, such as those of devices, and tells which.
pub async fn revoke_unbound<'a>(
    sql: impl Sql<'a>,
    user: &UserId,
    now: UnixTime,
) -> Result<Vec<GrantId>, StoreError> {
    let rows = sql
        .into()
        .query(
            "update grants set revoked_at = $2 where user_id = $1 and revoked_at is null \
             and (offline = true or session_id is null) returning id",
        )
        .bind(user)
        .bind(now)
        .all()
        .await?;
    Ok(ids(rows))
}

/// Revokes what a withdrawn consent allowed and tells which grants those were.
pub async fn revoke_for_consent<'a>(
    sql: impl Sql<'a>,
    user: &UserId,
    client: &ClientId,
    now: UnixTime,
) -> Result<Vec<GrantId>, StoreError> {
    let rows = sql
        .into()
        .query(
            "update grants set revoked_at = $3 where user_id = $1 and client_id = $2 \
             and revoked_at is null returning id",
        )
        .bind(user)
        .bind(client)
        .bind(now)
        .all()
        .await?;
    Ok(ids(rows))
}

/// Revokes the grants of a person to clients that let in certain groups, none of which they are in now, and
/// tells which, each with its client.
pub async fn revoke_shut_out<'a>(
    sql: impl Sql<'a>,
    user: &UserId,
    now: UnixTime,
) -> Result<Vec<(GrantId, ClientId)>, StoreError> {
    sql.into()
        .query(
            "update grants set revoked_at = $2 where user_id = $1 and revoked_at is null \
             and exists (select 1 from client_groups c where c.client_id = grants.client_id) \
             and not exists (select 1 from client_groups c join groups g on g.name = c.group_name \
             join user_groups u on u.group_id = g.id where c.client_id = grants.client_id \
             and u.user_id = $1) returning id, client_id",
        )
        .bind(user)
        .bind(now)
        .all()
        .await
}

/// Revokes what a person was given for an organisation, and tells which, each with its client.
pub async fn revoke_for_organisation<'a>(
    sql: impl Sql<'a>,
    (user, organisation): (&UserId, &OrganisationId),
    now: UnixTime,
) -> Result<Vec<(GrantId, ClientId)>, StoreError> {
    sql.into()
        .query(
            "update grants set revoked_at = $3 where user_id = $1 and organisation_id = $2 \
             and revoked_at is null returning id, client_id",
        )
        .bind(user)
        .bind(organisation)
        .bind(now)
        .all()
        .await
}

/// The clients signed in through a session, revoked grants aside.
pub async fn clients_of_session<'a>(
    sql: impl Sql<'a>,
    session: &SessionId,
) -> Result<Vec<ClientId>, StoreError> {
    let rows = sql
        .into()
        .query(
            "select distinct client_id from grants where session_id = $1 and revoked_at is null \
             order by client_id",
        )
        .bind(session)
        .all::<(ClientId,)>()
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Whose a session was, by a living grant that ends with it: the session's own row may have gone.
pub async fn owner_of_bound<'a>(
    sql: impl Sql<'a>,
    session: &SessionId,
) -> Result<Option<UserId>, StoreError> {
    let row = sql
        .into()
        .query(
            "select user_id from grants where session_id = $1 and revoked_at is null \
             and offline = false limit 1",
        )
        .bind(session)
        .optional::<(UserId,)>()
        .await?;
    Ok(row.map(|(user,)| user))
}

/// The clients that hold a grant of a person, whatever became of it.
pub async fn clients_of_user<'a>(
    sql: impl Sql<'a>,
    user: &UserId,
) -> Result<Vec<ClientId>, StoreError> {
    let rows = sql
        .into()
        .query("select distinct client_id from grants where user_id = $1")
        .bind(user)
        .all::<(ClientId,)>()
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// The newest living grant that a person gave a client by this very sign-in. An ID token names the sign-in
/// and not the grant it came with; where there are several, this is what counts by now. `session` is
/// `None` for a grant that belongs to no session.
pub async fn of_sign_in<'a>(
    sql: impl Sql<'a>,
    (user, client): (&UserId, &ClientId),
    (session, auth_time): (Option<&SessionId>, UnixTime),
    now: UnixTime,
) -> Result<Option<Grant>, StoreError> {
    let row = sql
        .into()
        .query(select_grant!(
            "where user_id = $1 and client_id = $2 and auth_time = $4 and revoked_at is null \
             and expires_at > $5 and (session_id = $3 or ($3 is null and session_id is null)) \
             order by created_at desc, id desc limit 1"
        ))
        .bind(user)
        .bind(client)
        .bind(session)
        .bind(auth_time)
        .bind(now)
        .optional::<GrantRow>()
        .await?;
    Ok(row.map(Grant::from))
}

/// The living grants of a person, newest first.
pub async fn list_for_user<'a>(
    sql: impl Sql<'a>,
    user: &UserId,
    now: UnixTime,
) -> Result<Vec<Grant>, StoreError> {
    let rows = sql
        .into()
        .query(select_grant!(
            "where user_id = $1 and revoked_at is null and expires_at > $2 \
             order by created_at desc, id desc limit 1000"
        ))
        .bind(user)
        .bind(now)
        .all::<GrantRow>()
        .await?;
    Ok(rows.into_iter().map(Grant::from).collect())
}

fn ids(rows: Vec<(GrantId,)>) -> Vec<GrantId> {
    rows.into_iter().map(|(id,)| id).collect()
}
