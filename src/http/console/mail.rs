//! `/admin/settings/mail`: whether letters leave, by which server, and a test letter.

use actix_web::http::StatusCode;

use super::desk::{Answer, Desk, NOT_YOURS, Stop};
use super::people::sentence;
use crate::config::{MailSettings, MailUrl, StartTls};
use crate::http::pages::FieldError;
use crate::http::pages::admin::Section;
use crate::http::pages::admin::mail::{MailFact, MailPage, MailTested};
use crate::http::render;
use crate::service::jobs;
use crate::service::mail::{self, MailTestError, TestResult, Tested};

pub(super) async fn show(desk: &Desk<'_>) -> Answer {
    desk.show(&page(desk).await?)
}

/// Sends a test letter. The page says what came of it, which is kept nowhere.
pub(super) async fn test(desk: &Desk<'_>) -> Answer {
    let typed = desk.text("to");
    let tested = mail::send_test(desk.site(), Some(&typed), &desk.actor()).await;
    let before = MailPage { to: typed, ..page(desk).await? };
    let problem = match tested {
        Err(MailTestError::TooMany { retry_after }) => {
            let errors = vec![at_address(&MailTestError::TooMany { retry_after })];
            let mut response = desk.show(&MailPage { errors, ..before })?;
            *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
            render::retry_later(&mut response, retry_after);
            return Ok(response);
        }
        Ok(Tested { to, result, said, advice }) => {
            let tested = MailTested { is_sent: result == TestResult::Sent, said, advice };
            return desk.show(&MailPage { to, tested: Some(tested), ..before });
        }
        Err(MailTestError::NotYours) => return Err(Stop::Forbidden(NOT_YOURS)),
        Err(MailTestError::Failure(failure)) => return Err(Stop::Failure(failure)),
        Err(error @ (MailTestError::NoAddress | MailTestError::BadAddress)) => at_address(&error),
    };
    desk.show_again(&MailPage { errors: vec![problem], ..before })
}

fn at_address(error: &MailTestError) -> FieldError {
    FieldError { field: "to", text: sentence(&error.to_string()) }
}

async fn page(desk: &Desk<'_>) -> Result<MailPage, Stop> {
    Ok(MailPage {
        chrome: desk.chrome(),
        console: desk.console(Section::Settings),
        facts: facts(desk),
        waiting: jobs::waiting_letters(desk.site()).await?,
        to: desk.admin().email.clone().unwrap_or_default(),
        tested: None,
        errors: Vec::new(),
    })
}

/// The mail server as it is set up; nothing when there is none.
fn facts(desk: &Desk<'_>) -> Vec<MailFact> {
    let config = &desk.site().config;
    let MailSettings { url, starttls, username, password, from, reply_to, timeout } = &config.mail;
    let Some(url) = url else { return Vec::new() };
    let (label, is_server) = match url {
        MailUrl::Server(_) => ("Server", true),
        MailUrl::Folder(_) => ("Directory", false),
    };
    let starttls = match starttls {
        StartTls::Auto => "auto",
        StartTls::Required => "required",
        StartTls::Never => "never",
    };
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let is_set = if password.is_some() { "set, not shown" } else { "" };
    let known = [
        ("mail.url", label, String::from(url.clone())),
        ("mail.starttls", "STARTTLS", starttls.to_owned()),
        ("mail.username", "Signs in as", text(username)),
        ("mail.password", "Password", is_set.to_owned()),
        ("mail.from", "From", text(from)),
        ("mail.reply_to", "Answers go to", text(reply_to)),
        ("mail.timeout", "Most seconds for a letter", timeout.to_string()),
    ];
    let fact = |(key, label, value): (&'static str, &'static str, String)| MailFact {
        key,
        label,
        value,
        origin: config.origin(key).to_string(),
    };
    // A directory asks for no name, and is not on the network.
    let all = ["mail.url", "mail.from", "mail.reply_to"];
    known.into_iter().filter(|(key, ..)| is_server || all.contains(key)).map(fact).collect()
}
