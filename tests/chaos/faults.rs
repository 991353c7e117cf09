//! Everything is killed, emptied, set back, slowed and cut in turn, under load.

use std::time::Duration;

use crate::figures::Figures;
use crate::flow::{PASSWORD, count};
use crate::load::{Lane, Load};
use crate::rig::{PATIENCE, Rig};
use crate::support::fault_proxy::Fault;
use crate::support::process::wait_until_async;
use crate::support::servers::Snapshot;

const LANES: [Lane; 13] = [
    Lane::Exchange,
    Lane::Refresh,
    Lane::Refresh,
    Lane::Revoke,
    Lane::Visit,
    Lane::Disable,
    Lane::Withdraw,
    Lane::LeaveEverywhere,
    Lane::SwitchOff,
    Lane::KeepCount,
    Lane::LookAtTheLiving,
    Lane::LookAtTheEnded,
    Lane::LookAtTheEnded,
];

/// What recovery may take before the test fails. The promise, one second for Redis and two for
/// PostgreSQL, is for a machine that does nothing else, and is among the figures.
const RECOVERY: Duration = Duration::from_secs(15);

/// What else is done to the stores and to the way there.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    Flush,
    OldSnapshot,
    EndedBackends,
    Postgres(Fault),
    Redis(Fault),
}

const TROUBLES: [Trouble; 11] = [
    Trouble::Flush,
    Trouble::Postgres(Fault::BlackHole),
    Trouble::Redis(Fault::Cut),
    Trouble::OldSnapshot,
    Trouble::Redis(Fault::BlackHole),
    Trouble::Postgres(Fault::Reset),
    Trouble::EndedBackends,
    Trouble::Redis(Fault::Delay(Duration::from_millis(200))),
    Trouble::Postgres(Fault::Cut),
    Trouble::Redis(Fault::Reset),
    Trouble::Postgres(Fault::Delay(Duration::from_millis(100))),
];

struct Chaos<'a> {
    rig: Rig,
    load: &'a Load,
    figures: Figures,
    /// Of before everything that ended since.
    snapshot: Snapshot,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_is_killed_emptied_or_cut_what_was_acknowledged_holds() {
    let kills = crate::rounds("CHAOS_KILLS", 1);
    // A grace that outlasts an outage, so that a refresh without an answer can be repeated.
    let mut rig = Rig::start(&[("DOORWARD_TOKENS__REFRESH_GRACE", "60")]).await;
    let load = Load::start(&rig).await;
    let snapshot = rig.world.redis().save_snapshot();
    let mut chaos = Chaos { rig, load: &load, figures: Figures::default(), snapshot };
    let lanes = futures_util::future::join_all(LANES.map(|lane| load.run(lane)));
    let faults = async {
        chaos.is_something_going_on().await;
        // All of them in a short run, one for each round of kills in a long one.
        let troubles = TROUBLES.len().max(kills);
        for round in 0..troubles {
            if round < kills {
                chaos.kill_each(round).await;
            }
            chaos.trouble(TROUBLES[round % TROUBLES.len()], round % 2).await;
        }
        chaos.is_something_going_on().await;
        load.end();
    };
    tokio::join!(lanes, faults);
    chaos.hold_to_it().await;
}

impl Chaos<'_> {
    /// Not before enough has happened to lose something, however slow the machine is.
    async fn is_something_going_on(&self) {
        let before = self.load.counts();
        wait_until_async("people and apps going on", PATIENCE, async || {
            let now = self.load.counts();
            now.sign_outs > before.sign_outs
                && now.refreshes > before.refreshes
                && now.revocations > before.revocations
                && now.kept > before.kept
        })
        .await;
    }

    async fn kill_each(&mut self, round: usize) {
        // Never at the same moment of what goes on.
        let pause = Duration::from_millis((round as u64 * 137) % 400);
        for victim in ["node 0", "Redis", "node 1", "PostgreSQL"] {
            self.is_something_going_on().await;
            tokio::time::sleep(pause).await;
            let away = Duration::from_millis(300);
            let (what, took) = match victim {
                "node 0" => ("start of a killed node", self.rig.kill_node(0).await),
                "node 1" => ("start of a killed node", self.rig.kill_node(1).await),
                "Redis" => ("ready after Redis answers", self.rig.kill_redis(away).await),
                _ => ("ready after PostgreSQL accepts", self.rig.kill_postgres(away).await),
            };
            // What a process takes to start is not promised, and is only among the figures.
            assert!(victim.starts_with("node") || took < RECOVERY, "{what}: {took:?}");
            self.figures.note(what, took);
        }
    }

    async fn trouble(&mut self, trouble: Trouble, side: usize) {
        let away = Duration::from_millis(500);
        match trouble {
            Trouble::Flush => self.rig.world.redis().flush(),
            Trouble::OldSnapshot => {
                let snapshot = self.snapshot.clone();
                tokio::task::block_in_place(|| {
                    self.rig.world.redis().restore_snapshot(&snapshot);
                });
            }
            Trouble::EndedBackends => {
                self.rig.world.postgres().terminate_backends().await;
            }
            Trouble::Postgres(fault) => self.rig.nodes[side].set(fault, Fault::None),
            Trouble::Redis(fault) => self.rig.nodes[side].set(Fault::None, fault),
        }
        tokio::time::sleep(away).await;
        self.rig.nodes[side].set(Fault::None, Fault::None);
        let took = self.rig.ready().await;
        assert!(took < RECOVERY, "{trouble:?}: {took:?}");
        self.figures.note("ready after other trouble", took);
    }

    async fn hold_to_it(&mut self) {
        self.rig.ready().await;
        self.load.hold_to_it().await;
        let world = &self.rig.world;
        self.load.spend_again(async || count(world, "select count(*) from grants").await).await;
        let half = "select count(*) from grants g where not exists \
                    (select 1 from refresh_families f where f.grant_id = g.id)";
        assert_eq!(count(world, half).await, 0, "half-made grants");
        let survivors = "select count(*) from grants g join sessions s on s.id = g.session_id \
                         where s.revoked_at is not null and g.revoked_at is null";
        assert_eq!(count(world, survivors).await, 0, "grants outlive their session");
        let leftovers = "select count(*) from session_data d join sessions s on s.id = d.session_id \
                         where s.revoked_at is not null";
        assert_eq!(count(world, leftovers).await, 0, "values outlive their session");
        self.rig.assert_logs_are_clean(&[&[PASSWORD][..], &self.load.secrets()].concat());
        let history = self.load.history();
        let counts = history.counts;
        self.figures.print();
        eprintln!("{counts:?}; longest until all had heard of an ending: {:?}", history.latest);
        // Enough happened for the faults to have had something to hit.
        assert!(counts.sign_outs >= 5 && counts.revocations >= 10, "too little load: {counts:?}");
        assert!(counts.exchanges >= 10 && counts.refreshes >= 10, "too little load: {counts:?}");
        assert!(counts.withdrawn >= 1 && counts.everywhere >= 1, "too little load: {counts:?}");
        assert!(counts.switched_off >= 1 && counts.kept >= 10, "too little load: {counts:?}");
        assert!(counts.disabled >= 1 && counts.looks >= 50, "too little load: {counts:?}");
    }
}
