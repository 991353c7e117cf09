//! Keeps `docs/architecture.md` true: reads the sources and fails, with file, line and the rule,
//! when a dependency leaves its home, a layer looks upward, `protocol/` stops being pure, a file
//! grows too long, or library code may panic. The tables are in `architecture/rules.rs`.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking, and nothing outside sees their helpers"
)]

#[path = "architecture/kinds.rs"]
mod kinds;
#[path = "architecture/rules.rs"]
mod rules;
#[path = "architecture/source.rs"]
mod source;

use std::path::{Path, PathBuf};

use rules::{FLOORS, HOMES, MOST_LINES, breaches};
use source::Source;

#[test]
fn the_sources_follow_the_architecture() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    for folder in ["src", "tests", "benches", "fuzz/fuzz_targets"] {
        read_folder(root, &root.join(folder), &mut sources);
    }
    assert!(sources.iter().any(|source| source.path == "src/lib.rs"), "the sources were not found");
    let tests: Vec<_> = sources.iter().flat_map(Source::test_files).collect();
    let is_test = |source: &&Source| tests.iter().any(|test| source.path.starts_with(*test));
    let found: Vec<_> = sources.iter().filter(|s| !is_test(s)).flat_map(breaches).collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn every_kind_of_audit_event_is_documented() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    read_folder(root, &root.join("src"), &mut sources);
    let texts = sources.iter().map(|source| {
        let text = std::fs::read_to_string(root.join(&source.path)).unwrap();
        (source.path.clone(), text)
    });
    let found = kinds::undocumented(root, &texts.collect());
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

fn read_folder(root: &Path, folder: &Path, out: &mut Vec<Source>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "node_modules") {
                read_folder(root, &path, out);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap();
            out.push(Source::new(name, &text));
        }
    }
}

/// The breaches of a text as if it stood at `path`.
fn check(path: &str, text: &str) -> Vec<String> {
    breaches(&Source::new(path, text))
}

#[test]
fn a_crate_away_from_its_home_is_named_with_file_and_line() {
    let found = check("src/service/token.rs", "//! x\n\nuse sqlx::query;\n");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("src/service/token.rs:3: `sqlx` has its home in src/store"));
}

#[test]
fn a_crate_in_its_home_is_welcome() {
    for (name, homes) in HOMES {
        for home in *homes {
            let path = if home.contains('.') { (*home).to_owned() } else { format!("{home}.rs") };
            let found = check(&path, &format!("use {name}::thing;"));
            assert!(found.is_empty(), "{found:?}");
        }
    }
}

#[test]
fn a_crate_is_found_in_paths_trees_and_renames() {
    for text in [
        "fn f() { let x = redis::cmd(\"GET\"); }",
        "use {std::fmt, redis::Client};",
        "use redis as fast;",
        "pub use redis;",
        "use ::redis::Client;",
        "impl From<redis::RedisError> for E {}",
    ] {
        assert_eq!(check("src/store/mod.rs", text).len(), 1, "{text}");
    }
}

#[test]
fn modules_strings_and_comments_with_a_crates_name_are_not_the_crate() {
    for text in [
        "use crate::store::ephemeral::{memory::M, redis::R};",
        "use super::redis::R;",
        "mod redis;\npub use redis::R;",
        "// redis::Client\n/* use sqlx::x; /* nested */ use sqlx::y; */",
        "const A: &str = \"redis::Client\"; const B: &str = r#\"\"sqlx::x\"#;",
        "fn f(redis: u8) -> u8 { redis }",
        "const C: char = '\"'; const D: &str = \"use sqlx::x;\";",
        "fn f<'a>(x: &'a str) -> &'a str { x }",
    ] {
        let found = check("src/store/ephemeral/mod.rs", text);
        assert!(found.is_empty(), "{text}: {found:?}");
    }
}

