//! What somebody who can write to the database, and knows how the chain is made, can do to the audit
//! log, and what the verification says to it.

use doorward::service::audit::chain::{Sealing, hash_of};
use doorward::service::audit::verification::{Fault, Kind, Question};
use doorward::store::Db;
use doorward::store::audit::chain;

use super::audit_chain::Log;
use super::fixtures::NOW;

const TABLES: [&str; 4] = ["audit_events", "audit_chain", "audit_marks", "audit_unsealed"];

/// Two batches of five events; the names below count from the first of them.
struct Scene<'a> {
    log: &'a Log,
    before: i64,
}

pub(crate) async fn every_tampering_is_found(log: &Log) {
    without_triggers(log).await;
    log.append(5, NOW.plus(80)).await;
    queue_everything(log).await;
    let Sealing::Sealed { count: 5, head } = log.seal().await else { panic!("five to seal") };
    log.append(5, NOW.plus(81)).await;
    queue_everything(log).await;
    log.seal().await;
    let scene = Scene { log, before: head - 5 };
    for table in TABLES {
        scene.run(&format!("create table kept_{table} as select * from {table}")).await;
    }
    assert_eq!(scene.fault().await, None);
    changed_columns(&scene).await;
    removed_and_moved(&scene).await;
    hashes_made_anew(&scene).await;
    ends_that_were_cut(&scene).await;
    what_was_never_sealed(&scene).await;
}

/// The first thing an attacker does.
pub(crate) async fn without_triggers(log: &Log) {
    let statements: &[&str] = match log.store.db {
        Db::Postgres { .. } => &[
            "alter table audit_events disable trigger all",
            "alter table audit_chain disable trigger all",
        ],
        Db::Sqlite { .. } => &[
            "drop trigger audit_events_frozen",
            "drop trigger audit_events_kept",
            "drop trigger audit_events_queue",
            "drop trigger audit_chain_frozen",
            "drop trigger audit_chain_kept",
        ],
    };
    for statement in statements {
        log.sql(statement).await.unwrap();
    }
}

async fn queue_everything(log: &Log) {
    let queue = "insert into audit_unsealed select id from audit_events e \
                 where not exists (select 1 from audit_chain c where c.event_id = e.id)";
    log.sql(queue).await.unwrap();
}

