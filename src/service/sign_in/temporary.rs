//! A sign-in with a temporary password: it makes no session. What it has proved travels sealed in the page on
//! which the person chooses another password, and that page leads on.

use serde::{Deserialize, Serialize};

use super::{
    Credentials, Entered, Entry, SignInError, enter, judge_findings, second_click, with_password,
};
use crate::app::App;
use crate::crypto::secret::SecretHash;
use crate::protocol::password_policy::PasswordRefusal;
use crate::protocol::risk::History;
use crate::protocol::types::UserId;
use crate::protocol::user::Footing;
use crate::service::audit::Caller;
use crate::service::people::temporary::{self, Proven, ReplaceError};
use crate::service::session::accounts::{Accounts, Newcomer};
use crate::service::session::{Established, Remember};
use crate::store::users::{self, Login};

/// That somebody knew a person's temporary password. Whoever holds it in clear may choose that person's next
/// one: it leaves the server only inside a sealed flow, which one browser can send back for ten minutes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    user: UserId,
    /// As the form shows it.
    pub username: String,
    /// Of the stored hash: the proof is about this password and about no later one.
    password: SecretHash,
    token_version: i64,
    sign_in_epoch: i64,
    /// Whether the person wants to stay signed in on this device.
    stay: bool,
    /// Wrong passwords in the hour before.
    failures: i64,
}

/// Why no session came of a temporary password.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error("{0}")]
    Password(PasswordRefusal),
    /// The proof counts no more.
    #[error("the temporary password counts no more")]
    Over,
    #[error(transparent)]
    SignIn(#[from] SignInError),
}

impl From<ReplaceError> for ChangeError {
    fn from(error: ReplaceError) -> Self {
        match error {
            ReplaceError::Password(refusal) => Self::Password(refusal),
            ReplaceError::Over => Self::Over,
            ReplaceError::Failure(failure) => Self::SignIn(failure.into()),
        }
    }
}

impl Proof {
    /// What is proven of somebody whose password is a temporary one; `None` if it is their own.
    pub(super) fn of(found: &Login, (remember, failures): (Remember, i64)) -> Option<Self> {
        found.temporary_until?;
        Some(Self {
            user: found.user.id.clone(),
            username: found.user.username.clone(),
            password: SecretHash::of(found.phc.as_deref()?),
            token_version: found.footing.token_version,
            sign_in_epoch: found.footing.sign_in_epoch,
            stay: remember == Remember::OnThisDevice,
            failures,
        })
    }

    fn remember(&self) -> Remember {
        if self.stay { Remember::OnThisDevice } else { Remember::ThisVisit }
    }

    fn footing(&self) -> Footing {
        Footing { token_version: self.token_version, sign_in_epoch: self.sign_in_epoch }
    }
}

/// What somebody has chosen.
pub struct Choice<'a> {
    pub proof: &'a Proof,
    pub password: String,
    /// The page that it was typed on (`Flow::page`): a second click on its button leads to the same session.
    pub page: Option<&'a str>,
}

/// Which of the clicks on the button of one page this was.
enum Turn {
    First,
    /// Another one has set the password meanwhile.
    Later,
}

/// Sets the password that the person has chosen, and makes the session that the temporary one did not. A second
/// click on the same page finds the password set: it is a sign-in with that one, if it is what was typed.
///
/// # Errors
/// [`ChangeError`]; a refused password changes nothing.
pub async fn choose(
    app: &App,
    choice: Choice<'_>,
    browser: (&Accounts, Newcomer),
    caller: &Caller,
) -> Result<Established, ChangeError> {
    let Choice { proof, page, .. } = choice;
    let found = users::with_password(&app.store.db, &proof.username).await;
    let found = found.map_err(|error| SignInError::Failure(error.into()))?;
    let found = found.filter(|found| found.user.id == proof.user).ok_or(ChangeError::Over)?;
    // Whoever may not come in like this does not choose a password like this.
    let history = History::of(found.signed_in_at);
    let findings = judge_findings(app, (&proof.user, history), proof.failures, caller).await?;
    let (user, footing) = (&proof.user, proof.footing());
    let proven = Proven { user: &found.user, footing, password: &proof.password };
    match set(app, (&proven, &choice), caller).await? {
        Turn::First => {
            let entered = Entered { user, footing, remember: proof.remember(), findings };
            Ok(enter(app, (entered, page), browser, caller).await?)
        }
        Turn::Later => Box::pin(again(app, choice, browser, caller)).await,
    }
}

/// Sets the password, unless another click on the same page has.
async fn set(
    app: &App,
    (proven, choice): (&Proven<'_>, &Choice<'_>),
    caller: &Caller,
) -> Result<Turn, ReplaceError> {
    let page = choice.page;
    let replacement = match temporary::prepare(app, proven, choice.password.clone()).await {
        Ok(replacement) => replacement,
        Err(ReplaceError::Over) if second_click::has_changed(app, page).await => {
            return Ok(Turn::Later);
        }
        Err(error) => return Err(error),
    };
    second_click::note_change(app, page).await;
    match temporary::replace(app, proven, &replacement, caller).await {
        Ok(()) => Ok(Turn::First),
        Err(ReplaceError::Over) if second_click::was_overtaken(app, page).await => Ok(Turn::Later),
        Err(error) => Err(error),
    }
}

/// Signs in with the password that another click on the page has set, under all the limits of a sign-in.
async fn again(
    app: &App,
    choice: Choice<'_>,
    browser: (&Accounts, Newcomer),
    caller: &Caller,
) -> Result<Established, ChangeError> {
    let Choice { proof, password, page } = choice;
    let credentials = Credentials {
        username: proof.username.clone(),
        password,
        remember: proof.remember(),
        page: page.map(str::to_owned),
    };
    match with_password(app, credentials, browser, caller).await {
        Ok(Entry::Session(made)) => Ok(*made),
        // It is not the one that was chosen, or not any more.
        Ok(Entry::MustChoose(_)) | Err(SignInError::Wrong | SignInError::Unusable(_)) => {
            Err(ChangeError::Over)
        }
        Err(error) => Err(error.into()),
    }
}
