//! `/admin/clients/new`: what is being connected, where it is, and the form with what follows from
//! that. Everything is in the address until the form is sent.

use super::app_forms;
use super::desk::{Answer, Desk, Stop};
use crate::http::pages::FieldError;
use crate::http::pages::admin::Section;
use crate::http::pages::admin::client_forms::kind_in_words;
use crate::http::pages::admin::connect::{Choice, SnippetView};
use crate::http::pages::admin::wizard::{Wizard, WizardAddress};
use crate::protocol::client::ClientKind;
use crate::snippets::derive::{self, What};
use crate::snippets::render::{Values, render};
use crate::snippets::{self, App, app_url};

/// Where something that is in no catalogue may be.
const EXAMPLE: &str = "https://app.example.com";

pub(super) fn new(desk: &Desk<'_>) -> Answer {
    let (app, kind) = (desk.asked("app"), desk.asked("kind"));
    let what = match (app.as_str(), kind.as_str()) {
        ("", "") => return choose(desk),
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
    let mut page = WizardAddress {
        chrome: desk.chrome(),
        console: desk.console(Section::Apps),
        what: match what {
            What::App(app) => ("app", app.id.clone()),
            What::Kind(kind) => ("kind", kind.as_str().to_owned()),
        },
        name: match what {
            What::App(app) => app.name.clone(),
            What::Kind(kind) => kind_in_words(kind).to_owned(),
        },
        example: match what {
            What::App(app) => app.example.clone(),
            What::Kind(_) => EXAMPLE.to_owned(),
        },
        url: String::new(),
        quirks: match what {
            What::App(app) => app.quirks.clone(),
            What::Kind(_) => Vec::new(),
        },
        errors: Vec::new(),
    };
    match typed {
        Ok(()) => desk.show(&page),
        Err((url, text)) => {
            page.url = url;
            page.errors = vec![FieldError { field: "url", text }];
            desk.show_again(&page)
        }
    }
}

/// The third step: everything that follows, to be changed and sent.
fn form(desk: &Desk<'_>, what: What<'_>, url: &str) -> Answer {
    let metadata = derive::metadata(what, url);
    let app = match what {
        What::App(app) => app.id.as_str(),
        What::Kind(_) => "",
    };
    desk.show(&app_forms::filled(desk, &metadata, (app, url)))
}

/// What to paste into the app that the form was for, with everything in it: on the page that shows the
/// secret, which is the only one that can.
pub(super) fn settings(desk: &Desk<'_>, client_id: &str, secret: Option<&str>) -> Vec<SnippetView> {
    let Some(app) = snippets::find(&desk.text("app")) else { return Vec::new() };
    let Ok(app_url) = app_url::check(&desk.text("app_url")) else { return Vec::new() };
    let values = Values {
        issuer: desk.site().issuer().to_owned(),
        client_id: client_id.to_owned(),
        client_secret: secret.map(str::to_owned),
        app_url,
    };
    render(app, &values).snippets.into_iter().map(SnippetView::from).collect()
}
