//! The HTTP client the openidconnect crate speaks through. The crate brings adapters for other
//! versions of reqwest only, so this one carries its requests over ours.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse, http};

/// No answer of a provider is anywhere near this long, in bytes.
const LONGEST_ANSWER: usize = 1 << 20;

/// An HTTP client that never follows redirects: a token request must reach the endpoint that
/// discovery named or nothing at all.
#[derive(Debug, Clone)]
pub(super) struct Http(reqwest::Client);

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpFailure {
    #[error("{0}")]
    Transport(#[from] reqwest::Error),
    #[error("the answer could not be put together: {0}")]
    Malformed(#[from] http::Error),
    #[error("the answer was longer than {LONGEST_ANSWER} bytes")]
    TooLong,
}

impl Http {
    /// A client for the demo provider: plain HTTP on this machine, so no proxy and no
    /// certificates.
    pub(super) fn new() -> Result<Self, reqwest::Error> {
        reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .tls_certs_only([])
            .connect_timeout(Duration::from_secs(3))
            .timeout(Duration::from_secs(10))
            .build()
            .map(Self)
    }

    async fn carry(&self, request: HttpRequest) -> Result<HttpResponse, HttpFailure> {
        let mut answer = self.0.execute(request.try_into()?).await?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if body.len().saturating_add(chunk.len()) > LONGEST_ANSWER {
                return Err(HttpFailure::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = http::Response::builder().status(answer.status());
        if let Some(headers) = response.headers_mut() {
            headers.clone_from(answer.headers());
        }
        Ok(response.body(body)?)
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = HttpFailure;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpFailure>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.carry(request))
    }
}