#[test]
fn a_lower_floor_may_not_import_a_higher_one() {
    for (path, text) in [
        ("src/store/users.rs", "use crate::service::users;"),
        ("src/protocol/token/mod.rs", "use crate::{clock::UnixTime, crypto::jose};"),
        ("src/service/token.rs", "fn f() { crate::http::routes::all(); }"),
        ("src/service/token.rs", "use super::super::http::routes;"),
        ("src/app.rs", "use crate::service;"),
        ("src/http/server.rs", "use crate::cli::serve;"),
        ("src/http/server.rs", "use crate::demo;"),
    ] {
        let found = check(path, text);
        assert_eq!(found.len(), 1, "{path}: {text}: {found:?}");
        assert!(found[0].contains("never up"));
    }
}

#[test]
fn a_higher_floor_may_use_any_lower_one() {
    for (path, text) in [
        ("src/service/token.rs", "use crate::{app::App, protocol::token, store::grants};"),
        ("src/http/oidc/token.rs", "use crate::service::token; use super::super::error;"),
        ("src/store/keys/mod.rs", "use crate::crypto::keyring::StoredKey;"),
        ("src/demo/mod.rs", "use crate::http::server;"),
        ("src/main.rs", "use doorward::cli;"),
        ("src/lib.rs", "pub mod cli; pub use crate::clock::UnixTime;"),
    ] {
        let found = check(path, text);
        assert!(found.is_empty(), "{path}: {text}: {found:?}");
    }
}

#[test]
fn a_module_without_a_floor_is_asked_for_one() {
    assert!(check("src/novelty.rs", "")[0].contains("needs its floor"));
    assert!(FLOORS.windows(2).all(|pair| pair[0].1 <= pair[1].1), "the table goes upward");
}

#[test]
fn protocol_is_pure() {
    for text in [
        "pub async fn f() {}",
        "fn f(clock: &Clock) {}",
        "use std::time::SystemTime;",
        "use std::time::Instant;",
        "fn f() { x.await; }",
    ] {
        assert_eq!(check("src/protocol/token/mod.rs", text).len(), 1, "{text}");
        assert!(check("src/service/token.rs", text).is_empty(), "{text}");
    }
    let fine = "/// Not async: no Clock.\nuse crate::clock::UnixTime; fn asynchronous() {}";
    assert!(check("src/protocol/token/mod.rs", fine).is_empty());
}

#[test]
fn library_code_does_not_panic_and_its_tests_may() {
    for text in [
        "fn f() { x.unwrap(); }",
        "fn f() { x.expect(\"y\"); }",
        "fn f() { panic!(\"y\"); }",
        "fn f() { todo!() }",
        "#[cfg(test)] use a::b;\nfn f() { x.unwrap(); }",
    ] {
        assert_eq!(check("src/service/token.rs", text).len(), 1, "{text}");
    }
    for text in [
        "#[cfg(test)]\nmod tests {\n fn f() { x.unwrap(); { } panic!(); }\n}\n",
        "#[cfg(test)]\n#[allow(x)]\nmod tests { fn f() { x.unwrap(); } }",
        "#![cfg(test)]\nfn f() { x.unwrap(); }",
        "fn f() { x.unwrap_or_default(); }",
        "#[expect(clippy::all)] fn f() {}",
        "/// ```\n/// x.unwrap();\n/// ```\nfn f() {}",
    ] {
        let found = check("src/service/token.rs", text);
        assert!(found.is_empty(), "{text}: {found:?}");
    }
}

#[test]
fn test_modules_in_files_of_their_own_are_known() {
    for (path, text, file) in [
        ("src/store/mod.rs", "#[cfg(test)]\nmod tests;", "src/store/tests.rs"),
        ("src/clock.rs", "// é\n#[cfg(test)] mod proofs;", "src/clock/proofs.rs"),
        ("src/a/b.rs", "#[cfg(test)]\n#[path = \"b_tests.rs\"]\nmod tests;", "src/a/b_tests.rs"),
    ] {
        let source = Source::new(path, text);
        assert!(source.test_files().contains(&file.to_owned()), "{:?}", source.test_files());
    }
    assert!(Source::new("src/a.rs", "#[cfg(test)] mod tests { }").test_files().is_empty());
}

#[test]
fn a_file_has_a_limit() {
    let most = "\n".repeat(MOST_LINES);
    assert!(check("tests/it/x.rs", &most).is_empty());
    let found = check("tests/it/x.rs", &format!("{most}\n"));
    assert!(found[0].contains("at most 500 lines"), "{found:?}");
}
