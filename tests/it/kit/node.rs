//! Not tests: a node inside the test itself, on the data of a world and with a clock that the test
//! moves. It may listen where the world's own server would.
//!
//! ```ignore
//! let world = World::builder(backend).prepare().await;      // or a world whose server was stopped
//! let clock = Clock::manual(UnixTime(1_763_700_000));
//! let app = node(&world, &clock).await;
//! clock.advance(90 * 86_400);
//! keys::tick(&app).await.unwrap();
//! ```

use std::net::TcpListener;
use std::sync::Arc;
use std::thread::JoinHandle;

use doorward::app::{App, Migrations};
use doorward::clock::Clock;
use doorward::config::{Config, Sources};
use doorward::http::server::{self, Listeners, Stopper};
use doorward::service::start;
use tokio::sync::oneshot;

use crate::support::world::World;

/// A node on the data of this world, started as `serve` starts one, that listens to nothing.
pub async fn node(world: &World, clock: &Clock) -> App {
    start::start(config(world), clock.clone(), Migrations::Apply).await.expect("a node")
}

fn config(world: &World) -> Config {
    let mut sources = Sources::none();
    for (name, value) in world.settings() {
        sources = sources.variable(name, value);
    }
    Config::load(&sources).unwrap_or_else(|problems| panic!("{problems}"))
}

/// A node inside the test that listens on the world's port, whose own server does not run.
pub struct Listening {
    pub app: Arc<App>,
    stopper: Stopper,
    thread: JoinHandle<()>,
}

impl Listening {
    /// Starts it on a thread of its own.
    pub async fn start(world: &World, clock: &Clock) -> Self {
        let (config, clock) = (config(world), clock.clone());
        let main = TcpListener::bind(("127.0.0.1", world.port)).expect("the world's port");
        let listeners =
            Listeners { main: vec![main], management: None, tls: None, mtls: Vec::new() };
        let (started, starting) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            server::block_on(async {
                let app = start::start(config, clock, Migrations::Apply).await.expect("a node");
                let app = Arc::new(app);
                let running = server::start(Arc::clone(&app), listeners).expect("a server");
                let _ = started.send((app, running.stopper(&[])));
                running.until_stopped(Vec::new()).await.expect("a server to its end");
            });
        });
        let (app, stopper) = starting.await.expect("a node that starts");
        Self { app, stopper, thread }
    }

    /// Stops it and waits for its end.
    pub async fn stop(self) {
        self.stopper.stop_now().await;
        tokio::task::block_in_place(|| self.thread.join()).expect("an orderly end");
    }
}
