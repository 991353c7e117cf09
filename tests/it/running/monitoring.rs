//! The dashboard, the alert rules and the page about metrics speak of what a running server exports.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::kit::flow::{App, PATIENCE, create_user, get, sign_in, sign_out, submit_sign_in};
use crate::kit::geoip;
use crate::support::backends::Backend;
use crate::support::process::wait_until_async;
use crate::support::servers::Persistence;
use crate::support::world::World;

fn document(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(file);
    std::fs::read_to_string(path).expect("a document")
}

/// The metrics that a file of docs/ names.
fn named(file: &str) -> BTreeSet<String> {
    let text = document(file);
    let is_part = |letter: char| letter.is_ascii_lowercase() || letter == '_';
    let words = text.split(|letter| !is_part(letter));
    let ours = ["doorward_", "process_", "http_server_"];
    let is_metric = |word: &&str| ours.iter().any(|begin| word.starts_with(begin) && word != begin);
    words.filter(is_metric).map(ToOwned::to_owned).collect()
}

/// The series that alerts select by the exact value of a label: name and `label="value"`.
fn selected() -> BTreeSet<(String, String)> {
    let text = document("monitoring/alerts.yaml");
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

/// Other services export metrics of this name as well.
#[test]
fn every_rule_and_panel_about_requests_is_about_ours_alone() {
    for (file, least) in [("monitoring/alerts.yaml", 3), ("monitoring/grafana.json", 4)] {
        let text = document(file);
        let mut seen = 0;
        for rest in text.split("http_server_").skip(1) {
            let end = rest.find(|letter: char| letter != '_' && !letter.is_ascii_lowercase());
            let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
            let labels = after.strip_prefix('{').and_then(|labels| labels.split_once('}'));
            let labels = labels.unwrap_or_else(|| panic!("{file}: {name} has no labels")).0;
            assert!(labels.split(',').any(|label| label.starts_with("job=")), "{file}: {labels}");
            seen += 1;
        }
        assert!(seen >= least, "only {seen} in {file}");
    }
}

/// What the alert about stores goes by.
async fn is_up(world: &World, store: &str, value: u8) {
    let line = format!("doorward_store_up{{store=\"{store}\"}} {value}");
    wait_until_async(&line, PATIENCE, async || {
        get(&world.management_url("/metrics")).await.text.lines().any(|other| other == line)
    })
    .await;
}

/// Nobody asks this node anything but its metrics, as when no load balancer sends anybody there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_away_is_in_the_metrics_although_nobody_comes() {
    let stores = World::builder(Backend::Production).own_postgres();
    let mut world = stores.own_redis(Persistence::Snapshot).start().await;
    assert!(document("monitoring/alerts.yaml").contains("expr: doorward_store_up == 0\n"));
    for store in ["sql", "ephemeral"] {
        is_up(&world, store, 1).await;
    }
    world.redis().kill9();
    is_up(&world, "ephemeral", 0).await;
    is_up(&world, "sql", 1).await;
    // A load balancer that is told so sends people all the same.
    assert_eq!(get(&world.management_url("/readyz")).await.status, 503);
    let without = world.management_url("/readyz?exclude=ephemeral");
    assert_eq!(get(&without).await.status, 200);
    world.redis().restart();
    is_up(&world, "ephemeral", 1).await;
    world.postgres().stop();
    is_up(&world, "sql", 0).await;
    is_up(&world, "ephemeral", 1).await;
    world.postgres().restart().await;
    is_up(&world, "sql", 1).await;
}

/// The names in backticks of the last column of a metric's row in the page about operations.
fn explained(metric: &str) -> BTreeSet<String> {
    let page = document("operations.md");
    let row = page.lines().find(|line| line.starts_with(&format!("| `{metric}`")));
    let row = row.unwrap_or_else(|| panic!("no row about {metric}"));
    let meaning = row.trim_end_matches(" |").rsplit(" | ").next().expect("a last column");
    meaning.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect()
}

on_both_backends! {
    async fn whatever_is_throttled_is_counted_from_zero_and_explained(world: World) {
        let name = "doorward_rate_limited_total";
        let text = get(&world.management_url("/metrics")).await.text;
        let begin = format!("{name}{{scope=\"");
        let scopes: BTreeSet<String> = text
            .lines()
            .filter_map(|line| line.strip_prefix(&begin)?.strip_suffix("\"} 0"))
            .map(ToOwned::to_owned)
            .collect();
        assert_eq!(scopes, explained(name));
    }

    async fn a_refresh_tells_how_long_after_the_last_tokens_it_came(world: World) {
        create_user(&world, "alice");
        let app = App::register(&world, "app", &[]);
        let tokens = app.tokens(&sign_in(&world, "alice").await).await;
        let value = async |part: &str| {
            let begin = format!("doorward_refresh_interval_seconds_{part}{{client_type=\"web\"}} ");
            let text = get(&world.management_url("/metrics")).await.text;
            let line = text.lines().find_map(|line| line.strip_prefix(&begin));
            line.and_then(|value| value.parse::<f64>().ok()).unwrap_or_default()
        };
        let began = Instant::now();
        tokio::time::sleep(Duration::from_millis(2_100)).await;
        let next = app.refresh(&tokens.refresh).await.tokens();
        app.refresh(&next.refresh).await.tokens();
        let (count, sum) = (value("count").await, value("sum").await);
        assert!((1.9..2.1).contains(&count), "{count} refreshes, and there were two");
        // Counted in whole seconds.
        let most = began.elapsed().as_secs_f64() + 2.0;
        assert!((2.0..=most).contains(&sum), "{sum} s, of {most} s at most");
    }

    async fn every_metric_that_is_shown_alerted_or_explained_is_exported(backend: Backend) {
        let mut world = World::builder(backend).prepare().await;
        geoip::known_to(&mut world);
        world.start_server().await;
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
