//! The sample apps of `doorward demo`: two relying parties that show what an app sees when people
//! sign in to it through Doorward.
//!
//! *Orchard* has a server of its own and keeps a client secret; *Lighthouse* is a public client
//! that has nothing but PKCE. Both are this one module with different [`DemoApp`] values, and both
//! speak to the provider over HTTP through the openidconnect crate, exactly as a stranger's app
//! would: nothing here reaches into the provider.
//!
//! - [`seed`]: who and what the demo provider must know before it starts.
//! - `relying_party`: discovery, the code flow, refresh, userinfo and sign-out.
//! - `sessions`: what an app remembers, and in which browser.
//! - `callback`, `handlers`: one function per URL. - `pages`: the templates.
//! - `explain`: tokens and parameters turned into tables with the meaning of each line.

mod callback;
mod explain;
mod failure;
mod flow;
mod handlers;
mod http_client;
mod listen;
mod pages;
mod problem;
mod relying_party;
pub mod seed;
mod server;
mod sessions;

pub use listen::{ListenError, loopback_listeners};
pub use seed::{DemoClient, DemoPerson, HIGHEST_PORT, SEED, apps, clients};
pub use server::serve;

use crate::clock::Clock;

/// One sample app: how it presents itself and how the provider knows it.
#[derive(Debug, Clone)]
pub struct DemoApp {
    /// The name people see, which must differ between apps: cookies ignore ports, so the name is
    /// what keeps the cookies of two apps on one host apart.
    pub name: String,
    /// One line under the name.
    pub tagline: String,
    pub theme: Theme,
    /// Where the app is reached, without a trailing slash: `http://localhost:8081`.
    pub base_url: String,
    /// The provider's issuer, byte for byte as its discovery document states it.
    pub issuer: String,
    pub client_id: String,
    /// `None` makes the app a public client.
    pub client_secret: Option<String>,
    /// Name and base URL of the other sample app.
    pub peer: (String, String),
    /// The clock by which tokens are judged; the provider's own in tests.
    pub clock: Clock,
}

/// The look of a sample app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    Orchard,
    Lighthouse,
}

impl Theme {
    /// The word the style sheet and the icon's file name use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Orchard => "orchard",
            Self::Lighthouse => "lighthouse",
        }
    }
}
