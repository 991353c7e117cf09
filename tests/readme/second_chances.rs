//! scripts/integration-tests: which tests get no second chance, and that CONTRIBUTING.md says the same.

use std::path::Path;

use crate::documents::{Document, files};

const SCRIPT: &str = "scripts/integration-tests";

/// What stands between these two, white space and comment signs folded.
fn between(text: &str, start: &str, end: &str) -> String {
    let (_, rest) = text.split_once(start).unwrap_or_else(|| panic!("no `{start}`"));
    let (found, _) = rest.split_once(end).unwrap_or_else(|| panic!("no `{end}` after `{start}`"));
    found.split_whitespace().filter(|word| *word != "#").collect::<Vec<_>>().join(" ")
}

/// The source of every integration test, beside its path.
fn sources() -> Vec<(String, String)> {
    let found = files(Path::new("tests/it"), "rs").into_iter();
    let read = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a source");
        (path.display().to_string(), text)
    };
    found.map(read).collect()
}

#[test]
fn the_modules_without_a_second_chance_exist() {
    let script = Document::read(SCRIPT);
    let modules = between(&script.text, "\nmodules=(", ")");
    let modules: Vec<&str> = modules.split(' ').collect();
    assert!(modules.len() >= 15, "only {modules:?}");
    for module in modules {
        let place = format!("tests/it/{}", module.replace("::", "/"));
        let file = [format!("{place}.rs"), format!("{place}/mod.rs")].into_iter();
        let file = file.filter(|file| Path::new(file).is_file()).collect::<Vec<_>>();
        assert_eq!(file.len(), 1, "{SCRIPT} names {module}");
        let (above, name) = module.rsplit_once("::").unwrap_or(("", module));
        let above = if above.is_empty() {
            "tests/it/main.rs".to_owned()
        } else {
            format!("tests/it/{above}/mod.rs")
        };
        let above = Document::read(&above);
        assert!(
            above.text.contains(&format!("\nmod {name};\n")),
            "{module} is not in {}",
            above.path
        );
    }
}

#[test]
fn the_words_that_allow_no_second_chance_are_in_names_of_tests() {
    let script = Document::read(SCRIPT);
    let words = between(&script.text, "\nwords='", "'");
    let sources = sources();
    for word in words.split('|') {
        let named = sources.iter().any(|(path, text)| {
            let mut lines = text.lines().filter(|line| line.contains("fn "));
            path.contains(word) || lines.any(|line| line.contains(word))
        });
        assert!(named, "{SCRIPT}: no test has `{word}` in its name");
    }
}

#[test]
fn who_contributes_is_told_which_tests_get_no_second_chance() {
    let script = between(&Document::read(SCRIPT).text, "\n# Tests about ", " get no");
    let page = Document::read("CONTRIBUTING.md");
    let said = between(&page.text, "unless they are about ", ", and names them");
    assert_eq!(said, script, "CONTRIBUTING.md and {SCRIPT}");
    assert!(page.text.contains(&format!("`{SCRIPT}`")));
}
