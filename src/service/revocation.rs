//! The revocation set: one concept for logout, disabled users and clients, changed passwords,
//! withdrawn consent, refresh reuse and administrators.
//!
//! Truth is SQL. The ephemeral store holds tombstones as a fast copy, with a marker that says how
//! complete the copy is (see [`crate::app::Watch`]). A revocation is acknowledged once SQL has it;
//! an answer never relies on a copy that might have forgotten something.

pub mod copy;

use std::time::{Duration, Instant};

use crate::app::heard::{CURRENT_FOR, believed_for};
use crate::app::{App, Freshness, marked};
use crate::clock::{Seconds, UnixTime};
use crate::protocol::token::claims::{AccessTokenClaims, ActorOrigin, Origin};
use crate::protocol::types::{ClientId, GrantId, SessionId, UserId};
use crate::service::failure::Failure;
use crate::service::hearing::{self, Word};
use crate::store::revocations::{self, Revocation, RevocationKind};
use crate::store::{Sql, Tx, sync};

/// The key of the marker in the ephemeral store.
///
/// What stands in braces decides the slot in a Redis Cluster. The marker and all tombstones share one,
/// so that a shard that loses its data or falls back to an older replica loses both: a marker that
/// survived its tombstones would call a copy complete that has forgotten what ended.
pub(crate) const MARKER: &str = "{rv}:marker";
/// How the keys of tombstones begin.
const SLOT: &str = "{rv}:";
/// The marker goes before any tombstone whose token still counts, and then the copy is made again: Redis forgets by
/// the clock of its machine, and one that is set ahead would take tombstones away while the marker called the
/// copy complete. Nodes prolong it several times a second ([`copy::look_after`]).
const MARKER_TTL: Seconds = 60;
/// In the process, tombstones and tokens end by the same clock.
const OWN_MARKER_TTL: Seconds = 90 * 86_400;
/// What a tombstone must outlive: the longest access token (an hour, the cap of client settings) and
/// the longest fast copy of a session (`session::COPY_TTL`).
///
/// The fast store counts these seconds itself from when it is told, so no node's clock shortens them. But
/// a token ends by two clocks: that of the node that made it and that of the node it is shown to. Where
/// these differ by so much, a token lives for so much longer than an hour; nodes may differ by half a
/// minute, and beyond what is forgiven here a token of nearly an hour could outlive its tombstone. As much again is
/// for the clock of the store itself, which may be set ahead by less than [`MARKER_TTL`] a few times.
const TOMBSTONE_TTL: Seconds = 3_600 + 2 * CLOCKS_DIFFER;
/// By how much clocks may be wrong, ten times what is promised (`docs/operations.md`).
const CLOCKS_DIFFER: Seconds = 300;

/// What ended so long ago by the clock of the node that ended it is believed nowhere: longer than nodes believe a copy,
/// and than their clocks may differ.
const RECENTLY: Seconds = 40;

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

impl<'a> Lineage<'a> {
    /// What an access token descends from.
    pub fn of(claims: &'a AccessTokenClaims, user: Option<&'a UserId>) -> Self {
        Self {
            grant: &claims.grant,
            session: claims.session_id(),
            user: user.zip(claims.user_version),
            client: (&claims.client_id, claims.client_version),
            origins: &claims.origins,
            actors: &claims.actors,
        }
    }

