//! The fuzz targets without a fuzzer: every seed, and a bounded number of inputs made from them.
//! An input that once broke something joins `fuzz/seeds/<target>/` and is tried here for good.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking, and nothing outside sees their helpers"
)]

#[path = "../fuzz/targets/mod.rs"]
mod targets;

use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// Inputs for each target and way of making them.
const CASES: u32 = 1500;

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let entries =
        std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

fn check_of(target: &str) -> targets::Check {
    targets::ALL.iter().find(|(name, _)| *name == target).expect("a target").1
}

/// Two seeds cut and joined, with a few bytes written over.
fn crossed(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let seed = prop::sample::select(seeds);
    let edits = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    (seed.clone(), any::<prop::sample::Index>(), seed, any::<prop::sample::Index>(), edits)
        .prop_map(|(head, cut, tail, start, edits)| {
            let mut bytes = head[..cut.index(head.len() + 1)].to_vec();
            bytes.extend_from_slice(&tail[start.index(tail.len() + 1)..]);
            for (place, byte) in edits {
                if !bytes.is_empty() {
                    let place = place.index(bytes.len());
                    bytes[place] = byte;
                }
            }
            bytes
        })
}

fn holds(target: &str) {
    let check = check_of(target);
    let seeds = seeds(target);
    assert!(seeds.len() > 1, "{target} has seeds");
    for seed in &seeds {
        check(seed);
    }
    let config = Config { failure_persistence: None, ..Config::with_cases(CASES) };
    let run = |strategy: BoxedStrategy<Vec<u8>>| {
        let outcome = TestRunner::new(config.clone()).run(&strategy, |bytes| {
            check(&bytes);
            Ok(())
        });
        outcome.unwrap_or_else(|error| panic!("{target}: {error}"));
    };
    run(crossed(seeds).boxed());
    run(prop::collection::vec(any::<u8>(), 0..300).boxed());
    run("\\PC{0,120}".prop_map(String::into_bytes).boxed());
}

#[test]
fn nothing_but_the_registered_place_passes_as_redirect_uri() {
    holds("redirect_uri");
}

#[test]
fn client_credentials_in_a_header_are_read_as_they_were_sent() {
    holds("basic_header");
}

#[test]
fn a_claims_request_asks_for_nothing_that_was_not_written_in_it() {
    holds("claims_request");
}

#[test]
fn parameters_are_read_as_they_were_sent() {
    holds("form_parameters");
}

#[test]
fn no_proof_counts_that_its_key_did_not_make_for_this_request() {
    holds("dpop_proof");
}

#[test]
fn no_token_passes_that_we_did_not_sign() {
    holds("jwt");
}

#[test]
fn nothing_opens_that_was_not_encrypted_for_us() {
    holds("jwe");
}

#[test]
fn no_key_set_gives_a_secret_a_weak_or_a_changed_key() {
    holds("jwk_set");
}

#[test]
fn no_sealed_text_opens_that_we_did_not_seal() {
    holds("sealed_flow");
}

#[test]
fn no_client_assertion_passes_that_is_not_fresh_short_and_for_us() {
    holds("client_assertion");
}

#[test]
fn no_request_object_passes_that_its_client_did_not_sign_for_us() {
    holds("request_object");
}

#[test]
fn certificates_and_names_are_read_as_they_stand() {
    holds("client_certificate");
}

#[test]
fn no_url_passes_that_leads_inside() {
    holds("url_guard");
}

#[test]
fn no_registration_gets_more_than_a_stranger_may_have() {
    holds("client_metadata");
}

#[test]
fn no_document_speaks_for_more_than_its_own_url() {
    holds("metadata_document");
}

#[test]
fn a_typed_code_is_the_letters_that_were_typed() {
    holds("user_code");
}

#[test]
fn a_claim_fits_its_pattern_exactly_when_a_plain_search_says_so() {
    holds("claim_pattern");
}

#[test]
fn no_description_of_a_request_leads_to_a_laxer_rule() {
    holds("gateway_request");
}

#[test]
fn every_target_has_its_binary_and_its_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = std::fs::read_to_string(root.join("fuzz/Cargo.toml")).unwrap();
    let own = include_str!("fuzz_smoke.rs");
    for (target, _) in targets::ALL {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{target}.rs\"")), "{target}");
        assert!(own.contains(&format!("holds(\"{target}\")")), "{target}");
    }
}
