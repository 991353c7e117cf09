//! The guarded HTTP client against a real https server: what it reaches, and what it gives up on.

use std::time::{Duration, Instant};

use doorward::config::OutboundSettings;
use doorward::outbound::{Accept, Fault, Lane, Limits, Outbound, OutboundError, UrlProblem};
use serde_json::json;

use crate::support::authority::Authority;
use crate::support::tls_peer::{Answer, Body, TlsPeer};

/// A client that may reach this peer.
fn allowed(peer: &TlsPeer) -> Outbound {
    client(peer, &[&format!("localhost:{}", peer.port())], Limits::default())
}

fn client(peer: &TlsPeer, targets: &[&str], limits: Limits) -> Outbound {
    let allow_private =
        targets.iter().map(|text| (*text).to_owned().try_into().expect("a place")).collect();
    let settings = OutboundSettings {
        allow_private,
        extra_ca_file: Some(peer.ca_file()),
        ..OutboundSettings::default()
    };
    Outbound::with_limits(&settings, limits).expect("a client")
}

fn fault<T: std::fmt::Debug>(outcome: Result<T, OutboundError>) -> Fault {
    outcome.expect_err("a request that fails").fault
}

#[tokio::test]
async fn a_listed_peer_with_a_trusted_certificate_is_reached() {
    let peer = TlsPeer::start();
    let document = Answer::json(&json!({ "keys": [] })).header("Cache-Control", "max-age=120");
    peer.serve("/jwks", document);
    let fetched = allowed(&peer).get(&peer.url("/jwks?a=b"), Accept::JwkSet).await.expect("keys");
    assert_eq!(fetched.status, 200);
    assert_eq!(fetched.content_type.as_deref(), Some("application/json"));
    assert_eq!(fetched.text(), Some(r#"{"keys":[]}"#));
    assert_eq!(fetched.max_age, Some(120));
    let request = &peer.requests("/jwks")[0];
    assert_eq!((request.method.as_str(), request.query.as_str()), ("GET", "a=b"));
    assert_eq!(request.header("user-agent"), Some("Doorward"));
    assert_eq!(request.header("accept-encoding"), None);
    assert!(request.header("accept").is_some_and(|kinds| kinds.contains("jwk-set+json")));
    for unasked in ["cookie", "authorization", "referer"] {
        assert_eq!(request.header(unasked), None);
    }
}

#[tokio::test]
async fn an_address_is_reached_when_it_or_its_network_is_listed() {
    let peer = TlsPeer::start();
    peer.serve("/x", Answer::status(204));
    let port = peer.port();
    for targets in [vec![format!("127.0.0.1:{port}")], vec!["127.0.0.0/8".to_owned()]] {
        let targets: Vec<&str> = targets.iter().map(String::as_str).collect();
        let outbound = client(&peer, &targets, Limits::default());
        let fetched = outbound.get(&peer.url_by_address("/x"), Accept::Json).await;
        assert_eq!(fetched.map(|fetched| fetched.status), Ok(204), "{targets:?}");
    }
    let both = client(&peer, &["127.0.0.1", "::1"], Limits::default());
    let fetched = both.get(&peer.url("/x"), Accept::Json).await;
    assert_eq!(fetched.map(|fetched| fetched.status), Ok(204), "a name whose addresses are listed");
}

#[tokio::test]
async fn a_private_place_that_is_not_listed_is_never_connected_to() {
    let canary = TlsPeer::start();
    let settings =
        OutboundSettings { extra_ca_file: Some(canary.ca_file()), ..OutboundSettings::default() };
    let outbound = Outbound::new(&settings).expect("a client");
    let port = canary.port();
    for host in [
        "localhost",
        "localhost.",
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "2130706433",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "x.localhost",
    ] {
        let url = format!("https://{host}:{port}/x");
        let refused = Fault::Refused(UrlProblem::PrivateAddress);
        assert_eq!(fault(outbound.get(&url, Accept::Json).await), refused, "{url}");
        assert_eq!(fault(outbound.post_form(&url, &[]).await), refused, "{url}");
    }
    let elsewhere =
        client(&canary, &[&format!("localhost:{}", port ^ 1), "10.0.0.0/8"], Limits::default());
    assert!(elsewhere.get(&canary.url("/x"), Accept::Json).await.is_err());
    assert_eq!(canary.connections(), 0);
}

#[tokio::test]
async fn a_name_that_resolves_to_an_inside_address_is_not_connected_to() {
    let canary = TlsPeer::start();
    // One of the two addresses of localhost is listed, which lets the name through; the other spoils
    // it when it is resolved.
    let outbound = client(&canary, &["::1"], Limits::default());
    let error = outbound.get(&canary.url("/x"), Accept::Json).await.expect_err("a refusal");
    assert_eq!(error.fault, Fault::Unreachable);
    assert!(error.detail.contains("127.0.0.1"), "{error:?}");
    assert!(!error.to_string().contains("127.0.0.1"), "the caller is told nothing of the inside");
    assert_eq!(canary.connections(), 0);
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    let peer = TlsPeer::start_with(&Authority::new());
    let trusted = TlsPeer::start();
    let place = format!("localhost:{}", peer.port());
    let outbound = client(&trusted, &[&place], Limits::default());
    let error = outbound.get(&peer.url("/x"), Accept::Json).await.expect_err("a refusal");
    assert_eq!(error.fault, Fault::Unreachable);
    assert!(error.detail.contains("certificate"), "{error:?}");
    assert_eq!(peer.hits("/x"), 0, "nothing was sent");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let peer = TlsPeer::start();
    peer.serve("/from", Answer::redirect(&peer.url("/to")));
    let outbound = allowed(&peer);
    let fetched = outbound.get(&peer.url("/from"), Accept::Json).await.expect("an answer");
    assert_eq!((fetched.status, fetched.text()), (302, None));
    assert_eq!(outbound.post_form(&peer.url("/from"), &[("a", "b")]).await, Ok(302));
    assert_eq!(peer.hits("/to"), 0);
}

#[tokio::test]
async fn a_server_that_does_not_answer_in_time_is_given_up() {
    let peer = TlsPeer::start();
    peer.serve("/silent", Answer::of_body(Body::Silence));
    peer.serve("/stalled", Answer::of_body(Body::Stalled));
    let limits = Limits { total: Duration::from_millis(600), ..Limits::default() };
    let outbound = client(&peer, &[&format!("localhost:{}", peer.port())], limits);
    for path in ["/silent", "/stalled"] {
        let started = Instant::now();
        assert_eq!(fault(outbound.get(&peer.url(path), Accept::Json).await), Fault::TimedOut);
        assert!(started.elapsed() < Duration::from_secs(5), "{path}: {:?}", started.elapsed());
    }
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_cut_off_announced_or_not() {
    let peer = TlsPeer::start();
    let most = Limits::default().body;
    peer.serve("/most", Answer::new(200, "application/json", vec![b' '; most]));
    peer.serve("/more", Answer::new(200, "application/json", vec![b' '; most + 1]));
    peer.serve("/endless", Answer::of_body(Body::Endless));
    let outbound = allowed(&peer);
    let whole = outbound.get(&peer.url("/most"), Accept::Json).await.expect("a whole body");
    assert_eq!(whole.body.len(), most);
    for path in ["/more", "/endless"] {
        assert_eq!(fault(outbound.get(&peer.url(path), Accept::Json).await), Fault::TooLarge);
    }
}

#[tokio::test]
async fn a_compressed_answer_is_refused_unopened() {
    let peer = TlsPeer::start();
    let bomb =
        Answer::new(200, "application/json", [0x1f, 0x8b, 8]).header("Content-Encoding", "gzip");
    peer.serve("/gzip", bomb);
    let outcome = allowed(&peer).get(&peer.url("/gzip"), Accept::Json).await;
    assert_eq!(fault(outcome), Fault::Compressed);
}

#[tokio::test]
async fn a_form_is_posted_and_its_status_given() {
    let peer = TlsPeer::start();
    peer.serve("/logout", Answer::status(204));
    let outbound = allowed(&peer);
    let fields = [("logout_token", "a.b.c&d")];
    assert_eq!(outbound.post_form(&peer.url("/logout"), &fields).await, Ok(204));
    let request = &peer.requests("/logout")[0];
    assert_eq!(request.field("logout_token"), ["a.b.c&d"]);
    assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
}

#[tokio::test]
async fn one_host_gets_a_few_requests_at_a_time() {
    let peer = TlsPeer::start();
    peer.serve("/silent", Answer::of_body(Body::Silence));
    let wait = Duration::from_millis(300);
    let limits = Limits { per_host: 2, wait, total: Duration::from_secs(4), ..Limits::default() };
    let outbound = client(&peer, &[&format!("localhost:{}", peer.port())], limits);
    let url = peer.url("/silent");
    let requests = (0..5).map(|_| outbound.get(&url, Accept::Json));
    let faults: Vec<Fault> =
        futures_util::future::join_all(requests).await.into_iter().map(fault).collect();
    assert_eq!(faults.iter().filter(|fault| **fault == Fault::Busy).count(), 3, "{faults:?}");
    assert_eq!(peer.hits("/silent"), 2);
}

#[tokio::test]
async fn what_strangers_set_off_takes_no_turn_from_what_is_owed() {
    let peer = TlsPeer::start();
    peer.serve("/silent", Answer::of_body(Body::Silence));
    peer.serve("/logout", Answer::status(204));
    peer.serve("/jwks", Answer::json(&json!({ "keys": [] })));
    let limits = Limits { per_host: 200, total: Duration::from_secs(4), ..Limits::default() };
    let outbound = client(&peer, &[&format!("localhost:{}", peer.port())], limits);
    let (silent, owed) = (peer.url("/silent"), peer.url("/logout"));
    let asked =
        futures_util::future::join_all((0..90).map(|_| outbound.get(&silent, Accept::Json)));
    let told = async {
        peer.wait_for("/silent", 12).await;
        let keys = outbound.get_in(Lane::Owed, &peer.url("/jwks"), Accept::JwkSet).await;
        (outbound.post_form(&owed, &[("a", "b")]).await, keys.map(|keys| keys.status))
    };
    let (outcomes, told) = tokio::join!(asked, told);
    assert_eq!(told, (Ok(204), Ok(200)));
    assert!(outcomes.into_iter().all(|outcome| outcome.is_err()));
    assert_eq!(peer.hits("/silent"), 12, "and one site does not take every turn of strangers");
}

#[tokio::test]
async fn no_more_is_pulled_out_of_a_server_than_the_kind_of_document_has() {
    let peer = TlsPeer::start();
    let outbound = allowed(&peer);
    for kind in [Accept::Document, Accept::JwkSet, Accept::RequestObject] {
        peer.serve("/most", Answer::new(200, "application/json", vec![b' '; kind.most()]));
        peer.serve("/more", Answer::new(200, "application/json", vec![b' '; kind.most() + 1]));
        let whole = outbound.get(&peer.url("/most"), kind).await.expect("a whole body");
        assert_eq!(whole.body.len(), kind.most());
        assert_eq!(fault(outbound.get(&peer.url("/more"), kind).await), Fault::TooLarge);
    }
}

#[test]
fn an_authority_file_without_certificates_is_refused() {
    let peer = TlsPeer::start();
    let file = peer.ca_file().with_file_name("empty.pem");
    for text in
        ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
    {
        std::fs::write(&file, text).expect("write a file");
        let settings =
            OutboundSettings { extra_ca_file: Some(file.clone()), ..OutboundSettings::default() };
        let outcome = Outbound::new(&settings).err();
        assert!(outcome.is_some_and(|line| line.contains("empty.pem")), "{text}");
    }
}
