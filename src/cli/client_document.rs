//! `doorward client refresh`: the metadata document of an app, read again.

use super::client::{self, ClientArgs};
use super::engine;
use super::exit::{Exit, Failure};
use super::globals::Globals;
use super::output::Output;
use crate::protocol::types::ClientId;
use crate::service::audit::Actor;
use crate::service::clients::refresh;

pub(super) const EXAMPLES: &str = "\
The client_id of such an app is the address of its document. Servers read it again by themselves when
what they have is no longer fresh, after a day at most. People are asked again if the app has another
name or other addresses now.

Examples:
  doorward client refresh https://app.example.com/client.json";

pub(super) fn refresh(
    args: &ClientArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let id = ClientId::new(&args.client_id);
    let refreshed = engine::with_app(globals, async |app| {
        Ok(refresh::refresh(app, &id, &Actor::CommandLine).await?)
    })?;
    if refreshed.changed.is_empty() {
        output.note("The document says what it said before.");
    } else {
        let changed = refreshed.changed.join(", ");
        output.note(&format!("The app is now what its document says. Changed: {changed}."));
    }
    client::print(&refreshed.client, None, output)
}
