//! Whether two databases hold the same.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::job;
use crate::support::world::World;

/// Rows and the sum of their hashes, by table.
pub(crate) type Tables = BTreeMap<String, (u64, String)>;

/// What a backup of the world would hold: every table, each row hashed.
pub(crate) fn tables(world: &World) -> Tables {
    let path = world.path("compare.tar");
    let file = path.display().to_string();
    job::run(world, &["backup", &file]);
    let checked = job::run(world, &["restore", "--dry-run", &file]).said;
    std::fs::remove_file(path).expect("remove the backup");
    of(&checked)
}

/// The tables of an answer.
pub(crate) fn of(said: &Value) -> Tables {
    let tables = said["tables"].as_object().expect("tables");
    let summary = |table: &Value| {
        let sum = table["sha256_sum"].as_str().expect("a sum").to_owned();
        (table["rows"].as_u64().expect("rows"), sum)
    };
    tables.iter().map(|(name, table)| (name.clone(), summary(table))).collect()
}

/// All rows of all tables are the same, but of those that tell of the move itself.
#[track_caller]
pub(crate) fn assert_same(one: &Tables, other: &Tables, but: &[&str]) {
    let names: Vec<_> = one.keys().filter(|name| one.get(*name) != other.get(*name)).collect();
    let differ: Vec<_> = names.into_iter().filter(|name| !but.contains(&name.as_str())).collect();
    assert!(differ.is_empty(), "not the same: {differ:?}\n{one:?}\n{other:?}");
}

/// Everybody with their groups and hashes, in the order of names: the same wherever they are, whatever
/// their identifiers.
fn people(world: &World) -> Vec<String> {
    let path = world.path("compare.ndjson");
    let _ = std::fs::remove_file(&path);
    let file = path.display().to_string();
    job::run(world, &["user", "export", "--with-password-hashes", "--output", &file]);
    let text = std::fs::read_to_string(path).expect("the export");
    let anonymous = |line: &str| {
        let mut person: BTreeMap<String, Value> = serde_json::from_str(line).expect("a person");
        person.remove("id");
        serde_json::json!(person).to_string()
    };
    text.lines().map(anonymous).collect()
}

/// The same people in both.
#[track_caller]
pub(crate) fn assert_same_people(one: &World, other: &World) {
    let (one, other) = (people(one), people(other));
    let differ = one.iter().zip(&other).find(|(one, other)| one != other);
    assert!(one.len() == other.len() && differ.is_none(), "not the same people: {differ:?}");
}
