//! `/admin/clients/{id}/connect`: what to paste into the configuration of a well-known app.

use super::desk::{Answer, Desk, Stop};
use super::{app_forms, apps};
use crate::http::pages::FieldError;
use crate::http::pages::admin::Section;
use crate::http::pages::admin::connect::{Choice, Connect, Filled, SnippetView, UriView};
use crate::snippets::advice;
use crate::snippets::render::{Values, render};
use crate::snippets::{self, App};

pub(super) async fn show(desk: &Desk<'_>) -> Answer {
    let client = apps::client(desk).await?;
    let mut page = Connect {
        chrome: desk.chrome(),
        console: desk.console(Section::Apps),
        id: client.id.to_string(),
        name: client.metadata.client_name.clone(),
        choices: snippets::all().iter().map(choice).collect(),
        app: String::new(),
        url: String::new(),
        filled: None,
        errors: Vec::new(),
        endpoints: app_forms::endpoints(desk.site()),
    };
    let asked = desk.asked("app");
    if asked.is_empty() {
        return desk.show(&page);
    }
    let app = snippets::find(&asked).ok_or(Stop::NotFound)?;
    page.app.clone_from(&app.id);
    let url = desk.asked("url");
    let app_url = match advice::start_url((!url.is_empty()).then_some(&url), &client, app) {
        Ok(app_url) => app_url,
        Err(error) => {
            page.url = url;
            page.errors = vec![FieldError { field: "url", text: error.to_string() }];
            return desk.show_again(&page);
        }
    };
    page.url.clone_from(&app_url);
    let issuer = desk.site().issuer().to_owned();
    let rendered =
        render(app, &Values { issuer, client_id: page.id.clone(), client_secret: None, app_url });
    page.filled = Some(Filled {
        name: app.name.clone(),
        documentation: app.documentation.clone(),
        version: app.version.clone(),
        read_on: app.read_on.clone(),
        uris: advice::uris(&rendered, &client)
            .into_iter()
            .map(|needed| UriView {
                label: needed.purpose.label(),
                uri: needed.uri,
                registered: needed.registered,
            })
            .collect(),
        hints: advice::hints(app, &client),
        quirks: app.quirks.clone(),
        snippets: rendered.snippets.into_iter().map(SnippetView::from).collect(),
    });
    desk.show(&page)
}

fn choice(app: &App) -> Choice {
    Choice { id: app.id.clone(), name: app.name.clone() }
}
