//! What this process knows of changes made by other nodes and by the command line: the counters of
//! `store::sync`, read from SQL a few times a second, and whether the ephemeral store's copy of the
//! revocation set can be relied on.
//!
//! The ephemeral store carries a marker: the number of the newest revocation its copy knows. It may
//! be trusted only while it knows every revocation we know of. A flushed or restored Redis has no
//! marker or an older one, and so betrays itself. What another node could not copy is known from SQL
//! alone; so a process that has heard nothing from SQL for a few seconds trusts no copy.
//!
//! What this process itself remembers (who a session, a token or a visitor is) counts as of the newest
//! revocation it knew before it asked, and only while SQL has been heard of a moment ago
//! ([`Watch::remembers_as_of`]).

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use super::heard::{CURRENT_FOR, Heard, believed_for};
use crate::clock::UnixTime;
use crate::protocol::types::SessionId;
use crate::store::sync::SyncState;

/// The pause between two questions to SQL while there is somebody to answer. Two and a half of them fit
/// into the time that an answer counts.
const BUSY: Duration = Duration::from_millis(40);
/// The same while nobody asks.
const QUIET: Duration = Duration::from_millis(200);

/// Counters known to this process; they only grow. Where SQL says less, it has lost commits
/// (`service::hearing`).
#[derive(Debug)]
pub struct Watch {
    /// The catalogue as it has been learnt here.
    catalog: AtomicI64,
    /// The highest number of the catalogue that SQL has ever told.
    catalog_seen: AtomicI64,
    revocations: AtomicI64,
    /// The start of the database server that all of it comes from.
    server: AtomicI64,
    /// Held by whoever makes good what SQL has lost.
    pub mending: tokio::sync::Mutex<()>,
    heard: Heard,
    /// How long the ephemeral store's word counts without one from SQL.
    believed_for: Duration,
    /// Somebody has asked what this process remembers since SQL was last asked.
    is_wanted: AtomicBool,
    /// The newest revocation known when the ephemeral copy was last looked after.
    at_last_look: AtomicI64,
    /// The highest number that this process has seen sealed in the audit log.
    sealed: AtomicI64,
    /// Sessions used since `last_seen_at` was last written to SQL.
    visits: Mutex<HashMap<SessionId, Visits>>,
}

/// The visits to a session that SQL has not been told of.
#[derive(Debug, Clone, Copy)]
struct Visits {
    first: UnixTime,
    last: UnixTime,
}

/// The number in a marker; none is near the end of what SQL can count.
pub(crate) fn marked(marker: Option<&str>) -> Option<i64> {
    marker?.parse().ok().filter(|number| (0..i64::MAX / 2).contains(number))
}

/// What the marker says about the ephemeral copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Complete: its answers can be relied on.
    Complete,
    /// Flushed, restored, a moment behind, or nobody can say because SQL is silent: SQL must be asked,
    /// and the copy made again if something is missing.
    Behind,
}

impl Watch {
    /// Starts from what SQL said when it was asked at this moment. `is_shared` says whether other
    /// processes use the same ephemeral store.
    #[must_use]
    pub fn new(state: SyncState, asked: Instant, is_shared: bool) -> Self {
        Self {
            catalog: AtomicI64::new(state.catalog),
            catalog_seen: AtomicI64::new(state.catalog),
            revocations: AtomicI64::new(state.revocations),
            server: AtomicI64::new(state.server),
            mending: tokio::sync::Mutex::default(),
            heard: Heard::new(asked),
            believed_for: believed_for(is_shared),
            is_wanted: AtomicBool::default(),
            at_last_look: AtomicI64::default(),
            sealed: AtomicI64::default(),
            visits: Mutex::default(),
        }
    }

    /// Whether the catalogue (clients, keys) has moved since it was last learnt.
    pub fn is_news(&self, state: SyncState) -> bool {
        self.catalog.load(Ordering::SeqCst) < state.catalog
    }

    /// The catalogue has been learnt as of these counters.
    pub fn learn(&self, state: SyncState) {
        self.saw_revocation(state.revocations);
        self.saw_catalog(state.catalog);
        self.catalog.fetch_max(state.catalog, Ordering::SeqCst);
    }

    /// What SQL must know, whenever it is asked after this: a lower answer says that it has lost commits.
    pub fn known(&self) -> SyncState {
        SyncState {
            catalog: self.catalog_seen.load(Ordering::SeqCst),
            revocations: self.newest_revocation(),
            server: self.server.load(Ordering::SeqCst),
        }
    }

    /// Takes note of a number of the catalogue that SQL has told, whether or not the catalogue has been
    /// learnt since.
    pub fn saw_catalog(&self, number: i64) {
        self.catalog_seen.fetch_max(number, Ordering::SeqCst);
    }

