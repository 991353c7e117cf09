//! `doorward client snippet`: what to paste into the configuration of an app.

use clap::Args;
use serde_json::{Value, json};

use super::engine;
use super::exit::{Exit, Failure};
use super::globals::Globals;
use super::output::{Format, Output, Table};
use crate::protocol::client::Client;
use crate::protocol::types::ClientId;
use crate::service::clients;
use crate::snippets::advice::{self, Needed};
use crate::snippets::render::{Rendered, Values, render};
use crate::snippets::{self, App, page};

pub(super) const EXAMPLES: &str = "\
Without an app it lists those there are snippets for. The secret is never in them: only its
fingerprint is kept.

Examples:
  doorward client snippet
  doorward client snippet grafana --client-id wiki --app-url https://grafana.example.com
  doorward client snippet --markdown > docs/apps.md";

/// `client snippet`.
#[derive(Debug, Clone, Args)]
pub struct ClientSnippetArgs {
    /// The app, as the list names it
    #[arg(requires = "client_id")]
    pub app: Option<String>,
    /// client_id of the app here
    #[arg(long, value_name = "ID", requires = "app")]
    pub client_id: Option<String>,
    /// Where the app is; the address it is registered with, or an example, if missing
    #[arg(long, value_name = "URL", requires = "app")]
    pub app_url: Option<String>,
    /// Print the page of all apps in its place
    #[arg(long, conflicts_with = "app")]
    pub markdown: bool,
}

pub(super) fn run(
    args: &ClientSnippetArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    match (&args.app, &args.client_id) {
        _ if args.markdown => output.text(&page::markdown(snippets::all()))?,
        (Some(app), Some(id)) => {
            let app = snippets::find(app).ok_or_else(|| {
                Failure::Failed(format!("There is no snippet for {app}. Leave it out for a list."))
            })?;
            let id = ClientId::new(id);
            let (issuer, client) = engine::with_app(globals, async |provider| {
                let issuer = provider.issuer().to_owned();
                Ok((issuer, clients::get(provider, &id).await?))
            })?;
            let app_url = advice::start_url(args.app_url.as_deref(), &client, app)
                .map_err(|error| Failure::Failed(error.to_string()))?;
            let client_id = client.id.to_string();
            let rendered = render(app, &Values { issuer, client_id, client_secret: None, app_url });
            print(app, &rendered, &client, output)?;
        }
        _ => list(output)?,
    }
    Ok(Exit::Done)
}

fn list(output: &mut Output<'_>) -> Result<(), Failure> {
    let mut table = Table::new(["app", "name", "type"]);
    for app in snippets::all() {
        table.row([&app.id, &app.name, app.kind.as_str()]);
    }
    let items = snippets::all().iter();
    let items: Vec<Value> = items
        .map(|app| json!({ "app": app.id, "name": app.name, "type": app.kind.as_str() }))
        .collect();
    output.data(&engine::list(&items, None), &table)
}

fn print(
    app: &App,
    rendered: &Rendered,
    client: &Client,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let (uris, hints) = (advice::uris(rendered, client), advice::hints(app, client));
    for needed in uris.iter().filter(|needed| !needed.registered) {
        output.note(&format!("Not registered: {} {}", needed.purpose.as_str(), needed.uri));
    }
    for hint in hints.iter().chain(&app.quirks) {
        output.note(hint);
    }
    if output.format() == Format::Json {
        return output.document(&to_json(app, rendered, (&uris, &hints)));
    }
    for (n, snippet) in rendered.snippets.iter().enumerate() {
        let gap = if n == 0 { "" } else { "\n" };
        output.note(&format!("{gap}{} ({}):", snippet.place, snippet.language.as_str()));
        output.text(&format!("{}\n", snippet.text))?;
    }
    Ok(())
}

fn to_json(app: &App, rendered: &Rendered, (uris, hints): (&[Needed], &[String])) -> Value {
    let uris = uris.iter().map(|needed| {
        let Needed { purpose, uri, registered } = needed;
        json!({ "purpose": purpose.as_str(), "uri": uri, "registered": registered })
    });
    let texts = rendered.snippets.iter().map(|snippet| {
        let (place, language) = (&snippet.place, snippet.language.as_str());
        json!({ "place": place, "language": language, "text": snippet.text })
    });
    json!({
        "app": app.id,
        "name": app.name,
        "type": app.kind.as_str(),
        "documentation": app.documentation,
        "uris": uris.collect::<Vec<_>>(),
        "hints": hints,
        "quirks": app.quirks,
        "snippets": texts.collect::<Vec<_>>(),
    })
}
