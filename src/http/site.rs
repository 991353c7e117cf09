//! What the HTTP layer knows beside the use cases: where it lives on the web, and documents that
//! are made once.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::web::Bytes;

use crate::app::App;
use crate::crypto::encoding::fingerprint;
use crate::protocol::sign_up::SignUp;
use crate::service::published;

/// Whether people reach this provider over TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Cookies are `__Host-` and `Secure`.
    Https,
    /// Plain http on a loopback address, for a first look: cookies lose prefix and `Secure`.
    LoopbackHttp,
}

/// The metadata document of this provider and its fingerprint, serialised once for each state of what may
/// change while it runs.
fn metadata(app: &App, sign_up: SignUp) -> (Bytes, String) {
    let document = published::metadata(app, sign_up);
    let tag = fingerprint(&document);
    (Bytes::from(document), tag)
}

/// The provider as a web site. Dereferences to [`App`].
pub struct Site {
    app: Arc<App>,
    pub transport: Transport,
    /// Scheme, host and port of the issuer, as browsers write `Origin`.
    pub origin: String,
    /// The issuer's path without a trailing slash; empty for most.
    pub base: String,
    /// While people may make their own accounts, and while they may not.
    discovery: [(Bytes, String); 2],
    draining: AtomicBool,
}

impl Deref for Site {
    type Target = App;

    fn deref(&self) -> &App {
        &self.app
    }
}

impl Site {
    /// Prepares the site of a provider.
    #[must_use]
    pub fn new(app: Arc<App>) -> Self {
        let url = url::Url::parse(app.issuer()).ok();
        let transport = match url.as_ref().map(url::Url::scheme) {
            Some("http") => Transport::LoopbackHttp,
            _ => Transport::Https,
        };
        let origin = url.as_ref().map(|u| u.origin().ascii_serialization()).unwrap_or_default();
        let base = url.map(|u| u.path().trim_end_matches('/').to_owned()).unwrap_or_default();
        let discovery = [metadata(&app, SignUp::Open), metadata(&app, SignUp::Off)];
        Self { app, transport, origin, base, discovery, draining: AtomicBool::new(false) }
    }

    /// The discovery document of this moment, and its fingerprint.
    #[must_use]
    pub fn discovery(&self) -> &(Bytes, String) {
        let [open, off] = &self.discovery;
        match self.app.settings().sign_up.mode {
            SignUp::Open => open,
            SignUp::Off => off,
        }
    }

    /// The use cases' side.
    #[must_use]
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// A path of this site, below the issuer's own path.
    #[must_use]
    pub fn path(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// From now on readiness says no, so that a load balancer sends nobody here any more.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }

    /// Whether [`Site::drain`] was called.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }
}
