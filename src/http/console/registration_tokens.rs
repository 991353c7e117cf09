//! `/admin/registration-tokens`: initial access tokens (RFC 7591 section 1.2), with which apps register
//! themselves.

use super::desk::{Answer, Desk, NOT_YOURS, Stop};
use super::people::sentence;
use super::rows;
use super::table::TokenAction;
use crate::http::pages::admin::confirm::Confirm;
use crate::http::pages::admin::registration_tokens::{
    RegistrationTokenCreate, RegistrationTokenForm, RegistrationTokenOnce, RegistrationTokenRow,
    RegistrationTokensList,
};
use crate::http::pages::admin::{Section, path_below};
use crate::http::pages::{FieldError, When};
use crate::protocol::discovery::path;
use crate::service::clients::registration::permissions::{
    self, NewPermission, PermissionError, USUAL_DAYS, USUAL_USES,
};
use crate::store::clients::registration_tokens::{RegistrationToken, TokenState};

/// What somebody is told who comes too late.
const NO_MORE: &str = "This token works no more.";

/// Does what an address below `/admin/registration-tokens` stands for.
pub(super) async fn act(desk: &Desk<'_>, step: TokenAction) -> Answer {
    match step {
        TokenAction::List => list(desk).await,
        TokenAction::New => new(desk),
        TokenAction::Create => create(desk).await,
        TokenAction::AskRevoke => ask_revoke(desk).await,
        TokenAction::Revoke => revoke(desk).await,
    }
}

async fn list(desk: &Desk<'_>) -> Answer {
    let after = desk.asked("after");
    let place = Some(after.as_str()).filter(|after| !after.is_empty());
    let found = permissions::list(desk.site(), place, desk.page_size().asked()).await?;
    let (found, paging) = rows::page(found, desk.page_size(), |token| token.id.clone());
    let now = desk.site().now();
    let row = |token: RegistrationToken| RegistrationTokenRow {
        state: token.state(now),
        id: token.id,
        label: token.label,
        uses: token.uses,
        max_uses: token.max_uses,
        created: When::ago(token.created_at, now),
        expires: When::at(token.expires_at),
    };
    desk.show(&RegistrationTokensList {
        chrome: desk.chrome(),
        console: desk.console(Section::Apps),
        mode: desk.site().config.registration.mode,
        rows: found.into_iter().map(row).collect(),
        paging,
    })
}

fn new(desk: &Desk<'_>) -> Answer {
    let form = RegistrationTokenForm {
        label: String::new(),
        max_uses: USUAL_USES.to_string(),
        days: USUAL_DAYS.to_string(),
    };
    desk.show(&page(desk, form, Vec::new()))
}

fn page(
    desk: &Desk<'_>,
    form: RegistrationTokenForm,
    errors: Vec<FieldError>,
) -> RegistrationTokenCreate {
    let (chrome, console) = (desk.chrome(), desk.console(Section::Apps));
    let mode = desk.site().config.registration.mode;
    RegistrationTokenCreate { chrome, console, mode, form, errors }
}

async fn create(desk: &Desk<'_>) -> Answer {
    let form = RegistrationTokenForm {
        label: desk.text("label"),
        max_uses: desk.text("max_uses"),
        days: desk.text("days"),
    };
    let new = NewPermission {
        label: form.label.clone(),
        days: number(&form.days),
        max_uses: number(&form.max_uses),
    };
    match permissions::create(desk.site(), new, &desk.actor()).await {
        Ok((token, secret)) => {
            let endpoint = format!("{}{}", desk.site().issuer(), path::REGISTER);
            desk.show(&RegistrationTokenOnce {
                chrome: desk.chrome(),
                console: desk.console(Section::Apps),
                mode: desk.site().config.registration.mode,
                example: example(&endpoint, secret.expose()),
                token: secret.expose().to_owned(),
                endpoint,
                max_uses: token.max_uses,
                expires: When::at(token.expires_at),
            })
        }
        Err(error) => {
            let errors = vec![at_field(error)?];
            desk.show_again(&page(desk, form, errors))
        }
    }
}

