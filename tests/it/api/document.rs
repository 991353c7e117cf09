//! The OpenAPI document is true: against the table the addresses come from, and as schemathesis sees it,
//! which makes requests out of the document and holds the answers against it.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use doorward::http::api::addresses;
use reqwest::Method;

use crate::kit::api::{Api, all_scopes, sent};
use crate::kit::console::create;

/// The program, as `scripts/test-setup` installs it.
fn schemathesis() -> Command {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api/.venv/bin/schemathesis");
    assert!(program.exists(), "{} is not there: run scripts/test-setup", program.display());
    Command::new(program)
}

on_both_backends! {
    async fn the_document_names_every_address_and_no_other(world: World) {
        create(&world, "boss", Some("owner"));
        let api = Api::with_key(&world, "boss", &all_scopes());
        let answer = sent(api.bare(Method::GET, "/openapi.json")).await;
        assert_eq!(answer.status, 200);
        let document = answer.json();
        assert_eq!(document["openapi"], "3.1.0");
        assert_eq!(document["servers"][0]["url"], format!("{}/api/v1", world.issuer));
        let mut named = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                named.insert((method.to_uppercase(), path.clone()));
            }
        }
        let known = addresses().map(|(method, path, ..)| (method, path));
        // A way in of its own.
        let beside = ["GET", "PUT", "PATCH", "DELETE"].map(|method| (method, "/session-data/{key}"));
        let known = known.chain(beside).map(|(method, path)| (method.to_owned(), path.to_owned()));
        assert_eq!(named, known.collect());
    }

    async fn schemathesis_finds_no_answer_that_the_document_does_not_name(world: World) {
        // An owner would delete the one whose key it is before long.
        create(&world, "boss", Some("operator"));
        let api = Api::with_key(&world, "boss", &all_scopes());
        let document = format!("{}/api/v1/openapi.json", world.issuer);
        let folder = world.path("schemathesis");
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut command = schemathesis();
        command
            .args(["run", &document, "--phases", "examples,coverage,fuzzing", "--seed", "1"])
            .args(["--checks", CHECKS, "--max-examples", "3", "--generation-database", "none"])
            .args(["--no-color", "--workers", "1", "--suppress-health-check", "all"])
            .args(["--request-timeout", "30", "--header"])
            .arg(format!("Authorization: Bearer {}", api.credential))
            .current_dir(folder);
        let found = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
        let found = found.expect("schemathesis to run");
        let text = String::from_utf8_lossy(&found.stdout).into_owned();
        assert!(found.status.success(), "{text}\n{}", String::from_utf8_lossy(&found.stderr));
        // It got in: otherwise everything would have been 401.
        assert_eq!(api.get("/users").await.status, 200, "{text}");
        world.assert_log_is_clean(&[&api.credential]);
    }
}

/// What is looked for. Not whether everything that fits the document is accepted: it cannot say all there
/// is to say about a name or an address.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance,unsupported_method,ignored_auth";
