//! The audit log as a chain: sealed once under any race, kept by triggers, shortened by retention
//! only, and proof against everything that somebody with the database can do to it.

use doorward::clock::UnixTime;
use doorward::crypto::seal::{MasterKey, Sealer};
use doorward::crypto::secret;
use doorward::service::audit::chain::{self as sealing, Chain, Removal, Sealing};
use doorward::service::audit::verification::{self, Question, Report};
use doorward::service::failure::Failure;
use doorward::store::audit;
use doorward::store::audit::chain::{self, MarkName};
use doorward::store::{DatabaseSettings, Db, Store};

use super::fixtures::{NOW, event};
use super::servers::Postgres;
use super::{audit_tampering, sqlite};

/// A database and the key it is sealed with.
pub(crate) struct Log {
    pub(crate) store: Store,
    pub(crate) sealer: Sealer,
}

impl Log {
    async fn new(store: Store) -> Self {
        store.migrate().await.unwrap();
        Self { store, sealer: Sealer::new(&MasterKey::generate()) }
    }

    pub(crate) fn chain(&self) -> Chain<'_> {
        Chain { db: &self.store.db, sealer: &self.sealer, now: NOW.plus(100), known: 0 }
    }

    /// Events of this moment.
    pub(crate) async fn append(&self, count: usize, at: UnixTime) {
        let mut tx = self.store.begin().await.unwrap();
        let events: Vec<_> = (0..count).map(|_| event(&secret::new_id(at), at)).collect();
        audit::append_all(&mut tx, &events).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub(crate) async fn seal(&self) -> Sealing {
        sealing::seal(&self.chain()).await.unwrap()
    }

    pub(crate) async fn verify(&self, question: &Question) -> Report {
        verification::verify(&self.chain(), question, &mut |_| {}).await.unwrap()
    }

    /// Runs statements as somebody at a database prompt would.
    pub(crate) async fn sql(&self, statement: &str) -> Result<u64, doorward::store::StoreError> {
        // A test may leak a few statements.
        let statement: &'static str = Box::leak(statement.to_owned().into_boxed_str());
        self.store.db.query(statement).execute().await
    }

    async fn count(&self, table: &str) -> i64 {
        let statement = format!("select cast(count(*) as bigint) from {table}");
        let statement: &'static str = Box::leak(statement.into_boxed_str());
        self.store.db.query(statement).one::<(i64,)>().await.unwrap().0
    }
}