    /// Whether it is nothing but a grant, whose row ends with everything that could end it.
    pub fn is_plain(&self) -> bool {
        self.origins.is_empty() && self.actors.is_empty()
    }
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
    /// What copies say about a person: name, groups, role, organisation. Nothing of theirs ends.
    Facts(&'a UserId),
    /// What copies say about the roles of anybody in an app. Nothing ends.
    RolesOf(&'a ClientId),
    /// What copies call the groups of anybody. Nothing ends.
    GroupNames,
}

impl Subject<'_> {
    /// The row of this revocation, which has this number.
    fn revocation(&self, number: i64, now: UnixTime) -> Revocation {
        let (kind, subject, version) = match self {
            Self::Grant(id) => (RevocationKind::Grant, id.to_string(), 0),
            Self::Session(id) => (RevocationKind::Session, id.to_string(), 0),
            Self::Cookie(hash) => (RevocationKind::Cookie, (*hash).to_owned(), 0),
            Self::User(id, version) => (RevocationKind::User, id.to_string(), *version),
            Self::Client(id, version) => (RevocationKind::Client, id.to_string(), *version),
            Self::Facts(id) => (RevocationKind::Facts, id.to_string(), number),
            Self::RolesOf(id) => (RevocationKind::Facts, roles_of(id), number),
            Self::GroupNames => (RevocationKind::Facts, GROUP_NAMES.to_owned(), number),
        };
        Revocation {
            kind,
            subject,
            version,
            number,
            revoked_at: now,
            expires_at: now.plus(TOMBSTONE_TTL),
        }
    }
}

/// The name under which copies are held against the names of groups. No id of a person is like it.
pub(crate) const GROUP_NAMES: &str = "group-names";

/// The name under which copies are held against the roles of an app.
pub(crate) fn roles_of(client: &ClientId) -> String {
    format!("roles-of:{client}")
}

/// Revocations that SQL has taken in a transaction and that wait for its commit to be published.
#[must_use = "publish after the commit, or the fast copy stays behind"]
pub struct Pending {
    revocations: Vec<Revocation>,
    /// `None` when nothing was revoked.
    number: Option<i64>,
}

/// Records revocations inside the caller's transaction. Where there are none, nothing is written and no
/// number is given out: each makes all nodes look at what has ended.
///
/// # Errors
/// [`Failure`] when SQL does not take them; nothing is revoked then.
pub async fn record(
    tx: &mut Tx,
    subjects: &[Subject<'_>],
    now: UnixTime,
) -> Result<Pending, Failure> {
    if subjects.is_empty() {
        return Ok(Pending { revocations: Vec::new(), number: None });
    }
    let number = sync::bump_revocations(&mut *tx).await?;
    let made: Vec<_> = subjects.iter().map(|s| s.revocation(number, now)).collect();
    revocations::record(tx, &made).await?;
    Ok(Pending { revocations: made, number: Some(number) })
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
    revocations::set_number(tx, (revocation.kind, &revocation.subject), number).await?;
    Ok(Some(Pending { revocations: vec![revocation], number: Some(number) }))
}

/// Publishes what the commit has made true, and comes back when nothing that was known before is
/// believed anywhere any more: from then on it may be acknowledged. To be called right after the commit.
///
/// Never fails: a copy that could not be written is behind the number SQL knows, so readers distrust it
/// and make it again.
pub async fn publish(app: &App, pending: Pending) {
    spread(app, pending).await.outlive_copies().await;
}

/// The first half of [`publish`], for work that goes on: who does the same again waits once, for the
/// last.
pub async fn spread(app: &App, pending: Pending) -> Spread {
    let committed = Instant::now();
    let Some(number) = pending.number else { return Spread::default() };
    // Known already: by those that came later, or because SQL has lost commits and gives their numbers out
    // again, which it is asked about.
    let is_known = number <= app.watch.newest_revocation();
    app.watch.saw_revocation(number);
    let heard = if is_known { Box::pin(hearing::listen(app)).await.map(drop) } else { Ok(()) };
    let outcome = match heard {
        Ok(()) => write_copy(app, (number, &pending.revocations)).await,
        Err(error) => {
            app.watch.distrust();
            Err(error)
        }
    };
    if let Err(error) = &outcome {
        tracing::warn!(%error, "a revocation could not be copied; readers go to SQL until it is");
    }
    Spread { final_at: committed.checked_add(wait(app, outcome.is_ok())) }
}

/// For the end of what is in the catalogue alone: a secret, a key. To be called right after the commit; what
/// comes back is to be waited for before it is acknowledged.
pub fn spread_catalogue(app: &App) -> Spread {
    // Nobody copies it to the ephemeral store, so who cannot reach that has no longer to wait.
    Spread { final_at: Instant::now().checked_add(wait(app, true)) }
}

/// What other nodes hear of right now.
#[must_use = "what was revoked may be believed elsewhere for a moment"]
#[derive(Debug, Clone, Copy, Default)]
pub struct Spread {
    final_at: Option<Instant>,
}

impl Spread {
    /// The later one of the two.
    pub fn or(self, before: Self) -> Self {
        Self { final_at: self.final_at.max(before.final_at) }
    }

    /// Waits until nobody believes what was known before. Nodes ask SQL for the number of the newest
    /// revocation all the time, and believe what they remember for as long after a question as is waited
    /// here after the commit: whoever asked before it believes nothing any more, and whoever asked after
    /// it has been told. Nobody has to know which nodes there are.
    pub async fn outlive_copies(self) {
        if let Some(moment) = self.final_at {
            tokio::time::sleep_until(moment.into()).await;
        }
    }
}

/// For whoever finds that what they are to end has ended at this time: comes back when that is believed nowhere any
/// more. Who ended it may still be waiting for that, or may have been killed before they could tell anybody.
pub async fn outlive_recent(app: &App, ended_at: UnixTime) {
    if app.now().since(ended_at).abs() <= RECENTLY {
        spread_recent(app).await.outlive_copies().await;
    }
}

/// The same where nobody knows when it ended, for work that goes on.
pub async fn spread_recent(app: &App) -> Spread {
    let found = Instant::now();
    let is_copied = match Box::pin(hearing::listen(app)).await {
        Err(_) => false,
        // What is remembered here is behind what was just heard, so that SQL is asked.
        Ok(_) if !app.ephemeral.is_shared() => true,
        // Nobody believes a copy there, and nobody is to make one.
        Ok(_) if app.ephemeral.may_evict() => app.ephemeral.delete(&[MARKER]).await.is_ok(),
        Ok(_) => Box::pin(copy::catch_up(app)).await.is_ok(),
    };
    Spread { final_at: found.checked_add(wait(app, is_copied)) }
}

/// How long after the commit nodes may still believe what they knew before.
fn wait(app: &App, is_copied: bool) -> Duration {
    match (app.serves, app.ephemeral.is_shared()) {
        // Everything that is remembered is in this process.
        (true, false) => Duration::ZERO,
        // The server's own store is out of reach.
        (false, false) => believed_for(false),
        (_, true) if is_copied => CURRENT_FOR,
        // Where others can reach the ephemeral store and this node cannot, they believe it.
        (_, true) => believed_for(true),
    }
}

/// How long the marker is kept when nobody prolongs it.
fn marker_ttl(app: &App) -> Seconds {
    if app.ephemeral.is_shared() { MARKER_TTL } else { OWN_MARKER_TTL }
}

async fn write_copy(app: &App, (own, made): (i64, &[Revocation])) -> Result<(), Failure> {
    let (before, number) = ((own - 1).to_string(), own.to_string());
    let entries = tombstones(made);
    for _ in 0..TURNS {
        // One step, if the copy knows everything before this one: neither the marker nor a tombstone
        // is ever there without the other. A store that was emptied has no marker to replace.
        if app.ephemeral.replace_beside((MARKER, &before, &number), &entries).await? {
            return Ok(());
        }
        let marker = app.ephemeral.get(MARKER).await?;
        let is_there = marker.is_some();
        match marked(marker.as_deref()) {
            // The one before came between the two questions.
            Some(known) if known + 1 == own => {}
            // Somebody made it again since: whoever read this number in SQL has read this revocation. Or
            // SQL has lost commits, and the number was given out before: then the marker goes.
            Some(known) if known >= own => {
                app.watch.saw_revocation(known);
                if Box::pin(hearing::listen(app)).await? == Word::Usual {
                    return Ok(());
                }
            }
            // Revocations committed a moment before this one are being published, or the copy is being
            // made: whoever does that sets a number that may be the one before this.
            Some(_) => tokio::time::sleep(TURN).await,
            None if is_there => tokio::time::sleep(TURN).await,
            // Emptied: everybody asks SQL, and whoever makes the copy finds this one there.
            None => return Ok(()),
        }
    }
    // Whoever should have published the one before has died. Until it is there, other nodes would take
    // the copy for complete up to what they know.
    copy::catch_up(app).await
}

/// What the ephemeral store holds of these revocations, each with its time to live. That is the same
/// for all, since a node whose clock is wrong may not let the copy forget anything.
fn tombstones(revocations: &[Revocation]) -> Vec<(String, String, Seconds)> {
    let entry = |revocation: &Revocation| {
        let key = tombstone(revocation.kind, &revocation.subject);
        (key, revocation.version.to_string(), TOMBSTONE_TTL)
    };
    revocations.iter().map(entry).collect()
}

/// What the marker says about the copy, and whether the store and this node are fit to rely on it.
pub(crate) fn freshness(app: &App, marker: Option<&str>) -> Freshness {
    if app.ephemeral.may_evict() {
        return Freshness::Behind;
    }
    app.watch.judge(marker, app.ephemeral.connected_at())
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
    let mut keys = Vec::with_capacity(1 + subjects.len());
    keys.push(MARKER.to_owned());
    keys.extend(subjects.iter().map(|(kind, subject, _)| tombstone(*kind, subject)));
    match app.ephemeral.get_many(&keys).await {
        Ok(values) => {
            let marker = values.first().and_then(Option::as_deref);
            if freshness(app, marker) == Freshness::Complete {
                let stones = values.into_iter().skip(1);
                let dead = subjects.iter().zip(stones).any(|((kind, _, version), stone)| {
                    stone.is_some_and(|text| is_dead(*kind, *version, text.parse().ok()))
                });
                return Ok(if dead { Standing::Revoked } else { Standing::Alive });
            }
        }
        Err(error) => tracing::warn!(%error, "revocations are read from SQL"),
    }
    standing_in_sql(&app.store.db, subjects).await
}

/// Whether a lineage is alive when the caller's transaction commits. Call it last: all revocations wait
/// for the commit.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub(crate) async fn standing_at_commit(
    tx: &mut Tx,
    lineage: &Lineage<'_>,
) -> Result<Standing, Failure> {
    sync::hold_revocations(tx).await?;
    standing_in_sql(tx, &subjects(lineage)).await
}

async fn standing_in_sql<'a>(
    sql: impl Sql<'a>,
    subjects: &[(RevocationKind, &str, i64)],
) -> Result<Standing, Failure> {
    let wanted: Vec<_> = subjects.iter().map(|(kind, subject, _)| (*kind, *subject)).collect();
    let found = revocations::any(sql, &wanted).await?;
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
    [SLOT, kind.as_str(), ":", subject].concat()
}
