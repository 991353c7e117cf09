//! What the tests stand on: private servers, a running Doorward, and a browser without a screen.
//!
//! Nothing here touches a server or a file that the test run did not make itself, and nothing
//! outlives the run, even one that is killed (see [`process::Guarded`]).

// Two test binaries include this module, and neither uses all of it.
#![allow(dead_code, unused_macros, unused_imports)]

pub mod authority;
#[macro_use]
pub mod backends;
pub mod browser_like;
pub mod cookies;
pub mod fault_proxy;
pub mod form;
pub mod past;
pub mod postgres;
pub mod process;
pub mod redis_groups;
pub mod redis_server;
pub mod servers;
pub mod tls_peer;
pub mod town;
pub mod world;
