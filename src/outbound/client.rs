//! The client itself: vet, wait for a turn, connect, and stop reading in time.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use reqwest::header::{ACCEPT, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderName};
use reqwest::{Certificate, Client, RequestBuilder, Response};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::timeout;
use url::Url;

use super::failure::{Fault, OutboundError};
use super::fetched::{Accept, Fetched, max_age, media_type};
use super::guard::{self, Reach, UrlProblem};
use super::resolver::Vetting;
use crate::config::OutboundSettings;
use crate::telemetry::traces;

/// How much one request may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// From the call to the last byte.
    pub total: Duration,
    /// Bytes of the body.
    pub body: usize,
    /// Requests under way to one host.
    pub per_host: usize,
    /// How long a request waits for its turn at a host.
    pub wait: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            total: Duration::from_secs(5),
            body: 512 * 1024,
            per_host: 4,
            wait: Duration::from_secs(2),
        }
    }
}

/// Requests under way in one lane to all hosts together: each may hold half a megabyte.
const MOST_AT_ONCE: usize = 48;

/// Requests under way in the lane of strangers to all hosts of one site, so that whoever has a domain
/// with endless names in it cannot take every turn.
const MOST_AT_SITE: usize = 12;

/// Bytes of the answer of a webhook that are kept for people to see.
const BEGINNING: usize = 1024;

/// How long that beginning is waited for once the status is there.
const READING: Duration = Duration::from_secs(1);

/// Hosts whose turns are remembered.
const HOSTS: u64 = 4096;

/// The guarded HTTP client.
pub struct Outbound {
    settings: Arc<OutboundSettings>,
    limits: Limits,
    extra_roots: Vec<Certificate>,
    /// For hosts the administrator listed, and for all others. Apart, so that no connection made
    /// with the one permission is reused with the other.
    listed: OnceCell<Client>,
    vetted: OnceCell<Client>,
    turns: Cache<(Lane, String), Arc<Semaphore>>,
    owed: Semaphore,
    asked: Semaphore,
    hooks: Semaphore,
}

/// On whose behalf a request is made. Each lane has turns of its own: what strangers make Doorward ask
/// for never delays what it owes to the apps it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// What Doorward has promised: telling apps of sign-outs, the keys of apps that an administrator
    /// has added.
    Owed,
    /// What anybody can set off with one request.
    Asked,
    /// Webhooks: as many messages as there are events, and none of them may hold up a sign-out.
    Hooks,
}

impl Outbound {
    /// Reads `outbound.extra_ca_file`. The system's certificates are read at the first request:
    /// most commands make none, and a machine without any still serves sign-ins.
    ///
    /// # Errors
    /// A line for the operator when the file cannot be used.
    pub fn new(settings: &OutboundSettings) -> Result<Self, String> {
        Self::with_limits(settings, Limits::default())
    }

