//! `doorward serve`.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::bootstrap;
use super::engine;
use super::exit::{Exit, Failure};
use super::globals::{Globals, Program};
use super::output::Output;
use super::reload::Reload;
use super::service_manager;
use crate::app::{App, Migrations, VERSION};
use crate::clock::Clock;
use crate::config::Config;
use crate::http::server::{self, Listeners, Running};
use crate::http::tls::{self, ClientCertificates, Identity};
use crate::service::people::links;
use crate::service::start;
use crate::telemetry::traces;

const EXAMPLES: &str = "\
Examples:
  doorward serve
  doorward serve --config /etc/doorward/doorward.toml
  DOORWARD_ISSUER=https://id.example.com DATABASE_URL=postgres://… doorward serve";

/// Start the server.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = EXAMPLES)]
pub struct ServeArgs {
    /// Do not bring the database schema up to date; refuse to start when it is old
    #[arg(long)]
    pub no_migrate: bool,
}

pub(super) fn run(
    args: &ServeArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let config = engine::prepare(globals, Program::Server)?;
    let served = serve((config, globals), args, output);
    traces::finish();
    served
}

fn serve(
    (config, globals): (Config, &Globals),
    args: &ServeArgs,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let migrations = if args.no_migrate { Migrations::Expect } else { Migrations::Apply };
    server::block_on(async {
        // Sockets first: a busy port is told before anything is touched.
        let identity = identity(&config)?;
        let listeners = listen(&config, identity.as_ref())?;
        let app = Arc::new(start::start(config, Clock::System, migrations).await?);
        bootstrap::run(&app).await?;
        welcome(&app, output).await?;
        let reload = Arc::new(Reload::new(globals, &app, identity));
        let running = server::start(app, listeners)?;
        service_manager::ready();
        tokio::select! {
            served = until_signalled(running, Vec::new(), async || reload.again().await) => served,
            never = service_manager::keep_alive() => never,
        }
    })
}

/// Opens the configured sockets. Addresses that come from the default are best effort, as long as
/// one can be opened.
fn listen(config: &Config, identity: Option<&Arc<Identity>>) -> Result<Listeners, Failure> {
    let mut main = Vec::new();
    let mut refused = None;
    for address in config.listen() {
        match bind(address, "server.listen") {
            Ok(listener) => main.push(listener),
            Err(failure) if config.server.listen.is_empty() && address.is_ipv6() => {
                refused = Some(failure);
            }
            Err(failure) => return Err(failure),
        }
    }
    if let (true, Some(failure)) = (main.is_empty(), refused) {
        return Err(failure);
    }
    let management = config.management.listen.address();
    let management = management.map(|address| bind(address, "management.listen")).transpose()?;
    let clients = if config.server.ask_client_certificate {
        ClientCertificates::Asked
    } else {
        ClientCertificates::NotAsked
    };
    let tls = identity.map(|identity| tls_config(identity, clients)).transpose()?;
    let mut mtls = Vec::new();
    if let Some(identity) = identity {
        let asking = tls_config(identity, ClientCertificates::Asked)?;
        for address in &config.server.mtls_listen {
            mtls.push((bind(*address, "server.mtls_listen")?, asking.clone()));
        }
    }
    Ok(Listeners { main, management, tls, mtls })
}

/// The certificate for TLS of our own, if there is one.
fn identity(config: &Config) -> Result<Option<Arc<Identity>>, Failure> {
    let (Some(certificates), Some(key)) =
        (&config.server.tls_cert_file, &config.server.tls_key_file)
    else {
        return Ok(None);
    };
    let pair =
        tls::read_pair(certificates, key).map_err(|error| Failure::Failed(error.to_string()))?;
    Ok(Some(Identity::new(pair)))
}

fn tls_config(
    identity: &Arc<Identity>,
    clients: ClientCertificates,
) -> Result<rustls::ServerConfig, Failure> {
    tls::server_config(identity, clients).map_err(|error| Failure::Failed(error.to_string()))
}

fn bind(address: SocketAddr, setting: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).map_err(|error| {
        let what = match error.kind() {
            std::io::ErrorKind::AddrInUse => "is in use by another program".to_owned(),
            _ => format!("cannot be opened: {error}"),
        };
        Failure::Failed(format!("{address} {what}; stop that program or change {setting}"))
    })
}

/// Says where everything is; at the first start also how to become the administrator.
async fn welcome(app: &App, output: &mut Output<'_>) -> Result<(), Failure> {
    let issuer = app.issuer();
    let mut lines = vec![
        format!("Doorward {VERSION} is ready"),
        format!("  issuer    {issuer}"),
        format!("  console   {issuer}/admin"),
    ];
    if links::needs_setup(app).await? {
        let link = links::create_setup_link(app).await?;
        lines.push(format!("  set up    {link}"));
        lines
            .push("            (makes the first administrator; works once, for 30 minutes)".into());
    }
    lines.push(format!("  data      {}", app.config.data_dir.display()));
    for caution in app.config.cautions() {
        lines.push(format!("  caution   {caution}"));
    }
    let rule = "─".repeat(72);
    output.note(&format!("{rule}\n{}\n{rule}", lines.join("\n")));
    Ok(())
}

/// Serves until the process is told to stop, then lets requests finish; a second signal stops at
/// once. `others` are servers that stop together with this one, `reload` is done on SIGHUP.
pub(super) async fn until_signalled(
    running: Running,
    others: Vec<server::OtherServer>,
    reload: impl AsyncFn(),
) -> Result<Exit, Failure> {
    let stopper = running.stopper(&others);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut stop = async move || {
        loop {
            tokio::select! {
                _ = terminate.recv() => return,
                _ = interrupt.recv() => return,
                // A terminal that closes must not end sign-ins, either.
                _ = hangup.recv() => reload().await,
            }
        }
    };
    let stopping = async {
        stop().await;
        tracing::info!("stopping: requests under way may finish");
        service_manager::stopping();
        tokio::select! {
            () = stopper.drain() => {}
            () = stop() => stopper.stop_now().await,
        }
    };
    let (served, ()) = futures_util::future::join(running.until_stopped(others), stopping).await;
    served?;
    Ok(Exit::Done)
}
