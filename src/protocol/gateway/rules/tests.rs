use proptest::prelude::*;
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
fn an_extension_leads_to_no_laxer_rule() {
    let told = |rules: Value, target: &str| {
        let app = app(rules);
        let rule = app.rule_for(&request("GET", target));
        rule.map(|rule| app.rules.iter().position(|known| Some(known) == rule))
    };
    let board = || json!({ "path": "/board", "allow": ["group:board"] });
    let file = || json!({ "path": "/board.json", "allow": ["public"] });
    let others = || json!({ "path": "/", "allow": ["signed-in"] });
    for target in ["/board.json", "/board.HTML", "/Board.json", "/board.a.b", "/board.json/"] {
        assert_eq!(told(json!([board(), others()]), target), Err(Refusal::TwoReadings), "{target}");
        assert_eq!(told(json!([board()]), target), Err(Refusal::TwoReadings), "{target}");
    }
    assert_eq!(told(json!([board(), others()]), "/boards.json"), Ok(Some(1)));
    assert_eq!(told(json!([board(), others()]), "/board/x.json"), Ok(Some(0)));
    // Who names the file first has thought of it.
    assert_eq!(told(json!([file(), board(), others()]), "/board.json"), Ok(Some(0)));
    assert_eq!(told(json!([file(), board(), others()]), "/board"), Ok(Some(1)));
    assert_eq!(told(json!([board(), file(), others()]), "/board.json"), Err(Refusal::TwoReadings));
    // Rules that say the same are one.
    let same = json!([{ "path": "/help", "allow": ["signed-in"] }, others()]);
    assert_eq!(told(same, "/help.html"), Ok(Some(1)));
}

#[test]
fn files_with_extensions_stay_where_their_rule_puts_them() {
    let rules = app(json!([
        { "path": "/static", "allow": ["public"] },
        { "path": "/robots.txt", "allow": ["public"] },
        { "path": "/static2/app.js", "allow": ["public"] },
        { "path": "/board", "allow": ["group:board"] },
        { "path": "/", "allow": ["signed-in"] },
    ]));
    for (target, is_public) in [
        ("/static/app.js", true),
        ("/static/app.min.js", true),
        ("/robots.txt", true),
        ("/static2/app.js", true),
        ("/favicon.ico", false),
        ("/robots", false),
        ("/static2/other.js", false),
        ("/a/b/page.html", false),
        ("/board/minutes.pdf", false),
    ] {
        let rule = rules.rule_for(&request("GET", target)).unwrap().unwrap();
        assert_eq!(rule.is_public(), is_public, "{target}");
    }
}

proptest! {
    #[test]
    fn no_end_of_a_name_leads_past_its_rule(end in "[.;?#%a-zA-Z0-9=]{0,12}") {
        let rules = app(json!([
            { "path": "/board", "allow": ["group:board"] },
            { "path": "/", "allow": ["public"] },
        ]));
        for start in ["/board.", "/board;", "/BOARD.", "/board", "/board?"] {
            let told = Told {
                forwarded_proto: Said::Once("https"),
                forwarded_host: Said::Once("wiki.test"),
                forwarded_method: Said::Once("GET"),
                ..Told::default()
            };
            let target = format!("{start}{end}");
            let told = Told { forwarded_uri: Said::Once(&target), ..told };
            let Ok(original) = Original::from_headers(&told) else { continue };
            let rule = rules.rule_for(&original);
            let goes_on = |first: char| first.is_ascii_alphanumeric() || matches!(first, '=' | '%');
            let is_another = start == "/board" && end.starts_with(goes_on);
            prop_assert!(
                is_another || !matches!(rule, Ok(Some(rule)) if rule.is_public()),
                "{target}"
            );
        }
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
