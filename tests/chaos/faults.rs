//! Everything is killed, emptied, filled, set back, slowed and cut in turn, under load.

use std::time::Duration;

use serde_json::Value;

use crate::figures::{FROM_POSTGRES, FROM_REDIS, Figures};
use crate::flow::{PASSWORD, count};
use crate::load::{LANES, Load};
use crate::rig::Rig;
use crate::support::servers::Snapshot;
use crate::troubles::{Store, TROUBLES};

/// A grace that outlasts an outage, so that a refresh without an answer can be repeated.
pub const GRACE: (&str, &str) = ("DOORWARD_TOKENS__REFRESH_GRACE", "60");

/// The rig under load, and what is known of it.
pub struct Chaos<'a> {
    pub rig: Rig,
    pub load: &'a Load,
    pub figures: Figures,
    /// Of before everything that ended since.
    pub snapshot: Snapshot,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_is_killed_emptied_or_cut_what_was_acknowledged_holds() {
    let kills = crate::rounds("CHAOS_KILLS", 1);
    let mut rig = Rig::start(&[GRACE]).await;
    let load = Load::start(&rig, rig.bases()).await;
    let snapshot = rig.world.redis().save_snapshot();
    let mut chaos = Chaos { rig, load: &load, figures: Figures::default(), snapshot };
    let lanes = futures_util::future::join_all(LANES.map(|lane| load.run(lane)));
    let faults = async {
        load.is_going_on().await;
        // All of them in a short run, one for each round of kills in a long one.
        let troubles = TROUBLES.len().max(kills);
        for round in 0..troubles {
            if round < kills {
                chaos.kill_each(round).await;
            }
            chaos.figures.usual(&mut chaos.rig, &load).await;
            chaos.trouble(TROUBLES[round % TROUBLES.len()], round % 2).await;
        }
        load.is_going_on().await;
        load.end();
    };
    tokio::join!(lanes, faults);
    // Said even if what follows fails.
    chaos.figures.print();
    chaos.rig.ready().await;
    load.hold_to_it().await;
    hold_the_rows_to_it(&chaos.rig, &load).await;
    load.assert_enough_happened();
    chaos.figures.hold_to_it();
}

/// What the rows must say once everything runs again, and what no log may.
pub async fn hold_the_rows_to_it(rig: &Rig, load: &Load) {
    let world = &rig.world;
    load.spend_again(async || count(world, "select count(*) from grants").await).await;
    load.offer_all_again().await;
    let half = "select count(*) from grants g where not exists \
                (select 1 from refresh_families f where f.grant_id = g.id)";
    assert_eq!(count(world, half).await, 0, "half-made grants");
    let survivors = "select count(*) from grants g join sessions s on s.id = g.session_id \
                     where s.revoked_at is not null and g.revoked_at is null";
    assert_eq!(count(world, survivors).await, 0, "grants outlive their session");
    let leftovers = "select count(*) from session_data d join sessions s on s.id = d.session_id \
                     where s.revoked_at is not null";
    assert_eq!(count(world, leftovers).await, 0, "values outlive their session");
    let log = world.cli(&["audit", "verify"]);
    assert_eq!((&log["intact"], &log["not_sealed"]), (&true.into(), &Value::Null), "{log}");
    rig.assert_logs_are_clean(&[&[PASSWORD][..], &load.secrets()].concat());
}

impl Chaos<'_> {
    async fn kill_each(&mut self, round: usize) {
        // Never at the same moment of what goes on.
        let pause = Duration::from_millis((round as u64 * 137) % 400);
        for victim in ["node 0", "Redis", "node 1", "PostgreSQL"] {
            self.load.is_going_on().await;
            tokio::time::sleep(pause).await;
            let away = Duration::from_millis(300);
            match victim {
                "Redis" => {
                    self.figures.usual(&mut self.rig, self.load).await;
                    self.rig.kill_redis(away).await;
                    self.recovers(Store::Redis).await;
                }
                "PostgreSQL" => {
                    self.figures.usual(&mut self.rig, self.load).await;
                    self.rig.kill_postgres(away).await;
                    self.recovers(Store::Postgres).await;
                }
                _ => {
                    // What a process takes to start is not promised, and is only among the figures.
                    let node = usize::from(victim == "node 1");
                    let took = self.rig.kill_node(node).await;
                    self.figures.note("start of a killed node", took);
                }
            }
        }
    }

    /// To be called in the moment in which the store answers again: the promise is kept.
    pub async fn recovers(&mut self, from: Store) {
        let (what, promised) = match from {
            Store::Redis => ("served after Redis answers", FROM_REDIS),
            Store::Postgres => ("served after PostgreSQL accepts", FROM_POSTGRES),
        };
        self.figures.recovers((what, promised), &mut self.rig, self.load).await;
    }
}
