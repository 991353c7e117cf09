//! Not tests: a node inside the test itself, on the data of a world and with a clock that the test
//! moves.
//!
//! ```ignore
//! let world = World::builder(backend).prepare().await;      // or a world whose server was stopped
//! let clock = Clock::manual(UnixTime(1_763_700_000));
//! let app = node(&world, &clock).await;
//! clock.advance(90 * 86_400);
//! keys::tick(&app).await.unwrap();
//! ```

use doorward::app::{App, Migrations};
use doorward::clock::Clock;
use doorward::config::{Config, Sources};
use doorward::service::start;

use crate::support::world::World;

/// A node on the data of this world, started as `serve` starts one, that listens to nothing.
pub async fn node(world: &World, clock: &Clock) -> App {
    let mut sources = Sources::none();
    for (name, value) in world.settings() {
        sources = sources.variable(name, value);
    }
    let config = Config::load(&sources).unwrap_or_else(|problems| panic!("{problems}"));
    start::start(config, clock.clone(), Migrations::Apply).await.expect("a node")
}
