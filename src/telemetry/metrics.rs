//! Metrics in the OpenMetrics text format. Names and labels are stable. Labels hold only values
//! from short, known lists: no user, no client, no raw path, so that a flood cannot grow them.

use std::sync::LazyLock;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::activity::Activity;
use super::labels::{
    ACTIONS, ANOMALIES, ARRIVALS, AnomalyLabels, CacheLabels, ClientTypeLabel, DOOR,
    DeliveryLabels, EndLabel, KeyLabels, LETTERS, LoginLabels, OperationLabel, OriginLabels,
    QueueLabel, RequestLabels, ResultLabel, SCOPES, ScopeLabel, StateLabel, StoreLabel,
    TokenLabels, TypeLabel,
};
use super::process;
use crate::clock::{Seconds, UnixTime};
use crate::protocol::types::SigningAlg;

/// The `Content-Type` of [`Metrics::encode`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The OpenTelemetry convention's bounds in seconds, with two finer ones below.
const REQUEST_BUCKETS: [f64; 16] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];
/// From a tenth of a millisecond: most statements of an embedded database take less than one.
const STATEMENT_BUCKETS: [f64; 9] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.01, 0.05, 0.25, 1.0];
/// From a minute to thirty days.
const LIFE_BUCKETS: [f64; 9] =
    [60.0, 300.0, 900.0, 3600.0, 14_400.0, 43_200.0, 86_400.0, 604_800.0, 2_592_000.0];
/// The kind of message that tells an app that a session has ended.
const BACKCHANNEL_LOGOUT: &str = "backchannel_logout";
const HASH_BUCKETS: [f64; 9] = [0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1.0];

/// An answered HTTP request.
#[derive(Debug, Clone, Copy)]
pub struct HttpRequest<'a> {
    pub method: &'a str,
    /// The pattern of the route (`/admin/users/{id}`), never the path itself.
    pub route: &'a str,
    pub status: u16,
    pub duration: Duration,
}

/// A store that answers or does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// PostgreSQL or SQLite.
    Sql,
    /// Redis, or the one in this process, which always answers.
    Ephemeral,
}

impl Part {
    fn as_str(self) -> &'static str {
        match self {
            Self::Sql => "sql",
            Self::Ephemeral => "ephemeral",
        }
    }
}

/// A family of histograms that are all made the same way.
type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// Statements are counted where they run, far below anything that knows the rest of the metrics.
static STATEMENTS: LazyLock<Histograms<OperationLabel>> =
    LazyLock::new(|| Family::new_with_constructor(|| Histogram::new(STATEMENT_BUCKETS)));

/// A statement has run on the database. `sql` begins with what it does.
pub fn statement(sql: &str, duration: Duration) {
    const KNOWN: [&str; 4] = ["select", "insert", "update", "delete"];
    let word = sql.split_whitespace().next().unwrap_or_default();
    let operation = KNOWN.into_iter().find(|known| *known == word).unwrap_or("other");
    STATEMENTS.get_or_create(&OperationLabel { operation }).observe(duration.as_secs_f64());
}

/// Every metric of this process. One exists per server; handlers share it by reference.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Histograms<RequestLabels>,
    logins: Family<LoginLabels, Counter>,
    authorizations: Family<ResultLabel, Counter>,
    token_requests: Family<TokenLabels, Counter>,
    tokens: Family<TypeLabel, Counter>,
    sessions: Gauge,
    unsealed: Gauge,
    hash_duration: Histogram,
    hash_queue: Gauge,
    rate_limited: Family<ScopeLabel, Counter>,
    key_expiry: Family<KeyLabels, Gauge>,
    caches: Family<CacheLabels, Counter>,
    deliveries: Family<DeliveryLabels, Counter>,
    emails: Family<ResultLabel, Counter>,
    anomalies: Family<AnomalyLabels, Counter>,
    origins: Family<OriginLabels, Counter>,
    backchannel_logouts: Family<ResultLabel, Counter>,
    jobs: Family<QueueLabel, Gauge>,
    gateway: Family<ResultLabel, Counter>,
    session_durations: Histograms<EndLabel>,
    refresh_intervals: Histograms<ClientTypeLabel>,
    pool: Family<StateLabel, Gauge>,
    stores: Family<StoreLabel, Gauge>,
    /// The same in small, for the console.
    activity: Activity,
}

