//! Whether Redis drops what has not expired when it is full. Such a Redis forgets what was revoked while
//! the marker of that copy stays, so nobody may conclude anything from what is missing in it.

use std::sync::atomic::{AtomicBool, Ordering};

use redis::{Cmd, Value};
use tokio::time::timeout;

use super::redis_link::{ANSWER_LIMIT, Wire};

/// What Redis last said about it.
#[derive(Debug, Default)]
pub(super) struct Eviction {
    known: AtomicBool,
    /// Whether the log has been told that Redis does not say.
    told_unknown: AtomicBool,
}

impl Eviction {
    /// Whether Redis is known to evict.
    pub(super) fn is_known(&self) -> bool {
        self.known.load(Ordering::Acquire)
    }

    /// Asks, and says in the log what has changed. Without an answer what was known stays so.
    pub(super) async fn ask(&self, wire: &Wire) {
        match timeout(ANSWER_LIMIT, wire.call::<Value>(&question())).await {
            Ok(Ok(answer)) => self.learn(policy_in(&answer).as_deref()),
            // A command that is forbidden or has been renamed.
            Ok(Err(error)) if matches!(error.code(), Some("NOPERM" | "ERR")) => self.learn(None),
            Ok(Err(_)) | Err(_) => {}
        }
    }

    fn learn(&self, policy: Option<&str>) {
        let Some(policy) = policy else {
            if !self.told_unknown.swap(true, Ordering::AcqRel) {
                tracing::warn!(
                    "Redis does not tell its maxmemory-policy; make sure that it is noeviction"
                );
            }
            return;
        };
        let evicts = policy != "noeviction";
        if self.known.swap(evicts, Ordering::AcqRel) == evicts {
            return;
        }
        if evicts {
            tracing::warn!(
                policy,
                "Redis may evict keys when it is full, so SQL is asked what was revoked; set \
                 maxmemory-policy to noeviction"
            );
        } else {
            tracing::info!("Redis evicts nothing any more");
        }
    }
}

/// INFO rather than CONFIG GET, which hosted Redis often forbids.
pub(super) fn question() -> Cmd {
    redis::cmd("INFO").arg("memory").take()
}

/// Finds `maxmemory_policy:…` in the answer to INFO, which a cluster gives once per node. Any policy
/// but `noeviction` is reported in preference to it.
pub(super) fn policy_in(answer: &Value) -> Option<String> {
    let mut policies = told(answer, "maxmemory_policy");
    policies.sort_by_key(|policy| policy == "noeviction");
    policies.into_iter().next()
}

/// What the answer to INFO says of `name`: one value for each node that answered.
pub(super) fn told(answer: &Value, name: &str) -> Vec<String> {
    let line = |info: &str| {
        let mut values = info.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        values.next().map(|value| value.trim().to_owned())
    };
    let mut found = Vec::new();
    let mut waiting = vec![answer];
    while let Some(value) = waiting.pop() {
        match value {
            Value::BulkString(bytes) => found.extend(line(&String::from_utf8_lossy(bytes))),
            Value::VerbatimString { text, .. } => found.extend(line(text)),
            Value::Array(items) => waiting.extend(items),
            Value::Map(pairs) => waiting.extend(pairs.iter().map(|(_, value)| value)),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_policy_of_a_cluster_is_the_one_reported() {
        let info = |policy: &str| {
            Value::BulkString(format!("# Memory\r\nmaxmemory_policy:{policy}\r\n").into_bytes())
        };
        let node = |name: &str| Value::BulkString(name.as_bytes().to_vec());
        let answer =
            Value::Map(vec![(node("a"), info("noeviction")), (node("b"), info("allkeys-lru"))]);
        assert_eq!(policy_in(&answer).as_deref(), Some("allkeys-lru"));
        assert_eq!(policy_in(&info("noeviction")).as_deref(), Some("noeviction"));
        assert_eq!(policy_in(&Value::Nil), None);
    }

    #[test]
    fn a_policy_counts_until_redis_says_otherwise() {
        let eviction = Eviction::default();
        assert!(!eviction.is_known());
        for (said, known) in [
            (None, false),
            (Some("noeviction"), false),
            (Some("allkeys-lru"), true),
            (None, true),
            (Some("volatile-ttl"), true),
            (Some("noeviction"), false),
        ] {
            eviction.learn(said);
            assert_eq!(eviction.is_known(), known, "{said:?}");
        }
    }
}
