//! Webhooks: the rows, the log, and the messages that the database itself puts into the outbox.

use doorward::crypto::secret;
use doorward::store::webhooks::deliveries::{self, Delivered, State};
use doorward::store::webhooks::{self, Webhook};
use doorward::store::{Store, StoreError, audit, outbox};
use serde_json::json;

use super::fixtures::{NOW, delivered, event};

fn webhook(id: &str, events: &[&str]) -> Webhook {
    Webhook {
        id: id.to_owned(),
        name: format!("The {id}"),
        url: format!("https://{id}.test/in"),
        events: events.iter().map(|event| (*event).to_owned()).collect(),
        secret: "sealed".to_owned(),
        previous: None,
        failing_since: None,
        created_at: NOW,
        disabled_at: None,
    }
}

async fn add(store: &Store, webhook: &Webhook) -> Result<(), StoreError> {
    let mut tx = store.begin().await.unwrap();
    webhooks::insert(&mut tx, webhook).await?;
    tx.commit().await
}

pub(crate) async fn webhooks_conform(store: &Store) {
    let db = &store.db;
    let chat = webhook("chat", &["code_replay", "user.*"]);
    add(store, &chat).await.unwrap();
    for taken in [chat.clone(), Webhook { id: "other".into(), ..chat.clone() }] {
        assert_eq!(add(store, &taken).await, Err(StoreError::Conflict));
    }
    let siem = webhook("siem", &["*"]);
    add(store, &siem).await.unwrap();
    assert_eq!(webhooks::by_id(db, "chat").await.unwrap().as_ref(), Some(&chat));
    assert_eq!(webhooks::by_id(db, "nobody").await.unwrap(), None);
    assert_eq!(webhooks::all(db).await.unwrap(), [chat.clone(), siem.clone()]);

    let changed =
        Webhook { name: "Else".into(), events: vec!["user.created".into()], ..chat.clone() };
    let mut tx = store.begin().await.unwrap();
    assert!(webhooks::update(&mut tx, &changed).await.unwrap());
    assert!(!webhooks::update(&mut tx, &webhook("nobody", &[])).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(webhooks::by_id(db, "chat").await.unwrap().as_ref(), Some(&changed));
    let mut tx = store.begin().await.unwrap();
    let taken = Webhook { name: siem.name.clone(), ..chat.clone() };
    assert_eq!(webhooks::update(&mut tx, &taken).await, Err(StoreError::Conflict));
    drop(tx);

    assert!(webhooks::rotate_secret(db, "chat", ("new", NOW.plus(9))).await.unwrap());
    assert!(!webhooks::rotate_secret(db, "nobody", ("new", NOW)).await.unwrap());
    let rotated = webhooks::by_id(db, "chat").await.unwrap().unwrap();
    assert_eq!(
        (rotated.secret.as_str(), rotated.previous),
        ("new", Some(("sealed".into(), NOW.plus(9))))
    );

    let failing = async || webhooks::by_id(db, "chat").await.unwrap().unwrap().failing_since;
    for (since, known) in [(None, None), (Some(1), Some(1)), (Some(5), Some(1)), (None, None)] {
        webhooks::set_failing(db, "chat", since.map(|n| NOW.plus(n))).await.unwrap();
        assert_eq!(failing().await, known.map(|n| NOW.plus(n)), "{since:?}");
    }
    webhooks::set_failing(db, "chat", Some(NOW)).await.unwrap();
    assert!(webhooks::disable(db, "chat", NOW.plus(3)).await.unwrap());
    assert!(!webhooks::disable(db, "chat", NOW.plus(4)).await.unwrap());
    let off = webhooks::by_id(db, "chat").await.unwrap().unwrap();
    assert_eq!((off.disabled_at, off.failing_since), (Some(NOW.plus(3)), Some(NOW)));
    assert!(webhooks::enable(db, "chat").await.unwrap());
    assert!(!webhooks::enable(db, "chat").await.unwrap());
    assert_eq!(failing().await, None);
    the_log_conforms(store).await;
    events_become_messages(store).await;
    let mut tx = store.begin().await.unwrap();
    for id in ["chat", "siem"] {
        assert!(webhooks::delete(&mut tx, id).await.unwrap());
        assert!(!webhooks::delete(&mut tx, id).await.unwrap());
    }
    tx.commit().await.unwrap();
    assert!(webhooks::all(db).await.unwrap().is_empty());
    assert_eq!(outbox::count(db, "webhook").await.unwrap(), 0, "it goes with its webhook");
    assert!(deliveries::list(db, "chat", (None, 9)).await.unwrap().is_empty());
}

async fn the_log_conforms(store: &Store) {
    let db = &store.db;
    let first = Delivered {
        state: State::Waiting,
        status: Some(503),
        problem: Some("answered 503".into()),
        ..delivered("a1", "chat", NOW)
    };
    deliveries::record(db, &first).await.unwrap();
    deliveries::record(db, &Delivered { id: "a2".into(), ..first.clone() }).await.unwrap();
    deliveries::record(db, &delivered("b1", "siem", NOW)).await.unwrap();
    let again = Delivered { created_at: NOW.plus(9), ..delivered("a1", "chat", NOW) };
    let again = Delivered { last_at: NOW.plus(9), duration_ms: 7, ..again };
    deliveries::record(db, &again).await.unwrap();
    let expected = Delivered { attempts: 2, created_at: NOW, ..again };
    assert_eq!(deliveries::by_id(db, "a1").await.unwrap(), Some(expected.clone()));
    assert_eq!(deliveries::by_id(db, "none").await.unwrap(), None);
    let page = async |after| {
        let found = deliveries::list(db, "chat", (after, 1)).await.unwrap();
        found.into_iter().map(|line| line.id).collect::<Vec<_>>()
    };
    assert_eq!(page(None).await, ["a2"]);
    assert_eq!(page(Some("a2")).await, ["a1"]);
    assert!(page(Some("a1")).await.is_empty());
    // Only what waits comes to an end.
    for id in ["a1", "a2"] {
        deliveries::end(db, id, State::Failed).await.unwrap();
    }
    assert_eq!(deliveries::by_id(db, "a1").await.unwrap().unwrap().state, State::Arrived);
    assert_eq!(deliveries::by_id(db, "a2").await.unwrap().unwrap().state, State::Failed);
}

async fn events_become_messages(store: &Store) {
    let db = &store.db;
    let waiting = async || outbox::count(db, "webhook").await.unwrap();
    let write = async |kind: &str| {
        let event = audit::AuditEvent { kind: kind.into(), ..event(&secret::new_id(NOW), NOW) };
        audit::append(db, &event).await.unwrap();
        event
    };
    assert_eq!(waiting().await, 0);
    let made = write("user.created").await;
    assert_eq!(waiting().await, 2);
    let due = outbox::due(db, ("webhook", NOW), (9, 9)).await.unwrap();
    let mut hooks: Vec<_> = due.iter().map(|(_, hook)| hook.clone().unwrap().to_string()).collect();
    hooks.sort();
    assert_eq!(hooks, ["chat", "siem"]);
    write("user.created").await;
    assert_eq!(waiting().await, 4);
    let mut next = outbox::due_for_webhooks(db, ("webhook", NOW)).await.unwrap();
    next.sort();
    assert_eq!(next.iter().map(|(id, _)| &id[..36]).collect::<Vec<_>>(), [&made.id, &made.id]);
    assert!(outbox::due_for_webhooks(db, ("webhook", NOW.plus(-1))).await.unwrap().is_empty());
    for (id, _) in outbox::due(db, ("webhook", NOW), (9, 9)).await.unwrap() {
        if !id.starts_with(&made.id) {
            let delivery = outbox::claim(db, &id, NOW, NOW.plus(60)).await.unwrap().unwrap();
            assert!(outbox::remove(db, &delivery).await.unwrap());
        }
    }
    for (id, hook) in due {
        assert_eq!(id, format!("{}:{}", made.id, hook.clone().unwrap()));
        let delivery = outbox::claim(db, &id, NOW, NOW.plus(60)).await.unwrap().unwrap();
        assert_eq!(delivery.payload, json!({ "event": made.id }));
        assert_eq!(
            (delivery.attempts, delivery.created_at, delivery.expires_at),
            (1, NOW, NOW.plus(259_200))
        );
        assert!(!outbox::insert_unless_there(db, &delivery).await.unwrap());
        assert!(outbox::remove(db, &delivery).await.unwrap());
        assert!(outbox::insert_unless_there(db, &delivery).await.unwrap());
        assert!(outbox::remove(db, &delivery).await.unwrap());
        let loaded = audit::by_id(db, &made.id).await.unwrap();
        assert_eq!(loaded.as_ref(), Some(&made));
    }
    assert_eq!(audit::by_id(db, "none").await.unwrap(), None);
    // What was rolled back has not happened.
    let mut tx = store.begin().await.unwrap();
    audit::append(&mut tx, &event(&secret::new_id(NOW), NOW)).await.unwrap();
    drop(tx);
    assert_eq!(waiting().await, 0);
    // A kind that nobody but the one for everything asked for, and one nobody may hear of.
    write("user.creates").await;
    assert_eq!(waiting().await, 1);
    webhooks::disable(db, "siem", NOW).await.unwrap();
    write("user.deleted").await;
    assert_eq!(waiting().await, 1);
}
