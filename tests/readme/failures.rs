//! docs/operations.md: every failure of the table names a test that exists.

use crate::documents::{Document, code_spans};
use crate::specs::{holds, is_path};

#[test]
fn every_failure_that_is_described_is_tested() {
    let page = Document::read("docs/operations.md");
    let (_, section) = page.text.split_once("\n### Failure by failure\n").expect("the section");
    let section = section.split("\n#").next().unwrap_or_default();
    let rows: Vec<&str> = section.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(rows.len() >= 20, "only {} failures were found", rows.len());
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [what, _, _, _, tests] = cells.as_slice() else { panic!("five cells: {row}") };
        let mut named = 0;
        for part in tests.split(';') {
            let (files, tests): (Vec<&str>, Vec<&str>) =
                code_spans(part).partition(|span| is_path(span));
            let [file] = files.as_slice() else { panic!("{what}: one file for {part}") };
            for test in &tests {
                assert!(holds(file, test), "{what}: {test} is not in {file}");
            }
            named += tests.len();
        }
        assert!(named > 0, "{what} names no test");
    }
}
