//! docs/specs.md: every test it names is where it says, and every row of the optional parts can be
//! looked up. Likewise the tests in docs/clients.md.

use std::path::Path;
use std::path::PathBuf;

use crate::documents::Document;
use crate::documents::code_spans;
use crate::documents::exists;

/// The cells of the tables in a text, without their headings.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let lines = text.lines().filter(|line| line.starts_with("| "));
    let cells = lines.map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect());
    cells.filter(|cells: &Vec<&str>| !["section", "what", "standard"].contains(&cells[0])).collect()
}

pub fn is_path(text: &str) -> bool {
    text.contains('/')
}

/// Where a test of this file may stand: in it, or in the module `tests` that belongs to it.
fn places(file: &str) -> [PathBuf; 2] {
    let path = Path::new(file);
    let folder =
        if file.ends_with("/mod.rs") { path.with_file_name("") } else { path.with_extension("") };
    [path.to_owned(), folder.join("tests.rs")]
}

/// Whether a test of this name is in the file.
pub fn holds(file: &str, test: &str) -> bool {
    let sources = places(file).into_iter().filter_map(|path| std::fs::read_to_string(path).ok());
    sources.into_iter().any(|text| text.contains(&format!("fn {test}(")))
}

#[test]
fn every_test_stands_where_the_page_of_the_standards_says() {
    let page = Document::read("docs/specs.md");
    let sections = page.text.split("\n## Optional parts").next().unwrap();
    let mut count = 0;
    for row in rows(sections) {
        let [.., code, tests] = row.as_slice() else { panic!("{row:?}") };
        let beside: Vec<&str> = code_spans(code).filter(|span| is_path(span)).collect();
        for part in tests.split(';') {
            let named: Vec<&str> = code_spans(part).filter(|span| is_path(span)).collect();
            let files = if named.is_empty() { &beside } else { &named };
            for test in code_spans(part).filter(|span| span.contains('_') && !is_path(span)) {
                assert!(files.iter().any(|file| holds(file, test)), "{test} is not in {files:?}");
                count += 1;
            }
        }
    }
    assert!(count > 400, "only {count} tests were found");
}

#[test]
fn every_test_of_an_independent_client_stands_where_the_page_of_the_clients_says() {
    let page = Document::read("docs/clients.md");
    let rows: Vec<_> = rows(&page.text).into_iter().filter(|row| row[0] != "client").collect();
    assert!(rows.len() >= 9, "only {} rows were found", rows.len());
    for row in rows {
        let spans: Vec<&str> = code_spans(row.last().unwrap()).collect();
        let [file, test] = spans.as_slice() else { panic!("{row:?}") };
        assert!(holds(file, test), "{test} is not in {file}");
    }
}

#[test]
fn every_optional_part_says_where_it_is_decided_or_tested() {
    let page = Document::read("docs/specs.md");
    let (_, parts) = page.text.split_once("\n## Optional parts").unwrap();
    let rows = rows(parts);
    assert!(rows.len() > 60, "only {} rows were found", rows.len());
    for row in rows {
        let [_, _, here, place] = row.as_slice() else { panic!("{row:?}") };
        let file = code_spans(place).next().unwrap_or_else(|| panic!("{row:?}"));
        assert!(!here.is_empty() && exists(Path::new(file)), "{row:?}");
    }
}
