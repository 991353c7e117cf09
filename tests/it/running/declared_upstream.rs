//! Upstream providers as a file declares them, with their secrets in files of their own.

use std::process::Output;

use serde_json::json;

use crate::kit::declared::{self, apply, assert_refused, fields};
use crate::kit::flow::count;
use crate::kit::upstream::SECRET;

const STATE: &str = r#"
[[upstream_providers]]
slug = "school"
display_name = "Our school"
issuer = "https://id.school.example.test"
client_id = "doorward"
secret_file = "school.secret"

[[upstream_providers]]
slug = "partner"
display_name = "Partner"
issuer = "https://partner.example.test/"
client_id = "us"
disabled = true
secret_file = "school.secret"
settings = { token_endpoint_auth_method = "client_secret_post", claims = { groups = "roles" } }
"#;

const OTHER_SECRET: &str = "another-upstream-secret-k3V";

/// The entries that change, each as `action kind name: fields`.
#[track_caller]
fn changes(output: &Output) -> Vec<String> {
    let entries = declared::changes(output).into_iter().enumerate();
    entries.map(|(place, entry)| format!("{entry}: {}", fields(output, place))).collect()
}

on_both_backends! {
    async fn providers_are_made_changed_and_pruned_as_a_file_says(world: World) {
        let file = world.write("state.toml", STATE);
        let missing = apply(&world, &["-f", &file]);
        assert!(String::from_utf8_lossy(&missing.stderr).contains("school.secret"));
        world.write("school.secret", &format!("{SECRET}\n"));
        let made = ["create upstream school: ", "create upstream partner: "];
        assert_eq!(changes(&apply(&world, &["-f", &file, "--dry-run"])), made);
        assert_eq!(count(&world, "select count(*) from upstream_providers").await, 0);
        assert_eq!(changes(&apply(&world, &["-f", &file])), made);
        assert!(changes(&apply(&world, &["-f", &file, "--prune"])).is_empty(), "the same secret is no change");
        let partner = world.cli(&["upstream", "show", "partner"]);
        assert!(partner["disabled_at"].is_string(), "{partner}");
        assert_eq!((&partner["claims"]["groups"], &partner["claims"]["name"]), (&json!("roles"), &json!("name")));

        // Another secret is told by name alone.
        world.write("school.secret", OTHER_SECRET);
        let state = STATE.replace("\"Our school\"", "\"The school\"").replace("disabled = true", "disabled = false");
        let file = world.write("state.toml", &state);
        let wanted = ["update upstream school: display_name secret", "update upstream partner: secret disabled"];
        let dry = apply(&world, &["-f", &file, "--dry-run"]);
        assert_eq!(changes(&dry), wanted);
        assert!(!String::from_utf8_lossy(&dry.stdout).contains(OTHER_SECRET));
        assert_eq!(changes(&apply(&world, &["-f", &file])), wanted);
        for (kind, times) in [("created", 2), ("updated", 1), ("secret_replaced", 2), ("disabled", 1), ("enabled", 1)] {
            let sql = format!("select count(*) from audit_events where kind = 'upstream_provider.{kind}'");
            assert_eq!(count(&world, &sql).await, times, "{kind}");
        }
        // Written and applied again nothing changes, and no secret is written.
        for (name, flags) in [("out.json", &["--format", "json", "export"][..]), ("out.toml", &["export"])] {
            let text = String::from_utf8(world.run(flags).stdout).unwrap();
            assert!(!text.contains(SECRET) && !text.contains(OTHER_SECRET) && !text.contains("secret_file"), "{text}");
            let file = world.write(name, &text);
            assert!(changes(&apply(&world, &["-f", &file, "--prune"])).is_empty(), "{text}");
        }
        crate::kit::upstream::add(&world, "by-hand", "https://hand.example.test");
        let empty = world.write("empty.json", "{}");
        let doomed = ["delete upstream partner: ", "delete upstream school: "];
        assert_eq!(changes(&apply(&world, &["-f", &empty, "--prune", "--allow-empty", "--yes"])), doomed);
        assert_eq!(count(&world, "select count(*) from upstream_providers").await, 1);
        world.assert_log_is_clean(&[SECRET, OTHER_SECRET]);
    }

    async fn a_provider_that_cannot_be_changes_nothing(world: World) {
        world.write("school.secret", SECRET);
        crate::kit::upstream::add(&world, "there", "https://there.example.test");
        let provider = |slug: &str, issuer: &str, rest: &str| {
            format!("[[upstream_providers]]\nslug = \"{slug}\"\nissuer = \"{issuer}\"\ndisplay_name = \"S\"\nclient_id = \"c\"\n{rest}\n")
        };
        let (issuer, secret) = ("https://id.school.example.test", "secret_file = \"school.secret\"");
        let good = provider("school", issuer, secret);
        for (text, word) in [
            (provider("school", issuer, ""), "needs a secret"),
            (provider("A", issuer, secret), "upstream A"),
            (provider("school", "http://id.school.example.test", secret), "must use https"),
            (provider("there", "https://other.example.test", ""), "stay the same"),
            (provider("there", "https://there.example.test", "settings = { scope = [\"email\"] }"), "must contain openid"),
            (provider("school", issuer, "secret = \"x\""), "secret"),
            (provider("school", issuer, "secret_file = \"nowhere\""), "nowhere"),
            (provider("school", issuer, "kind = \"saml\""), "saml"),
            (format!("{good}{good}"), "named twice"),
        ] {
            let file = world.write("bad.toml", &text);
            let output = apply(&world, &["-f", &file]);
            assert_refused(&output, 1, word);
            assert!(!String::from_utf8_lossy(&output.stderr).contains(SECRET), "{text}");
        }
        assert_eq!(count(&world, "select count(*) from upstream_providers").await, 1);
    }
}
