//! The TLS certificate of whoever sends a request: from the connection itself, or from the header of
//! a trusted proxy that ended the TLS connection.

use std::any::Any;

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::HttpRequest;
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;

use super::extract;
use super::site::Site;
use crate::crypto::certificate::{self, Certificate};

/// What the other side of a connection has shown, kept with the connection.
struct Shown(Certificate);

/// Remembers the certificate of a new connection, if the other side has shown one.
pub(super) fn remember(connection: &dyn Any, data: &mut Extensions) {
    let Some(stream) = connection.downcast_ref::<TlsStream<TcpStream>>() else { return };
    let (_, session) = stream.get_ref();
    let Some((own, chain)) = session.peer_certificates().and_then(<[_]>::split_first) else {
        return;
    };
    let chain = chain.iter().map(|certificate| certificate.to_vec()).collect();
    if let Ok(certificate) = Certificate::new(own.to_vec(), chain) {
        data.insert(Shown(certificate));
    }
}

/// The client's certificate, if there is one. Behind a trusted proxy that names certificates in a
/// header only that header counts, since the connection is the proxy's own; from anybody else the
/// header is ignored, and so is one that comes twice.
#[must_use]
pub fn of(site: &Site, request: &HttpRequest) -> Option<Certificate> {
    let header = site.config.server.client_certificate_header.as_deref();
    if let Some(name) = header.filter(|_| extract::comes_from_trusted_proxy(site, request)) {
        let mut values = request.headers().get_all(name);
        return match (values.next(), values.next()) {
            (Some(value), None) => certificate::from_header(value.to_str().ok()?).ok(),
            _ => None,
        };
    }
    request.conn_data::<Shown>().map(|shown| shown.0.clone())
}
