//! The audit log when the master key is exchanged: places inside the chain count under every key there was,
//! its head under the present one alone, so that a key from before makes nothing up.

use doorward::crypto::seal::{MasterKey, Sealer};
use doorward::service::audit::chain::Sealing;
use doorward::service::audit::verification::{Kind, Question};
use doorward::store::audit::chain::{self, MarkName};
use doorward::store::{DatabaseSettings, Store};

use super::audit_chain::Log;
use super::audit_tampering::without_triggers;
use super::fixtures::NOW;
use super::servers::Postgres;
use super::sqlite;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite_believes_no_tail_under_a_key_from_before() {
    let (store, _dir) = sqlite().await;
    a_key_from_before_makes_nothing_up(store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_believes_no_tail_under_a_key_from_before() {
    let server = Postgres::start();
    let store = Store::connect(&DatabaseSettings::new(server.url())).await.unwrap();
    a_key_from_before_makes_nothing_up(store).await;
}

/// The log as it is read before, during and after an exchange.
struct Exchange {
    before: Log,
    between: Log,
    after: Log,
}

impl Exchange {
    fn of(store: &Store) -> Self {
        let (old, next) = (MasterKey::generate(), MasterKey::generate());
        let mut sealer = Sealer::new(&next);
        assert!(sealer.inherit(&old.chain_heirloom().unwrap()));
        let log = |sealer| Log { store: store.clone(), sealer };
        Self {
            before: log(Sealer::new(&old)),
            between: log(Sealer::new(&next).with_previous(&old)),
            after: log(sealer),
        }
    }
}

async fn fault(log: &Log) -> Option<Kind> {
    log.verify(&Question::default()).await.fault.map(|fault| fault.kind)
}

async fn a_key_from_before_makes_nothing_up(store: Store) {
    store.migrate().await.unwrap();
    let Exchange { before, between, after } = Exchange::of(&store);
    before.append(3, NOW).await;
    assert_eq!(before.seal().await, Sealing::Sealed { count: 3, head: 3 });
    let head = chain::mark(&store.db, MarkName::Head).await.unwrap().unwrap();
    assert_eq!(fault(&between).await, None);
    assert_eq!(fault(&after).await, Some(Kind::Head), "it was signed under the key from before");
    assert!(between.append_and_seal().await);
    assert_eq!(fault(&after).await, None, "the places before count");
    assert!(!before.append_and_seal().await, "the head is none of that key's");
    assert!(after.append_and_seal().await);

    // Somebody with the database and the key from before cuts the log back to that key's last head.
    without_triggers(&before).await;
    for statement in [
        "delete from audit_events where id not in \
         (select event_id from audit_chain where seq <= 3)",
        "delete from audit_chain where seq > 3",
        "delete from audit_unsealed",
        "delete from audit_marks",
    ] {
        before.sql(statement).await.unwrap();
    }
    let mut tx = store.begin().await.unwrap();
    assert!(chain::move_mark(&mut tx, MarkName::Head, (None, &head)).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(fault(&before).await, None);
    assert_eq!(fault(&after).await, Some(Kind::Head));
    assert!(!after.append_and_seal().await, "nothing is added to that");
    // And goes on from there with what never happened.
    assert!(before.append_and_seal().await);
    assert_eq!(fault(&before).await, None);
    assert_eq!(fault(&after).await, Some(Kind::Head));
    assert!(!after.append_and_seal().await);
    store.db.close().await;
}

impl Log {
    /// Whether another event is sealed, and whatever waits. Whether there are triggers does not matter.
    async fn append_and_seal(&self) -> bool {
        self.append(1, NOW.plus(1)).await;
        let queue = "insert into audit_unsealed select id from audit_events e \
                     where not exists (select 1 from audit_chain c where c.event_id = e.id) \
                     and not exists (select 1 from audit_unsealed u where u.event_id = e.id)";
        self.sql(queue).await.unwrap();
        matches!(self.seal().await, Sealing::Sealed { .. })
    }
}
