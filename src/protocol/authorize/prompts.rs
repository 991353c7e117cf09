//! `prompt` (OpenID Connect Core section 3.1.2.1) and `max_age`: how much the person may or must be
//! asked.

use crate::clock::Seconds;
use crate::protocol::error::OAuthError;
use crate::protocol::params::Params;
use crate::protocol::sign_up::SignUp;

/// The values of `prompt` that are honoured, as discovery announces them. `create` (Initiating User
/// Registration 1.0) is among them when people can make their own accounts; that standard wants a
/// value that is not announced answered with `invalid_request`, so that the client learns it at once
/// and no person meets a form that leads nowhere.
#[must_use]
pub fn prompt_values(sign_up: SignUp) -> Vec<&'static str> {
    let mut values = vec!["none", "login", "consent", "select_account"];
    if sign_up == SignUp::Open {
        values.push("create");
    }
    values
}

/// What `prompt` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Prompts {
    pub display: PromptDisplay,
    pub login: Demand,
    pub consent: Demand,
    pub select_account: Demand,
    /// The person wants a new account, which is also a fresh sign-in and the choice of an account.
    pub create: Demand,
}

/// Whether pages may be shown at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PromptDisplay {
    #[default]
    Allowed,
    /// `prompt=none`: answer at once, with an error if a page would be needed.
    Forbidden,
}

/// Whether the client insists on a step that might otherwise be skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Demand {
    #[default]
    IfNeeded,
    Always,
}

impl Prompts {
    pub(super) fn read(params: &Params, sign_up: SignUp) -> Result<Self, OAuthError> {
        let mut prompts = Self::default();
        let values = params.get("prompt")?.unwrap_or_default();
        let mut count = 0;
        for value in values.split(' ').filter(|v| !v.is_empty()) {
            count += 1;
            match value {
                "none" => prompts.display = PromptDisplay::Forbidden,
                "login" => prompts.login = Demand::Always,
                "consent" => prompts.consent = Demand::Always,
                "select_account" => prompts.select_account = Demand::Always,
                "create" if sign_up == SignUp::Open => prompts.create = Demand::Always,
                "create" => {
                    return Err(OAuthError::invalid_request(
                        "prompt=create is not supported: people cannot register here by themselves.",
                    ));
                }
                _ => return Err(OAuthError::invalid_request("prompt has an unsupported value.")),
            }
        }
        if prompts.display == PromptDisplay::Forbidden && count > 1 {
            return Err(OAuthError::invalid_request("prompt=none cannot be combined."));
        }
        Ok(prompts)
    }
}

/// The longest time since the last sign-in that the client accepts.
pub(super) fn max_age(params: &Params) -> Result<Option<Seconds>, OAuthError> {
    let Some(text) = params.get("max_age")? else { return Ok(None) };
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    match text.parse::<Seconds>() {
        Ok(seconds) if digits => Ok(Some(seconds)),
        _ => Err(OAuthError::invalid_request("max_age must be a whole number of seconds.")),
    }
}
