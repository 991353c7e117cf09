//! The ephemeral store on Redis (6.2 or later): one multiplexed connection per process.
//!
//! When Redis does not answer, commands fail at once instead of each waiting its turn, while a
//! background task tries to connect until it does again.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use redis::{Cmd, FromRedisValue, RedisError, RedisResult, Value};
use tokio::sync::Notify;
use tokio::time::timeout;
use tracing::Instrument as _;

use super::redis_eviction::{Eviction, policy_in, question, told};
use super::redis_link::{ANSWER_LIMIT, Link, Wire};
use super::{About, EphemeralConnectError, StoreError};
use crate::clock::Seconds;
use crate::telemetry::traces;

/// Everything of ours begins with this, so that a Redis may be shared.
const PREFIX: &str = "dw:";
/// The most a command may take, a second attempt included.
const COMMAND_LIMIT: Duration = Duration::from_millis(1800);
/// How often a healthy connection is asked whether it still is.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// How long to wait between attempts to reach a Redis that is down.
const RETRY: Duration = Duration::from_millis(100);
/// How long the first connection may take.
const START_LIMIT: Duration = Duration::from_secs(3);

/// Adds one; sets the time to live exactly when it creates the counter.
const INCREMENT: &str = "local n = redis.call('INCR', KEYS[1]) \
    if n == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end return n";

/// Replaces a value that is still the expected one.
const REPLACE: &str = "if redis.call('GET', KEYS[1]) == ARGV[1] then \
    redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL') return 1 end return 0";

/// The same, and stores the other keys first: an error on the way, such as a memory that is full,
/// leaves the value as it is.
const REPLACE_BESIDE: &str = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end \
    for i = 2, #KEYS do redis.call('SET', KEYS[i], ARGV[2 * i - 1], 'EX', ARGV[2 * i]) end \
    redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL') return 1";
/// Stores a value where there is still the expected one, or none where none is expected.
const EXCHANGE: &str = "local old = redis.call('GET', KEYS[1]) \
    if #ARGV == 3 and old ~= ARGV[3] or #ARGV == 2 and old then return 0 end \
    redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2]) return 1";

/// The store on Redis. Cheap to clone.
#[derive(Clone)]
pub struct RedisStore {
    inner: Arc<Inner>,
    /// How every key begins.
    prefix: Arc<str>,
}

struct Inner {
    link: Link,
    wire: ArcSwap<Wire>,
    /// When a connection was made last; set before anybody may use that one.
    since: ArcSwap<Instant>,
    /// Set while Redis does not answer.
    down: AtomicBool,
    /// Wakes the background task.
    trouble: Notify,
    eviction: Eviction,
}

/// Whether doing a command twice does the same as doing it once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Repeat {
    Harmless,
    Harmful,
}

impl std::fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let down = self.inner.down.load(Ordering::Relaxed);
        f.debug_struct("RedisStore").field("down", &down).finish_non_exhaustive()
    }
}

impl RedisStore {
    /// Connects, or says in one line why it cannot.
    pub async fn connect(url: &str) -> Result<Self, EphemeralConnectError> {
        let (link, eviction) = (Link::parse(url)?, Eviction::default());
        let wire = match timeout(START_LIMIT, connected(&link, &eviction)).await {
            Ok(outcome) => {
                outcome.map_err(|e| EphemeralConnectError::Unreachable(e.to_string()))?
            }
            Err(_) => {
                return Err(EphemeralConnectError::Unreachable("no answer in time".to_owned()));
            }
        };
        let inner = Arc::new(Inner {
            link,
            wire: ArcSwap::from_pointee(wire),
            since: ArcSwap::from_pointee(Instant::now()),
            down: AtomicBool::new(false),
            trouble: Notify::new(),
            eviction,
        });
        tokio::spawn(keep_connected(Arc::downgrade(&inner)));
        Ok(Self { inner, prefix: PREFIX.into() })
    }

    /// The same store with other keys for this epoch of the database; 0 for one never restored.
    pub(super) fn of_epoch(self, epoch: i64) -> Self {
        let prefix = if epoch == 0 { PREFIX.into() } else { format!("{PREFIX}{epoch}:").into() };
        Self { prefix, ..self }
    }

    fn prefixed(&self, key: &str) -> String {
        [&self.prefix, key].concat()
    }

    fn on(&self, command: &str, key: &str) -> Cmd {
        redis::cmd(command).arg(self.prefixed(key)).take()
    }

    pub(super) async fn put(&self, key: &str, value: &str, ttl: Seconds) -> Result<(), StoreError> {
        let command = self.on("SET", key).arg(value).arg("EX").arg(ttl.max(1)).take();
        self.call(&command, Repeat::Harmless).await
    }

