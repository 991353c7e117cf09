//! `doorward setup-link`.

use clap::Args;
use serde_json::json;

use super::engine;
use super::exit::{Exit, Failure};
use super::globals::Globals;
use super::output::{Output, Table};
use crate::service::people::links;

const EXAMPLES: &str = "\
The link works once, for 30 minutes, and only while there is no administrator. Earlier links stop
working.

Examples:
  doorward setup-link
  doorward setup-link --format json";

/// Make the link that sets up the first administrator.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = EXAMPLES)]
pub struct SetupLinkArgs {}

pub(super) fn run(globals: &Globals, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let link = engine::with_app(globals, async |app| Ok(links::create_setup_link(app).await?))?;
    let mut table = Table::fields();
    table.row([link.as_str()]);
    output.data(&json!({ "url": link, "expires_in": links::LIFETIME }), &table)?;
    Ok(Exit::Done)
}
