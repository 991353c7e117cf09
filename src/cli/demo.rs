//! `doorward demo`.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::exit::{Exit, Failure};
use super::globals::{Globals, Program};
use super::output::Output;
use super::serve;
use crate::app::{App, Migrations};
use crate::clock::Clock;
use crate::config::{Config, Sources};
use crate::crypto::secret::Secret;
use crate::demo;
use crate::http::server::{self, Listeners};
use crate::service::audit::Actor;
use crate::service::clients::{self, ClientError, NewClient};
use crate::service::people::{self, NewPerson, PeopleError};
use crate::service::start;
use crate::telemetry::logging;
use crate::telemetry::traces::Export;

const EXAMPLES: &str = "\
The provider listens on PORT, the sample apps on PORT+1 and PORT+2, all on this machine only.
People alice and bob exist; their passwords are printed. Without --data-dir nothing is kept.

Examples:
  doorward demo
  doorward demo --port 9000 --data-dir ./demo";

/// Start a trial with two sample apps and nothing to set up.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct DemoArgs {
    /// The provider's port; the apps take the next two
    #[arg(long, default_value_t = 8080, value_parser = clap::value_parser!(u16).range(1..=65533))]
    pub port: u16,
}

pub(super) fn run(
    args: &DemoArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let scratch = Scratch::of(globals)?;
    let config = configuration(args.port, globals, scratch.path())?;
    logging::init(&Globals::log_settings(&config, Program::Command), Export::Never)
        .map_err(Failure::Failed)?;
    server::block_on(async {
        let clock = Clock::System;
        let provider = listen(args.port)?;
        let mut places = Vec::new();
        for (app, port) in demo::apps(args.port, &clock).into_iter().zip(args.port + 1..) {
            places.push((app, listen(port)?));
        }
        let mut app = start::start(config, clock, Migrations::Apply).await?;
        app.banner =
            Some("Demo: runs on this computer only, with passwords everybody knows.".into());
        Box::pin(seed(&app, args.port)).await?;
        let listeners = Listeners { main: provider, management: None, tls: None, mtls: Vec::new() };
        let running = server::start(Arc::new(app), listeners)?;
        let mut others = Vec::new();
        for (sample, listeners) in places {
            others.push(demo::serve(sample, listeners)?);
        }
        welcome(args.port, output);
        let reload = async || tracing::info!("SIGHUP: the demo has no settings to read again");
        serve::until_signalled(running, others, reload).await
    })
}

fn listen(port: u16) -> Result<Vec<TcpListener>, Failure> {
    demo::loopback_listeners(port).map_err(|error| Failure::Failed(error.to_string()))
}

/// Only the flags count: a demo must not touch what the environment or a file points at.
fn configuration(port: u16, globals: &Globals, data_dir: &Path) -> Result<Config, Failure> {
    let globals = Globals { config: Vec::new(), ..globals.clone() };
    let sources = globals
        .over(Sources::none())
        .set("issuer", format!("http://localhost:{port}"), "--port")
        .set("data_dir", data_dir.to_string_lossy(), "--data-dir")
        .set("management.listen", "off", "demo");
    Ok(Config::load(&sources)?)
}

/// Where the demo keeps its data: where it was told to, or in a directory of its own that goes
/// when the demo does.
enum Scratch {
    Kept(PathBuf),
    Own(PathBuf),
}

impl Scratch {
    fn of(globals: &Globals) -> Result<Self, Failure> {
        if let Some(kept) = &globals.data_dir {
            return Ok(Self::Kept(kept.clone()));
        }
        let name = format!("doorward-demo-{}", crate::crypto::secret::opaque_id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path)?;
        Ok(Self::Own(path))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept(path) | Self::Own(path) => path,
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Self::Own(path) = self
            && let Err(error) = std::fs::remove_dir_all(path)
        {
            tracing::warn!(%error, "the demo's data could not be removed");
        }
    }
}

/// Fills the provider with the demo's people and apps; what is there already stays.
async fn seed(app: &App, port: u16) -> Result<(), Failure> {
    let actor = Actor::System;
    for person in demo::SEED {
        let new = NewPerson {
            username: person.username.to_owned(),
            name: Some(person.name.to_owned()),
            email: Some(person.email.to_owned()),
            email_verified: true,
            profile: person.profile(),
            groups: person.groups.iter().map(|group| (*group).to_owned()).collect(),
            role: person.role,
            password: Some(person.password.to_owned()),
            ..NewPerson::default()
        };
        match people::create(app, new, &actor).await {
            Ok(_) | Err(PeopleError::Taken) => {}
            Err(error) => return Err(error.into()),
        }
    }
    for client in demo::clients(port) {
        let metadata = client.metadata.clone();
        let new = NewClient {
            id: Some(client.id.clone()),
            metadata: client.metadata,
            secret: client.secret.map(|text| Secret::from_text(text.to_owned())),
        };
        match clients::create(app, new, &actor).await {
            Ok(_) => {}
            // Kept data from a demo on another port.
            Err(ClientError::Taken) => {
                clients::update(app, &client.id, metadata, &actor).await?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn welcome(port: u16, output: &mut Output<'_>) {
    let mut lines =
        vec!["The demo is ready. Open the first app in a browser:".to_owned(), String::new()];
    for (app, place) in demo::apps(port, &Clock::System).iter().zip(["first", "second"]) {
        lines.push(format!("  {place:<7} app  {}   {}", app.base_url, app.name));
    }
    lines.push(format!("  provider     http://localhost:{port}   (console: /admin)"));
    lines.push(String::new());
    for person in demo::SEED {
        lines.push(format!("  sign in as {:<6} with {}", person.username, person.password));
    }
    lines.push(String::new());
    lines.push("Stop it with Ctrl-C.".to_owned());
    let rule = "─".repeat(72);
    output.note(&format!("{rule}\n{}\n{rule}", lines.join("\n")));
}
