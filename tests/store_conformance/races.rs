//! What must happen at most once, tried by 64 tasks at the same moment.

use std::future::Future;
use std::sync::Arc;

use doorward::protocol::scope::Scopes;
use doorward::protocol::types::{ClientId, FamilyId, UserId};
use doorward::protocol::user::Footing;
use doorward::store::ephemeral::Ephemeral;
use doorward::store::grants::refresh_families::{self, Rotated};
use doorward::store::grants::{self, Inserted};
use doorward::store::groups;
use doorward::store::{
    Store, StoreError, consents, links, outbox, sessions, sign_ins, sync, used_jtis, users,
};
use tokio::sync::Barrier;

use super::fixtures::{NOW, delivery, family, grant, link, rotation, session, user};

const RUNNERS: usize = 64;

/// Runs the same thing 64 times at once and returns every outcome.
async fn all_at_once<T, F, R>(run: R) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send,
    R: Fn(usize) -> F + Send + Sync + 'static,
{
    let (run, start) = (Arc::new(run), Arc::new(Barrier::new(RUNNERS)));
    let tasks: Vec<_> = (0..RUNNERS)
        .map(|n| {
            let (run, start) = (run.clone(), start.clone());
            tokio::spawn(async move {
                start.wait().await;
                run(n).await
            })
        })
        .collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}

fn count<T: PartialEq>(outcomes: &[T], wanted: &T) -> usize {
    outcomes.iter().filter(|outcome| *outcome == wanted).count()
}

pub(crate) async fn one_winner_each(store: &Store) {
    for round in 0..5 {
        let s = store.clone();
        let outcomes = all_at_once(move |_| {
            let s = s.clone();
            async move {
                // as the code exchange does it: gate and family in one transaction
                let (grant_id, family_id) = (format!("race{round}"), format!("race-f{round}"));
                let mut tx = s.begin().await.unwrap();
                let inserted =
                    grants::insert(&mut tx, &grant(&grant_id, "u-alice", "app")).await.unwrap();
                if inserted == Inserted::New {
                    refresh_families::insert(&mut tx, &family(&family_id, &grant_id))
                        .await
                        .unwrap();
                }
                tx.commit().await.unwrap();
                inserted
            }
        })
        .await;
        assert_eq!(count(&outcomes, &Inserted::New), 1);

        let s = store.clone();
        let outcomes = all_at_once(move |n| {
            let s = s.clone();
            async move {
                let rotation = rotation(&format!("race-f{round}"), "h0", &format!("new-{n}"));
                refresh_families::rotate(&s.db, &rotation).await.unwrap()
            }
        })
        .await;
        assert_eq!(count(&outcomes, &Rotated::Yes), 1);
        let id = FamilyId::new(format!("race-f{round}"));
        let (stored, _) = refresh_families::with_grant(&store.db, &id).await.unwrap().unwrap();
        assert_eq!(stored.generation, 1);
        let winner = outcomes.iter().position(|o| *o == Rotated::Yes).unwrap();
        assert_eq!(stored.current_hash, format!("new-{winner}"));

        let hash = format!("race-l{round}");
        links::insert(&store.db, &link(&hash, None)).await.unwrap();
        let s = store.clone();
        let outcomes = all_at_once(move |_| {
            let (s, hash) = (s.clone(), hash.clone());
            async move { links::spend(&s.db, &hash, NOW).await.unwrap().is_some() }
        })
        .await;
        assert_eq!(count(&outcomes, &true), 1);

        let s = store.clone();
        let outcomes = all_at_once(move |_| {
            let s = s.clone();
            async move {
                used_jtis::spend(&s.db, &format!("race-j{round}"), NOW.plus(60)).await.unwrap()
            }
        })
        .await;
        assert_eq!(count(&outcomes, &true), 1);
    }
}

pub(crate) async fn counters_are_exact(store: &Store) {
    let before = sync::read(&store.db).await.unwrap();
    let s = store.clone();
    let mut counts = all_at_once(move |_| {
        let s = s.clone();
        async move { sync::bump_revocations(&s.db).await.unwrap() }
    })
    .await;
    counts.sort_unstable();
    let expected: Vec<i64> = (1..=64).map(|n| before.revocations + n).collect();
    assert_eq!(counts, expected);
}

/// Sixty-four nodes take what is due from sixty-four deliveries until nothing is left.
pub(crate) async fn each_delivery_is_claimed_once(store: &Store) {
    for n in 0..RUNNERS {
        outbox::insert(&store.db, &delivery(&format!("race-{n:02}"))).await.unwrap();
    }
    let s = store.clone();
    let outcomes = all_at_once(move |_| {
        let s = s.clone();
        async move {
            let mut mine = Vec::new();
            for (id, _) in outbox::due(&s.db, ("notice", NOW), (100, 100)).await.unwrap() {
                let claimed = outbox::claim(&s.db, &id, NOW, NOW.plus(30)).await.unwrap();
                mine.extend(claimed.map(|delivery| (delivery.id, delivery.attempts)));
            }
            mine
        }
    })
    .await;
    let mut claimed: Vec<_> = outcomes.into_iter().flatten().collect();
    claimed.sort();
    let expected: Vec<_> = (0..RUNNERS).map(|n| (format!("race-{n:02}"), 1)).collect();
    assert_eq!(claimed, expected);
}

