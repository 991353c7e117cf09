//! What is done to the stores and to the way there, each until it has been seen to hurt.

use std::time::{Duration, Instant};

use crate::faults::Chaos;
use crate::flow::count;
use crate::rig::PATIENCE;
use crate::support::fault_proxy::Fault;
use crate::support::process::wait_until_async;
use crate::support::redis_server::RedisProcess;
use crate::support::servers::ReadOnly;

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    Postgres,
    Redis,
}

/// What happens to both nodes, or to one of them.
#[derive(Clone, Copy, Debug)]
pub enum Trouble {
    /// Redis loses everything.
    Flush,
    /// Redis comes back with what it knew long ago.
    OldSnapshot,
    /// Redis takes nothing more.
    Full,
    /// PostgreSQL takes no writes, first on old connections, then on new ones.
    ReadOnly,
    /// Every session of PostgreSQL is ended.
    EndedBackends,
    /// PostgreSQL comes back with what it knew a moment ago: commits are lost.
    LostCommits,
    /// The way from one node to a store.
    Way(Store, Fault),
    /// One node hears nothing from a store, and the other one goes on.
    Alone(Store),
    /// One node hears nothing from PostgreSQL, the other one nothing from Redis.
    Crossed,
}

/// All of them.
pub const TROUBLES: [Trouble; 15] = [
    Trouble::Flush,
    Trouble::Alone(Store::Postgres),
    Trouble::Way(Store::Redis, Fault::Cut),
    Trouble::Full,
    Trouble::OldSnapshot,
    Trouble::ReadOnly,
    Trouble::Way(Store::Postgres, Fault::Reset),
    Trouble::EndedBackends,
    Trouble::Way(Store::Redis, Fault::Delay(Duration::from_millis(200))),
    Trouble::LostCommits,
    Trouble::Alone(Store::Redis),
    Trouble::Way(Store::Postgres, Fault::Cut),
    Trouble::Crossed,
    Trouble::Way(Store::Redis, Fault::Reset),
    Trouble::Way(Store::Postgres, Fault::Delay(Duration::from_millis(100))),
];

/// How often PostgreSQL has refused a write because it may only read.
const REFUSED: &str = "in a read-only transaction";
/// The marker of the copy of what was revoked.
const MARKER: [&str; 2] = ["GET", "dw:{rv}:marker"];

