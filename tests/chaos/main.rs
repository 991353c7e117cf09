//! The fault rig: two nodes of the real binary on a real PostgreSQL and Redis, a proxy that breaks
//! things between them, people and apps that go on all the while, and a history that holds the nodes
//! to what they said.
//!
//! | module | what it does |
//! |---|---|
//! | `rig` | the servers, the nodes, and the proxies between them |
//! | `load` | what people and apps do meanwhile, on both nodes |
//! | `devices` | devices that people let in, and services that go on with an app's token |
//! | `more` | the gateway, consents, everything signed out, an app switched off, counts beside a session |
//! | `single_use` | what is good once, at both nodes at once; test: refresh tokens without a grace |
//! | `looks` | what is seen of it, at both nodes |
//! | `history` | what was acknowledged, and what may be answered because of it |
//! | `faults` | test: everything is killed, emptied, filled, set back, slowed and cut in turn |
//! | `troubles` | what is done to the stores and to the way there, each until it has been seen to hurt |
//! | `failover` | test: the Redis that sentinels watch is lost, and a replica that is behind takes over |
//! | `clocks` | test: the clock of one node is moved |
//! | `rolling` | test: nodes behind HAProxy are restarted one after the other; no request fails |
//! | `figures` | how long recovery took |
//!
//! Nothing is forgiven that has ended: once the ending is acknowledged, no node may let it count. Only what
//! a database that was set back had acknowledged in between binds nobody.
//!
//! With nothing set this takes less than two minutes. `make chaos` goes on for longer: `CHAOS_KILLS`
//! says how often each is killed, `CHAOS_RESTARTS` how often each node is restarted.

#![allow(
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::missing_docs_in_private_items,
    reason = "tests fail by panicking, nothing outside sees their helpers, and not all shared ones \
              are used here"
)]

#[path = "../it/support/mod.rs"]
#[macro_use]
mod support;

#[path = "../it/kit/flow.rs"]
mod flow;

#[path = "../it/kit/node.rs"]
mod node;

mod clocks;
mod devices;
mod failover;
mod faults;
mod figures;
mod history;
mod load;
mod looks;
mod more;
mod rig;
mod rolling;
mod single_use;
mod troubles;

/// How often something happens: what the environment says, or this.
fn rounds(variable: &str, usual: usize) -> usize {
    std::env::var(variable).ok().map_or(usual, |text| text.parse().expect("a number of rounds"))
}
