//! A sign-in with a temporary password: it makes no session. What it has proved travels sealed in the page on
//! which the person chooses another password, and that page leads on.

use serde::{Deserialize, Serialize};

use super::{Entered, SignInError, enter, judge_findings};
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

    fn footing(&self) -> Footing {
        Footing { token_version: self.token_version, sign_in_epoch: self.sign_in_epoch }
    }
}

/// Sets the password that the person has chosen, and makes the session that the temporary one did not.
///
/// # Errors
/// [`ChangeError`]; a refused password changes nothing.
pub async fn choose(
    app: &App,
    (proof, password): (&Proof, String),
    browser: (&Accounts, Newcomer),
    caller: &Caller,
) -> Result<Established, ChangeError> {
    let found = users::with_password(&app.store.db, &proof.username).await;
    let found = found.map_err(|error| SignInError::Failure(error.into()))?;
    let found = found.filter(|found| found.user.id == proof.user).ok_or(ChangeError::Over)?;
    // Whoever may not come in like this does not choose a password like this.
    let history = History::of(found.signed_in_at);
    let findings = judge_findings(app, (&proof.user, history), proof.failures, caller).await?;
    let (user, footing) = (&proof.user, proof.footing());
    let proven = Proven { user: &found.user, footing, password: &proof.password };
    temporary::replace(app, &proven, password, caller).await?;
    let remember = if proof.stay { Remember::OnThisDevice } else { Remember::ThisVisit };
    let entered = Entered { user, footing, remember, findings };
    Ok(enter(app, (entered, None), browser, caller).await?)
}
