//! The documents are held to the program: the commands of the README are run against a server, and
//! every command, file, test, setting and metric that a document names must exist.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_docs_in_private_items,
    reason = "tests fail by panicking, and nothing outside sees their helpers"
)]

#[path = "it/support/mod.rs"]
#[macro_use]
mod support;

#[path = "readme/conformance.rs"]
mod conformance;
#[path = "readme/deploy.rs"]
mod deploy;
#[path = "readme/documents.rs"]
mod documents;
#[path = "readme/failures.rs"]
mod failures;
#[path = "readme/second_chances.rs"]
mod second_chances;
#[path = "readme/specs.rs"]
mod specs;

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use documents::Document;
use support::backends::Backend;
use support::world::World;
use support::world::binary;

/// The address in the documents: that of a server with default settings.
const DEFAULT_ISSUER: &str = "http://localhost:8080";

/// Runs a shell text where and as a person would who started this world's server.
fn run_in_shell(world: &World, script: &str) -> String {
    let mut command = Command::new("sh");
    command.args(["-euc", script]).env_clear().current_dir(world.path(""));
    let like = world.command(&["version"]);
    command.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let beside = binary().parent().unwrap().to_owned();
    let old = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(beside).chain(std::env::split_paths(&old)));
    command.env("PATH", path.unwrap());
    let output = command.output().expect("run the shell");
    let (out, messages) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script}\n{}\n{out}\n{messages}", output.status);
    out.into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_that_connect_an_app_work_as_the_readme_shows_them() {
    let world = World::start(Backend::Embedded).await;
    let readme = Document::read("README.md");
    let blocks = readme.shell_blocks_under("## Connect an app");
    assert_eq!(blocks.len(), 2, "an app with people, and a service");
    let answers: Vec<_> = blocks
        .iter()
        .map(|block| run_in_shell(&world, &block.replace(DEFAULT_ISSUER, &world.issuer)))
        .collect();
    assert!(answers[0].contains("client_secret"), "{}", answers[0]);
    assert!(answers[0].contains("https://wiki.example.com/callback"), "{}", answers[0]);
    let alive = "\"active\":true";
    assert!(readme.text.contains(&format!("contains `{alive}`")));
    assert!(answers[1].contains(alive), "{}", answers[1]);
    assert!(answers[1].contains("\"client_id\":\"backup\""), "{}", answers[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_discovery_address_and_the_scopes_of_the_readme_are_the_provider_s() {
    let world = World::start(Backend::Embedded).await;
    let readme = Document::read("README.md");
    let path = "/.well-known/openid-configuration";
    assert!(readme.text.contains(path));
    let page = world.browser().get(path).await;
    page.assert_status(200);
    let document = page.json();
    assert_eq!(document["issuer"], world.issuer.as_str());
    let known = document["scopes_supported"].as_array().unwrap();
    for scope in ["openid", "profile", "email", "groups", "offline_access"] {
        assert!(readme.text.contains(scope) && known.iter().any(|k| k == scope), "{scope}");
    }
}

#[test]
fn every_command_in_a_document_is_understood() {
    let (mut seen, mut wrong) = (0, Vec::new());
    for document in Document::all() {
        for line in document.doorward_commands() {
            let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
            if doorward::cli::parse(words).is_err() {
                wrong.push(format!("{}: {line}", document.path));
            }
            seen += 1;
        }
    }
    assert!(wrong.is_empty(), "not understood:\n{}", wrong.join("\n"));
    assert!(seen > 15, "only {seen} commands were found");
}

#[test]
fn every_file_a_document_names_exists() {
    for document in Document::all() {
        for link in document.relative_links() {
            let path = Path::new(&document.path).parent().unwrap().join(&link);
            assert!(documents::exists(&path), "{} links to {link}", document.path);
        }
        for path in document.named_paths() {
            assert!(documents::exists(Path::new(&path)), "{} names {path}", document.path);
        }
    }
}

#[test]
fn every_setting_a_document_names_is_in_the_reference() {
    let reference = Document::read("docs/configuration.md");
    for document in Document::all() {
        document.assert_names_settings_of(&reference);
    }
}

#[test]
fn the_metrics_of_the_documents_are_those_of_the_program() {
    let operations = Document::read("docs/operations.md");
    let source = std::fs::read_to_string("src/telemetry/metrics.rs").unwrap();
    let explained = operations.words_with("doorward_");
    let mut named = explained.clone();
    for file in ["docs/monitoring/grafana.json", "docs/monitoring/alerts.yaml"] {
        let used = Document::read(file).words_with("doorward_");
        assert!(used.len() > 5, "{file} uses only {used:?}");
        named.extend(used.into_iter().map(|name| {
            let series = ["_bucket", "_count", "_sum"];
            let whole = series.iter().find_map(|suffix| name.strip_suffix(suffix));
            let name = whole.unwrap_or(&name).to_owned();
            assert!(explained.contains(&name), "{file} uses {name}, which is not explained");
            name
        }));
    }
    let dashboard = std::fs::read_to_string("docs/monitoring/grafana.json").unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&dashboard).unwrap();
    for panel in dashboard["panels"].as_array().unwrap() {
        let queries = panel["targets"].as_array().unwrap();
        assert!(queries.iter().all(|query| query["expr"].is_string()), "{}", panel["title"]);
    }
    named.sort();
    named.dedup();
    for metric in &named {
        // What the encoder adds to the registered name.
        let name = metric.strip_prefix("doorward_").unwrap();
        let bare = ["_total", "_seconds", "_info"]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix))
            .unwrap_or(name);
        assert!(source.contains(&format!("\"{bare}\"")), "docs/operations.md names {metric}");
    }
    assert!(named.len() >= 11, "only {named:?} were found");
}
