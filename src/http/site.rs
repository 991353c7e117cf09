//! What the HTTP layer knows beside the use cases: where it lives on the web, and documents that
//! are made once.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::web::Bytes;
use serde_json::{Map, Value};

use crate::app::App;
use crate::config::Issuer;
use crate::config::RegistrationMode;
use crate::crypto::encoding::fingerprint;
use crate::protocol::discovery;
use crate::service::authorize::pushed_requests;

/// Whether people reach this provider over TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Cookies are `__Host-` and `Secure`.
    Https,
    /// Plain http on a loopback address, for a first look: cookies lose prefix and `Secure`.
    LoopbackHttp,
}

/// What discovery says of apps that come by themselves.
fn registration_members(app: &App) -> Map<String, Value> {
    let registration = &app.config.registration;
    let mut members = Map::new();
    if registration.mode != RegistrationMode::Off {
        let place = format!("{}{}", app.issuer(), discovery::path::REGISTER);
        members.insert("registration_endpoint".into(), Value::from(place));
    }
    if registration.metadata_documents {
        members.insert("client_id_metadata_document_supported".into(), Value::from(true));
    }
    members
}

/// The provider as a web site. Dereferences to [`App`].
pub struct Site {
    app: Arc<App>,
    pub transport: Transport,
    /// Scheme, host and port of the issuer, as browsers write `Origin`.
    pub origin: String,
    /// The issuer's path without a trailing slash; empty for most.
    pub base: String,
    /// The discovery document, serialised once, and its fingerprint.
    pub discovery: (Bytes, String),
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
        let mut document = discovery::document(app.issuer(), &app.config.keys.algorithms);
        if let Value::Object(members) = &mut document {
            members.extend(registration_members(&app));
            let types = &app.config.authorization.detail_types;
            members.extend(discovery::authorization_members(types, pushed_requests(&app)));
            let decrypts = &app.config.keys.encryption_algorithms;
            members.extend(discovery::encryption_members(decrypts));
        }
        let certificates = discovery::Certificates {
            methods: &app.config.certificate_methods(),
            base_url: app.config.server.mtls_url.as_ref().map(Issuer::as_str),
        };
        discovery::add_certificates(&mut document, app.issuer(), &certificates);
        let document = document.to_string();
        let discovery = (Bytes::from(document.clone()), fingerprint(&document));
        Self { app, transport, origin, base, discovery, draining: AtomicBool::new(false) }
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
