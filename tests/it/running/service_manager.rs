//! What the service manager hears over its socket (`sd_notify(3)`), with a socket of our own in its
//! place.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use crate::support::process::{Scratch, wait_until};
use crate::support::world::World;

/// The next words, if any have come.
fn heard(socket: &UnixDatagram) -> Option<String> {
    let mut buffer = [0; 512];
    let length = socket.recv(&mut buffer).ok()?;
    Some(String::from_utf8_lossy(&buffer[..length]).trim().to_owned())
}

on_both_backends! {
    async fn the_service_manager_hears_ready_alive_and_stopping(backend: Backend) {
        let dir = Scratch::new("manager");
        let path = dir.join("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        socket.set_nonblocking(true).expect("no waiting");
        let world = World::builder(backend)
            .env("NOTIFY_SOCKET", path.to_str().expect("a path"))
            .env("WATCHDOG_USEC", "400000");
        let mut world = world.start().await;
        let mut said = Vec::new();
        let limit = Duration::from_secs(30);
        wait_until("three signs of life", limit, || {
            said.extend(heard(&socket));
            said.iter().filter(|words| *words == "WATCHDOG=1").count() >= 3
        });
        assert_eq!(said.iter().filter(|words| *words == "READY=1").count(), 1, "{said:?}");
        assert!(!said.contains(&"STOPPING=1".to_owned()), "{said:?}");
        assert_eq!(world.stop().code(), Some(0), "{}", world.log());
        wait_until("that it stops", limit, || {
            said.extend(heard(&socket));
            said.contains(&"STOPPING=1".to_owned())
        });
    }

    async fn a_service_manager_that_does_not_listen_stops_nothing(backend: Backend) {
        let dir = Scratch::new("manager");
        let path = dir.join("nobody");
        let world = World::builder(backend).env("NOTIFY_SOCKET", path.to_str().expect("a path"));
        let world = world.start().await;
        assert!(world.log().contains("the service manager could not be told"), "{}", world.log());
    }
}