impl Chaos<'_> {
    /// Makes it, sees that it hurts, mends it, and holds the nodes to their recovery.
    pub async fn trouble(&mut self, trouble: Trouble, side: usize) {
        let began = Instant::now();
        match trouble {
            Trouble::Flush => self.flush().await,
            Trouble::OldSnapshot => self.set_back().await,
            Trouble::Full => self.fill_up().await,
            Trouble::ReadOnly => self.only_read().await,
            Trouble::EndedBackends => {
                let ended = self.rig.world.postgres().terminate_backends().await;
                assert!(ended > 0, "nobody was connected");
                self.recovers(Store::Postgres).await;
            }
            Trouble::LostCommits => self.lose_commits().await,
            Trouble::Way(store, fault) => self.break_way(store, fault, side).await,
            Trouble::Alone(store) => self.leave_alone(store, side).await,
            Trouble::Crossed => self.cross(side).await,
        }
        eprintln!("{trouble:?} at node {side} took {:?}", began.elapsed());
    }

    async fn flush(&mut self) {
        assert!(self.rig.world.redis().key_count() > 0, "nothing to lose");
        self.rig.world.redis().flush();
        self.recovers(Store::Redis).await;
    }

    async fn set_back(&mut self) {
        let number = |redis: &RedisProcess| {
            let marker: Option<String> = redis.query(&MARKER);
            marker.and_then(|text| text.parse::<i64>().ok())
        };
        // Being made again takes a moment.
        let rig = &mut self.rig;
        wait_until_async("the copy being complete", PATIENCE, async || {
            number(rig.world.redis()).is_some()
        })
        .await;
        let snapshot = self.snapshot.clone();
        let known = number(self.rig.world.redis());
        tokio::task::block_in_place(|| self.rig.world.redis().restore_snapshot(&snapshot));
        self.recovers(Store::Redis).await;
        let ends = self.load.counts().revocations;
        assert!(known > Some(0) && ends > 0, "nothing had ended since: {known:?}");
    }

    async fn fill_up(&mut self) {
        let redis = self.rig.world.redis();
        let refused = refused_by(redis);
        redis.set_config("maxmemory", "1");
        wait_until_async("Redis refusing to store", PATIENCE, async || refused_by(redis) > refused)
            .await;
        // What ends meanwhile is acknowledged all the same, and has ended.
        let before = self.load.counts().refused;
        self.ends_something(1).await;
        wait_until_async("somebody being told to come back", PATIENCE, async || {
            self.load.counts().refused > before
        })
        .await;
        self.rig.world.redis().set_config("maxmemory", "0");
        self.recovers(Store::Redis).await;
    }

    async fn only_read(&mut self) {
        let postgres = self.rig.world.postgres();
        let refused = async |earlier: usize| {
            wait_until_async("PostgreSQL refusing a write", PATIENCE, async || {
                postgres.log().matches(REFUSED).count() > earlier
            })
            .await;
            postgres.log().matches(REFUSED).count()
        };
        let earlier = postgres.log().matches(REFUSED).count();
        let before = self.load.counts().refused;
        postgres.set_read_only(ReadOnly::On).await;
        let on_old = refused(earlier).await;
        assert!(postgres.terminate_backends().await > 0, "nobody was connected");
        refused(on_old).await;
        wait_until_async("somebody being told to come back", PATIENCE, async || {
            self.load.counts().refused > before
        })
        .await;
        // They read, once each has connections again.
        self.rig.ready().await;
        self.rig.world.postgres().set_read_only(ReadOnly::Off).await;
        self.recovers(Store::Postgres).await;
    }

    /// Nothing is under way when the database is copied and when it is set back, so that it is known what
    /// was lost. What was acknowledged before holds, and what ends after it is over everywhere.
    async fn lose_commits(&mut self) {
        const LOST: &str = "the database has lost commits";
        let grants = "select count(*) from grants";
        let still = self.load.still().await;
        self.rig.world.postgres().kill9().await;
        let copy = self.rig.world.postgres().save_data();
        self.rig.world.postgres().restart().await;
        self.rig.ready().await;
        let mark = self.load.history().mark();
        drop(still);
        let before = self.load.counts();
        wait_until_async("something to lose", PATIENCE, async || {
            let now = self.load.counts();
            now.exchanges > before.exchanges && now.revocations > before.revocations
        })
        .await;
        let still = self.load.still().await;
        let (told, had) = (self.rig.told(LOST), count(&self.rig.world, grants).await);
        self.rig.world.postgres().kill9().await;
        self.rig.world.postgres().put_back(&copy);
        self.rig.world.postgres().restart().await;
        assert!(count(&self.rig.world, grants).await < had, "nothing was lost");
        self.load.history().forget_since(mark);
        self.recovers(Store::Postgres).await;
        drop(still);
        assert!(self.rig.told(LOST) > told, "no node noticed");
    }

    async fn break_way(&mut self, store: Store, fault: Fault, side: usize) {
        self.set(store, fault, side);
        if let Fault::Delay(pause) = fault {
            let began = Instant::now();
            self.rig.nodes[side].says().await;
            assert!(began.elapsed() >= pause, "nothing was slow");
            tokio::time::sleep(Duration::from_millis(500)).await;
        } else {
            self.notices(side).await;
        }
        self.set(store, Fault::None, side);
        self.recovers(store).await;
    }

    async fn leave_alone(&mut self, store: Store, side: usize) {
        self.set(store, Fault::BlackHole, side);
        self.notices(side).await;
        let other = 1 - side;
        // Somebody comes and goes at the other one, and the one that is cut off is held to that at once.
        wait_until_async("somebody coming and going at the other node", PATIENCE, async || {
            self.load.come_and_go(|| other).await.is_ok()
        })
        .await;
        assert_eq!(self.rig.nodes[side].says().await, Some(503), "it was cut off all the while");
        assert_eq!(self.rig.nodes[other].says().await, Some(200), "the other one goes on");
        self.set(store, Fault::None, side);
        self.recovers(store).await;
    }

    /// The one without Redis is the only one that can end anything, and nobody tells the other one.
    async fn cross(&mut self, deaf: usize) {
        let mute = 1 - deaf;
        let mut guest = None;
        wait_until_async("somebody arriving", PATIENCE, async || {
            guest = self.load.arrive(|| deaf).await.ok();
            guest.is_some()
        })
        .await;
        let guest = guest.expect("a guest");
        self.set(Store::Postgres, Fault::BlackHole, deaf);
        self.set(Store::Redis, Fault::BlackHole, mute);
        self.notices(deaf).await;
        self.notices(mute).await;
        wait_until_async("a sign-out at the node without Redis", PATIENCE, async || {
            self.load.leave(&guest, || mute).await.is_ok()
        })
        .await;
        self.set(Store::Postgres, Fault::None, deaf);
        self.set(Store::Redis, Fault::None, mute);
        self.recovers(Store::Postgres).await;
    }

    /// A node acknowledges the end of something that was asked for after this was called.
    async fn ends_something(&self, side: usize) {
        wait_until_async("a node ending something", PATIENCE, async || {
            self.load.revoke_at(side).await.unwrap_or_default()
        })
        .await;
    }

    fn set(&self, store: Store, fault: Fault, side: usize) {
        match store {
            Store::Postgres => self.rig.nodes[side].postgres.set(fault),
            Store::Redis => self.rig.nodes[side].redis.set(fault),
        }
    }

    async fn notices(&self, side: usize) {
        wait_until_async("a node noticing", PATIENCE, async || {
            self.rig.nodes[side].says().await == Some(503)
        })
        .await;
    }
}

/// How often Redis has refused to store something because it is full.
fn refused_by(redis: &RedisProcess) -> u64 {
    let info: String = redis.query(&["INFO", "errorstats"]);
    let line = info.lines().find_map(|line| line.strip_prefix("errorstat_OOM:count="));
    line.and_then(|count| count.trim().parse().ok()).unwrap_or_default()
}
