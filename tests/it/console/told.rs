//! What the audit log says of changed and deleted apps and of changed issuers: which members are others now, what
//! they were and are, and what ended with an app.

use serde_json::{Value, json};

use crate::kit::audit::{logged, noted};
use crate::kit::console::{admin, issuer_fields};
use crate::kit::flow::{App, PATIENCE, count, create_user, sign_in};
use crate::support::process::wait_until_async;
use crate::support::world::World;

/// What the newest event of a kind says.
fn newest(world: &World, kind: &str) -> Value {
    noted(world, kind).into_iter().next().unwrap_or_else(|| panic!("no {kind}"))
}

on_both_backends! {
    async fn a_changed_app_is_told_with_what_it_was_and_is(world: World) {
        let owner = admin(&world, "owner").await;
        let (app, _) = owner.add_app("Wiki").await;
        let path = format!("/admin/clients/{app}");
        let form = owner.page(&path).await.form("client").set("name", "Pages");
        let long = format!("https://rp.test/{}", "x".repeat(120));
        form.set("redirect_uris", &long).submit().await.assert_status(303);
        let told = newest(&world, "client.updated");
        let expected = json!({ "changed": ["client_name", "redirect_uris"],
            "before": { "client_name": "Wiki" }, "after": { "client_name": "Pages" } });
        assert_eq!(told, expected, "what is long is named alone");
        let list = owner.page(&format!("/admin/audit?kind=client.updated&client={app}")).await;
        let facts = list.texts("td.more dd");
        assert!(facts.contains(&"Wiki → Pages".to_owned()), "{facts:?}");
        assert!(!list.texts("tbody").concat().contains('{'), "{}", list.describe());
        world.cli(&["client", "update", &app, "--redirect-uri", "https://rp.test/cb"]);
        // Two of one second may stand either way.
        let told = noted(&world, "client.updated");
        assert!(told.iter().any(|told| told["changed"] == json!(["redirect_uris"])), "{told:?}");
    }

    async fn the_console_shows_all_that_is_kept_of_an_event(world: World) {
        let owner = admin(&world, "owner").await;
        let unsealed = "select cast(count(*) as bigint) from audit_unsealed";
        wait_until_async("everything being sealed", PATIENCE, async || count(&world, unsealed).await == 0).await;
        let kept = logged(&world, "session.created")[0].clone();
        let list = owner.page("/admin/audit?kind=session.created").await;
        // Without any script, and folded until somebody asks.
        assert!(list.has("tbody details:not([open]) > summary"), "{}", list.describe());
        let facts = list.texts("tbody details dd");
        for name in ["id", "session_id", "hash"] {
            let value = kept[name].as_str().unwrap_or_else(|| panic!("no {name}: {kept}"));
            assert!(facts.iter().any(|fact| fact == value), "{name}: {facts:?}");
        }
        let place = format!("number {}, ", kept["seq"]);
        assert!(facts.iter().any(|fact| fact.starts_with(&place)), "{place}: {facts:?}");
    }

    async fn a_deleted_app_is_told_by_its_name_and_with_what_ended(world: World) {
        create_user(&world, "alice");
        let app = App::register(&world, "diary", &["--scope", "openid profile email"]);
        world.cli(&["client", "update", "diary", "--ask-consent"]);
        let alice = sign_in(&world, "alice").await;
        app.allow(&alice).await;
        app.tokens(&alice).await;
        world.cli(&["client", "delete", "diary", "--yes"]);
        let told = newest(&world, "client.deleted");
        assert_eq!(told["client_name"], "diary", "{told}");
        assert_eq!(told["consents"], 1, "{told}");
        assert!(told["grants"].as_u64().is_some_and(|grants| grants >= 1), "{told}");
    }

    async fn a_changed_issuer_is_told_with_what_it_was_and_is(world: World) {
        let owner = admin(&world, "owner").await;
        // Of a short name: what is longer than an event repeats would not be there.
        let app = App::register(&world, "backup", &[]).id;
        let fields = issuer_fields(&app, 1);
        let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
        owner.post("/admin/issuers", &fields).await.assert_status(303);
        let form = owner.page("/admin/issuers/issuer-1").await.form("issuer-form");
        form.set("max_lifetime", "600").submit().await.assert_status(303);
        let told = newest(&world, "issuer.updated");
        assert_eq!((&told["name"], &told["changed"]), (&json!("issuer-1"), &json!(["max_lifetime"])));
        assert_eq!(told["before"], json!({ "max_lifetime": 3600 }));
        assert_eq!(told["after"], json!({ "max_lifetime": 600 }));
        // Other keys are told of, and not repeated.
        let keys = crate::kit::console::ISSUER_KEYS.replace("\"kid\": \"1\"", "\"kid\": \"2\"");
        let form = owner.page("/admin/issuers/issuer-1").await.form("issuer-form");
        form.set("jwks", &keys).submit().await.assert_status(303);
        let told = noted(&world, "issuer.updated");
        assert!(told.iter().any(|told| told["changed"] == json!(["jwks"]) && told["after"].is_null()), "{told:?}");
        // A rule goes with its app, and the log says which app that was.
        world.cli(&["client", "delete", &app, "--yes"]);
        let told = noted(&world, "issuer.updated");
        let lost = told.iter().find(|told| told["changed"] == json!(["rules"])).expect("an event");
        assert_eq!(lost["after"], json!({ "rules": [] }));
        assert_eq!(lost["before"]["rules"][0]["client_id"], app.as_str());
    }
}