pub(crate) async fn groups_are_set_by_one_at_a_time(store: &Store) {
    let s = store.clone();
    let outcomes = all_at_once(move |n| {
        let s = s.clone();
        async move {
            let mut tx = s.begin().await?;
            let names = [format!("team{}", n % 3), "staff".to_owned()];
            groups::set_groups(&mut tx, &user("alice").id, &names, NOW).await?;
            tx.commit().await
        }
    })
    .await;
    let refused = outcomes.iter().filter(|outcome| outcome.is_err()).count();
    assert_eq!(refused, 0, "{outcomes:?}");
    let groups = groups::groups_of(&store.db, &user("alice").id).await.unwrap();
    assert_eq!(groups.len(), 2, "the groups of one caller and no mixture: {groups:?}");
}

/// Sixty-four answers of one person to one app at once, each for a scope of its own.
pub(crate) async fn of_what_is_allowed_at_once_nothing_is_lost(store: &Store) {
    let (user, client) = (user("alice").id, ClientId::new("app"));
    let (s, of, at) = (store.clone(), user.clone(), client.clone());
    all_at_once(move |n| {
        let (s, of, at) = (s.clone(), of.clone(), at.clone());
        async move {
            let mut tx = s.begin().await.unwrap();
            let mut consent = consents::hold_or_begin(&mut tx, &of, &at, NOW).await.unwrap();
            consent.scopes = consent.scopes.union(&Scopes::from_tokens([format!("s{n}").as_str()]));
            consents::upsert(&mut tx, &consent).await.unwrap();
            tx.commit().await.unwrap();
        }
    })
    .await;
    let allowed = consents::get(&store.db, &user, &client).await.unwrap().unwrap();
    assert_eq!(allowed.scopes.iter().count(), RUNNERS);
    consents::delete(&store.db, &user, &client).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let begun = consents::hold_or_begin(&mut tx, &user, &client, NOW).await.unwrap();
    assert!(begun.scopes.is_empty() && begun.claims.is_empty());
    drop(tx);
    assert_eq!(consents::get(&store.db, &user, &client).await.unwrap(), None);
    let mut tx = store.begin().await.unwrap();
    let nobody = ClientId::new("nobody");
    let refused = consents::hold_or_begin(&mut tx, &user, &nobody, NOW).await;
    assert_eq!(refused, Err(StoreError::Conflict));
}

pub(crate) async fn ephemeral_one_winner_each(ephemeral: &Ephemeral) {
    for round in 0..5 {
        let (e, key) = (ephemeral.clone(), format!("race{round}"));
        let outcomes = all_at_once(move |n| {
            let (e, key) = (e.clone(), key.clone());
            async move { e.put_new(&key, &n.to_string(), 60).await.unwrap() }
        })
        .await;
        assert_eq!(count(&outcomes, &true), 1);

        let (e, key) = (ephemeral.clone(), format!("race{round}"));
        let outcomes = all_at_once(move |_| {
            let (e, key) = (e.clone(), key.clone());
            async move { e.take(&key).await.unwrap().is_some() }
        })
        .await;
        assert_eq!(count(&outcomes, &true), 1);

        let (e, key) = (ephemeral.clone(), format!("count{round}"));
        let mut counts = all_at_once(move |_| {
            let (e, key) = (e.clone(), key.clone());
            async move { e.increment(&key, 60).await.unwrap() }
        })
        .await;
        counts.sort_unstable();
        assert_eq!(counts, (1..=64).collect::<Vec<i64>>());

        ephemeral.put(&format!("replace{round}"), "start", 60).await.unwrap();
        let (e, key) = (ephemeral.clone(), format!("replace{round}"));
        let outcomes = all_at_once(move |n| {
            let (e, key) = (e.clone(), key.clone());
            async move { e.replace(&key, "start", &n.to_string()).await.unwrap() }
        })
        .await;
        assert_eq!(count(&outcomes, &true), 1, "one of them found what it expected");
    }
    a_marker_never_runs_ahead(ephemeral).await;
}