    /// From here on what SQL says comes from this start of its server.
    pub fn follow(&self, server: i64) {
        self.server.store(server, Ordering::SeqCst);
    }

    /// Nothing that was heard so far is believed any more, until SQL is heard of again.
    pub fn distrust(&self) {
        self.heard.void(Instant::now());
    }

    /// Takes note of the revocations that SQL told of when it was asked at this moment.
    pub fn heard_from_sql(&self, revocations: i64, asked: Instant) {
        self.saw_revocation(revocations);
        self.heard.note(asked);
    }

    /// Whether SQL has lately told of what ended, so that what the ephemeral store says may be believed.
    pub fn hears_sql(&self) -> bool {
        self.heard.is_within(self.believed_for, Instant::now())
    }

    /// The newest revocation, if what this process remembered as of it may be believed now. What was
    /// remembered as of an older one may have ended since.
    pub fn remembers_as_of(&self) -> Option<i64> {
        self.is_wanted.store(true, Ordering::Relaxed);
        // The number comes last: one that SQL tells of in between counts.
        let is_current = self.heard.is_within(CURRENT_FOR, Instant::now());
        is_current.then(|| self.newest_revocation())
    }

    /// How long to wait before SQL is asked again: less while somebody wants to know what this process
    /// remembers. To be called once for each question.
    pub fn pause(&self) -> Duration {
        if self.is_wanted.swap(false, Ordering::Relaxed) { BUSY } else { QUIET }
    }

    /// Takes note of a revocation this process made or heard of.
    pub fn saw_revocation(&self, number: i64) {
        self.revocations.fetch_max(number, Ordering::SeqCst);
    }

    /// Takes note of the newest sealed event of the audit log.
    pub fn saw_sealed(&self, seq: i64) {
        self.sealed.fetch_max(seq, Ordering::SeqCst);
    }

    /// The newest sealed event this process knows of; 0 for none.
    pub fn sealed(&self) -> i64 {
        self.sealed.load(Ordering::SeqCst)
    }

    /// The number of the newest revocation this process knows. What was read before a higher one may
    /// have ended since.
    pub fn newest_revocation(&self) -> i64 {
        self.revocations.load(Ordering::SeqCst)
    }

    /// The newest revocation that was known when this was last asked; the present one is noted.
    pub fn newest_at_last_look(&self) -> i64 {
        self.at_last_look.swap(self.newest_revocation(), Ordering::SeqCst)
    }

    /// Judges the marker of the ephemeral copy, found by a connection that was made at this moment. Behind a
    /// new one may be a store with an older state, so SQL has to be heard of after it.
    pub fn judge(&self, marker: Option<&str>, connected: Option<Instant>) -> Freshness {
        match marked(marker) {
            Some(number) if number >= self.revocations.load(Ordering::SeqCst) => {
                // Remembered, so that a copy restored to an older state is noticed at once.
                self.saw_revocation(number);
                let is_told = connected.is_none_or(|moment| self.heard.is_after(moment));
                if is_told && self.hears_sql() { Freshness::Complete } else { Freshness::Behind }
            }
            _ => Freshness::Behind,
        }
    }

    /// Notes that a session was used; SQL is told in batches.
    pub fn visited(&self, session: &SessionId, at: UnixTime) {
        let Ok(mut visits) = self.visits.lock() else { return };
        match visits.get_mut(session) {
            Some(known) => {
                known.first = known.first.min(at);
                known.last = known.last.max(at);
            }
            None => {
                visits.insert(session.clone(), Visits { first: at, last: at });
            }
        }
    }

    /// When this process last saw the session used, if SQL has not been told yet.
    pub fn last_visit(&self, session: &SessionId) -> Option<UnixTime> {
        self.visits.lock().ok()?.get(session).map(|visits| visits.last)
    }

