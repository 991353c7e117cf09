//! Asking our own issuer, as everybody outside does. Its address is the operator's own, so it may be
//! inside, and plain http where the issuer is; nothing that anybody else supplied comes through here.

use std::error::Error;
use std::time::Duration;

use reqwest::tls::TlsInfo;
use tokio::time::timeout;

use super::client::extra_roots;
use crate::config::OutboundSettings;

/// From the call to the last byte.
const LIMIT: Duration = Duration::from_secs(5);

/// Bytes that are read: more than any of our documents has.
const MOST: usize = 64 * 1024;

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// Where it sends whoever asks, if it does.
    pub location: Option<String>,
    /// The `Date` header, as it was sent.
    pub date: Option<String>,
    /// The certificate of the server in DER, if the answer came over TLS.
    pub certificate: Option<Vec<u8>>,
    pub body: Vec<u8>,
}

/// Why nothing was answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// Nobody listens there, or the name leads nowhere.
    #[error("{0}")]
    Nobody(String),
    /// Somebody does, whose certificate nobody vouches for.
    #[error("{0}")]
    Untrusted(String),
    /// It began and did not end.
    #[error("{0}")]
    Broken(String),
}

/// Asks for `url` once, over a connection of its own, for at most five seconds. Redirects are not
/// followed.
///
/// # Errors
/// [`NoAnswer`]; an answer of any status is none.
pub async fn ask(url: &str, settings: &OutboundSettings) -> Result<Answer, NoAnswer> {
    let late = || NoAnswer::Broken(format!("no whole answer within {} seconds", LIMIT.as_secs()));
    timeout(LIMIT, fetch(url, settings)).await.unwrap_or_else(|_| Err(late()))
}

async fn fetch(url: &str, settings: &OutboundSettings) -> Result<Answer, NoAnswer> {
    let roots = extra_roots(settings).map_err(NoAnswer::Broken)?;
    let client = reqwest::Client::builder()
        .tls_backend_rustls()
        .tls_certs_merge(roots)
        .tls_info(true)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .user_agent("Doorward")
        .http1_only()
        .build()
        .map_err(|error| NoAnswer::Broken(innermost(&error)))?;
    let mut answer = client.get(url).send().await.map_err(|error| why(&error))?;
    let header = |name: &str| {
        answer.headers().get(name).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned)
    };
    let (location, date) = (header("location"), header("date"));
    let certificate = answer.extensions().get::<TlsInfo>().and_then(TlsInfo::peer_certificate);
    let certificate = certificate.map(<[u8]>::to_vec);
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| why(&error))? {
        if body.len().saturating_add(chunk.len()) > MOST {
            return Err(NoAnswer::Broken("the answer is larger than any of ours".to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status: answer.status().as_u16(), location, date, certificate, body })
}

/// Tells a missing server from one that is not trusted.
fn why(error: &reqwest::Error) -> NoAnswer {
    let text = innermost(error);
    match error {
        error if is_of_tls(error) => NoAnswer::Untrusted(text),
        error if error.is_connect() => NoAnswer::Nobody(text),
        _ => NoAnswer::Broken(text),
    }
}

/// Whether TLS is behind it. Errors of input and output wrap others without naming them as their source.
fn is_of_tls(error: &(dyn Error + 'static)) -> bool {
    let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    match wrapped {
        _ if error.is::<rustls::Error>() => true,
        Some(wrapped) => is_of_tls(wrapped),
        None => error.source().is_some_and(is_of_tls),
    }
}

fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