    pub(super) async fn put_new(
        &self,
        key: &str,
        value: &str,
        ttl: Seconds,
    ) -> Result<bool, StoreError> {
        let command = self.on("SET", key).arg(value).arg("EX").arg(ttl.max(1)).arg("NX").take();
        let stored: Option<String> = self.call(&command, Repeat::Harmful).await?;
        Ok(stored.is_some())
    }

    pub(super) async fn get(&self, key: &str) -> Result<Option<String>, StoreError> {
        self.call(&self.on("GET", key), Repeat::Harmless).await
    }

    pub(super) async fn get_extend(
        &self,
        key: &str,
        ttl: Seconds,
    ) -> Result<Option<String>, StoreError> {
        let command = self.on("GETEX", key).arg("EX").arg(ttl.max(1)).take();
        self.call(&command, Repeat::Harmless).await
    }

    pub(super) async fn take(&self, key: &str) -> Result<Option<String>, StoreError> {
        self.call(&self.on("GETDEL", key), Repeat::Harmful).await
    }

    pub(super) async fn delete(&self, keys: &[&str]) -> Result<(), StoreError> {
        if keys.is_empty() {
            return Ok(());
        }
        let mut command = redis::cmd("DEL");
        for key in keys {
            command.arg(self.prefixed(key));
        }
        self.call::<i64>(&command, Repeat::Harmless).await.map(drop)
    }

    pub(super) async fn replace(
        &self,
        key: &str,
        old: &str,
        new: &str,
    ) -> Result<bool, StoreError> {
        let command =
            redis::cmd("EVAL").arg(REPLACE).arg(1).arg(self.prefixed(key)).arg(old).arg(new).take();
        self.call(&command, Repeat::Harmful).await
    }

    pub(super) async fn replace_beside(
        &self,
        (key, old, new): (&str, &str, &str),
        beside: &[(String, String, Seconds)],
    ) -> Result<bool, StoreError> {
        let mut command = redis::cmd("EVAL");
        command.arg(REPLACE_BESIDE).arg(beside.len() + 1).arg(self.prefixed(key));
        for (key, ..) in beside {
            command.arg(self.prefixed(key));
        }
        command.arg(old).arg(new);
        for (_, value, ttl) in beside {
            command.arg(value).arg((*ttl).max(1));
        }
        self.call(&command, Repeat::Harmful).await
    }

    pub(super) async fn exchange(
        &self,
        key: &str,
        old: Option<&str>,
        (new, ttl): (&str, Seconds),
    ) -> Result<bool, StoreError> {
        let mut command = redis::cmd("EVAL");
        command.arg(EXCHANGE).arg(1).arg(self.prefixed(key)).arg(new).arg(ttl.max(1)).arg(old);
        self.call(&command, Repeat::Harmful).await
    }

    pub(super) async fn increment(&self, key: &str, ttl: Seconds) -> Result<i64, StoreError> {
        let command =
            redis::cmd("EVAL").arg(INCREMENT).arg(1).arg(self.prefixed(key)).arg(ttl.max(1)).take();
        self.call(&command, Repeat::Harmful).await
    }

    pub(super) async fn get_many(
        &self,
        keys: &[String],
    ) -> Result<Vec<Option<String>>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut command = redis::cmd("MGET");
        for key in keys {
            command.arg(self.prefixed(key));
        }
        self.call(&command, Repeat::Harmless).await
    }

    pub(super) async fn ping(&self) -> Result<(), StoreError> {
        self.call::<Value>(&redis::cmd("PING"), Repeat::Harmless).await.map(drop)
    }

    pub(super) async fn eviction_policy(&self) -> Option<String> {
        policy_in(&self.call::<Value>(&question(), Repeat::Harmless).await.ok()?)
    }

    /// What Redis says of itself, one value for each node that answers.
    pub(super) async fn about(&self) -> Option<About> {
        let question = redis::cmd("INFO");
        let answer = self.call::<Value>(&question, Repeat::Harmless).await.ok()?;
        Some(About {
            versions: told(&answer, "redis_version"),
            roles: told(&answer, "role"),
            is_cluster: told(&answer, "cluster_enabled").iter().any(|enabled| enabled == "1"),
        })
    }

    pub(super) fn connected_at(&self) -> Instant {
        **self.inner.since.load()
    }

    pub(super) fn may_evict(&self) -> bool {
        self.inner.eviction.is_known()
    }

    async fn call<T: FromRedisValue>(
        &self,
        command: &Cmd,
        repeat: Repeat,
    ) -> Result<T, StoreError> {
        let inner = &self.inner;
        if inner.down.load(Ordering::Acquire) {
            return Err(unavailable("Redis does not answer"));
        }
        let attempt = async {
            let wire = inner.wire.load_full();
            match wire.call(command).await {
                Err(error)
                    if repeat == Repeat::Harmless && broke(&error) && !error.is_timeout() =>
                {
                    Box::pin(inner.reconnect(&wire)).await?;
                    inner.wire.load_full().call(command).await
                }
                outcome => outcome,
            }
        };
        let span = traces::statement("redis", command_name(command));
        match timeout(COMMAND_LIMIT, attempt).instrument(span).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                if broke(&error) {
                    inner.note_trouble();
                }
                Err(explained(&error))
            }
            Err(_) => {
                inner.note_trouble();
                Err(StoreError::timed_out())
            }
        }
    }
}

