//! The moves: each once as it is, then killed at random points and begun again, and what is there in
//! the end is compared with what was there in the beginning.

use std::path::PathBuf;
use std::time::Duration;

use crate::support::backends::Backend;
use crate::support::world::{World, random_key};
use crate::{compare, crowd, job};

/// How often each move is killed.
const KILLS: usize = 4;

/// What tells of a move itself: its event in the log, the links that a restore ends, and the number that says
/// to every node that there was one.
const TELLS: [&str; 6] = [
    "audit_events",
    "audit_chain",
    "audit_marks",
    "audit_unsealed",
    "one_time_links",
    "sync_state",
];

/// All moves on both databases.
pub(crate) async fn all(people: usize) {
    begin(people);
    let key = random_key();
    let embedded = imported(Backend::Embedded, &key, people).await;
    let production = imported(Backend::Production, &key, people).await;
    compare::assert_same_people(&embedded, &production);
    realm(Backend::Embedded, people).await;
    realm(Backend::Production, people).await;
    for from in [&embedded, &production] {
        declared(from, people).await;
    }
    whole_databases([embedded, production], &key, people).await;
}

/// Only what moves the whole database, after an import: backup, restore and copy.
pub(crate) async fn databases(people: usize) {
    begin(people);
    let key = random_key();
    let worlds = [empty(Backend::Embedded, &key).await, empty(Backend::Production, &key).await];
    for world in &worlds {
        import(world, people);
    }
    whole_databases(worlds, &key, people).await;
}

/// Only files that say how it should be, after an import.
pub(crate) async fn files(people: usize) {
    begin(people);
    for backend in [Backend::Embedded, Backend::Production] {
        let world = empty(backend, &random_key()).await;
        import(&world, people);
        declared(&world, people).await;
    }
}

fn begin(people: usize) {
    println!("{people} people, each move {KILLS} times killed and begun again\n");
    titles();
}

fn titles() {
    println!("{:<44}{:>9}{:>12}{:>9}", "", "seconds", "people/s", "MiB");
}

/// Backup and restore of each, and a copy from the first, which is SQLite, to PostgreSQL.
async fn whole_databases(mut worlds: [World; 2], key: &str, people: usize) {
    for world in &mut worlds {
        world.stop();
    }
    for world in &worlds {
        backed_up(world, key, people).await;
    }
    copied(&worlds[0], key, people).await;
    println!("\nWhat was there in the end was the same each time.");
}

/// Only the import of a file, once on each database, with the processor time of the command and of the
/// server beside it.
pub(crate) async fn imports(people: usize) {
    titles();
    for backend in [Backend::Embedded, Backend::Production] {
        let world = empty(backend, &random_key()).await;
        let before = job::processor_seconds(world.pid());
        let done = import(&world, people);
        report("user import, CSV", &world, &done, people);
        let of_server = job::processor_seconds(world.pid()) - before;
        println!("{:<44}{:>9.1}", "  processor seconds of the command", done.processor_seconds);
        println!("{:<44}{of_server:>9.1}", "  processor seconds of the server meanwhile");
    }
}

/// Writes the file of people into this world, and imports it.
fn import(world: &World, people: usize) -> job::Done {
    let path = file_of_people(world);
    crowd::write_people(&path, people);
    let done = job::run(world, &["user", "import", &path.display().to_string()]);
    assert_eq!(done.said["created"], people);
    done
}

fn file_of_people(world: &World) -> PathBuf {
    world.path("people.csv")
}

fn report(what: &str, world: &World, done: &job::Done, people: usize) {
    let kind = if world.backend == Backend::Embedded { "SQLite" } else { "PostgreSQL" };
    let seconds = done.took.as_secs_f64();
    let rate = f64::from(u32::try_from(people).expect("fewer people")) / seconds;
    println!("{:<44}{seconds:>9.1}{rate:>12.0}{:>9}", format!("{what}, {kind}"), done.peak_mib);
}

/// A running server with nobody, on stores that write to the disk as they would elsewhere.
async fn empty(backend: Backend, key: &str) -> World {
    let builder = World::builder(backend).env("DOORWARD_SECRETS__MASTER_KEY", key);
    if backend == Backend::Production {
        builder.own_postgres().start().await
    } else {
        builder.start().await
    }
}

