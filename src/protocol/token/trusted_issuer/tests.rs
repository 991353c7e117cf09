use serde_json::json;

use super::*;

const NOW: UnixTime = UnixTime(1_763_700_000);

fn rule(client: &str, patterns: &[(&str, &str)]) -> Rule {
    Rule {
        client_id: ClientId::new(client),
        patterns: patterns.iter().map(|(n, p)| ((*n).to_owned(), (*p).to_owned())).collect(),
        identity: Identity::Client,
    }
}

fn cluster() -> TrustedIssuer {
    TrustedIssuer {
        name: "cluster".into(),
        issuer: "https://cluster.test".into(),
        settings: IssuerSettings {
            jwks: None,
            jwks_uri: Some("https://cluster.test/jwks".into()),
            audience: vec!["doorward".into()],
            scope: None,
            max_lifetime: 3_600,
            reuse: Reuse::Once,
            rules: vec![rule("backup", &[("sub", "system:serviceaccount:prod:*")])],
        },
        created_at: NOW,
        disabled_at: None,
    }
}

/// The claims of a projected service-account token.
fn pod() -> Value {
    json!({
        "iss": "https://cluster.test", "aud": ["doorward"], "jti": "j-1",
        "sub": "system:serviceaccount:prod:backup",
        "iat": NOW.0, "nbf": NOW.0, "exp": NOW.0 + 3_600,
        "kubernetes.io": { "namespace": "prod", "serviceaccount": { "name": "backup" } },
    })
}

fn checked(claims: &Value, client: &str) -> Result<Vouched<'static>, Refusal> {
    let issuer = Box::leak(Box::new(cluster()));
    let around = Circumstances {
        client: &ClientId::new(client),
        own: ["https://op.test", "https://op.test/oauth2/token"],
        now: NOW,
    };
    check(issuer, claims.as_object().unwrap(), &around)
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = pod();
    claims.as_object_mut().unwrap().insert(name.to_owned(), value);
    claims
}

#[test]
fn a_workload_is_accepted_for_the_client_its_rule_names_and_no_other() {
    let vouched = checked(&pod(), "backup").unwrap();
    assert_eq!(vouched.subject, "system:serviceaccount:prod:backup");
    assert_eq!((vouched.jti.as_deref(), vouched.expires_at), (Some("j-1"), NOW.plus(3_600)));
    assert_eq!(checked(&pod(), "other"), Err(Refusal::NoRule));
    let elsewhere = with("sub", json!("system:serviceaccount:test:backup"));
    assert_eq!(checked(&elsewhere, "backup"), Err(Refusal::NoRule));
}

#[test]
fn a_token_is_for_this_provider_and_for_nobody_else() {
    for good in
        [json!("doorward"), json!(["https://op.test"]), json!("https://op.test/oauth2/token")]
    {
        assert!(checked(&with("aud", good.clone()), "backup").is_ok(), "{good}");
    }
    for bad in [
        json!("https://kubernetes.default.svc"),
        json!(["doorward", "https://evil.test"]),
        json!(["doorward", "doorward"]),
        json!("https://op.test/"),
    ] {
        assert_eq!(checked(&with("aud", bad.clone()), "backup"), Err(Refusal::Audience), "{bad}");
    }
}

#[test]
fn a_token_out_of_time_is_refused() {
    for (name, value, refusal) in [
        ("exp", NOW.0, Refusal::Expired),
        ("exp", NOW.0 - 1, Refusal::Expired),
        ("exp", NOW.0 + 3_631, Refusal::TooLong),
        ("nbf", NOW.0 + 31, Refusal::Early),
        ("iat", NOW.0 + 31, Refusal::Early),
    ] {
        assert_eq!(checked(&with(name, json!(value)), "backup"), Err(refusal), "{name} {value}");
    }
    assert!(checked(&with("nbf", json!(NOW.0 + 30)), "backup").is_ok());
}

