//! What the tests of webhooks share: an endpoint with a server, and a look at what it was sent.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::kit::fixtures::unique;
use crate::kit::logout::PATIENCE;
use crate::support::backends::Backend;
use crate::support::process::wait_until_async;
use crate::support::tls_peer::{Answer, Recorded, TlsPeer, reachable};
use crate::support::world::{World, WorldBuilder};

/// An endpoint that is told what happens.
pub struct Hook {
    pub id: String,
    pub name: String,
    pub secret: String,
    /// Where the peer hears of it.
    pub path: String,
}

/// A world that may send to the shared peer.
pub async fn world(backend: Backend) -> World {
    started(World::builder(backend)).await
}

/// Like [`world`], with further settings.
pub async fn started(builder: WorldBuilder) -> World {
    reachable(builder, &[TlsPeer::shared()]).start().await
}

impl Hook {
    /// Adds an endpoint at [`TlsPeer::shared`], which answers 200.
    pub fn add(world: &World, events: &[&str]) -> Self {
        Self::at(world, TlsPeer::shared(), events)
    }

    /// Like [`add`](Self::add) under this name.
    pub fn add_as(world: &World, name: &str, events: &[&str]) -> Self {
        Self::made(world, (name, TlsPeer::shared()), events)
    }

    /// Like [`add`](Self::add) at another peer.
    pub fn at(world: &World, peer: &TlsPeer, events: &[&str]) -> Self {
        Self::made(world, (&unique("hook"), peer), events)
    }

    fn made(world: &World, (name, peer): (&str, &TlsPeer), events: &[&str]) -> Self {
        let path = format!("/{}/in", unique("secret-path"));
        peer.serve(&path, Answer::status(200));
        let url = peer.url(&path);
        let mut arguments = vec!["webhook", "create", "--name", name, "--url", &url];
        arguments.extend(events.iter().flat_map(|event| ["--event", event]));
        let made = world.cli(&arguments);
        let text = |member: &str| made[member].as_str().expect(member).to_owned();
        Self { id: text("id"), name: name.to_owned(), secret: text("secret"), path }
    }

    /// What it was sent so far.
    pub fn heard(&self) -> Vec<Recorded> {
        TlsPeer::shared().requests(&self.path)
    }

    /// Waits until it was sent so many.
    pub async fn hears(&self, count: usize) -> Vec<Recorded> {
        TlsPeer::shared().wait_for(&self.path, count).await
    }

    /// Waits for a message of this type and gives the first. A machine with much to do may send one more
    /// than once: at least once is what is promised.
    pub async fn hears_of(&self, kind: &str) -> Recorded {
        let found = || self.heard().into_iter().find(|sent| Self::message(sent)["type"] == kind);
        wait_until_async("a message of a type", PATIENCE, async || found().is_some()).await;
        found().expect("a message")
    }

    /// The ids of what it was sent so far, each once.
    pub fn ids(&self) -> BTreeSet<String> {
        let ids = self.heard();
        ids.iter().map(|sent| sent.header("webhook-id").expect("an id").to_owned()).collect()
    }

    /// The body of a message.
    pub fn message(sent: &Recorded) -> Value {
        serde_json::from_slice(&sent.body).expect("a message in JSON")
    }

    /// Its log, newest first.
    pub fn log(&self, world: &World) -> Vec<Value> {
        world.cli(&["webhook", "log", &self.name])["items"].as_array().expect("lines").clone()
    }
}

/// Checks a message as a receiver does, with the library that the standard's authors publish.
#[track_caller]
pub fn verifies(secret: &str, sent: &Recorded) {
    let mut headers = reqwest::header::HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name, sent.header(name).expect(name).parse().expect("a header"));
    }
    let receiver = standardwebhooks::Webhook::new(secret).expect("a secret");
    receiver.verify(&sent.body, &headers).expect("a message of ours");
    let changed = [&sent.body[..], b" "].concat();
    assert!(receiver.verify(&changed, &headers).is_err(), "a changed message");
}
