//! Authenticating a client by its TLS certificate (RFC 8705 section 2): issued by an authority the
//! operator trusts for the name the client has registered, or one of the client's own.

use crate::app::App;
use crate::crypto::certificate::Certificate;
use crate::protocol::client::validation::MetadataProblem;
use crate::protocol::client::{AuthMethod, Client, certificate};
use crate::protocol::error::OAuthError;
use crate::service::clients::key_sets;

/// Whether the certificate of the connection proves that the request comes from this client.
///
/// # Errors
/// `invalid_client`.
pub(in crate::service) async fn verify(
    app: &App,
    client: &Client,
    certificate: Option<&Certificate>,
) -> Result<(), OAuthError> {
    let certificate = certificate.ok_or_else(|| {
        OAuthError::invalid_client("The request came without a client TLS certificate.")
    })?;
    let fits = match client.metadata.token_endpoint_auth_method {
        AuthMethod::TlsClientAuth => vouched_for(app, client, certificate),
        AuthMethod::SelfSignedTlsClientAuth => own(app, client, certificate).await,
        _ => Err("the client is not registered for a certificate".to_owned()),
    };
    fits.map_err(|detail| {
        let detail = format!("certificate {}: {detail}", certificate.thumbprint());
        OAuthError::invalid_client("Client authentication failed.").because(detail)
    })
}

/// Section 2.1: a chain to an authority, and the registered name.
fn vouched_for(app: &App, client: &Client, certificate: &Certificate) -> Result<(), String> {
    let live = app.live.load();
    let authorities = live.client_authorities.as_ref().ok_or("server.client_ca_file is not set")?;
    if !authorities.vouch_for(certificate, app.now()) {
        return Err("no authority of server.client_ca_file vouches for it".to_owned());
    }
    let names = certificate.names().ok_or("its names cannot be read")?;
    if certificate::names_client(&names, &client.metadata) {
        return Ok(());
    }
    Err("it was issued for another name than the registered one".to_owned())
}

/// Section 2.2: one of the client's own, whoever signed it.
async fn own(app: &App, client: &Client, certificate: &Certificate) -> Result<(), String> {
    if !certificate.is_valid_at(app.now()) {
        return Err("it has expired or is not valid yet".to_owned());
    }
    let is_known = |set: &crate::app::KeySet| certificate.is_among(&set.document);
    match key_sets::find(app, client, is_known).await {
        Ok(true) => Ok(()),
        Ok(false) => Err("it is not among the client's keys".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// What in this server's configuration stands against the way the client wants to authenticate.
pub(in crate::service) fn problems(app: &App, method: AuthMethod) -> Option<MetadataProblem> {
    let offered = app.config.certificate_methods();
    if !method.uses_certificate() || offered.contains(&method) {
        return None;
    }
    let text = "needs client certificates, which this server does not ask for; set server.mtls_listen, \
                server.ask_client_certificate or server.client_certificate_header, and for \
                tls_client_auth also server.client_ca_file";
    Some(MetadataProblem::new("token_endpoint_auth_method", text))
}