#[test]
fn missing_and_malformed_claims_are_refused() {
    for (name, bad) in [
        ("exp", json!(null)),
        ("exp", json!("1")),
        ("sub", json!(7)),
        ("sub", json!("")),
        ("sub", json!("x".repeat(2_000))),
        ("jti", json!([])),
        ("jti", json!("")),
        ("aud", json!([])),
        ("iat", json!(1.5)),
        ("iss", json!("https://evil.test")),
        ("iss", json!(["https://cluster.test"])),
        ("events", json!({ "http://schemas.openid.net/event/backchannel-logout": {} })),
    ] {
        assert!(checked(&with(name, bad.clone()), "backup").is_err(), "{name} {bad}");
        let mut without = pod();
        without.as_object_mut().unwrap().remove(name);
        let needed = matches!(name, "exp" | "sub" | "aud" | "iss");
        assert_eq!(checked(&without, "backup").is_err(), needed, "{name}");
    }
}

#[test]
fn a_wildcard_stays_within_its_part_of_the_subject() {
    let main = "repo:octo/app:ref:refs/heads/main";
    assert!(fits(main, main));
    assert!(fits("repo:octo/*:ref:refs/heads/main", main));
    assert!(fits("repo:octo/app:ref:refs/heads/*", main));
    assert!(fits("repo:*/a*p:*:refs/heads/main", main));
    for (pattern, value) in [
        ("repo:octo/*", main),
        ("*", main),
        ("repo:octo/*:ref:refs/heads/main", "repo:octo/x:environment:y:ref:refs/heads/main"),
        ("repo:octo/*:ref:refs/heads/main", "repo:octo/x/../app:ref:refs/heads/main"),
        ("repo:octo/app:ref:refs/heads/*", "repo:octo/app:ref:refs/heads/"),
        ("repo:octo/app:ref:refs/heads/*", "repo:octo/app:ref:refs/heads/a/b"),
        ("prod", "Prod"),
        ("prod", "production"),
        ("", "x"),
        ("x", ""),
    ] {
        assert!(!fits(pattern, value), "{pattern} {value}");
    }
    assert!(fits("a*b*c", "aXbYc") && fits("a*b*c", "abbbbc") && !fits("a*b*c", "abc"));
}

#[test]
fn every_claim_of_a_rule_must_be_there_as_text() {
    let claims = json!({ "sub": "s", "repository": "octo/app", "n": 7 });
    let claims = claims.as_object().unwrap();
    assert!(rule("c", &[("sub", "s"), ("repository", "octo/*")]).fits(claims));
    for bad in [&[("sub", "s"), ("branch", "*")][..], &[("n", "7")], &[("n", "*")], &[]] {
        assert!(!rule("c", bad).fits(claims), "{bad:?}");
    }
}

#[test]
fn an_issuer_that_would_let_anybody_in_cannot_be_registered() {
    let own = "https://op.test";
    assert_eq!(validate(&cluster(), own), Ok(()));
    let broken = |change: fn(&mut TrustedIssuer)| {
        let mut issuer = cluster();
        change(&mut issuer);
        validate(&issuer, own).unwrap_err().first().unwrap().field
    };
    assert_eq!(broken(|i| i.issuer = "https://op.test".into()), "issuer");
    assert_eq!(broken(|i| i.issuer = "a b".into()), "issuer");
    assert_eq!(broken(|i| i.name = "a/b".into()), "name");
    assert_eq!(broken(|i| i.settings.jwks_uri = None), "jwks");
    assert_eq!(broken(|i| i.settings.jwks = Some(json!({ "keys": [] }))), "jwks");
    assert_eq!(broken(|i| i.settings.max_lifetime = 1_000_000), "max_lifetime");
    assert_eq!(broken(|i| i.settings.rules.clear()), "rules");
    assert_eq!(broken(|i| i.settings.rules = vec![rule("c", &[])]), "match");
    assert_eq!(broken(|i| i.settings.rules = vec![rule("c", &[("sub", "*:*")])]), "match");
    assert_eq!(broken(|i| i.settings.rules = vec![rule("c", &[("sub", "")])]), "match");
}