/// The command without its arguments, for traces.
fn command_name(command: &Cmd) -> &str {
    match command.args_iter().next() {
        Some(redis::Arg::Simple(name)) => std::str::from_utf8(name).unwrap_or_default(),
        _ => "",
    }
}

impl Inner {
    /// From now on commands fail at once, until the background task has reached Redis again. A
    /// cluster mends itself, and one bad node must not stop the others.
    fn note_trouble(&self) {
        if matches!(**self.wire.load(), Wire::One(_)) {
            self.down.store(true, Ordering::Release);
        }
        self.trouble.notify_one();
    }

    fn take(&self, fresh: Wire) {
        self.since.store(Arc::new(Instant::now()));
        self.wire.store(Arc::new(fresh));
    }

    /// Replaces the connection, unless somebody has replaced `broken` already.
    async fn reconnect(&self, broken: &Arc<Wire>) -> RedisResult<()> {
        if Arc::ptr_eq(broken, &self.wire.load_full()) {
            let fresh = connected(&self.link, &self.eviction).await?;
            self.take(fresh);
        }
        Ok(())
    }
}

/// Asks the connection now and then whether it lives, and replaces it when it does not. Ends when
/// the store is dropped.
async fn keep_connected(store: Weak<Inner>) {
    while let Some(inner) = store.upgrade() {
        let down = inner.down.load(Ordering::Acquire);
        let pause = if down { RETRY } else { HEARTBEAT };
        // A notification only shortens the wait of a connection that was thought healthy.
        if down {
            tokio::time::sleep(pause).await;
        } else {
            let _ = timeout(pause, inner.trouble.notified()).await;
        }
        let wire = inner.wire.load_full();
        let healthy = !inner.down.load(Ordering::Acquire) && within(answers(&wire)).await.is_ok();
        if healthy {
            inner.eviction.ask(&wire).await;
            continue;
        }
        if !inner.down.swap(true, Ordering::AcqRel) {
            tracing::warn!("Redis does not answer; trying to reach it again");
        }
        match within(connected(&inner.link, &inner.eviction)).await {
            Ok(fresh) => {
                inner.take(fresh);
                inner.down.store(false, Ordering::Release);
                tracing::info!("Redis answers again");
            }
            Err(error) => tracing::debug!(%error, "Redis is still not reachable"),
        }
    }
}

/// A connection that has answered once. Behind it may be another server, so it is asked whether it
/// evicts before anything relies on it.
async fn connected(link: &Link, eviction: &Eviction) -> RedisResult<Wire> {
    let wire = link.connect().await?;
    answers(&wire).await?;
    eviction.ask(&wire).await;
    Ok(wire)
}

async fn answers(wire: &Wire) -> RedisResult<()> {
    wire.call::<Value>(&redis::cmd("PING")).await.map(drop)
}

async fn within<T>(run: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    timeout(ANSWER_LIMIT, run)
        .await
        .unwrap_or_else(|_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()))
}

/// Whether this connection, or the server behind it, is of no more use: another must be made.
/// A server that became a replica or is still loading its data is as good as gone.
fn broke(error: &RedisError) -> bool {
    error.is_io_error()
        || error.is_connection_dropped()
        || error.is_unrecoverable_error()
        || matches!(error.code(), Some("READONLY" | "LOADING" | "MASTERDOWN"))
}

fn explained(error: &RedisError) -> StoreError {
    let wrong_content =
        matches!(error.kind(), redis::ErrorKind::Parse | redis::ErrorKind::UnexpectedReturnType)
            || matches!(error.code(), Some("WRONGTYPE"))
            || error.detail().is_some_and(|detail| detail.contains("not an integer"));
    if wrong_content {
        StoreError::Corrupt(error.to_string())
    } else {
        unavailable(&error.to_string())
    }
}

fn unavailable(reason: &str) -> StoreError {
    StoreError::Unavailable(reason.to_owned())
}