impl Metrics {
    /// All metrics at zero. The running program is of this version, made from this revision.
    #[must_use]
    pub fn new(version: &'static str, revision: &'static str) -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            requests: Family::new_with_constructor(|| Histogram::new(REQUEST_BUCKETS)),
            logins: Family::default(),
            authorizations: Family::default(),
            token_requests: Family::default(),
            tokens: Family::default(),
            sessions: Gauge::default(),
            unsealed: Gauge::default(),
            hash_duration: Histogram::new(HASH_BUCKETS),
            hash_queue: Gauge::default(),
            rate_limited: Family::default(),
            key_expiry: Family::default(),
            caches: Family::default(),
            deliveries: Family::default(),
            emails: Family::default(),
            anomalies: Family::default(),
            origins: Family::default(),
            backchannel_logouts: Family::default(),
            jobs: Family::default(),
            gateway: Family::default(),
            session_durations: Family::new_with_constructor(|| Histogram::new(LIFE_BUCKETS)),
            refresh_intervals: Family::new_with_constructor(|| Histogram::new(LIFE_BUCKETS)),
            pool: Family::default(),
            stores: Family::default(),
            activity: Activity::default(),
        };
        metrics.register_counters();
        metrics.register_measures((version, revision));
        metrics.register_lives();
        process::register(&mut metrics.registry);
        metrics.begin_at_zero();
        metrics
    }

    /// Makes the series of what may not happen for a long time. A first event that made its series would
    /// be no increase to Prometheus, and no alert.
    fn begin_at_zero(&self) {
        for result in ARRIVALS {
            drop(self.backchannel_logouts.get_or_create(&ResultLabel { result }));
            let kind = BACKCHANNEL_LOGOUT;
            drop(self.deliveries.get_or_create(&DeliveryLabels { kind, result }));
        }
        for result in LETTERS {
            drop(self.emails.get_or_create(&ResultLabel { result }));
        }
        for result in DOOR {
            drop(self.gateway.get_or_create(&ResultLabel { result }));
        }
        for scope in SCOPES {
            drop(self.rate_limited.get_or_create(&ScopeLabel { scope }));
        }
        for kind in ANOMALIES {
            for action in ACTIONS {
                drop(self.anomalies.get_or_create(&AnomalyLabels { kind, action }));
            }
        }
    }

    /// Counters; the encoder adds `_total` to each name.
    fn register_counters(&mut self) {
        let registry = self.registry.sub_registry_with_prefix("doorward");
        registry.register("login_attempts", "Sign-in attempts", self.logins.clone());
        registry.register(
            "authorize_requests",
            "Authorization requests by their outcome",
            self.authorizations.clone(),
        );
        registry.register(
            "token_requests",
            "Token requests; result is ok or the OAuth error code",
            self.token_requests.clone(),
        );
        registry.register("tokens_issued", "Tokens issued", self.tokens.clone());
        registry.register("gateway_checks", "Answers to reverse proxies", self.gateway.clone());
        registry.register("rate_limited", "Refused requests", self.rate_limited.clone());
        registry.register("cache_requests", "Look-ups in fast copies", self.caches.clone());
        registry.register(
            "outbox_attempts",
            "Messages to other servers; result is arrived, retried or given_up",
            self.deliveries.clone(),
        );
        registry.register(
            "backchannel_logouts",
            "Tries to tell an app that a session has ended",
            self.backchannel_logouts.clone(),
        );
        registry.register("anomalies", "Signs of somebody else", self.anomalies.clone());
        registry.register(
            "origins",
            "Where sign-ins and refreshes came from, by country",
            self.origins.clone(),
        );
        registry.register("email_deliveries", "Tries to hand a letter over", self.emails.clone());
    }

    /// Histograms and gauges; the encoder adds the unit to the names that have one.
    fn register_measures(&mut self, (version, revision): (&'static str, &'static str)) {
        self.registry.register_with_unit(
            "http_server_request_duration",
            "Duration of HTTP requests",
            Unit::Seconds,
            self.requests.clone(),
        );
        let registry = self.registry.sub_registry_with_prefix("doorward");
        registry.register("sessions_active", "Live sessions", self.sessions.clone());
        registry.register_with_unit(
            "audit_unsealed_age",
            "Age of the oldest event that waits to be sealed",
            Unit::Seconds,
            self.unsealed.clone(),
        );
        registry.register_with_unit(
            "password_hash_duration",
            "Time to check one password, waiting included",
            Unit::Seconds,
            self.hash_duration.clone(),
        );
        registry.register(
            "password_hash_queue_length",
            "Sign-ins that wait for a password hash",
            self.hash_queue.clone(),
        );
        registry.register_with_unit(
            "signing_key_expiry_timestamp",
            "When a signing key leaves its state, in Unix time",
            Unit::Seconds,
            self.key_expiry.clone(),
        );
        registry.register("jobs_pending", "Messages that wait to arrive", self.jobs.clone());
        let build = Info::new([("version", version), ("revision", revision)]);
        registry.register("build", "The running program", build);
    }

    /// How long things last, and what the database does.
    fn register_lives(&mut self) {
        let registry = self.registry.sub_registry_with_prefix("doorward");
        registry.register_with_unit(
            "session_duration",
            "How long sessions lasted, by what ended them",
            Unit::Seconds,
            self.session_durations.clone(),
        );
        registry.register_with_unit(
            "refresh_interval",
            "Time between two refreshes of a lineage, by the type of its client",
            Unit::Seconds,
            self.refresh_intervals.clone(),
        );
        registry.register_with_unit(
            "db_query_duration",
            "Time of one SQL statement, waiting for a connection included",
            Unit::Seconds,
            STATEMENTS.clone(),
        );
        registry.register(
            "db_pool_connections",
            "Open connections to the database; state is idle or used",
            self.pool.clone(),
        );
        registry.register(
            "store_up",
            "Whether a store answered when last asked",
            self.stores.clone(),
        );
    }

    /// What the console's charts are made of.
    pub fn activity(&self) -> &Activity {
        &self.activity
    }

    /// An HTTP request was answered.
    pub fn http_request(&self, request: &HttpRequest<'_>) {
        let labels = RequestLabels {
            http_request_method: known_method(request.method),
            http_route: request.route.to_owned(),
            http_response_status_code: request.status,
        };
        self.requests.get_or_create(&labels).observe(request.duration.as_secs_f64());
        self.activity.answer(request.status, request.duration);
    }

    /// Someone tried to sign in with `method` (such as `password`).
    pub fn login_attempt(&self, method: &'static str, result: &'static str) {
        self.logins.get_or_create(&LoginLabels { method, result }).inc();
        self.activity.sign_in(result);
    }

    /// An authorization request was answered: `success`, `login`, `consent` or an OAuth error code.
    pub fn authorize_request(&self, result: &'static str) {
        self.authorizations.get_or_create(&ResultLabel { result }).inc();
    }

    /// A token request was answered: `success` or the OAuth error code.
    pub fn token_request(&self, grant_type: &'static str, result: &'static str) {
        self.token_requests.get_or_create(&TokenLabels { grant_type, result }).inc();
    }

    /// A token was issued: `access_token`, `id_token`, `refresh_token`.
    pub fn token_issued(&self, kind: &'static str) {
        self.tokens.get_or_create(&TypeLabel { r#type: kind }).inc();
        self.activity.token(kind);
    }

    /// How many sessions are live now.
    pub fn sessions_active(&self, count: i64) {
        self.sessions.set(count);
    }

    /// How long the oldest event of the audit log has waited to be sealed; 0 when none waits.
    pub fn audit_unsealed(&self, age: Seconds) {
        self.unsealed.set(age.max(0));
    }

    /// A password hash was computed.
    pub fn password_hash(&self, duration: Duration) {
        self.hash_duration.observe(duration.as_secs_f64());
    }

    /// How many sign-ins wait for a password hash now.
    pub fn password_hash_queue(&self, length: usize) {
        self.hash_queue.set(i64::try_from(length).unwrap_or(i64::MAX));
    }

    /// A session was ended after so many seconds by the `person` or an `administrator`, or by `expiry`,
    /// which is counted to when it was last used.
    pub fn session_ended(&self, ended_by: &'static str, lasted: Seconds) {
        self.session_durations.get_or_create(&EndLabel { ended_by }).observe(seconds(lasted));
    }

    /// A client of this type refreshed, so many seconds after it last got tokens of the lineage.
    pub fn refreshed(&self, client_type: &'static str, after: Seconds) {
        let label = ClientTypeLabel { client_type };
        self.refresh_intervals.get_or_create(&label).observe(seconds(after));
    }

    /// How many connections to the database are open now, and how many of them are idle.
    pub fn db_pool(&self, open: u32, idle: u32) {
        for (state, count) in [("idle", idle), ("used", open.saturating_sub(idle))] {
            self.pool.get_or_create(&StateLabel { state }).set(i64::from(count));
        }
    }

    /// Whether a store answered just now.
    pub fn store_up(&self, store: Part, answers: bool) {
        let label = StoreLabel { store: store.as_str() };
        self.stores.get_or_create(&label).set(i64::from(answers));
    }

    /// A request was refused by the limit of `scope` (such as `account` or `address`).
    pub fn rate_limited(&self, scope: &'static str) {
        self.rate_limited.get_or_create(&ScopeLabel { scope }).inc();
    }

    /// When each signing key leaves its state; replaces everything said before.
    pub fn signing_keys(&self, keys: &[(SigningAlg, &'static str, UnixTime)]) {
        self.key_expiry.clear();
        for (alg, state, expiry) in keys {
            let labels = KeyLabels { alg: alg.as_str(), state };
            self.key_expiry.get_or_create(&labels).set(expiry.0);
        }
    }

    /// A fast copy was asked: `hit`, `miss` or `error`.
    pub fn cache_request(&self, cache: &'static str, result: &'static str) {
        self.caches.get_or_create(&CacheLabels { cache, result }).inc();
    }

    /// A message to another server was sent: `arrived`, `retried` or `given_up`.
    pub fn outbox_attempt(&self, kind: &'static str, result: &'static str) {
        self.deliveries.get_or_create(&DeliveryLabels { kind, result }).inc();
        if kind == BACKCHANNEL_LOGOUT {
            self.backchannel_logouts.get_or_create(&ResultLabel { result }).inc();
        }
    }

    /// Something was unlike before; `action` is what the settings say about it.
    pub fn anomaly(&self, kind: &'static str, action: &'static str) {
        self.anomalies.get_or_create(&AnomalyLabels { kind, action }).inc();
    }

    /// Somebody signed in (`sign_in`) or an app refreshed (`refresh`) from this country, if it is known.
    pub fn origin(&self, event: &'static str, country: Option<String>) {
        let country = country.unwrap_or_else(|| "unknown".to_owned());
        self.origins.get_or_create(&OriginLabels { event, country }).inc();
    }

    /// A try to hand a letter to the mail server: `sent`, `refused` or `failed`.
    pub fn email_delivery(&self, result: &'static str) {
        self.emails.get_or_create(&ResultLabel { result }).inc();
    }

    /// One answer of the gateway to a reverse proxy.
    pub fn gateway_check(&self, result: &'static str) {
        self.gateway.get_or_create(&ResultLabel { result }).inc();
    }

    /// How many messages of a kind wait now.
    pub fn jobs_pending(&self, queue: &'static str, count: i64) {
        self.jobs.get_or_create(&QueueLabel { queue }).set(count);
    }

    /// The whole as text, as [`CONTENT_TYPE`] says.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// Whole seconds as a histogram takes them; a clock that went back counts as none.
fn seconds(whole: Seconds) -> f64 {
    u32::try_from(whole).map_or(if whole < 0 { 0.0 } else { f64::from(u32::MAX) }, f64::from)
}

/// The method if it is a registered one: clients may send any text here.
fn known_method(method: &str) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"];
    KNOWN.into_iter().find(|known| *known == method).unwrap_or("_OTHER")
}

#[cfg(test)]
mod tests;
