//! The fast memory beside the database: Redis, or this process when there is only one node.
//!
//! Everything in it may vanish at any time. It may speed an answer up or hold what is worthless
//! after a minute, but it is never the only witness that something was spent or revoked. Absence of
//! an answer is [`StoreError::Unavailable`] within two seconds, never a guess.

pub mod attempts;
pub mod codes;
pub mod device_codes;
pub mod memory;
pub mod proofs;
pub mod pushed;
pub mod redis;
mod redis_eviction;
mod redis_link;
pub mod stumbles;
pub mod throttle;
pub mod try_it;
pub mod uploads;

use std::time::Instant;

use crate::clock::{Clock, Seconds, UnixTime};

pub use self::memory::MemoryStore;
pub use self::redis::RedisStore;
use super::error::StoreError;

/// Why the ephemeral store could not be opened at start-up. One line for the operator, without any
/// password.
#[derive(Debug, thiserror::Error)]
pub enum EphemeralConnectError {
    #[error(
        "the Redis URL is not understood ({0}): it must look like redis://host:6379/0, redis+cluster://host:6379,host:6379 or redis+sentinel://host:26379,host:26379/service"
    )]
    Url(String),
    #[error("cannot reach Redis: {0}")]
    Unreachable(String),
}

/// A key-value store whose values expire. Cheap to clone. Times to live are whole seconds; anything
/// below one counts as one.
#[derive(Debug, Clone)]
pub enum Ephemeral {
    Memory(MemoryStore),
    Redis(RedisStore),
}

/// What Redis says of itself (`INFO`), one value for each node that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Such as `7.2.4`.
    pub versions: Vec<String>,
    /// `master` or `slave`.
    pub roles: Vec<String>,
    /// Whether it is a node of a cluster.
    pub is_cluster: bool,
}

/// Sends a verb to whichever store it is.
macro_rules! to_either {
    ($self:ident, $store:ident => $call:expr, $other:ident => $answer:expr) => {
        match $self {
            Self::Memory($store) => $call,
            Self::Redis($other) => $answer,
        }
    };
}

impl Ephemeral {
    /// Opens Redis at `url`, or a store in this process when there is none. A Redis that cannot be
    /// reached now is an error; one that goes away later comes back by itself.
    pub async fn connect(url: Option<&str>, clock: Clock) -> Result<Self, EphemeralConnectError> {
        match url {
            None => Ok(Self::Memory(MemoryStore::new(clock))),
            Some(url) => Ok(Self::Redis(RedisStore::connect(url).await?)),
        }
    }

    /// The same store under the names of this epoch of the database (`store::sync`): nothing kept under
    /// another one is seen. What is in this process never outlives a restore.
    #[must_use]
    pub fn of_epoch(self, epoch: i64) -> Self {
        match self {
            Self::Memory(store) => Self::Memory(store),
            Self::Redis(store) => Self::Redis(store.of_epoch(epoch)),
        }
    }

