//! A SCIM client and a SCIM tester that others wrote: scim2-client provisions a person and a group as a
//! directory does, and scim2-tester tries every attribute the schemas name.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::apps::{Library, PASSWORD};
use crate::support::browser_like::Browser;
use crate::support::world::World;

/// What the tester finds wrong that is right by the RFCs: check, resource, words of its reason, and why.
const NOT_WRONG: [(&str, &str, &str, &str); 5] = [
    ("check_add_attribute", "User", "emails'", RETURNED),
    ("check_replace_attribute", "User", "emails'", RETURNED),
    ("check_add_attribute", "Group", "members'", RETURNED),
    ("check_replace_attribute", "Group", "members'", RETURNED),
    ("check_remove_attribute", "User", "active'", NEEDED),
];

/// It compares what it sent with all that comes back, which has read-only sub-attributes as well
/// (RFC 7643 section 2.2: `readOnly`; RFC 7644 section 3.3: the server may add to what was sent).
const RETURNED: &str = "read-only sub-attributes come back";

/// Somebody is active or is not: RFC 7644 section 3.5.2.2 lets the server refuse.
const NEEDED: &str = "active has always a value";

/// With a key of an owner.
struct Directory {
    base: String,
    token: String,
}

impl Directory {
    fn new(world: &World) -> Self {
        let owner = ["user", "create", "--username", "boss", "--role", "owner"];
        let password = ["--email", "boss@people.test", "--password-file", "-"];
        world.cli_with_input(&[&owner[..], &password].concat(), PASSWORD);
        let key = ["api-key", "create", "--user", "boss", "--name", "Directory"];
        let scopes = ["--scope", "doorward.users:write", "--scope", "doorward.groups:write"];
        let made = world.cli(&[&key[..], &scopes].concat());
        let token = made["key"].as_str().expect("a key").to_owned();
        Self { base: format!("{}/scim/v2", world.issuer), token }
    }

    /// What the script answers for this step.
    async fn ask(&self, step: &str, said: &Value) -> Value {
        let question = json!({ "base": self.base, "token": self.token, step: said });
        // The environment with the libraries for Python is one.
        let mut command = Library::Authlib.script("scim");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let answered = tokio::task::spawn_blocking(move || {
            let mut child = command.spawn().expect("start Python");
            let mut input = child.stdin.take().expect("a pipe");
            input.write_all(question.to_string().as_bytes()).expect("ask");
            drop(input);
            child.wait_with_output().expect("an answer")
        });
        let output = answered.await.expect("an answer");
        let messages = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{step}: {messages}");
        serde_json::from_slice(&output.stdout).expect("JSON")
    }
}

/// Fills in the sign-in form; whether that signed in.
async fn signs_in(browser: &Browser, username: &str) -> bool {
    let form = browser.get("/login").await.form("sign-in");
    let page = form.set("username", username).set("password", PASSWORD).submit().await;
    page.status.as_u16() == 303
}

async fn is_signed_in(browser: &Browser) -> bool {
    browser.get("/account").await.status.as_u16() == 200
}

on_both_backends! {
    async fn scim2_client_provisions_and_deprovisions(world: World) {
        let directory = Directory::new(&world);
        let wanted = json!({ "name": "alice", "password": PASSWORD });
        let made = directory.ask("provision", &wanted).await;
        assert_eq!(made["members"], json!([made["user"]]));
        assert_eq!(made["found"], json!([made["user"]]));
        let known = world.cli(&["user", "show", "alice"]);
        assert_eq!((&known["id"], &known["groups"]), (&made["user"], &json!(["alice's"])));
        let browser = world.browser();
        assert!(signs_in(&browser, "alice").await && is_signed_in(&browser).await);

        let off = directory.ask("change", &json!({ "user": made["user"], "active": false })).await;
        assert_eq!(off, json!({ "active": false, "given_name": "Changed", "locale": "de-CH" }));
        assert!(!is_signed_in(&browser).await, "what they had has ended");
        assert!(!signs_in(&world.browser(), "alice").await);
        let on = directory.ask("change", &json!({ "user": made["user"], "active": true })).await;
        assert_eq!(on["active"], true);
        assert!(signs_in(&world.browser(), "alice").await);

        let left = json!({ "user": made["user"], "group": made["group"] });
        let left = directory.ask("leave", &left).await;
        assert!(left["gone"].is_string(), "{left}");
        assert!(!signs_in(&world.browser(), "alice").await);
        let groups = world.cli(&["group", "list"]);
        assert!(!groups.to_string().contains("alice"), "{groups}");
        world.assert_log_is_clean(&[PASSWORD, &directory.token]);
    }

    async fn scim2_tester_finds_nothing_but_what_is_known(world: World) {
        let directory = Directory::new(&world);
        let results = directory.ask("check", &json!({})).await["results"].take();
        let results = results.as_array().expect("results");
        assert!(results.len() > 60, "it did not get far: {results:#?}");
        let is_good = |result: &Value| matches!(result["status"].as_str(), Some("SUCCESS" | "COMPLIANT" | "ACCEPTABLE"));
        let mut left = NOT_WRONG.to_vec();
        for result in results.iter().filter(|result| !is_good(result)) {
            let reason = result["reason"].as_str().unwrap_or_default();
            let place = left.iter().position(|(check, resource, words, _)| {
                result["status"] == "ERROR" && result["title"] == *check && result["resource"] == *resource && reason.contains(words)
            });
            let place = place.unwrap_or_else(|| panic!("the tester complains: {result:#}"));
            left.remove(place);
        }
        assert!(left.is_empty(), "no complaint any more: {left:?}");
        world.assert_log_is_clean(&[&directory.token]);
    }
}
