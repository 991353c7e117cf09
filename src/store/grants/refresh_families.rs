//! Families of rotating refresh tokens: one row each, holding only hashes.

use sqlx_macros::FromRow;

use crate::clock::{Seconds, UnixTime};
use crate::protocol::types::{FamilyId, GrantId, UserId};
use crate::store::db::batch::{Batch, batch};
use crate::store::db::cursor::Cursor;
use crate::store::db::{Db, Sql};
use crate::store::error::StoreError;
use crate::store::grants::{Grant, GrantRow};

/// A refresh token and its successors (RFC 9700 section 4.14.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshFamily {
    pub id: FamilyId,
    pub grant_id: GrantId,
    /// How often it was rotated.
    pub generation: i64,
    /// Hash of the one token that works.
    pub current_hash: String,
    /// Hash of the token before, which gets the same successor during the grace.
    pub previous_hash: Option<String>,
    pub rotated_at: Option<UnixTime>,
    /// The successor's pair, sealed, kept only for the grace.
    pub successor_sealed: Option<String>,
    /// How long it may lie unused.
    pub idle_seconds: Seconds,
    pub idle_expires_at: UnixTime,
    pub expires_at: UnixTime,
    pub created_at: UnixTime,
}

/// One rotation: replace the presented token by a new one.
#[derive(Debug, Clone)]
pub struct Rotation {
    pub family: FamilyId,
    pub presented_hash: String,
    pub new_hash: String,
    pub successor_sealed: Option<String>,
    pub now: UnixTime,
    pub idle_expires_at: UnixTime,
}

/// Whether this caller rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotated {
    Yes,
    /// Somebody else was faster, or the token, its family or its grant is no longer alive.
    No,
}

#[derive(FromRow)]
struct FamilyRow {
    family_id: FamilyId,
    grant_id: GrantId,
    generation: i64,
    current_hash: String,
    previous_hash: Option<String>,
    rotated_at: Option<UnixTime>,
    successor_sealed: Option<String>,
    idle_seconds: Seconds,
    idle_expires_at: UnixTime,
    family_expires_at: UnixTime,
    family_created_at: UnixTime,
}

#[derive(FromRow)]
struct FamilyWithGrantRow {
    #[sqlx(flatten)]
    family: FamilyRow,
    #[sqlx(flatten)]
    grant: GrantRow,
}

impl From<FamilyRow> for RefreshFamily {
    fn from(row: FamilyRow) -> Self {
        Self {
            id: row.family_id,
            grant_id: row.grant_id,
            generation: row.generation,
            current_hash: row.current_hash,
            previous_hash: row.previous_hash,
            rotated_at: row.rotated_at,
            successor_sealed: row.successor_sealed,
            idle_seconds: row.idle_seconds,
            idle_expires_at: row.idle_expires_at,
            expires_at: row.family_expires_at,
            created_at: row.family_created_at,
        }
    }
}

macro_rules! select_with_grant {
    ($rest:literal) => {
        concat!(
            "select f.id as family_id, f.grant_id, f.generation, f.current_hash, f.previous_hash, ",
            "f.rotated_at, f.successor_sealed, f.idle_seconds, f.idle_expires_at, ",
            "f.expires_at as family_expires_at, f.created_at as family_created_at, ",
            "g.id, g.user_id, g.client_id, g.session_id, g.scopes, g.offline, g.auth_time, g.acr, ",
            "g.amr, g.details, g.organisation_id, (select o.display_name from organisation_members m ",
            "join organisations o on o.id = m.organisation_id where m.user_id = g.user_id ",
            "and m.organisation_id = g.organisation_id) as organisation_name, ",
            "g.created_at, g.expires_at, g.revoked_at ",
            "from refresh_families f join grants g on g.id = f.grant_id ",
            $rest
        )
    };
}