    /// Like [`new`](Self::new) with other limits.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_limits(settings: &OutboundSettings, limits: Limits) -> Result<Self, String> {
        Ok(Self {
            extra_roots: extra_roots(settings)?,
            settings: Arc::new(settings.clone()),
            limits,
            listed: OnceCell::new(),
            vetted: OnceCell::new(),
            turns: Cache::builder()
                .max_capacity(HOSTS)
                .time_to_idle(Duration::from_mins(1))
                .build(),
            owed: Semaphore::new(MOST_AT_ONCE),
            asked: Semaphore::new(MOST_AT_ONCE),
            hooks: Semaphore::new(MOST_AT_ONCE),
        })
    }

    /// Checks a URL without asking for it: see [`guard::vet_url`].
    ///
    /// # Errors
    /// The first rule that the URL breaks.
    pub fn vet(&self, url: &str) -> Result<Url, UrlProblem> {
        guard::vet_url(url, &self.settings)
    }

    /// Asks for a document because somebody, perhaps a stranger, has made us.
    ///
    /// # Errors
    /// [`OutboundError`]; an answer of any status is none.
    pub async fn get(&self, url: &str, kind: Accept) -> Result<Fetched, OutboundError> {
        self.get_in(Lane::Asked, url, kind).await
    }

    /// Asks for a document in this lane.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn get_in(
        &self,
        lane: Lane,
        url: &str,
        kind: Accept,
    ) -> Result<Fetched, OutboundError> {
        // Boxed: it holds a whole connection, and few callers should carry that.
        Box::pin(self.within_limits((lane, url), async |client, url| {
            let request = client.get(url).header(ACCEPT, kind.header());
            let mut answer = send(request).await?;
            if header(&answer, &CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
                return Err(OutboundError::new(Fault::Compressed, String::new()));
            }
            let body = self.read(&mut answer, kind).await?;
            Ok(Fetched {
                status: answer.status().as_u16(),
                content_type: header(&answer, &CONTENT_TYPE).map(media_type),
                max_age: header(&answer, &CACHE_CONTROL).and_then(max_age),
                body,
            })
        }))
        .await
    }

    /// Posts a form and gives the status of the answer; what else it says is not read.
    ///
    /// # Errors
    /// [`OutboundError`]; an answer of any status is none.
    pub async fn post_form(
        &self,
        url: &str,
        fields: &[(&str, &str)],
    ) -> Result<u16, OutboundError> {
        self.within_limits((Lane::Owed, url), async |client, url| {
            send(client.post(url).form(fields)).await.map(|answer| answer.status().as_u16())
        })
        .await
    }

    /// Posts JSON with these headers in the lane of webhooks, and gives status and beginning of the
    /// answer.
    ///
    /// # Errors
    /// [`OutboundError`]; an answer of any status is none.
    pub async fn post_hook(
        &self,
        url: &str,
        (headers, body): (&[(&'static str, &str)], Vec<u8>),
    ) -> Result<(u16, Vec<u8>), OutboundError> {
        Box::pin(self.within_limits((Lane::Hooks, url), async |client, url| {
            let mut request = client.post(url).header(CONTENT_TYPE, "application/json");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let mut answer = send(request.body(body.clone())).await?;
            let status = answer.status().as_u16();
            let mut beginning = Vec::new();
            // The status has said it all: what else comes is for people, and may break off.
            let reading = timeout(READING, async {
                while beginning.len() < BEGINNING
                    && let Ok(Some(chunk)) = answer.chunk().await
                {
                    beginning.extend_from_slice(&chunk);
                }
            });
            let _ = reading.await;
            beginning.truncate(BEGINNING);
            Ok((status, beginning))
        }))
        .await
    }

    async fn within_limits<T>(
        &self,
        (lane, text): (Lane, &str),
        work: impl AsyncFnOnce(Client, Url) -> Result<T, OutboundError>,
    ) -> Result<T, OutboundError> {
        let (url, reach) = guard::vet(text, &self.settings)?;
        // `rp.test.` is the same place as `rp.test`.
        let host = url.host_str().unwrap_or_default().trim_end_matches('.').to_owned();
        let whole = timeout(self.limits.total, async {
            let _turn = self.turn(lane, &host).await?;
            let client = self.client(reach).await?;
            work(client, url).await
        });
        let outcome = whole.await.unwrap_or_else(|_| {
            let detail = format!("no whole answer within {:?}", self.limits.total);
            Err(OutboundError::new(Fault::TimedOut, detail))
        });
        if let Err(error) = &outcome {
            tracing::info!(host, reason = %error, detail = error.detail, "a request to another server failed");
        }
        outcome
    }

    /// Waits for a turn at the host, at its site and in the lane.
    async fn turn(&self, lane: Lane, host: &str) -> Result<Vec<Turn<'_>>, OutboundError> {
        let all = match lane {
            Lane::Owed => &self.owed,
            Lane::Asked => &self.asked,
            Lane::Hooks => &self.hooks,
        };
        let mut named = vec![self.turns_at((lane, host.to_owned()), self.limits.per_host)];
        if lane == Lane::Asked {
            named.push(self.turns_at((lane, format!("*.{}", site_of(host))), MOST_AT_SITE));
        }
        let turns = timeout(self.limits.wait, async {
            let mut turns = Vec::new();
            for semaphore in named {
                turns.push(Turn::Named(semaphore.acquire_owned().await.ok()?));
            }
            turns.push(Turn::All(all.acquire().await.ok()?));
            Some(turns)
        });
        let busy = || OutboundError::new(Fault::Busy, "no turn in time");
        turns.await.ok().flatten().ok_or_else(busy)
    }

    /// The turns of this name. One that is forgotten while in use gets a few turns more, once.
    fn turns_at(&self, name: (Lane, String), most: usize) -> Arc<Semaphore> {
        self.turns.get_with(name, || Arc::new(Semaphore::new(most)))
    }

    async fn client(&self, reach: Reach) -> Result<Client, OutboundError> {
        let cell = match reach {
            Reach::Listed => &self.listed,
            Reach::Vetted => &self.vetted,
        };
        let made = cell.get_or_try_init(async || {
            let resolver = Vetting { settings: Arc::clone(&self.settings), reach };
            let roots = self.extra_roots.clone();
            // Reading the system's certificates takes a while.
            let made = tokio::task::spawn_blocking(move || make_client(resolver, roots)).await;
            made.map_err(|error| error.to_string())?.map_err(|error| format!("{error:?}"))
        });
        let made = made.await.map_err(|detail: String| {
            tracing::error!(detail, "requests to other servers are impossible");
            OutboundError::new(Fault::Unreachable, detail)
        });
        made.cloned()
    }

    async fn read(&self, answer: &mut Response, kind: Accept) -> Result<Vec<u8>, OutboundError> {
        let too_large = || OutboundError::new(Fault::TooLarge, String::new());
        let most = self.limits.body.min(kind.most());
        let announced = answer.content_length().unwrap_or(0);
        if usize::try_from(announced).map_or(true, |length| length > most) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|e| OutboundError::of_body(&e))? {
            if body.len().saturating_add(chunk.len()) > most {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// What a request holds as long as it is under way.
enum Turn<'a> {
    #[expect(dead_code, reason = "held, never looked at")]
    Named(OwnedSemaphorePermit),
    #[expect(dead_code, reason = "held, never looked at")]
    All(SemaphorePermit<'a>),
}

/// What the names of one owner have in common, as far as that can be told without a list of all
/// registries: the last two labels. An address is a site of its own.
fn site_of(host: &str) -> &str {
    let is_address = host.starts_with('[') || host.ends_with(|c: char| c.is_ascii_digit());
    match host.rmatch_indices('.').nth(1) {
        Some((dot, _)) if !is_address => host.get(dot + 1..).unwrap_or(host),
        _ => host,
    }
}

/// TLS 1.2 and 1.3 and nothing that acts by itself. Proxies of the environment are ignored: the
/// proxy would resolve the name once more, and connect to what nobody vetted.
fn make_client(resolver: Vetting, roots: Vec<Certificate>) -> reqwest::Result<Client> {
    Client::builder()
        .tls_backend_rustls()
        .tls_certs_merge(roots)
        .https_only(true)
        .dns_resolver(resolver)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .user_agent("Doorward")
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .http1_only()
        .connect_timeout(Duration::from_secs(3))
        .pool_max_idle_per_host(1)
        .pool_idle_timeout(Duration::from_secs(15))
        .build()
}

/// Sends a request; the other server may join what it does to our trace, if there is one.
async fn send(request: RequestBuilder) -> Result<Response, OutboundError> {
    let request = match traces::outgoing() {
        Some(parent) => request.header(traces::TRACE_PARENT, parent),
        None => request,
    };
    request.send().await.map_err(|error| OutboundError::of_request(&error))
}

fn header<'a>(answer: &'a Response, name: &HeaderName) -> Option<&'a str> {
    answer.headers().get(name)?.to_str().ok()
}

pub(super) fn extra_roots(settings: &OutboundSettings) -> Result<Vec<Certificate>, String> {
    let Some(path) = &settings.extra_ca_file else { return Ok(Vec::new()) };
    let shown = path.display();
    let pem = std::fs::read(path)
        .map_err(|fault| format!("the file {shown} could not be read: {fault}"))?;
    let damaged = || format!("the file {shown} is damaged: it must hold certificates in PEM");
    let mut roots = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|_| damaged())?;
        roots.push(Certificate::from_der(&certificate).map_err(|_| damaged())?);
        // reqwest takes any bytes here and fails at the first request.
        RootCertStore::empty().add(certificate).map_err(|_| damaged())?;
    }
    if roots.is_empty() {
        return Err(format!("the file {shown} holds no certificate in PEM"));
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::site_of;

    #[test]
    fn all_names_of_a_domain_are_one_site() {
        for host in ["evil.test", "a.evil.test", "b.c.evil.test"] {
            assert_eq!(site_of(host), "evil.test");
        }
        for alone in ["localhost", "192.0.2.1", "[2001:db8::1]", "[::ffff:192.0.2.1]", ""] {
            assert_eq!(site_of(alone), alone);
        }
    }
}
