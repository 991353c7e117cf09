//! What this provider says of itself to everybody.

use crate::app::App;
use crate::config::{Issuer, RegistrationMode};
use crate::protocol::discovery;
use crate::protocol::sign_up::SignUp;
use crate::service::authorize::pushed_requests;

/// The metadata document (OpenID Connect Discovery section 3, RFC 8414 section 2), byte for byte as it is
/// sent while people may, or may not, make their own accounts.
#[must_use]
pub fn metadata(app: &App, sign_up: SignUp) -> String {
    let config = &app.config;
    let document = discovery::document(&discovery::Offer {
        issuer: app.issuer(),
        signing: &config.keys.algorithms,
        decryption: &config.keys.encryption_algorithms,
        authorization_details: &config.authorization.detail_types,
        pushed_requests: pushed_requests(app),
        sign_up,
        registration: discovery::Registration {
            endpoint: config.registration.mode != RegistrationMode::Off,
            metadata_documents: config.registration.metadata_documents,
        },
        certificates: discovery::Certificates {
            methods: &config.certificate_methods(),
            base_url: config.server.mtls_url.as_ref().map(Issuer::as_str),
        },
    });
    document.to_string()
}