/// Adds a family. Its grant must be there: insert both in one transaction.
pub async fn insert<'a>(sql: impl Sql<'a>, family: &RefreshFamily) -> Result<(), StoreError> {
    sql.into()
        .query(
            "insert into refresh_families (id, grant_id, generation, current_hash, previous_hash, \
             rotated_at, successor_sealed, idle_seconds, idle_expires_at, expires_at, created_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(&family.id)
        .bind(&family.grant_id)
        .bind(family.generation)
        .bind(&family.current_hash)
        .bind(&family.previous_hash)
        .bind(family.rotated_at)
        .bind(&family.successor_sealed)
        .bind(family.idle_seconds)
        .bind(family.idle_expires_at)
        .bind(family.expires_at)
        .bind(family.created_at)
        .execute()
        .await
        .map(drop)
}

/// The family and its grant, dead or alive, in one trip.
pub async fn with_grant<'a>(
    sql: impl Sql<'a>,
    family: &FamilyId,
) -> Result<Option<(RefreshFamily, Grant)>, StoreError> {
    let row = sql
        .into()
        .query(select_with_grant!("where f.id = $1"))
        .bind(family)
        .optional::<FamilyWithGrantRow>()
        .await?;
    Ok(row.map(|row| (row.family.into(), row.grant.into())))
}

/// A page of the families of a person of which a token still works, with their grants, newest grant first.
/// Those of apps that are disabled are left out. `after` is the place that the last page ended with: when its
/// last grant was made, and its id.
pub async fn living_of_user<'a>(
    sql: impl Sql<'a>,
    (user, after): (&UserId, Option<Cursor>),
    now: UnixTime,
    limit: i64,
) -> Result<Vec<(RefreshFamily, Grant)>, StoreError> {
    let after = after.unwrap_or_else(Cursor::start);
    let rows = sql
        .into()
        .query(select_with_grant!(
            "where g.user_id = $1 and g.revoked_at is null and f.expires_at > $2 \
             and f.idle_expires_at > $2 and (g.created_at, g.id) < ($3, $4) \
             and exists (select 1 from clients c where c.id = g.client_id and c.disabled_at is null) \
             order by g.created_at desc, g.id desc limit $5"
        ))
        .bind(user)
        .bind(now)
        .bind(after.at)
        .bind(after.id)
        .bind(limit)
        .all::<FamilyWithGrantRow>()
        .await?;
    Ok(rows.into_iter().map(|row| (row.family.into(), row.grant.into())).collect())
}

/// The same, those that do not end with a session before the others.
pub async fn foremost_of_user<'a>(
    sql: impl Sql<'a>,
    user: &UserId,
    now: UnixTime,
    limit: i64,
) -> Result<Vec<(RefreshFamily, Grant)>, StoreError> {
    let rows = sql
        .into()
        .query(select_with_grant!(
            "where g.user_id = $1 and g.revoked_at is null and f.expires_at > $2 \
             and f.idle_expires_at > $2 \
             and exists (select 1 from clients c where c.id = g.client_id and c.disabled_at is null) \
             order by case when g.session_id is null or g.offline then 0 else 1 end, \
             g.created_at desc, g.id desc limit $3"
        ))
        .bind(user)
        .bind(now)
        .bind(limit)
        .all::<FamilyWithGrantRow>()
        .await?;
    Ok(rows.into_iter().map(|row| (row.family.into(), row.grant.into())).collect())
}

/// Rotates in one atomic statement: of any number of callers that present the same token, exactly
/// one gets [`Rotated::Yes`].
pub async fn rotate<'a>(sql: impl Sql<'a>, rotation: &Rotation) -> Result<Rotated, StoreError> {
    let rotated = sql
        .into()
        .query(
            "update refresh_families set previous_hash = current_hash, current_hash = $3, \
             successor_sealed = $4, rotated_at = $5, idle_expires_at = $6, \
             generation = generation + 1 \
             where id = $1 and current_hash = $2 and idle_expires_at > $5 and expires_at > $5 \
             and exists (select 1 from grants g \
                         where g.id = refresh_families.grant_id and g.revoked_at is null)",
        )
        .bind(&rotation.family)
        .bind(&rotation.presented_hash)
        .bind(&rotation.new_hash)
        .bind(&rotation.successor_sealed)
        .bind(rotation.now)
        .bind(rotation.idle_expires_at)
        .execute()
        .await?;
    Ok(if rotated == 1 { Rotated::Yes } else { Rotated::No })
}

const OVER: Batch = batch!("update refresh_families set successor_sealed = null",
    of "refresh_families",
    in "refresh_families where successor_sealed is not null and rotated_at < $1 \
        order by rotated_at limit $2");

/// Forgets the sealed successors of rotations before this moment: their grace is over. Returns how many,
/// at most `limit`.
pub async fn clear_successors(
    db: &Db,
    rotated_before: UnixTime,
    limit: i64,
) -> Result<u64, StoreError> {
    OVER.on(db).bind(rotated_before).bind(limit).execute().await
}
