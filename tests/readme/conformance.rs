//! The certification plans: `tests/it/conformance.list`, the tests of those names, and the page that
//! `scripts/conformance` makes of both are one.

use std::collections::BTreeMap;
use std::path::Path;

use crate::documents::Document;
use crate::documents::files;

/// What stands in the list for a module.
enum Row {
    Tested { module: String, test: String },
    Explained { module: String, word: &'static str, reason: String },
}

/// The list, with a plan's heading before its rows.
fn rows() -> Vec<(String, Row)> {
    let list = Document::read("tests/it/conformance.list");
    let (mut plan, mut rows) = (String::new(), Vec::new());
    for line in list.text.lines() {
        if let Some(name) = line.strip_prefix("## ") {
            name.clone_into(&mut plan);
        } else if !line.is_empty() && !line.starts_with(['#', '>']) {
            rows.push((plan.clone(), row(line)));
        }
    }
    rows
}

fn row(line: &str) -> Row {
    let (module, rest) = line.split_once(" | ").unwrap_or((line, ""));
    let module = module.to_owned();
    for word in ["not met", "skipped"] {
        if let Some(reason) = rest.strip_prefix(word).and_then(|rest| rest.strip_prefix(": ")) {
            return Row::Explained { module, word, reason: reason.to_owned() };
        }
    }
    let named = if rest.is_empty() {
        module.to_lowercase().replace(['-', '.'], "_")
    } else {
        rest.to_owned()
    };
    Row::Tested { module, test: named }
}

/// The files in which tests on both backends stand, by the tests' names.
fn tests_on_both_backends() -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for path in files(Path::new("tests/it"), "rs") {
        let text = std::fs::read_to_string(&path).unwrap();
        let module = path.with_extension("").to_string_lossy().replace('/', "::");
        let module = module.trim_start_matches("tests::it::").to_owned();
        for block in text.split("\non_both_backends! {\n").skip(1) {
            let block = block.split("\n}\n").next().unwrap_or(block);
            let starts = block.split("    async fn ").skip(1);
            for name in starts.filter_map(|start| start.split('(').next()) {
                found.entry(name.to_owned()).or_default().push(module.clone());
            }
        }
    }
    found
}

#[test]
fn every_module_of_the_plans_has_exactly_one_test_on_both_backends() {
    let (rows, tests) = (rows(), tests_on_both_backends());
    assert!(rows.len() > 150 && tests.len() > 400, "{} of {}", rows.len(), tests.len());
    let mut listed = Vec::new();
    for (plan, row) in &rows {
        let Row::Tested { module, test } = row else { continue };
        let places = tests.get(test).map(Vec::as_slice).unwrap_or_default();
        assert_eq!(places.len(), 1, "{plan}: {module} has the tests {test} in {places:?}");
        listed.push(test.as_str());
    }
    for name in tests.keys().filter(|name| name.starts_with("oidcc_") || name.starts_with("fapi")) {
        assert!(
            listed.contains(&name.as_str()),
            "{name} is named like a module that is not listed"
        );
    }
}

#[test]
fn the_page_of_the_plans_has_the_rows_of_the_list() {
    let (page, tests) = (Document::read("docs/conformance.md"), tests_on_both_backends());
    let mut shown =
        page.text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| module |"));
    for (plan, row) in rows() {
        let line = shown.next().unwrap_or_else(|| panic!("{plan}: the page ends early"));
        let start = match row {
            Row::Tested { module, test } => {
                let file = tests.get(&test).and_then(|files| files.first());
                format!(
                    "| {module} | `{}::{test}` | ok | ok |",
                    file.map_or("nowhere", String::as_str)
                )
            }
            Row::Explained { module, word, reason } => {
                format!("| {module} | {word} | {reason} | |")
            }
        };
        assert_eq!(line, start, "run `make conformance`");
    }
    assert_eq!(shown.next(), None, "the page has rows that the list has not");
}

/// Which state of the code the results are of; only that it is told, since any commit makes it older.
#[test]
fn the_page_of_the_plans_says_what_it_was_made_from() {
    let page = Document::read("docs/conformance.md");
    let made: Vec<_> =
        page.text.lines().filter_map(|line| line.strip_prefix("Made from commit `")).collect();
    let [made] = made.as_slice() else { panic!("not one line says it: {made:?}") };
    let (commit, rest) = made.split_once('`').expect("the end of the commit");
    assert!(commit.len() >= 7 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()), "{commit}");
    let (_, date) = rest.rsplit_once(" on ").expect("a date");
    let shape: String = date.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(shape, "0000-00-00.", "{date}");
}
