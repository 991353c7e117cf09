//! The revocation set: one concept for logout, disabled users and clients, changed passwords,
//! withdrawn consent, refresh reuse and administrators.
//!
//! Truth is SQL. The ephemeral store holds tombstones as a fast copy, with a marker that says how
//! complete the copy is (see [`crate::app::Watch`]). A revocation is acknowledged once SQL has it;
//! an answer never relies on a copy that might have forgotten something.

use std::collections::HashSet;
use std::time::Duration;

use crate::app::{App, Freshness};
use crate::clock::{Seconds, UnixTime};
use crate::crypto::secret;
use crate::protocol::token::claims::{ActorOrigin, Origin};
use crate::protocol::types::{ClientId, GrantId, SessionId, UserId};
use crate::service::failure::Failure;
use crate::store::revocations::{self, Revocation, RevocationKind};
use crate::store::{Tx, sync};

/// The key of the marker in the ephemeral store.
///
/// What stands in braces decides the slot in a Redis Cluster. The marker and all tombstones share one,
/// so that a shard that loses its data or falls back to an older replica loses both: a marker that
/// survived its tombstones would call a copy complete that has forgotten what ended.
pub(crate) const MARKER: &str = "{rv}:marker";
/// The marker outlives every tombstone; it is renewed with each revocation and by maintenance.
const MARKER_TTL: Seconds = 90 * 86_400;
/// What a tombstone must outlive: the longest access token (an hour, the cap of client settings)
/// and the longest fast copy of a session (`session::COPY_TTL`), with room for slow clocks.
const TOMBSTONE_TTL: Seconds = 3_600 + 60;

/// Entries that one step copies.
const COPIED_AT_ONCE: i64 = 2_000;
/// How often a copy being made looks for what was revoked meanwhile.
const CATCH_UPS: usize = 8;
/// How often a revocation looks whether those before it have been published, and the pause between.
const TURNS: usize = 10;
const TURN: Duration = Duration::from_millis(10);

/// What a token descends from; any of these being revoked kills it.
#[derive(Debug, Clone, Copy)]
pub struct Lineage<'a> {
    pub grant: &'a GrantId,
    /// Absent for offline grants, which outlive the session they were made in.
    pub session: Option<&'a SessionId>,
    /// The person and the token version at issue.
    pub user: Option<(&'a UserId, i64)>,
    /// The client and its token version at issue.
    pub client: (&'a ClientId, i64),
    /// Whose tokens it was exchanged from.
    pub origins: &'a [Origin],
    /// By whose tokens it was asked for.
    pub actors: &'a [ActorOrigin],
}

/// Whether a token still counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Alive,
    Revoked,
}

