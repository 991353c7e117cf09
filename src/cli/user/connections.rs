//! `doorward user connections` and `user end-connection`: what a person has let in that stays signed in by itself.

use clap::Args;
use serde_json::{Value, json};

use crate::cli::engine;
use crate::cli::exit::{Exit, Failure};
use crate::cli::globals::Globals;
use crate::cli::output::{Output, Table};
use crate::cli::page::{self, Page};
use crate::protocol::types::GrantId;
use crate::service::audit::{Actor, Caller};
use crate::service::people;
use crate::service::session::connections::{self, Connection, Outcome};

pub(super) const LIST_EXAMPLES: &str = "\
A device was let in with a code, offline is what outlives the person's sessions, and session is what ends
with one of them.

Examples:
  doorward user connections alice
  doorward user connections alice --limit 10 --format json";

pub(super) const END_EXAMPLES: &str = "\
It ends everywhere before the command is done; nothing else that the person is signed in to notices. A device
has to be let in again. An app gets in again by itself while the person is signed in and has allowed it: see
`doorward session revoke` and `doorward user remove-app`.

Examples:
  doorward user connections alice
  doorward user end-connection alice 019a6b3e-7c1f-7d90-8a55-0d1e2f3a4b5d";

/// `user connections`.
#[derive(Debug, Clone, Args)]
pub struct UserConnectionsArgs {
    /// Username, e-mail address or id
    pub user: String,
    /// Connections to list at most
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    /// Go on behind this place in the list
    #[arg(long, value_name = "PLACE")]
    pub after: Option<String>,
}

/// `user end-connection`.
#[derive(Debug, Clone, Args)]
pub struct UserConnectionArgs {
    /// Username, e-mail address or id
    pub user: String,
    /// The connection's id
    pub id: String,
}

pub(super) fn list(
    args: &UserConnectionsArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let after = page::place(args.after.as_deref())?;
    let found = engine::with_app(globals, async |app| {
        let user = people::find(app, &args.user).await?;
        let limit = page::one_more(args.limit);
        Ok(connections::list(app, (&user.id, after), limit).await?)
    })?;
    let page = Page::of(found, args.limit, |connection| connection.cursor().to_string());
    let mut table = Table::new(["id", "client id", "kind", "scope", "since", "last used"]);
    for connection in &page.items {
        table.row([
            connection.grant.as_str(),
            connection.client.id.as_str(),
            connection.bound.as_str(),
            &connection.scopes.to_string(),
            &connection.since.rfc3339(),
            &connection.last_used.rfc3339(),
        ]);
    }
    page.print(&table, to_json, output)
}

fn to_json(connection: &Connection) -> Value {
    json!({
        "id": connection.grant,
        "client_id": connection.client.id,
        "client_name": connection.client.metadata.client_name,
        "kind": connection.bound.as_str(),
        "scope": connection.scopes.to_string(),
        "created_at": engine::time(connection.since),
        "last_used_at": engine::time(connection.last_used),
    })
}

pub(super) fn end(
    args: &UserConnectionArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let id = GrantId::new(args.id.as_str());
    let who = (&Actor::CommandLine, &Caller::default());
    let ended = engine::with_app(globals, async |app| {
        let user = people::find(app, &args.user).await?;
        Ok(connections::end(app, (&id, &user.id), who).await?)
    })?;
    if ended != Outcome::Ended {
        return Err(Failure::Failed(format!(
            "they have no connection {id}, or it has ended already"
        )));
    }
    output.note("The connection has ended.");
    let mut table = Table::fields();
    table.row(["id", id.as_str()]);
    output.data(&json!({ "id": id }), &table)?;
    Ok(Exit::Done)
}
