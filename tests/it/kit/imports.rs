//! Imports of people from a file, and what they counted.

use std::process::Output;

use serde_json::Value;

use crate::support::world::World;

pub fn import(world: &World, arguments: &[&str]) -> Output {
    world.run(&[&["--format", "json", "user", "import"], arguments].concat())
}

/// How many people were created, updated, skipped and rejected, if the import ended with this code.
#[track_caller]
pub fn figures(output: &Output, code: i32) -> [i64; 4] {
    let said = counted(output, code);
    ["created", "updated", "skipped", "rejected"].map(|name| said[name].as_i64().expect(name))
}

/// Everything that an import counted, if it ended with this code.
#[track_caller]
pub fn counted(output: &Output, code: i32) -> Value {
    let messages = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{messages}");
    serde_json::from_slice(&output.stdout).expect("one document")
}
