//! Listening, serving, and stopping without losing a request.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::{App as ActixApp, HttpServer, web};

use super::site::Site;
use super::{client_certificate, pipeline, routes};
use crate::app::App;
use crate::service::failure::Failure;
use crate::service::revocation::copy;
use crate::service::{health, maintenance, outbox};

/// Where to listen. Sockets are bound by the caller, so that a busy port is reported before
/// anything else happens, and tests can use port 0.
pub struct Listeners {
    pub main: Vec<TcpListener>,
    pub management: Option<TcpListener>,
    /// TLS for the main listeners, when Doorward terminates it itself.
    pub tls: Option<rustls::ServerConfig>,
    /// Listeners for clients with certificates.
    pub mtls: Vec<(TcpListener, rustls::ServerConfig)>,
}

/// How long is waited at the end for work that a request has begun. It stops at the next good moment.
const LAST_ERRAND: Duration = Duration::from_secs(30);

/// A server that runs and stops beside the provider, such as a sample app.
pub type OtherServer = Server;

/// Runs a future on the runtime that servers need. Each server thread has its own reactor, which is
/// what keeps a request on one core.
pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    actix_web::rt::System::new().block_on(work)
}

/// A provider that is serving.
pub struct Running {
    site: web::Data<Site>,
    servers: Vec<Server>,
    jobs: Vec<tokio::task::JoinHandle<()>>,
    errands: tokio::task::JoinHandle<()>,
}

/// How a running provider is told to stop.
#[derive(Clone)]
pub struct Stopper {
    site: web::Data<Site>,
    handles: Vec<ServerHandle>,
}

/// Starts serving.
///
/// # Errors
/// When a listener cannot be used.
pub fn start(app: Arc<App>, listeners: Listeners) -> std::io::Result<Running> {
    let site = web::Data::new(Site::new(app));
    let settings = &site.config.server;
    let body_limit = site.config.limits.body_bytes;
    let data = site.clone();
    let mut main = HttpServer::new(move || {
        ActixApp::new()
            .app_data(data.clone())
            .app_data(web::PayloadConfig::new(body_limit))
            .wrap(from_fn(pipeline::around))
            .configure(|map| routes::public(map, &data))
    })
    .workers(worker_count(settings.workers))
    .shutdown_timeout(u64::try_from(settings.shutdown_timeout).unwrap_or(30))
    .client_request_timeout(Duration::from_secs(5))
    .keep_alive(Duration::from_secs(75))
    .on_connect(client_certificate::remember)
    .disable_signals();
    for listener in listeners.main {
        main = match &listeners.tls {
            Some(tls) => main.listen_rustls_0_23(listener, tls.clone())?,
            None => main.listen(listener)?,
        };
    }
    for (listener, tls) in listeners.mtls {
        main = main.listen_rustls_0_23(listener, tls)?;
    }
    let mut servers = vec![main.run()];
    if let Some(listener) = listeners.management {
        let data = site.clone();
        let management = HttpServer::new(move || {
            ActixApp::new().app_data(data.clone()).configure(routes::management)
        });
        servers.push(management.workers(1).disable_signals().listen(listener)?.run());
    }
    let jobs = jobs(site.app());
    let app = Arc::clone(site.app());
    let errands = tokio::spawn(async move { app.errands.run().await });
    Ok(Running { site, servers, jobs, errands })
}

impl Running {
    /// A handle to stop it with, together with `others`.
    #[must_use]
    pub fn stopper(&self, others: &[OtherServer]) -> Stopper {
        let handles = self.servers.iter().chain(others).map(Server::handle).collect();
        Stopper { site: self.site.clone(), handles }
    }

    /// Serves until stopped, then brings SQL up to date.
    ///
    /// # Errors
    /// When a server fails.
    pub async fn until_stopped(self, others: Vec<OtherServer>) -> std::io::Result<()> {
        let servers = self.servers.into_iter().chain(others);
        let results = futures_util::future::join_all(servers).await;
        for job in self.jobs {
            job.abort();
        }
        self.site.errands.end();
        if tokio::time::timeout(LAST_ERRAND, self.errands).await.is_err() {
            tracing::warn!("work that a request had begun did not come to an end in time");
        }
        if let Err(error) = maintenance::write_all_visits(&self.site).await {
            tracing::warn!(%error, "session visits could not be written at shutdown");
        }
        results.into_iter().collect()
    }
}

impl Stopper {
    /// Says "not ready", waits for load balancers to notice, lets requests finish, stops.
    pub async fn drain(&self) {
        self.site.drain();
        self.site.errands.end();
        let delay = u64::try_from(self.site.config.shutdown_delay()).unwrap_or(0);
        tokio::time::sleep(Duration::from_secs(delay)).await;
        futures_util::future::join_all(self.handles.iter().map(|handle| handle.stop(true))).await;
    }

    /// Stops at once.
    pub async fn stop_now(&self) {
        futures_util::future::join_all(self.handles.iter().map(|handle| handle.stop(false))).await;
    }
}

/// Zero means one worker per core.
fn worker_count(configured: usize) -> usize {
    match configured {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        count => count,
    }
}

/// The work beside the requests.
fn jobs(app: &Arc<App>) -> Vec<tokio::task::JoinHandle<()>> {
    vec![
        tokio::spawn(notice_changes(Arc::clone(app))),
        // By itself: other changes do not wait for a copy that is large or a store that is slow.
        every(Duration::from_millis(200), app, |app| async move { copy::look_after(&app).await }),
        every(
            Duration::from_secs(30),
            app,
            |app| async move { maintenance::write_visits(&app).await },
        ),
        every(
            Duration::from_secs(1),
            app,
            |app| async move { maintenance::seal_audit(&app).await },
        ),
        // Where it answers nobody: no requests come to a node that is not ready.
        every(Duration::from_secs(5), app, |app| async move { health::watch(&app).await }),
        every(Duration::from_mins(1), app, |app| async move { maintenance::clean_up(&app).await }),
        tokio::spawn(outbox::run(Arc::clone(app))),
    ]
}

/// More often while the answers are needed than while nobody asks anything.
async fn notice_changes(app: Arc<App>) {
    loop {
        told(maintenance::notice_changes(&app).await);
        tokio::time::sleep(app.watch.pause()).await;
    }
}

fn told(outcome: Result<(), Failure>) {
    match outcome {
        Ok(()) => {}
        // Nobody but a person mends it.
        Err(error @ Failure::Internal(_)) => {
            tracing::error!(%error, "a job beside the requests failed, and will fail again");
        }
        Err(error @ Failure::Unavailable(_)) => {
            tracing::warn!(%error, "a job beside the requests failed; it runs again");
        }
    }
}

fn every<F, Step>(period: Duration, app: &Arc<App>, step: F) -> tokio::task::JoinHandle<()>
where
    F: Fn(Arc<App>) -> Step + Send + 'static,
    Step: Future<Output = Result<(), Failure>> + Send,
{
    let app = Arc::clone(app);
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(period);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            told(step(Arc::clone(&app)).await);
        }
    })
}
