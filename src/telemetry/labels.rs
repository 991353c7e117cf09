//! The labels of the metrics. Their values come from short, known lists.

use prometheus_client::encoding::EncodeLabelSet;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RequestLabels {
    pub(super) http_request_method: &'static str,
    pub(super) http_route: String,
    pub(super) http_response_status_code: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct LoginLabels {
    pub(super) method: &'static str,
    pub(super) result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ResultLabel {
    pub(super) result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct TokenLabels {
    pub(super) grant_type: &'static str,
    pub(super) result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct TypeLabel {
    pub(super) r#type: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ScopeLabel {
    pub(super) scope: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct KeyLabels {
    pub(super) alg: &'static str,
    pub(super) state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct CacheLabels {
    pub(super) cache: &'static str,
    pub(super) result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct AnomalyLabels {
    pub(super) kind: &'static str,
    pub(super) action: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct DeliveryLabels {
    pub(super) kind: &'static str,
    pub(super) result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OperationLabel {
    pub(super) operation: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OriginLabels {
    pub(super) event: &'static str,
    /// Two letters of ISO 3166-1, so there are some hundreds at most.
    pub(super) country: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ClientTypeLabel {
    pub(super) client_type: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct EndLabel {
    pub(super) ended_by: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct StateLabel {
    pub(super) state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct StoreLabel {
    pub(super) store: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct QueueLabel {
    pub(super) queue: &'static str,
}

/// Results that a counter has from the start on: who waits for the first of something to happen must
/// be able to tell that from a metric that is not there.
pub(super) const ARRIVALS: [&str; 4] = ["arrived", "busy", "given_up", "retried"];
pub(super) const LETTERS: [&str; 3] = ["failed", "refused", "sent"];
pub(super) const DOOR: [&str; 8] =
    ["allowed", "bad_token", "denied", "public", "refused", "sign_in", "unavailable", "untrusted"];
pub(super) const SCOPES: [&str; 13] = [
    "api",
    "client",
    "device",
    "document",
    "gateway",
    "login",
    "mail_test",
    "not_me",
    "par",
    "register",
    "registration_change",
    "request_object",
    "sign_up",
];
pub(super) const ANOMALIES: [&str; 5] =
    ["failure_burst", "impossible_travel", "new_device", "new_network", "refresh_reuse"];
/// What settings may say about a sign of somebody else.
pub(super) const ACTIONS: [&str; 4] = ["ignore", "notify", "refuse", "step_up"];
