//! `doorward session`: where people are signed in.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::engine;
use super::exit::{Exit, Failure};
use super::globals::Globals;
use super::output::{Output, Table};
use super::page::{self, Page};
use crate::app::App;
use crate::protocol::types::{ClientId, SessionId};
use crate::protocol::user::User;
use crate::service::audit::{Actor, Caller};
use crate::service::session::everywhere::{self, Connections, Ended, Reach, Wanted};
use crate::service::session::several::{self, Chosen};
use crate::service::session::{self, sightings};
use crate::service::{clients, people};

const LIST_EXAMPLES: &str = "\
A running server writes down every half minute when a session was last used.

Examples:
  doorward session list
  doorward session list --user alice --format json
  doorward session list --client wiki
  doorward session list --address 192.0.2.7";

const REVOKE_EXAMPLES: &str = "\
Apps that want to know are told. What stays signed in without a session, such as a television or an app
that works while the person is away, goes on unless --all ends it, too.

Examples:
  doorward session revoke 019a6b3e-7c1f-7d90-8a55-0d1e2f3a4b5c
  doorward session revoke --user alice
  doorward session revoke --client wiki
  doorward session revoke --address 192.0.2.7
  doorward session revoke --user alice --all";

/// Commands about sessions.
#[derive(Debug, Clone, Subcommand)]
pub enum SessionCommand {
    /// List where people are signed in
    #[command(after_help = LIST_EXAMPLES)]
    List(SessionListArgs),
    /// Sign somebody out of one device, or everywhere
    #[command(after_help = REVOKE_EXAMPLES)]
    Revoke(SessionRevokeArgs),
}

/// `session list`.
#[derive(Debug, Clone, Args)]
pub struct SessionListArgs {
    /// Only those of this person: username, e-mail address or id
    #[arg(long)]
    pub user: Option<String>,
    /// Only those through which somebody is signed in to this app: its client id
    #[arg(long, value_name = "CLIENT_ID")]
    pub client: Option<String>,
    /// Only those from this IP address
    #[arg(long, value_name = "IP")]
    pub address: Option<String>,
    /// Sessions to list at most
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    /// Go on behind this place in the list
    #[arg(long, value_name = "PLACE")]
    pub after: Option<String>,
}

/// `session revoke`.
#[derive(Debug, Clone, Args)]
pub struct SessionRevokeArgs {
    /// The session's id
    #[arg(
        required_unless_present_any = ["user", "client", "address"],
        conflicts_with_all = ["user", "client", "address"]
    )]
    pub id: Option<String>,
    /// Every session of this person: username, e-mail address or id
    #[arg(long)]
    pub user: Option<String>,
    /// Every session in which somebody is signed in to this app, by its client id; with --user, theirs
    #[arg(long, value_name = "CLIENT_ID")]
    pub client: Option<String>,
    /// Every session from this IP address; with --user or --client, those of them
    #[arg(long, value_name = "IP")]
    pub address: Option<String>,
    /// Also what stays signed in without a session
    #[arg(long, requires = "user", conflicts_with_all = ["client", "address"])]
    pub all: bool,
}

impl SessionListArgs {
    fn filter(&self) -> (Option<&str>, Option<&str>, Option<&str>) {
        (self.user.as_deref(), self.client.as_deref(), self.address.as_deref())
    }
}

impl SessionRevokeArgs {
    fn filter(&self) -> (Option<&str>, Option<&str>, Option<&str>) {
        (self.user.as_deref(), self.client.as_deref(), self.address.as_deref())
    }
}

pub(super) fn run(
    command: &SessionCommand,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    match command {
        SessionCommand::List(args) => list(args, globals, output),
        SessionCommand::Revoke(args) if args.client.is_some() || args.address.is_some() => {
            revoke_many(args, globals, output)
        }
        SessionCommand::Revoke(args) => match (&args.id, &args.user) {
            (Some(id), _) => revoke_one(id, globals, output),
            (None, Some(user)) => {
                let connections = if args.all { Connections::End } else { Connections::Keep };
                revoke_all(user, connections, (globals, output))
            }
            (None, None) => Err(Failure::Failed("name a session or a person".into())),
        },
    }
}

