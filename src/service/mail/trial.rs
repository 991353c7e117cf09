//! A test letter: sent while an administrator waits, past the outbox, so that they hear what the mail
//! server makes of it. It holds nobody's words, and only so many leave in a while: it may go to any address.

use crate::app::App;
use crate::clock::Seconds;
use crate::crypto::secret;
use crate::mail::{self, Envelope, Letter, Mailer, Rejection};
use crate::protocol::rights::Right;
use crate::service::audit::{Actor, Caller, Event};
use crate::service::brake::{self, Limit};
use crate::service::failure::Failure;
use crate::service::people::authority::{self, Barred};
use crate::store::{StoreError, audit, users};

/// So many test letters may be sent in [`WINDOW`], by everybody together.
const MOST: i64 = 10;
/// Seconds.
const WINDOW: Seconds = 600;

/// Why no test letter was tried.
#[derive(Debug, thiserror::Error)]
pub enum MailTestError {
    #[error("say to which address, in the format name@example.com")]
    NoAddress,
    #[error("use the format name@example.com")]
    BadAddress,
    #[error("{MOST} test letters were sent in the last {} minutes; wait for as long", WINDOW / 60)]
    TooMany { retry_after: Seconds },
    #[error("your role does not allow this")]
    NotYours,
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<Barred> for MailTestError {
    fn from(barred: Barred) -> Self {
        match barred {
            Barred::NotYours => Self::NotYours,
            Barred::Failure(failure) => Self::Failure(failure),
        }
    }
}

impl From<StoreError> for MailTestError {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}

/// How a test letter fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestResult {
    /// The mail server has taken it. Whether it arrives is that server's to say.
    Sent,
    /// The mail server heard it and will not take it.
    Refused,
    /// It was not heard: nobody answers, the server is busy, or does not accept Doorward.
    Failed,
    /// There is no mail server.
    NotSetUp,
}

impl TestResult {
    pub const ALL: [Self; 4] = [Self::Sent, Self::Refused, Self::Failed, Self::NotSetUp];

    /// The name for programs; stays the same.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::NotSetUp => "not_set_up",
        }
    }
}

/// A test letter and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    /// Where it was to go.
    pub to: String,
    pub result: TestResult,
    /// What happened, in a sentence, with the mail server's own words if it refused.
    pub said: String,
    /// What to do about it.
    pub advice: &'static str,
}

/// Sends a test letter to this address, or to that of whoever asks. It takes as long as `mail.timeout` allows.
///
/// # Errors
/// [`MailTestError`]; a letter that is not taken is none.
pub async fn send_test(
    app: &App,
    to: Option<&str>,
    actor: &Actor,
) -> Result<Tested, MailTestError> {
    let to = match to.map(str::trim).filter(|text| !text.is_empty()) {
        Some(typed) => typed.to_owned(),
        None => own_address(app, actor).await?.ok_or(MailTestError::NoAddress)?,
    };
    let domain = to.rsplit_once('@').map(|(_, domain)| domain).filter(|_| mail::is_address(&to));
    let domain = domain.ok_or(MailTestError::BadAddress)?;
    let limit = Limit { key: "mail-tests", window: WINDOW, most: MOST, scope: "mail_test" };
    if brake::is_passed(app, &limit, &caller(actor)).await? {
        return Err(MailTestError::TooMany { retry_after: WINDOW });
    }
    let mut tx = authority::begin(app, (actor, Right::SettingsWrite)).await?;
    // Before it leaves: no letter goes out that the log does not know of.
    let event = Event::success("mail.tested", actor, app.now()).detail("domain", domain);
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    Ok(Box::pin(send(app, to)).await)
}

/// The address of the account that asks, if it is one and has any.
async fn own_address(app: &App, actor: &Actor) -> Result<Option<String>, StoreError> {
    match actor {
        Actor::Console(id, _) | Actor::Key { owner: id, .. } => {
            let user = users::by_id(&app.store.db, id).await?;
            Ok(user.and_then(|user| user.email))
        }
        _ => Ok(None),
    }
}

fn caller(actor: &Actor) -> Caller {
    match actor {
        Actor::Console(_, caller) | Actor::Service(_, caller) | Actor::Key { caller, .. } => {
            caller.clone()
        }
        _ => Caller::default(),
    }
}

async fn send(app: &App, to: String) -> Tested {
    let Some(mailer) = &app.mail else {
        return Tested {
            to,
            result: TestResult::NotSetUp,
            said: "There is no mail server yet, so nothing was sent.".to_owned(),
            advice: "Set mail.url and mail.from, and start every node anew.",
        };
    };
    let (now, settings) = (app.now(), app.settings());
    let envelope = Envelope {
        to: &to,
        id: &secret::new_id(now),
        at: now,
        product_name: &settings.product_name,
        letter: &Letter::Test { at: now },
    };
    let outcome = mailer.try_out(&envelope).await;
    let (result, said, advice) = match &outcome {
        Ok(()) => {
            let (said, advice) = taken(mailer, &to);
            (TestResult::Sent, said, advice)
        }
        Err(rejection) => {
            let is_final = rejection.is_about_the_letter();
            let result = if is_final { TestResult::Refused } else { TestResult::Failed };
            let words = rejection.said.trim().trim_end_matches('.');
            let advice = match mailer.folder() {
                Some(_) => "Check mail.url, and whether Doorward may write into that directory.",
                None => what_to_do(rejection),
            };
            (result, format!("The letter to {to} was not taken: {words}."), advice)
        }
    };
    app.metrics.email_delivery(result.as_str());
    Tested { to, result, said, advice }
}

/// What is said of a letter that was taken, and where to look for it.
fn taken(mailer: &Mailer, to: &str) -> (String, &'static str) {
    match mailer.folder() {
        Some(folder) => (
            format!("A letter to {to} was written into {}.", folder.display()),
            "Read it there: nothing leaves this machine until mail.url is a mail server.",
        ),
        None => (
            format!("The mail server has taken a letter to {to}."),
            "If it is not there in some minutes, look among the unwanted mail, and into the log of the \
             mail server.",
        ),
    }
}

/// What to do about a letter that was not taken.
fn what_to_do(rejection: &Rejection) -> &'static str {
    match rejection.code {
        _ if rejection.is_about_us() => {
            "The mail server does not accept Doorward: check mail.username, mail.password and \
             mail.starttls, and whether it knows this machine."
        }
        Some(500..=599) => {
            "Try another address. If none is taken, the mail server does not accept what mail.from says, or \
             passes on no mail for this machine."
        }
        Some(_) => {
            "The mail server asks to try later. Letters that wait are sent again by themselves; if this goes \
             on, its log says why."
        }
        None => {
            "Check mail.url and mail.starttls, whether the server runs and a firewall is between, and \
             outbound.extra_ca_file if its certificate comes from an authority of your own."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejection(code: Option<u16>) -> Rejection {
        Rejection { code, said: "no".to_owned() }
    }

    #[test]
    fn what_to_do_depends_on_who_is_refused() {
        for (code, word) in [
            (Some(535), "mail.password"),
            (Some(530), "mail.starttls"),
            (Some(550), "another address"),
            (Some(421), "try later"),
            (None, "mail.url"),
        ] {
            assert!(what_to_do(&rejection(code)).contains(word), "{code:?}");
        }
    }

    #[test]
    fn only_a_reply_about_the_letter_is_final() {
        for (code, is_final) in
            [(Some(550), true), (Some(535), false), (Some(451), false), (None, false)]
        {
            assert_eq!(rejection(code).is_about_the_letter(), is_final, "{code:?}");
        }
    }
}
