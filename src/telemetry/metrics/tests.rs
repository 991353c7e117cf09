use super::*;
use crate::protocol::risk::{Kind, Policy};

#[test]
#[expect(clippy::too_many_lines, reason = "a line for every metric")]
fn the_names_are_the_stable_ones() {
    let metrics = Metrics::new("1.2.3", "abc1234");
    metrics.http_request(&HttpRequest {
        method: "GET",
        route: "/oauth2/token",
        status: 200,
        duration: Duration::from_millis(3),
    });
    metrics.login_attempt("password", "ok");
    metrics.authorize_request("login");
    metrics.token_request("authorization_code", "invalid_grant");
    metrics.token_issued("access");
    metrics.sessions_active(4);
    metrics.audit_unsealed(90);
    metrics.password_hash(Duration::from_millis(20));
    metrics.password_hash_queue(2);
    metrics.rate_limited("account");
    metrics.signing_keys(&[(SigningAlg::Rs256, "active", UnixTime(1_800_000_000))]);
    metrics.cache_request("sessions", "hit");
    metrics.outbox_attempt("backchannel_logout", "arrived");
    metrics.jobs_pending("mail", 3);
    metrics.gateway_check("allowed");
    metrics.session_ended("person", 120);
    metrics.refreshed("spa", 600);
    metrics.db_pool(5, 3);
    metrics.store_up(Part::Sql, true);
    metrics.store_up(Part::Ephemeral, false);
    statement("select 1", Duration::from_micros(80));
    metrics.email_delivery("sent");
    metrics.anomaly("new_device", "notify");
    metrics.origin("refresh", Some("PT".to_owned()));
    metrics.origin("sign_in", None);
    let text = metrics.encode();
    for line in [
        "http_server_request_duration_seconds_count{http_request_method=\"GET\",\
         http_route=\"/oauth2/token\",http_response_status_code=\"200\"} 1",
        "doorward_login_attempts_total{method=\"password\",result=\"ok\"} 1",
        "doorward_authorize_requests_total{result=\"login\"} 1",
        "doorward_token_requests_total{grant_type=\"authorization_code\",\
         result=\"invalid_grant\"} 1",
        "doorward_anomalies_total{kind=\"new_device\",action=\"notify\"} 1",
        "doorward_email_deliveries_total{result=\"sent\"} 1",
        "doorward_origins_total{event=\"refresh\",country=\"PT\"} 1",
        "doorward_origins_total{event=\"sign_in\",country=\"unknown\"} 1",
        "doorward_tokens_issued_total{type=\"access\"} 1",
        "doorward_sessions_active 4",
        "doorward_audit_unsealed_age_seconds 90",
        "doorward_password_hash_duration_seconds_count 1",
        "doorward_password_hash_queue_length 2",
        "doorward_rate_limited_total{scope=\"account\"} 1",
        "doorward_signing_key_expiry_timestamp_seconds{alg=\"RS256\",state=\"active\"} \
         1800000000",
        "doorward_cache_requests_total{cache=\"sessions\",result=\"hit\"} 1",
        "doorward_outbox_attempts_total{kind=\"backchannel_logout\",result=\"arrived\"} 1",
        "doorward_jobs_pending{queue=\"mail\"} 3",
        "doorward_backchannel_logouts_total{result=\"arrived\"} 1",
        "doorward_gateway_checks_total{result=\"allowed\"} 1",
        "doorward_build_info{version=\"1.2.3\",revision=\"abc1234\"} 1",
        "doorward_session_duration_seconds_sum{ended_by=\"person\"} 120.0",
        "doorward_refresh_interval_seconds_count{client_type=\"spa\"} 1",
        "doorward_db_pool_connections{state=\"used\"} 2",
        "doorward_store_up{store=\"sql\"} 1",
        "doorward_store_up{store=\"ephemeral\"} 0",
    ] {
        assert!(text.lines().any(|l| l == line), "{line}\nis not in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn a_made_up_method_does_not_make_a_label() {
    let metrics = Metrics::new("1", "r");
    let (route, duration) = ("/", Duration::ZERO);
    metrics.http_request(&HttpRequest { method: "BREW", route, status: 405, duration });
    let text = metrics.encode();
    assert!(text.contains("_OTHER") && !text.contains("BREW"));
}

#[test]
fn keys_that_are_gone_leave_the_metrics() {
    let metrics = Metrics::new("1", "r");
    metrics.signing_keys(&[(SigningAlg::Es256, "retiring", UnixTime(1))]);
    metrics.signing_keys(&[(SigningAlg::EdDsa, "active", UnixTime(2))]);
    let text = metrics.encode();
    assert!(!text.contains("ES256") && text.contains("EdDSA"));
}

#[test]
fn whatever_is_a_sign_of_somebody_else_is_there_from_the_start() {
    let text = Metrics::new("1", "r").encode();
    let kinds = [
        Kind::NewDevice,
        Kind::NewNetwork,
        Kind::ImpossibleTravel,
        Kind::FailureBurst,
        Kind::RefreshReuse,
    ];
    for kind in kinds.map(Kind::as_str) {
        for action in [Policy::Ignore, Policy::Notify, Policy::StepUp, Policy::Refuse] {
            let action = action.as_str();
            let line = format!("doorward_anomalies_total{{kind=\"{kind}\",action=\"{action}\"}} 0");
            assert!(text.lines().any(|other| other == line), "{line}\nis not in\n{text}");
        }
    }
}
