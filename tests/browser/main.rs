//! The browser tests: real Chromium, driven by chromedriver, on pages of a running Doorward.
//!
//! | module | what it proves |
//! |---|---|
//! | `support` | not tests: the running Doorward, shared with the integration tests |
//! | `driver` | not tests: Chromium in each size, scheme and with or without JavaScript; axe |
//! | `fixtures` | not tests: people, and an app they sign in to |
//! | `post` | not tests: a mail server, shared with the integration tests |
//! | `machinery` | the driver itself, on a page of its own |
//! | `demo_walk` | the main job: sign in to one app, be known to the other, sign out of both |
//! | `pages_walk` | every page on the way through a sign-in, and what lies beside the way |
//! | `console_walk` | every page of the console, and the main things done there |
//! | `app_window` | apps that open the sign-in in a window, and apps that post their request |
//! | `sign_up_walk` | making an account on the way to an app |
//! | `long_names` | names without a place to break at make no page wider than the window |
//! | `session_walk` | what happens inside the pages of apps when a session changes or ends |
//!
//! Screenshots go to `target/screenshots/`. `scripts/test-setup` installs what is needed.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking, and nothing outside sees their helpers"
)]

#[path = "../it/support/mod.rs"]
#[macro_use]
mod support;

#[path = "support/mod.rs"]
mod driver;

#[path = "../it/kit/smtp.rs"]
#[allow(dead_code, reason = "the integration tests use the rest of it")]
mod post;

mod app_window;
mod console_walk;
mod demo_walk;
mod fixtures;
mod long_names;
mod machinery;
mod pages_walk;
mod session_walk;
mod sign_up_walk;
