//! What apps keep beside sessions against whatever ends it at the same moment, and against copies in the
//! fast store that were not removed.

use futures_util::future::{join, join_all};
use serde_json::json;

use crate::kit::fixtures::{ALICE, Bed, Rp};
use crate::kit::flow::{App, PATIENCE, create_user, execute, sign_in};
use crate::kit::session_data::{Keeper, PLACES};
use crate::support::backends::Backend;
use crate::support::browser_like::Browser;
use crate::support::process::wait_until_async;
use crate::support::servers::Persistence;
use crate::support::world::World;

const DURABLE: [&str; 2] = ["durable:k", "user:durable:k"];

async fn take_back(browser: &Browser, client_id: &str) {
    let csrf = browser.get("/account").await.attributes("input[name='csrf']", "value").remove(0);
    let fields = [("csrf", csrf.as_str()), ("client_id", client_id)];
    browser.post("/account/allowed/end", &fields).await.assert_status(303);
}

async fn keeper(bed: &Bed, rp: &Rp, browser: &Browser) -> Keeper {
    Keeper::new(&bed.world, &rp.tokens(browser, &ALICE, &[]).await.access)
}

on_both_backends! {
    async fn no_durable_change_lands_after_its_grant_has_ended(world: World) {
        create_user(&world, "alice");
        let app = App::register(&world, "cart", &[]);
        let browser = sign_in(&world, "alice").await;
        for round in 0..4 {
            for key in DURABLE {
                let tokens = app.tokens(&browser).await;
                let ending = Keeper::new(&world, &tokens.access);
                let reader = Keeper::new(&world, &app.tokens(&browser).await.access);
                reader.put(key, &json!({})).await;
                let changes = join_all((0..24).map(|n| {
                    let (ending, name) = (&ending, format!("n{n}"));
                    async move { ending.patch(key, &json!({ name: 1 })).await.status }
                }));
                let end = async {
                    // Some are under way by now.
                    wait_until_async("a change being made", PATIENCE, async || {
                        reader.get(key).await.body != json!({})
                    })
                    .await;
                    assert_eq!(app.revoke(&tokens.refresh).await.status, 200);
                    reader.get(key).await.is(200).body
                };
                let (statuses, at_the_end) = join(changes, end).await;
                let later = reader.get(key).await.is(200).body;
                assert_eq!(at_the_end, later, "{key}, round {round}: {statuses:?}");
                let made = statuses.iter().filter(|status| **status == 200).count();
                assert_eq!(later.as_object().unwrap().len(), made, "{statuses:?}");
                assert!(statuses.iter().all(|status| [200, 401].contains(status)), "{statuses:?}");
            }
        }
    }

    async fn no_change_under_way_comes_back_with_the_next_consent(backend: Backend) {
        let bed = Bed::own(backend, &["conf-basic"]).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        for _ in 0..3 {
            let before = keeper(&bed, &rp, &browser).await;
            let changes = join_all(PLACES.iter().cycle().take(32).map(|key| {
                let before = &before;
                async move { before.patch(key, &json!({ "old": 1 })).await.status }
            }));
            let (statuses, ()) = join(changes, take_back(&browser, "conf-basic")).await;
            let anew = keeper(&bed, &rp, &browser).await;
            for key in PLACES {
                anew.get(key).await.is(404);
                anew.put_if(key, ("if-none-match", "*"), &json!(2)).await.is(201);
                assert_eq!(anew.get(key).await.is(200).body, json!(2), "{statuses:?}");
            }
        }
        bed.assert_log_is_clean();
    }

    async fn an_app_that_takes_the_name_of_a_deleted_one_finds_nothing(world: World) {
        create_user(&world, "alice");
        let app = App::register(&world, "cart", &[]);
        let keeper = Keeper::signed_in(&world, &app, "alice").await;
        for key in PLACES {
            keeper.put(key, &json!(1)).await.is(201);
        }
        world.cli(&["--yes", "client", "delete", "cart"]);
        // As after an hour, when every token of the old one has expired.
        execute(&world, "delete from revocations").await;
        // What tells the two apart is the second in which each was made.
        tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
        let newcomer = App::register(&world, "cart", &[]);
        let mut keeper = None;
        wait_until_async("the new app being known", PATIENCE, async || {
            let browser = sign_in(&world, "alice").await;
            let page = browser.get(&newcomer.authorize_path(&[])).await;
            let code = page.try_location().and_then(|_| page.location_parameter("code"));
            let Some(code) = code else { return false };
            let answer = newcomer.redeem(&code).await;
            keeper = (answer.status == 200).then(|| Keeper::new(&world, &answer.tokens().access));
            keeper.is_some()
        })
        .await;
        for key in PLACES {
            keeper.as_ref().unwrap().get(key).await.is(404);
        }
    }
}

/// A value that Redis still has, or has again, of before a consent was taken back is nobody's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_snapshot_brings_back_what_was_kept_before_a_consent_was_taken_back() {
    let builder = World::builder(Backend::Production).own_redis(Persistence::Snapshot);
    let mut bed = Bed::new(builder.start().await, &["conf-basic"]).await;
    let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
    let before = keeper(&bed, &rp, &browser).await;
    for key in PLACES {
        before.put(key, &json!("before")).await.is(201);
    }
    let snapshot = bed.world.redis().save_snapshot();
    take_back(&browser, "conf-basic").await;
    bed.world.redis().restore_snapshot(&snapshot);
    let mut answer = None;
    wait_until_async("Redis being used again", PATIENCE, async || {
        answer = Some(before.get("k").await.status).filter(|status| *status != 503);
        answer.is_some()
    })
    .await;
    assert_eq!(answer, Some(401));
    let ready = format!("{}/readyz", bed.world.issuer);
    wait_until_async("everything being ready", PATIENCE, async || {
        crate::kit::flow::get(&ready).await.status == 200
    })
    .await;
    let anew = keeper(&bed, &rp, &browser).await;
    for key in PLACES {
        anew.get(key).await.is(404);
        anew.put_if(key, ("if-none-match", "*"), &json!("after")).await.is(201);
        assert_eq!(anew.get(key).await.is(200).body, json!("after"));
    }
}

fn kept(world: &mut World) -> Vec<String> {
    world.redis().query(&["KEYS", "dw:sd:*"])
}

/// What ends with a person leaves nothing of theirs in Redis.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_person_who_is_deleted_stays_in_redis() {
    let builder = World::builder(Backend::Production).own_redis(Persistence::Snapshot);
    let mut world = builder.start().await;
    let app = App::register(&world, "cart", &[]);
    let commands = [&["user", "disable"][..], &["--yes", "user", "delete"]];
    for (name, command) in ["alice", "bob"].into_iter().zip(commands) {
        create_user(&world, name);
        let keeper = Keeper::signed_in(&world, &app, name).await;
        keeper.put("k", &json!(1)).await.is(201);
        keeper.put("user:k", &json!(1)).await.is(201);
        assert_eq!(kept(&mut world).len(), 2);
        world.cli(&[command, &[name]].concat());
        assert_eq!(kept(&mut world), Vec::<String>::new(), "{command:?}");
    }
}
