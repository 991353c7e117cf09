//! What the REST API shows and takes of what is outside: issuers that are trusted, and endpoints that are
//! told what happens here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Moment, without_defaults};
use crate::clock::{Seconds, UnixTime};
use crate::protocol::scope::Scopes;
use crate::protocol::token::trusted_issuer::{
    self, IssuerSettings, LONGEST_ISSUER, LONGEST_LIFETIME, MOST_RULES, Reuse, Rule,
    SHORTEST_LIFETIME, TrustedIssuer, default_max_lifetime,
};
use crate::service::webhooks::{self, MOST_EVENTS, Outcome, Webhook, host_of};
use crate::store::webhooks::deliveries::{Delivered, State};

/// An issuer outside whose tokens count here.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Issuer")]
pub(in crate::http::api) struct IssuerView {
    /// What administrators call it; it stays the same.
    pub name: String,
    /// `iss` of its tokens.
    pub issuer: String,
    pub jwks: Option<Value>,
    pub jwks_uri: Option<String>,
    pub audience: Vec<String>,
    pub scope: Option<Scopes>,
    pub max_lifetime: Seconds,
    pub reuse: Reuse,
    pub rules: Vec<Rule>,
    pub disabled: bool,
    pub created_at: Moment,
}

impl From<TrustedIssuer> for IssuerView {
    fn from(issuer: TrustedIssuer) -> Self {
        let IssuerSettings { jwks, jwks_uri, audience, scope, max_lifetime, reuse, rules } =
            issuer.settings;
        Self {
            name: issuer.name,
            issuer: issuer.issuer,
            jwks,
            jwks_uri,
            audience,
            scope,
            max_lifetime,
            reuse,
            rules,
            disabled: issuer.disabled_at.is_some(),
            created_at: issuer.created_at.into(),
        }
    }
}

/// An issuer that is to be trusted.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http::api) struct NewIssuer {
    /// Letters, digits, `-`, `_` or `.`.
    #[schemars(length(min = 1, max = trusted_issuer::LONGEST_NAME))]
    pub name: String,
    /// `iss` of its tokens, compared byte for byte.
    #[schemars(length(min = 1, max = LONGEST_ISSUER))]
    pub issuer: String,
    /// Its keys by value, a JWK Set; never together with `jwks_uri`.
    #[serde(default)]
    pub jwks: Option<Value>,
    /// Where it publishes its keys.
    #[serde(default)]
    pub jwks_uri: Option<String>,
    /// Values of `aud` that are accepted beside this provider's issuer and token endpoint.
    #[serde(default)]
    pub audience: Vec<String>,
    /// The most anybody gets on its word; null for what the client may have.
    #[serde(default)]
    pub scope: Option<Scopes>,
    /// The longest that a token of it may still be good for, in seconds.
    #[serde(default = "default_max_lifetime")]
    #[schemars(range(min = SHORTEST_LIFETIME, max = LONGEST_LIFETIME))]
    pub max_lifetime: Seconds,
    #[serde(default)]
    pub reuse: Reuse,
    /// Which clients may bring which of its tokens.
    #[schemars(length(min = 1, max = MOST_RULES))]
    pub rules: Vec<Rule>,
}

impl From<NewIssuer> for TrustedIssuer {
    fn from(new: NewIssuer) -> Self {
        let NewIssuer { jwks, jwks_uri, audience, scope, max_lifetime, reuse, rules, .. } = new;
        Self {
            name: new.name,
            issuer: new.issuer,
            settings: IssuerSettings {
                jwks,
                jwks_uri,
                audience,
                scope,
                max_lifetime,
                reuse,
                rules,
            },
            created_at: UnixTime::default(),
            disabled_at: None,
        }
    }
}

impl From<TrustedIssuer> for NewIssuer {
    fn from(issuer: TrustedIssuer) -> Self {
        let IssuerSettings { jwks, jwks_uri, audience, scope, max_lifetime, reuse, rules } =
            issuer.settings;
        let TrustedIssuer { name, issuer, .. } = issuer;
        Self { name, issuer, jwks, jwks_uri, audience, scope, max_lifetime, reuse, rules }
    }
}

/// What of a trusted issuer can be changed: members that are not there stay as they are, null gives
/// back what is usual (RFC 7396).
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = without_defaults)]
pub(in crate::http::api) struct IssuerChange {
    #[schemars(with = "String", length(min = 1, max = LONGEST_ISSUER))]
    pub issuer: Option<String>,
    pub jwks: Option<Value>,
    pub jwks_uri: Option<String>,
    pub audience: Option<Vec<String>>,
    pub scope: Option<Scopes>,
    #[schemars(range(min = SHORTEST_LIFETIME, max = LONGEST_LIFETIME))]
    pub max_lifetime: Option<Seconds>,
    pub reuse: Option<Reuse>,
    #[schemars(with = "Vec<Rule>", length(min = 1, max = MOST_RULES))]
    pub rules: Option<Vec<Rule>>,
}

