//! Not tests: a node that reaches PostgreSQL and Redis through proxies that can be broken, beside a
//! world whose own server and commands reach both.

use crate::kit::flow::{PATIENCE, SESSION_COOKIE, http_client};
use crate::support::backends::Backend;
use crate::support::browser_like::Browser;
use crate::support::fault_proxy::FaultProxy;
use crate::support::process::{Guarded, Signal, free_port, wait_until_async};
use crate::support::servers::Persistence;
use crate::support::world::{World, WorldBuilder};

/// The node, and what it reaches its stores through.
pub struct CutNode {
    process: Guarded,
    pub base: String,
    /// Where it says whether it is ready.
    pub management: String,
    pub postgres: FaultProxy,
    pub redis: FaultProxy,
}

impl CutNode {
    /// A world for it, on a PostgreSQL and a Redis of its own.
    pub async fn world() -> World {
        Self::world_of(World::builder(Backend::Production)).await
    }

    /// The same, with settings.
    pub async fn world_of(builder: WorldBuilder) -> World {
        builder.own_postgres().own_redis(Persistence::Snapshot).start().await
    }

    /// A node that is ready, with nothing broken.
    pub async fn start(world: &mut World) -> Self {
        let (to_postgres, to_redis) = (world.postgres().port(), world.redis().port());
        let postgres = FaultProxy::start(to_postgres).await;
        let redis = FaultProxy::start(to_redis).await;
        let (port, management) = (free_port(), free_port());
        let mut command = world.command(&["serve"]);
        let database = postgres.in_front_of(&world.database_url(), to_postgres);
        let fast = world.setting("DOORWARD_REDIS__URL").unwrap_or_default();
        command.env("DOORWARD_DATABASE__URL", database);
        command.env("DOORWARD_REDIS__URL", redis.in_front_of(fast, to_redis));
        command.env("DOORWARD_SERVER__LISTEN", format!("127.0.0.1:{port}"));
        command.env("DOORWARD_MANAGEMENT__LISTEN", format!("127.0.0.1:{management}"));
        let log = world.path(&format!("cut-{port}.log"));
        let process = Guarded::start(&mut command, &log, Signal::Kill);
        let base = format!("http://localhost:{port}");
        let management = format!("http://127.0.0.1:{management}/readyz");
        let node = Self { process, base, management, postgres, redis };
        node.wait_until_ready().await;
        node
    }

    pub async fn wait_until_ready(&self) {
        self.wait_until_says(200).await;
    }

    /// Waits until it has noticed that a store is away.
    pub async fn wait_until_not_ready(&self) {
        self.wait_until_says(503).await;
    }

    async fn wait_until_says(&self, status: u16) {
        wait_until_async(&format!("{} saying {status}", self.management), PATIENCE, async || {
            let answer = http_client().get(&self.management).send().await;
            answer.is_ok_and(|answer| answer.status() == status)
        })
        .await;
    }

    /// How its process has ended, if it has.
    pub fn ended(&mut self) -> Option<std::process::ExitStatus> {
        self.process.ended()
    }

    /// The same browser at this node.
    pub fn there(&self, browser: &Browser) -> Browser {
        let other = Browser::new(&self.base);
        for name in [SESSION_COOKIE, "doorward_browser"] {
            other.plant_cookie(name, &browser.cookie(name).unwrap_or_default());
        }
        other
    }
}
