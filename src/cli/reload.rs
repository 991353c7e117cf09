//! SIGHUP: what may change while the server runs is read again. Either everything that was read can be
//! used, or nothing changes and the log says why.

use std::sync::{Arc, Mutex, PoisonError};

use super::globals::{Globals, Program};
use crate::app::{App, Live};
use crate::config::{Changes, Config};
use crate::http::tls::{self, Identity};
use crate::telemetry::logging;

/// What a running server is made from, to be read again.
pub(super) struct Reload {
    globals: Globals,
    app: Arc<App>,
    /// The server's own certificate, where it ends TLS.
    identity: Option<Arc<Identity>>,
    /// The configuration that was read last.
    latest: Mutex<Config>,
}

impl Reload {
    pub(super) fn new(globals: &Globals, app: &Arc<App>, identity: Option<Arc<Identity>>) -> Self {
        let latest = Mutex::new(app.config.clone());
        Self { globals: globals.clone(), app: Arc::clone(app), identity, latest }
    }

    /// Reads everything again, and says in the log what came of it.
    pub(super) async fn again(self: &Arc<Self>) {
        let reload = Arc::clone(self);
        // Files are read: nobody who waits for an answer waits for that.
        let done = tokio::task::spawn_blocking(move || reload.read()).await;
        match done.map_err(|fault| fault.to_string()).and_then(|done| done) {
            Ok(changes) => self.tell(&changes),
            Err(reason) => {
                tracing::error!(reason, "SIGHUP: nothing was changed, the running settings stay");
            }
        }
    }

    fn read(&self) -> Result<Changes, String> {
        let new =
            self.globals.load().map_err(|problems| problems.to_string().replace('\n', "; "))?;
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        // Whatever can fail comes before the first change.
        let live = Live::read(&new).map_err(|error| error.to_string())?;
        let files = (&new.server.tls_cert_file, &new.server.tls_key_file);
        let certified = match (&self.identity, files) {
            (Some(identity), (Some(certificates), Some(key))) => {
                let pair = tls::read_pair(certificates, key).map_err(|error| error.to_string())?;
                Some((identity, pair))
            }
            _ => None,
        };
        logging::set_level(Globals::log_settings(&new, Program::Server).level)?;
        if let Some((identity, pair)) = certified {
            identity.replace(pair);
        }
        self.app.live.store(Arc::new(live));
        self.app.running.take_over(&new);
        let changes = Changes {
            live: latest.changes_to(&new).live,
            // Compared with what the server was started with: they wait until it is started again.
            waiting: self.app.config.changes_to(&new).waiting,
        };
        *latest = new;
        Ok(changes)
    }

    fn tell(&self, changes: &Changes) {
        let taken = changes.live.join(", ");
        let certificate = self.identity.is_some();
        tracing::info!(changed = taken, certificate, "SIGHUP: settings and files were read again");
        if !changes.waiting.is_empty() {
            let settings = changes.waiting.join(", ");
            tracing::warn!(settings, "SIGHUP: read at start only; restart to apply these settings");
        }
    }
}