fn list(
    args: &SessionListArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let after = page::place(args.after.as_deref())?;
    let found = engine::with_app(globals, async |app| {
        let chosen = chosen(app, args.filter()).await?;
        let rows = several::list(app, (&chosen, after), page::one_more(args.limit)).await?;
        Ok(sightings::of(app, rows).await?)
    })?;
    let page = Page::of(found, args.limit, |seen| seen.session.cursor().to_string());
    let mut table = Table::new(["id", "username", "device", "from", "place", "last used", "apps"]);
    for seen in &page.items {
        table.row([
            seen.session.id.as_str(),
            &seen.username,
            &seen.session.device,
            &seen.session.address,
            &seen.session.place,
            &seen.session.last_seen_at.rfc3339(),
            &seen.apps.join(", "),
        ]);
    }
    page.print(&table, to_json, output)
}

/// Which sessions are meant.
async fn chosen(
    app: &App,
    (user, client, address): (Option<&str>, Option<&str>, Option<&str>),
) -> Result<Chosen, Failure> {
    let mut chosen = Chosen::default();
    if let Some(text) = user {
        chosen.user = Some(people::find(app, text).await?.id);
    }
    if let Some(id) = client {
        let id = ClientId::new(id);
        if clients::find(app, &id).await?.is_none() {
            return Err(Failure::Failed(format!("there is no app {id}")));
        }
        chosen.client = Some(id);
    }
    if let Some(text) = address {
        let address = several::address_of(text);
        let address = address.ok_or_else(|| {
            Failure::Failed(format!("{text} is no IP address such as 192.0.2.7 or 2001:db8::7"))
        })?;
        chosen.address = Some(address);
    }
    Ok(chosen)
}

fn to_json(seen: &sightings::Sighting) -> Value {
    let session = &seen.session;
    json!({
        "id": session.id,
        "user_id": session.user_id,
        "username": seen.username,
        "device": session.device,
        "address": session.address,
        "place": session.place,
        "acr": session.acr,
        "amr": session.amr,
        "apps": seen.apps,
        "auth_time": engine::time(session.auth_time),
        "created_at": engine::time(session.created_at),
        "last_seen_at": engine::time(session.last_seen_at),
        "expires_at": engine::time(session.expires_at),
    })
}

fn revoke_one(id: &str, globals: &Globals, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let session = SessionId::new(id);
    let who = (&Actor::CommandLine, &Caller::default());
    let ended =
        engine::with_app(globals, async |app| Ok(session::end_by_id(app, &session, who).await?))?;
    if !ended {
        return Err(Failure::Failed(format!("there is no session {id}, or it has ended already")));
    }
    output.note("The session has ended.");
    let mut table = Table::fields();
    table.row(["id", id]);
    output.data(&json!({ "id": id, "sessions": 1, "connections": 0 }), &table)?;
    Ok(Exit::Done)
}

fn revoke_many(
    args: &SessionRevokeArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let ended = engine::with_app(globals, async |app| {
        let chosen = chosen(app, args.filter()).await?;
        let who = (&Actor::CommandLine, &Caller::default());
        let mut ended = 0;
        loop {
            let some = several::end(app, &chosen, who).await?;
            ended += some.sessions;
            if !some.is_partial {
                return Ok(ended);
            }
        }
    })?;
    output.note(match ended {
        0 => "There was nothing to end.",
        _ => "The sessions have ended.",
    });
    let mut table = Table::fields();
    table.row(["sessions ended", &ended.to_string()]);
    output.data(&json!({ "sessions": ended, "connections": 0 }), &table)?;
    Ok(Exit::Done)
}

fn revoke_all(
    user: &str,
    connections: Connections,
    (globals, output): (&Globals, &mut Output<'_>),
) -> Result<Exit, Failure> {
    let (user, ended) =
        engine::with_app(globals, async |app| sign_out(app, user, connections).await)?;
    output.note("The person is signed out everywhere.");
    let mut table = Table::fields();
    table
        .row(["username", &user.username])
        .row(["sessions ended", &ended.sessions.to_string()])
        .row(["others ended", &ended.connections.to_string()]);
    let document = json!({
        "user_id": user.id,
        "username": user.username,
        "sessions": ended.sessions,
        "connections": ended.connections,
    });
    output.data(&document, &table)?;
    Ok(Exit::Done)
}

async fn sign_out(
    app: &App,
    user: &str,
    connections: Connections,
) -> Result<(User, Ended), Failure> {
    let user = people::find(app, user).await?;
    let wanted = Wanted { user: &user.id, reach: Reach::Everywhere, connections };
    let who = (&Actor::CommandLine, &Caller::default());
    let ended = everywhere::sign_out(app, &wanted, who).await?;
    let ended = ended.ok_or_else(|| Failure::Failed("the person was deleted meanwhile".into()))?;
    Ok((user, ended))
}
