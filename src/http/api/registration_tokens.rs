//! `/api/v1/registration-tokens`: initial access tokens (RFC 7591 section 1.2), with which apps register
//! themselves. What one is, is told when it is made and never again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::call::Call;
use super::reply::{Answer, Reply};
use super::sent;
use super::views::Moment;
use crate::clock::UnixTime;
use crate::service::clients::registration::permissions::{
    self, DAYS, LONGEST_LABEL, NewPermission, USES, USUAL_DAYS, USUAL_USES,
};
use crate::store::clients::registration_tokens::{RegistrationToken, TokenState};

/// A token with which apps register themselves. What it is, nobody can say any more.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RegistrationToken")]
pub(super) struct RegistrationTokenView {
    pub id: String,
    /// Words to remember whom it is for; may be empty.
    pub label: String,
    /// Whether apps can still be registered with it, and if not, why.
    #[schemars(extend("enum" = TokenState::ALL.map(TokenState::as_str)))]
    pub state: String,
    /// Apps that were registered with it.
    pub uses: i64,
    /// Apps that can be registered with it in all.
    pub max_uses: i64,
    pub created_at: Moment,
    pub expires_at: Moment,
    pub revoked_at: Option<Moment>,
}

/// A token to be made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct NewRegistrationToken {
    /// Words to remember whom it is for.
    #[schemars(length(max = LONGEST_LABEL))]
    pub label: String,
    /// Apps that can be registered with it.
    #[schemars(range(min = *USES.start(), max = *USES.end()))]
    pub max_uses: i64,
    /// Days it works.
    #[schemars(range(min = *DAYS.start(), max = *DAYS.end()))]
    pub days: i64,
}

impl Default for NewRegistrationToken {
    fn default() -> Self {
        Self { label: String::new(), max_uses: USUAL_USES, days: USUAL_DAYS }
    }
}

/// A token and what it is, which is shown this once.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct RegistrationTokenOnce {
    #[serde(flatten)]
    pub about: RegistrationTokenView,
    /// The app sends it as a bearer token to the registration endpoint.
    pub token: String,
}

impl RegistrationTokenView {
    /// As it is at `now`.
    fn of(token: RegistrationToken, now: UnixTime) -> Self {
        Self {
            state: token.state(now).as_str().to_owned(),
            id: token.id,
            label: token.label,
            uses: token.uses,
            max_uses: token.max_uses,
            created_at: token.created_at.into(),
            expires_at: token.expires_at.into(),
            revoked_at: token.revoked_at.map(Moment::from),
        }
    }
}

pub(super) async fn list(call: &Call<'_>) -> Answer {
    let (limit, after) = (sent::limit(&call.query)?, sent::cursor(&call.query)?);
    let found = permissions::list(call.site, after.as_deref(), limit + 1).await?;
    let now = call.site.now();
    let row = |token: RegistrationToken| {
        let place = token.id.clone();
        (RegistrationTokenView::of(token, now), place)
    };
    call.page(found.into_iter().map(row).collect(), limit)
}

pub(super) async fn create(call: &Call<'_>) -> Answer {
    let NewRegistrationToken { label, max_uses, days } = sent::parsed(&call.body)?;
    let new = NewPermission { label, days, max_uses };
    let (token, secret) = permissions::create(call.site, new, call.actor()).await?;
    let location = call.address(&["registration-tokens", &token.id]);
    let about = RegistrationTokenView::of(token, call.site.now());
    Reply::created(RegistrationTokenOnce { about, token: secret.expose().to_owned() }, location)
}

pub(super) async fn show(call: &Call<'_>) -> Answer {
    let token = permissions::find(call.site, &call.id).await?;
    Reply::shown(RegistrationTokenView::of(token, call.site.now()))
}

pub(super) async fn revoke(call: &Call<'_>) -> Answer {
    permissions::revoke(call.site, &call.id, call.actor()).await?;
    Reply::done()
}
