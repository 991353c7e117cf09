//! The clock of one node is moved under load. That node runs inside the test, by a clock that the test
//! moves: the other one, the stores and the commands go by the machine's.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use doorward::clock::Clock;
use futures_util::future::join;

use crate::faults::{GRACE, hold_the_rows_to_it};
use crate::history::Whose;
use crate::load::{LANES, Load, Said};
use crate::node::Listening;
use crate::rig::{PATIENCE, Rig};
use crate::support::process::wait_until_async;

/// By how many seconds, one after the other, while everything has to work: nodes may differ by less than
/// thirty.
const WITHIN: [i64; 2] = [25, -25];
/// Longer than an access token lives, and longer than anything is remembered to have been revoked.
const BEYOND: [i64; 2] = [700, 7_200];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_clock_that_is_moved_revives_nothing() {
    let mut rig = Rig::start(&[GRACE]).await;
    let (clock, began) = (Clock::manual(Clock::System.now()), Instant::now());
    let shifted = Listening::start(&rig.world, &clock).await;
    let bases = [rig.nodes[0].base(), rig.world.issuer.clone()];
    let load = Load::start(&rig, bases).await;
    let over = AtomicBool::new(false);
    let lanes = futures_util::future::join_all(LANES.map(|lane| load.run(lane)));
    let moves = async {
        load.is_going_on().await;
        for ahead in WITHIN {
            clock.set_by(ahead);
            wait_until_async("a token by that clock", PATIENCE, async || {
                let drift = issued_at(&load, 1).await.map(|at| at - Clock::System.now().0);
                drift.is_some_and(|drift| (drift - ahead).abs() <= 2)
            })
            .await;
            load.is_going_on().await;
            clock.set_by(-ahead);
        }
        load.end();
        over.store(true, Ordering::SeqCst);
    };
    join(join(lanes, moves), tick(&clock, began, &over)).await;
    for ahead in BEYOND {
        clock.set_by(ahead);
        load.assert_all_is_over_at(1).await;
        clock.set_by(-ahead);
    }
    rig.ready().await;
    load.hold_to_it().await;
    hold_the_rows_to_it(&rig, &load).await;
    shifted.stop().await;
}

/// Lets the clock go with the time.
async fn tick(clock: &Clock, began: Instant, over: &AtomicBool) {
    let mut passed = 0;
    while !over.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let now = i64::try_from(began.elapsed().as_secs()).expect("seconds");
        clock.advance(now - passed);
        passed = now;
    }
}

/// When a node says that it has made a token just now; none without an answer.
async fn issued_at(load: &Load, side: usize) -> Option<i64> {
    let tokens = load.tokens(&load.stayer, || side).await.ok()?;
    let fields = [("token", tokens.access.as_str())];
    let answer = load.apps[side].try_post("/oauth2/introspect", &fields).await.ok()?;
    answer.json()["iat"].as_i64()
}

impl Load {
    /// By that node's clock the newest tokens have expired, and whatever has ended stays so.
    async fn assert_all_is_over_at(&self, side: usize) {
        let fresh = self.tokens(&self.stayer, || 1 - side).await.ok().expect("tokens");
        let said = self.said_of(Whose::App, &fresh.access, side).await;
        assert_eq!(said, Said::Dead, "its clock was not moved");
        let all = self.history().newest_ended();
        for ended in all {
            self.look_at(&ended, side).await;
            self.look_at(&ended, 1 - side).await;
        }
    }
}
