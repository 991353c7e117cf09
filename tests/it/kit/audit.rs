//! What the audit log has.

use serde_json::Value;

use crate::kit::flow::count;
use crate::support::world::World;

/// How many events of a kind there are, those of long ago as well.
pub async fn events(world: &World, kind: &str) -> i64 {
    count(world, &format!("select count(*) from audit_events where kind = '{kind}'")).await
}

/// The last thousand events of a kind, the newest first.
pub fn logged(world: &World, kind: &str) -> Vec<Value> {
    let listed = world.cli(&["audit", "list", "--kind", kind, "--limit", "1000"]);
    listed["items"].as_array().expect("events").clone()
}

/// The detail of each.
pub fn noted(world: &World, kind: &str) -> Vec<Value> {
    logged(world, kind).iter().map(|event| event["detail"].clone()).collect()
}