/// What is no number is no number of apps or days that there is either.
fn number(typed: &str) -> i64 {
    typed.trim().parse::<u32>().map_or(0, i64::from)
}

/// A command that registers an app.
fn example(endpoint: &str, secret: &str) -> String {
    format!(
        "curl -H 'Authorization: Bearer {secret}' \\\n    -H 'Content-Type: application/json' \\\n    \
         -d '{{\"client_name\": \"My app\", \"redirect_uris\": [\"https://app.example.com/callback\"]}}' \
         \\\n    '{endpoint}'"
    )
}

/// What the form can mend of an error.
fn at_field(error: PermissionError) -> Result<FieldError, Stop> {
    let field = match &error {
        PermissionError::BadLabel => "label",
        PermissionError::BadUses => "max_uses",
        PermissionError::BadDays => "days",
        PermissionError::NotFound | PermissionError::NotYours | PermissionError::Failure(_) => {
            return Err(stop(error));
        }
    };
    Ok(FieldError { field, text: sentence(&error.to_string()) })
}

fn stop(error: PermissionError) -> Stop {
    match error {
        PermissionError::Failure(failure) => Stop::Failure(failure),
        PermissionError::NotYours => Stop::Forbidden(NOT_YOURS),
        PermissionError::NotFound
        | PermissionError::BadLabel
        | PermissionError::BadUses
        | PermissionError::BadDays => Stop::NotFound,
    }
}

/// How a token is named, where one without a label is called `plainly`.
fn name<'a>(token: &'a RegistrationToken, plainly: &'a str) -> &'a str {
    if token.label.is_empty() { plainly } else { &token.label }
}

async fn ask_revoke(desk: &Desk<'_>) -> Answer {
    let token = permissions::find(desk.site(), &desk.id).await.map_err(stop)?;
    if token.state(desk.site().now()) != TokenState::Works {
        return desk.refused(NO_MORE, &list_path(desk));
    }
    let (name, below) = (name(&token, "this token"), "/admin/registration-tokens/");
    desk.show(&Confirm {
        chrome: desk.chrome(),
        console: desk.console(Section::Apps),
        heading: format!("Revoke {name}?"),
        effects: vec![
            format!(
                "No app can be registered with it any more. The {} of {} that were stay as they are.",
                token.uses, token.max_uses
            ),
            "It cannot be undone. Make a new token instead.".to_owned(),
        ],
        action: format!("{}/revoke", path_below(&desk.site().base, below, &token.id)),
        hidden: Vec::new(),
        choices: Vec::new(),
        button: format!("Revoke {name}"),
        cancel: list_path(desk),
    })
}

async fn revoke(desk: &Desk<'_>) -> Answer {
    // One that never was is another matter than one that works no more.
    let token = permissions::find(desk.site(), &desk.id).await.map_err(stop)?;
    match permissions::revoke(desk.site(), &token.id, &desk.actor()).await {
        Ok(token) => {
            let text = format!("{} is revoked.", name(&token, "The token"));
            desk.done(text, &list_path(desk))
        }
        Err(PermissionError::NotFound) => desk.refused(NO_MORE, &list_path(desk)),
        Err(other) => Err(stop(other)),
    }
}

fn list_path(desk: &Desk<'_>) -> String {
    desk.site().path("/admin/registration-tokens")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_is_none_that_is_allowed() {
        assert_eq!((number(" 20 "), number("366")), (20, 366));
        for odd in ["", "x", "-1", "1.5", "99999999999999999999"] {
            assert_eq!(number(odd), 0, "{odd}");
        }
    }

    #[test]
    fn the_command_is_one_that_a_shell_reads_whole() {
        let command = example("https://id.test/oauth2/register", "s3cret");
        assert!(
            command.starts_with("curl -H 'Authorization: Bearer s3cret' \\\n    -H 'Content-Type")
        );
        assert!(command.ends_with("\\\n    'https://id.test/oauth2/register'"), "{command}");
        assert_eq!(command.matches('\'').count() % 2, 0, "{command}");
    }
}
