//! The dashboard, the alert rules and the page about metrics speak of what a running server exports.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::kit::flow::{App, PATIENCE, create_user, get, sign_in, sign_out, submit_sign_in};

/// The metrics that a file of docs/ names.
fn named(file: &str) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(file);
    let text = std::fs::read_to_string(path).expect("a document");
    let is_part = |letter: char| letter.is_ascii_lowercase() || letter == '_';
    let words = text.split(|letter| !is_part(letter));
    let ours = ["doorward_", "process_", "http_server_"];
    let is_metric = |word: &&str| ours.iter().any(|begin| word.starts_with(begin) && word != begin);
    words.filter(is_metric).map(ToOwned::to_owned).collect()
}

/// The series that alerts select by the exact value of a label: name and `label="value"`.
fn selected() -> BTreeSet<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/monitoring/alerts.yaml");
    let text = std::fs::read_to_string(path).expect("the alerts");
    let mut found = BTreeSet::new();
    for part in text.split("doorward_").skip(1) {
        let Some((name, rest)) = part.split_once('{') else { continue };
        let Some((labels, _)) = rest.split_once('}') else { continue };
        if name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
            let exact = labels.split(',').filter(|label| label.contains("=\""));
            found.extend(exact.map(|label| (format!("doorward_{name}"), label.trim().to_owned())));
        }
    }
    found
}

on_both_backends! {
    async fn every_metric_that_is_shown_alerted_or_explained_is_exported(world: World) {
        create_user(&world, "alice");
        let app = App::register(&world, "app", &[]);
        let browser = sign_in(&world, "alice").await;
        let tokens = app.tokens(&browser).await;
        app.refresh(&tokens.refresh).await.tokens();
        submit_sign_in(&world.browser(), "alice", "not-her-password").await;
        sign_out(&browser).await;
        let wanted = ["operations.md", "monitoring/grafana.json", "monitoring/alerts.yaml"].map(named);
        for (place, least) in wanted.iter().zip([20, 15, 8]) {
            assert!(place.len() >= least, "only {place:?} were found");
        }
        let wanted: BTreeSet<&String> = wanted.iter().flatten().collect();
        let mut missing: Vec<&String> = wanted.iter().copied().collect();
        // Some are measured beside the requests.
        let began = Instant::now();
        while !missing.is_empty() && began.elapsed() < PATIENCE {
            let text = get(&world.management_url("/metrics")).await.text;
            let exported: BTreeSet<&str> = text
                .lines()
                .filter(|line| !line.starts_with('#'))
                .filter_map(|line| line.split(['{', ' ']).next())
                .collect();
            let is_there = |name: &str| {
                exported.contains(name) || exported.contains(format!("{name}_count").as_str())
            };
            missing.retain(|name| !is_there(name));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(missing.is_empty(), "not exported: {missing:?}");
        // A value that nothing has would never raise an alarm.
        let (text, selected) = (get(&world.management_url("/metrics")).await.text, selected());
        assert!(selected.len() >= 5, "only {selected:?} were found");
        for (name, label) in &selected {
            let is_it = |line: &str| line.starts_with(&format!("{name}{{")) && line.contains(label);
            assert!(text.lines().any(is_it), "no {name}{{{label}}}");
        }
    }
}
