//! `/admin/clients/new`: what is being connected, where it is, and the form with what follows from
//! that. Everything is in the address until the form is sent.

use super::app_forms;
use super::desk::{Answer, Desk, Stop};
use crate::http::pages::FieldError;
use crate::http::pages::admin::Section;
use crate::http::pages::admin::client_forms::kind_in_words;
use crate::http::pages::admin::connect::{Choice, SnippetView};
use crate::http::pages::admin::wizard::{Wizard, WizardAddress};
use crate::protocol::client::{ClientKind, ClientMetadata};
use crate::protocol::discovery::path;
use crate::snippets::derive::{self, What};
use crate::snippets::render::{Values, render};
use crate::snippets::{self, App, app_url};

/// Where something that is in no catalogue may be.
const EXAMPLE: &str = "https://app.example.com";

/// What agents are called in addresses and in the form.
const AGENT: &str = "agent";

/// Where an MCP server may be.
const MCP_SERVER: &str = "https://mcp.example.com/mcp";

pub(super) fn new(desk: &Desk<'_>) -> Answer {
    let (app, kind) = (desk.asked("app"), desk.asked("kind"));
    let what = match (app.as_str(), kind.as_str()) {
        ("", "") => return choose(desk),
        ("", AGENT) => What::Agent,
        ("", kind) => What::Kind(ClientKind::from_name(kind).ok_or(Stop::NotFound)?),
        (app, _) => What::App(snippets::find(app).ok_or(Stop::NotFound)?),
    };
    let typed = desk.asked("url");
    if !what.has_address() {
        return form(desk, what, "");
    }
    if typed.is_empty() {
        return ask_address(desk, what, Ok(()));
    }
    match app_url::check(&typed) {
        Ok(url) => form(desk, what, &url),
        Err(error) => ask_address(desk, what, Err((typed, error.to_string()))),
    }
}

/// The first step: what it is.
fn choose(desk: &Desk<'_>) -> Answer {
    let q = desk.asked("q");
    let part = q.to_lowercase();
    let fits = |app: &&App| app.name.to_lowercase().contains(&part);
    let choice = |app: &App| Choice { id: app.id.clone(), name: app.name.clone() };
    desk.show(&Wizard {
        chrome: desk.chrome(),
        console: desk.console(Section::Apps),
        choices: snippets::all().iter().filter(fits).map(choice).collect(),
        q,
    })
}

/// The second step: where it is. Asked again when what was typed is no address.
fn ask_address(desk: &Desk<'_>, what: What<'_>, typed: Result<(), (String, String)>) -> Answer {
    let mut page = address_page(desk, what);
    match typed {
        Ok(()) => desk.show(&page),
        Err((url, text)) => {
            page.url = url;
            page.errors = vec![FieldError { field: "url", text }];
            desk.show_again(&page)
        }
    }
}

fn address_page(desk: &Desk<'_>, what: What<'_>) -> WizardAddress {
    let (value, name, quirks) = match what {
        What::App(app) => (("app", app.id.clone()), app.name.clone(), app.quirks.clone()),
        What::Kind(kind) => {
            (("kind", kind.as_str().to_owned()), kind_in_words(kind).to_owned(), Vec::new())
        }
        What::Agent => {
            (("kind", AGENT.to_owned()), "MCP / agent".to_owned(), about_agents(desk).into())
        }
    };
    let typed_as =
        |example: &str| format!("As people type it into the browser, such as {example}.");
    let (label, hint) = match what {
        What::App(app) => ("Address of the app", typed_as(&app.example)),
        What::Kind(_) => ("Address of the app", typed_as(EXAMPLE)),
        What::Agent => (
            "Address of the MCP server",
            format!(
                "As the agent calls it, such as {MCP_SERVER}. Its tokens are for this address."
            ),
        ),
    };
    WizardAddress {
        chrome: desk.chrome(),
        console: desk.console(Section::Apps),
        what: value,
        is_agent: matches!(what, What::Agent),
        name,
        label,
        hint,
        url: String::new(),
        quirks,
        errors: Vec::new(),
    }
}

/// When nothing has to be registered, and what is made otherwise.
fn about_agents(desk: &Desk<'_>) -> [String; 2] {
    let here = if desk.site().config.registration.metadata_documents {
        "That is on here, so such an agent needs nothing from you"
    } else {
        "That is off here: registration.metadata_documents turns it on"
    };
    [
        format!(
            "An agent that publishes a document about itself (client ID metadata document) is not \
             registered: the address of the document is its client id. {here}."
        ),
        "Register one that asks you for a client id. It becomes a native app without a secret, with PKCE and \
         refresh tokens, answered on the person's own machine."
            .to_owned(),
    ]
}

/// What the form of an agent says beyond its fields: which server its tokens are for.
pub(super) fn for_agent(desk: &Desk<'_>, metadata: ClientMetadata) -> ClientMetadata {
    match (desk.text("app") == AGENT, app_url::check(&desk.text("app_url"))) {
        (true, Ok(server)) => ClientMetadata { audience: vec![server], ..metadata },
        _ => metadata,
    }
}

/// What whoever runs the MCP server has to know.
fn for_the_server(issuer: &str, server: &str) -> Vec<SnippetView> {
    let facts = format!(
        "Issuer: {issuer}\nMetadata (RFC 8414): {issuer}{}\nSigning keys: {issuer}{}\n\
         Resource, the aud of tokens (RFC 8707): {server}",
        path::AUTHORIZATION_SERVER,
        path::JWKS,
    );
    let metadata = format!(
        "{{\n  \"resource\": \"{server}\",\n  \"authorization_servers\": [\"{issuer}\"]\n}}"
    );
    let snippet = |place: &str, text: String| {
        let rows = text.lines().count();
        SnippetView { place: place.to_owned(), text, rows }
    };
    vec![
        snippet("For whoever runs the MCP server", facts),
        snippet("What it publishes about itself (RFC 9728)", metadata),
    ]
}

/// The third step: everything that follows, to be changed and sent.
fn form(desk: &Desk<'_>, what: What<'_>, url: &str) -> Answer {
    let metadata = derive::metadata(what, url);
    let app = match what {
        What::App(app) => app.id.as_str(),
        What::Agent => AGENT,
        What::Kind(_) => "",
    };
    desk.show(&app_forms::filled(desk, &metadata, (app, url)))
}

/// What to paste into the app that the form was for, with everything in it: on the page that shows the
/// secret, which is the only one that can.
pub(super) fn settings(desk: &Desk<'_>, client_id: &str, secret: Option<&str>) -> Vec<SnippetView> {
    let Ok(app_url) = app_url::check(&desk.text("app_url")) else { return Vec::new() };
    if desk.text("app") == AGENT {
        return for_the_server(desk.site().issuer(), &app_url);
    }
    let Some(app) = snippets::find(&desk.text("app")) else { return Vec::new() };
    let values = Values {
        issuer: desk.site().issuer().to_owned(),
        client_id: client_id.to_owned(),
        client_secret: secret.map(str::to_owned),
        app_url,
    };
    render(app, &values).snippets.into_iter().map(SnippetView::from).collect()
}