/// One thing being revoked.
#[derive(Debug, Clone)]
pub enum Subject<'a> {
    Grant(&'a GrantId),
    Session(&'a SessionId),
    /// A session cookie by the hash of its value: no copy of its session may answer any more.
    Cookie(&'a str),
    /// Everything issued before this token version.
    User(&'a UserId, i64),
    Client(&'a ClientId, i64),
    /// What copies say about a person: name, groups, role. Nothing of theirs ends.
    Facts(&'a UserId),
}

impl Subject<'_> {
    /// The row of this revocation, which has this number.
    fn revocation(&self, number: i64, now: UnixTime) -> Revocation {
        let (kind, subject, version) = match self {
            Self::Grant(id) => (RevocationKind::Grant, id.as_str(), 0),
            Self::Session(id) => (RevocationKind::Session, id.as_str(), 0),
            Self::Cookie(hash) => (RevocationKind::Cookie, *hash, 0),
            Self::User(id, version) => (RevocationKind::User, id.as_str(), *version),
            Self::Client(id, version) => (RevocationKind::Client, id.as_str(), *version),
            Self::Facts(id) => (RevocationKind::Facts, id.as_str(), number),
        };
        Revocation {
            kind,
            subject: subject.to_owned(),
            version,
            revoked_at: now,
            expires_at: now.plus(TOMBSTONE_TTL),
        }
    }
}

/// Revocations that SQL has taken in a transaction and that wait for its commit to be published.
#[must_use = "publish after the commit, or the fast copy stays behind"]
pub struct Pending {
    revocations: Vec<Revocation>,
    number: i64,
}

/// Records revocations inside the caller's transaction.
///
/// # Errors
/// [`Failure`] when SQL does not take them; nothing is revoked then.
pub async fn record(
    tx: &mut Tx,
    subjects: &[Subject<'_>],
    now: UnixTime,
) -> Result<Pending, Failure> {
    let number = sync::bump_revocations(&mut *tx).await?;
    let revocations: Vec<_> = subjects.iter().map(|s| s.revocation(number, now)).collect();
    for revocation in &revocations {
        revocations::record(&mut *tx, revocation).await?;
    }
    Ok(Pending { revocations, number })
}

/// Records the revocation of a lineage that has no row of its own, such as that of a client's own
/// token; `None` when it was revoked before, so that saying so again costs nobody anything.
///
/// # Errors
/// [`Failure`] when SQL does not take it; nothing is revoked then.
pub async fn record_new(
    tx: &mut Tx,
    grant: &GrantId,
    now: UnixTime,
) -> Result<Option<Pending>, Failure> {
    // A grant has no versions, so the number it gets below does not matter to the row.
    let revocation = Subject::Grant(grant).revocation(0, now);
    if !revocations::record_new(&mut *tx, &revocation).await? {
        return Ok(None);
    }
    let number = sync::bump_revocations(&mut *tx).await?;
    Ok(Some(Pending { revocations: vec![revocation], number }))
}

/// Publishes what the commit has made true. Never fails: a copy that could not be written is behind
/// the number SQL knows, so readers distrust it and make it again.
pub async fn publish(app: &App, pending: Pending) {
    app.watch.saw_revocation(pending.number);
    if let Err(error) = write_copy(app, &pending).await {
        tracing::warn!(%error, "a revocation could not be copied; readers go to SQL until it is");
    }
}

async fn write_copy(app: &App, pending: &Pending) -> Result<(), Failure> {
    for _ in 0..TURNS {
        let marker = app.ephemeral.get(MARKER).await?;
        match marker.and_then(|text| text.parse::<i64>().ok()) {
            // The copy knew everything before this one. A store that was emptied since has no marker
            // to replace, and no other tombstone.
            Some(known) if known + 1 == pending.number => {
                write_tombstones(app, &pending.revocations).await?;
                let (known, number) = (known.to_string(), pending.number.to_string());
                if app.ephemeral.replace(MARKER, &known, &number).await? {
                    return Ok(());
                }
            }
            // Somebody made it again since: whoever read this number in SQL has read this revocation.
            Some(known) if known >= pending.number => return Ok(()),
            // Revocations committed a moment before this one are being published.
            Some(_) => tokio::time::sleep(TURN).await,
            // Emptied, or being copied into: whoever does that, or will, finds this one in SQL.
            None => return Ok(()),
        }
    }
    Ok(())
}

async fn write_tombstones(app: &App, revocations: &[Revocation]) -> Result<(), Failure> {
    let now = app.now();
    let entries: Vec<_> = revocations
        .iter()
        .filter(|revocation| revocation.expires_at > now)
        .map(|revocation| {
            let key = tombstone(revocation.kind, &revocation.subject);
            (key, revocation.version.to_string(), revocation.expires_at.since(now))
        })
        .collect();
    Ok(app.ephemeral.put_many(&entries).await?)
}

/// Copies the whole revocation set from SQL and marks the copy complete. Runs beside the requests,
/// as soon as the copy is found wanting; readers ask SQL meanwhile.
///
/// # Errors
/// [`Failure`] when either store does not answer.
pub async fn rebuild(app: &App) -> Result<(), Failure> {
    // One at a time in this process; whoever finds it under way goes to SQL meanwhile.
    let Some(_under_way) = app.watch.begin_copy() else { return Ok(()) };
    // The marker says "under construction", by a name of our own, before the first tombstone is
    // written. If it still does at the end, nothing was emptied or rebuilt in between.
    let construction = format!("building:{}", secret::opaque_id());
    app.ephemeral.put(MARKER, &construction, MARKER_TTL).await?;
    let number = copy_all(app).await?;
    app.watch.saw_revocation(number);
    if app.ephemeral.replace(MARKER, &construction, &number.to_string()).await? {
        return Ok(());
    }
    Err(Failure::Unavailable("the copy was disturbed while it was made; it is made again".into()))
}

/// Copies everything, and then what was revoked meanwhile, so that the copy gets complete however
/// many revocations there are. Gives the number up to which it knows all.
async fn copy_all(app: &App) -> Result<i64, Failure> {
    let mut copied = HashSet::new();
    let mut known = None;
    for _ in 0..CATCH_UPS {
        // The counter is read first: what is revoked after that is in the list or comes next.
        let number = sync::read(&app.store.db).await?.revocations;
        if known == Some(number) {
            break;
        }
        let before = copied.len();
        copy_news(app, &mut copied).await?;
        tracing::info!(count = copied.len() - before, "copied the revocation set");
        known = Some(number);
    }
    Ok(known.unwrap_or_default())
}

/// Copies what was not copied before, page by page: no statement and no command gets longer when the
/// set does.
async fn copy_news(app: &App, copied: &mut HashSet<Revocation>) -> Result<(), Failure> {
    let mut last: Option<Revocation> = None;
    loop {
        let place = (last.as_ref(), COPIED_AT_ONCE);
        let mut page = revocations::active(&app.store.db, app.now(), place).await?;
        last = page.last().cloned();
        page.retain(|revocation| copied.insert(revocation.clone()));
        write_tombstones(app, &page).await?;
        if last.is_none() {
            return Ok(());
        }
    }
}

/// Whether anything a token descends from is revoked: one round trip to the ephemeral store, or SQL
/// when the copy cannot be relied on.
///
/// # Errors
/// [`Failure`] when neither store can say; the caller must not treat that as alive.
pub async fn standing(app: &App, lineage: &Lineage<'_>) -> Result<Standing, Failure> {
    standing_of(app, &subjects(lineage)).await
}

/// Like [`standing`] for any subjects, each with the version that what is asked about was made under.
///
/// # Errors
/// As [`standing`].
pub(crate) async fn standing_of(
    app: &App,
    subjects: &[(RevocationKind, &str, i64)],
) -> Result<Standing, Failure> {
    let mut keys = vec![MARKER.to_owned()];
    keys.extend(subjects.iter().map(|(kind, subject, _)| tombstone(*kind, subject)));
    match app.ephemeral.get_many(&keys).await {
        Ok(values) => {
            let marker = values.first().and_then(Option::as_deref);
            if app.watch.judge(marker) == Freshness::Complete {
                let stones = values.into_iter().skip(1);
                let dead = subjects.iter().zip(stones).any(|((kind, _, version), stone)| {
                    stone.is_some_and(|text| is_dead(*kind, *version, text.parse().ok()))
                });
                return Ok(if dead { Standing::Revoked } else { Standing::Alive });
            }
        }
        Err(error) => tracing::warn!(%error, "revocations are read from SQL"),
    }
    standing_in_sql(app, subjects).await
}

async fn standing_in_sql(
    app: &App,
    subjects: &[(RevocationKind, &str, i64)],
) -> Result<Standing, Failure> {
    let wanted: Vec<_> = subjects.iter().map(|(kind, subject, _)| (*kind, *subject)).collect();
    let found = revocations::any(&app.store.db, &wanted).await?;
    let dead = found.iter().any(|revocation| {
        subjects.iter().any(|(kind, subject, version)| {
            *kind == revocation.kind
                && *subject == revocation.subject
                && is_dead(*kind, *version, Some(revocation.version))
        })
    });
    Ok(if dead { Standing::Revoked } else { Standing::Alive })
}

fn subjects<'a>(lineage: &Lineage<'a>) -> Vec<(RevocationKind, &'a str, i64)> {
    let mut all = vec![
        (RevocationKind::Grant, lineage.grant.as_str(), 0),
        (RevocationKind::Client, lineage.client.0.as_str(), lineage.client.1),
    ];
    let of_actors = lineage.actors.iter().flat_map(|actor| &actor.origins);
    for origin in lineage.origins.iter().chain(of_actors) {
        all.push((RevocationKind::Grant, origin.grant.as_str(), 0));
        all.push((RevocationKind::Client, origin.client.as_str(), origin.version));
    }
    all.extend(lineage.session.map(|id| (RevocationKind::Session, id.as_str(), 0)));
    all.extend(lineage.user.map(|(id, version)| (RevocationKind::User, id.as_str(), version)));
    for acting in lineage.actors.iter().filter_map(|actor| actor.person.as_ref()) {
        let Some(behind) = &acting.behind else { continue };
        all.push((RevocationKind::User, behind.user.as_str(), acting.version));
        let session = behind.session.as_ref();
        all.extend(session.map(|id| (RevocationKind::Session, id.as_str(), 0)));
    }
    all
}

/// A grant or session that has a tombstone is dead; a user or client kills only what was issued
/// under an older version. An unreadable tombstone kills.
fn is_dead(kind: RevocationKind, issued_under: i64, stone: Option<i64>) -> bool {
    match kind {
        RevocationKind::Grant | RevocationKind::Session | RevocationKind::Cookie => true,
        RevocationKind::User | RevocationKind::Client | RevocationKind::Facts => {
            stone.is_none_or(|version| issued_under < version)
        }
    }
}

/// The key of a tombstone in the ephemeral store, in the slot of [`MARKER`].
pub(crate) fn tombstone(kind: RevocationKind, subject: &str) -> String {
    format!("{{rv}}:{}:{subject}", kind.as_str())
}