    /// Whether other processes see what is stored here.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Redis(_))
    }

    /// Stores a value, replacing any.
    pub async fn put(&self, key: &str, value: &str, ttl: Seconds) -> Result<(), StoreError> {
        to_either!(self, m => m.put(key, value, ttl), r => r.put(key, value, ttl).await)
    }

    /// Stores a value unless there is one; `true` if it was stored.
    pub async fn put_new(&self, key: &str, value: &str, ttl: Seconds) -> Result<bool, StoreError> {
        to_either!(self, m => m.put_new(key, value, ttl), r => r.put_new(key, value, ttl).await)
    }

    /// The value.
    pub async fn get(&self, key: &str) -> Result<Option<String>, StoreError> {
        to_either!(self, m => Ok(m.get(key)), r => r.get(key).await)
    }

    /// The value, and a new time to live for it, in one trip.
    pub async fn get_extend(&self, key: &str, ttl: Seconds) -> Result<Option<String>, StoreError> {
        to_either!(self, m => Ok(m.get_extend(key, ttl)), r => r.get_extend(key, ttl).await)
    }

    /// The value, removed: of any number of callers one gets it.
    pub async fn take(&self, key: &str) -> Result<Option<String>, StoreError> {
        to_either!(self, m => Ok(m.take(key)), r => r.take(key).await)
    }

    /// Removes values that may or may not be there.
    pub async fn delete(&self, keys: &[&str]) -> Result<(), StoreError> {
        to_either!(self, m => { m.delete(keys); Ok(()) }, r => r.delete(keys).await)
    }

    /// Replaces a value if it is still `old` and keeps its time to live; `false`, and nothing is
    /// stored, when it is another or none.
    pub async fn replace(&self, key: &str, old: &str, new: &str) -> Result<bool, StoreError> {
        to_either!(self, m => m.replace(key, old, new), r => r.replace(key, old, new).await)
    }

    /// [`Self::replace`], and in the same step values stored beside it, each with its time to live:
    /// nobody who reads the new value misses one of them, whatever breaks meanwhile. All keys must be
    /// in one slot of a cluster: they share what stands in braces.
    pub async fn replace_beside(
        &self,
        value: (&str, &str, &str),
        beside: &[(String, String, Seconds)],
    ) -> Result<bool, StoreError> {
        to_either!(
            self,
            m => m.replace_beside(value, beside),
            r => r.replace_beside(value, beside).await
        )
    }

    /// Stores a value with this time to live if what is there is still `old`, or still nothing; `false`,
    /// and nothing is stored, when somebody else was quicker.
    pub async fn exchange(
        &self,
        key: &str,
        old: Option<&str>,
        new: (&str, Seconds),
    ) -> Result<bool, StoreError> {
        to_either!(self, m => m.exchange(key, old, new), r => r.exchange(key, old, new).await)
    }

    /// Adds one and returns the count. The first call starts at 1 and sets the time to live, which
    /// later ones leave alone.
    pub async fn increment(&self, key: &str, ttl: Seconds) -> Result<i64, StoreError> {
        to_either!(self, m => m.increment(key, ttl), r => r.increment(key, ttl).await)
    }

    /// The values of these keys in their order, in one trip.
    pub async fn get_many(&self, keys: &[String]) -> Result<Vec<Option<String>>, StoreError> {
        to_either!(self, m => Ok(m.get_many(keys)), r => r.get_many(keys).await)
    }

    /// [`Self::get_extend`] and [`Self::get_many`] together, in one trip.
    pub async fn get_extend_with(
        &self,
        key: &str,
        ttl: Seconds,
        beside: &[String],
    ) -> Result<(Option<String>, Vec<Option<String>>), StoreError> {
        // Both commands leave on the one connection before either answer is awaited.
        let (value, beside) =
            futures_util::future::join(self.get_extend(key, ttl), self.get_many(beside)).await;
        Ok((value?, beside?))
    }

    /// Answers when the store does: readiness.
    pub async fn ping(&self) -> Result<(), StoreError> {
        to_either!(self, _m => Ok(()), r => r.ping().await)
    }

    /// Removes what had expired at this moment, looking at no more than `limit` entries; returns how
    /// many. Redis does that by itself.
    pub fn sweep(&self, now: UnixTime, limit: usize) -> usize {
        to_either!(self, m => m.sweep(now, limit), _r => 0)
    }

    /// Redis' `maxmemory-policy`, if there is one and it may be asked. Anything but `noeviction`
    /// deserves a warning: Redis may then drop what has not expired.
    pub async fn eviction_policy(&self) -> Option<String> {
        to_either!(self, _m => None, r => r.eviction_policy().await)
    }

    /// What Redis says of itself, if there is one and it may be asked.
    pub async fn about(&self) -> Option<About> {
        to_either!(self, _m => None, r => r.about().await)
    }

    /// When this process connected to the store last: behind a new connection may be a store with an
    /// older state. `None` for one in this process. A cluster mends its connections itself, unseen.
    #[must_use]
    pub fn connected_at(&self) -> Option<Instant> {
        to_either!(self, _m => None, r => Some(r.connected_at()))
    }

    /// Whether the store is known to drop what has not expired: then the absence of a value says
    /// nothing. As of the last second, or of the last new connection; a Redis that does not tell its
    /// policy is taken for one that drops nothing.
    pub fn may_evict(&self) -> bool {
        to_either!(self, _m => false, r => r.may_evict())
    }
}
