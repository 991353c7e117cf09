//! What a world finds when it starts. Making ten signing keys takes far longer than everything else
//! a server does at its first start, so one server makes them and the others start with a copy.

use std::path::Path;
use std::sync::OnceLock;

use tokio::sync::OnceCell;

use super::backends::Backend;
use super::world::{World, random_key};

/// What happened before a world's own server starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Past {
    /// Nothing: its data directory is empty, or its database has nothing but the schema.
    None,
    /// A server with default settings started once and was stopped.
    Started,
}

/// Whether a setting says what keys there are, or how they are sealed.
pub fn is_of_keys(name: &str) -> bool {
    ["DOORWARD_KEYS", "DOORWARD_SECRETS", "DOORWARD_DATABASE", "DOORWARD_DATA_DIR"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// The master key of every world on PostgreSQL, since one copy serves them all.
pub fn master_key() -> &'static str {
    static KEY: OnceLock<String> = OnceLock::new();
    KEY.get_or_init(random_key)
}

/// Copies the data directory of a server that was started and stopped.
pub async fn copy_embedded(to: &Path) {
    static STARTED: OnceCell<World> = OnceCell::const_new();
    let started = STARTED
        .get_or_init(async || {
            let mut world = Box::pin(World::builder(Backend::Embedded).prepare()).await;
            world.start_server().await;
            assert!(world.stop().success(), "the first server did not end well:\n{}", world.log());
            world
        })
        .await;
    let from = started.data_dir();
    std::fs::create_dir_all(to).expect("make the data directory");
    let permissions = std::fs::metadata(&from).expect("a data directory").permissions();
    std::fs::set_permissions(to, permissions).expect("set its permissions");
    for file in std::fs::read_dir(&from).expect("list the data directory") {
        let file = file.expect("a file");
        std::fs::copy(file.path(), to.join(file.file_name())).expect("copy a file");
    }
}
