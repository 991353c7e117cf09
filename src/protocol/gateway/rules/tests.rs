use serde_json::{Value, json};

use super::super::identity::tests::alice;
use super::super::original::{Said, Told};
use super::*;

#[expect(clippy::needless_pass_by_value, reason = "tables of rules read better without references")]
fn app(rules: Value) -> GatewayApp {
    serde_json::from_value(json!({ "host": "wiki.test", "rules": rules })).unwrap()
}

fn request(method: &str, target: &str) -> Original {
    Original::from_headers(&Told {
        forwarded_proto: Said::Once("https"),
        forwarded_host: Said::Once("wiki.test"),
        forwarded_uri: Said::Once(target),
        forwarded_method: Said::Once(method),
        ..Told::default()
    })
    .unwrap()
}

fn ruling(rules: Value, target: &str) -> Option<Ruling> {
    app(rules).rule_for(&request("GET", target)).unwrap().map(|rule| rule.judge(&alice()))
}

#[test]
fn the_first_rule_that_covers_a_request_decides() {
    let rules = json!([
        { "path": "/admin", "allow": ["group:board"] },
        { "path": "/", "allow": ["signed-in"] },
    ]);
    assert_eq!(ruling(rules.clone(), "/admin/x"), Some(Ruling::Deny));
    assert_eq!(ruling(rules.clone(), "/administrator"), Some(Ruling::Allow));
    assert_eq!(ruling(rules, "/"), Some(Ruling::Allow));
}

#[test]
fn without_a_rule_nobody_may() {
    assert_eq!(ruling(json!([]), "/"), None);
    assert_eq!(ruling(json!([{ "path": "/a", "allow": ["signed-in"] }]), "/b"), None);
    assert_eq!(ruling(json!([{ "allow": [] }]), "/"), Some(Ruling::Deny));
}

#[test]
fn people_are_known_by_name_group_and_role() {
    for (who, may) in [
        ("signed-in", true),
        ("user:alice", true),
        ("user:ALICE", true),
        ("user:bob", false),
        ("group:staff", true),
        ("group:Staff", false),
        ("group:staff,board", false),
        ("role:owner", false),
        ("role:auditor", true),
    ] {
        let expected = if may { Ruling::Allow } else { Ruling::Deny };
        assert_eq!(ruling(json!([{ "allow": [who] }]), "/"), Some(expected), "{who}");
    }
    let several = json!([{ "allow": ["user:bob", "group:staff"] }]);
    assert_eq!(ruling(several, "/"), Some(Ruling::Allow));
}

#[test]
fn a_level_is_asked_for_after_the_person() {
    let level = |who: &str| json!([{ "allow": [who], "acr": "aal2" }]);
    assert_eq!(ruling(level("signed-in"), "/"), Some(Ruling::StepUp(Level::Aal2)));
    assert_eq!(ruling(level("user:bob"), "/"), Some(Ruling::Deny));
    let rules = app(json!([{ "allow": ["signed-in"], "acr": "aal1" }]));
    let request = request("GET", "/");
    let rule = rules.rule_for(&request).unwrap().unwrap();
    assert_eq!(rule.judge(&alice()), Ruling::Allow);
    let unknown = Visitor { level: None, ..alice() };
    assert_eq!(rule.judge(&unknown), Ruling::StepUp(Level::Aal1));
}

#[test]
fn a_rule_may_be_about_some_methods_and_head_is_get() {
    let rules = app(json!([
        { "methods": ["OPTIONS"], "allow": ["public"] },
        { "methods": ["GET"], "allow": ["signed-in"] },
    ]));
    let is_public =
        |method: &str| rules.rule_for(&request(method, "/")).unwrap().map(Rule::is_public);
    assert_eq!(is_public("OPTIONS"), Some(true));
    assert_eq!(is_public("GET"), Some(false));
    assert_eq!(is_public("HEAD"), Some(false));
    assert_eq!(is_public("POST"), None);
}

#[test]
fn a_path_that_an_app_may_read_as_another_rule_s_is_refused() {
    let rules = app(json!([
        { "path": "/admin", "allow": ["group:board"] },
        { "path": "/static", "allow": ["public"] },
        { "path": "/", "allow": ["signed-in"] },
    ]));
    for target in
        ["/Admin", "/admin;x=1/users", "/ADMIN./x", "/admin%20/x", "/admin%3fx", "/Static"]
    {
        let told = rules.rule_for(&request("GET", target));
        assert_eq!(told, Err(Refusal::TwoReadings), "{target}");
    }
    for target in ["/Wiki/Page", "/wiki;v=2", "/static/App.js"] {
        assert!(rules.rule_for(&request("GET", target)).unwrap().is_some(), "{target}");
    }
}

#[test]
fn rules_come_back_as_they_were_written() {
    let written = json!([
        { "path": "/a", "methods": ["GET"], "allow": ["user:bob", "role:owner"], "acr": "aal2" },
        { "path": "/", "methods": [], "allow": ["public"] },
    ]);
    assert_eq!(serde_json::to_value(app(written.clone()).rules).unwrap(), written);
}

#[test]
fn mistakes_in_rules_are_refused() {
    for bad in [
        json!({ "path": "/a" }),
        json!({ "allow": ["everyone"] }),
        json!({ "allow": ["group:"] }),
        json!({ "allow": ["role:boss"] }),
        json!({ "allow": ["public", "group:a"] }),
        json!({ "allow": ["public"], "acr": "aal1" }),
        json!({ "allow": ["signed-in"], "acr": "high" }),
        json!({ "allow": ["signed-in"], "path": "admin" }),
        json!({ "allow": ["signed-in"], "path": "/a/../b" }),
        json!({ "allow": ["signed-in"], "path": "/a?b" }),
        json!({ "allow": ["signed-in"], "methods": ["get"] }),
        json!({ "allow": ["signed-in"], "group": "a" }),
    ] {
        assert!(serde_json::from_value::<Rule>(bad.clone()).is_err(), "{bad}");
    }
    for bad in ["https://wiki.test", "wiki.test/x", "*.wiki.test", "", "wiki.test."] {
        assert!(serde_json::from_value::<AppHost>(json!(bad)).is_err(), "{bad}");
    }
    let host: AppHost = serde_json::from_value(json!("Wiki.Test:443")).unwrap();
    assert_eq!((host.as_str(), host.origin().as_str()), ("wiki.test", "https://wiki.test"));
    let local: AppHost = serde_json::from_value(json!("localhost:81")).unwrap();
    assert_eq!(local.origin(), "http://localhost:81");
}
