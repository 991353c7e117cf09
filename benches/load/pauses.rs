//! What the machine takes away from programs that only look at the clock, one on each of the two
//! cores. A request that is due during such a pause is late whatever the server does.

use std::time::{Duration, Instant};

use crate::cores::{Cores, Role};

/// How long is looked.
const LENGTH: Duration = Duration::from_secs(5);
/// What counts: a pause that alone makes a request miss its millisecond, nearly.
const PAUSE: Duration = Duration::from_micros(500);

/// What was taken away, of the core that lost more.
#[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd)]
pub(crate) struct Pauses {
    /// The share of the time.
    pub(crate) share: f64,
    pub(crate) longest: Duration,
}

/// Looks at the clock on both cores at once.
pub(crate) fn watch(cores: &Cores) -> Pauses {
    let watchers = [Role::Server, Role::Driver].map(|role| {
        // A thread runs where the one that starts it does.
        cores.go(role);
        std::thread::spawn(look)
    });
    let seen = watchers.map(|watcher| watcher.join().expect("a watcher"));
    seen.into_iter().fold(Pauses::default(), |most, own| if own > most { own } else { most })
}

fn look() -> Pauses {
    let started = Instant::now();
    let (mut before, mut lost, mut longest) = (started, Duration::ZERO, Duration::ZERO);
    while before - started < LENGTH {
        let now = Instant::now();
        let pause = now - before;
        if pause > PAUSE {
            lost += pause;
            longest = longest.max(pause);
        }
        before = now;
    }
    Pauses { share: lost.as_secs_f64() / LENGTH.as_secs_f64(), longest }
}
