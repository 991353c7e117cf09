//! Files as `doorward apply` takes them, and what it says of them.

use std::process::Output;

use doorward::app::App;
use doorward::service::declared::{self, Change, Pruning, State};
use serde_json::Value;

use crate::support::world::World;

pub fn apply(world: &World, arguments: &[&str]) -> Output {
    world.run(&[&["--format", "json", "apply"], arguments].concat())
}

/// What has to change for a file to be true, at a node inside the test.
pub async fn planned(app: &App, state: &State) -> Vec<Change> {
    let plan = declared::plan(app, (state, Pruning::Keep), &|_| Err("no secrets".to_owned()));
    Box::pin(plan).await.expect("a plan")
}

/// The document of a command that went well.
#[track_caller]
pub fn told(output: &Output) -> Value {
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{messages}");
    serde_json::from_slice(&output.stdout).expect("one document")
}

/// The entries that change, each as `action kind name`.
#[track_caller]
pub fn changes(output: &Output) -> Vec<String> {
    let told = told(output);
    let text = |change: &Value, name: &str| change[name].as_str().expect(name).to_owned();
    let all = told["changes"].as_array().expect("a list").iter();
    all.map(|change| ["action", "kind", "name"].map(|name| text(change, name)).join(" ")).collect()
}

/// The names of what changes in the entry at this place, as one line.
#[track_caller]
pub fn fields(output: &Output, place: usize) -> String {
    let told = told(output);
    let fields = told["changes"][place]["fields"].as_object().expect("fields");
    fields.keys().cloned().collect::<Vec<_>>().join(" ")
}

#[track_caller]
pub fn assert_refused(output: &Output, code: i32, word: &str) {
    let messages = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{messages}");
    assert!(messages.contains(word), "{word:?} is not in: {messages}");
}
