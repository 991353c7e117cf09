//! Not tests: apps that a document describes, and the peer that publishes it.

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::kit::client_signer::{ClientKey, jwks, with_assertion};
use crate::kit::fixtures::{Bed, Rp, unique};
use crate::kit::grant::DEVICE_GRANT;
use crate::kit::registration::open_world;
use crate::support::backends::Backend;
use crate::support::browser_like::Page;
use crate::support::tls_peer::{Answer, TlsPeer};

/// The setting by which apps that come by themselves may use devices, too.
pub const WITH_DEVICES: (&str, &str) = (
    "DOORWARD_REGISTRATION__GRANT_TYPES",
    "authorization_code,refresh_token,urn:ietf:params:oauth:grant-type:device_code",
);

/// A bed in which such apps may use devices.
pub async fn device_bed(backend: Backend) -> &'static Bed {
    static BEDS: [OnceCell<Bed>; 2] = [OnceCell::const_new(), OnceCell::const_new()];
    let cell = &BEDS[usize::from(backend == Backend::Production)];
    let world = || open_world(backend).env(WITH_DEVICES.0, WITH_DEVICES.1);
    cell.get_or_init(async || Bed::new(world().start().await, &[]).await).await
}

/// A document with some changes, and the program of its client.
pub struct App {
    path: String,
    pub rp: Rp,
}

impl App {
    /// Publishes a document whose redirect URI is where it lives.
    pub fn publish(bed: &Bed, changes: &Value) -> Self {
        let path = format!("/{}.json", unique("client"));
        let peer = TlsPeer::shared();
        let rp = Rp { redirect_uri: peer.url("/cb"), ..Rp::new(&bed.world, &peer.url(&path)) };
        let app = Self { path, rp };
        app.serve(Answer::json(&app.document(changes)));
        app
    }

    /// Publishes one of an app for devices alone.
    pub fn for_devices(bed: &Bed) -> Self {
        let grants = [DEVICE_GRANT, "refresh_token"];
        Self::publish(bed, &json!({ "grant_types": grants, "redirect_uris": [] }))
    }

    /// Publishes one of an app that proves itself with this key.
    pub fn with_key(bed: &Bed, key: &ClientKey) -> Self {
        let method = "private_key_jwt";
        let keys = jwks(&[key]);
        Self::publish(bed, &json!({ "token_endpoint_auth_method": method, "jwks": keys }))
    }

    /// What it publishes.
    pub fn document(&self, changes: &Value) -> Value {
        let mut document = json!({
            "client_id": self.rp.id, "client_name": "Wandering App",
            "redirect_uris": [self.rp.redirect_uri],
            "grant_types": ["authorization_code", "refresh_token"],
        });
        document.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        document
    }

    /// Answers its URL like this from now on.
    pub fn serve(&self, answer: Answer) {
        TlsPeer::shared().serve(&self.path, answer.header("Cache-Control", "max-age=600"));
    }

    /// How often it was asked for.
    pub fn hits(&self) -> usize {
        TlsPeer::shared().hits(&self.path)
    }

    /// Whether Doorward has stored it.
    pub fn is_stored(&self, bed: &Bed) -> bool {
        bed.world.run(&["client", "show", &self.rp.id]).status.success()
    }

    /// A form with an assertion of this key.
    pub async fn post(&self, path: &str, fields: &[(String, String)], key: &ClientKey) -> Page {
        let fields: Vec<_> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let assertion = key.assertion(&self.rp.id, &self.rp.issuer, &json!({}));
        self.rp.post(path, &with_assertion(&fields, &assertion)).await
    }
}