async fn conforms(store: Store) {
    let log = Log::new(store).await;
    what_is_written_is_sealed(&log).await;
    an_interrupted_step_leaves_nothing(&log).await;
    many_nodes_make_one_chain(&log).await;
    the_log_only_grows(&log).await;
    retention_takes_the_oldest(&log).await;
    ten_thousand_events_verify(&log).await;
    // This one takes the triggers away.
    audit_tampering::every_tampering_is_found(&log).await;
    log.store.db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite_keeps_the_audit_chain() {
    let (store, _dir) = sqlite().await;
    conforms(store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_keeps_the_audit_chain() {
    let server = Postgres::start();
    conforms(Store::connect(&DatabaseSettings::new(server.url())).await.unwrap()).await;
}

async fn what_is_written_is_sealed(log: &Log) {
    assert_eq!(log.seal().await, Sealing::Idle);
    let report = log.verify(&Question::default()).await;
    assert!(report.is_intact() && report.checked == 0, "{report:?}");

    log.append(3, NOW).await;
    let report = log.verify(&Question::default()).await;
    assert_eq!((report.checked, report.queue.unwrap().waiting), (0, 3));
    assert_eq!(report.queue.unwrap().oldest, Some(NOW));
    assert!(report.is_intact(), "what waits is not broken");

    assert_eq!(log.seal().await, Sealing::Sealed { count: 3, head: 3 });
    assert_eq!(log.seal().await, Sealing::Idle);
    let report = log.verify(&Question::default()).await;
    assert!(report.is_intact(), "{report:?}");
    assert_eq!((report.first, report.last, report.checked), (1, 3, 3));
    assert_eq!(report.queue.unwrap().waiting, 0);

    let filter = audit::AuditFilter { limit: 9, ..audit::AuditFilter::default() };
    let seals = audit::list(&log.store.db, &filter).await.unwrap();
    let numbers: Vec<_> = seals.iter().map(|one| one.seal.as_ref().unwrap().seq).collect();
    assert_eq!(numbers, [3, 2, 1]);

    let anchor = Some((3, report.hash.clone()));
    assert!(log.verify(&Question { from: Some(2), anchor }).await.is_intact());
    let lie = Question { from: None, anchor: Some((2, report.hash)) };
    assert!(!log.verify(&lie).await.is_intact(), "that was the hash of another event");
}

async fn an_interrupted_step_leaves_nothing(log: &Log) {
    log.append(2, NOW).await;
    let head = chain::mark(&log.store.db, MarkName::Head).await.unwrap().unwrap();
    let moved = chain::Mark { seq: head.seq + 1, ..head.clone() };
    let mut tx = log.store.begin().await.unwrap();
    assert!(chain::move_mark(&mut tx, MarkName::Head, (Some(&head), &moved)).await.unwrap());
    drop(tx);
    let behind = chain::Mark { seq: head.seq - 1, ..head.clone() };
    let mut tx = log.store.begin().await.unwrap();
    let step = (Some(&behind), &moved);
    assert!(!chain::move_mark(&mut tx, MarkName::Head, step).await.unwrap());
    assert!(!chain::move_mark(&mut tx, MarkName::Head, (None, &moved)).await.unwrap());
    drop(tx);
    assert_eq!(log.seal().await, Sealing::Sealed { count: 2, head: head.seq + 2 });
    assert!(log.verify(&Question::default()).await.is_intact());
    let cut = Chain { known: head.seq + 9, ..log.chain() };
    log.append(1, NOW).await;
    assert!(matches!(sealing::seal(&cut).await.unwrap(), Sealing::Refused(_)));
    assert!(matches!(log.seal().await, Sealing::Sealed { .. }));
}

async fn many_nodes_make_one_chain(log: &Log) {
    let before = log.count("audit_chain").await;
    log.append(1_300, NOW.plus(1)).await;
    let node = async || {
        loop {
            match sealing::seal(&log.chain()).await {
                Ok(Sealing::Idle) => break,
                Ok(Sealing::Refused(reason)) => panic!("{reason}"),
                // A node that had to wait too long tries again a second later.
                Ok(Sealing::Sealed { .. } | Sealing::Overtaken) | Err(Failure::Unavailable(_)) => {}
                Err(Failure::Internal(reason)) => panic!("{reason}"),
            }
        }
    };
    tokio::join!(node(), node(), node(), node());
    let report = log.verify(&Question::default()).await;
    assert!(report.is_intact(), "{report:?}");
    assert_eq!(report.last, before + 1_300, "no number twice, none left out");
    assert_eq!(log.count("audit_chain").await, report.last);
    assert_eq!(log.count("audit_unsealed").await, 0);
}

async fn the_log_only_grows(log: &Log) {
    let mut attempts = vec![
        "update audit_events set kind = 'nothing'",
        "delete from audit_events",
        "update audit_chain set hash = 'x'",
        "delete from audit_chain where seq = 1",
    ];
    if matches!(log.store.db, Db::Postgres { .. }) {
        attempts.extend(["truncate audit_events", "truncate audit_chain"]);
    }
    for attempt in attempts {
        let outcome = log.sql(attempt).await;
        assert!(outcome.is_err(), "{attempt}: {outcome:?}");
    }
    assert!(log.verify(&Question::default()).await.is_intact());
}

async fn retention_takes_the_oldest(log: &Log) {
    log.append(2, NOW.plus(50)).await;
    log.seal().await;
    let before = log.verify(&Question::default()).await;
    let cutoff = NOW.plus(2);
    let mut removed = 0;
    loop {
        match sealing::remove_before(&log.chain(), cutoff).await.unwrap() {
            Removal::Removed(0) => break,
            Removal::Removed(count) => {
                assert!(count <= 500, "bounded");
                removed += count;
                assert!(log.verify(&Question::default()).await.is_intact(), "at every step");
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(removed, before.checked - 2);
    let report = log.verify(&Question::default()).await;
    assert_eq!((report.first, report.last, report.checked), (before.last - 1, before.last, 2));
    assert_eq!(report.hash, before.hash);

    // Everything may go, and the chain goes on.
    assert_eq!(
        sealing::remove_before(&log.chain(), NOW.plus(51)).await.unwrap(),
        Removal::Removed(2)
    );
    assert!(log.verify(&Question::default()).await.is_intact());
    log.append(1, NOW.plus(60)).await;
    assert_eq!(log.seal().await, Sealing::Sealed { count: 1, head: before.last + 1 });
    assert!(log.verify(&Question { from: Some(1), anchor: None }).await.is_intact());
    assert_eq!(log.count("audit_events").await, 1);
}

async fn ten_thousand_events_verify(log: &Log) {
    log.append(10_000, NOW.plus(70)).await;
    let mut sealed = 0;
    while let Sealing::Sealed { count, .. } = log.seal().await {
        sealed += count;
    }
    assert_eq!(sealed, 10_000);
    let mut told = Vec::new();
    let chain = log.chain();
    let question = Question::default();
    let mut progress = |count| told.push(count);
    let report = verification::verify(&chain, &question, &mut progress).await.unwrap();
    assert!(report.is_intact(), "{report:?}");
    assert_eq!(report.checked, 10_001);
    assert!(told.len() > 5 && told.is_sorted(), "it tells how far it is");
    assert_eq!(report.late, None);
    let cutoff = NOW.plus(71);
    while let Removal::Removed(1..) = sealing::remove_before(&chain, cutoff).await.unwrap() {}
    assert_eq!(log.count("audit_events").await, 0);
}
