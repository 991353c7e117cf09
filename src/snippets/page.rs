//! `docs/apps.md`, written from the files so that it cannot lie.

use std::fmt::Write as _;

use super::app::App;
use super::render::{Values, render};

const HEAD: &str = "\
# Apps

<!-- Made by `doorward client snippet --markdown > docs/apps.md`. Do not edit. -->

How to connect apps that many people run. The console has the same under **Connect** on the page of
each app, with the values of your own filled in, and so has the command line:

```sh
doorward client snippet
doorward client snippet grafana --client-id grafana --app-url https://grafana.example.com
```

Below, Doorward is at `https://id.example.com`. Put the secret that was shown when the client was made
where `YOUR_CLIENT_SECRET` stands. The facts were read on the day given in public documentation: the
app's own, which is linked, or guides to connecting it. Where a test of Doorward signs in with it, that is
said; the others were not tried. What is in quotes in lists of variables (`NAME='value'`) is read by a
shell, by Compose and by systemd; `docker run --env-file` wants no quotes.
";

/// The page of all apps, in Markdown.
#[must_use]
pub fn markdown(apps: &[App]) -> String {
    let mut page = HEAD.to_owned();
    for app in apps {
        describe(&mut page, app);
    }
    page
}

// Writing to a string cannot fail.
fn describe(page: &mut String, app: &App) {
    let values = Values {
        issuer: "https://id.example.com".to_owned(),
        client_id: app.id.clone(),
        client_secret: None,
        app_url: app.example.clone(),
    };
    let rendered = render(app, &values);
    let _ = write!(page, "\n## {}\n\n", app.name);
    let _ = writeln!(page, "| | |\n|---|---|\n| kind | `{}` |", app.kind.as_str());
    for (label, uris) in [
        ("redirect URI", &rendered.redirect_uris),
        ("address after sign-out", &rendered.post_logout_redirect_uris),
    ] {
        for uri in uris {
            let _ = writeln!(page, "| {label} | `{uri}` |");
        }
    }
    if let Some(uri) = &rendered.backchannel_logout_uri {
        let _ = writeln!(page, "| address told of sign-outs | `{uri}` |");
    }
    let _ = writeln!(page, "| scopes | `{}` |", app.scopes.join(" "));
    if app.claims_in_id_token {
        page.push_str("| details in the ID token | yes (`claims_in`: `id_token_too`) |\n");
    }
    let (documentation, read_on) = (&app.documentation, &app.read_on);
    let _ = writeln!(page, "| facts from | [{}]({documentation}), {read_on} |\n", app.version);
    for quirk in &app.quirks {
        let _ = writeln!(page, "- {quirk}");
    }
    for snippet in &rendered.snippets {
        let language = snippet.language.as_str();
        let _ = write!(page, "\n{}:\n\n```{language}\n{}\n```\n", snippet.place, snippet.text);
    }
}
