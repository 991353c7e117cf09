//! Whether the issuer answers, as everybody outside asks it, and says what this configuration says; and
//! whether it was another one before.

use serde_json::Value;

use super::Finding;
use crate::app::App;
use crate::outbound::own::{self, Answer, NoAnswer};
use crate::service::{published, served_issuers};

const NAME: &str = "issuer";

/// Asks for the metadata document of the issuer, once.
pub(super) async fn ask(app: &App) -> Result<Answer, NoAnswer> {
    own::ask(&app.config.issuer.join("/.well-known/openid-configuration"), &app.config.outbound)
        .await
}

pub(super) fn check(app: &App, seen: &Result<Answer, NoAnswer>) -> Finding {
    let issuer = app.issuer();
    match seen {
        Err(NoAnswer::Nobody(why)) => Finding::warning(
            NAME,
            format!(
                "nobody answers at {issuer} ({why}); start the server, and look at DNS, firewall and proxy"
            ),
        ),
        Err(NoAnswer::Untrusted(why)) => Finding::failure(
            NAME,
            format!(
                "the certificate at {issuer} is not trusted ({why}), and apps refuse it as well; renew it, send \
                 the whole chain, or name your own authority in outbound.extra_ca_file"
            ),
        ),
        Err(NoAnswer::Broken(why)) => Finding::failure(
            NAME,
            format!("{issuer} does not answer as it should ({why}); look at the proxy"),
        ),
        Ok(answer) => compare(app, answer),
    }
}

fn compare(app: &App, answer: &Answer) -> Finding {
    let issuer = app.issuer();
    if answer.status != 200 {
        let to = answer.location.as_ref().map(|to| format!(", which leads to {to}"));
        let text = format!(
            "{issuer} answers with {}{}; the proxy must pass every path on as it is, and issuer must be the \
             address people end up at",
            answer.status,
            to.unwrap_or_default()
        );
        return Finding::failure(NAME, text);
    }
    let sign_up = app.settings().sign_up.mode;
    if answer.body == published::metadata(app, sign_up).as_bytes() {
        return Finding::fine(NAME, "answers, byte for byte as configured");
    }
    let document: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    match document.get("issuer").and_then(Value::as_str) {
        Some(found) if found == issuer => Finding::warning(
            NAME,
            format!(
                "{issuer} answers, with another document than this configuration makes: the server runs with \
                 other settings or another version; restart it, or run this command with its settings"
            ),
        ),
        Some(found) => Finding::failure(
            NAME,
            format!(
                "the server at {issuer} calls itself {found}; set issuer to the address that apps use, the \
                 same for the server and this command"
            ),
        ),
        None => Finding::failure(
            NAME,
            format!(
                "what answers at {issuer} is not Doorward; let the proxy pass requests on to it"
            ),
        ),
    }
}

/// Whether this database was served with another issuer until lately.
pub(super) async fn change(app: &App) -> Finding {
    let name = "issuer-change";
    match served_issuers::changed(app).await {
        Ok(None) => Finding::fine(name, "none of late"),
        Ok(Some(changed)) => {
            let (issuer, former) = (app.issuer(), &changed.former);
            let (advice, until) = (served_issuers::ADVICE, changed.until.rfc3339());
            let text = format!(
                "this database was served as {former} before, and now as {issuer}: {advice}. Otherwise there is \
                 nothing to confirm; this is told until {until}"
            );
            Finding::warning(name, text)
        }
        Err(error) => Finding::failure(name, error.to_string()),
    }
}
