//! The PostgreSQL and the Redis that all tests of this process share, each test in its own part.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::OnceCell;

pub use super::postgres::{Durability, PostgresProcess, ReadOnly};
pub use super::redis_server::{Persistence, RedisProcess, Snapshot};

/// The shared PostgreSQL: started at the first use, ended with the process.
pub struct PrivatePostgres(PostgresProcess);

static POSTGRES: OnceCell<PrivatePostgres> = OnceCell::const_new();
static TEMPLATES: Mutex<BTreeMap<String, Template>> = Mutex::new(BTreeMap::new());
type Template = Arc<OnceCell<String>>;

impl PrivatePostgres {
    /// The server of this process. It syncs to disk as in production.
    pub async fn shared() -> &'static Self {
        POSTGRES.get_or_init(async || Self(PostgresProcess::start(Durability::Fsync).await)).await
    }

    /// The address of a fresh, empty database.
    pub async fn database() -> String {
        Self::shared().await.0.create_database().await
    }

    /// The address of a fresh database with what `make` puts into it. `make` gets the address of a
    /// template and runs once in this process for each `label`; every other call copies its work.
    /// It must have closed its connections when it returns.
    pub async fn database_made_by(label: &str, make: impl AsyncFnOnce(String)) -> String {
        let server = &Self::shared().await.0;
        let cell = {
            let mut templates = TEMPLATES.lock().unwrap_or_else(PoisonError::into_inner);
            Template::clone(templates.entry(label.to_owned()).or_default())
        };
        let template = cell
            .get_or_init(async || {
                let url = server.create_database().await;
                make(url.clone()).await;
                url.rsplit('/').next().unwrap_or_default().to_owned()
            })
            .await;
        server.create_database_from(template).await
    }
}

/// The shared Redis.
pub struct PrivateRedis;

static REDIS: OnceLock<RedisProcess> = OnceLock::new();

impl PrivateRedis {
    /// The address of a logical database nobody used before. Publish and subscribe are not
    /// separated by it, and a test that flushes or kills the server takes its own
    /// [`RedisProcess`].
    pub fn fresh() -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let server = REDIS.get_or_init(|| RedisProcess::start(Persistence::Snapshot));
        server.url_of(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}
