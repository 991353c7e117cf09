//! The one HTTP client for every address that an app or an administrator supplied: keys of apps,
//! request objects, sector identifiers, metadata documents of apps and providers, logout notices.
//!
//! Such an address is hostile until proven otherwise: whoever registers it would like Doorward to
//! knock at doors only Doorward can reach. So: https only; the host is resolved here and the
//! connection goes to the very address that was vetted, which leaves no moment to change it in
//! between; no redirects; a few seconds, half a megabyte and a few requests at a time to one host.
//!
//! `guard` reads URLs, `address` knows which addresses are public, `client` connects. `own` asks
//! our own issuer, which is no stranger.

mod address;
mod client;
mod failure;
mod fetched;
mod guard;
pub mod own;
mod resolver;

pub use address::is_public;
pub use client::{Lane, Limits, Outbound};
pub use failure::{Fault, OutboundError};
pub use fetched::{Accept, Fetched};
pub use guard::{UrlProblem, vet_url};