/// The file imported beside a running server, in one go and in several: the same people.
async fn imported(backend: Backend, key: &str, people: usize) -> World {
    let whole = empty(backend, key).await;
    let done = import(&whole, people);
    report("user import, CSV", &whole, &done, people);
    let file = file_of_people(&whole).display().to_string();
    let parts = empty(backend, key).await;
    // It may be killed after its last batch, and then everybody is there when it is begun again.
    killed(&parts, &["user", "import", &file, "--duplicates", "skip"], done.took / 2);
    compare::assert_same_people(&whole, &parts);
    whole
}

/// A realm of Keycloak imported, in one go and in several.
async fn realm(backend: Backend, people: usize) {
    let key = random_key();
    let (whole, parts) = (empty(backend, &key).await, empty(backend, &key).await);
    let path = whole.path("realm.json");
    crowd::write_realm(&path, people);
    let file = path.display().to_string();
    let arguments = ["import", "--from", "keycloak", &file];
    let done = job::run(&whole, &arguments);
    report("import of a realm of Keycloak", &whole, &done, people);
    killed(&parts, &[&arguments[..], &["--duplicates", "skip"]].concat(), done.took / 2);
    compare::assert_same_people(&whole, &parts);
}

/// Exported as a file, the file carried out elsewhere, in one go and in several.
async fn declared(from: &World, people: usize) {
    let path = from.path("state.json").display().to_string();
    let done = job::run(from, &["export", "--output", &path]);
    report("export", from, &done, people);
    let done = job::run(from, &["apply", "-f", &path]);
    assert_eq!(done.said["changes"].as_array().map(Vec::len), Some(0));
    report("apply, nothing to do", from, &done, people);
    let key = random_key();
    let (whole, parts) = (empty(from.backend, &key).await, empty(from.backend, &key).await);
    let done = job::run(&whole, &["apply", "-f", &path]);
    report("apply, everybody is new", &whole, &done, people);
    killed(&parts, &["apply", "-f", &path], done.took / 2);
    let again = |world: &World| {
        let path = world.path("again.json");
        job::run(world, &["export", "--output", &path.display().to_string()]);
        std::fs::read_to_string(path).expect("the export")
    };
    let first = std::fs::read_to_string(&path).expect("the export");
    assert!(again(&whole) == first && again(&parts) == first, "the exports differ");
}

/// A backup, and a restore over something else.
async fn backed_up(from: &World, key: &str, people: usize) {
    let path = from.path("backup.tar");
    let file = path.display().to_string();
    let done = job::run(from, &["backup", &file]);
    report("backup", from, &done, people);
    let mebibytes = std::fs::metadata(&path).expect("the backup").len() >> 20;
    println!("{:<44}{mebibytes:>30}", "  its file");
    let other = from.path("killed.tar");
    for _ in 0..KILLS {
        job::kill(from, &["backup", &other.display().to_string()], done.took);
        if other.exists() {
            // It had been quick enough: then it is whole.
            job::run(from, &["restore", "--dry-run", &other.display().to_string()]);
            std::fs::remove_file(&other).expect("remove it");
        }
    }
    let mut to = empty(from.backend, key).await;
    to.stop();
    let arguments = ["restore", "--replace", "--yes", &file];
    let done = job::run(&to, &arguments);
    report("restore", &to, &done, people);
    assert_put_back(from, &to);
    killed(&to, &arguments, done.took);
    assert_put_back(from, &to);
}

#[track_caller]
fn assert_put_back(from: &World, to: &World) {
    compare::assert_same(&compare::tables(from), &compare::tables(to), &TELLS);
}

/// From SQLite to PostgreSQL.
async fn copied(from: &World, key: &str, people: usize) {
    let mut to = empty(Backend::Production, key).await;
    to.stop();
    let (source, target) = (from.database_url(), to.database_url());
    let arguments = ["db", "copy", "--from", &source, "--to", &target, "--replace", "--yes"];
    let done = job::run(&to, &arguments);
    report("db copy to PostgreSQL", from, &done, people);
    assert_eq!(
        compare::of(&done.said).get("users").map(|users| users.0),
        u64::try_from(people).ok()
    );
    assert_put_back(from, &to);
    killed(&to, &arguments, done.took);
    assert_put_back(from, &to);
}

/// Kills the command at random points, several times, and lets it come to its end then. What goes on where
/// it stopped may be over before it is killed once more.
fn killed(world: &World, arguments: &[&str], length: Duration) {
    let kills = (0..KILLS).take_while(|_| job::kill(world, arguments, length)).count();
    assert!(kills > 0, "{arguments:?} was over before it could be killed");
    if kills == KILLS {
        job::run(world, arguments);
    }
}