impl Scene<'_> {
    async fn run(&self, statement: &str) {
        self.log.sql(statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    /// Where the chain breaks, counted from the first event of the scene.
    async fn fault(&self) -> Option<(i64, Kind)> {
        let report = self.log.verify(&Question::default()).await;
        report.fault.map(|Fault { seq, kind }| {
            let kind = match kind {
                Kind::Rewritten { up_to } => Kind::Rewritten { up_to: up_to - self.before },
                other => other,
            };
            (seq - self.before, kind)
        })
    }

    /// Does it, says what the verification finds, and puts everything back. `N` in a statement is
    /// followed by the number of an event.
    async fn after(&self, statements: &[&str]) -> Option<(i64, Kind)> {
        for statement in statements {
            let mut statement = (*statement).to_owned();
            for number in (1..=11_i64).rev() {
                let seq = (self.before + number).to_string();
                statement = statement.replace(&format!("N{number}"), &seq);
            }
            self.run(&statement).await;
        }
        let found = self.fault().await;
        self.put_back().await;
        found
    }

    async fn put_back(&self) {
        for table in TABLES {
            self.run(&format!("delete from {table}")).await;
            self.run(&format!("insert into {table} select * from kept_{table}")).await;
        }
        assert_eq!(self.fault().await, None, "everything is as it was");
    }
}

async fn changed_columns(scene: &Scene<'_>) {
    for change in [
        "at = at + 1",
        "kind = 'sign_out'",
        "outcome = 'success'",
        "actor = 'mallory'",
        "actor = null",
        "user_id = 'u-bob'",
        "client_id = ''",
        "session_id = 's'",
        "address = '192.0.2.2'",
        "request_id = null",
        "detail = '{\"reason\": \"Wrong password\"}'",
        "detail = '{}'",
    ] {
        let which = "where id = (select event_id from audit_chain where seq = N3)";
        let statement = format!("update audit_events set {change} {which}");
        assert_eq!(scene.after(&[&statement]).await, Some((3, Kind::Changed)), "{change}");
    }
    let sealed = "update audit_chain set sealed_at = sealed_at - 1 where seq = N4";
    assert_eq!(scene.after(&[sealed]).await, Some((4, Kind::Changed)));
    let unknown = "update audit_events set outcome = 'perhaps' \
                   where id = (select event_id from audit_chain where seq = N2)";
    assert_eq!(scene.after(&[unknown]).await, Some((2, Kind::Missing)));
}

async fn removed_and_moved(scene: &Scene<'_>) {
    let event =
        "delete from audit_events where id = (select event_id from audit_chain where seq = N4)";
    let link = "delete from audit_chain where seq = N4";
    assert_eq!(scene.after(&[event]).await, Some((4, Kind::Missing)));
    assert_eq!(scene.after(&[link]).await, Some((4, Kind::Missing)));
    assert_eq!(scene.after(&[event, link]).await, Some((4, Kind::Missing)));
    let closed_up = [
        event,
        link,
        "update audit_chain set seq = -seq where seq > N4",
        "update audit_chain set seq = -seq - 1 where seq < 0",
    ];
    assert_eq!(scene.after(&closed_up).await, Some((4, Kind::Changed)));
    let swapped = [
        "update audit_chain set seq = -1 where seq = N6",
        "update audit_chain set seq = N6 where seq = N7",
        "update audit_chain set seq = N7 where seq = -1",
    ];
    assert_eq!(scene.after(&swapped).await, Some((6, Kind::Changed)));
    let inserted = [
        "update audit_chain set seq = -seq where seq >= N3",
        "update audit_chain set seq = -seq + 1 where seq < 0",
        "insert into audit_events (id, at, kind, outcome, detail) \
         values ('0-forged', 1, 'sign_in', 'success', '{}')",
        "insert into audit_chain (seq, event_id, sealed_at, hash) values (N3, '0-forged', 1, 'x')",
    ];
    assert_eq!(scene.after(&inserted).await, Some((3, Kind::Changed)));
}

/// The whole chain from the third event on is computed again, as only its maker should.
async fn hashes_made_anew(scene: &Scene<'_>) {
    let forge = async || {
        let statement = "update audit_events set actor = 'nobody' \
                         where id = (select event_id from audit_chain where seq = N3)";
        scene.run(&statement.replace("N3", &(scene.before + 3).to_string())).await;
        let links = chain::links(&scene.log.store.db, (scene.before + 1, 100)).await.unwrap();
        let mut hash = links[0].seal.hash.clone();
        for link in &links[1..] {
            let seal = &link.seal;
            hash = hash_of(&hash, link.event.as_ref().unwrap(), (seal.seq, seal.sealed_at));
            let statement =
                format!("update audit_chain set hash = '{hash}' where seq = {}", seal.seq);
            scene.run(&statement).await;
        }
        scene.run(&format!("update audit_marks set hash = '{hash}' where name = 'head'")).await;
    };
    forge().await;
    // The last signature before stands at the end of the batch before.
    assert_eq!(scene.after(&[]).await, Some((1, Kind::Rewritten { up_to: 5 })));
    forge().await;
    let unsigned = "update audit_chain set signature = null";
    assert_eq!(scene.after(&[unsigned]).await.map(|(_, kind)| kind), Some(Kind::Head));
    forge().await;
    // Nor is anything added to a chain with a forged head, which would sign it.
    scene.log.append(1, NOW.plus(82)).await;
    queue_everything(scene.log).await;
    assert!(matches!(scene.log.seal().await, Sealing::Refused(_)));
    scene.put_back().await;
}

async fn ends_that_were_cut(scene: &Scene<'_>) {
    let cut = [
        "delete from audit_events where id in \
         (select event_id from audit_chain where seq > N7)",
        "delete from audit_chain where seq > N7",
    ];
    assert_eq!(scene.after(&cut).await, Some((8, Kind::CutOff)));
    // The signature inside the chain is no signature of its head.
    let head_moved = [
        "delete from audit_events where id in \
         (select event_id from audit_chain where seq > N5)",
        "delete from audit_chain where seq > N5",
        "update audit_marks set seq = N5, \
         hash = (select hash from audit_chain where seq = N5), \
         signature = (select signature from audit_chain where seq = N5) where name = 'head'",
    ];
    assert_eq!(scene.after(&head_moved).await, Some((6, Kind::Head)));
    let headless = ["delete from audit_marks where name = 'head'"];
    assert_eq!(scene.after(&headless).await, Some((11, Kind::Head)));
    let beheaded = [
        "delete from audit_events",
        "delete from audit_chain",
        "delete from audit_marks where name = 'head'",
    ];
    assert_eq!(scene.after(&beheaded).await.map(|(_, kind)| kind), Some(Kind::Head));
    let oldest_gone = [
        "delete from audit_events where id in \
         (select event_id from audit_chain where seq <= N5)",
        "update audit_marks set seq = N5, \
         hash = (select hash from audit_chain where seq = N5) where name = 'start'",
        "delete from audit_chain where seq <= N5",
    ];
    assert_eq!(scene.after(&oldest_gone).await, Some((5, Kind::Start)));
    let added = [
        "insert into audit_events (id, at, kind, outcome, detail) \
         select '9-forged', at, kind, outcome, detail from audit_events limit 1",
        "insert into audit_chain (seq, event_id, sealed_at, hash) values (N11, '9-forged', 1, 'x')",
    ];
    assert_eq!(scene.after(&added).await, Some((11, Kind::Changed)));
}

async fn what_was_never_sealed(scene: &Scene<'_>) {
    let log = scene.log;
    // Without its trigger a row is in no queue.
    log.append(2, NOW.plus(83)).await;
    let report = log.verify(&Question::default()).await;
    assert_eq!((report.fault, report.stray.as_ref().unwrap().0), (None, 2));
    assert!(!report.is_intact());
    // A row taken away before it was sealed leaves its place in the queue.
    queue_everything(log).await;
    scene.run(&format!("delete from audit_events where at = {}", NOW.plus(83).0)).await;
    let report = log.verify(&Question::default()).await;
    assert_eq!(report.queue.unwrap().missing, 2);
    assert!(!report.is_intact());
    scene.put_back().await;
    // One that says it happened long ago is sealed, and pointed out.
    log.append(1, NOW.plus(-900)).await;
    queue_everything(log).await;
    log.seal().await;
    let report = log.verify(&Question::default()).await;
    assert_eq!(report.late, Some((1, scene.before + 11)));
    assert!(report.is_intact());
}
