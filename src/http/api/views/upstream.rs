//! What the REST API shows and takes of providers elsewhere. A secret is taken and never shown.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Moment, without_defaults};
use crate::crypto::secret::Secret;
use crate::protocol::check::{Check, Verdict};
use crate::protocol::scope::Scopes;
use crate::protocol::upstream::{ClaimNames, UpstreamAuth};
use crate::service::upstream::preview::Line;
use crate::service::upstream::{
    NewUpstream, UpstreamChange, UpstreamKind, UpstreamProvider, UpstreamSettings, verdict,
};

/// A provider elsewhere at which people have an account. Nobody signs in with one yet.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "UpstreamProvider")]
pub(in crate::http::api) struct UpstreamView {
    /// Stays the same for ever.
    pub id: String,
    /// Its short name, which stays the same.
    pub slug: String,
    pub kind: UpstreamKind,
    /// `iss` of its ID tokens, compared byte for byte; it stays the same.
    pub issuer: String,
    pub display_name: String,
    pub client_id: String,
    pub token_endpoint_auth_method: UpstreamAuth,
    /// What is asked for.
    pub scope: Scopes,
    pub claims: ClaimNames,
    /// Whether an address that it says is verified counts as verified here.
    pub trusts_email: bool,
    pub disabled: bool,
    pub created_at: Moment,
}

impl From<&UpstreamProvider> for UpstreamView {
    fn from(provider: &UpstreamProvider) -> Self {
        let UpstreamSettings { token_endpoint_auth_method, scope, claims, trusts_email } =
            provider.settings.clone();
        Self {
            id: provider.id.clone(),
            slug: provider.slug.clone(),
            kind: provider.kind,
            issuer: provider.issuer.clone(),
            display_name: provider.display_name.clone(),
            client_id: provider.client_id.clone(),
            token_endpoint_auth_method,
            scope,
            claims,
            trusts_email,
            disabled: provider.disabled_at.is_some(),
            created_at: provider.created_at.into(),
        }
    }
}

/// A provider being added.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http::api) struct NewUpstreamProvider {
    /// 1 to 32 small letters, digits and dashes; it stays the same.
    pub slug: String,
    #[serde(default)]
    pub kind: UpstreamKind,
    /// An https address, exactly as the provider says it; it stays the same.
    pub issuer: String,
    /// What people will see; 1 to 64 characters.
    pub display_name: String,
    /// What Doorward is there; 1 to 512 ASCII characters, as for the secret.
    pub client_id: String,
    /// It is kept sealed and never shown.
    pub client_secret: String,
    #[serde(default)]
    pub token_endpoint_auth_method: UpstreamAuth,
    /// What is asked for, `openid` among it; `openid profile email` without.
    #[serde(default = "usual_scope")]
    pub scope: Scopes,
    #[serde(default)]
    pub claims: ClaimNames,
    #[serde(default)]
    pub trusts_email: bool,
}

fn usual_scope() -> Scopes {
    UpstreamSettings::default().scope
}

impl From<NewUpstreamProvider> for NewUpstream {
    fn from(new: NewUpstreamProvider) -> Self {
        Self {
            slug: new.slug,
            kind: new.kind,
            issuer: new.issuer,
            display_name: new.display_name,
            client_id: new.client_id,
            settings: UpstreamSettings {
                token_endpoint_auth_method: new.token_endpoint_auth_method,
                scope: new.scope,
                claims: new.claims,
                trusts_email: new.trusts_email,
            },
            secret: Secret::from_text(new.client_secret),
        }
    }
}

/// What of a provider can be changed: members that are not there stay as they are, null gives back what
/// is usual (RFC 7396).
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "UpstreamProviderChange", transform = without_defaults)]
pub(in crate::http::api) struct UpstreamChanges {
    #[schemars(with = "String")]
    pub display_name: Option<String>,
    #[schemars(with = "String")]
    pub client_id: Option<String>,
    /// Another secret, in place of the one it has.
    #[schemars(with = "String")]
    pub client_secret: Option<String>,
    pub token_endpoint_auth_method: Option<UpstreamAuth>,
    pub scope: Option<Scopes>,
    pub claims: Option<ClaimChanges>,
    pub trusts_email: Option<bool>,
}

/// Which names of claims change.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = without_defaults)]
pub(in crate::http::api) struct ClaimChanges {
    pub username: Option<String>,
    pub name: Option<String>,
    pub email: Option<String>,
    pub groups: Option<String>,
}

/// Everything that can be changed of a provider, as it is and as it becomes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http::api) struct UpstreamState {
    display_name: String,
    client_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    #[serde(default)]
    token_endpoint_auth_method: UpstreamAuth,
    #[serde(default = "usual_scope")]
    scope: Scopes,
    #[serde(default)]
    claims: ClaimNames,
    #[serde(default)]
    trusts_email: bool,
}

impl From<&UpstreamProvider> for UpstreamState {
    fn from(provider: &UpstreamProvider) -> Self {
        let UpstreamSettings { token_endpoint_auth_method, scope, claims, trusts_email } =
            provider.settings.clone();
        Self {
            display_name: provider.display_name.clone(),
            client_id: provider.client_id.clone(),
            client_secret: None,
            token_endpoint_auth_method,
            scope,
            claims,
            trusts_email,
        }
    }
}

impl From<UpstreamState> for UpstreamChange {
    fn from(state: UpstreamState) -> Self {
        Self {
            display_name: state.display_name,
            client_id: state.client_id,
            settings: UpstreamSettings {
                token_endpoint_auth_method: state.token_endpoint_auth_method,
                scope: state.scope,
                claims: state.claims,
                trusts_email: state.trusts_email,
            },
            secret: state.client_secret.map(Secret::from_text),
        }
    }
}

/// What a test of the connection found.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http::api) struct Examination {
    /// The worst of the checks.
    pub verdict: Verdict,
    pub checks: Vec<CheckView>,
}

/// One thing that was looked at.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Check")]
pub(in crate::http::api) struct CheckView {
    /// What it is, in a word or two.
    pub about: String,
    pub verdict: Verdict,
    /// What was found, and what to do if it is not good.
    pub said: String,
}

impl From<Vec<Check>> for Examination {
    fn from(checks: Vec<Check>) -> Self {
        let verdict = verdict(&checks);
        let view = |check: Check| CheckView {
            about: check.about.to_owned(),
            verdict: check.verdict,
            said: check.said,
        };
        Self { verdict, checks: checks.into_iter().map(view).collect() }
    }
}

/// The claims that a provider would send of somebody, as they stand in its ID token.
#[derive(Debug, Deserialize, JsonSchema)]
pub(in crate::http::api) struct SampleClaims(pub Map<String, Value>);

/// What somebody would look like here who came with certain claims.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http::api) struct PersonPreview {
    pub lines: Vec<PersonLine>,
}

/// One thing that would be known of them.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http::api) struct PersonLine {
    /// What it is, in a word or two.
    pub about: String,
    /// The claim it comes from; null where no claim is read for it.
    pub claim: Option<String>,
    /// What it would be here: several for groups alone, none where there is nothing that can be taken.
    pub values: Vec<String>,
    /// What is to be said of it: sentences, or nothing.
    pub note: String,
}

impl From<Vec<Line>> for PersonPreview {
    fn from(lines: Vec<Line>) -> Self {
        let line = |line: Line| PersonLine {
            about: line.about.to_owned(),
            claim: Some(line.claim).filter(|claim| !claim.is_empty()),
            values: line.values,
            note: line.note,
        };
        Self { lines: lines.into_iter().map(line).collect() }
    }
}