/// An endpoint that is told what happens here.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Webhook")]
pub(in crate::http::api) struct WebhookView {
    pub id: String,
    pub name: String,
    /// Shown to those who may change it, and null for others: it may hold a secret.
    pub url: Option<String>,
    /// The host of `url`, with its port where it has one.
    pub host: String,
    /// Kinds of audit events, areas such as `user.*`, or `*`.
    pub events: Vec<String>,
    pub disabled: bool,
    /// Since when no message has arrived; null when the last one did.
    pub failing_since: Option<Moment>,
    pub created_at: Moment,
}

/// How much of an endpoint somebody sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http::api) enum Sight {
    Everything,
    /// Without the address, of which the host is enough to know where it is.
    Host,
}

impl WebhookView {
    pub(in crate::http::api) fn of(webhook: &Webhook, sight: Sight) -> Self {
        Self {
            id: webhook.id.clone(),
            name: webhook.name.clone(),
            url: (sight == Sight::Everything).then(|| webhook.url.clone()),
            host: host_of(&webhook.url),
            events: webhook.events.clone(),
            disabled: webhook.disabled_at.is_some(),
            failing_since: webhook.failing_since.map(Moment::from),
            created_at: webhook.created_at.into(),
        }
    }
}

/// An endpoint and its new secret, which is shown this once.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http::api) struct WebhookWithSecret {
    #[serde(flatten)]
    pub webhook: WebhookView,
    /// What messages are signed with (Standard Webhooks 1.0.0): `whsec_` and base64.
    pub secret: String,
}

/// An endpoint being made.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http::api) struct NewWebhook {
    #[schemars(length(min = 1, max = webhooks::LONGEST_NAME))]
    pub name: String,
    /// An https address that takes POST requests.
    pub url: String,
    /// Kinds of audit events, areas such as `user.*`, or `*` for everything.
    #[schemars(length(min = 1, max = MOST_EVENTS))]
    pub events: Vec<String>,
}

/// What of an endpoint can be changed: members that are not there stay as they are.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = without_defaults)]
pub(in crate::http::api) struct WebhookChange {
    #[schemars(with = "String", length(min = 1, max = webhooks::LONGEST_NAME))]
    pub name: Option<String>,
    #[schemars(with = "String")]
    pub url: Option<String>,
    #[schemars(with = "Vec<String>", length(min = 1, max = MOST_EVENTS))]
    pub events: Option<Vec<String>>,
}

/// How a test went.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http::api) struct TestResult {
    /// Whether the endpoint took it.
    pub arrived: bool,
    /// HTTP status, if there was an answer.
    pub status: Option<u16>,
    pub duration_ms: u64,
    /// The beginning of the answer, or why there was none.
    pub answer: String,
}

impl From<Outcome> for TestResult {
    fn from(outcome: Outcome) -> Self {
        Self {
            arrived: outcome.arrived,
            status: outcome.status,
            duration_ms: u64::try_from(outcome.duration_ms).unwrap_or(u64::MAX),
            answer: outcome.said,
        }
    }
}

/// One message to one endpoint.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Delivery")]
pub(in crate::http::api) struct DeliveryView {
    pub id: String,
    /// `webhook-id` of the message: the id of the event.
    pub message_id: String,
    /// The kind of event, or `webhook.test`.
    #[serde(rename = "type")]
    pub kind: String,
    /// How it fared.
    #[schemars(extend("enum" = State::ALL.map(State::as_str)))]
    pub state: String,
    pub attempts: i64,
    /// HTTP status of the last answer.
    pub status: Option<i64>,
    /// How long the last try took.
    pub duration_ms: i64,
    /// Why the last try did not count.
    pub problem: Option<String>,
    pub created_at: Moment,
    pub last_at: Moment,
}

impl From<Delivered> for DeliveryView {
    fn from(line: Delivered) -> Self {
        Self {
            id: line.id,
            message_id: line.message_id,
            kind: line.kind,
            state: line.state.as_str().to_owned(),
            attempts: line.attempts,
            status: line.status,
            duration_ms: line.duration_ms,
            problem: line.problem,
            created_at: line.created_at.into(),
            last_at: line.last_at.into(),
        }
    }
}
