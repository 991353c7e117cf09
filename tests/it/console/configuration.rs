//! What a server runs with, by console and REST API, as the command line has it; and no secret.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::kit::api::{Api, is};
use crate::kit::console::admin;
use crate::kit::flow::PATIENCE;
use crate::support::backends::Backend;
use crate::support::browser_like::Page;
use crate::support::process::{free_port, wait_until_async};
use crate::support::world::World;

const SCOPES: [&str; 1] = ["doorward.settings:read"];
/// Of a mail server that is not there.
const MAIL_PASSWORD: &str = "hunter22-and-more";

/// The rows of a table, by what is in their first column.
fn rows(page: &Page, id: &str) -> BTreeMap<String, (String, String)> {
    let names = page.texts(&format!("#{id} tbody th"));
    let cells = page.texts(&format!("#{id} tbody td"));
    assert_eq!(cells.len(), names.len() * 2, "{}", page.describe());
    let pairs = cells.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone()));
    // A setting that is live says so beside its name.
    let name = |text: String| text.trim_end_matches("live").trim().to_owned();
    names.into_iter().map(name).zip(pairs).collect()
}

fn setting<'a>(told: &'a Value, key: &str) -> &'a Value {
    let all = told["settings"].as_array().expect("settings");
    all.iter().find(|setting| setting["key"] == key).unwrap_or_else(|| panic!("no {key}"))
}

fn part<'a>(told: &'a Value, name: &str) -> &'a Value {
    let all = told["parts"].as_array().expect("parts");
    all.iter().find(|part| part["name"] == name).unwrap_or_else(|| panic!("no {name}: {told}"))
}

on_both_backends! {
    async fn every_setting_is_there_with_where_it_comes_from(backend: Backend) {
        let world = World::builder(backend)
            .config_file("[branding]\nfooter = \"From the file\"\n")
            .env("DOORWARD_SESSION__IDLE", "900")
            .start()
            .await;
        let owner = admin(&world, "owner").await;
        world.cli(&["setting", "set", "product_name", "Orchard"]);
        let api = Api::with_key(&world, "the-owner", &SCOPES);
        let look = async || is(api.get("/configuration").await, 200).json();
        wait_until_async("the server having it", PATIENCE, async || {
            setting(&look().await, "product_name")["value"] == "Orchard"
        })
        .await;
        let told = look().await;
        let page = owner.page("/admin/configuration").await;
        let shown = rows(&page, "settings");
        // The command reads the same sources as the server.
        let by_command = world.cli(&["config", "show", "--origin"]);
        let by_command = by_command.as_object().expect("settings");
        assert_eq!(shown.len(), by_command.len());
        assert_eq!(told["settings"].as_array().map(Vec::len), Some(by_command.len()));
        for (key, wanted) in by_command {
            let told = setting(&told, key);
            assert_eq!(told["origin"], wanted["origin"], "{key}");
            assert_eq!(json!(shown[key].1), wanted["origin"], "{key}");
            assert_eq!(told["set"], json!(!wanted["value"].is_null()), "{key}");
            if told["secret"] == false {
                assert_eq!(told["value"], wanted["value"], "{key}");
            } else {
                assert_eq!((&told["value"], shown[key].0.as_str()), (&Value::Null, "set"), "{key}");
            }
        }
        for (key, value, origin) in [
            ("session.idle", "900", "environment variable DOORWARD_SESSION__IDLE"),
            ("product_name", "Orchard", "database"),
            ("session.absolute", "43200", "default"),
            ("mail.password", "–", "default"),
            ("issuer", &world.issuer, "environment variable DOORWARD_ISSUER"),
        ] {
            assert_eq!(shown[key], (value.to_owned(), origin.to_owned()), "{key}");
        }
        assert_eq!(shown["branding.footer"].0, "From the file");
        assert!(shown["branding.footer"].1.starts_with("file "), "{shown:?}");
        let version = world.cli(&["version"]);
        assert_eq!((&told["version"], &told["revision"]), (&version["version"], &version["revision"]));
        assert_eq!(page.texts("#version"), [env!("CARGO_PKG_VERSION")]);
        assert_eq!(setting(&told, "session.idle")["live"], true);
        assert_eq!(setting(&told, "issuer")["live"], false);
        // Found from where people look.
        for place in ["/admin", "/admin/settings"] {
            assert!(owner.page(place).await.has("main a[href='/admin/configuration']"), "{place}");
        }
    }

    async fn the_state_of_each_part_is_told_and_no_secret(backend: Backend) {
        let dead = format!("smtp://127.0.0.1:{}", free_port());
        let world = World::builder(backend)
            .env("DOORWARD_MAIL__URL", &dead)
            .env("DOORWARD_MAIL__FROM", "doorward@example.test")
            .env("DOORWARD_MAIL__USERNAME", "doorward")
            .env("DOORWARD_MAIL__PASSWORD", MAIL_PASSWORD)
            .start()
            .await;
        let auditor = admin(&world, "auditor").await;
        let page = auditor.page("/admin/configuration").await;
        assert!(!page.has("main form"), "{}", page.describe());
        let parts = rows(&page, "dependencies");
        assert_eq!(parts["Database"].0, "Works", "{parts:?}");
        assert!(parts["Database"].1.contains("schema"), "{parts:?}");
        assert_eq!(parts["Fast store"].0, "Works", "{parts:?}");
        assert_eq!(parts["Mail server"].0, "Does not work", "{parts:?}");
        let told = is(Api::with_key(&world, "the-auditor", &SCOPES).get("/configuration").await, 200);
        let document = told.json();
        assert_eq!(part(&document, "database")["state"], "ok", "{document}");
        assert_eq!(part(&document, "mail")["state"], "failure", "{document}");
        assert!(!part(&document, "mail")["text"].as_str().unwrap_or_default().is_empty());
        assert!(!document["cautions"].as_array().expect("cautions").is_empty(), "plain http");
        let mut secrets = vec![MAIL_PASSWORD.to_owned()];
        for name in ["DOORWARD_SECRETS__MASTER_KEY", "DOORWARD_REDIS__URL", "DOORWARD_DATABASE__URL"] {
            secrets.extend(world.setting(name).map(str::to_owned));
        }
        assert_eq!(secrets.len() > 1, backend == Backend::Production);
        for secret in &secrets {
            assert!(!page.body.contains(secret) && !told.text.contains(secret), "{secret}");
        }
        world.assert_log_is_clean(&[MAIL_PASSWORD]);
        let other = Api::with_key(&world, "the-auditor", &["doorward.overview:read"]);
        is(other.get("/configuration").await, 403);
    }
}
