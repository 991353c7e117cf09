//! The OpenAPI document is true: against the table the addresses come from, and as schemathesis sees it,
//! which makes requests out of the document and holds the answers against it: as an operator at length, and as
//! everybody else as far as they differ. What each caller may do at all is in `rights`.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use doorward::http::api::addresses;
use reqwest::Method;
use serde_json::json;

use crate::kit::api::{Api, all_scopes, sent, service_for};
use crate::kit::console::create;
use crate::support::world::World;

/// How much of what the document allows is tried.
const AT_LENGTH: [&str; 4] = ["--phases", "examples,coverage,fuzzing", "--max-examples", "3"];
/// The same for those who come in by another door to the same rooms.
const IN_SHORT: [&str; 4] = ["--phases", "fuzzing", "--max-examples", "2"];

/// What may end the credential of whoever does it. It is tried last, since nothing is after it.
const MAY_BE_THE_LAST: [&str; 10] = [
    "UserDelete",
    "UserDeleteLater",
    "UserDisable",
    "UserSignOut",
    "UserTemporaryPassword",
    "UserPatch",
    "ClientDelete",
    "ClientDisable",
    "ClientPatch",
    "ApiKeyRevoke",
];

/// The program, as `scripts/test-setup` installs it.
fn schemathesis() -> Command {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api/.venv/bin/schemathesis");
    assert!(program.exists(), "{} is not there: run scripts/test-setup", program.display());
    Command::new(program)
}

/// Lets it make requests with this credential, and fails with all it says if an answer is not as the document
/// has it.
async fn tries_out(world: &World, api: &Api, how: &[&str]) {
    let document = format!("{}/api/v1/openapi.json", world.issuer);
    let folder = world.path("schemathesis");
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut command = schemathesis();
    command
        .args(["run", &document, "--seed", "1", "--checks", CHECKS])
        .args(["--generation-database", "none", "--no-color", "--workers", "1"])
        .args(["--suppress-health-check", "all", "--request-timeout", "30"])
        .args(how)
        .arg("--header")
        .arg(format!("Authorization: Bearer {}", api.credential))
        .current_dir(folder);
    let found = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    let found = found.expect("schemathesis to run");
    let text = String::from_utf8_lossy(&found.stdout).into_owned();
    assert!(found.status.success(), "{text}\n{}", String::from_utf8_lossy(&found.stderr));
    world.assert_log_is_clean(&[&api.credential]);
}

/// The same for somebody with the power to end what they come in with.
async fn tries_out_and_ends(world: &World, api: &Api) {
    let named = format!("^({})$", MAY_BE_THE_LAST.join("|"));
    let others = ["--exclude-operation-id-regex", &named];
    tries_out(world, api, &[&IN_SHORT[..], &others].concat()).await;
    assert_eq!(api.get("/users").await.status, 200, "it is still in");
    let last = ["--include-operation-id-regex", &named];
    tries_out(world, api, &[&IN_SHORT[..], &last].concat()).await;
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
        let (mut named, mut ids) = (BTreeSet::new(), BTreeSet::new());
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                named.insert((method.to_uppercase(), path.clone()));
                ids.insert(operation["operationId"].as_str().expect("an id"));
            }
        }
        assert_eq!(ids.len(), named.len(), "each has an id of its own");
        assert!(MAY_BE_THE_LAST.iter().all(|id| ids.contains(id)), "{ids:?}");
        let known = addresses().map(|(method, path, ..)| (method, path));
        // A way in of its own.
        let beside = ["GET", "PUT", "PATCH", "DELETE"].map(|method| (method, "/session-data/{key}"));
        let known = known.chain(beside).map(|(method, path)| (method.to_owned(), path.to_owned()));
        assert_eq!(named, known.collect());
    }

    async fn schemathesis_finds_no_answer_that_the_document_does_not_name(world: World) {
        create(&world, "boss", Some("operator"));
        let api = Api::with_key(&world, "boss", &all_scopes());
        tries_out(&world, &api, &AT_LENGTH).await;
        // It got in: otherwise everything would have been 401.
        assert_eq!(api.get("/users").await.status, 200);
    }

    async fn schemathesis_finds_none_as_an_owner(world: World) {
        create(&world, "boss", Some("owner"));
        let api = Api::with_key(&world, "boss", &all_scopes());
        tries_out_and_ends(&world, &api).await;
    }

    async fn schemathesis_finds_none_as_an_auditor(world: World) {
        create(&world, "boss", Some("owner"));
        create(&world, "eyes", Some("auditor"));
        let api = Api::with_key(&world, "eyes", &all_scopes());
        tries_out(&world, &api, &IN_SHORT).await;
        assert_eq!(api.get("/users").await.status, 200);
    }

    async fn schemathesis_finds_none_as_a_service(world: World) {
        create(&world, "boss", Some("owner"));
        // Usually a token of a service does not live as long as this takes.
        let (audience, lifetime) = (format!("{}/api/v1", world.issuer), json!({ "access_token_lifetime": 3600 }));
        let robot = service_for(&world, ("robot", &audience), &all_scopes(), &lifetime);
        let api = Api::of_service(&world, &robot).await;
        tries_out_and_ends(&world, &api).await;
    }
}

/// What is looked for. Not whether everything that fits the document is accepted: it cannot say all there
/// is to say about a name or an address. Nor what is answered without a credential that works: each answer of that kind
/// counts towards the brake, and `rights.rs` beside this file asks every operation.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance,unsupported_method";
