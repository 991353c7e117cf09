//! Webhooks and trusted issuers as a file declares them.

use serde_json::{Value, json};

use crate::kit::audit::events;
use crate::kit::declared::{apply, assert_refused, changes, fields, told};
use crate::kit::flow::{App, count};
use crate::support::world::World;

const STATE: &str = r#"
[[clients]]
client_id = "timetable"
metadata = { kind = "spa", client_name = "Timetable", redirect_uris = ["https://time.example.test/"] }

[[webhooks]]
name = "chat"
url = "https://chat.example.test/in/token-in-the-path"
events = ["user.*", "client.deleted"]

[[webhooks]]
name = "quiet"
url = "https://quiet.example.test/in"
events = ["*"]
disabled = true

[[issuers]]
name = "cluster"
issuer = "https://cluster.example.test"
settings = { jwks_uri = "https://cluster.example.test/keys", reuse = "allowed", rules = [
  { client_id = "timetable", match = { sub = "prod:*" }, identity = "username" },
] }
"#;

on_both_backends! {
    async fn endpoints_are_made_once_with_a_secret_that_is_told_once(world: World) {
        let file = world.write("state.toml", STATE);
        let all =
            ["create client timetable", "create webhook chat", "create webhook quiet", "create issuer cluster"];
        let dry = apply(&world, &["-f", &file, "--dry-run"]);
        assert_eq!(changes(&dry), all);
        assert!(told(&dry)["secrets"].is_null());
        assert_eq!(count(&world, "select count(*) from webhooks").await, 0);
        let made = apply(&world, &["-f", &file]);
        assert_eq!(changes(&made), all);
        let told_once = told(&made);
        let secrets: Vec<_> = told_once["secrets"].as_array().expect("secrets").iter().collect();
        assert_eq!(secrets.len(), 2);
        assert_eq!((&secrets[0]["kind"], &secrets[0]["name"]), (&json!("webhook"), &json!("chat")));
        let secret = secrets[0]["secret"].as_str().expect("a secret");
        assert!(secret.starts_with("whsec_"), "{secret}");
        assert!(world.cli(&["webhook", "show", "quiet"])["disabled_at"].is_string());
        let again = apply(&world, &["-f", &file, "--prune"]);
        assert!(changes(&again).is_empty());
        assert!(told(&again)["secrets"].is_null());
        for (kind, times) in
            [("webhook.created", 2), ("webhook.disabled", 1), ("issuer.trusted", 1), ("issuer.disabled", 0)]
        {
            assert_eq!(events(&world, kind).await, times, "{kind}");
        }
        let written = String::from_utf8(world.run(&["export"]).stdout).unwrap();
        assert!(written.contains("prod:*") && !written.contains("whsec_"), "{written}");
        world.assert_log_is_clean(&[secret, "token-in-the-path"]);
    }

    async fn what_differs_of_an_endpoint_is_told_and_made_so(world: World) {
        let file = world.write("state.toml", STATE);
        changes(&apply(&world, &["-f", &file]));
        let state = STATE
            .replace("token-in-the-path", "another-token")
            .replace("disabled = true", "disabled = false")
            .replace("reuse = \"allowed\", ", "");
        let file = world.write("state.toml", &state);
        let wanted = ["update webhook chat", "update webhook quiet", "update issuer cluster"];
        let dry = apply(&world, &["-f", &file, "--dry-run"]);
        assert_eq!(changes(&dry), wanted);
        let text = String::from_utf8_lossy(&dry.stdout).into_owned();
        assert!(!text.contains("token-in-the-path") && !text.contains("another-token"), "{text}");
        assert_eq!([0, 1, 2].map(|place| fields(&dry, place)), ["url", "disabled", "settings"]);
        let done = apply(&world, &["-f", &file]);
        assert_eq!(changes(&done), wanted);
        assert!(told(&done)["secrets"].is_null(), "the secret stays");
        assert!(changes(&apply(&world, &["-f", &file])).is_empty());
        assert!(world.cli(&["webhook", "show", "quiet"])["disabled_at"].is_null());
        // What is not named goes only when it is asked for, and only what a file has made.
        let hand = ["webhook", "create", "--name", "by-hand", "--url", "https://hand.example.test/", "--event", "*"];
        world.cli(&hand);
        let empty = world.write("empty.json", "{}");
        assert!(changes(&apply(&world, &["-f", &empty])).is_empty());
        let doomed =
            ["delete issuer cluster", "delete webhook chat", "delete webhook quiet", "delete client timetable"];
        assert_eq!(changes(&apply(&world, &["-f", &empty, "--prune", "--allow-empty", "--dry-run"])), doomed);
        assert_eq!(changes(&apply(&world, &["-f", &empty, "--prune", "--allow-empty", "--yes"])), doomed);
        assert_eq!(count(&world, "select count(*) from webhooks").await, 1);
        assert_eq!(count(&world, "select count(*) from trusted_issuers").await, 0);
    }

    async fn exported_endpoints_are_the_same_elsewhere(backend: Backend) {
        let (here, there) = (World::start(backend).await, World::start(backend).await);
        changes(&apply(&here, &["-f", &here.write("first.toml", STATE)]));
        for (name, flags) in [("state.json", &["--format", "json", "export"][..]), ("state.toml", &["export"])] {
            let text = String::from_utf8(here.run(flags).stdout).unwrap();
            let file = here.write(name, &text);
            assert!(changes(&apply(&here, &["-f", &file, "--prune"])).is_empty(), "{text}");
            assert_eq!(changes(&apply(&there, &["-f", &file, "--dry-run"])).len(), 4, "{text}");
        }
        let file = here.path("state.toml").display().to_string();
        let made = told(&apply(&there, &["-f", &file]));
        assert_eq!(made["secrets"].as_array().unwrap().len(), 2);
        let export = |world: &World| world.run(&["export"]).stdout;
        assert_eq!(export(&there), export(&here));
    }

    async fn an_endpoint_that_cannot_be_changes_nothing(world: World) {
        App::register(&world, "wiki", &[]);
        let issuer = |rest: &str| {
            format!("[[issuers]]\nname = \"c\"\nissuer = \"https://c.example.test\"\n[issuers.settings]\n{rest}")
        };
        let rules = |client: &str| format!("rules = [{{ client_id = \"{client}\", match = {{ sub = \"x\" }} }}]");
        let keys = "jwks_uri = \"https://c.example.test/keys\"\n";
        let hook = |url: &str, event: &str| {
            format!("[[webhooks]]\nname = \"x\"\nurl = \"{url}\"\nevents = [\"{event}\"]")
        };
        let twice = format!("{0}\n{0}", hook("https://x.example.test/", "*"));
        for (text, word) in [
            (hook("https://10.0.0.1/", "*"), "webhook x"),
            (hook("https://x.example.test/", "nothing.ever"), "nothing.ever"),
            (format!("{}\nsecret = \"s\"", hook("https://x.example.test/", "*")), "secret"),
            (twice, "named twice"),
            (issuer(&format!("{keys}{}", rules("nobody"))), "there is no client nobody"),
            (issuer(&rules("wiki")), "issuer c"),
            (issuer(&format!("{keys}{}\nunknown = 1", rules("wiki"))), "unknown"),
        ] {
            let file = world.write("bad.toml", &text);
            for flags in [&["-f", file.as_str()][..], &["-f", &file, "--dry-run"]] {
                assert_refused(&apply(&world, flags), 1, word);
            }
        }
        assert_eq!(count(&world, "select count(*) from webhooks").await, 0);
        // A secret that was made is told even when what comes after it fails.
        let good = hook("https://x.example.test/", "*");
        let taken = format!(
            "{good}\n{}\n{}",
            issuer(&format!("{keys}{}\n", rules("wiki"))),
            issuer(&format!("{keys}{}\n", rules("wiki"))).replace("\"c\"", "\"d\""),
        );
        let file = world.write("taken.toml", &taken);
        let output = apply(&world, &["-f", &file]);
        assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
        let document: Value = serde_json::from_slice(&output.stdout).expect("one document");
        assert_eq!(document["applied"], json!(false));
        assert!(document["secrets"][0]["secret"].as_str().is_some_and(|text| text.starts_with("whsec_")));
    }
}