    /// Takes the visits that SQL has not been told of, for sessions of which it should have heard by
    /// now: the first of them was at `due` or before. Each with the last.
    pub fn take_visits(&self, due: UnixTime) -> Vec<(SessionId, UnixTime)> {
        let Ok(mut visits) = self.visits.lock() else { return Vec::new() };
        let taken = visits.extract_if(|_, visits| visits.first <= due);
        taken.map(|(session, visits)| (session, visits.last)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(catalog: i64, revocations: i64) -> SyncState {
        SyncState { catalog, revocations, server: 1 }
    }

    fn watch() -> Watch {
        as_of(Instant::now())
    }

    fn as_of(asked: Instant) -> Watch {
        Watch::new(state(1, 5), asked, true)
    }

    #[test]
    fn no_copy_is_believed_while_sql_is_silent() {
        let Some(long_ago) = Instant::now().checked_sub(believed_for(true) * 2) else { return };
        let watch = as_of(long_ago);
        assert_eq!(watch.judge(Some("5"), None), Freshness::Behind);
        watch.saw_revocation(6);
        assert_eq!(
            watch.judge(Some("6"), None),
            Freshness::Behind,
            "our own word is none of SQL's"
        );
        watch.heard_from_sql(5, Instant::now());
        assert_eq!(watch.judge(Some("6"), None), Freshness::Complete);
        assert_eq!(watch.judge(Some("5"), None), Freshness::Behind);
    }

    #[test]
    fn what_the_process_remembers_counts_for_a_moment_and_as_of_the_newest_revocation() {
        let Some(a_while_ago) = Instant::now().checked_sub(CURRENT_FOR) else { return };
        let watch = as_of(a_while_ago);
        assert_eq!(watch.remembers_as_of(), None);
        assert!(watch.hears_sql(), "others are believed for longer");
        watch.heard_from_sql(8, Instant::now() + Duration::from_mins(1));
        assert_eq!(watch.remembers_as_of(), Some(8));
        watch.saw_revocation(9);
        assert_eq!(watch.remembers_as_of(), Some(9));
    }

    #[test]
    fn sql_is_asked_more_often_while_somebody_wants_to_know() {
        let watch = watch();
        assert_eq!(watch.pause(), QUIET);
        watch.remembers_as_of();
        assert_eq!(watch.pause(), BUSY);
        assert_eq!(watch.pause(), QUIET);
    }

    #[test]
    fn a_new_connection_to_the_store_is_believed_after_the_next_word_from_sql() {
        let (watch, connected) = (watch(), Instant::now() + Duration::from_mins(1));
        assert_eq!(watch.judge(Some("5"), Some(connected)), Freshness::Behind);
        watch.heard_from_sql(5, connected + Duration::from_millis(2));
        assert_eq!(watch.judge(Some("5"), Some(connected)), Freshness::Complete);
        watch.heard_from_sql(6, connected + Duration::from_millis(3));
        assert_eq!(watch.judge(Some("5"), Some(connected)), Freshness::Behind);
    }

    #[test]
    fn sql_that_says_less_than_is_known_has_lost_something() {
        let watch = watch();
        assert!(!state(1, 5).may_lack(&watch.known()));
        for behind in [state(0, 5), state(1, 4), SyncState { server: 2, ..state(9, 9) }] {
            assert!(behind.may_lack(&watch.known()), "{behind:?}");
        }
        assert_eq!(watch.judge(Some("8"), None), Freshness::Complete);
        watch.saw_catalog(3);
        assert!(state(2, 8).lacks(&watch.known()) && state(3, 7).lacks(&watch.known()));
        assert!(watch.is_news(state(2, 8)), "seen is not learnt");
        watch.distrust();
        assert!(!watch.hears_sql() && watch.remembers_as_of().is_none());
        assert_eq!(watch.judge(Some("9999999999999999999"), None), Freshness::Behind);
    }

    #[test]
    fn a_complete_copy_knows_every_revocation_we_know() {
        assert_eq!(watch().judge(Some("5"), None), Freshness::Complete);
        for behind in [None, Some("4"), Some("x"), Some("")] {
            assert_eq!(watch().judge(behind, None), Freshness::Behind, "{behind:?}");
        }
    }

    #[test]
    fn a_marker_that_goes_back_betrays_a_restored_snapshot() {
        let watch = watch();
        assert_eq!(watch.judge(Some("7"), None), Freshness::Complete);
        assert_eq!(watch.judge(Some("6"), None), Freshness::Behind);
    }

    #[test]
    fn counters_never_go_back() {
        let watch = watch();
        assert!(!watch.is_news(state(1, 3)));
        watch.learn(state(1, 3));
        assert_eq!(watch.judge(Some("4"), None), Freshness::Behind);
        assert!(watch.is_news(state(2, 6)));
        watch.learn(state(2, 6));
        assert_eq!(watch.judge(Some("5"), None), Freshness::Behind);
    }

    #[test]
    fn a_busy_session_is_written_once_in_the_time_given_and_visits_given_back_are_not_lost() {
        let (watch, session) = (watch(), SessionId::new("s"));
        for second in 100..=160 {
            watch.visited(&session, UnixTime(second));
            assert!(watch.take_visits(UnixTime(second - 61)).is_empty(), "{second}");
        }
        let taken = watch.take_visits(UnixTime(100));
        assert_eq!(taken, [(session.clone(), UnixTime(160))]);
        watch.visited(&session, UnixTime(170));
        assert!(watch.take_visits(UnixTime(130)).is_empty());
        // Writing failed.
        for (session, at) in &taken {
            watch.visited(session, *at);
        }
        assert_eq!(watch.last_visit(&session), Some(UnixTime(170)));
        assert_eq!(watch.take_visits(UnixTime(160)), [(session, UnixTime(170))]);
    }
}