/// Sixty-four announce themselves in turn, each with a stone of their own, while all look: whoever
/// sees a number sees the stones of all up to it.
async fn a_marker_never_runs_ahead(ephemeral: &Ephemeral) {
    let stone = |n: usize| format!("{{ahead}}:stone{n}");
    ephemeral.put("{ahead}:marker", "0", 60).await.unwrap();
    let e = ephemeral.clone();
    all_at_once(move |n| {
        let e = e.clone();
        async move {
            let (before, after) = (n.to_string(), (n + 1).to_string());
            let beside = [(stone(n), "1".to_owned(), 60)];
            loop {
                let value = ("{ahead}:marker", before.as_str(), after.as_str());
                let announced = e.replace_beside(value, &beside).await.unwrap();
                let mut keys = vec!["{ahead}:marker".to_owned()];
                keys.extend((0..RUNNERS).map(stone));
                let seen = e.get_many(&keys).await.unwrap();
                let number: usize = seen[0].as_ref().unwrap().parse().unwrap();
                assert!(seen[1..=number].iter().all(Option::is_some), "{number}: {seen:?}");
                if announced {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
    })
    .await;
    assert_eq!(ephemeral.get("{ahead}:marker").await.unwrap().as_deref(), Some("64"));
}

pub(crate) async fn no_sign_in_that_began_before_outlives_a_sign_out(store: &Store) {
    users::insert(&store.db, &user("began")).await.unwrap();
    let id = UserId::new("u-began");
    let login = || async { users::with_password(&store.db, "began").await.unwrap().unwrap() };
    let before = login().await;
    assert_eq!((before.footing, before.signed_in_at), (Footing::default(), None));
    assert!(sign_ins::begin(&store.db, (&id, before.footing), NOW).await.unwrap());
    assert_eq!(login().await.signed_in_at, Some(NOW));
    // A sign-in that ran into the end of all sessions waits for it, and finds another epoch.
    let mut ending = store.begin().await.unwrap();
    assert!(users::hold(&mut ending, &id).await.unwrap());
    sign_ins::raise_epoch(&mut ending, &id).await.unwrap();
    let late = tokio::spawn({
        let (store, id) = (store.clone(), id.clone());
        async move {
            let mut tx = store.begin().await.unwrap();
            sign_ins::begin(&mut tx, (&id, before.footing), NOW.plus(9)).await.unwrap()
        }
    });
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    assert!(!late.is_finished());
    ending.commit().await.unwrap();
    assert!(!late.await.unwrap());
    let after = login().await;
    assert_eq!(after.signed_in_at, Some(NOW), "nobody has signed in");
    assert_eq!(after.footing, Footing { token_version: 0, sign_in_epoch: 1 });
    assert_eq!(sign_ins::hold(&store.db, &id).await.unwrap(), Some(after.footing));
    users::raise_token_version(&store.db, &id).await.unwrap();
    assert!(!sign_ins::begin(&store.db, (&id, after.footing), NOW).await.unwrap());
    users::set_disabled(&store.db, &id, Some(NOW), NOW).await.unwrap();
    assert_eq!(sign_ins::hold(&store.db, &id).await.unwrap(), None);
    let now = login().await.footing;
    assert!(!sign_ins::begin(&store.db, (&id, now), NOW).await.unwrap(), "disabled");
    assert!(users::delete(&store.db, &id).await.unwrap());
}

pub(crate) async fn no_session_slips_past_a_sign_out_everywhere(store: &Store) {
    users::insert(&store.db, &user("slip")).await.unwrap();
    let id = UserId::new("u-slip");
    for round in 0..20_i64 {
        // Half of them raise the version, as all that ends everything does.
        let raises = round % 2 == 1;
        let before = users::by_id(&store.db, &id).await.unwrap().unwrap().token_version;
        let mut signing_in = store.begin().await.unwrap();
        assert!(users::hold_at_version(&mut signing_in, &id, before).await.unwrap());
        let name = format!("slip-{round}");
        sessions::insert(&mut signing_in, &session(&name, "u-slip")).await.unwrap();
        let ending = tokio::spawn({
            let (store, id) = (store.clone(), id.clone());
            async move {
                let mut tx = store.begin().await.unwrap();
                assert!(users::hold(&mut tx, &id).await.unwrap());
                let gone = sessions::revoke_for_user(&mut tx, &id, None, NOW).await.unwrap();
                if raises {
                    users::raise_token_version(&mut tx, &id).await.unwrap();
                }
                tx.commit().await.unwrap();
                gone
            }
        });
        // It waits for the sign-in under way, however long that takes.
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        assert!(!ending.is_finished());
        signing_in.commit().await.unwrap();
        let gone = ending.await.unwrap();
        assert_eq!(gone.len(), 1, "the session that was made meanwhile has ended");
        let mut late = store.begin().await.unwrap();
        let taken = users::hold_at_version(&mut late, &id, before).await.unwrap();
        assert_eq!(taken, !raises, "a proof from before counts only if not everything ended");
    }
    users::set_disabled(&store.db, &id, Some(NOW), NOW).await.unwrap();
    let version = users::by_id(&store.db, &id).await.unwrap().unwrap().token_version;
    assert!(!users::hold_at_version(&store.db, &id, version).await.unwrap());
    assert!(users::hold(&store.db, &id).await.unwrap());
    assert!(!users::hold(&store.db, &UserId::new("nobody")).await.unwrap());
    assert!(users::delete(&store.db, &id).await.unwrap());
}
